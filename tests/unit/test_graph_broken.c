/*
 * Tests of payloads/: the stream of a graph, on heaps that are broken, with faults on its way, and
 * without enough memory.
 *
 * Whatever the heap, it must come to an end, and what was whole must be in the graph.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph_fixture.h"
#include "invented_graph.h"

enum {
	NODES = 5,
	MANY = 300,
	FUZZ_ROUNDS = 100,
	FUZZ_CHANGES = 6,
};

typedef int visit_function(void *object, void *argument);

/* A small program. */
struct program {
	uint64_t name;
	uint64_t leaves[NODES];
	uint64_t list;
	uint64_t tuple;
	uint64_t dict;
	uint64_t module_dict;
	uint64_t module;
	uint64_t instance;
	uint64_t whole_list;
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
	program->whole_list = invented_list(heap, program->leaves, 1);
	invented_track(heap, program->whole_list, 2);
	program->root =
		(struct pyi_payload_root){ program->module, { .kind = PYI_EDGE_INTERPRETER } };
}

static enum pyi_payload_status run(const struct graph *graph, const struct program *program,
				   size_t arena_bytes, struct invented_graph *ret_made)
{
	struct pyi_payload_arguments arguments = invented_arguments(&graph->heap);
	size_t count = 0;

	while (arguments.known_types[count].type_addr)
		count++;
	memcpy(&arguments.known_types[count], graph->known_types, sizeof(graph->known_types));
	arguments.roots_addr = (uintptr_t)&program->root;
	arguments.root_count = 1;
	if (arena_bytes)
		arguments.arena_bytes = arena_bytes;
	return invented_graph_try(&arguments, ret_made);
}

static void make(const struct graph *graph, const struct program *program,
		 struct invented_graph *ret_made)
{
	assert_int_equal(run(graph, program, 0, ret_made), PYI_PAYLOAD_OK);
}

static uint32_t node_of(const struct invented_graph *made, uint64_t object)
{
	uint32_t node = pyi_graph_find(&made->graph, object);

	assert_true(node != PYI_GRAPH_NONE);
	return node;
}

static uint64_t references(const struct invented_graph *made, uint64_t source, uint64_t target)
{
	const struct pyi_graph_nodes referents =
		pyi_graph_referents(&made->graph, node_of(made, source));
	uint32_t wanted = pyi_graph_find(&made->graph, target);
	uint64_t count = 0;

	for (uint64_t e = 0; e < referents.count; e++)
		count += referents.items[e] == wanted;
	return count;
}

/* With one word of the heap changed: it ends, and finds what is behind it. */
static void expect_survived(struct graph *graph, const struct program *program, uint64_t addr,
			    uint64_t value, bool noticed)
{
	uint64_t before = invented_get(addr);
	struct invented_graph made;

	invented_set(addr, value);
	make(graph, program, &made);
	assert_true(made.faults <= 20);
	assert_int_equal(references(&made, program->whole_list, program->leaves[0]), 1);
	if (noticed)
		assert_true(made.summary.trouble != PYI_TROUBLE_NONE);
	invented_graph_drop(&made);
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

/* A list of the collector that is cut short. */
static void test_cut_list(void **state)
{
	struct graph *graph = *state;
	const struct pyi_layout *layout = &graph->heap.layout;
	struct invented_graph made;
	struct program program;
	uint64_t link;

	fill(graph, &program);
	link = invented_head_of(&graph->heap, program.leaves[2]) + layout->gc_head_next;
	invented_set(link, graph->heap.range.end_addr);
	make(graph, &program, &made);
	assert_int_equal(made.summary.broken_lists, 1);
	assert_int_equal(made.summary.trouble, PYI_TROUBLE_LIST);
	invented_graph_drop(&made);
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

static void begin(struct graph *graph, struct program *program)
{
	faulting = graph;
	*program = (struct program){ .root = { .object_addr = graph->app_class } };
}

/* What was reported before a fault counts; the rest of the heap does too. */
static void test_traverse_faults(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	struct invented_graph made;
	struct program program;
	uint64_t object;
	uint64_t list;
	uint64_t leaf;

	graph_resize(graph, 1 << 20);
	begin(graph, &program);
	invented_set(graph->slots_class + heap->layout.type_traverse,
		     (uintptr_t)traverse_and_fault);
	for (int i = 0; i < MANY; i++)
		faulting_items[i] = graph_leaf(graph);
	object = graph_with_slots(graph, 0, 0);
	leaf = graph_leaf(graph);
	list = invented_list(heap, &leaf, 1);
	invented_track(heap, list, 2);
	make(graph, &program, &made);
	assert_int_equal(made.faults, 1);
	assert_int_equal(made.summary.skipped_objects, 1);
	assert_int_equal(made.summary.trouble, PYI_TROUBLE_FAULT);
	assert_int_equal(made.summary.broken_lists, 0);
	assert_int_equal(made.graph.incomplete_nodes, 1);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(references(&made, object, faulting_items[i]), 1);
	assert_int_equal(references(&made, list, leaf), 1);
	invented_graph_drop(&made);
}

/* A fault at one object costs that one, wherever it stands in a batch; what led to it is whole, or
   is said not to be. */
static void test_reference_faults(void **state)
{
	enum { ITEMS = 100 };
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	struct program program;
	uint64_t items[ITEMS];
	uint64_t list;
	uint64_t bad;

	begin(graph, &program);
	invented_set(graph->slots_class + heap->layout.type_is_gc, (uintptr_t)fault_is_gc);
	bad = invented_object(heap, graph->slots_class, 40);
	for (int i = 0; i < ITEMS; i++)
		items[i] = graph_leaf(graph);
	list = invented_list(heap, items, ITEMS);
	invented_track(heap, list, 0);
	for (uint64_t i = 0; i < ITEMS; i += 9) {
		uint64_t place = invented_get(list + heap->layout.list_items) + i * 8;
		struct invented_graph made;
		uint64_t found = 0;
		bool whole;

		invented_set(place, bad);
		make(graph, &program, &made);
		assert_int_equal(made.faults, 1);
		assert_int_equal(made.summary.skipped_objects, 1);
		assert_int_equal(pyi_graph_find(&made.graph, bad), PYI_GRAPH_NONE);
		for (uint64_t n = 0; n < ITEMS; n++)
			found += references(&made, list, items[n]);
		whole = !(pyi_graph_flags(&made.graph, node_of(&made, list)) & PYI_NODE_INCOMPLETE);
		assert_int_equal(made.graph.incomplete_nodes, !whole);
		assert_true(whole ? found == ITEMS - 1 : found < ITEMS - 1);
		invented_graph_drop(&made);
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
	struct invented_graph made;
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
		make(graph, &program, &made);
		invented_graph_drop(&made);
		memcpy((void *)(uintptr_t)program.name, before, size);
	}
	free(before);
}

/* True if the arena sufficed: then the graph is as it should be, else it is said that it is not. */
static bool runs_in(const struct graph *graph, const struct program *program, size_t arena_bytes,
		    uint32_t nodes)
{
	struct invented_graph made;
	enum pyi_payload_status status = run(graph, program, arena_bytes, &made);
	bool complete = false;

	assert_int_equal(made.faults, 0);
	if (status == PYI_PAYLOAD_OK) {
		complete = made.summary.skipped_objects == 0;
		assert_int_equal(made.summary.trouble,
				 complete ? PYI_TROUBLE_NONE : PYI_TROUBLE_MEMORY);
		if (complete)
			assert_int_equal(made.graph.node_count, nodes);
	} else {
		assert_int_equal(status, PYI_PAYLOAD_NO_MEMORY);
		assert_int_equal(made.graph.node_count, 0);
	}
	invented_graph_drop(&made);
	return complete;
}

static void test_small_arena(void **state)
{
	enum { FIRST = 160 << 20 };
	struct graph *graph = *state;
	struct invented_graph made;
	struct program program;
	size_t enough = FIRST;
	uint32_t nodes;

	fill(graph, &program);
	make(graph, &program, &made);
	nodes = made.graph.node_count;
	invented_graph_drop(&made);
	assert_true(nodes > NODES);
	for (size_t size = 1; size < FIRST; size += (8 << 20) - 4097)
		runs_in(graph, &program, size, nodes);
	/* Where it begins to suffice: at every size. */
	for (size_t step = FIRST / 2; step; step /= 2)
		if (step < enough && runs_in(graph, &program, enough - step, nodes))
			enough -= step;
	for (size_t size = enough - 1200; size < enough + 64; size += 24)
		runs_in(graph, &program, size, nodes);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
