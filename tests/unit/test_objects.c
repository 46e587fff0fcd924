/*
 * Tests of src/python/objects.c: names, strings and dicts of an invented heap, whole and broken,
 * through a reader.
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
#include "python/objects.h"
#include "python/references.h"

enum {
	HEAP_BYTES = 1 << 20,
	FUZZ_ROUNDS = 20000,
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
	fixture->runtime.type_type_addr = heap->type_type;
	fixture->runtime.dict_type_addr = heap->dict_type;
	fixture->runtime.str_type_addr = heap->str_type;
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

static uint64_t unmapped(const struct fixture *fixture)
{
	return fixture->heap.range.end_addr;
}

static void expect_str(struct fixture *fixture, uint64_t addr, const char *expected)
{
	char text[PYI_NAME_BYTES];

	memset(text, '#', sizeof(text));
	assert_true(pyi_objects_read_str(&fixture->runtime, fixture->reader, addr, text));
	assert_string_equal(text, expected);
}

static void expect_no_str(struct fixture *fixture, uint64_t addr)
{
	char text[PYI_NAME_BYTES];

	assert_false(pyi_objects_read_str(&fixture->runtime, fixture->reader, addr, text));
}

static void expect_name(struct fixture *fixture, uint64_t type, const char *expected)
{
	char *name = pyi_objects_type_name(&fixture->runtime, fixture->reader, type);

	assert_non_null(name);
	assert_string_equal(name, expected);
	free(name);
}

static void expect_unnamed(struct fixture *fixture, uint64_t type)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "<type at 0x%llx>", (unsigned long long)type);
	expect_name(fixture, type, expected);
}

/* A str of the narrowest width that all characters fit. */
static uint64_t str_of(struct fixture *fixture, const uint32_t *characters, size_t count)
{
	uint32_t all = 0;

	for (size_t i = 0; i < count; i++)
		all |= characters[i];
	return invented_wide_str(&fixture->heap,
				 all < 0x100	 ? 1
				 : all < 0x10000 ? 2
						 : 4,
				 characters, count);
}

static void test_strings(void **state)
{
	static const uint32_t narrow[] = { 'a', 0xe9, 0xff, 0x80, 'b' };
	static const uint32_t wide[] = { 'a', 0x20ac, 0x7ff, 0x800, 0xffff, 'b' };
	static const uint32_t widest[] = { 'a', 0x1f40d, 0x10ffff, 0x10000, 'b' };
	static const uint32_t surrogates[] = { 'a', 0xd800, 0xdfff, 0xd7ff, 0xe000, 'b' };
	static const uint32_t impossible[] = { 'a', 0x110000, 0xffffffff, 0xd83d, 'b' };
	struct fixture *fixture = *state;

	expect_str(fixture, invented_str(&fixture->heap, ""), "");
	expect_str(fixture, invented_str(&fixture->heap, "Row"), "Row");
	expect_str(fixture, str_of(fixture, narrow, 5),
		   "a\u00e9\u00ff\xc2\x80"
		   "b");
	expect_str(fixture, str_of(fixture, wide, 6),
		   "a\u20ac\u07ff\u0800\xef\xbf\xbf"
		   "b");
	expect_str(fixture, str_of(fixture, widest, 5),
		   "a\U0001f40d\xf4\x8f\xbf\xbf\xf0\x90\x80\x80"
		   "b");
	/* Not to be had in UTF-8. */
	expect_str(fixture, str_of(fixture, surrogates, 6),
		   "a??\xed\x9f\xbf\xee\x80\x80"
		   "b");
	expect_str(fixture, str_of(fixture, impossible, 5), "a???b");
	/* The same characters, stored wider than needed. */
	expect_str(fixture, invented_wide_str(&fixture->heap, 4, narrow, 5),
		   "a\u00e9\u00ff\xc2\x80"
		   "b");
	expect_str(fixture, invented_wide_str(&fixture->heap, 2, narrow, 5),
		   "a\u00e9\u00ff\xc2\x80"
		   "b");
}

/* A str whose characters are elsewhere: PyUnicode_FromUnicode() and subclasses of str. */
static void test_strings_not_compact(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t text = invented_object(heap, heap->str_type, layout->str_legacy_size);
	uint64_t data = invented_raw(heap, 16);
	uint8_t *kind = (uint8_t *)(uintptr_t)(text + layout->str_state);

	memcpy((void *)(uintptr_t)data, "Legacy", 6);
	invented_set(text + layout->str_length, 6);
	invented_set(text + layout->str_data, data);
	*kind = 1 << 2 | 1 << 7;
	expect_str(fixture, text, "Legacy");
	invented_set(text + layout->str_data, unmapped(fixture) - 5);
	expect_no_str(fixture, text);
	invented_set(text + layout->str_data, 0);
	expect_no_str(fixture, text);
	/* Not made yet: only the wchar_t representation is there. */
	*kind = 0;
	invented_set(text + layout->str_data, data);
	expect_no_str(fixture, text);
}

static void test_strings_too_long(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint32_t wide[PYI_NAME_LIMIT + 10];
	char expected[PYI_NAME_BYTES];
	char *text = malloc(PYI_NAME_LIMIT + 11);
	uint64_t addr;

	memset(text, 'x', PYI_NAME_LIMIT + 10);
	text[PYI_NAME_LIMIT + 10] = '\0';
	addr = invented_str(heap, text);
	text[PYI_NAME_LIMIT] = '\0';
	expect_str(fixture, addr, text);
	expect_str(fixture, invented_str(heap, text), text);
	/* A length that cannot be, of a str that begins as it should. */
	invented_set(addr + heap->layout.str_length, UINT64_MAX);
	expect_str(fixture, addr, text);
	invented_set(addr + heap->layout.str_length, UINT64_C(1) << 63);
	expect_str(fixture, addr, text);
	free(text);

	/* Four bytes for each character. */
	for (size_t i = 0; i < PYI_NAME_LIMIT + 10; i++) {
		wide[i] = 0x1f40d;
		if (i < PYI_NAME_LIMIT)
			memcpy(expected + 4 * i, "\U0001f40d", 5);
	}
	expect_str(fixture, str_of(fixture, wide, PYI_NAME_LIMIT + 10), expected);
}

static void test_strings_broken(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t text = invented_str(heap, "Row");
	uint64_t end = unmapped(fixture);

	expect_no_str(fixture, 0);
	expect_no_str(fixture, UINT64_MAX);
	expect_no_str(fixture, end);
	expect_no_str(fixture, end - 1);
	expect_no_str(fixture, invented_int(heap, 7));
	expect_no_str(fixture, heap->type_type);
	/* Its end is missing. */
	for (uint64_t left = 8; left < layout->str_ascii_size + 3; left += 8) {
		uint64_t cut = end - left;

		for (uint64_t i = 0; i < left; i += 8)
			invented_set(cut + i, invented_get(text + i));
		expect_no_str(fixture, cut);
	}
	for (unsigned kind = 0; kind < 8; kind++) {
		uint8_t *place = (uint8_t *)(uintptr_t)(text + layout->str_state);
		uint8_t before = *place;

		*place = (uint8_t)((before & ~(7u << 2)) | kind << 2);
		if (kind != 1 && kind != 2 && kind != 4)
			expect_no_str(fixture, text);
		*place = before;
	}
	invented_set(text + layout->object_type, 0);
	expect_no_str(fixture, text);
	invented_set(text + layout->object_type, end - 4);
	expect_no_str(fixture, text);
}

static uint64_t class_named(struct fixture *fixture, uint64_t qualname, uint64_t module)
{
	struct invented_heap *heap = &fixture->heap;
	uint64_t type = invented_heap_type(
		heap, &(struct invented_type){ .name = "tp_name", .flags = INVENTED_FLAG_GC },
		qualname);
	uint64_t keys[] = { invented_str(heap, "__doc__"), invented_str(heap, "__module__"),
			    invented_str(heap, "f") };
	uint64_t values[] = { invented_int(heap, 1), module, invented_int(heap, 2) };

	invented_set(type + heap->layout.type_dict, invented_dict(heap, keys, values, 3, false));
	return type;
}

static void test_names(void **state)
{
	static const uint32_t snake[] = { 'S', 0x1f40d, 0xd800 };
	static const uint32_t module[] = { 'm', 0xf6, 'd' };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t row = invented_str(heap, "Table.Row");
	uint64_t type;

	expect_name(fixture, heap->type_type, "type");
	expect_name(fixture, heap->dict_type, "dict");
	expect_name(fixture, heap->node_type, "app.Node");
	type = invented_static_type(heap, &(struct invented_type){ .name = "builtins.Odd" });
	expect_name(fixture, type, "Odd");
	type = invented_static_type(heap, &(struct invented_type){ .name = "builtinsx.Odd" });
	expect_name(fixture, type, "builtinsx.Odd");

	expect_name(fixture, class_named(fixture, row, invented_str(heap, "app.db")),
		    "app.db.Table.Row");
	expect_name(fixture, class_named(fixture, row, invented_str(heap, "builtins")),
		    "Table.Row");
	expect_name(fixture,
		    class_named(fixture, str_of(fixture, snake, 3), str_of(fixture, module, 3)),
		    "m\u00f6d.S\U0001f40d?");
	/* __module__ is no str, or not there at all. */
	expect_name(fixture, class_named(fixture, row, invented_int(heap, 1)), "Table.Row");
	expect_name(fixture, class_named(fixture, row, 0), "Table.Row");
	type = class_named(fixture, row, row);
	invented_set(type + heap->layout.type_dict, 0);
	expect_name(fixture, type, "Table.Row");
	/* The qualname is no str: better than nothing. */
	expect_name(fixture, class_named(fixture, invented_int(heap, 1), row), "tp_name");
	expect_name(fixture, class_named(fixture, unmapped(fixture), row), "tp_name");
}

static void test_names_too_long(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	char *text = malloc(10000);
	char *expected = malloc(3 * PYI_NAME_BYTES);
	char *name;
	uint64_t type;
	uint64_t str;

	memset(text, 'x', 9999);
	text[9999] = '\0';
	str = invented_str(heap, text);
	snprintf(expected, 3 * PYI_NAME_BYTES, "%.*s.%.*s", PYI_NAME_LIMIT, text, PYI_NAME_LIMIT,
		 text);
	expect_name(fixture, class_named(fixture, str, str), expected);

	type = invented_static_type(heap, &(struct invented_type){ .name = text });
	name = pyi_objects_type_name(&fixture->runtime, fixture->reader, type);
	assert_non_null(name);
	assert_true(strlen(name) >= PYI_NAME_LIMIT && strlen(name) < PYI_NAME_BYTES);
	assert_memory_equal(name, text, strlen(name));
	free(name);
	free(text);
	free(expected);
}

static void test_names_broken(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t type = invented_static_type(heap, &(struct invented_type){ .name = "app.T" });
	uint64_t empty = invented_raw(heap, 16);
	uint64_t class;

	expect_unnamed(fixture, 0);
	expect_unnamed(fixture, UINT64_MAX);
	expect_unnamed(fixture, unmapped(fixture));
	expect_unnamed(fixture, unmapped(fixture) - 8);
	invented_set(type + layout->type_name, 0);
	expect_unnamed(fixture, type);
	invented_set(type + layout->type_name, unmapped(fixture));
	expect_unnamed(fixture, type);
	invented_set(type + layout->type_name, empty);
	expect_unnamed(fixture, type);
	/* A name that runs into the end of memory. */
	memset((void *)(uintptr_t)(unmapped(fixture) - 20), 'x', 20);
	invented_set(type + layout->type_name, unmapped(fixture) - 20);
	expect_unnamed(fixture, type);
	class = class_named(fixture, 8, 8);
	invented_set(class + layout->type_name, 8);
	expect_unnamed(fixture, class);
}

static void expect_entry(struct fixture *fixture, uint64_t dict, const char *key, uint64_t expected)
{
	uint64_t value = 12345;

	assert_int_equal(
		pyi_objects_dict_get(&fixture->runtime, fixture->reader, dict, key, &value),
		expected != 0);
	assert_int_equal(value, expected ? expected : 12345);
}

/* Tables with one, two and four bytes an index, with keys of strings only and of all sorts. */
static void test_dicts(void **state)
{
	static const size_t counts[] = { 0, 1, 5, 6, 85, 86, 170, 171, 300 };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;

	for (size_t c = 0; c < 2 * sizeof(counts) / sizeof(counts[0]); c++) {
		size_t count = counts[c / 2];
		uint64_t keys[300];
		uint64_t values[300];
		uint64_t dict;
		char name[32];

		invented_heap_destroy(heap);
		invented_heap_create(heap, fixture->runtime.layout, HEAP_BYTES);
		/* The reader reads the new heap only if it is where the old one was. */
		pyi_memory_reader_destroy(fixture->reader);
		assert_null(pyi_memory_reader_create_mock(
			(const void *)(uintptr_t)heap->range.start_addr, HEAP_BYTES,
			heap->range.start_addr, &fixture->reader));
		for (size_t i = 0; i < count; i++) {
			snprintf(name, sizeof(name), "key%zu", i);
			keys[i] = i % 7 == 3 && c % 2 ? invented_int(heap, 3)
						      : invented_str(heap, name);
			/* Some were deleted. */
			values[i] = i % 5 == 4 ? 0 : invented_int(heap, (uint32_t)i);
		}
		dict = invented_dict(heap, keys, values, count, c % 2);
		for (size_t i = 0; i < count; i++) {
			snprintf(name, sizeof(name), "key%zu", i);
			expect_entry(fixture, dict, name, i % 7 == 3 && c % 2 ? 0 : values[i]);
		}
		expect_entry(fixture, dict, "key", 0);
		expect_entry(fixture, dict, "", 0);
		expect_entry(fixture, dict, "key999", 0);
	}
}

static void test_dict_keys(void **state)
{
	static const uint32_t accent[] = { 'k', 0xe9 };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	char longest[66];
	uint64_t keys[4];
	uint64_t values[4];
	uint64_t dict;

	for (int i = 0; i < 4; i++)
		values[i] = invented_int(heap, 1);
	memset(longest, 'k', 64);
	longest[64] = '\0';
	keys[0] = invented_str(heap, longest);
	/* Not ASCII, but the same bytes; and an int that looks like the str. */
	keys[1] = str_of(fixture, accent, 2);
	keys[2] = invented_str(heap, "ab");
	invented_set(keys[2] + heap->layout.object_type, heap->int_type);
	keys[3] = invented_str(heap, "");
	dict = invented_dict(heap, keys, values, 4, true);
	expect_entry(fixture, dict, longest, values[0]);
	expect_entry(fixture, dict, "k\xe9", 0);
	expect_entry(fixture, dict, "ab", 0);
	expect_entry(fixture, dict, "", values[3]);
	strcat(longest, "k");
	expect_entry(fixture, dict, longest, 0);
}

static void test_dicts_broken(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t key = invented_str(heap, "key");
	uint64_t value = invented_int(heap, 1);
	uint64_t dict = invented_dict(heap, &key, &value, 1, false);
	uint64_t keys = invented_get(dict + layout->dict_keys);
	const struct {
		uint64_t addr;
		uint64_t value;
	} bad[] = {
		{ dict + layout->object_type, 0 },
		{ dict + layout->object_type, heap->str_type },
		{ dict + layout->dict_keys, 0 },
		{ dict + layout->dict_keys, 1 },
		{ dict + layout->dict_keys, unmapped(fixture) },
		{ dict + layout->dict_keys, UINT64_MAX - 8 },
		/* A split table keeps its values elsewhere. */
		{ dict + layout->dict_values, keys },
		{ keys + layout->keys_nentries, 0 },
		{ keys + layout->keys_nentries, 9 },
		{ keys + layout->keys_nentries, UINT64_MAX },
		{ invented_entry_addr(heap, keys, 0, false), 0 },
		{ invented_entry_addr(heap, keys, 0, false), unmapped(fixture) - 4 },
		{ invented_entry_addr(heap, keys, 0, false), UINT64_MAX },
		{ invented_entry_addr(heap, keys, 0, true), 0 },
		{ key + layout->str_length, UINT64_MAX },
		{ key + layout->object_type, 0 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t before = invented_get(bad[i].addr);

		expect_entry(fixture, dict, "key", value);
		invented_set(bad[i].addr, bad[i].value);
		expect_entry(fixture, dict, "key", 0);
		invented_set(bad[i].addr, before);
	}
	expect_entry(fixture, dict, "key", value);
	expect_entry(fixture, 0, "key", 0);
	expect_entry(fixture, UINT64_MAX, "key", 0);
	expect_entry(fixture, unmapped(fixture), "key", 0);
	expect_entry(fixture, key, "key", 0);
}

/* Sizes of a table that no memory holds: an answer, and soon. */
static void test_dicts_huge(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t key = invented_str(heap, "key");
	uint64_t value = invented_int(heap, 1);
	uint64_t dict = invented_dict(heap, &key, &value, 1, false);
	uint64_t keys = invented_get(dict + layout->dict_keys);

	for (unsigned log2_size = 3; log2_size < 256; log2_size += log2_size < 64 ? 1 : 31) {
		uint64_t slots = UINT64_C(1) << (log2_size & 63);

		if (layout->keys_log2_size != PYI_ABSENT) {
			*(uint8_t *)(uintptr_t)(keys + layout->keys_log2_size) = (uint8_t)log2_size;
			*(uint8_t *)(uintptr_t)(keys + layout->keys_log2_index_bytes) =
				(uint8_t)log2_size;
		} else {
			invented_set(keys + layout->keys_size, log2_size < 64 ? slots : UINT64_MAX);
		}
		invented_set(keys + layout->keys_nentries, slots);
		expect_entry(fixture, dict, "nokey", 0);
		invented_set(keys + layout->keys_nentries, UINT64_C(1) << 24);
		expect_entry(fixture, dict, "nokey", 0);
	}
}

/* What refers to what is asked of such a table, too: it ends with the memory. */
static void test_references_huge(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t key = invented_str(heap, "key");
	uint64_t value = invented_int(heap, 1);
	uint64_t dict = invented_dict(heap, &key, &value, 1, false);
	uint64_t keys = invented_get(dict + layout->dict_keys);
	const struct pyi_referring_type type = { .addr = heap->dict_type, .kind = PYI_KIND_DICT };
	struct pyi_reference reference = { .source = dict, .target = value };

	if (layout->keys_log2_size != PYI_ABSENT)
		*(uint8_t *)(uintptr_t)(keys + layout->keys_log2_size) = 44;
	else
		invented_set(keys + layout->keys_size, UINT64_C(1) << 44);
	invented_set(keys + layout->keys_nentries, UINT64_C(1) << 44);
	if (layout->keys_log2_size != PYI_ABSENT)
		assert_int_equal(
			pyi_references_find(&fixture->runtime, fixture->reader, &type, &reference)
				.kind,
			PYI_EDGE_ITEM);
	reference.target = heap->node_type;
	assert_int_equal(
		pyi_references_find(&fixture->runtime, fixture->reader, &type, &reference).kind,
		PYI_EDGE_ELSEWHERE);
}

static void test_module_get(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t name = invented_str(heap, "deque");
	uint64_t deque = invented_int(heap, 1);
	uint64_t module = invented_object(heap, heap->node_type, 64);
	uint64_t module_name = invented_str(heap, "_collections");
	uint64_t modules = invented_dict(heap, &module_name, &module, 1, false);
	uint64_t found = 0;

	invented_set(module + heap->layout.module_dict,
		     invented_dict(heap, &name, &deque, 1, false));
	assert_true(pyi_objects_module_get(&fixture->runtime, fixture->reader, modules,
					   "_collections", "deque", &found));
	assert_int_equal(found, deque);
	assert_false(pyi_objects_module_get(&fixture->runtime, fixture->reader, modules,
					    "_collections", "array", &found));
	assert_false(pyi_objects_module_get(&fixture->runtime, fixture->reader, modules, "array",
					    "deque", &found));
	invented_set(module + heap->layout.module_dict, 1);
	assert_false(pyi_objects_module_get(&fixture->runtime, fixture->reader, modules,
					    "_collections", "deque", &found));
	assert_false(pyi_objects_module_get(&fixture->runtime, fixture->reader, 0, "_collections",
					    "deque", &found));
	assert_int_equal(found, deque);
}

static bool is_estimated(struct fixture *fixture, uint64_t type)
{
	const uint64_t modelled[] = { fixture->heap.object_type, fixture->heap.dict_type };

	return pyi_objects_size_is_estimated(&fixture->runtime, fixture->reader, type, modelled, 2);
}

static void test_size_is_estimated(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t name = invented_str(heap, "__sizeof__");
	uint64_t method = invented_int(heap, 1);
	uint64_t own = invented_static_type(heap, &(struct invented_type){ .name = "ext.Own" });
	uint64_t child = invented_static_type(heap, &(struct invented_type){ .name = "ext.Child" });
	uint64_t plain = invented_static_type(heap, &(struct invented_type){ .name = "ext.Plain" });

	invented_set(own + layout->type_dict, invented_dict(heap, &name, &method, 1, false));
	invented_set(own + layout->type_mro,
		     invented_tuple(heap, (uint64_t[]){ own, heap->object_type }, 2));
	invented_set(child + layout->type_mro,
		     invented_tuple(heap, (uint64_t[]){ child, own, heap->object_type }, 3));
	invented_set(plain + layout->type_mro,
		     invented_tuple(heap, (uint64_t[]){ plain, heap->dict_type, own }, 3));
	assert_true(is_estimated(fixture, own));
	assert_true(is_estimated(fixture, child));
	/* What it inherits first has a rule. */
	assert_false(is_estimated(fixture, plain));
	/* The interpreter's own, where such types can be told. */
	invented_set(own + layout->type_flags, INVENTED_FLAG_STATIC_BUILTIN);
	assert_int_equal(is_estimated(fixture, own),
			 !(layout->features & PYI_FEATURE_STATIC_TYPE_STATE));
	/* Broken ones have an answer, too. */
	invented_set(own + layout->type_mro, 0);
	assert_false(is_estimated(fixture, own));
	invented_set(own + layout->type_mro, unmapped(fixture) - 8);
	assert_false(is_estimated(fixture, own));
	invented_set(invented_get(child + layout->type_mro) + layout->var_size, UINT64_MAX);
	(void)is_estimated(fixture, child);
	assert_false(is_estimated(fixture, UINT64_MAX));
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* A class with anything wrong in it has a name all the same. */
static void test_random(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t first = heap->next_addr;
	uint64_t class = class_named(fixture, invented_str(heap, "Row"), invented_str(heap, "app"));
	size_t size = (size_t)(heap->next_addr - first);
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	uint8_t *before = malloc(size);

	memcpy(before, (const void *)(uintptr_t)first, size);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		char *name;

		for (int c = 0; c < 4; c++) {
			uint64_t addr = first + next_random(&seed) % (size / 8) * 8;
			uint64_t value = next_random(&seed);

			if (value % 4 == 0)
				value = first + value % size / 8 * 8;
			else if (value % 4 == 1)
				value = invented_get(addr) ^ UINT64_C(1) << value / 4 % 64;
			else if (value % 4 == 2)
				value %= 100;
			invented_set(addr, value);
		}
		name = pyi_objects_type_name(&fixture->runtime, fixture->reader, class);
		assert_non_null(name);
		free(name);
		memcpy((void *)(uintptr_t)first, before, size);
	}
	free(before);
	expect_name(fixture, class, "app.Row");
}

#define IN(test, version, label)                                                                   \
	{                                                                                          \
#test " in " label, test, set_up, tear_down, (void *)(uintptr_t)(version)          \
	}
#define IN_ALL(test)                                                                               \
	IN(test, 0x0307, "3.7"), IN(test, 0x030a, "3.10"), IN(test, 0x030b, "3.11"),               \
		IN(test, 0x030c, "3.12"), IN(test, 0x030d, "3.13")

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_strings),
		IN_ALL(test_strings_not_compact),
		IN_ALL(test_strings_too_long),
		IN_ALL(test_strings_broken),
		IN_ALL(test_names),
		IN_ALL(test_names_too_long),
		IN_ALL(test_names_broken),
		IN_ALL(test_dicts),
		IN_ALL(test_dict_keys),
		IN_ALL(test_dicts_broken),
		IN_ALL(test_dicts_huge),
		IN_ALL(test_references_huge),
		IN_ALL(test_module_get),
		IN_ALL(test_size_is_estimated),
		IN_ALL(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
