/*
 * Looks at the places of an object one after the other, in the order in which they are reported.
 */
#include "python/references.h"

#include <string.h>

#include <pyinspect/frame_slots.h>
#include <pyinspect/ndarray.h>
#include <pyinspect/type_flags.h>

#include "python/attributes.h"
#include "python/objects_private.h"
#include "python/suspended.h"
#include "python/type_rules.h"

enum {
	WORD_BYTES = 8,
	/* Of an object's own memory, so much is searched. */
	FIELD_BYTES_LIMIT = 1 << 16,
	LOCAL_LIMIT = 1 << 16,
	ITEM_LIMIT = 1 << 30,
	/* Read at once. */
	CHUNK_WORDS = 512,
};

struct search {
	const struct pyi_runtime *runtime;
	struct pyi_memory_reader *reader;
	const struct pyi_referring_type *type;
	const struct pyi_reference *reference;
	/* Of those that are found, so many are not yet the one. */
	uint64_t left;
	bool found;
	struct pyi_edge edge;
};

static uint64_t load(const struct search *search, uint64_t addr)
{
	return pyi_memory_u64(search->reader, addr);
}

static bool offer_edge(struct search *search, const struct pyi_edge *edge)
{
	search->edge = *edge;
	search->found = true;
	return search->left-- == 0;
}

/* True if it is the one. */
static bool offer(struct search *search, enum pyi_edge_kind kind, uint64_t detail, uint64_t context)
{
	const struct pyi_edge edge = { .kind = kind, .detail = detail, .context = context };

	return offer_edge(search, &edge);
}

/* The next word that refers to the target, at `*index` or behind it; false if there is none. */
static bool find_word(struct search *search, uint64_t addr, uint64_t count, uint64_t *index)
{
	const struct pyi_layout *layout = search->runtime->layout;
	const bool tagged =
		search->type->kind == PYI_KIND_FRAME || search->type->kind == PYI_KIND_GENERATOR;
	uint64_t words[CHUNK_WORDS];

	while (*index < count) {
		uint64_t part = count - *index < CHUNK_WORDS ? count - *index : CHUNK_WORDS;

		if (!pyi_memory_try_read(search->reader, addr + *index * WORD_BYTES, words,
					 part * WORD_BYTES))
			return false;
		for (uint64_t i = 0; i < part; i++) {
			uint64_t word = tagged ? pyi_stack_ref_object(layout, words[i]) : words[i];

			if (word == search->reference->target) {
				*index += i;
				return true;
			}
		}
		*index += part;
	}
	return false;
}

/* Attributes kept without a dict. */
static bool search_values(struct search *search, uint64_t values_addr)
{
	const struct pyi_referring_type *type = search->type;

	for (uint64_t i = 0; find_word(search, values_addr, type->name_count, &i); i++)
		if (offer(search, PYI_EDGE_ATTRIBUTE,
			  load(search, type->names_addr + i * type->name_bytes), 0))
			return true;
	return false;
}

/* An entry of a dict; false at the end of what can be read: a broken table may claim any number. */
static bool read_entry(const struct search *search, const struct pyi_dict_entries *entries,
		       uint64_t values, uint64_t index, uint64_t *ret_key, uint64_t *ret_value)
{
	uint64_t entry = entries->addr + index * entries->bytes;

	return pyi_memory_try_read_u64(search->reader, entry + entries->key, ret_key) &&
	       pyi_memory_try_read_u64(search->reader,
				       values ? values + index * PYI_POINTER_BYTES
					      : entry + entries->value,
				       ret_value);
}

/* Of an entry the value comes before the key. */
static bool search_dict(struct search *search)
{
	const struct pyi_layout *layout = search->runtime->layout;
	struct pyi_dict_entries entries;
	uint64_t values;
	uint64_t value;
	uint64_t key;

	if (!pyi_objects_find_dict(layout, search->reader, search->reference->source, &entries,
				   &values))
		return false;
	for (uint64_t i = 0;
	     i < entries.count && read_entry(search, &entries, values, i, &key, &value); i++) {
		if (value == search->reference->target && key &&
		    offer(search, PYI_EDGE_ITEM, key, 0))
			return true;
		if (key == search->reference->target && offer(search, PYI_EDGE_KEY, key, 0))
			return true;
	}
	return false;
}

static bool find_items(const struct search *search, uint64_t *ret_addr, uint64_t *ret_count)
{
	const struct pyi_layout *layout = search->runtime->layout;
	uint64_t source = search->reference->source;

	*ret_count = load(search, source + layout->var_size);
	*ret_addr = search->type->kind == PYI_KIND_LIST ? load(search, source + layout->list_items)
							: source + layout->tuple_items;
	return *ret_count < ITEM_LIMIT;
}

/* tp_traverse goes from the last item to the first. */
static bool search_items(struct search *search, uint64_t addr, uint64_t count)
{
	uint64_t words[CHUNK_WORDS];

	for (uint64_t end = count; end;) {
		uint64_t part = end < CHUNK_WORDS ? end : CHUNK_WORDS;

		end -= part;
		if (!pyi_memory_try_read(search->reader, addr + end * WORD_BYTES, words,
					 part * WORD_BYTES))
			return false;
		for (uint64_t i = part; i; i--)
			if (words[i - 1] == search->reference->target &&
			    offer(search, PYI_EDGE_INDEX, end + i - 1, 0))
				return true;
	}
	return false;
}

/* The code of a frame, or of a generator that carries one, and where its variables are. */
static uint64_t find_code(const struct search *search, uint64_t *ret_locals_addr)
{
	const struct pyi_layout *layout = search->runtime->layout;
	uint64_t source = search->reference->source;
	uint64_t iframe = 0;

	if (search->type->kind == PYI_KIND_GENERATOR &&
	    layout->features & PYI_FEATURE_EMBEDDED_FRAMES)
		iframe = source + layout->generator_iframe;
	else if (search->type->kind == PYI_KIND_FRAME && layout->frame_iframe != PYI_ABSENT)
		iframe = load(search, source + layout->frame_iframe);
	if (iframe) {
		*ret_locals_addr = iframe + layout->iframe_localsplus;
		return pyi_frame_code(search->reader, layout, iframe);
	}
	if (search->type->kind != PYI_KIND_FRAME || layout->frame_code == PYI_ABSENT)
		return 0;
	*ret_locals_addr = source + layout->frame_localsplus;
	return load(search, source + layout->frame_code);
}

static bool search_variables(struct search *search)
{
	uint64_t locals_addr = 0;
	uint64_t code = find_code(search, &locals_addr);
	uint64_t count = code ? pyi_frame_room(search->reader, search->runtime->layout, code) : 0;

	if (count > LOCAL_LIMIT)
		return false;
	for (uint64_t i = 0; find_word(search, locals_addr, count, &i); i++)
		if (offer(search, PYI_EDGE_LOCAL, i, code))
			return true;
	return false;
}

static bool search_suspended(struct search *search)
{
	struct pyi_greenlet_frame frame;

	if (!search->reference->internal ||
	    !pyi_suspended_first(search->runtime, search->reader, search->type->addr,
				 search->reference->source, &frame))
		return false;
	/* Its function and the like are the frame's, unless it is found to be a variable. */
	search->edge = (struct pyi_edge){ .kind = PYI_EDGE_FRAME, .context = frame.code };
	search->found = true;
	do {
		for (uint64_t i = 0; i < frame.slot_count; i++) {
			uint64_t word = load(search, frame.slots_addr + i * WORD_BYTES);

			if (pyi_stack_ref_object(search->runtime->layout, word) ==
				    search->reference->target &&
			    offer(search, PYI_EDGE_LOCAL, i, frame.code))
				return true;
		}
	} while (pyi_suspended_next(search->runtime, search->reader, &frame));
	return true;
}

static bool is_array(const struct search *search)
{
	const char *name = pyi_type_rules_field_name(search->runtime, search->reader,
						     search->type->addr, PYI_NDARRAY_DESCR);

	return name && strcmp(name, "dtype") == 0;
}

/* The elements of a numpy array of objects. */
static bool search_array(struct search *search)
{
	uint64_t count;
	uint64_t addr;

	return is_array(search) &&
	       pyi_ndarray_objects(search->reader, search->reference->source, &addr, &count) &&
	       count < ITEM_LIMIT && search_items(search, addr, count);
}

static bool search_container(struct search *search)
{
	uint64_t items_addr;
	uint64_t count;

	switch (search->type->kind) {
	case PYI_KIND_DICT:
	case PYI_KIND_ORDERED_DICT:
		return search_dict(search);
	case PYI_KIND_LIST:
	case PYI_KIND_TUPLE:
		return find_items(search, &items_addr, &count) &&
		       search_items(search, items_addr, count);
	case PYI_KIND_SET:
	case PYI_KIND_DEQUE:
		/* A subclass made by a class statement reports its type as well. */
		if (search->reference->target == search->type->addr)
			return false;
		search->left = 0;
		return offer(search, PYI_EDGE_ELEMENT, 0, 0);
	case PYI_KIND_FRAME:
	case PYI_KIND_GENERATOR:
		return search_variables(search);
	case PYI_KIND_GREENLET:
		return search_suspended(search);
	default:
		return false;
	}
}

/* Where an object's own fields are: behind those of the container it is, if it is one. */
static uint64_t first_field(const struct pyi_layout *layout, const struct pyi_referring_type *type)
{
	switch (type->kind) {
	case PYI_KIND_DICT:
		return layout->dict_size;
	case PYI_KIND_SET:
		return layout->set_size;
	case PYI_KIND_LIST:
		return layout->list_allocated + WORD_BYTES;
	case PYI_KIND_DEQUE:
		return layout->deque_size;
	case PYI_KIND_TUPLE:
		return layout->tuple_items;
	default:
		return layout->object_size;
	}
}

static uint64_t end_of_fields(const struct search *search)
{
	const struct pyi_layout *layout = search->runtime->layout;
	const struct pyi_referring_type *type = search->type;
	uint64_t source = search->reference->source;
	uint64_t end = type->basicsize;
	uint64_t items;

	if (type->kind == PYI_KIND_TYPE &&
	    !(load(search, source + layout->type_flags) & PYI_TPFLAG_HEAP_TYPE))
		end = layout->type_size;
	if (type->itemsize && type->itemsize < FIELD_BYTES_LIMIT && type->kind == PYI_KIND_PLAIN) {
		items = load(search, source + layout->var_size);
		if ((int64_t)items < 0)
			items = 0 - items;
		if (items < FIELD_BYTES_LIMIT)
			end += items * type->itemsize;
	}
	return end < FIELD_BYTES_LIMIT ? end : FIELD_BYTES_LIMIT;
}

static bool search_fields(struct search *search)
{
	uint64_t first = first_field(search->runtime->layout, search->type);
	uint64_t end = end_of_fields(search);
	uint64_t count = end > first ? (end - first) / WORD_BYTES : 0;

	for (uint64_t i = 0; find_word(search, search->reference->source + first, count, &i); i++) {
		const struct pyi_edge edge =
			pyi_inner_array_edge(&search->type->array, search->reader,
					     search->reference->source, first + i * WORD_BYTES);

		if (offer_edge(search, &edge))
			return true;
	}
	return false;
}

/* Both can be there: values that a dict shares (3.13). */
static uint64_t find_values(const struct search *search,
			    const struct pyi_attribute_storage *storage)
{
	const struct pyi_layout *layout = search->runtime->layout;
	uint64_t values = search->reference->source + search->type->basicsize;
	uint8_t valid;

	if (storage->values_addr || !storage->dict_addr ||
	    !(layout->features & PYI_FEATURE_MANAGED_DICT) ||
	    !(search->type->flags & PYI_TPFLAG_MANAGED_DICT) ||
	    !(search->type->flags & PYI_TPFLAG_INLINE_VALUES) ||
	    !pyi_memory_try_read(search->reader, values + layout->values_valid, &valid, 1) ||
	    !valid)
		return storage->values_addr;
	return values + layout->values_items;
}

static bool search_attributes(struct search *search)
{
	struct pyi_attribute_storage storage;
	uint64_t values;

	if (!search->type->has_attributes)
		return false;
	storage = pyi_attributes_storage(search->runtime, search->reader, search->reference->source,
					 search->type->addr);
	if (storage.dict_addr == search->reference->target && offer(search, PYI_EDGE_DICT, 0, 0))
		return true;
	values = find_values(search, &storage);
	return values && search_values(search, values);
}

struct pyi_referring_type pyi_referring_type_read(const struct pyi_runtime *runtime,
						  struct pyi_memory_reader *reader, uint64_t addr,
						  uint32_t kind)
{
	const struct pyi_layout *layout = runtime->layout;
	const struct search search = { .reader = reader };
	struct pyi_referring_type type = {
		.addr = addr,
		.kind = kind,
		.flags = load(&search, addr + layout->type_flags),
		.basicsize = load(&search, addr + layout->type_basicsize),
		.itemsize = load(&search, addr + layout->type_itemsize),
		.has_attributes = pyi_attributes_are_possible(runtime, reader, addr),
	};
	struct pyi_dict_entries entries;

	/* It has no fields of a type: its instances are a class and a dict. */
	if (pyi_objects_is_old_class(runtime, reader, addr)) {
		type.flags = 0;
		type.basicsize = (uint64_t)layout->instance_dict + WORD_BYTES;
		type.itemsize = 0;
		return type;
	}
	if (kind == PYI_KIND_PLAIN)
		type.array = pyi_inner_array_find(runtime, reader, addr);
	if (type.flags & PYI_TPFLAG_HEAP_TYPE && layout->heap_type_cached_keys != PYI_ABSENT &&
	    pyi_dict_table_entries(reader, layout,
				   load(&search, addr + layout->heap_type_cached_keys), &entries)) {
		type.names_addr = entries.addr + entries.key;
		type.name_count = entries.count;
		type.name_bytes = entries.bytes;
	}
	return type;
}

struct pyi_edge pyi_references_find(const struct pyi_runtime *runtime,
				    struct pyi_memory_reader *reader,
				    const struct pyi_referring_type *type,
				    const struct pyi_reference *reference)
{
	struct search search = {
		.runtime = runtime,
		.reader = reader,
		.type = type,
		.reference = reference,
		.left = reference->number,
	};

	bool is_it = search_attributes(&search) || search_container(&search) ||
		     search_fields(&search) ||
		     (reference->internal && type->kind == PYI_KIND_PLAIN && search_array(&search));

	/* The type comes behind an attribute that is the type as well. */
	if (!is_it && reference->target == type->addr)
		search.edge = (struct pyi_edge){ .kind = PYI_EDGE_TYPE };
	else if (!search.found)
		search.edge.kind = PYI_EDGE_ELSEWHERE;
	search.edge.internal = reference->internal;
	return search.edge;
}

uint64_t pyi_references_split_key(const struct pyi_runtime *runtime,
				  struct pyi_memory_reader *reader, uint64_t dict, uint64_t slot,
				  uint64_t value)
{
	const struct search search = { .reader = reader };
	struct pyi_dict_entries entries;
	uint64_t values;
	uint64_t found;
	uint64_t key;

	if (!pyi_objects_find_dict(runtime->layout, reader, dict, &entries, &values) || !values)
		return 0;
	for (; slot < entries.count && read_entry(&search, &entries, values, slot, &key, &found);
	     slot++)
		if (found == value)
			return key;
	return 0;
}

void pyi_references_items(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  const struct pyi_referring_type *type, uint64_t source,
			  uint64_t *ret_addr, uint64_t *ret_count)
{
	const struct pyi_reference reference = { .source = source };
	const struct search search = {
		.runtime = runtime, .reader = reader, .type = type, .reference = &reference
	};

	if (!find_items(&search, ret_addr, ret_count))
		*ret_count = 0;
}

uint64_t pyi_references_dict(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			     const struct pyi_referring_type *type, uint64_t source)
{
	if (!type->has_attributes)
		return 0;
	return pyi_attributes_storage(runtime, reader, source, type->addr).dict_addr;
}

uint64_t pyi_references_code(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			     const struct pyi_referring_type *type, uint64_t source)
{
	const struct pyi_reference reference = { .source = source };
	const struct search search = {
		.runtime = runtime, .reader = reader, .type = type, .reference = &reference
	};
	uint64_t locals_addr;

	return find_code(&search, &locals_addr);
}
