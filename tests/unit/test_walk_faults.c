/*
 * Tests of payloads/: a census that faults on its way, and one without enough memory.
 *
 * What was whole must be counted all the same, and what was lost be said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "walk_fixture.h"

typedef int visit_function(void *object, void *argument);

/* Referents for traverse functions that are no use otherwise. */
static uint64_t visited[8];
static size_t visited_count;

/* Objects of which only a part is in memory that can be read. */
static void test_last_words(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	uint64_t end = fixture->heap.range.end_addr;

	for (uint64_t left = 8; left <= layout->type_size + 16; left += 8) {
		struct invented_run run;

		/* As an object of type object, and as one of a type that stands there. */
		memset(pointer_to(end - 1024), 0, 1024);
		if (left > layout->object_type)
			invented_set(end - left + layout->object_type, fixture->heap.type_type);
		invented_node_set(&fixture->heap, fixture->nodes[1], end - left);
		invented_set(fixture->texts[3] + layout->object_type, end - left);
		run = census(fixture, PYI_CENSUS_ALL);
		assert_int_equal(invented_run_find(&run, fixture->heap.node_type).count, NODES);
		assert_true(invented_run_find(&run, fixture->heap.str_type).count >= NODES - 2);
		if (left < layout->type_flags)
			assert_true(run.result.summary.trouble != PYI_TROUBLE_NONE);
		invented_run_deinit(&run);
	}
}

static int fault(void *object, visit_function *visit, void *argument)
{
	for (size_t i = 0; i < visited_count; i++)
		visit(pointer_to(visited[i]), argument);
	/* A page that cannot be accessed begins there. */
	return (int)invented_get(visited[7]) + (object == argument);
}

static int fault_is_gc(void *object)
{
	return (int)invented_get(visited[7]) + (object == NULL);
}

static uint64_t faulting_type(struct fixture *fixture)
{
	visited_count = 0;
	visited[7] = unmapped(fixture);
	return invented_static_type(&fixture->heap, &(struct invented_type){
							    .name = "ext.Faults",
							    .basicsize = 64,
							    .flags = INVENTED_FLAG_GC,
							    .traverse = fault,
						    });
}

/* A traverse function that faults: what it had reported before counts, and so does the rest of the
 * heap. */
static void test_traverse_faults(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t type = faulting_type(fixture);
	struct invented_run run;

	for (int i = 0; i < 3; i++)
		visited[visited_count++] = invented_int(heap, 1);
	invented_track(heap, invented_object(heap, type, 64), 0);
	run = census(fixture, PYI_CENSUS_ALL);
	assert_int_equal(run.faults, 1);
	assert_int_equal(run.result.summary.skipped_objects, 1);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_FAULT);
	assert_int_equal(run.result.summary.broken_lists, 0);
	assert_int_equal(invented_run_find(&run, type).count, 1);
	assert_int_equal(invented_run_find(&run, heap->int_type).count, 3);
	assert_int_equal(invented_run_find(&run, heap->node_type).count, NODES);
	assert_int_equal(invented_run_find(&run, heap->str_type).count, NODES);
	invented_run_deinit(&run);

	/* Nothing of the kind is called for the tracked scope. */
	run = census(fixture, 0);
	assert_int_equal(run.faults, 0);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_NONE);
	invented_run_deinit(&run);

	/* Untracked ones; and as often as there are such objects. */
	for (int i = 0; i < 100; i++) {
		uint64_t object = invented_object(heap, type, 64);

		invented_track(heap, invented_tuple(heap, &object, 1), 0);
	}
	run = census(fixture, PYI_CENSUS_ALL);
	assert_int_equal(run.faults, 101);
	assert_int_equal(run.result.summary.skipped_objects, 101);
	assert_int_equal(invented_run_find(&run, type).count, 101);
	assert_int_equal(invented_run_find(&run, heap->str_type).count, NODES);
	invented_run_deinit(&run);
}

/* Function addresses that lead nowhere. */
static void test_traverse_is_garbage(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t type = faulting_type(fixture);
	const uint64_t garbage[] = { 8, unmapped(fixture), fixture->texts[0] };

	invented_track(heap, invented_object(heap, type, 64), 0);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct invented_run run;

		invented_set(type + heap->layout.type_traverse, garbage[i]);
		run = census(fixture, PYI_CENSUS_ALL);
		assert_int_equal(run.faults, 1);
		assert_int_equal(run.result.summary.skipped_objects, 1);
		assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_FAULT);
		assert_int_equal(invented_run_find(&run, heap->str_type).count, NODES);
		invented_run_deinit(&run);
	}
}

static void *attach_and_fault(void *argument)
{
	invented_set((uintptr_t)argument, invented_get((uintptr_t)argument) + 1);
	return pointer_to(invented_get(visited[7]));
}

/* The function that attaches a thread state faults: then the walk goes on without. */
static void test_attach_faults(void **state)
{
	struct fixture *fixture = *state;
	uint64_t calls = 0;
	struct invented_run run;

	visited[7] = unmapped(fixture);
	invented_census(&fixture->heap,
			&(struct invented_request){
				.flags = PYI_CENSUS_ALL,
				.attach_addr = (uintptr_t)attach_and_fault,
				.attach_argument = (uintptr_t)&calls,
			},
			&run);
	assert_int_equal(run.status, PYI_PAYLOAD_OK);
	assert_int_equal(calls, 1);
	assert_int_equal(run.faults, 1);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_NONE);
	assert_int_equal(run.result.summary.skipped_objects, 0);
	assert_int_equal(invented_run_find(&run, fixture->heap.str_type).count, NODES);
	invented_run_deinit(&run);
}

/* A fault at one referent: the others of its batch are not lost, wherever it stands among them. */
static void test_referent_faults(void **state)
{
	enum { ITEMS = 10 };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t type = faulting_type(fixture);
	uint64_t bad = invented_object(heap, type, 64);
	uint64_t items[ITEMS];
	uint64_t list;

	invented_set(type + heap->layout.type_is_gc, (uintptr_t)fault_is_gc);
	for (uint32_t i = 0; i < ITEMS; i++)
		items[i] = invented_int(heap, i);
	list = invented_list(heap, items, ITEMS);
	invented_track(heap, list, 0);
	for (uint32_t i = 0; i < ITEMS; i++) {
		uint64_t place = invented_get(list + heap->layout.list_items) + i * 8;
		struct invented_run run;

		invented_set(place, bad);
		run = census(fixture, PYI_CENSUS_ALL);
		assert_int_equal(run.faults, 1);
		assert_int_equal(run.result.summary.skipped_objects, 1);
		assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_FAULT);
		assert_int_equal(invented_run_find(&run, heap->int_type).count, ITEMS - 1);
		assert_int_equal(invented_run_find(&run, heap->str_type).count, NODES);
		invented_run_deinit(&run);
		invented_set(place, items[i]);
	}
}

static int visit_again_and_again(void *object, visit_function *visit, void *argument)
{
	(void)object;
	for (int i = 0; i < 100000; i++) {
		visit(pointer_to(visited[0]), argument);
		visit(NULL, argument);
		visit(pointer_to(i % 8), argument);
	}
	return 1;
}

static void test_traverse_is_odd(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t type = faulting_type(fixture);
	struct invented_run run;

	visited[0] = invented_int(heap, 1);
	invented_set(type + heap->layout.type_traverse, (uintptr_t)visit_again_and_again);
	invented_track(heap, invented_object(heap, type, 64), 0);
	run = census(fixture, PYI_CENSUS_ALL);
	assert_int_equal(run.faults, 0);
	assert_int_equal(invented_run_find(&run, heap->int_type).count, 1);
	/* 0 is no reference, the seven others are no objects. */
	assert_int_equal(run.result.summary.skipped_objects, 100000 / 8 * 7);
	assert_int_equal(invented_run_find(&run, heap->str_type).count, NODES);
	invented_run_deinit(&run);
}

/* With an arena of this size: all counted, or an honest answer. True if all was. */
static bool walks_with_arena(const struct fixture *fixture, size_t arena_bytes, uint64_t objects)
{
	struct invented_run run;
	bool complete = false;

	/* 0 would ask for the usual one. */
	invented_census(&fixture->heap,
			&(struct invented_request){
				.flags = PYI_CENSUS_ALL,
				.arena_bytes = arena_bytes,
			},
			&run);
	assert_int_equal(run.faults, 0);
	if (run.status == PYI_PAYLOAD_OK) {
		complete = run.result.summary.skipped_objects == 0;
		assert_int_equal(run.result.summary.trouble,
				 complete ? PYI_TROUBLE_NONE : PYI_TROUBLE_MEMORY);
		if (complete)
			assert_int_equal(run.result.summary.objects, objects);
	} else {
		assert_int_equal(run.status, PYI_PAYLOAD_NO_MEMORY);
	}
	invented_run_deinit(&run);
	return complete;
}

static void test_small_arena(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t tuples[300];
	struct invented_run run;
	uint64_t objects;
	size_t enough;
	size_t last;

	/* All of these wait in the work list at the same time. */
	for (int i = 0; i < 300; i++)
		tuples[i] = invented_tuple(heap, &fixture->texts[0], 1);
	invented_track(heap, invented_list(heap, tuples, 300), 0);
	run = census(fixture, PYI_CENSUS_ALL);
	objects = run.result.summary.objects;
	invented_run_deinit(&run);

	last = invented_arena_bytes(FIXTURE_HEAP_BYTES);
	for (size_t size = 1; size < last; size += 65521)
		walks_with_arena(fixture, size, objects);
	for (size_t size = 1; size < 4096; size++)
		walks_with_arena(fixture, size, objects);
	/* Where it begins to suffice: at every size. */
	enough = last;
	for (size_t step = last / 2; step; step /= 2)
		if (step < enough && walks_with_arena(fixture, enough - step, objects))
			enough -= step;
	assert_true(walks_with_arena(fixture, enough, objects));
	for (size_t size = enough - 4096; size < enough + 256; size++)
		walks_with_arena(fixture, size, objects);
}

/* More types than there is room for. */
static void test_too_many_types(void **state)
{
	enum { TYPES = (1 << 18) + 10 };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	struct pyi_layout layout = heap->layout;
	struct invented_run run;

	invented_heap_destroy(heap);
	invented_heap_create(heap, &layout, (size_t)TYPES * 256 + FIXTURE_HEAP_BYTES);
	for (int i = 0; i < TYPES; i++) {
		uint64_t type = invented_static_type(
			heap, &(struct invented_type){ .name = "t", .flags = INVENTED_FLAG_GC });

		invented_track(heap, invented_object(heap, type, layout.object_size), 0);
	}
	run = census(fixture, 0);
	assert_int_equal(run.faults, 0);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_MEMORY);
	assert_int_equal(run.result.summary.objects + run.result.summary.skipped_objects, TYPES);
	assert_true(run.result.summary.skipped_objects > 0);
	assert_true(run.result.summary.skipped_objects < 100);
	invented_run_deinit(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_last_words),	  IN_ALL(test_traverse_faults),
		IN_ALL(test_traverse_is_garbage), IN(test_attach_faults, 0, "an invented layout"),
		IN_ALL(test_referent_faults),	  IN(test_traverse_is_odd, 0, "an invented layout"),
		IN_ALL(test_small_arena),	  IN(test_too_many_types, 0, "an invented layout"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
