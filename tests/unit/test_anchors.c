/*
 * Tests of src/python/anchors: a layout is believed only when a live runtime fits it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "invented_heap.h"
#include "python/layouts.h"
#include "python/runtime.h"

enum {
	HEAP_BYTES = 4 << 20,
	/* Of a _PyRuntimeState, what is looked at, and more. */
	RUNTIME_BYTES = 65536,
	THREAD_BYTES = 1024,
	GENERATIONS = 3,
};

/* Time does not pass while a list is waited for; but when so much of it has, a word is mended. */
static struct {
	int64_t passed_ms;
	int64_t mended_after_ms;
	uint64_t addr;
	uint64_t value;
} wait_for;

int __wrap_nanosleep(const struct timespec *duration, struct timespec *left);

int __wrap_nanosleep(const struct timespec *duration, struct timespec *left)
{
	(void)left;
	wait_for.passed_ms += duration->tv_nsec / 1000000;
	if (wait_for.addr && wait_for.passed_ms > wait_for.mended_after_ms)
		invented_set(wait_for.addr, wait_for.value);
	return 0;
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

/* Their places differ from one machine to another. */
static const struct pyi_known_layout *find_known(const char *generated_from)
{
	for (size_t i = 0; i < pyi_known_layout_count; i++)
		if (strcmp(pyi_known_layouts[i].generated_from, generated_from) == 0)
			return &pyi_known_layouts[i];
	fail_msg("no layout of %s", generated_from);
	return NULL;
}

static int set_up(void **state)
{
	const struct pyi_known_layout *known = find_known(*state);
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

/* A thread that has lost the processor in the middle of a change gets it again. */
static void test_anchors_lists_in_a_change(void **state)
{
	struct fixture *fixture = *state;
	uint64_t addr = list_head(fixture, 0, 0) + fixture->heap.layout.gc_head_prev;
	uint64_t value = invented_get(addr);

	for (int64_t after_ms = 1; after_ms <= 600; after_ms += 599) {
		wait_for.passed_ms = 0;
		wait_for.mended_after_ms = after_ms;
		wait_for.value = value;
		wait_for.addr = addr;
		invented_set(addr, fixture->modules);
		expect_fits(fixture);
		wait_for.addr = 0;
		assert_in_range(wait_for.passed_ms, after_ms, 2 * after_ms + 10);
	}
}

static void move_end(void *argument, uint64_t addr, const void *bytes, size_t size_bytes)
{
	(void)bytes;
	(void)size_bytes;
	if (addr == *(const uint64_t *)argument)
		invented_set(addr, invented_get(addr) ^ 64);
}

/* Whatever is the last object is not by the time that it is looked at. */
static void test_anchors_lists_that_grow(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t head = list_head(fixture, 0, 0);
	uint64_t end_addr = head + heap->layout.gc_head_prev;
	struct pyi_memory_watch watch = { .read = move_end, .argument = &end_addr };

	heap->lists[0].head_addr = head;
	invented_track(heap, invented_node(heap, 0), 0);
	invented_set(end_addr, fixture->modules);
	expect_error(fixture, "layout-mismatch", "lists do not link back");
	pyi_memory_reader_watch(fixture->reader, &watch);
	expect_fits(fixture);
	invented_set(head + heap->layout.gc_head_next, fixture->modules);
	expect_error(fixture, "layout-mismatch", "lists do not link back");
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

#define IN(test, from)                                                                             \
	{                                                                                          \
#test " in " from, test, set_up, tear_down, (void *)(uintptr_t)from                \
	}
#define IN_ALL(test)                                                                               \
	IN(test, "3.7.16"), IN(test, "3.8.18"), IN(test, "3.9.18"), IN(test, "3.10.13"),           \
		IN(test, "3.11.7"), IN(test, "3.12.1"), IN(test, "3.13.0"), IN(test, "3.13.18"),   \
		IN(test, "3.14.10"), IN(test, "3.15.2")

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_anchors_fit),
		IN(test_anchors_fit, "3.14.0"),
		IN(test_anchors_lists, "3.14.0"),
		IN(test_static_types, "3.12.1"),
		IN(test_static_types, "3.14.0"),
		IN(test_static_types, "3.14.10"),
		IN_ALL(test_anchors_types),
		IN_ALL(test_anchors_interpreters),
		IN_ALL(test_anchors_lists),
		IN_ALL(test_anchors_lists_in_a_change),
		IN_ALL(test_anchors_lists_that_grow),
		IN_ALL(test_anchors_moved),
		IN_ALL(test_anchors_members),
		IN_ALL(test_anchors_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
