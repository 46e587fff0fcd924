/*
 * Tests of src/python/places.c and describe.c: what edges, places and values of an invented heap
 * are called, whole and broken, through a reader.
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
#include "python/places.h"

enum {
	HEAP_BYTES = 1 << 20,
	FUZZ_ROUNDS = 5000,
	FLAG_BYTES = 1 << 27,
	CODE_BYTES = 512,
	FAST_LOCAL = 0x20,
	FAST_CELL = 0x40,
	FAST_FREE = 0x80,
	WIDTH_LIMIT = 60,
};

struct fixture {
	struct invented_heap heap;
	struct pyi_runtime runtime;
	struct pyi_memory_reader *reader;
	struct pyi_places places;
	uint64_t code_type;
	uint64_t function_type;
	uint64_t module_type;
	uint64_t set_type;
	/* A frame up to 3.10, later a generator: what carries local variables. */
	uint64_t carrier_type;
	uint64_t bytes_type;
	uint64_t float_type;
	uint64_t bool_type;
};

static uint64_t add_type(struct fixture *fixture, const char *name, uint32_t kind, uint64_t flags)
{
	struct pyi_runtime *runtime = &fixture->runtime;
	uint64_t type = invented_static_type(
		&fixture->heap, &(struct invented_type){ .name = name, .flags = flags });

	if (kind != PYI_KIND_PLAIN)
		runtime->builtin_types[runtime->builtin_type_count++] =
			(struct pyi_builtin_type){ .kind = kind, .addr = type };
	return type;
}

static int set_up(void **state)
{
	uint32_t version = (uint32_t)(uintptr_t)*state;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = invented_layout_of(version);

	invented_heap_create(heap, layout, HEAP_BYTES);
	fixture->runtime.layout = layout;
	assert_null(pyi_memory_reader_create_mock(
		(const void *)(uintptr_t)heap->range.start_addr,
		(size_t)(heap->range.end_addr - heap->range.start_addr), heap->range.start_addr,
		&fixture->reader));
	fixture->places = (struct pyi_places){
		.runtime = &fixture->runtime,
		.reader = fixture->reader,
	};
	fixture->code_type = add_type(fixture, "code", PYI_KIND_CODE, 0);
	fixture->function_type = add_type(fixture, "function", PYI_KIND_FUNCTION, 0);
	fixture->module_type = add_type(fixture, "module", PYI_KIND_MODULE, 0);
	invented_set(fixture->module_type + layout->type_dictoffset, layout->module_dict);
	fixture->set_type = add_type(fixture, "set", PYI_KIND_SET, 0);
	fixture->carrier_type = layout->frame_localsplus != PYI_ABSENT
					? add_type(fixture, "frame", PYI_KIND_FRAME, 0)
					: add_type(fixture, "generator", PYI_KIND_GENERATOR, 0);
	fixture->bytes_type = add_type(fixture, "bytes", PYI_KIND_PLAIN, FLAG_BYTES);
	fixture->float_type = add_type(fixture, "float", PYI_KIND_PLAIN, 0);
	fixture->bool_type = add_type(fixture, "bool", PYI_KIND_PLAIN, 0);
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

static uint64_t str(struct fixture *fixture, const char *text)
{
	return invented_str(&fixture->heap, text);
}

static uint64_t names(struct fixture *fixture, const char *first, const char *second,
		      const char *third)
{
	const char *texts[] = { first, second, third };
	uint64_t items[3];
	size_t count = 0;

	while (count < 3 && texts[count]) {
		items[count] = str(fixture, texts[count]);
		count++;
	}
	return invented_tuple(&fixture->heap, items, count);
}

static uint64_t bytes(struct fixture *fixture, const void *content, size_t count)
{
	const struct pyi_layout *layout = fixture->runtime.layout;
	uint64_t addr = invented_object(&fixture->heap, fixture->bytes_type,
					layout->bytes_value + count + 1);

	invented_set(addr + layout->var_size, count);
	memcpy((void *)(uintptr_t)(addr + layout->bytes_value), content, count);
	return addr;
}

/* def f(a): with a local `b` that is a cell, and free variables `c` and `d`. */
static uint64_t code(struct fixture *fixture)
{
	static const uint8_t kinds[] = { FAST_LOCAL, FAST_CELL, FAST_FREE, FAST_FREE };
	const struct pyi_layout *layout = fixture->runtime.layout;
	uint64_t addr = invented_object(&fixture->heap, fixture->code_type, CODE_BYTES);
	int place = 0;

	invented_set(addr + layout->code_name, str(fixture, "f"));
	if (layout->code_localsplusnames == PYI_ABSENT) {
		invented_set(addr + layout->code_varnames, names(fixture, "a", NULL, NULL));
		invented_set(addr + layout->code_cellvars, names(fixture, "b", NULL, NULL));
		invented_set(addr + layout->code_freevars, names(fixture, "c", "d", NULL));
		return addr;
	}
	invented_set(addr + layout->code_qualname, str(fixture, "Row.f"));
	{
		uint64_t items[] = { str(fixture, "a"), str(fixture, "b"), str(fixture, "c"),
				     str(fixture, "d") };

		invented_set(addr + layout->code_localsplusnames,
			     invented_tuple(&fixture->heap, items, 4));
	}
	while (layout->code_references[place] != layout->code_localsplusnames)
		place++;
	invented_set(addr + layout->code_references[place + 1], bytes(fixture, kinds, 4));
	return addr;
}

static void expect(char *text, const char *expected)
{
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void expect_edge(struct fixture *fixture, uint64_t type, struct pyi_edge edge,
			const char *expected)
{
	expect(pyi_places_edge(&fixture->places, type, &edge), expected);
}

static void test_plain_edges(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	const struct {
		struct pyi_edge edge;
		const char *text;
	} edges[] = {
		{ { .kind = PYI_EDGE_NONE }, "" },
		{ { .kind = PYI_EDGE_INDEX, .detail = 3 }, "[3]" },
		{ { .kind = PYI_EDGE_VALUES }, "[*]" },
		{ { .kind = PYI_EDGE_KEY }, "key" },
		{ { .kind = PYI_EDGE_ELEMENT }, "[*]" },
		{ { .kind = PYI_EDGE_TYPE }, ".__class__" },
		{ { .kind = PYI_EDGE_DICT }, ".__dict__" },
		{ { .kind = PYI_EDGE_ELSEWHERE }, "(internal)" },
		{ { .kind = 999 }, "(internal)" },
		{ { .kind = PYI_EDGE_FRAME }, "frame" },
		{ { .kind = PYI_EDGE_THREAD }, "thread state" },
		{ { .kind = PYI_EDGE_STATIC_TYPE }, "static type" },
		{ { .kind = PYI_EDGE_INTERPRETER, .detail = layout->interp_modules },
		  "sys.modules" },
		{ { .kind = PYI_EDGE_INTERPRETER, .detail = layout->interp_sysdict },
		  "sys.__dict__" },
		{ { .kind = PYI_EDGE_INTERPRETER, .detail = layout->interp_builtins },
		  "builtins.__dict__" },
		{ { .kind = PYI_EDGE_INTERPRETER, .detail = 0x1f }, "interpreter state +0x1f" },
		{ { .kind = PYI_EDGE_FIELD, .detail = 24 }, ".<offset 24>" },
	};

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		expect_edge(fixture, heap->list_type, edges[i].edge, edges[i].text);
	expect_edge(fixture, fixture->set_type, (struct pyi_edge){ .kind = PYI_EDGE_ELEMENT },
		    "{*}");
	expect_edge(fixture, fixture->function_type,
		    (struct pyi_edge){ .kind = PYI_EDGE_FIELD, .detail = layout->function_closure },
		    ".__closure__");
}

/* What is a secret, and what is not. */
static void test_keys(void **state)
{
	static const struct {
		const char *key;
		const char *shown;
		const char *with_values;
		const char *attribute;
	} keys[] = {
		{ "key", "['key']", "['key']", ".key" },
		{ "_a-b.c_1", "['_a-b.c_1']", "['_a-b.c_1']", ".__dict__['_a-b.c_1']" },
		{ "1key", "[<str>]", "['1key']", ".__dict__[<str>]" },
		{ "a b", "[<str>]", "['a b']", ".__dict__[<str>]" },
		{ ":1.7", "[<str>]", "[':1.7']", ".__dict__[<str>]" },
		{ "", "[<str>]", "['']", ".__dict__[<str>]" },
		{ "it's", "[<str>]", "[\"it's\"]", ".__dict__[<str>]" },
		{ "a\nb", "[<str>]", "['a\\nb']", ".__dict__[<str>]" },
		{ "abcdefghijabcdefghijabcdefghijabcdefghij",
		  "['abcdefghijabcdefghijabcdefghijabcdefghij']",
		  "['abcdefghijabcdefghijabcdefghijabcdefghij']",
		  ".abcdefghijabcdefghijabcdefghijabcdefghij" },
		/* What looks like a secret is a value, whatever it could be called. */
		{ "hunter2_password_of_alice", "[<str>]", "['hunter2_password_of_alice']",
		  ".__dict__[<str>]" },
		{ "token_9f86d081884c7d659a2f", "[<str>]", "['token_9f86d081884c7d659a2f']",
		  ".__dict__[<str>]" },
		{ "password", "['password']", "['password']", ".password" },
		{ "abcdefghijabcdefghijabcdefghijabcdefghijk", "[<str>]",
		  "['abcdefghijabcdefghijabcdefghijabcdefghijk']",
		  ".abcdefghijabcdefghijabcdefghijabcdefghijk" },
	};
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	struct pyi_edge item = { .kind = PYI_EDGE_ITEM };
	uint64_t hidden;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		item.detail = str(fixture, keys[i].key);
		fixture->places.values = false;
		expect_edge(fixture, heap->dict_type, item, keys[i].shown);
		expect_edge(fixture, 0,
			    (struct pyi_edge){ .kind = PYI_EDGE_ATTRIBUTE, .detail = item.detail },
			    keys[i].attribute);
		fixture->places.values = true;
		expect_edge(fixture, heap->dict_type, item, keys[i].with_values);
	}
	fixture->places.values = false;
	item.detail = invented_int(heap, 7);
	expect_edge(fixture, heap->dict_type, item, "[<int>]");
	fixture->places.values = true;
	expect_edge(fixture, heap->dict_type, item, "[7]");
	fixture->places.values = false;
	item.detail = 0;
	expect_edge(fixture, heap->dict_type, item, "[*]");
	/* A NUL must not hide what follows it. */
	hidden = str(fixture, "key");
	((char *)(uintptr_t)(hidden + heap->layout.str_ascii_size))[1] = '\0';
	item.detail = hidden;
	expect_edge(fixture, heap->dict_type, item, "[<str>]");
}

static void test_variables(void **state)
{
	static const char *const expected[] = { "local a", "local b", "local c", "local d",
						"stack" };
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = fixture->runtime.layout;
	uint64_t function_code = code(fixture);
	uint64_t start = layout->frame_localsplus != PYI_ABSENT
				 ? layout->frame_localsplus
				 : layout->generator_iframe + layout->iframe_localsplus;
	char name[PYI_NAME_BYTES] = "untouched";

	for (uint64_t i = 0; i < 5; i++) {
		expect_edge(fixture, 0,
			    (struct pyi_edge){
				    .kind = PYI_EDGE_LOCAL, .detail = i, .context = function_code },
			    expected[i]);
		expect_edge(fixture, fixture->carrier_type,
			    (struct pyi_edge){ .kind = PYI_EDGE_FIELD,
					       .detail = start + 8 * i,
					       .context = function_code },
			    expected[i]);
	}
	for (uint64_t i = 0; i < 3; i++)
		expect_edge(fixture, 0,
			    (struct pyi_edge){ .kind = PYI_EDGE_CLOSURE,
					       .detail = i,
					       .context = function_code },
			    i == 0   ? "closure c"
			    : i == 1 ? "closure d"
				     : "closure [2]");
	assert_true(pyi_places_local_name(&fixture->places, function_code, 3, name));
	assert_string_equal(name, "d");
	assert_false(pyi_places_local_name(&fixture->places, function_code, 4, name));
	assert_false(pyi_places_local_name(&fixture->places, function_code, UINT64_MAX, name));

	/* Something else than code, or code without names. */
	expect_edge(fixture, 0,
		    (struct pyi_edge){ .kind = PYI_EDGE_LOCAL, .detail = 1, .context = 0 },
		    "local [1]");
	expect_edge(fixture, 0,
		    (struct pyi_edge){ .kind = PYI_EDGE_CLOSURE,
				       .detail = 1,
				       .context = fixture->heap.node_type },
		    "closure [1]");
	assert_false(
		pyi_places_local_name(&fixture->places, fixture->heap.range.end_addr, 0, name));
	expect(pyi_places_code_name(&fixture->places, function_code),
	       layout->code_qualname != PYI_ABSENT ? "Row.f" : "f");
	if (layout->code_qualname != PYI_ABSENT)
		invented_set(function_code + layout->code_qualname, 8);
	expect(pyi_places_code_name(&fixture->places, function_code), "f");
	invented_set(function_code + layout->code_name, 8);
	expect(pyi_places_code_name(&fixture->places, function_code), "?");
	expect(pyi_places_code_name(&fixture->places, 0), "?");
}

static void expect_owner(struct fixture *fixture, uint32_t holder, uint64_t addr,
			 struct pyi_edge edge, const char *expected)
{
	struct pyi_place place = { .holder = holder, .holder_addr = addr, .edge = edge };
	bool none = true;

	expect(pyi_places_owner(&fixture->places, &place, &none), expected);
	assert_false(none);
}

static void test_owners(void **state)
{
	const struct pyi_edge holder_itself = { .kind = PYI_EDGE_NONE };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	const struct pyi_edge cache = { .kind = PYI_EDGE_ATTRIBUTE,
					.detail = str(fixture, "cache") };
	const char *f = layout->code_qualname != PYI_ABSENT ? "Row.f" : "f";
	uint64_t function_code = code(fixture);
	uint64_t key = str(fixture, "__name__");
	uint64_t name = str(fixture, "app.db");
	uint64_t module = invented_object(heap, fixture->module_type, 64);
	struct pyi_place none_place = { .holder = PYI_HOLDER_NONE };
	char expected[64];
	bool none = false;

	invented_set(module + layout->module_dict, invented_dict(heap, &key, &name, 1, false));
	expect_owner(fixture, PYI_HOLDER_MODULE, module, holder_itself, "module app.db");
	expect_owner(fixture, PYI_HOLDER_MODULE, module, cache, "module app.db.cache");
	expect_owner(fixture, PYI_HOLDER_MODULE, module,
		     (struct pyi_edge){ .kind = PYI_EDGE_FIELD, .detail = layout->module_dict },
		     "module app.db.__dict__");
	invented_set(module + layout->module_dict, 0);
	expect_owner(fixture, PYI_HOLDER_MODULE, module, cache, "module ?.cache");
	expect_owner(fixture, PYI_HOLDER_CLASS, heap->node_type, holder_itself, "class app.Node");
	expect_owner(fixture, PYI_HOLDER_CLASS, heap->node_type, cache, "app.Node.cache");
	expect_owner(fixture, PYI_HOLDER_INSTANCE, heap->node_type, cache,
		     "instance app.Node.cache");
	expect_owner(fixture, PYI_HOLDER_INSTANCE, heap->node_type, holder_itself,
		     "instance app.Node");

	snprintf(expected, sizeof(expected), "function %s", f);
	expect_owner(fixture, PYI_HOLDER_FUNCTION, function_code, holder_itself, expected);
	snprintf(expected, sizeof(expected), "function %s closure c", f);
	expect_owner(fixture, PYI_HOLDER_FUNCTION, function_code,
		     (struct pyi_edge){ .kind = PYI_EDGE_CLOSURE, .context = function_code },
		     expected);
	snprintf(expected, sizeof(expected), "function %s.__defaults__", f);
	expect_owner(
		fixture, PYI_HOLDER_FUNCTION, function_code,
		(struct pyi_edge){ .kind = PYI_EDGE_FIELD, .detail = layout->function_defaults },
		expected);
	snprintf(expected, sizeof(expected), "frame %s local b", f);
	expect_owner(
		fixture, PYI_HOLDER_FRAME, function_code,
		(struct pyi_edge){ .kind = PYI_EDGE_LOCAL, .detail = 1, .context = function_code },
		expected);
	expect_owner(
		fixture, PYI_HOLDER_ROOT, 0,
		(struct pyi_edge){ .kind = PYI_EDGE_INTERPRETER, .detail = layout->interp_modules },
		"sys.modules");
	expect_owner(fixture, PYI_HOLDER_ROOT, 0, holder_itself, "interpreter");
	expect_owner(fixture, PYI_HOLDER_OTHER, 0, holder_itself, "(other)");
	assert_null(pyi_places_owner(&fixture->places, &none_place, &none));
	assert_true(none);
}

static void expect_described(struct fixture *fixture, uint64_t addr, const char *expected)
{
	fixture->places.values = true;
	expect(pyi_places_describe(&fixture->places, addr), expected);
}

static uint64_t number(struct fixture *fixture, double value)
{
	uint64_t addr = invented_object(&fixture->heap, fixture->float_type, 32);

	memcpy((void *)(uintptr_t)(addr + fixture->runtime.layout->float_value), &value,
	       sizeof(value));
	return addr;
}

static uint64_t big(struct fixture *fixture, const uint32_t *digits, size_t count, bool negative)
{
	const struct pyi_layout *layout = fixture->runtime.layout;
	uint64_t addr = invented_object(&fixture->heap, fixture->heap.int_type, 128);

	memcpy((void *)(uintptr_t)(addr + layout->int_digits), digits, count * sizeof(*digits));
	if (layout->int_tag != PYI_ABSENT)
		invented_set(addr + layout->int_tag, count << 3 | (negative ? 2 : count ? 0 : 1));
	else
		invented_set(addr + layout->var_size, negative ? -(uint64_t)count : count);
	return addr;
}

static void test_numbers(void **state)
{
	static const uint32_t ones[] = { 0x3fffffff, 0x3fffffff, 0x3fffffff, 0x3fffffff,
					 0x3fffffff, 0x3fffffff, 1 };
	static const struct {
		double value;
		const char *text;
	} floats[] = {
		{ 0.0, "0.0" },
		{ -0.0, "-0.0" },
		{ 0.1, "0.1" },
		{ 1e15, "1000000000000000.0" },
		{ 1e16, "1e+16" },
		{ 1e-4, "0.0001" },
		{ 1.5e-7, "1.5e-07" },
		{ -2.5, "-2.5" },
		{ 123456789.125, "123456789.125" },
		{ 5e-324, "5e-324" },
		{ 1.0 / 0.0, "inf" },
		{ -1.0 / 0.0, "-inf" },
	};
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t truth = big(fixture, ones, 1, false);

	for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++)
		expect_described(fixture, number(fixture, floats[i].value), floats[i].text);
	expect_described(fixture, invented_int(heap, 0), "0");
	expect_described(fixture, invented_int(heap, 123456789), "123456789");
	expect_described(fixture, big(fixture, ones, 0, false), "0");
	expect_described(fixture, big(fixture, ones, 2, true), "-1152921504606846975");
	expect_described(fixture, big(fixture, ones, 6, false),
			 "1532495540865888858358347027150309183618739122183602175");
	expect_described(fixture, big(fixture, ones, 7, false), "<int>");
	invented_set(truth + heap->layout.object_type, fixture->bool_type);
	expect_described(fixture, truth, "True");
	truth = big(fixture, ones, 0, false);
	invented_set(truth + heap->layout.object_type, fixture->bool_type);
	expect_described(fixture, truth, "False");
}

static void test_texts(void **state)
{
	static const uint32_t wide[] = { 0xe9, 0x20ac, 0x1f40d };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	char text[101];
	char expected[128];
	uint64_t subclass;

	expect_described(fixture, str(fixture, "abc"), "'abc'");
	expect_described(fixture, str(fixture, ""), "''");
	expect_described(fixture, str(fixture, "it's"), "\"it's\"");
	expect_described(fixture, str(fixture, "it's \"so\""), "'it\\'s \"so\"'");
	expect_described(fixture, str(fixture, "\\\t\n\r\x1b[0m\x7f"),
			 "'\\\\\\t\\n\\r\\x1b[0m\\x7f'");
	expect_described(fixture, invented_wide_str(heap, 4, wide, 3), "'\\xe9\\u20ac\\U0001f40d'");
	expect_described(fixture, bytes(fixture, "a\0\xff'", 4), "b\"a\\x00\\xff'\"");
	memset(text, 'x', 100);
	text[58] = '\0';
	snprintf(expected, sizeof(expected), "'%s'", text);
	expect_described(fixture, str(fixture, text), expected);
	text[58] = 'x';
	text[100] = '\0';
	snprintf(expected, sizeof(expected), "'%.57s…'", text);
	expect_described(fixture, str(fixture, text), expected);
	snprintf(expected, sizeof(expected), "b'%.56s…'", text);
	expect_described(fixture, bytes(fixture, text, 100), expected);
	/* Escapes are not cut in two. */
	text[54] = '\1';
	snprintf(expected, sizeof(expected), "'%.54s…'", text);
	expect_described(fixture, str(fixture, text), expected);

	/* Nothing is shown unasked, and nothing of a subclass: its repr() may be anything. */
	fixture->places.values = false;
	expect(pyi_places_describe(&fixture->places, str(fixture, "abc")), "<str>");
	expect(pyi_places_describe(&fixture->places, invented_int(heap, 1)), "<int>");
	subclass = str(fixture, "abc");
	invented_set(subclass + heap->layout.object_type,
		     invented_heap_type(
			     heap,
			     &(struct invented_type){ .name = "str", .flags = INVENTED_FLAG_STR },
			     str(fixture, "str")));
	expect_described(fixture, subclass, "<str>");
	expect_described(fixture, 0, "<<type at 0x0>>");
}

static void test_tuples(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t items[30] = { 0 };
	char expected[128];
	char text[101];
	uint64_t tuple;

	memset(text, 'y', 100);
	text[100] = '\0';
	expect_described(fixture, invented_tuple(heap, items, 0), "()");
	items[0] = str(fixture, ":1.1000");
	expect_described(fixture, invented_tuple(heap, items, 1), "(':1.1000',)");
	items[1] = invented_int(heap, 3);
	expect_described(fixture, invented_tuple(heap, items, 2), "(':1.1000', 3)");
	items[2] = invented_tuple(heap, items, 2);
	items[3] = heap->node_type;
	expect_described(fixture, invented_tuple(heap, items, 4),
			 "(':1.1000', 3, <tuple>, <type>)");
	/* What does not fit is left out; only the first is cut. */
	items[1] = str(fixture, text);
	expect_described(fixture, invented_tuple(heap, items, 2), "(':1.1000', …)");
	snprintf(expected, sizeof(expected), "('%.52s…', …)", text);
	expect_described(fixture, invented_tuple(heap, items + 1, 2), expected);
	for (uint32_t i = 0; i < 30; i++)
		items[i] = invented_int(heap, i);
	expect_described(fixture, invented_tuple(heap, items, 30),
			 "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, …)");
	expect_described(fixture, invented_tuple(heap, items, 17),
			 "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)");
	/* It claims to be longer than all memory: what follows it is shown as what it looks like.
	 */
	tuple = invented_tuple(heap, items, 2);
	invented_set(tuple + heap->layout.var_size, UINT64_MAX);
	expect_described(fixture, tuple,
			 "(0, 1, <<type at 0x0>>, <<type at 0x0>>, <<type at 0x0>>, …)");
	fixture->places.values = false;
	expect(pyi_places_describe(&fixture->places, tuple), "<tuple>");
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* Whatever the words are, there is a text, and a description is short. */
static void test_random(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t first = heap->next_addr;
	uint64_t items[] = { str(fixture, "abc"), invented_int(heap, 3), number(fixture, 0.25),
			     bytes(fixture, "abc", 3) };
	uint64_t tuple = invented_tuple(heap, items, 4);
	uint64_t function_code = code(fixture);
	size_t size = (size_t)(heap->next_addr - first);
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	uint8_t *before = malloc(size);

	memcpy(before, (const void *)(uintptr_t)first, size);
	fixture->places.values = true;
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
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
		for (size_t i = 0; i < 5; i++) {
			char *text =
				pyi_places_describe(&fixture->places, i < 4 ? items[i] : tuple);

			assert_non_null(text);
			assert_true(width_of(text) <= WIDTH_LIMIT);
			free(text);
		}
		for (uint32_t kind = PYI_EDGE_LOCAL; kind <= PYI_EDGE_CLOSURE; kind++) {
			struct pyi_place place = {
				.holder = PYI_HOLDER_FUNCTION,
				.holder_addr = function_code,
				.edge = { .kind = kind, .detail = 1, .context = function_code },
			};
			bool none;
			char *text = pyi_places_owner(&fixture->places, &place, &none);

			assert_non_null(text);
			free(text);
		}
		memcpy((void *)(uintptr_t)first, before, size);
	}
	free(before);
	expect_described(fixture, tuple, "('abc', 3, 0.25, b'abc')");
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
		IN_ALL(test_plain_edges), IN_ALL(test_keys),	IN_ALL(test_variables),
		IN_ALL(test_owners),	  IN_ALL(test_numbers), IN_ALL(test_texts),
		IN_ALL(test_tuples),	  IN_ALL(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
