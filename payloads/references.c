/*
 * What an object refers to: what its tp_traverse reports, and what that leaves out. Does not follow
 * anything: pyi_walk_refer() gathers.
 *
 * Left out by tp_traverse: the keys of dicts whose keys are all strings, names in types, code,
 * descriptors and modules, everything in static types, and the type of an object.
 */
#include "reader.h"
#include "state.h"

enum {
	/* More than a subclass of dict reports besides what dict does. */
	SUBCLASS_EXTRAS = 64,
};

typedef int visit_function(void *object, void *argument);
typedef int traverse_function(void *object, visit_function *visit, void *argument);

PYI_SELDOM static void forget_hidden(struct pyi_walk *walk, uint64_t object)
{
	for (uint64_t i = 0; i < walk->hidden_count; i++)
		if (walk->hidden[i] == object) {
			walk->hidden[i] = walk->hidden[--walk->hidden_count];
			return;
		}
}

/* Whether a version reports them is not for us to know: what it reports is taken off the list. */
PYI_SELDOM static void gather_hidden(struct pyi_walk *walk, uint64_t object,
				     const struct pyi_type_rule *rule)
{
	walk->hidden_count = 0;
	if (pyi_has(rule->condition) && !pyi_load8(object + rule->condition))
		return;
	for (int i = 0; i < PYI_RULE_REFERENCES && pyi_has(rule->references[i]); i++) {
		uint64_t target = pyi_field(object, rule->references[i]);

		if (target)
			walk->hidden[walk->hidden_count++] = target;
	}
	if (rule->size_rule == PYI_SIZE_OWNED && walk->hidden_count < PYI_RULE_REFERENCES &&
	    !pyi_size_has_own_bytes(walk, object, rule))
		walk->hidden[walk->hidden_count++] = pyi_field(object, rule->fields[0]);
}

PYI_SELDOM static void refer_hidden(struct pyi_walk *walk, uint64_t object,
				    const struct pyi_type_rule *rule)
{
	struct pyi_object_array array;
	uint64_t hidden[PYI_RULE_REFERENCES];
	uint64_t count = walk->hidden_count;

	/* Referring may begin another visit. */
	__builtin_memcpy(hidden, walk->hidden, sizeof(hidden));
	walk->hidden_count = 0;
	for (uint64_t i = 0; i < count; i++)
		pyi_walk_refer(walk, hidden[i]);
	if (!pyi_object_array_find(walk, object, rule, &array))
		return;
	/* As tp_traverse of lists: from the last to the first. */
	for (uint64_t i = array.count; i--;)
		pyi_walk_refer(walk, pyi_load64(array.first_addr + i * PYI_POINTER_BYTES));
}

static int visit(void *object, void *argument)
{
	struct pyi_walk *walk = argument;

	walk->reported++;
	walk->type_reported |= (uint64_t)(uintptr_t)object == walk->visiting_type;
	if (walk->hidden_count)
		forget_hidden(walk, (uint64_t)(uintptr_t)object);
	pyi_walk_refer(walk, (uint64_t)(uintptr_t)object);
	return 0;
}

static void traverse(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	walk->reported = 0;
	walk->type_reported = false;
	walk->visiting_type = type->addr;
	walk->via = PYI_VIA_TRAVERSE;
	if (type->traverse &&
	    (pyi_object_is_gc(walk, object, type) || pyi_object_is_tracked(walk, object, type)))
		((traverse_function *)(uintptr_t)type->traverse)((void *)(uintptr_t)object, visit,
								 walk);
}

static void refer_fields(struct pyi_walk *walk, uint64_t object,
			 const uint32_t offsets[PYI_LAYOUT_LIST])
{
	for (int i = 0; i < PYI_LAYOUT_LIST && pyi_has(offsets[i]); i++)
		pyi_walk_refer(walk, pyi_field(object, offsets[i]));
}

static void refer_keys(struct pyi_walk *walk, uint64_t keys)
{
	struct pyi_dict_entries entries;

	if (!keys || !pyi_dict_entries_find(walk, keys, &entries))
		return;
	walk->via = PYI_VIA_KEY;
	for (uint64_t i = 0; i < entries.count; i++)
		pyi_walk_refer(walk, pyi_load64(entries.addr + i * entries.bytes + entries.key));
	walk->via = PYI_VIA_FIELD;
}

/* Attributes of code that were computed once and are kept. */
static void refer_code_cache(struct pyi_walk *walk, uint64_t code)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t cached;

	if (!pyi_has(layout->code_cached))
		return;
	cached = pyi_field(code, layout->code_cached);
	if (!pyi_marks_is_readable(walk, cached))
		return;
	for (uint32_t at = 0; at < layout->code_cached_size; at += PYI_POINTER_BYTES)
		pyi_walk_refer(walk, pyi_field(cached, at));
}

/* How many values a combined table holds; says so if that is not what the dict says. */
static bool check_dict(struct pyi_walk *walk, uint64_t object, uint64_t *ret_used)
{
	const struct pyi_layout *layout = walk->layout;
	struct pyi_dict_entries entries;
	uint64_t used = 0;

	*ret_used = 0;
	if (!pyi_dict_entries_find(walk, pyi_dict_keys(walk, object), &entries)) {
		pyi_walk_trouble(walk, PYI_TROUBLE_DICT, object);
		return false;
	}
	if (pyi_dict_values(walk, object))
		return true;
	for (uint64_t i = 0; i < entries.count; i++)
		used += pyi_load64(entries.addr + i * entries.bytes + entries.value) != 0;
	if (used != pyi_field(object, layout->dict_used))
		pyi_walk_trouble(walk, PYI_TROUBLE_DICT, object);
	*ret_used = used;
	return true;
}

/*
 * Of a small dict of a subclass: the few things more that it reports would look like keys. A table
 * with a key that is no str is not for str only.
 */
static bool has_other_keys(struct pyi_walk *walk, uint64_t object)
{
	struct pyi_dict_entries entries;

	if (!pyi_dict_entries_find(walk, pyi_dict_keys(walk, object), &entries))
		return false;
	for (uint64_t i = 0; i < entries.count; i++) {
		uint64_t key = pyi_load64(entries.addr + i * entries.bytes + entries.key);
		const struct pyi_walk_type *type = NULL;

		if (key && pyi_marks_is_readable(walk, key))
			type = pyi_type_of(walk, key);
		if (type && (type->kind != PYI_KIND_STR || !type->exact))
			return true;
	}
	return false;
}

static void visit_dict(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	uint64_t used;
	bool sound = check_dict(walk, object, &used);
	bool keys_reported;

	if (sound && walk->stream && type->exact && type->kind == PYI_KIND_DICT) {
		/* Values that the object may report itself: tp_traverse knows (3.13, 3.13.1). */
		if (!pyi_stream_dict(walk, object, type))
			traverse(walk, object, type);
		walk->type_reported = false;
		return;
	}
	traverse(walk, object, type);
	if (!sound)
		return;
	/* Of a table that is not for str only, tp_traverse has reported the keys too. */
	keys_reported = used && walk->reported >= 2 * used;
	if (keys_reported && !type->exact && used <= SUBCLASS_EXTRAS)
		keys_reported = has_other_keys(walk, object);
	/* Of one that is no PyDictKeysObject, always. */
	if (!keys_reported && pyi_has(walk->layout->dict_keys))
		refer_keys(walk, pyi_dict_keys(walk, object));
}

/* They are shared by the instances, which hold them too. */
static void visit_cached_keys(struct pyi_walk *walk, uint64_t object)
{
	uint64_t keys = 0;

	if (pyi_has(walk->layout->heap_type_cached_keys))
		keys = pyi_field(object, walk->layout->heap_type_cached_keys);
	if (!keys)
		return;
	if (!walk->stream || !pyi_stream_keys(walk, keys, pyi_type_of(walk, object)))
		refer_keys(walk, keys);
}

static void visit_type(struct pyi_walk *walk, uint64_t object)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t flags = pyi_field(object, layout->type_flags);

	/* In static builtin types this is an index (3.12). */
	if (!(layout->features & PYI_FEATURE_STATIC_TYPE_STATE &&
	      flags & PYI_TPFLAG_STATIC_BUILTIN))
		pyi_walk_refer(walk, pyi_field(object, layout->type_subclasses));
	if (flags & PYI_TPFLAG_HEAP_TYPE) {
		refer_fields(walk, object, layout->heap_type_references);
		visit_cached_keys(walk, object);
		return;
	}
	/* type_traverse() of a static type ends the process. */
	pyi_walk_refer(walk, pyi_field(object, layout->type_dict));
	pyi_walk_refer(walk, pyi_field(object, layout->type_bases));
	pyi_walk_refer(walk, pyi_field(object, layout->type_mro));
	pyi_walk_refer(walk, pyi_field(object, layout->type_cache));
	pyi_walk_refer(walk, pyi_field(object, layout->type_base));
}

/*
 * A static type needs nobody to hold it, and some are known to their bases only, by weak
 * references.
 */
static void visit_weakref(struct pyi_walk *walk, uint64_t object)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t target = pyi_field(object, layout->weakref_object);
	const struct pyi_walk_type *type = NULL;

	if (!pyi_marks_is_readable(walk, target))
		return;
	type = pyi_type_of(walk, target);
	if (type && type->kind == PYI_KIND_TYPE &&
	    !(pyi_field(target, layout->type_flags) & PYI_TPFLAG_HEAP_TYPE))
		pyi_walk_refer(walk, target);
}

static void visit_hidden(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;

	switch (type->kind) {
	case PYI_KIND_TYPE:
		visit_type(walk, object);
		break;
	case PYI_KIND_CODE:
		refer_fields(walk, object, layout->code_references);
		refer_code_cache(walk, object);
		break;
	case PYI_KIND_DESCRIPTOR:
		refer_fields(walk, object, layout->descriptor_references);
		break;
	case PYI_KIND_MODULE:
		refer_fields(walk, object, layout->module_references);
		break;
	case PYI_KIND_RANGE:
		refer_fields(walk, object, layout->range_references);
		break;
	case PYI_KIND_WEAKREF:
		visit_weakref(walk, object);
		break;
	case PYI_KIND_GREENLET:
		pyi_greenlet_visit(walk, object, type);
		break;
	default:
		break;
	}
}

void pyi_references_visit(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	walk->hidden_count = 0;
	if (type->rule)
		gather_hidden(walk, object, type->rule);
	if (type->kind == PYI_KIND_DICT || type->kind == PYI_KIND_ORDERED_DICT)
		visit_dict(walk, object, type);
	else
		traverse(walk, object, type);
	if (!walk->type_reported) {
		walk->via = PYI_VIA_TYPE;
		pyi_walk_refer(walk, type->addr);
	}
	walk->via = PYI_VIA_FIELD;
	if (type->rule)
		refer_hidden(walk, object, type->rule);
	visit_hidden(walk, object, type);
}
