/*
 * Checks a layout on what every CPython has: the types of its containers, which say how large their
 * instances are, and sys.modules. Does not choose a layout, and does not look for anything.
 */
#include <string.h>

#include <pyinspect/payload.h>
#include <pyinspect/frame_slots.h>

#include "base/clock.h"
#include "python/interpreters.h"
#include "python/objects.h"
#include "python/objects_private.h"
#include "python/runtime.h"
#include "tracee/wait.h"

enum {
	ATTEMPTS = 25,
	ATTEMPT_PAUSE_MS = 1,
	WORD_BYTES = 8,
	KEYS_LOG2_LIMIT = 40,
	/* Modules/gcmodule.c: _PyGC_REFS_REACHABLE (to 3.7) */
	GC_REFS_REACHABLE = -3,
	MEMBER_LIMIT = 64,
};

#define FIELD(name) offsetof(struct pyi_layout, name)
/* In place of a field: what must be equal is the number alone. */
#define NO_FIELD SIZE_MAX

/* What a field of a type of this kind must be: the sum of two fields of the layout and a number. */
struct type_rule {
	size_t kind;
	/* Of PyTypeObject. */
	size_t of_type;
	size_t first;
	size_t second;
	size_t more;
};

static const struct type_rule type_rules[] = {
	/* The last member of a struct ends it. */
	{ PYI_KIND_TYPE, FIELD(type_basicsize), FIELD(heap_type_size), NO_FIELD, 0 },
	{ PYI_KIND_TYPE, FIELD(type_itemsize), FIELD(member_size), NO_FIELD, 0 },
	{ PYI_KIND_DICT, FIELD(type_basicsize), FIELD(dict_size), NO_FIELD, 0 },
	{ PYI_KIND_LIST, FIELD(type_basicsize), FIELD(list_allocated), NO_FIELD, WORD_BYTES },
	{ PYI_KIND_TUPLE, FIELD(type_basicsize), FIELD(tuple_items), NO_FIELD, 0 },
	{ PYI_KIND_TUPLE, FIELD(type_itemsize), NO_FIELD, NO_FIELD, WORD_BYTES },
	{ PYI_KIND_SET, FIELD(type_basicsize), FIELD(set_size), NO_FIELD, 0 },
	{ PYI_KIND_STR, FIELD(type_basicsize), FIELD(str_legacy_size), NO_FIELD, 0 },
	{ PYI_KIND_INT, FIELD(type_basicsize), FIELD(int_digits), NO_FIELD, 0 },
	{ PYI_KIND_CELL, FIELD(type_basicsize), FIELD(cell_contents), NO_FIELD, WORD_BYTES },
	{ PYI_KIND_GENERATOR, FIELD(type_basicsize), FIELD(generator_iframe),
	  FIELD(iframe_localsplus), 0 },
	{ PYI_KIND_FRAME, FIELD(type_basicsize), FIELD(frame_data), FIELD(iframe_localsplus), 0 },
	{ PYI_KIND_FRAME, FIELD(type_basicsize), FIELD(frame_localsplus), NO_FIELD, WORD_BYTES },
	{ PYI_KIND_TYPE, FIELD(type_dictoffset), FIELD(type_dict), NO_FIELD, 0 },
	{ PYI_KIND_FUNCTION, FIELD(type_dictoffset), FIELD(function_dict), NO_FIELD, 0 },
	{ PYI_KIND_MODULE, FIELD(type_dictoffset), FIELD(module_dict), NO_FIELD, 0 },
	/* in_weakreflist is behind the dict */
	{ PYI_KIND_INSTANCE, FIELD(type_basicsize), FIELD(instance_dict), NO_FIELD,
	  (size_t)2 * WORD_BYTES },
};

/* Members that follow each other in every version: the second is so many bytes behind the first. */
static const struct neighbours {
	size_t first;
	size_t second;
	uint32_t distance;
} neighbours[] = {
	{ FIELD(object_type), FIELD(object_size), WORD_BYTES },
	{ FIELD(object_type), FIELD(var_size), WORD_BYTES },
	{ FIELD(object_type), FIELD(int_tag), WORD_BYTES },
	{ FIELD(object_type), FIELD(weakref_object), WORD_BYTES },
	/* the hash is between them */
	{ FIELD(str_length), FIELD(str_state), 2 * WORD_BYTES },
	{ FIELD(var_size), FIELD(list_items), WORD_BYTES },
	{ FIELD(list_items), FIELD(list_allocated), WORD_BYTES },
	{ FIELD(var_size), FIELD(bytearray_allocated), WORD_BYTES },
	{ FIELD(dict_keys), FIELD(dict_values), WORD_BYTES },
	{ FIELD(dict_values), FIELD(dict_size), WORD_BYTES },
	/* setentry smalltable[8], then the list of weak references */
	{ FIELD(set_used), FIELD(set_mask), WORD_BYTES },
	{ FIELD(set_mask), FIELD(set_table), WORD_BYTES },
	{ FIELD(set_smalltable), FIELD(set_size), 17 * WORD_BYTES },
	{ FIELD(dict_used), FIELD(dict_mask), WORD_BYTES },
	{ FIELD(dict_mask), FIELD(dict_table), WORD_BYTES },
	/* PyDictEntry ma_smalltable[8] */
	{ FIELD(dict_smalltable), FIELD(dict_size), 24 * WORD_BYTES },
	/* rightindex is between them */
	{ FIELD(deque_leftindex), FIELD(deque_length), 2 * WORD_BYTES },
	{ FIELD(object_type), FIELD(int_value), WORD_BYTES },
	{ FIELD(object_type), FIELD(instance_class), WORD_BYTES },
	{ FIELD(instance_class), FIELD(instance_dict), WORD_BYTES },
	{ FIELD(object_type), FIELD(class_bases), WORD_BYTES },
	{ FIELD(class_bases), FIELD(class_dict), WORD_BYTES },
	{ FIELD(class_dict), FIELD(class_name), WORD_BYTES },
	{ FIELD(str_wstr), FIELD(str_ascii_size), WORD_BYTES },
	{ FIELD(str_utf8_length), FIELD(str_utf8), WORD_BYTES },
	{ FIELD(str_ascii_size), FIELD(str_utf8_length), 0 },
	{ FIELD(str_wstr_length), FIELD(str_compact_size), WORD_BYTES },
	{ FIELD(str_compact_size), FIELD(str_data), 0 },
	{ FIELD(str_data), FIELD(str_legacy_size), WORD_BYTES },
	{ FIELD(frame_localsplus), FIELD(frame_size), WORD_BYTES },
	{ FIELD(code_cellvars), FIELD(code_cell2arg), WORD_BYTES },
	{ FIELD(type_basicsize), FIELD(type_itemsize), WORD_BYTES },
	/* tp_doc is between them */
	{ FIELD(type_flags), FIELD(type_traverse), 2 * WORD_BYTES },
	{ FIELD(type_is_gc), FIELD(type_bases), WORD_BYTES },
	{ FIELD(type_base), FIELD(type_dict), WORD_BYTES },
	{ FIELD(type_bases), FIELD(type_mro), WORD_BYTES },
	{ FIELD(type_mro), FIELD(type_cache), WORD_BYTES },
	{ FIELD(type_cache), FIELD(type_subclasses), WORD_BYTES },
	{ FIELD(heap_type_name), FIELD(heap_type_slots), WORD_BYTES },
	{ FIELD(heap_type_slots), FIELD(heap_type_qualname), WORD_BYTES },
	{ FIELD(heap_type_qualname), FIELD(heap_type_cached_keys), WORD_BYTES },
	{ FIELD(interp_atexit), FIELD(interp_atexit_count), WORD_BYTES },
	{ FIELD(atexit_function), FIELD(atexit_arguments), WORD_BYTES },
	{ FIELD(atexit_arguments), FIELD(atexit_keywords), WORD_BYTES },
};

/* Those that are at another distance where dicts have their entries in a table of their own (2.7).
 */
static const struct neighbours old_neighbours[] = {
	/* ob_exports is between them */
	{ FIELD(var_size), FIELD(bytearray_allocated), 2 * WORD_BYTES },
	/* the hash of a frozenset, too */
	{ FIELD(set_smalltable), FIELD(set_size), 18 * WORD_BYTES },
	/* the hash and what it is encoded */
	{ FIELD(str_data), FIELD(str_legacy_size), 3 * WORD_BYTES },
};

/* Fields that a type gives a name to, as a member of its instances. */
static const struct {
	uint32_t kind;
	size_t offset;
	const char *name;
} members[] = {
	{ PYI_KIND_TYPE, FIELD(type_basicsize), "__basicsize__" },
	{ PYI_KIND_TYPE, FIELD(type_itemsize), "__itemsize__" },
	{ PYI_KIND_TYPE, FIELD(type_dictoffset), "__dictoffset__" },
	{ PYI_KIND_CODE, FIELD(code_stacksize), "co_stacksize" },
	{ PYI_KIND_CODE, FIELD(code_name), "co_name" },
	{ PYI_KIND_CODE, FIELD(code_filename), "co_filename" },
	{ PYI_KIND_FUNCTION, FIELD(function_globals), "__globals__" },
	{ PYI_KIND_FUNCTION, FIELD(function_closure), "__closure__" },
};

/* Lists of members: none is in one twice, in whatever order. */
static const size_t lists[] = {
	FIELD(interp_roots),	     FIELD(thread_roots),	  FIELD(code_references),
	FIELD(heap_type_references), FIELD(generator_references), FIELD(descriptor_references),
	FIELD(module_references),    FIELD(range_references),
};

static struct pyi_error *mismatch(const struct pyi_runtime *runtime, const char *what)
{
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_LAYOUT_MISMATCH,
				 "this build of CPython %s has another layout than those known: %s",
				 runtime->version, what),
		"it may be built with Py_TRACE_REFS, or patched by its distributor");
}

static uint32_t field(const struct pyi_layout *layout, size_t offset)
{
	return *(const uint32_t *)((uintptr_t)layout + offset);
}

/* The first of a kind is the type itself, others are variants of it. */
static uint64_t type_of_kind(const struct pyi_runtime *runtime, uint32_t kind)
{
	for (size_t i = 0; i < runtime->builtin_type_count; i++)
		if (runtime->builtin_types[i].kind == kind)
			return runtime->builtin_types[i].addr;
	return 0;
}

/* True if the layout does not have what the rule is about. */
static bool add_field(const struct pyi_layout *layout, size_t offset, uint64_t *sum)
{
	if (offset == NO_FIELD)
		return false;
	*sum += field(layout, offset);
	return field(layout, offset) == PYI_ABSENT;
}

/* Where the bytecode is no part of a code object, that is as large as its type says. */
static bool code_agrees(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t type = type_of_kind(runtime, PYI_KIND_CODE);

	return !type || layout->code_code == PYI_ABSENT ||
	       pyi_memory_u64(reader, type + layout->type_basicsize) == layout->code_size;
}

static bool types_agree(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader)
{
	for (size_t i = 0; i < sizeof(type_rules) / sizeof(type_rules[0]); i++) {
		const struct type_rule *rule = &type_rules[i];
		uint64_t type = type_of_kind(runtime, rule->kind);
		uint64_t expected = rule->more;
		uint64_t value;

		if (!type || add_field(runtime->layout, rule->first, &expected) ||
		    add_field(runtime->layout, rule->second, &expected))
			continue;
		if (!pyi_memory_try_read_u64(reader, type + field(runtime->layout, rule->of_type),
					     &value) ||
		    value != expected)
			return false;
	}
	return true;
}

static bool has_no_double(const uint32_t *list)
{
	for (int i = 0; i < PYI_LAYOUT_LIST && list[i] != PYI_ABSENT; i++)
		for (int k = 0; k < i; k++)
			if (list[k] == list[i])
				return false;
	return true;
}

static uint32_t distance_of(const struct pyi_layout *layout, const struct neighbours *rule)
{
	for (size_t i = 0; i < sizeof(old_neighbours) / sizeof(old_neighbours[0]); i++)
		if (layout->dict_table != PYI_ABSENT && old_neighbours[i].first == rule->first &&
		    old_neighbours[i].second == rule->second)
			return old_neighbours[i].distance;
	return rule->distance;
}

static bool is_plausible(const struct pyi_layout *layout)
{
	for (size_t i = 0; i < sizeof(neighbours) / sizeof(neighbours[0]); i++) {
		uint32_t first = field(layout, neighbours[i].first);
		uint32_t second = field(layout, neighbours[i].second);

		if (first != PYI_ABSENT && second != PYI_ABSENT &&
		    second - first != distance_of(layout, &neighbours[i]))
			return false;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!has_no_double((const uint32_t *)((uintptr_t)layout + lists[i])))
			return false;
	return true;
}

/* True if tp_members of the type has this name at this offset. */
static bool has_member(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		       uint64_t type, const char *name, uint64_t offset)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t member = pyi_memory_u64(reader, type + layout->type_members);

	for (int i = 0; i < MEMBER_LIMIT; i++, member += layout->member_size) {
		uint64_t name_addr = pyi_memory_u64(reader, member + layout->member_name);
		char text[32];

		if (!name_addr ||
		    !pyi_memory_try_read_string(reader, name_addr, text, sizeof(text)))
			return false;
		if (strcmp(text, name) == 0)
			return pyi_memory_u64(reader, member + layout->member_offset) == offset;
	}
	return false;
}

static bool members_agree(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		uint64_t type = type_of_kind(runtime, members[i].kind);

		if (type && !has_member(runtime, reader, type, members[i].name,
					field(runtime->layout, members[i].offset)))
			return false;
	}
	return true;
}

/* What PyType_Type is as a symbol: a struct that is no heap type. */
static bool has_size_of_type(const struct pyi_runtime *runtime)
{
	return !runtime->type_bytes || runtime->type_bytes == runtime->layout->type_size;
}

/* A pointer is NULL, or leads to an object: its type is an object whose type is a type. */
static bool is_object(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		      uint64_t addr)
{
	uint64_t type = pyi_memory_u64(reader, addr + runtime->layout->object_type);

	return type && pyi_objects_has_flag(runtime, reader, type, PYI_SUBCLASS_TYPE_BIT);
}

/* The members of a list: at least those that are set lead to objects. */
static bool list_leads_to_objects(const struct pyi_runtime *runtime,
				  struct pyi_memory_reader *reader, uint64_t addr,
				  const uint32_t *list)
{
	for (int i = 0; i < PYI_LAYOUT_LIST && list[i] != PYI_ABSENT; i++) {
		uint64_t value;

		if (!pyi_memory_try_read_u64(reader, addr + list[i], &value) ||
		    (value && !is_object(runtime, reader, value)))
			return false;
	}
	return true;
}

/* The method resolution order of `type` is itself and `object`; that is its base, too. */
static bool type_type_agrees(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t type = runtime->type_type_addr;
	uint64_t mro = pyi_memory_u64(reader, type + layout->type_mro);
	uint64_t bases = pyi_memory_u64(reader, type + layout->type_bases);
	uint64_t items = mro + layout->tuple_items;

	/* From 3.12 on, those of static types may be elsewhere. */
	if (!mro || !bases)
		return true;
	return pyi_memory_u64(reader, mro + layout->var_size) == 2 &&
	       pyi_memory_u64(reader, items) == type &&
	       pyi_memory_u64(reader, items + WORD_BYTES) == runtime->object_type_addr &&
	       pyi_memory_u64(reader, bases + layout->var_size) == 1 &&
	       pyi_memory_u64(reader, bases + layout->tuple_items) == runtime->object_type_addr &&
	       pyi_memory_u64(reader, type + layout->type_base) == runtime->object_type_addr;
}

/* How many items a table of keys has room for: USABLE_FRACTION() of its size. */
static bool keys_agree(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
		       uint64_t dict)
{
	uint64_t keys;
	uint8_t log2_size = 0;
	uint64_t size;

	/* Of a table of its own, the size is a power of 2. */
	if (layout->dict_keys == PYI_ABSENT) {
		size = pyi_memory_u64(reader, dict + layout->dict_mask) + 1;
		return size && !(size & (size - 1));
	}
	keys = pyi_memory_u64(reader, dict + layout->dict_keys);
	if (layout->keys_log2_size != PYI_ABSENT) {
		if (!pyi_memory_try_read(reader, keys + layout->keys_log2_size, &log2_size, 1) ||
		    log2_size > KEYS_LOG2_LIMIT)
			return false;
		size = UINT64_C(1) << log2_size;
	} else {
		size = pyi_memory_u64(reader, keys + layout->keys_size);
	}
	return pyi_memory_u64(reader, keys + layout->keys_refcnt) == 1 &&
	       pyi_memory_u64(reader, keys + layout->keys_usable) +
			       pyi_memory_u64(reader, keys + layout->keys_nentries) ==
		       (size << 1) / 3;
}

/* sys.modules: as many entries as it says, and `sys` is one of them. */
static bool modules_agree(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t modules)
{
	const struct pyi_layout *layout = runtime->layout;
	struct pyi_dict_entries entries;
	uint64_t values_addr;
	uint64_t items = 0;
	uint64_t sys;

	if (!keys_agree(layout, reader, modules) ||
	    !pyi_objects_find_dict(layout, reader, modules, &entries, &values_addr) || values_addr)
		return false;
	for (uint64_t i = 0; i < entries.count; i++) {
		uint64_t value;

		/* A broken table may claim any number of entries. */
		if (!pyi_memory_try_read_u64(
			    reader, entries.addr + i * entries.bytes + entries.value, &value))
			return false;
		items += value != 0;
	}
	return items == pyi_memory_u64(reader, modules + layout->dict_used) &&
	       pyi_objects_dict_get(runtime, reader, modules, "sys", &sys) &&
	       is_object(runtime, reader, sys);
}

/* What a function says of itself. */
static bool function_agrees(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t function)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t code = pyi_memory_u64(reader, function + layout->function_code);
	uint64_t names;
	uint32_t count = 0;

	if (pyi_memory_u64(reader, code + layout->object_type) !=
		    type_of_kind(runtime, PYI_KIND_CODE) ||
	    pyi_memory_u64(reader, code + layout->code_name) !=
		    pyi_memory_u64(reader, function + layout->function_name) ||
	    !list_leads_to_objects(runtime, reader, code, layout->code_references))
		return false;
	if (layout->code_localsplusnames != PYI_ABSENT) {
		names = pyi_memory_u64(reader, code + layout->code_localsplusnames);
		(void)pyi_memory_try_read_u32(reader, code + layout->code_nlocalsplus, &count);
	} else {
		uint64_t tuple_type = type_of_kind(runtime, PYI_KIND_TUPLE);
		uint64_t cells = pyi_memory_u64(reader, code + layout->code_cellvars);
		uint64_t free_variables = pyi_memory_u64(reader, code + layout->code_freevars);

		if (tuple_type &&
		    (pyi_memory_u64(reader, cells + layout->object_type) != tuple_type ||
		     pyi_memory_u64(reader, free_variables + layout->object_type) != tuple_type))
			return false;
		names = pyi_memory_u64(reader, code + layout->code_varnames);
		(void)pyi_memory_try_read_u32(reader, code + layout->code_nlocals, &count);
	}
	return pyi_memory_u64(reader, names + layout->var_size) == count;
}

/* A class: its names are texts, and it has keys for the attributes of instances. */
static bool class_agrees(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t type, const char *wanted)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t slots = pyi_memory_u64(reader, type + layout->heap_type_slots);
	char name[PYI_NAME_BYTES];

	if (layout->heap_type_qualname != PYI_ABSENT &&
	    (!pyi_objects_read_str(runtime, reader,
				   pyi_memory_u64(reader, type + layout->heap_type_qualname),
				   name) ||
	     strcmp(name, wanted) != 0))
		return false;
	return pyi_objects_read_str(runtime, reader,
				    pyi_memory_u64(reader, type + layout->heap_type_name), name) &&
	       strcmp(name, wanted) == 0 && (!slots || is_object(runtime, reader, slots)) &&
	       list_leads_to_objects(runtime, reader, type, layout->heap_type_references);
}

/*
 * Of the interpreter's own importer, which nothing can start without; where that is no Python code,
 * of what `site` imports (2.7).
 */
static const struct {
	const char *module;
	const char *function;
	const char *class_module;
	const char *class;
} known_code[] = {
	{ "_frozen_importlib", "_find_and_load", "_frozen_importlib", "ModuleSpec" },
	{ "os", "makedirs", "_abcoll", "Hashable" },
};

static bool code_of_library_agrees(const struct pyi_runtime *runtime,
				   struct pyi_memory_reader *reader, uint64_t modules)
{
	uint64_t function;
	uint64_t type;

	for (size_t k = 0; k < sizeof(known_code) / sizeof(known_code[0]); k++) {
		if (pyi_objects_module_get(runtime, reader, modules, known_code[k].module,
					   known_code[k].function, &function) &&
		    pyi_memory_u64(reader, function + runtime->layout->object_type) ==
			    type_of_kind(runtime, PYI_KIND_FUNCTION) &&
		    !function_agrees(runtime, reader, function))
			return false;
		if (pyi_objects_module_get(runtime, reader, modules, known_code[k].class_module,
					   known_code[k].class, &type) &&
		    pyi_objects_has_flag(runtime, reader, type, PYI_SUBCLASS_TYPE_BIT) &&
		    !class_agrees(runtime, reader, type, known_code[k].class))
			return false;
	}
	return true;
}

/* How wide the characters of text without a state are, sys.maxunicode says. */
static bool text_agrees(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			uint64_t modules)
{
	const struct pyi_layout *layout = runtime->layout;
	bool wide = layout->features & PYI_FEATURE_WIDE_TEXT;
	uint64_t largest;

	return layout->int_value == PYI_ABSENT ||
	       !pyi_objects_module_get(runtime, reader, modules, "sys", "maxunicode", &largest) ||
	       pyi_memory_u64(reader, largest + layout->int_value) == (wide ? 0x10ffff : 0xffff);
}

/* The frame that a thread is in runs code; not known of one that is in no frame. */
static bool frames_agree(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t thread)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t code_type = type_of_kind(runtime, PYI_KIND_CODE);
	uint8_t owner = 0;
	uint64_t frame;
	uint64_t code;

	if (!code_type)
		return true;
	/* Up to 3.10 it is an object. */
	if (layout->iframe_code == PYI_ABSENT) {
		frame = pyi_memory_u64(reader, thread + layout->thread_frame);
		code = pyi_memory_u64(reader, frame + layout->frame_code);
		return !frame || pyi_memory_u64(reader, code + layout->object_type) == code_type;
	}
	if (layout->thread_cframe != PYI_ABSENT)
		frame = pyi_memory_u64(reader,
				       pyi_memory_u64(reader, thread + layout->thread_cframe) +
					       layout->cframe_current_frame);
	else
		frame = pyi_memory_u64(reader, thread + layout->thread_current_frame);
	if (!frame || !pyi_memory_try_read(reader, frame + layout->iframe_owner, &owner, 1) ||
	    owner >= PYI_FRAME_OWNER_C_STACK)
		return true;
	code = pyi_frame_code(reader, layout, frame);
	return pyi_memory_u64(reader, code + layout->object_type) == code_type;
}

/* sys.modules is tracked, and its head says so, where heads have a field for it (to 3.7). */
static bool head_agrees(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			const struct pyi_interpreters *interpreters, uint64_t modules)
{
	const struct pyi_layout *layout = runtime->layout;
	bool whole = layout->features & PYI_FEATURE_GC_REFS_WHOLE;
	int64_t references;

	if (!pyi_has(layout->gc_head_refs))
		return true;
	references = (int64_t)pyi_memory_u64(reader,
					     modules - layout->gc_head_size + layout->gc_head_refs);
	/* While a collection runs, it is a count. */
	return references >> !whole == GC_REFS_REACHABLE ||
	       pyi_interpreters_collecting(runtime, reader, interpreters);
}

/* A field of an interpreter that holds an object of this kind, if the layout has it. */
static bool holds_kind(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		       uint64_t interpreter, uint32_t offset, uint32_t kind)
{
	uint64_t type = type_of_kind(runtime, kind);
	uint64_t object;

	if (offset == PYI_ABSENT || !type)
		return true;
	object = pyi_memory_u64(reader, interpreter + offset);
	/* Not made yet, or no longer there. */
	return !object || pyi_memory_u64(reader, object + runtime->layout->object_type) == type;
}

static const char *problem_of(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      const struct pyi_interpreters *interpreters)
{
	const struct pyi_layout *layout = runtime->layout;

	for (size_t i = 0; i < interpreters->count; i++) {
		uint64_t interpreter = interpreters->addr[i];
		uint64_t modules = pyi_memory_u64(reader, interpreter + layout->interp_modules);
		uint64_t thread = pyi_memory_u64(reader, interpreter + layout->interp_threads_head);

		if (!list_leads_to_objects(runtime, reader, interpreter, layout->interp_roots))
			return "an interpreter does not hold objects";
		if (thread && !list_leads_to_objects(runtime, reader, thread, layout->thread_roots))
			return "a thread does not hold objects";
		if (!holds_kind(runtime, reader, interpreter, layout->interp_interned,
				PYI_KIND_DICT))
			return "interned strings are in no dict";
		if (layout->interp_atexit_count == PYI_ABSENT &&
		    !holds_kind(runtime, reader, interpreter, layout->interp_atexit, PYI_KIND_LIST))
			return "callbacks of atexit are in no list";
		if (thread && !frames_agree(runtime, reader, thread))
			return "a frame runs no code";
		/* Of an interpreter that begins or ends, the modules are not yet or no longer
		   there. */
		if (!modules || !pyi_memory_u64(reader, modules + layout->dict_used))
			continue;
		if (pyi_has(layout->interp_interned) &&
		    !pyi_memory_u64(reader, interpreter + layout->interp_interned))
			return "there are no interned strings";
		if (!head_agrees(runtime, reader, interpreters, modules))
			return "sys.modules is not tracked by the collector";
		if (!modules_agree(runtime, reader, modules))
			return "sys.modules is no dict of modules";
		if (!code_of_library_agrees(runtime, reader, modules))
			return "a function or a class of the library is not what it should be";
		if (!text_agrees(runtime, reader, modules))
			return "characters are not as wide as sys.maxunicode says";
	}
	return NULL;
}

struct pyi_error *pyi_runtime_check_objects(const struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader)
{
	struct pyi_interpreters interpreters;
	const char *problem = NULL;
	struct pyi_error *error;

	if (!is_plausible(runtime->layout))
		return mismatch(runtime, "fields are not next to each other");
	if (!types_agree(runtime, reader) || !type_type_agrees(runtime, reader) ||
	    !has_size_of_type(runtime) || !code_agrees(runtime, reader))
		return mismatch(runtime, "types say that their instances are of another size");
	if (!members_agree(runtime, reader))
		return mismatch(runtime, "types give their members other places");
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		error = pyi_interpreters_list(runtime, reader, &interpreters);
		if (error)
			return error;
		problem = problem_of(runtime, reader, &interpreters);
		/* The process goes on meanwhile. */
		if (!problem ||
		    pyi_wait_pause(pyi_clock_deadline(ATTEMPT_PAUSE_MS, PYI_CLOCK_NEVER)))
			return NULL;
	}
	return mismatch(runtime, problem);
}
