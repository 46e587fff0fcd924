/*
 * Makes one object of each kind, with everything in it that somebody reads. Objects are larger than
 * CPython's: what is read beyond their fields is theirs too.
 */
#include "mixed_types.h"

enum {
	OBJECT_BYTES = 512,
	FIELDS_BYTES = 192,
	IFRAME_BYTES = 256,
	LOCALS = 3,
	MANY = 20,
	FUNCTIONS = 24,
	FLAG_MANAGED_DICT = 1 << 4,
	FLAG_INLINE_VALUES = 1 << 2,
	FLAG_BYTES = 1 << 27,
	MEMBER_OBJECT_EX = 16,
	FREE_VARIABLE = 0x80,
	/* Smaller numbers are no addresses. */
	LEAST_ADDR = 4096,
	/* setentry: the object and its hash */
	SET_ENTRY_BYTES = 16,
	SET_ENTRY_KEY = 0,
	/* Nothing is mapped there. */
	NOTHING_ADDR = 8,
};
#define SHIFTED(value, bits) ((uint64_t)(value) << (bits))

typedef int visit_function(void *object, void *argument);
typedef int traverse_function(void *object, visit_function *visit, void *argument);

static const struct pyi_layout *layout;
static uint64_t functions[FUNCTIONS];
static size_t function_count;
/* Of the heap that is being made. */
static struct invented_heap *making;

void mixed_use_layout(const struct pyi_layout *of_heap)
{
	layout = of_heap;
}

bool mixed_is_function(uint64_t addr)
{
	for (size_t i = 0; i < function_count; i++)
		if (functions[i] == addr)
			return true;
	return false;
}

static void allow(uint64_t function)
{
	if (!function || mixed_is_function(function))
		return;
	FUZZ_EXPECT(function_count < FUNCTIONS);
	functions[function_count++] = function;
}

static int visit_words(uint64_t addr, uint64_t count, uint64_t step, visit_function *visit,
		       void *argument)
{
	int result = 0;

	for (uint64_t i = 0; i < count && !result; i++) {
		uint64_t word = invented_get(addr + i * step);

		if (word >= LEAST_ADDR && word % 8 == 0)
			result = visit((void *)(uintptr_t)word, argument);
	}
	return result;
}

/* All that looks like an address, as far as the type says that the object goes. */
static int traverse_fields(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;
	uint64_t type = invented_get(addr + layout->object_type);
	uint64_t size = invented_get(type + layout->type_basicsize);

	if (size < layout->object_size)
		return 0;
	return visit_words(addr + layout->object_size, (size - layout->object_size) / 8, 8, visit,
			   argument);
}

static int traverse_set(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;

	return visit_words(invented_get(addr + layout->set_table) + SET_ENTRY_KEY,
			   invented_get(addr + layout->set_mask) + 1, SET_ENTRY_BYTES, visit,
			   argument);
}

static int traverse_frame(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;

	if (layout->frame_iframe == PYI_ABSENT)
		return visit_words(addr + layout->frame_localsplus, LOCALS, 8, visit, argument);
	return visit_words(invented_get(addr + layout->frame_iframe) + layout->iframe_localsplus,
			   LOCALS, 8, visit, argument);
}

static int traverse_generator(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;

	if (layout->generator_iframe == PYI_ABSENT)
		return 0;
	return visit_words(addr + layout->generator_iframe + layout->iframe_localsplus, LOCALS, 8,
			   visit, argument);
}

/* As CPython's, but that a static type is a fault here, where it ends the process there. */
static int traverse_type(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;
	const uint32_t fields[] = { layout->type_dict, layout->type_cache, layout->type_mro,
				    layout->type_bases, layout->type_base };
	int result = 0;

	if (!(invented_get(addr + layout->type_flags) & INVENTED_FLAG_HEAP_TYPE))
		result = (int)invented_get(NOTHING_ADDR);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !result; i++)
		result = visit_words(addr + fields[i], 1, 8, visit, argument);
	return result;
}

static uint64_t make_type(struct mixed_heap *mixed, const char *name, uint32_t kind, uint64_t flags,
			  traverse_function *traverse)
{
	int64_t basicsize = kind == PYI_KIND_CODE    ? layout->code_size
			    : kind == PYI_KIND_FRAME ? layout->frame_size
						     : FIELDS_BYTES;
	uint64_t type = invented_static_type(making, &(struct invented_type){
							     .name = name,
							     .base = making->object_type,
							     .basicsize = basicsize,
							     .flags = flags,
							     .traverse = traverse,
						     });
	size_t known = mixed->runtime.builtin_type_count;

	allow((uintptr_t)traverse);
	if (kind == PYI_KIND_PLAIN)
		return mixed_keep(mixed, type);
	FUZZ_EXPECT(known < PYI_BUILTIN_TYPE_LIMIT);
	mixed->known_types[known] = (struct pyi_known_type){ type, kind };
	mixed->runtime.builtin_types[known] = (struct pyi_builtin_type){ kind, type };
	mixed->runtime.builtin_type_count++;
	return mixed_keep(mixed, type);
}

static uint64_t make_object(struct mixed_heap *mixed, uint64_t type)
{
	uint64_t object = mixed_keep(mixed, invented_object(making, type, OBJECT_BYTES));

	if (invented_get(type + layout->type_flags) & INVENTED_FLAG_GC)
		invented_track(making, object, (int)(mixed->object_count % INVENTED_LISTS));
	return object;
}

static uint64_t make_container(struct mixed_heap *mixed, uint64_t container)
{
	invented_track(making, container, (int)(mixed->object_count % INVENTED_LISTS));
	return mixed_keep(mixed, container);
}

static uint64_t str(const char *text)
{
	return invented_str(making, text);
}

static uint64_t one(uint64_t item)
{
	return invented_tuple(making, &item, 1);
}

/* def f(a), with a cell `b`, and a free variable `c`. */
static void make_code(struct mixed_heap *mixed, uint64_t bytes_type)
{
	uint64_t names[LOCALS] = { str("a"), str("b"), str("c") };
	uint64_t kinds = invented_object(making, bytes_type, 64);
	uint64_t code = make_object(mixed, make_type(mixed, "code", PYI_KIND_CODE, 0, NULL));

	mixed->code = code;
	invented_set(kinds + layout->var_size, LOCALS);
	invented_set(kinds + layout->bytes_value, SHIFTED(FREE_VARIABLE, 16));
	mixed_set(code, layout->code_name, str("f"));
	mixed_set(code, layout->code_qualname, str("C.f"));
	mixed_set(code, layout->code_filename, str("/app.py"));
	mixed_set(code, layout->code_varnames, one(names[0]));
	mixed_set(code, layout->code_cellvars, one(names[1]));
	mixed_set(code, layout->code_freevars, one(names[2]));
	mixed_set(code, layout->code_localsplusnames, invented_tuple(making, names, LOCALS));
	for (int i = 0; i + 1 < PYI_LAYOUT_LIST && layout->code_localsplusnames != PYI_ABSENT; i++)
		if (layout->code_references[i] == layout->code_localsplusnames)
			mixed_set(code, layout->code_references[i + 1], kinds);
	if (layout->code_nlocals != PYI_ABSENT)
		memset((void *)(uintptr_t)(code + layout->code_nlocals), 1, 1);
	if (layout->code_nlocalsplus != PYI_ABSENT)
		memset((void *)(uintptr_t)(code + layout->code_nlocalsplus), LOCALS, 1);
}

static void fill_locals(struct mixed_heap *mixed, uint64_t addr)
{
	for (uint64_t i = 0; i < LOCALS; i++)
		invented_set(addr + i * 8, mixed->objects[i]);
}

static void fill_iframe(struct mixed_heap *mixed, uint64_t iframe)
{
	mixed_set(iframe, layout->iframe_code, mixed->code);
	if (layout->iframe_localsplus != PYI_ABSENT)
		fill_locals(mixed, iframe + layout->iframe_localsplus);
}

uint64_t mixed_make_iframe(struct mixed_heap *mixed)
{
	uint64_t iframe = invented_raw(making, IFRAME_BYTES);

	fill_iframe(mixed, iframe);
	return iframe;
}

static uint64_t make_frame(struct mixed_heap *mixed)
{
	uint64_t frame = make_object(
		mixed, make_type(mixed, "frame", PYI_KIND_FRAME, INVENTED_FLAG_GC, traverse_frame));
	uint64_t generator = make_object(mixed, make_type(mixed, "generator", PYI_KIND_GENERATOR,
							  INVENTED_FLAG_GC, traverse_generator));

	mixed_set(frame, layout->frame_code, mixed->code);
	if (layout->frame_iframe != PYI_ABSENT)
		mixed_set(frame, layout->frame_iframe, mixed_make_iframe(mixed));
	else
		fill_locals(mixed, frame + layout->frame_localsplus);
	mixed_set(generator, layout->generator_code, mixed->code);
	if (layout->generator_iframe != PYI_ABSENT)
		fill_iframe(mixed, generator + layout->generator_iframe);
	return frame;
}

static void make_function(struct mixed_heap *mixed, uint64_t dict)
{
	uint64_t function = make_object(mixed, make_type(mixed, "function", PYI_KIND_FUNCTION,
							 INVENTED_FLAG_GC, traverse_fields));
	uint64_t cell = make_object(
		mixed, make_type(mixed, "cell", PYI_KIND_CELL, INVENTED_FLAG_GC, traverse_fields));
	uint64_t module = make_object(mixed, make_type(mixed, "module", PYI_KIND_MODULE,
						       INVENTED_FLAG_GC, traverse_fields));

	mixed_set(cell, layout->cell_contents, mixed->objects[0]);
	mixed_set(function, layout->function_code, mixed->code);
	mixed_set(function, layout->function_globals, dict);
	mixed_set(function, layout->function_name, str("f"));
	mixed_set(function, layout->function_closure, one(cell));
	mixed_set(module, layout->module_dict, dict);
	invented_set(invented_get(module + layout->object_type) + layout->type_dictoffset,
		     layout->module_dict);
}

static void make_set(struct mixed_heap *mixed)
{
	uint64_t set = make_object(
		mixed, make_type(mixed, "set", PYI_KIND_SET, INVENTED_FLAG_GC, traverse_set));
	uint64_t table = set + layout->set_smalltable;

	invented_set(set + layout->set_table, table);
	invented_set(set + layout->set_mask, 7);
	invented_set(set + layout->set_used, 2);
	invented_set(table + SET_ENTRY_KEY, str("member"));
	invented_set(table + 3 * SET_ENTRY_BYTES + SET_ENTRY_KEY, mixed->objects[0]);
}

/* Of a Python class: an instance with a dict, one whose attributes need none, and a slot. */
static uint64_t make_class(struct mixed_heap *mixed, uint64_t dict)
{
	uint64_t names[2] = { str("senders"), str("cache") };
	uint64_t flags = INVENTED_FLAG_GC;
	uint64_t members = invented_raw(making, 4 * layout->member_size);
	uint64_t values = invented_raw(making, 64);
	uint64_t type;
	uint64_t thing;

	if (layout->features &
	    (PYI_FEATURE_MANAGED_DICT_AND_VALUES | PYI_FEATURE_MANAGED_DICT_OR_VALUES))
		flags |= FLAG_MANAGED_DICT;
	if (layout->features & PYI_FEATURE_MANAGED_DICT)
		flags |= FLAG_MANAGED_DICT | FLAG_INLINE_VALUES;
	type = invented_heap_type(making,
				  &(struct invented_type){ .name = "Thing",
							   .base = making->object_type,
							   .basicsize = 64,
							   .flags = flags,
							   .traverse = traverse_fields },
				  str("Thing"));
	make_container(mixed, type);
	mixed_set(type, layout->type_dict, dict);
	mixed_set(type, layout->type_mro,
		  invented_tuple(making, (uint64_t[]){ type, making->object_type }, 2));
	if (layout->heap_type_cached_keys != PYI_ABSENT)
		mixed_set(type, layout->heap_type_cached_keys,
			  invented_keys(making, names, NULL, 2, false));
	mixed_set(type, layout->type_members, members);
	mixed_set(members, layout->member_name, invented_get(type + layout->type_name));
	mixed_set(members + 8, layout->member_name, MEMBER_OBJECT_EX);
	mixed_set(members, layout->member_offset, layout->object_size);
	if (!(flags & FLAG_MANAGED_DICT))
		mixed_set(type, layout->type_dictoffset, layout->object_size + 8);
	for (int managed = 0; managed < 2; managed++) {
		/* Two words in front of the PyGC_Head. */
		uint64_t before = invented_raw(making, 16);

		thing = make_object(mixed, type);
		invented_set(thing + layout->object_size, names[0]);
		if (!(flags & FLAG_MANAGED_DICT))
			invented_set(thing + layout->object_size + 8, dict);
		else if (!managed)
			invented_set(before + 8, dict);
		else if (layout->features & PYI_FEATURE_MANAGED_DICT_AND_VALUES)
			invented_set(before, values);
		else if (layout->features & PYI_FEATURE_MANAGED_DICT_OR_VALUES)
			invented_set(before + 8, values - 1);
		else
			invented_set(thing + 64, 1);
	}
	mixed_set(values, layout->values_items, dict);
	return type;
}

static void know_builtins(struct mixed_heap *mixed)
{
	const struct pyi_known_type own[] = {
		{ making->type_type, PYI_KIND_TYPE },	 { making->list_type, PYI_KIND_LIST },
		{ making->dict_type, PYI_KIND_DICT },	 { making->str_type, PYI_KIND_STR },
		{ making->int_type, PYI_KIND_INT },	 { making->tuple_type, PYI_KIND_TUPLE },
		{ making->object_type, PYI_KIND_PLAIN }, { making->node_type, PYI_KIND_PLAIN },
	};

	invented_set(making->type_type + layout->type_traverse, (uintptr_t)traverse_type);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		mixed_keep(mixed, own[i].type_addr);
		allow(invented_get(own[i].type_addr + layout->type_traverse));
		allow(invented_get(own[i].type_addr + layout->type_is_gc));
		if (own[i].kind == PYI_KIND_PLAIN)
			continue;
		mixed->known_types[i] = own[i];
		mixed->runtime.builtin_types[i] =
			(struct pyi_builtin_type){ (uint32_t)own[i].kind, own[i].type_addr };
		mixed->runtime.builtin_type_count++;
	}
}

/* An instance of a class that is a dict, with an attribute; and what has more than a few items. */
static void make_large(struct mixed_heap *mixed, uint64_t dict)
{
	uint64_t flags = INVENTED_FLAG_GC | INVENTED_FLAG_DICT;
	const struct invented_type type = {
		.name = "Registry",
		.base = making->dict_type,
		.basicsize = 64,
		.flags = flags,
		.traverse = (traverse_function *)(uintptr_t)invented_get(making->dict_type +
									 layout->type_traverse),
	};
	uint64_t registry = mixed_keep(mixed, invented_heap_type(making, &type, str("Registry")));
	uint64_t items[MANY];
	uint64_t keys[MANY];
	uint64_t object;

	for (uint32_t i = 0; i < MANY; i++) {
		keys[i] = invented_int(making, i);
		items[i] = mixed->objects[i % 3];
	}
	make_container(mixed, invented_list(making, items, MANY));
	make_container(mixed, invented_dict(making, keys, items, MANY, true));
	object = make_object(mixed, registry);
	invented_set(object + layout->dict_used, 2);
	if (layout->dict_keys == PYI_ABSENT) {
		invented_set(object + layout->dict_mask, invented_get(dict + layout->dict_mask));
		invented_set(object + layout->dict_table, invented_get(dict + layout->dict_table));
		return;
	}
	invented_set(object + layout->dict_keys, invented_keys(making, keys, items, 2, true));
	object = make_object(mixed, registry);
	invented_set(object + layout->dict_used, 2);
	invented_set(object + layout->dict_keys, invented_get(dict + layout->dict_keys));
}

/* What is small, and has no references of its own but to a str. */
static void make_small(struct mixed_heap *mixed, uint64_t bytes_type)
{
	static const struct {
		const char *name;
		uint32_t kind;
	} small[] = {
		{ "bytearray", PYI_KIND_BYTEARRAY },
		{ "array.array", PYI_KIND_ARRAY },
		{ "collections.deque", PYI_KIND_DEQUE },
		{ "method_descriptor", PYI_KIND_DESCRIPTOR },
		{ "range", PYI_KIND_RANGE },
		{ "float", PYI_KIND_PLAIN },
		{ "bool", PYI_KIND_PLAIN },
		{ "NoneType", PYI_KIND_PLAIN },
	};

	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		make_object(mixed, make_type(mixed, small[i].name, small[i].kind, 0, NULL));
	invented_set(make_object(mixed, bytes_type) + layout->var_size, 5);
	mixed_keep(mixed, invented_int(making, 12345));
	mixed_keep(mixed, invented_wide_str(making, 4, (uint32_t[]){ 0x1f40d, 'x' }, 2));
}

/* Old-style: a class, one that derives from it, and an instance of that (2.7). */
static void make_old_classes(struct mixed_heap *mixed, uint64_t dict)
{
	uint64_t base = 0;
	uint64_t class_type;
	uint64_t instance_type;
	uint64_t instance;

	if (layout->instance_class == PYI_ABSENT)
		return;
	class_type =
		make_type(mixed, "classobj", PYI_KIND_CLASS, INVENTED_FLAG_GC, traverse_fields);
	instance_type =
		make_type(mixed, "instance", PYI_KIND_INSTANCE, INVENTED_FLAG_GC, traverse_fields);
	for (int i = 0; i < 2; i++) {
		uint64_t class = make_object(mixed, class_type);

		invented_set(class + layout->class_bases, invented_tuple(making, &base, i));
		invented_set(class + layout->class_dict, dict);
		invented_set(class + layout->class_name, str("Old"));
		base = class;
	}
	instance = make_object(mixed, instance_type);
	invented_set(instance + layout->instance_class, base);
	invented_set(instance + layout->instance_dict, dict);
}

/* Two classes of the same name, of different modules, as the subclasses of object. */
static uint64_t make_classes(struct mixed_heap *mixed, uint64_t dict)
{
	uint64_t weakref_type =
		make_type(mixed, "weakref.ReferenceType", PYI_KIND_PLAIN, INVENTED_FLAG_GC, NULL);
	uint64_t other = str("other");
	uint64_t module = str("__module__");
	uint64_t dicts[2] = { dict, invented_dict(making, &module, &other, 1, false) };
	uint64_t keys[2];
	uint64_t weakrefs[2];

	for (uint32_t i = 0; i < 2; i++) {
		keys[i] = invented_int(making, i);
		weakrefs[i] = make_object(mixed, weakref_type);
		mixed_set(weakrefs[i], layout->weakref_object, make_class(mixed, dicts[i]));
	}
	make_old_classes(mixed, dict);
	/* A list where dicts have a table of their own, as up to 3.2. */
	if (layout->dict_table != PYI_ABSENT)
		return make_container(mixed, invented_list(making, weakrefs, 2));
	return make_container(mixed, invented_dict(making, keys, weakrefs, 2, true));
}

void mixed_make_things(struct mixed_heap *mixed, struct invented_heap *heap,
		       struct mixed_things *ret_things)
{
	uint64_t texts[3];
	uint64_t keys[2];
	uint64_t values[2];
	uint64_t bytes_type;

	making = heap;
	texts[0] = mixed_keep(mixed, str(":1.1000"));
	texts[1] = mixed_keep(mixed, str("app"));
	texts[2] = mixed_keep(mixed, str("type='signal',arg1=':1.7'"));
	know_builtins(mixed);
	ret_things->list = make_container(mixed, invented_list(heap, texts, 3));
	keys[0] = str("__module__");
	keys[1] = str("__name__");
	values[0] = texts[1];
	values[1] = texts[1];
	ret_things->dict = make_container(mixed, invented_dict(heap, keys, values, 2, false));
	keys[0] = make_container(mixed, invented_tuple(heap, texts, 3));
	keys[1] = invented_int(heap, 7);
	values[0] = ret_things->list;
	make_container(mixed, invented_dict(heap, keys, values, 2, true));
	make_container(mixed, invented_node(heap, keys[0]));
	bytes_type = make_type(mixed, "bytes", PYI_KIND_PLAIN, FLAG_BYTES, NULL);
	make_small(mixed, bytes_type);
	make_code(mixed, bytes_type);
	ret_things->frame = make_frame(mixed);
	make_function(mixed, ret_things->dict);
	make_set(mixed);
	make_large(mixed, ret_things->dict);
	ret_things->subclasses = make_classes(mixed, ret_things->dict);
	invented_set(heap->object_type + layout->type_subclasses, ret_things->subclasses);
}
