/*
 * Tests of src/python: finding a version in memory, and believing a layout only when it fits.
 *
 * Finding the runtime of a process needs one; the live tests do that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invented_heap.h"
#include "python/layouts.h"
#include "python/runtime.h"
#include "python/version.h"

enum {
	NOISE_BYTES = 300,
	HEAP_BYTES = 4 << 20,
	MODULES_BYTES = 64,
	/* Of a _PyRuntimeState, what is looked at, and more. */
	RUNTIME_BYTES = 65536,
	THREAD_BYTES = 1024,
	GENERATIONS = 3,
};

/* What Py_GetVersion() returns, and what is to be read from it; NULL: nothing. */
static const struct {
	const char *text;
	const char *version;
} versions[] = {
	{ "3.7.0 (default, Jun 28 2018, 13:15:42) \n[GCC 7.2.0]", "3.7.0" },
	{ "3.7.16 (default, Dec 21 2022, 11:22:33) \n[GCC 12.2.0]", "3.7.16" },
	{ "3.8.18 (default, Sep  1 2023, 10:20:30) \n[Clang 14.0.6 ]", "3.8.18" },
	{ "3.9.2 (default, Feb 28 2021, 17:03:44) \n[GCC 10.2.1 20210110]", "3.9.2" },
	{ "3.10.13 (main, Sep  1 2023, 10:20:30) [GCC 12.2.0]", "3.10.13" },
	{ "3.11.2 (main, Mar 13 2023, 12:18:29) [GCC 12.2.0]", "3.11.2" },
	{ "3.12.1 (main, Dec  8 2023, 05:40:51) [GCC 12.2.0]", "3.12.1" },
	{ "3.13.0 (main, Oct  7 2024, 05:02:14) [Clang 18.1.8 ]", "3.13.0" },
	{ "3.14.0 (main, Oct 10 2025, 12:54:13) [Clang 20.1.4 ]", "3.14.0" },
	{ "3.13.0rc2 (main, Sep  9 2024, 22:22:22) [GCC 13.2.0]", "3.13.0rc2" },
	{ "3.12.0a7 (main, Apr  5 2023, 01:51:50) [GCC 9.4.0]", "3.12.0a7" },
	{ "3.12.0b4+ (heads/3.12:1a2b3c4, Jul 20 2023, 10:00:00) [GCC 12.2.0]", "3.12.0b4+" },
	{ "3.9.18+ (heads/3.9:0123abc, Jan  1 2024, 00:00:00) \n[GCC 12.2.0]", "3.9.18+" },
	{ "3.13.5 experimental free-threading build (main, Jun 12 2025, 12:42:35) [GCC]",
	  "3.13.5" },
	{ "3.14.0 free-threading build (main, Oct 10 2025, 12:54:13) [Clang 20.1.4 ]", "3.14.0" },
	{ "3.10.8 | packaged by conda-forge | (main, Nov 22 2022, 08:26:04) [GCC 10.4.0]",
	  "3.10.8" },
	{ "2.7.18 (default, Jul 14 2021, 08:11:37) \n[GCC 10.2.1 20210110]", "2.7.18" },
	{ "3.7 (default, Jun 28 2018)", NULL },
	{ "3.7.1.2 (default, Jun 28 2018)", NULL },
	{ "3.7.1", NULL },
	{ "3.7.1 default, Jun 28 2018", NULL },
	{ "3.7.1(default, Jun 28 2018)", NULL },
	{ "3..1 (default, Jun 28 2018)", NULL },
	{ "4.7.1 (default, Jun 28 2018)", NULL },
	{ "13.7.1 (default, Jun 28 2018)", NULL },
	{ "3,7.1 (default, Jun 28 2018)", NULL },
	{ "Python 3.7.1 (default, Jun 28 2018)", NULL },
	{ "3.111111111111111111111111111111111111111.1 (default, Jun 28 2018)", NULL },
	{ "", NULL },
};

/* Looks in memory that ends where `size_bytes` do. */
static bool find(const char *bytes, size_t size_bytes, char ret_version[32])
{
	char *copy = malloc(size_bytes ? size_bytes : 1);
	bool found;

	memcpy(copy, bytes, size_bytes);
	memset(ret_version, '?', 32);
	found = pyi_version_find(copy, size_bytes, ret_version);
	free(copy);
	if (found)
		assert_non_null(memchr(ret_version, '\0', 32));
	return found;
}

static void test_version(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		char version[32];
		bool found = find(versions[v].text, strlen(versions[v].text) + 1, version);

		if (found != (versions[v].version != NULL))
			fail_msg("\"%s\": %s", versions[v].text, found ? version : "nothing");
		if (found)
			assert_string_equal(version, versions[v].version);
	}
}

/* Bytes with texts that are nearly versions among them. */
static void make_noise(char noise[NOISE_BYTES], unsigned seed)
{
	static const char words[] = "\0"
				    "3.7.1\0GCC: (Debian) 12.2.0\0"
				    "3.\0"
				    "2.1 (\0 (default\0%d.%d.%d";

	for (size_t i = 0; i < NOISE_BYTES; i++) {
		seed = seed * 1103515245 + 12345;
		noise[i] = (char)(seed >> 16);
		if (noise[i] == ' ')
			noise[i] = '!';
	}
	for (size_t at = seed % 40; at + sizeof(words) < NOISE_BYTES; at += 90)
		memcpy(noise + at, words, sizeof(words));
	noise[NOISE_BYTES - 1] = '\0';
}

static void test_version_in_noise(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		size_t length = strlen(versions[v].text) + 1;

		for (unsigned seed = 1; seed <= 20; seed++) {
			char bytes[3 * NOISE_BYTES] = "";
			char version[32];
			bool found;

			make_noise(bytes, seed);
			memcpy(bytes + NOISE_BYTES, versions[v].text, length);
			make_noise(bytes + NOISE_BYTES + length, seed + 1);
			found = find(bytes, 2 * NOISE_BYTES + length, version);
			assert_int_equal(found, versions[v].version != NULL);
			if (found)
				assert_string_equal(version, versions[v].version);
		}
	}
}

/* A chunk that ends within it: either the whole version, or nothing. */
static void test_version_at_the_end(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		const char *text = versions[v].text;

		for (size_t size = 0; size <= strlen(text); size++) {
			char version[32];

			if (!find(text, size, version))
				continue;
			assert_non_null(versions[v].version);
			assert_string_equal(version, versions[v].version);
			assert_true(size > strlen(versions[v].version));
		}
	}
}

/* A string that ends is no version, whatever stands behind it. */
static void test_version_cut_by_zero(void **state)
{
	static const char *const expected[] = { NULL, NULL, "3.9.7", "2.7.1" };
	static const char cut[][24] = {
		"3.9.7\0 (default, Aug",
		"3.9.\0\0 (default, Aug",
		"3.9.\0x\0"
		"3.9.7 (default",
		"a\0"
		"2.7.1 (default, Aug",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		char version[32];

		assert_int_equal(find(cut[i], sizeof(cut[i]), version), expected[i] != NULL);
		if (expected[i])
			assert_string_equal(version, expected[i]);
	}
}

static const char *choose(const char *version, uint64_t size_bytes, uint64_t gc_size)
{
	static uint64_t words[256];
	struct pyi_elf_symbol symbol = { .addr = 0x10000, .size_bytes = size_bytes };
	struct pyi_memory_reader *reader;
	const struct pyi_layout *layout;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = gc_size;
	assert_null(pyi_memory_reader_create_mock(words, sizeof(words), symbol.addr, &reader));
	layout = pyi_runtime_choose_layout(version, &symbol, reader);
	pyi_memory_reader_destroy(reader);
	for (size_t i = 0; i < pyi_known_layout_count; i++)
		if (layout == &pyi_known_layouts[i].layout)
			return pyi_known_layouts[i].generated_from;
	assert_null(layout);
	return "none";
}

/* Of the layouts of a version the nearest; these are in the table for good. */
static void test_choose(void **state)
{
	const uint64_t runtime_size = invented_layout_of(0x030d)->runtime_size;
	const uint64_t gc_size = invented_layout_of(0x030d)->gc_size;

	(void)state;
	assert_string_equal(choose("3.13.18", 283408, gc_size), "3.13.18");
	/* The size says it, whatever the number is. */
	assert_string_equal(choose("3.13.18+", runtime_size, gc_size), "3.13.0");
	assert_string_equal(choose("3.13.5", 1, gc_size), "3.13.5");
	assert_string_equal(choose("3.13.17", 1, gc_size), "3.13.5");
	assert_string_equal(choose("3.13.4", 1, gc_size), "3.13.0");
	assert_string_equal(choose("3.13.0rc1", 1, gc_size), "3.13.0");
	/* With the incremental collector, or the one of before. */
	assert_string_equal(choose("3.14.2", 1, 240), "3.14.0");
	assert_string_equal(choose("3.14.7", 1, 264), "3.14.10");
	/* Older than any. */
	assert_string_equal(choose("3.7.2", 1, gc_size), "3.7.16");
	/* The build says that its collector has another state. */
	assert_string_equal(choose("3.13.5", runtime_size, gc_size + 8), "none");
	assert_string_equal(choose("3.99.0", runtime_size, gc_size), "none");
	assert_string_equal(choose("", runtime_size, gc_size), "none");
}

/* Instructions as compilers make them of these functions of 3.6. */
static void test_statics(void **state)
{
	const uint64_t addr = 0x1000;
	/* mov rax, [rip + 0x10]; ret */
	static const uint8_t returned[] = { 0x48, 0x8b, 0x05, 0x10, 0, 0, 0, 0xc3 };
	/* endbr64; mov rax, [rip - 0x10]; ret */
	static const uint8_t marked[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x8b,
					  0x05, 0xf0, 0xff, 0xff, 0xff, 0xc3 };
	/* push rbx; cmp dword [rip + ...], 0; mov dword [rip + 0x20], 1 */
	static const uint8_t set[] = { 0x53, 0x83, 0x3d, 0x2a, 0, 0, 0, 0, 0xc7,
				       0x05, 0x20, 0,	 0,    0, 1, 0, 0, 0 };
	uint8_t other[sizeof(set)];

	(void)state;
	assert_true(pyi_statics_returned(returned, sizeof(returned), addr) == addr + 7 + 0x10);
	assert_true(pyi_statics_returned(marked, sizeof(marked), addr) == addr + 11 - 0x10);
	assert_true(pyi_statics_set_to_one(set, sizeof(set), addr) == addr + 18 + 0x20);
	for (size_t size = 0; size < sizeof(returned); size++)
		assert_true(pyi_statics_returned(returned, size, addr) == 0);
	for (size_t size = 0; size < sizeof(marked); size++)
		assert_true(pyi_statics_returned(marked, size, addr) == 0);
	for (size_t size = 0; size < sizeof(set); size++)
		assert_true(pyi_statics_set_to_one(set, size, addr) == 0);
	/* Set to 2; no return. */
	memcpy(other, set, sizeof(other));
	other[14] = 2;
	assert_true(pyi_statics_set_to_one(other, sizeof(other), addr) == 0);
	memcpy(other, returned, sizeof(returned));
	other[7] = 0x90;
	assert_true(pyi_statics_returned(other, sizeof(returned), addr) == 0);
}

/* A live runtime: two interpreters with a thread each, and empty lists. */
struct fixture {
	struct invented_heap heap;
	struct pyi_runtime runtime;
	struct pyi_memory_reader *reader;
	uint64_t interpreters[2];
	uint64_t threads[2];
	uint64_t modules;
	/* One gc state, or one an interpreter. */
	uint64_t gc[2];
	int gc_count;
};

static uint64_t list_head(const struct fixture *fixture, int state, int generation)
{
	const struct pyi_layout *layout = &fixture->heap.layout;
	uint64_t gc = fixture->gc[state];

	if (generation == GENERATIONS)
		return gc + layout->gc_permanent;
	return gc + layout->gc_generations + (uint64_t)generation * layout->gc_generation_size;
}

static void fill_runtime(struct fixture *fixture)
{
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;

	fixture->runtime.addr = invented_raw(heap, RUNTIME_BYTES);
	fixture->modules = invented_dict(heap, NULL, NULL, 0, false);
	for (int i = 0; i < 2; i++) {
		uint64_t interpreter = invented_raw(heap, layout->interp_size + 65536);
		uint64_t thread = invented_raw(heap, THREAD_BYTES);

		fixture->interpreters[i] = interpreter;
		fixture->threads[i] = thread;
		invented_set(interpreter + layout->interp_threads_head, thread);
		invented_set(thread + layout->thread_interp, interpreter);
		invented_set(interpreter + layout->interp_modules, fixture->modules);
	}
	invented_set(fixture->runtime.addr + layout->runtime_interpreters_head,
		     fixture->interpreters[0]);
	invented_set(fixture->interpreters[0] + layout->interp_next, fixture->interpreters[1]);
	if (layout->runtime_gc != PYI_ABSENT) {
		fixture->gc[fixture->gc_count++] = fixture->runtime.addr + layout->runtime_gc;
	} else {
		for (int i = 0; i < 2; i++)
			fixture->gc[fixture->gc_count++] =
				fixture->interpreters[i] + layout->interp_gc;
	}
	for (int s = 0; s < fixture->gc_count; s++) {
		if (layout->gc_generation0 != PYI_ABSENT)
			invented_set(fixture->gc[s] + layout->gc_generation0,
				     list_head(fixture, s, 0));
		for (int g = 0; g <= GENERATIONS; g++) {
			uint64_t head = list_head(fixture, s, g);

			invented_set(head + layout->gc_head_next, head);
			invented_set(head + layout->gc_head_prev, head);
		}
	}
}

static int set_up(void **state)
{
	const struct pyi_known_layout *known = *state;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct invented_heap *heap = &fixture->heap;

	invented_heap_create(heap, &known->layout, HEAP_BYTES);
	strcpy(fixture->runtime.version, known->generated_from);
	fixture->runtime.layout = &known->layout;
	fixture->runtime.type_type_addr = heap->type_type;
	fixture->runtime.dict_type_addr = heap->dict_type;
	fixture->runtime.str_type_addr = heap->str_type;
	fill_runtime(fixture);
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

static void expect_fits(struct fixture *fixture)
{
	struct pyi_error *error = pyi_runtime_check_anchors(&fixture->runtime, fixture->reader);

	if (error)
		fail_msg("%s", error->message);
}

static void expect_error(struct fixture *fixture, const char *code, const char *words)
{
	struct pyi_error *error = pyi_runtime_check_anchors(&fixture->runtime, fixture->reader);

	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), code);
	assert_non_null(strstr(error->message, words));
	pyi_error_destroy(error);
}

/* One word is not what it should be: each of these in turn, then it is put back. */
static void expect_mismatch(struct fixture *fixture, uint64_t addr, uint64_t value,
			    const char *words)
{
	uint64_t before = invented_get(addr);

	invented_set(addr, value);
	expect_error(fixture, "layout-mismatch", words);
	invented_set(addr, before);
	expect_fits(fixture);
}

static void test_anchors_fit(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;

	expect_fits(fixture);
	/* With objects in the lists, whose low bits are the collector's. */
	for (int s = 0; s < fixture->gc_count; s++) {
		for (int g = 0; g <= GENERATIONS; g++) {
			fixture->heap.lists[0].head_addr = list_head(fixture, s, g);
			invented_track(&fixture->heap, invented_node(&fixture->heap, 0), 0);
			invented_track(&fixture->heap, invented_node(&fixture->heap, 0), 0);
			expect_fits(fixture);
		}
	}
	/* An interpreter that begins or ends has no threads or modules. */
	invented_set(fixture->interpreters[1] + layout->interp_threads_head, 0);
	invented_set(fixture->interpreters[1] + layout->interp_modules, 0);
	expect_fits(fixture);
}

/* The table of static types may be a little off; types know their numbers in it. */
static void test_static_types(void **state)
{
	static const int shifts[] = { 0, -32, 24, -128, 128 };
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	/* Of two interpreters the last is the main one. */
	uint64_t table = fixture->interpreters[1] + layout->interp_static_types;
	struct pyi_error *error;

	/* One that ends has none. */
	assert_null(pyi_runtime_find_static_types(&fixture->runtime, fixture->reader));
	assert_true(fixture->runtime.static_types_shift == 0);
	invented_set(fixture->heap.dict_type + layout->type_subclasses, 1);
	invented_set(fixture->heap.str_type + layout->type_subclasses, 2);
	for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		uint64_t state_addr = table + (uint64_t)(int64_t)shifts[i];

		invented_set(state_addr + layout->static_type_type, fixture->heap.dict_type);
		invented_set(state_addr + layout->static_type_size + layout->static_type_type,
			     fixture->heap.str_type);
		assert_null(pyi_runtime_find_static_types(&fixture->runtime, fixture->reader));
		assert_true(fixture->runtime.static_types_shift == shifts[i]);
		invented_set(state_addr + layout->static_type_type, 0);
	}
	invented_set(table + layout->static_type_type, fixture->heap.str_type);
	error = pyi_runtime_find_static_types(&fixture->runtime, fixture->reader);
	assert_non_null(error);
	assert_non_null(strstr(error->message, "static types are not in their table"));
	pyi_error_destroy(error);
}

static void test_anchors_types(void **state)
{
	static const char words[] = "types are not where they should be";
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	const uint64_t types[] = { fixture->heap.type_type, fixture->heap.dict_type,
				   fixture->heap.str_type };
	uint64_t longer = invented_raw(&fixture->heap, 32);

	memcpy((void *)(uintptr_t)longer, "typesetting", 11);
	for (size_t i = 0; i < 3; i++) {
		uint64_t name = types[i] + layout->type_name;

		expect_mismatch(fixture, types[i] + layout->object_type, 0, words);
		expect_mismatch(fixture, types[i] + layout->object_type, types[(i + 1) % 3] + 8,
				words);
		expect_mismatch(fixture, name, 0, words);
		/* A copy that nobody uses. */
		expect_mismatch(fixture, types[i] + layout->type_flags,
				invented_get(types[i] + layout->type_flags) &
					~(uint64_t)INVENTED_FLAG_READY,
				words);
		expect_mismatch(fixture, name, longer, words);
		expect_mismatch(fixture, name, invented_get(types[(i + 1) % 3] + layout->type_name),
				words);
		expect_mismatch(fixture, name, invented_get(name) + 1, words);
	}
	fixture->runtime.dict_type_addr = fixture->heap.range.end_addr;
	expect_error(fixture, "layout-mismatch", words);
}

static void test_anchors_interpreters(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	uint64_t head = fixture->runtime.addr + layout->runtime_interpreters_head;

	for (int i = 0; i < 2; i++) {
		uint64_t interpreter = fixture->interpreters[i];
		const uint64_t bad[] = { fixture->interpreters[1 - i], 0, UINT64_MAX };

		for (size_t b = 0; b < 3; b++)
			expect_mismatch(fixture, fixture->threads[i] + layout->thread_interp,
					bad[b], "threads do not belong");
		expect_mismatch(fixture, interpreter + layout->interp_threads_head, 8,
				"threads do not belong");
		expect_mismatch(fixture, interpreter + layout->interp_modules, 8,
				"sys.modules is no dict");
		expect_mismatch(fixture, interpreter + layout->interp_modules, fixture->threads[0],
				"sys.modules is no dict");
	}
	expect_mismatch(fixture, fixture->modules + layout->object_type, fixture->heap.str_type,
			"sys.modules is no dict");

	invented_set(fixture->interpreters[1] + layout->interp_next, fixture->interpreters[0]);
	expect_error(fixture, "heap-broken", "does not end");
	invented_set(head, UINT64_MAX - 4096);
	expect_error(fixture, "heap-broken", "not mapped");
	invented_set(head, 0);
	expect_error(fixture, "python-not-started", "no interpreter");
}

static void test_anchors_lists(void **state)
{
	static const char words[] = "lists do not link back";
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;

	for (int s = 0; s < fixture->gc_count; s++) {
		uint64_t collecting = fixture->gc[s] + layout->gc_collecting;
		uint64_t head = 0;

		for (int g = 0; g <= GENERATIONS; g++) {
			head = list_head(fixture, s, g);
			/* Each takes as long as a list is given to become whole. */
			expect_mismatch(fixture, head + layout->gc_head_prev, fixture->modules,
					words);
			if (g || s)
				continue;
			expect_mismatch(fixture, head + layout->gc_head_next, 0, words);
			expect_mismatch(fixture, head + layout->gc_head_next, head + 16, words);
			expect_mismatch(fixture, head + layout->gc_head_prev, 0, words);
			expect_mismatch(fixture, head + layout->gc_head_prev,
					fixture->heap.range.end_addr, words);
		}
		/* While a collection runs, links hold counts and say nothing. */
		invented_set(head + layout->gc_head_prev, 7);
		invented_set(collecting, invented_get(collecting) | 1);
		expect_fits(fixture);
		invented_set(collecting, invented_get(collecting) & ~UINT64_C(1));
		invented_set(head + layout->gc_head_prev, head);
		expect_fits(fixture);
	}
}

/* The lists are where the interpreter's own pointer says, if that is in the state. */
static void test_anchors_moved(void **state)
{
	static const char words[] = "lists do not link back";
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	const uint64_t shift = 4;

	for (int s = 0; s < fixture->gc_count; s++) {
		uint64_t pointer_addr = fixture->gc[s] + layout->gc_generation0;
		uint64_t first = list_head(fixture, s, 0);

		/* One that leads away is not followed. */
		invented_set(pointer_addr, fixture->gc[s] + layout->gc_size);
		expect_fits(fixture);
		invented_set(pointer_addr, fixture->gc[s] - shift);
		expect_fits(fixture);
		invented_set(pointer_addr, 0);
		expect_fits(fixture);
		invented_set(pointer_addr, first - shift);
		expect_error(fixture, "layout-mismatch", words);
		for (int g = 0; g < GENERATIONS; g++) {
			uint64_t head = list_head(fixture, s, g) - shift;

			invented_set(head + layout->gc_head_next, head);
			invented_set(head + layout->gc_head_prev, head);
		}
		expect_fits(fixture);
	}
}

/* Lists with objects in them: both neighbours of the head must link back. */
static void test_anchors_members(void **state)
{
	static const char words[] = "lists do not link back";
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t first = invented_node(heap, 0);
	uint64_t last = invented_node(heap, 0);

	heap->lists[0].head_addr = list_head(fixture, fixture->gc_count - 1, 1);
	invented_track(heap, first, 0);
	invented_track(heap, last, 0);
	expect_mismatch(fixture, invented_head_of(heap, first) + layout->gc_head_prev,
			invented_head_of(heap, last), words);
	expect_mismatch(fixture, invented_head_of(heap, last) + layout->gc_head_next,
			invented_head_of(heap, first), words);
	expect_mismatch(fixture, invented_head_of(heap, last) + layout->gc_head_next, 0, words);
}

/* The layout of another version does not fit, but for a difference that no anchor can show. */
static void test_anchors_of_others(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *own = &fixture->heap.layout;

	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const struct pyi_layout *other = &pyi_known_layouts[i].layout;
		struct pyi_error *error;

		if (other->runtime_interpreters_head == own->runtime_interpreters_head &&
		    other->interp_modules == own->interp_modules)
			continue;
		fixture->runtime.layout = other;
		error = pyi_runtime_check_anchors(&fixture->runtime, fixture->reader);
		assert_non_null(error);
		pyi_error_destroy(error);
	}
}

#define IN(test, row, label)                                                                       \
	{                                                                                          \
#test " in " label, test, set_up, tear_down,                                       \
			(void *)(uintptr_t)&pyi_known_layouts[row]                                 \
	}
#define IN_ALL(test)                                                                               \
	IN(test, 4, "3.7"), IN(test, 5, "3.8"), IN(test, 6, "3.9"), IN(test, 7, "3.10"),           \
		IN(test, 8, "3.11"), IN(test, 9, "3.12"), IN(test, 10, "3.13"),                    \
		IN(test, 12, "3.13.18"), IN(test, 14, "3.14"), IN(test, 15, "3.15")

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_version_in_noise),
		cmocka_unit_test(test_version_at_the_end),
		cmocka_unit_test(test_version_cut_by_zero),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_statics),
		IN_ALL(test_anchors_fit),
		IN(test_anchors_fit, 13, "3.14.0"),
		IN(test_anchors_lists, 13, "3.14.0"),
		IN(test_static_types, 9, "3.12"),
		IN(test_static_types, 13, "3.14.0"),
		IN(test_static_types, 14, "3.14"),
		IN_ALL(test_anchors_types),
		IN_ALL(test_anchors_interpreters),
		IN_ALL(test_anchors_lists),
		IN_ALL(test_anchors_moved),
		IN_ALL(test_anchors_members),
		IN_ALL(test_anchors_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
