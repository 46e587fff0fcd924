/*
 * Tests of src/python/attributes.c and members.c: dicts, instances and types of an invented heap,
 * whole and broken, through a reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invented_heap.h"
#include "python/attributes.h"

enum {
	HEAP_BYTES = 1 << 25,
	/* More than is read at once. */
	MANY_ITEMS = 100001,
	FUZZ_ROUNDS = 10000,
	FLAG_INLINE_VALUES = 1 << 2,
	FLAG_MANAGED_DICT = 1 << 4,
	FLAG_BYTES = 1 << 27,
	MEMBER_INT = 1,
	MEMBER_OBJECT = 6,
	MEMBER_OBJECT_EX = 16,
	INSTANCE_BYTES = 64,
	/* In front of an instance, what managed dicts need, and behind it. */
	MARGIN_BYTES = 64,
	INTERPRETER_BYTES = 1 << 18,
};

struct fixture {
	struct invented_heap heap;
	struct pyi_runtime runtime;
	struct pyi_memory_reader *reader;
};

static int set_up(void **state)
{
	uint32_t version = (uint32_t)(uintptr_t)*state;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct invented_heap *heap = &fixture->heap;

	invented_heap_create(heap, invented_layout_of(version), HEAP_BYTES);
	fixture->runtime.layout = invented_layout_of(version);
	assert_null(pyi_memory_reader_create_mock(
		(const void *)(uintptr_t)heap->range.start_addr,
		(size_t)(heap->range.end_addr - heap->range.start_addr), heap->range.start_addr,
		&fixture->reader));
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_memory_reader_destroy(fixture->reader);
	invented_heap_destroy(&fixture->heap);
	free(fixture);
	return 0;
}

static void set32(uint64_t addr, uint32_t value)
{
	memcpy((void *)(uintptr_t)addr, &value, sizeof(value));
}

static uint64_t c_string(struct fixture *fixture, const char *text)
{
	uint64_t addr = invented_raw(&fixture->heap, strlen(text) + 1);

	memcpy((void *)(uintptr_t)addr, text, strlen(text) + 1);
	return addr;
}

static void add_kind(struct fixture *fixture, uint64_t type, uint32_t kind)
{
	struct pyi_runtime *runtime = &fixture->runtime;

	runtime->builtin_types[runtime->builtin_type_count++] =
		(struct pyi_builtin_type){ .kind = kind, .addr = type };
}

static uint64_t builtin(struct fixture *fixture, const char *name, uint64_t flags)
{
	return invented_static_type(&fixture->heap,
				    &(struct invented_type){ .name = name, .flags = flags });
}

struct seen {
	size_t count;
	size_t limit;
	uint64_t keys[8];
	uint64_t values[8];
};

static bool see(void *argument, uint64_t key, uint64_t value)
{
	struct seen *seen = argument;

	if (seen->count < 8) {
		seen->keys[seen->count] = key;
		seen->values[seen->count] = value;
	}
	return ++seen->count != seen->limit;
}

static bool each_item(struct fixture *fixture, uint64_t dict, struct seen *seen)
{
	return pyi_attributes_each_item(&fixture->runtime, fixture->reader, dict, see, seen);
}

static void test_items(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;

	for (int general = 0; general < 2; general++) {
		uint64_t keys[5];
		uint64_t values[5];
		struct seen seen = { 0 };
		uint64_t dict;

		for (int i = 0; i < 5; i++) {
			keys[i] = general && i == 1 ? invented_int(heap, 1)
						    : invented_str(heap, "key");
			/* One was deleted. */
			values[i] = i == 2 ? 0 : invented_int(heap, 2);
		}
		dict = invented_dict(heap, keys, values, 5, general);
		assert_true(each_item(fixture, dict, &seen));
		assert_int_equal(seen.count, 4);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(seen.keys[i], keys[i < 2 ? i : i + 1]);
			assert_int_equal(seen.values[i], values[i < 2 ? i : i + 1]);
		}
		seen = (struct seen){ .limit = 2 };
		assert_true(each_item(fixture, dict, &seen));
		assert_int_equal(seen.count, 2);
		seen = (struct seen){ 0 };
		assert_true(
			each_item(fixture, invented_dict(heap, keys, values, 0, general), &seen));
		assert_int_equal(seen.count, 0);
	}
}

static void test_many_items(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t *keys = calloc(MANY_ITEMS, sizeof(*keys));
	struct seen seen = { 0 };
	uint64_t table;
	uint64_t dict;

	for (size_t i = 0; i < MANY_ITEMS; i++)
		keys[i] = heap->str_type + i;
	dict = invented_dict(heap, keys, keys, MANY_ITEMS, true);
	assert_true(each_item(fixture, dict, &seen));
	assert_int_equal(seen.count, MANY_ITEMS);
	seen = (struct seen){ .limit = MANY_ITEMS - 1 };
	assert_true(each_item(fixture, dict, &seen));
	assert_int_equal(seen.count, MANY_ITEMS - 1);
	/* It claims more than there is memory. */
	table = invented_get(dict + heap->layout.dict_keys);
	if (heap->layout.keys_log2_size != PYI_ABSENT)
		*(uint8_t *)(uintptr_t)(table + heap->layout.keys_log2_size) = 40;
	else
		invented_set(table + heap->layout.keys_size, UINT64_C(1) << 40);
	invented_set(table + heap->layout.keys_nentries, UINT64_C(1) << 40);
	seen = (struct seen){ 0 };
	assert_false(each_item(fixture, dict, &seen));
	assert_true(seen.count <= HEAP_BYTES / 16);
	free(keys);
}

/* The values of a split table, or of an instance without a dict, in the order of its keys. */
static uint64_t values_of(struct fixture *fixture, uint64_t place, const uint64_t *values,
			  size_t count)
{
	const struct pyi_layout *layout = fixture->runtime.layout;

	if (!place)
		place = invented_raw(&fixture->heap, 256);
	if (layout->values_valid != PYI_ABSENT)
		*(uint8_t *)(uintptr_t)(place + layout->values_valid) = 1;
	memcpy((void *)(uintptr_t)(place +
				   (layout->values_items == PYI_ABSENT ? 0 : layout->values_items)),
	       values, count * sizeof(*values));
	return place;
}

static void test_split_items(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t keys[] = { invented_str(heap, "a"), invented_str(heap, "b"),
			    invented_str(heap, "c") };
	uint64_t values[] = { invented_int(heap, 1), 0, invented_int(heap, 3) };
	uint64_t none[3] = { 0 };
	uint64_t dict = invented_dict(heap, keys, none, 3, false);
	struct seen seen = { 0 };

	invented_set(dict + heap->layout.dict_values, values_of(fixture, 0, values, 3));
	assert_true(each_item(fixture, dict, &seen));
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.keys[1], keys[2]);
	assert_int_equal(seen.values[0], values[0]);
	assert_int_equal(seen.values[1], values[2]);
	invented_set(dict + heap->layout.dict_values, heap->range.end_addr - 16);
	assert_false(each_item(fixture, dict, &seen));
}

static void test_items_broken(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t key = invented_str(heap, "key");
	uint64_t dict = invented_dict(heap, &key, &key, 1, false);
	uint64_t keys = invented_get(dict + layout->dict_keys);
	const struct {
		uint64_t addr;
		uint64_t value;
	} bad[] = {
		{ dict + layout->object_type, 0 },
		{ dict + layout->object_type, heap->str_type },
		{ dict + layout->dict_keys, 0 },
		{ dict + layout->dict_keys, heap->range.end_addr - 8 },
		{ dict + layout->dict_keys, UINT64_MAX - 8 },
		{ dict + layout->dict_values, 1 },
		{ keys + layout->keys_nentries, 9 },
		{ keys + layout->keys_nentries, UINT64_MAX },
	};
	struct seen seen = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t before = invented_get(bad[i].addr);
		bool empty = bad[i].addr == dict + layout->dict_keys && bad[i].value > 1;

		assert_true(each_item(fixture, dict, &seen));
		seen.count = 0;
		invented_set(bad[i].addr, bad[i].value);
		/* What cannot be read may also look empty. */
		assert_true(!each_item(fixture, dict, &seen) || empty);
		assert_int_equal(seen.count, 0);
		invented_set(bad[i].addr, before);
	}
	assert_false(each_item(fixture, 0, &seen));
	assert_false(each_item(fixture, UINT64_MAX, &seen));
	assert_false(each_item(fixture, key, &seen));
}

static uint64_t class_with(struct fixture *fixture, uint64_t flags)
{
	struct invented_heap *heap = &fixture->heap;
	uint64_t type = invented_heap_type(heap,
					   &(struct invented_type){ .name = "Row",
								    .basicsize = INSTANCE_BYTES,
								    .flags = flags },
					   invented_str(heap, "Row"));

	return type;
}

static uint64_t instance_of(struct fixture *fixture, uint64_t type)
{
	uint64_t block = invented_raw(&fixture->heap, 2 * MARGIN_BYTES + INSTANCE_BYTES + 256);

	invented_set(block + MARGIN_BYTES + fixture->heap.layout.object_type, type);
	return block + MARGIN_BYTES;
}

static void expect_attribute(struct fixture *fixture, uint64_t object, const char *name,
			     uint64_t expected)
{
	uint64_t value = 12345;

	assert_int_equal(
		pyi_attributes_get(&fixture->runtime, fixture->reader, object, name, &value),
		expected != 0);
	assert_int_equal(value, expected ? expected : 12345);
}

static uint64_t small_dict(struct fixture *fixture, const char *name, uint64_t value)
{
	uint64_t key = invented_str(&fixture->heap, name);

	return invented_dict(&fixture->heap, &key, &value, 1, false);
}

static void test_instance_dict(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t type = class_with(fixture, INVENTED_FLAG_GC);
	uint64_t object = instance_of(fixture, type);
	uint64_t value = invented_int(heap, 1);

	invented_set(object + 24, small_dict(fixture, "attr", value));
	expect_attribute(fixture, object, "attr", 0);
	invented_set(type + layout->type_dictoffset, 24);
	expect_attribute(fixture, object, "attr", value);
	expect_attribute(fixture, object, "att", 0);
	invented_set(object + 24, 0);
	expect_attribute(fixture, object, "attr", 0);
	invented_set(object + 24, heap->range.end_addr - 4);
	expect_attribute(fixture, object, "attr", 0);

	/* From the end of 3 items of 4 bytes, and of as many negative ones (an int). */
	invented_set(type + layout->type_itemsize, 4);
	invented_set(type + layout->type_basicsize, 32);
	invented_set(type + layout->type_dictoffset, (uint64_t)-8);
	invented_set(object + layout->var_size, 3);
	invented_set(object + 48 - 8, small_dict(fixture, "end", value));
	expect_attribute(fixture, object, "end", value);
	invented_set(object + layout->var_size, (uint64_t)-3);
	expect_attribute(fixture, object, "end", value);
	invented_set(object + layout->var_size, 5);
	expect_attribute(fixture, object, "end", 0);
	invented_set(object + layout->var_size, UINT64_MAX / 4);
	expect_attribute(fixture, object, "end", 0);
	expect_attribute(fixture, 0, "end", 0);
	expect_attribute(fixture, heap->range.end_addr, "end", 0);
}

static void test_managed_dict(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t type = class_with(fixture, FLAG_MANAGED_DICT | FLAG_INLINE_VALUES);
	uint64_t object = instance_of(fixture, type);
	uint64_t keys[] = { invented_str(heap, "a"), invented_str(heap, "b") };
	uint64_t values[] = { 0, invented_int(heap, 1) };
	uint64_t value = invented_int(heap, 2);
	uint64_t dict = small_dict(fixture, "c", value);
	uint64_t place;

	invented_set(type + layout->type_dictoffset, (uint64_t)-1);
	invented_set(type + layout->heap_type_cached_keys,
		     invented_keys(heap, keys, NULL, 2, false));
	expect_attribute(fixture, object, "b", 0);
	if (layout->features & PYI_FEATURE_MANAGED_DICT_AND_VALUES) {
		invented_set(object - 32, values_of(fixture, 0, values, 2));
		place = object - 32;
	} else if (layout->features & PYI_FEATURE_MANAGED_DICT_OR_VALUES) {
		invented_set(object - 24, values_of(fixture, 0, values, 2) - 1);
		place = object - 24;
	} else {
		assert_true(layout->features & PYI_FEATURE_MANAGED_DICT);
		place = values_of(fixture, object + INSTANCE_BYTES, values, 2);
	}
	expect_attribute(fixture, object, "b", values[1]);
	expect_attribute(fixture, object, "a", 0);
	expect_attribute(fixture, object, "c", 0);
	/* The keys are gone, or the values are not in use. */
	invented_set(type + layout->heap_type_cached_keys, 8);
	expect_attribute(fixture, object, "b", 0);
	invented_set(type + layout->heap_type_cached_keys,
		     invented_keys(heap, keys, NULL, 2, false));
	expect_attribute(fixture, object, "b", values[1]);
	if (layout->values_valid != PYI_ABSENT)
		*(uint8_t *)(uintptr_t)(place + layout->values_valid) = 0;
	else
		invented_set(place, 0);
	expect_attribute(fixture, object, "b", 0);
	/* A dict instead. */
	invented_set(object - 24, dict);
	expect_attribute(fixture, object, "c", value);
	if (layout->values_valid != PYI_ABSENT)
		*(uint8_t *)(uintptr_t)(place + layout->values_valid) = 1;
	expect_attribute(fixture, object, "c", value);
	/* Without the flag there is nothing in front of the object. */
	invented_set(type + layout->type_flags, INVENTED_FLAG_HEAP_TYPE);
	invented_set(type + layout->type_dictoffset, 0);
	expect_attribute(fixture, object, "c", 0);
}

struct member {
	const char *name;
	uint32_t type;
	uint64_t offset;
};

static void set_members(struct fixture *fixture, uint64_t type, const struct member *members,
			size_t count)
{
	const struct pyi_layout *layout = fixture->runtime.layout;
	uint64_t array = invented_raw(&fixture->heap, (count + 1) * layout->member_size);

	for (size_t i = 0; i < count; i++) {
		uint64_t addr = array + i * layout->member_size;

		invented_set(addr + layout->member_name, c_string(fixture, members[i].name));
		set32(addr + layout->member_name + 8, members[i].type);
		invented_set(addr + layout->member_offset, members[i].offset);
	}
	invented_set(type + layout->type_members, array);
}

static void expect_field(struct fixture *fixture, uint64_t type, uint64_t offset,
			 const char *expected)
{
	char name[PYI_NAME_BYTES] = "untouched";

	assert_int_equal(
		pyi_attributes_field_name(&fixture->runtime, fixture->reader, type, offset, name),
		expected != NULL);
	assert_string_equal(name, expected ? expected : "untouched");
}

static void test_slots(void **state)
{
	static const struct member own[] = {
		{ "number", MEMBER_INT, 16 },
		{ "slot", MEMBER_OBJECT_EX, 24 },
	};
	static const struct member inherited[] = {
		{ "slot", MEMBER_OBJECT_EX, 32 },
		{ "older", MEMBER_OBJECT, 40 },
		{ "", MEMBER_OBJECT, 56 },
	};
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t base = class_with(fixture, INVENTED_FLAG_GC);
	uint64_t type = class_with(fixture, INVENTED_FLAG_GC);
	uint64_t mro[] = { type, base, heap->object_type };
	uint64_t object = instance_of(fixture, type);
	uint64_t values[] = { invented_int(heap, 1), invented_int(heap, 2), invented_int(heap, 3) };
	uint64_t array;

	set_members(fixture, type, own, 2);
	set_members(fixture, base, inherited, 3);
	for (int i = 0; i < 3; i++)
		invented_set(object + 24 + 8 * (uint64_t)i, values[i]);
	invented_set(object + 16, values[0]);
	expect_attribute(fixture, object, "older", 0);
	invented_set(type + layout->type_mro, invented_tuple(heap, mro, 3));
	expect_attribute(fixture, object, "slot", values[0]);
	expect_attribute(fixture, object, "older", values[2]);
	expect_attribute(fixture, object, "number", 0);
	expect_field(fixture, type, 24, "slot");
	expect_field(fixture, type, 32, "slot");
	expect_field(fixture, type, 40, "older");
	expect_field(fixture, type, 16, NULL);
	expect_field(fixture, type, 48, NULL);
	expect_field(fixture, type, 56, NULL);
	expect_field(fixture, base, 24, NULL);

	/* A slot goes before the dict; an empty one does not hide it. */
	invented_set(type + layout->type_dictoffset, 48);
	invented_set(object + 48, small_dict(fixture, "slot", values[1]));
	expect_attribute(fixture, object, "slot", values[0]);
	expect_field(fixture, type, 48, "__dict__");
	invented_set(object + 24, 0);
	expect_attribute(fixture, object, "slot", values[1]);
	invented_set(object + 48, 0);
	expect_attribute(fixture, object, "slot", 0);

	/* Arrays that do not end, or end with memory. */
	array = invented_raw(heap, (size_t)1200 * layout->member_size);
	for (uint64_t i = 0; i < 1200; i++) {
		invented_set(array + i * layout->member_size + layout->member_name,
			     c_string(fixture, "other"));
		set32(array + i * layout->member_size + layout->member_name + 8, MEMBER_OBJECT);
		invented_set(array + i * layout->member_size + layout->member_offset,
			     i == 999	 ? 1000
			     : i == 1000 ? 2000
					 : 8);
	}
	invented_set(type + layout->type_members, array);
	expect_field(fixture, type, 1000, "other");
	expect_field(fixture, type, 2000, NULL);
	invented_set(type + layout->type_members, heap->range.end_addr - 8);
	expect_field(fixture, type, 1000, NULL);
	expect_field(fixture, type, 40, "older");
	invented_set(type + layout->type_mro, heap->range.end_addr);
	expect_field(fixture, type, 40, NULL);
	expect_field(fixture, 0, 40, NULL);
}

static void test_builtin_fields(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t function = builtin(fixture, "function", INVENTED_FLAG_GC);
	uint64_t cell = builtin(fixture, "cell", INVENTED_FLAG_GC);
	uint64_t generator = builtin(fixture, "generator", INVENTED_FLAG_GC);
	uint64_t metaclass = class_with(fixture, INVENTED_FLAG_TYPE);
	uint64_t mro[] = { metaclass, heap->type_type, heap->object_type };
	int last = 0;

	expect_field(fixture, function, layout->function_code, NULL);
	add_kind(fixture, function, PYI_KIND_FUNCTION);
	add_kind(fixture, cell, PYI_KIND_CELL);
	add_kind(fixture, generator, PYI_KIND_GENERATOR);
	add_kind(fixture, heap->type_type, PYI_KIND_TYPE);
	expect_field(fixture, function, layout->function_code, "__code__");
	expect_field(fixture, function, layout->function_closure, "__closure__");
	expect_field(fixture, function, layout->function_globals, "__globals__");
	expect_field(fixture, function, layout->function_defaults, "__defaults__");
	expect_field(fixture, function, PYI_ABSENT, NULL);
	expect_field(fixture, cell, layout->cell_contents, "cell_contents");
	expect_field(fixture, cell, layout->cell_contents + 8, NULL);
	invented_set(metaclass + layout->type_mro, invented_tuple(heap, mro, 3));
	expect_field(fixture, metaclass, layout->type_mro, "__mro__");
	expect_field(fixture, metaclass, layout->type_subclasses, "__subclasses__()");
	expect_field(fixture, heap->type_type, layout->heap_type_qualname, "__qualname__");
	while (layout->generator_references[last + 1] != PYI_ABSENT)
		last++;
	expect_field(fixture, generator, layout->generator_references[last], "__qualname__");
	expect_field(fixture, generator, layout->generator_references[last - 1], "__name__");
	if (last == 2)
		expect_field(fixture, generator, layout->generator_references[0], "gi_code");
}

static void expect_class_attribute(struct fixture *fixture, uint64_t type, const char *name,
				   uint64_t expected)
{
	uint64_t value = 12345;

	assert_int_equal(
		pyi_attributes_get_class(&fixture->runtime, fixture->reader, type, name, &value),
		expected != 0);
	assert_int_equal(value, expected ? expected : 12345);
}

static void test_class(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t type = class_with(fixture, INVENTED_FLAG_GC);
	uint64_t value = invented_int(heap, 1);
	uint64_t dict = small_dict(fixture, "senders", value);
	uint64_t state_addr;

	expect_class_attribute(fixture, type, "senders", 0);
	invented_set(type + layout->type_dict, dict);
	expect_class_attribute(fixture, type, "senders", value);
	expect_class_attribute(fixture, type, "sender", 0);
	expect_class_attribute(fixture, value, "senders", 0);
	expect_class_attribute(fixture, 0, "senders", 0);
	if (!(layout->features & PYI_FEATURE_STATIC_TYPE_STATE))
		return;

	/* The second static type of an interpreter. */
	type = builtin(fixture, "str_iterator", INVENTED_FLAG_STATIC_BUILTIN);
	fixture->runtime.addr = invented_raw(heap, INTERPRETER_BYTES);
	state_addr = invented_raw(heap, INTERPRETER_BYTES);
	invented_set(fixture->runtime.addr + layout->runtime_interpreters_head, state_addr);
	state_addr += layout->interp_static_types + layout->static_type_size;
	invented_set(state_addr + layout->static_type_type, type);
	invented_set(state_addr + layout->static_type_dict, dict);
	expect_class_attribute(fixture, type, "senders", 0);
	invented_set(type + layout->type_subclasses, 2);
	expect_class_attribute(fixture, type, "senders", value);
	invented_set(type + layout->type_subclasses, UINT64_MAX);
	expect_class_attribute(fixture, type, "senders", 0);
}

static void expect_length(struct fixture *fixture, uint64_t object, int64_t expected)
{
	uint64_t length = 12345;

	assert_int_equal(pyi_attributes_length(&fixture->runtime, fixture->reader, object, &length),
			 expected >= 0);
	assert_int_equal(length, expected >= 0 ? expected : 12345);
}

static void test_length(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t items[] = { heap->str_type, heap->int_type, heap->node_type };
	uint64_t set_type = builtin(fixture, "set", 0);
	uint64_t deque_type = builtin(fixture, "collections.deque", 0);
	uint64_t bytes_type = builtin(fixture, "bytes", FLAG_BYTES);
	uint64_t subclass = class_with(fixture, 0);
	uint64_t mro[] = { subclass, set_type };
	uint64_t object;

	add_kind(fixture, set_type, PYI_KIND_SET);
	invented_set(subclass + layout->type_mro, invented_tuple(heap, mro, 2));
	expect_length(fixture, invented_str(heap, "four"), 4);
	expect_length(fixture, invented_str(heap, ""), 0);
	expect_length(fixture, invented_tuple(heap, items, 3), 3);
	expect_length(fixture, invented_list(heap, items, 2), 2);
	expect_length(fixture, invented_dict(heap, items, items, 3, true), 3);
	object = invented_object(heap, subclass, layout->set_size);
	invented_set(object + layout->set_used, 7);
	expect_length(fixture, object, 7);
	invented_set(object + layout->set_used, (uint64_t)-7);
	expect_length(fixture, object, -1);
	object = invented_object(heap, deque_type, 128);
	invented_set(object + layout->var_size, 9);
	expect_length(fixture, object, 9);
	object = invented_object(heap, bytes_type, 128);
	invented_set(object + layout->var_size, 11);
	expect_length(fixture, object, 11);
	expect_length(fixture, invented_int(heap, 5), -1);
	expect_length(fixture, heap->int_type, -1);
	expect_length(fixture, 0, -1);
	expect_length(fixture, heap->range.end_addr, -1);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Whatever the words are, there is an answer, and soon. */
static void test_random(void **state)
{
	static const struct member members[] = { { "slot", MEMBER_OBJECT_EX, 24 } };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t first = heap->next_addr;
	uint64_t type = class_with(fixture, INVENTED_FLAG_GC | FLAG_MANAGED_DICT);
	uint64_t mro[] = { type, heap->object_type };
	uint64_t object = instance_of(fixture, type);
	uint64_t dict = small_dict(fixture, "attr", type);
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	uint8_t *before;
	size_t size;

	set_members(fixture, type, members, 1);
	invented_set(type + layout->type_mro, invented_tuple(heap, mro, 2));
	invented_set(type + layout->type_dictoffset, 32);
	invented_set(type + layout->type_dict, dict);
	invented_set(type + layout->heap_type_cached_keys, invented_get(dict + layout->dict_keys));
	invented_set(object + 32, dict);
	invented_set(object - 24, dict);
	size = (size_t)(heap->next_addr - first);
	before = malloc(size);
	memcpy(before, (const void *)(uintptr_t)first, size);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		char name[PYI_NAME_BYTES];
		struct seen seen = { .limit = 1000 };
		uint64_t value;

		for (int c = 0; c < 4; c++) {
			uint64_t addr = first + next_random(&seed) % (size / 8) * 8;
			uint64_t random = next_random(&seed);

			if (random % 4 == 0)
				random = first + random % size / 8 * 8;
			else if (random % 4 == 1)
				random = invented_get(addr) ^ UINT64_C(1) << random / 4 % 64;
			else if (random % 4 == 2)
				random %= 100;
			invented_set(addr, random);
		}
		(void)pyi_attributes_get(&fixture->runtime, fixture->reader, object, "attr",
					 &value);
		(void)pyi_attributes_get_class(&fixture->runtime, fixture->reader, type, "attr",
					       &value);
		(void)pyi_attributes_field_name(&fixture->runtime, fixture->reader, type, 24, name);
		(void)pyi_attributes_length(&fixture->runtime, fixture->reader, object, &value);
		(void)each_item(fixture, dict, &seen);
		memcpy((void *)(uintptr_t)first, before, size);
	}
	free(before);
	expect_attribute(fixture, object, "attr", type);
}

#define IN(test, version, label)                                                                   \
	{                                                                                          \
#test " in " label, test, set_up, tear_down, (void *)(uintptr_t)(version)          \
	}
#define IN_NEW(test) IN(test, 0x030b, "3.11"), IN(test, 0x030c, "3.12"), IN(test, 0x030d, "3.13")
#define IN_ALL(test) IN(test, 0x0307, "3.7"), IN(test, 0x030a, "3.10"), IN_NEW(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_items),	   IN_ALL(test_many_items),	IN_ALL(test_split_items),
		IN_ALL(test_items_broken), IN_ALL(test_instance_dict),	IN_NEW(test_managed_dict),
		IN_ALL(test_slots),	   IN_ALL(test_builtin_fields), IN_ALL(test_class),
		IN_ALL(test_length),	   IN_ALL(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
