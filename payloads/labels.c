/*
 * What a reference is called: the attribute, item, field or local variable that holds it. Found by
 * looking for the referent where the referring object keeps things, so it costs nothing for
 * references that nobody asks about. Does not turn names into text: the host does.
 */
#include <pyinspect/stack_ref.h>

#include "state.h"

enum {
	/* Of an object's own memory, so much is searched. */
	FIELD_BYTES_LIMIT = 1 << 16,
	LOCAL_LIMIT = 1 << 16,
	ITEM_LIMIT = 1 << 30,
	/* Include/internal/pycore_object.h: words in front of an object. */
	MANAGED_DICT_BEFORE = 24,
	MANAGED_VALUES_BEFORE = 32,
};

/* Attributes kept without a dict: the names, and as many values. */
struct inline_values {
	uint64_t keys;
	uint64_t values_addr;
};

static bool find_values(const struct pyi_walk *walk, uint64_t object,
			const struct pyi_walk_type *type, struct inline_values *ret)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t values = 0;

	if (!(type->flags & PYI_TPFLAG_MANAGED_DICT) || !(type->flags & PYI_TPFLAG_HEAP_TYPE))
		return false;
	if (layout->features & PYI_FEATURE_MANAGED_DICT_AND_VALUES) {
		values = pyi_load64(object - MANAGED_VALUES_BEFORE);
	} else if (layout->features & PYI_FEATURE_MANAGED_DICT_OR_VALUES) {
		values = pyi_load64(object - MANAGED_DICT_BEFORE);
		values = values & 1 ? values + 1 : 0;
	} else if (layout->features & PYI_FEATURE_MANAGED_DICT &&
		   type->flags & PYI_TPFLAG_INLINE_VALUES) {
		values = object + (uint64_t)type->basicsize;
		if (!pyi_marks_is_readable(walk, values) ||
		    !pyi_load8(values + layout->values_valid))
			values = 0;
	}
	if (!values || !pyi_marks_is_readable(walk, values))
		return false;
	ret->keys = pyi_field(type->addr, layout->heap_type_cached_keys);
	ret->values_addr = values + (pyi_has(layout->values_items) ? layout->values_items : 0);
	return ret->keys != 0;
}

bool pyi_instance_has_values(const struct pyi_walk *walk, uint64_t object,
			     const struct pyi_walk_type *type)
{
	struct inline_values values;

	return find_values(walk, object, type, &values);
}

static uint64_t dict_at_offset(const struct pyi_walk *walk, uint64_t object,
			       const struct pyi_walk_type *type)
{
	uint64_t offset = (uint64_t)type->dictoffset;

	if (type->dictoffset < 0) {
		/* From the end of an object of variable size: Objects/object.c,
		   _PyObject_GetDictPtr() */
		uint64_t items = pyi_field(object, walk->layout->var_size);

		if ((int64_t)items < 0)
			items = 0 - items;
		if (items > ITEM_LIMIT || type->itemsize < 0 ||
		    type->itemsize > FIELD_BYTES_LIMIT || type->basicsize < 0 ||
		    type->basicsize > FIELD_BYTES_LIMIT)
			return 0;
		offset += ((uint64_t)type->basicsize + items * (uint64_t)type->itemsize + 7) &
			  ~UINT64_C(7);
		if ((int64_t)offset <= 0)
			return 0;
	}
	if (!offset || !pyi_marks_is_readable(walk, object + offset))
		return 0;
	return pyi_load64(object + offset);
}

uint64_t pyi_instance_dict(const struct pyi_walk *walk, uint64_t object,
			   const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	const struct pyi_walk_type *dict_type;
	uint64_t dict;

	if (!(type->flags & PYI_TPFLAG_MANAGED_DICT) || !(type->flags & PYI_TPFLAG_HEAP_TYPE)) {
		dict = dict_at_offset(walk, object, type);
	} else if (layout->features &
		   (PYI_FEATURE_MANAGED_DICT_AND_VALUES | PYI_FEATURE_MANAGED_DICT_OR_VALUES |
		    PYI_FEATURE_MANAGED_DICT)) {
		dict = pyi_load64(object - MANAGED_DICT_BEFORE);
		if (layout->features & PYI_FEATURE_MANAGED_DICT_OR_VALUES && dict & 1)
			dict = 0;
	} else {
		dict = dict_at_offset(walk, object, type);
	}
	if (!dict || !pyi_marks_is_readable(walk, dict))
		return 0;
	dict_type = pyi_types_find((struct pyi_walk *)walk, pyi_field(dict, layout->object_type));
	if (!dict_type ||
	    (dict_type->kind != PYI_KIND_DICT && dict_type->kind != PYI_KIND_ORDERED_DICT))
		return 0;
	return dict;
}

static uint64_t find_code(const struct pyi_walk *walk, uint64_t object,
			  const struct pyi_walk_type *type, uint64_t *ret_locals_addr)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t iframe = 0;

	if (type->kind == PYI_KIND_GENERATOR && layout->features & PYI_FEATURE_EMBEDDED_FRAMES)
		iframe = object + layout->generator_iframe;
	else if (type->kind == PYI_KIND_FRAME && pyi_has(layout->frame_iframe))
		iframe = pyi_field(object, layout->frame_iframe);
	if (iframe) {
		if (!pyi_marks_is_readable(walk, iframe))
			return 0;
		*ret_locals_addr = iframe + layout->iframe_localsplus;
		return pyi_stack_ref_object(layout, pyi_field(iframe, layout->iframe_code));
	}
	if (type->kind == PYI_KIND_FRAME && pyi_has(layout->frame_code)) {
		*ret_locals_addr = object + layout->frame_localsplus;
		return pyi_field(object, layout->frame_code);
	}
	return 0;
}

uint64_t pyi_code_of(const struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	uint64_t locals_addr;

	return find_code(walk, object, type, &locals_addr);
}

/* Local variables and stack slots, of frames and of generators that carry theirs. */
static bool label_local(const struct pyi_walk *walk, struct pyi_label_cursor *cursor,
			const struct pyi_reference *reference, struct pyi_edge *edge)
{
	uint64_t locals_addr;
	uint64_t count;
	uint64_t code = find_code(walk, reference->source, reference->holder_type, &locals_addr);

	if (!code || !pyi_marks_is_readable(walk, code))
		return false;
	count = pyi_size_of_locals(walk, code) / PYI_POINTER_BYTES;
	if (count > LOCAL_LIMIT || !pyi_marks_is_readable(walk, locals_addr))
		return false;
	for (uint64_t n = 0; n < count; n++) {
		uint64_t i = (cursor->item + n) % count;
		uint64_t word = pyi_load64(locals_addr + i * PYI_POINTER_BYTES);

		if (pyi_stack_ref_object(walk->layout, word) != reference->target)
			continue;
		*edge = (struct pyi_edge){ .kind = PYI_EDGE_LOCAL, .detail = i, .context = code };
		cursor->item = i + 1;
		return true;
	}
	return false;
}

/* The slots of an entry are numbered: value first, as tp_traverse reports them. */
static bool label_item(const struct pyi_walk *walk, struct pyi_label_cursor *cursor, uint64_t dict,
		       const struct pyi_reference *reference, struct pyi_edge *edge,
		       uint64_t *ret_items)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t values = pyi_field(dict, layout->dict_values);
	uint64_t keys = pyi_field(dict, layout->dict_keys);
	struct pyi_dict_entries entries;
	uint64_t slots;

	if (!pyi_dict_entries_find(walk, keys, &entries))
		return false;
	if (values && pyi_has(layout->values_items))
		values += layout->values_items;
	*ret_items = entries.count;
	slots = 2 * entries.count;
	for (uint64_t n = 0; n < slots; n++) {
		uint64_t slot = (cursor->item + n) % slots;
		uint64_t entry = entries.first_addr + slot / 2 * entries.entry_bytes;
		uint64_t found;

		if (slot % 2)
			found = pyi_load64(entry + entries.key_offset);
		else if (values)
			found = pyi_load64(values + slot / 2 * PYI_POINTER_BYTES);
		else
			found = pyi_load64(entry + entries.value_offset);
		if (found != reference->target)
			continue;
		cursor->item = slot + 1;
		*edge = (struct pyi_edge){
			.kind = slot % 2 ? PYI_EDGE_KEY : PYI_EDGE_ITEM,
			.detail = pyi_load64(entry + entries.key_offset),
		};
		return true;
	}
	return false;
}

/* Lists and tuples: tp_traverse goes from the last item to the first. */
static bool label_index(struct pyi_label_cursor *cursor, uint64_t items_addr, uint64_t count,
			uint64_t target, struct pyi_edge *edge)
{
	for (uint64_t n = 0; n < count; n++) {
		uint64_t i = count - 1 - (cursor->item + n) % count;

		if (pyi_load64(items_addr + i * PYI_POINTER_BYTES) != target)
			continue;
		cursor->item = count - i;
		*edge = (struct pyi_edge){ .kind = PYI_EDGE_INDEX, .detail = i };
		return true;
	}
	return false;
}

static bool label_container(struct pyi_walk *walk, struct pyi_label_cursor *cursor,
			    const struct pyi_reference *reference, struct pyi_edge *edge,
			    uint64_t *ret_items)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t source = reference->source;
	struct pyi_object_array array;
	uint64_t items_addr = 0;
	uint64_t count;

	switch (reference->holder_type->kind) {
	case PYI_KIND_DICT:
	case PYI_KIND_ORDERED_DICT:
		return label_item(walk, cursor, source, reference, edge, ret_items);
	case PYI_KIND_LIST:
	case PYI_KIND_TUPLE:
		count = pyi_field(source, layout->var_size);
		items_addr = reference->holder_type->kind == PYI_KIND_LIST
				     ? pyi_field(source, layout->list_items)
				     : source + layout->tuple_items;
		*ret_items = count;
		return count && count < ITEM_LIMIT && pyi_marks_is_readable(walk, items_addr) &&
		       label_index(cursor, items_addr, count, reference->target, edge);
	case PYI_KIND_SET:
	case PYI_KIND_DEQUE:
		/* A subclass made by a class statement reports its type as well. */
		if (reference->target == reference->holder_type->addr)
			return false;
		*ret_items = UINT64_MAX;
		*edge = (struct pyi_edge){ .kind = PYI_EDGE_ELEMENT };
		return true;
	case PYI_KIND_FRAME:
	case PYI_KIND_GENERATOR:
		return label_local(walk, cursor, reference, edge);
	case PYI_KIND_PLAIN:
		if (reference->via != PYI_VIA_FIELD || !reference->holder_type->rule ||
		    !pyi_object_array_find(walk, source, reference->holder_type->rule, &array))
			return false;
		*ret_items = array.count;
		return label_index(cursor, array.first_addr, array.count, reference->target, edge);
	case PYI_KIND_GREENLET:
		return reference->via == PYI_VIA_FIELD &&
		       pyi_greenlet_label(walk, cursor, reference, edge);
	default:
		return false;
	}
}

/* Where an object's own fields are: behind those of the container it is, if it is one. */
static uint64_t first_field(const struct pyi_layout *layout, const struct pyi_walk_type *type)
{
	switch (type->kind) {
	case PYI_KIND_DICT:
		return layout->dict_size;
	case PYI_KIND_SET:
		return layout->set_size;
	case PYI_KIND_LIST:
		return layout->list_allocated + PYI_POINTER_BYTES;
	case PYI_KIND_DEQUE:
		return layout->deque_size;
	case PYI_KIND_TUPLE:
		return layout->tuple_items;
	default:
		return layout->object_size;
	}
}

static uint64_t end_of_fields(const struct pyi_walk *walk, uint64_t object,
			      const struct pyi_walk_type *type)
{
	uint64_t end = (uint64_t)type->basicsize;
	uint64_t items;

	if (type->kind == PYI_KIND_TYPE &&
	    !(pyi_field(object, walk->layout->type_flags) & PYI_TPFLAG_HEAP_TYPE))
		end = walk->layout->type_size;
	if (type->itemsize > 0 && type->kind == PYI_KIND_PLAIN) {
		items = pyi_field(object, walk->layout->var_size);
		if ((int64_t)items < 0)
			items = 0 - items;
		if (items < FIELD_BYTES_LIMIT && type->itemsize < FIELD_BYTES_LIMIT)
			end += items * (uint64_t)type->itemsize;
	}
	return end < FIELD_BYTES_LIMIT ? end : FIELD_BYTES_LIMIT;
}

static bool label_field(const struct pyi_walk *walk, struct pyi_label_cursor *cursor,
			const struct pyi_reference *reference, struct pyi_edge *edge)
{
	const struct pyi_walk_type *type = reference->holder_type;
	uint64_t first = first_field(walk->layout, type);
	uint64_t end = end_of_fields(walk, reference->source, type) & ~UINT64_C(7);
	uint64_t count = end > first ? (end - first) / PYI_POINTER_BYTES : 0;

	if (!count || !pyi_marks_is_readable(walk, reference->source + end - PYI_POINTER_BYTES))
		return false;
	for (uint64_t n = 0; n < count; n++) {
		uint64_t offset = first + (cursor->field + n) % count * PYI_POINTER_BYTES;

		if (pyi_load64(reference->source + offset) != reference->target)
			continue;
		cursor->field = (offset - first) / PYI_POINTER_BYTES + 1;
		*edge = (struct pyi_edge){ .kind = PYI_EDGE_FIELD, .detail = offset };
		return true;
	}
	return false;
}

static bool label_value(const struct pyi_walk *walk, struct pyi_label_cursor *cursor,
			const struct pyi_reference *reference, struct pyi_edge *edge)
{
	struct pyi_dict_entries entries;
	struct inline_values values;

	if (!find_values(walk, reference->source, reference->holder_type, &values) ||
	    !pyi_dict_entries_find(walk, values.keys, &entries))
		return false;
	for (uint64_t n = 0; n < entries.count; n++) {
		uint64_t i = (cursor->item + n) % entries.count;

		if (pyi_load64(values.values_addr + i * PYI_POINTER_BYTES) != reference->target)
			continue;
		cursor->item = i + 1;
		*edge = (struct pyi_edge){
			.kind = PYI_EDGE_ATTRIBUTE,
			.detail = pyi_load64(entries.first_addr + i * entries.entry_bytes +
					     entries.key_offset),
		};
		return true;
	}
	return false;
}

static void find_reported(struct pyi_walk *walk, struct pyi_label_cursor *cursor,
			  const struct pyi_reference *reference, struct pyi_edge *edge,
			  uint64_t *ret_items)
{
	/* By the attributes in its dict, on behalf of the object. */
	if (reference->source != reference->holder) {
		if (label_item(walk, cursor, reference->source, reference, edge, ret_items)) {
			if (edge->kind == PYI_EDGE_ITEM)
				edge->kind = PYI_EDGE_ATTRIBUTE;
		} else {
			edge->kind = PYI_EDGE_ELSEWHERE;
		}
		*ret_items = 0;
		return;
	}
	if (pyi_instance_dict(walk, reference->holder, reference->holder_type) == reference->target)
		edge->kind = PYI_EDGE_DICT;
	else if (!label_value(walk, cursor, reference, edge) &&
		 !label_container(walk, cursor, reference, edge, ret_items) &&
		 !label_field(walk, cursor, reference, edge))
		edge->kind = reference->target == reference->holder_type->addr ? PYI_EDGE_TYPE
									       : PYI_EDGE_ELSEWHERE;
}

void pyi_label_find(struct pyi_walk *walk, struct pyi_label_cursor *cursor,
		    const struct pyi_reference *reference, struct pyi_edge *ret_edge,
		    uint64_t *ret_items)
{
	const struct pyi_payload_root *roots =
		(const struct pyi_payload_root *)(uintptr_t)walk->arguments->roots_addr;

	*ret_edge = (struct pyi_edge){ 0 };
	*ret_items = 0;
	if (reference->via == PYI_VIA_ROOT) {
		*ret_edge = roots[reference->holder].edge;
		return;
	}
	switch (reference->via) {
	case PYI_VIA_TYPE:
		ret_edge->kind = PYI_EDGE_TYPE;
		break;
	case PYI_VIA_KEY:
		ret_edge->kind = PYI_EDGE_KEY;
		break;
	default:
		if (cursor->holder != reference->holder || cursor->source != reference->source)
			*cursor = (struct pyi_label_cursor){
				.holder = reference->holder,
				.source = reference->source,
			};
		find_reported(walk, cursor, reference, ret_edge, ret_items);
		break;
	}
	ret_edge->internal = reference->via != PYI_VIA_TRAVERSE;
}
