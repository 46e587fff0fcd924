/*
 * Tests of payloads/: the jobs that follow references, on heaps that are broken, with faults on
 * their way, and without enough memory.
 *
 * Whatever the heap, they must come to an end, and what was whole must be in the answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph_fixture.h"

enum {
	NODES = 5,
	MANY = 300,
	FUZZ_ROUNDS = 100,
	FUZZ_CHANGES = 6,
	JOBS = 4,
	/* payloads/graph.h */
	GROUP_LIMIT = 1 << 17,
	GROUP_ITEM_LIMIT = GROUP_LIMIT / 4,
	PLACE_LIMIT = 1 << 18,
};

typedef int visit_function(void *object, void *argument);

static const enum pyi_job jobs[JOBS] = { PYI_JOB_REFERRERS, PYI_JOB_REFERENTS, PYI_JOB_LARGE,
					 PYI_JOB_CONTENTS };

/* A small program, of which each job finds something. */
struct program {
	uint64_t name;
	uint64_t leaves[NODES];
	uint64_t list;
	uint64_t tuple;
	uint64_t dict;
	uint64_t module_dict;
	uint64_t module;
	uint64_t instance;
	struct pyi_payload_root root;
};

static void fill(struct graph *graph, struct program *program)
{
	struct invented_heap *heap = &graph->heap;

	program->name = graph_name(graph, "name");
	for (int i = 0; i < NODES; i++)
		program->leaves[i] = graph_leaf(graph);
	program->list = invented_list(heap, program->leaves, NODES);
	program->tuple = invented_tuple(heap, &program->list, 1);
	program->dict = graph_dict_of(graph, program->name, program->tuple);
	program->module_dict = graph_dict_of(graph, program->name, program->dict);
	program->module = graph_module(graph, program->module_dict);
	program->instance =
		graph_instance(graph, graph_dict_of(graph, program->name, program->leaves[0]));
	invented_track(heap, program->list, 1);
	/* A list that is whole comes behind the one that will be broken. */
	invented_track(heap, invented_list(heap, program->leaves, 1), 2);
	program->root =
		(struct pyi_payload_root){ program->module, { .kind = PYI_EDGE_INTERPRETER } };
}

static size_t go_on(void *argument, const struct invented_answer *answer, uint64_t *ret_numbers,
		    size_t limit)
{
	(void)argument;
	for (size_t n = 0; n < limit; n++)
		ret_numbers[n] = n;
	return answer->levels < 2 ? limit : 0;
}

static struct invented_answer run_job(const struct graph *graph, const struct program *program,
				      enum pyi_job job, size_t arena_bytes)
{
	const uint64_t types[] = { graph->heap.node_type, graph->app_class };
	const struct invented_job request = {
		.job = job,
		.meant_types = types,
		.meant_type_count = 2,
		.starts = job == PYI_JOB_CONTENTS ? &program->dict : &program->module,
		.start_count = 1,
		.roots = &program->root,
		.root_count = 1,
		.limit = 10,
		.known_types = graph->known_types,
		.known_type_count = GRAPH_KNOWN_TYPES,
		.arena_bytes = arena_bytes,
		.level = go_on,
	};
	struct invented_answer answer;

	assert_true(types[0] < types[1]);
	invented_job(&graph->heap, &request, &answer);
	return answer;
}

/* With one word of the heap changed: all jobs end, and find what is behind it. */
static void expect_survived(struct graph *graph, const struct program *program, uint64_t addr,
			    uint64_t value, bool noticed)
{
	uint64_t before = invented_get(addr);

	invented_set(addr, value);
	for (int j = 0; j < JOBS; j++) {
		struct invented_answer answer = run_job(graph, program, jobs[j], 0);

		assert_int_equal(answer.status, PYI_PAYLOAD_OK);
		assert_true(answer.faults <= 20);
		if (jobs[j] == PYI_JOB_REFERRERS)
			/* What the last list of all, and the instance, refer to. */
			assert_true(graph_references(&answer) >= 2);
		if (noticed && jobs[j] != PYI_JOB_CONTENTS)
			assert_true(answer.result.summary.trouble != PYI_TROUBLE_NONE);
		invented_answer_deinit(&answer);
	}
	invented_set(addr, before);
}

static void test_garbage(void **state)
{
	struct graph *graph = *state;
	const struct pyi_layout *layout = &graph->heap.layout;
	uint64_t end = graph->heap.range.end_addr;
	struct program program;
	const uint64_t garbage[] = {
		1,
		8,
		UINT64_C(0x4141414141414141),
		UINT64_MAX,
		UINT64_MAX - 7,
		end,
		end - 8,
		UINT64_C(1) << 47,
	};

	fill(graph, &program);
	for (size_t g = 0; g < sizeof(garbage) / sizeof(garbage[0]); g++) {
		uint64_t items = invented_get(program.list + layout->list_items);
		uint64_t keys = invented_get(program.dict + layout->dict_keys);

		/* References, types, the __dict__ of a module. */
		expect_survived(graph, &program, items, garbage[g], true);
		expect_survived(graph, &program, program.list + layout->object_type, garbage[g],
				true);
		expect_survived(graph, &program, program.leaves[1] + layout->object_type,
				garbage[g], true);
		expect_survived(graph, &program, program.module + layout->object_size, garbage[g],
				true);
		expect_survived(graph, &program, program.tuple + layout->tuple_items, garbage[g],
				true);
		/* Where items, keys and values are. */
		expect_survived(graph, &program, program.list + layout->list_items, garbage[g],
				garbage[g] != end - 8);
		expect_survived(graph, &program, program.dict + layout->dict_keys, garbage[g],
				true);
		expect_survived(graph, &program, program.module_dict + layout->dict_keys,
				garbage[g], true);
		expect_survived(graph, &program, program.dict + layout->dict_values, garbage[g],
				false);
		expect_survived(graph, &program, invented_entry_addr(&graph->heap, keys, 0, false),
				garbage[g], true);
		/* Counts of items, of entries, of attributes from the end of an object. */
		expect_survived(graph, &program, program.list + layout->var_size, garbage[g],
				false);
		expect_survived(graph, &program, program.tuple + layout->var_size, garbage[g],
				false);
		expect_survived(graph, &program, keys + layout->keys_nentries, garbage[g], false);
		expect_survived(graph, &program, program.dict + layout->dict_used, garbage[g],
				garbage[g] != 1);
		expect_survived(graph, &program, graph->app_class + layout->type_dictoffset,
				garbage[g], false);
		expect_survived(graph, &program, graph->app_class + layout->type_dictoffset,
				0 - garbage[g], false);
		expect_survived(graph, &program, graph->app_class + layout->type_basicsize,
				garbage[g], false);
		expect_survived(graph, &program, graph->app_class + layout->type_itemsize,
				garbage[g], false);
	}
}

/* A list of the collector that is cut short counts once, though it is followed again and again. */
static void test_cut_list(void **state)
{
	struct graph *graph = *state;
	const struct pyi_layout *layout = &graph->heap.layout;
	struct program program;
	uint64_t link;

	fill(graph, &program);
	link = invented_head_of(&graph->heap, program.leaves[2]) + layout->gc_head_next;
	invented_set(link, graph->heap.range.end_addr);
	for (int j = 0; j < JOBS; j++) {
		struct invented_answer answer = run_job(graph, &program, jobs[j], 0);
		bool lists = jobs[j] != PYI_JOB_CONTENTS;

		assert_int_equal(answer.status, PYI_PAYLOAD_OK);
		assert_int_equal(answer.result.summary.broken_lists, lists);
		assert_int_equal(answer.result.summary.trouble,
				 lists ? PYI_TROUBLE_LIST : PYI_TROUBLE_NONE);
		invented_answer_deinit(&answer);
	}
}

static const struct graph *faulting;
static uint64_t faulting_items[MANY];

static int traverse_and_fault(void *object, visit_function *visit, void *argument)
{
	(void)object;
	for (int i = 0; i < MANY; i++)
		visit((void *)(uintptr_t)faulting_items[i], argument);
	/* A page that cannot be accessed begins there. */
	return (int)invented_get(faulting->heap.range.end_addr);
}

static int fault_is_gc(void *object)
{
	return (int)invented_get(faulting->heap.range.end_addr) + (object == NULL);
}

/* What was reported before a fault counts; the rest of the heap does too. */
static void test_traverse_faults(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	struct invented_answer answer;
	uint64_t list;
	uint64_t leaf;

	graph_resize(graph, 1 << 20);
	faulting = graph;
	invented_set(graph->slots_class + heap->layout.type_traverse,
		     (uintptr_t)traverse_and_fault);
	for (int i = 0; i < MANY; i++)
		faulting_items[i] = graph_leaf(graph);
	graph_with_slots(graph, 0, 0);
	leaf = graph_leaf(graph);
	list = invented_list(heap, &leaf, 1);
	invented_track(heap, list, 2);
	answer = graph_referrers_of_type(graph, heap->node_type);
	assert_int_equal(answer.faults, 1);
	assert_int_equal(answer.result.summary.skipped_objects, 1);
	assert_int_equal(answer.result.summary.trouble, PYI_TROUBLE_FAULT);
	assert_int_equal(answer.result.summary.broken_lists, 0);
	graph_expect(&answer, graph->slots_class, PYI_EDGE_ELSEWHERE, 0, 1, MANY);
	graph_expect(&answer, heap->list_type, PYI_EDGE_INDEX, 0, 1, 1);
	assert_int_equal(answer.result.summary.objects, MANY + 1);
	invented_answer_deinit(&answer);
}

/* A fault at one reference costs that one, wherever it stands in a batch. */
static void test_reference_faults(void **state)
{
	enum { ITEMS = 100 };
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t items[ITEMS];
	uint64_t list;
	uint64_t bad;

	faulting = graph;
	invented_set(graph->slots_class + heap->layout.type_is_gc, (uintptr_t)fault_is_gc);
	bad = invented_object(heap, graph->slots_class, 40);
	for (int i = 0; i < ITEMS; i++)
		items[i] = graph_leaf(graph);
	list = invented_list(heap, items, ITEMS);
	invented_track(heap, list, 0);
	for (uint64_t i = 0; i < ITEMS; i += 9) {
		uint64_t place = invented_get(list + heap->layout.list_items) + i * 8;
		struct invented_answer answer;

		invented_set(place, bad);
		answer = graph_referrers_of_type(graph, heap->node_type);
		assert_int_equal(answer.faults, 1);
		assert_int_equal(answer.result.summary.skipped_objects, 1);
		graph_expect(&answer, heap->list_type, PYI_EDGE_ELEMENT, 0, 1, ITEMS - 1);
		assert_int_equal(answer.result.summary.objects, ITEMS);
		invented_answer_deinit(&answer);
		invented_set(place, items[i]);
	}
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Anything wrong anywhere in objects, but in types: their functions are code of the target. */
static void test_random(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t seed = UINT64_C(0x2545f4914f6cdd1d);
	struct program program;
	uint8_t *before;
	size_t size;

	fill(graph, &program);
	size = (size_t)(heap->next_addr - program.name);
	before = malloc(size);
	memcpy(before, (void *)(uintptr_t)program.name, size);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		for (int c = 0; c < FUZZ_CHANGES; c++) {
			uint64_t addr = program.name + next_random(&seed) % (size / 8) * 8;
			uint64_t choice = next_random(&seed);
			uint64_t value = next_random(&seed);

			if (choice % 4 == 0)
				value = program.name + value % (size + 64) / 8 * 8;
			else if (choice % 4 == 1)
				value = invented_get(program.name + value % (size / 8) * 8);
			else if (choice % 4 == 2)
				value = invented_get(addr) ^ UINT64_C(1) << value % 64;
			invented_set(addr, value);
		}
		for (int j = 0; j < JOBS; j++) {
			struct invented_answer answer = run_job(graph, &program, jobs[j], 0);

			assert_int_equal(answer.status, PYI_PAYLOAD_OK);
			invented_answer_deinit(&answer);
		}
		memcpy((void *)(uintptr_t)program.name, before, size);
	}
	free(before);
}

/* True if the arena sufficed: then the answer is as it should be, else it says that it is not. */
static bool runs_in(const struct graph *graph, const struct program *program, enum pyi_job job,
		    size_t arena_bytes, size_t records)
{
	struct invented_answer answer = run_job(graph, program, job, arena_bytes);
	bool complete = false;

	assert_int_equal(answer.faults, 0);
	if (answer.status == PYI_PAYLOAD_OK) {
		complete = answer.result.summary.skipped_objects == 0;
		assert_int_equal(answer.result.summary.trouble,
				 complete ? PYI_TROUBLE_NONE : PYI_TROUBLE_MEMORY);
		if (complete)
			assert_int_equal(answer.record_count, records);
	} else {
		assert_int_equal(answer.status, PYI_PAYLOAD_NO_MEMORY);
		assert_int_equal(answer.record_count, 0);
	}
	invented_answer_deinit(&answer);
	return complete;
}

static void test_small_arena(void **state)
{
	enum { FIRST = 160 << 20 };
	struct graph *graph = *state;
	struct program program;

	fill(graph, &program);
	for (int j = 0; j < JOBS; j++) {
		struct invented_answer answer = run_job(graph, &program, jobs[j], 0);
		size_t records = answer.record_count;
		size_t enough = FIRST;

		invented_answer_deinit(&answer);
		assert_true(records > 0);
		for (size_t size = 1; size < FIRST; size += (8 << 20) - 4097)
			runs_in(graph, &program, jobs[j], size, records);
		/* Where it begins to suffice: at every size. */
		for (size_t step = FIRST / 2; step; step /= 2)
			if (step < enough &&
			    runs_in(graph, &program, jobs[j], enough - step, records))
				enough -= step;
		for (size_t size = enough - 1200; size < enough + 64; size += 24)
			runs_in(graph, &program, jobs[j], size, records);
	}
}

/* An instance with so many attributes, each a list with an object of its own. */
static void many_attributes(struct graph *graph, size_t count, uint64_t *ret_node)
{
	struct invented_heap *heap = &graph->heap;
	uint64_t *values = calloc(count, sizeof(*values));
	uint64_t *names = calloc(count, sizeof(*names));

	graph_resize(graph, count * 288);
	*ret_node = graph_leaf(graph);
	for (size_t i = 0; i < count; i++) {
		names[i] = graph_name(graph, "x");
		values[i] = invented_list(heap, ret_node, 1);
	}
	graph_instance(graph, graph_dict(graph, names, values, count));
	free(values);
	free(names);
}

/* More groups than there is room for: the rest is one group, number 0. */
static void test_too_many_groups(void **state)
{
	enum { COUNT = GROUP_LIMIT + 1000 };
	struct graph *graph = *state;
	const struct pyi_record_group *first;
	struct invented_answer answer;
	uint64_t leaf;

	many_attributes(graph, COUNT, &leaf);
	answer = graph_referrers_of_type(graph, graph->heap.list_type);
	graph_expect_sound(&answer);
	assert_int_equal(invented_answer_count(&answer, PYI_RECORD_GROUP), GROUP_LIMIT);
	assert_int_equal(graph_references(&answer), COUNT);
	first = &invented_answer_at(&answer, PYI_RECORD_GROUP, 0)->group;
	assert_int_equal(first->number, 0);
	assert_int_equal(first->owner.holder, PYI_HOLDER_OTHER);
	assert_int_equal(first->references, COUNT - GROUP_LIMIT + 1);
	invented_answer_deinit(&answer);
}

/* Small dicts with keys of their own run out of room before all else does. */
static void test_too_many_items(void **state)
{
	enum { COUNT = GROUP_ITEM_LIMIT + 1000 };
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const struct pyi_record_group *group;
	struct invented_answer answer;
	uint64_t leaf;

	graph_resize(graph, (size_t)COUNT * 320);
	leaf = graph_leaf(graph);
	for (int i = 0; i < COUNT; i++)
		invented_track(heap, graph_dict_of(graph, graph_name(graph, "k"), leaf), 0);
	invented_track(heap, invented_list(heap, &leaf, 1), 3);
	answer = graph_referrers_of_type(graph, heap->node_type);
	graph_expect_sound(&answer);
	group = graph_expect(&answer, heap->dict_type, PYI_EDGE_VALUES, 0,
			     COUNT - GROUP_ITEM_LIMIT + 1, COUNT - GROUP_ITEM_LIMIT + 1);
	graph_expect_owner(group, PYI_HOLDER_NONE, 0, PYI_EDGE_NONE, 0);
	graph_expect(&answer, heap->list_type, PYI_EDGE_INDEX, 0, 1, 1);
	assert_int_equal(graph_references(&answer), COUNT + 1);
	invented_answer_deinit(&answer);
}

/* More places than there is room for: what is there has no owner. */
static void test_too_many_places(void **state)
{
	enum { COUNT = PLACE_LIMIT + 1000 };
	struct graph *graph = *state;
	uint64_t without_owner = 0;
	struct invented_answer answer;
	uint64_t leaf;

	many_attributes(graph, COUNT, &leaf);
	answer = graph_referrers_of(graph, leaf);
	graph_expect_sound(&answer);
	assert_int_equal(graph_references(&answer), COUNT);
	for (size_t r = 0; r < answer.record_count; r++)
		if (answer.records[r].kind == PYI_RECORD_GROUP &&
		    answer.records[r].group.owner.holder == PYI_HOLDER_NONE)
			without_owner += answer.records[r].group.references;
	assert_true(without_owner <= COUNT - PLACE_LIMIT + 1);
	invented_answer_deinit(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GRAPH_IN(test_garbage, 0x0308, "3.8"),
		GRAPH_IN(test_garbage, 0x030d, "3.13"),
		GRAPH_IN_ALL(test_cut_list),
		GRAPH_IN_ALL(test_traverse_faults),
		GRAPH_IN_ALL(test_reference_faults),
		GRAPH_IN(test_random, 0x0308, "3.8"),
		GRAPH_IN(test_random, 0x030b, "3.11"),
		GRAPH_IN(test_random, 0x030d, "3.13"),
		GRAPH_IN(test_small_arena, 0, "an invented layout"),
		GRAPH_IN(test_too_many_groups, 0x030b, "3.11"),
		GRAPH_IN(test_too_many_items, 0x030b, "3.11"),
		GRAPH_IN(test_too_many_places, 0x030b, "3.11"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
