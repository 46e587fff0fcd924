/*
 * Tests of PYI_JOB_GRAPH on invented heaps: the stream, as the builder understands it.
 *
 * Does not test what is counted, which is a census; test_walk.c does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invented_graph.h"
#include "walk_fixture.h"

typedef int visit_function(void *object, void *argument);

#define LABEL(kind, slot) ((PYI_LABEL_##kind) << PYI_LABEL_KIND_SHIFT | (slot))

static void stream(const struct fixture *fixture, uint64_t records_bytes,
		   const struct pyi_payload_root *roots, size_t root_count,
		   struct invented_graph *run)
{
	struct pyi_payload_arguments arguments = invented_arguments(&fixture->heap);

	arguments.roots_addr = (uintptr_t)roots;
	arguments.root_count = root_count;
	if (records_bytes)
		arguments.records_bytes = records_bytes;
	invented_graph_make(&arguments, run);
}

static uint32_t node_of(const struct invented_graph *run, uint64_t object)
{
	uint32_t node = pyi_graph_find(&run->graph, object);

	assert_true(node != PYI_GRAPH_NONE);
	return node;
}

/* The referents of an object in order, with labels; no others. */
static void expect(const struct invented_graph *run, uint64_t object, const uint64_t *targets,
		   const uint32_t *labels, size_t count)
{
	uint32_t node = node_of(run, object);
	struct pyi_graph_nodes referents = pyi_graph_referents(&run->graph, node);
	const uint16_t *found = pyi_graph_labels(&run->graph, node);

	assert_int_equal(referents.count, count);
	for (size_t e = 0; e < count; e++) {
		assert_int_equal(pyi_graph_address(&run->graph, referents.items[e]), targets[e]);
		assert_int_equal(found ? found[e] : 0, labels ? labels[e] : 0);
	}
}

static void test_nodes(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	const struct pyi_payload_root roots[] = {
		{ 0, { 0 } },
		{ fixture->nodes[2], { .kind = PYI_EDGE_THREAD, .detail = 7 } },
	};
	uint64_t nodes = 0;
	struct invented_graph run;

	invented_set(fixture->nodes[0] + layout->object_type - 8, 5);
	invented_set(fixture->nodes[1] + layout->object_type - 8, 0x3b000000);
	/* Static data (3.11), which was let go of once too often. */
	invented_set(fixture->nodes[4] + layout->object_type - 8, 999999998);
	/* Never freed (3.12), with something else in the other half (3.14). */
	invented_set(fixture->nodes[3] + layout->object_type - 8, UINT64_C(0x1c0000000));
	stream(fixture, 0, roots, 2, &run);
	for (uint32_t n = 0; n < run.graph.node_count; n++)
		nodes += !(pyi_graph_flags(&run.graph, n) & PYI_NODE_KEYS);
	assert_int_equal(nodes, run.summary.objects);
	assert_int_equal(run.graph.lost_edges, 0);
	assert_int_equal(run.graph.reference_counts[node_of(&run, fixture->nodes[0])], 5);
	assert_int_equal(run.graph.reference_counts[node_of(&run, fixture->nodes[1])], 0x3b000000);
	assert_int_equal(run.graph.reference_counts[node_of(&run, fixture->nodes[3])], UINT32_MAX);
	for (int n = 0; n < NODES; n++) {
		uint32_t node = node_of(&run, fixture->nodes[n]);
		uint32_t expected = PYI_NODE_TRACKED;

		expected |= n == 2 ? PYI_NODE_ROOT : 0;
		expected |= n == 3 || n == 4 ? PYI_NODE_IMMORTAL : 0;
		assert_int_equal(pyi_graph_flags(&run.graph, node), expected);
		assert_int_equal(run.graph.types[pyi_graph_type(&run.graph, node)].addr,
				 fixture->heap.node_type);
		expect(&run, fixture->nodes[n], &fixture->texts[n], NULL, 1);
		assert_false(pyi_graph_flags(&run.graph, node_of(&run, fixture->texts[n])));
	}
	assert_true(pyi_graph_flags(&run.graph, node_of(&run, fixture->heap.type_type)) &
		    PYI_NODE_STATIC);
	assert_int_equal(run.graph.root_count, 1);
	assert_int_equal(run.graph.roots[0].detail, 7);
	invented_graph_drop(&run);
}

/* Each value with its key behind it, also where tp_traverse reports values only. */
static void test_dict(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const uint64_t keys[] = { invented_str(heap, "a"), invented_str(heap, "b") };
	const uint64_t values[] = { invented_int(heap, 1), fixture->nodes[4] };
	const uint64_t expected[] = { values[0], keys[0], values[1], keys[1] };
	uint64_t dict = invented_dict(heap, keys, values, 2, false);
	struct invented_graph run;

	invented_track(heap, dict, 0);
	stream(fixture, 0, NULL, 0, &run);
	expect(&run, dict, expected, NULL, 4);
	invented_graph_drop(&run);
}

/* More than fits into the buffer at once, in order. */
static void test_long_list(void **state)
{
	enum { ITEMS = 9000 };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	static uint64_t items[ITEMS];
	uint64_t list;

	for (size_t i = 0; i < ITEMS; i++)
		items[i] = fixture->texts[i * 7 % NODES];
	list = invented_list(heap, items, ITEMS);
	invented_track(heap, list, 0);
	for (uint64_t bytes = 1 << 10; bytes <= 1 << 18; bytes <<= 4) {
		struct invented_graph run;

		stream(fixture, bytes, NULL, 0, &run);

		assert_true(run.messages >= ITEMS * 8 / bytes);
		expect(&run, list, items, NULL, ITEMS);
		invented_graph_drop(&run);
	}
}

static uint64_t reported;
static uint64_t nowhere;

static int fault(void *object, visit_function *visit, void *argument)
{
	if (reported)
		visit(pointer_to(reported), argument);
	return (int)invented_get(nowhere) + (object == argument);
}

/* What is known of an object counts, and that it is not all is said. */
static void test_fault(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t type;

	nowhere = unmapped(fixture);
	type = invented_static_type(heap, &(struct invented_type){ .name = "ext.Faults",
								   .basicsize = 64,
								   .flags = INVENTED_FLAG_GC,
								   .traverse = fault });
	for (int known = 0; known < 2; known++) {
		uint64_t object = invented_object(heap, type, 64);
		struct invented_graph run;

		reported = known ? fixture->nodes[0] : 0;
		invented_track(heap, object, 0);
		stream(fixture, 0, NULL, 0, &run);
		assert_int_equal(run.faults, 1 + known);
		assert_int_equal(run.graph.incomplete_nodes, 1 + known);
		assert_true(pyi_graph_flags(&run.graph, node_of(&run, object)) &
			    PYI_NODE_INCOMPLETE);
		expect(&run, object, &reported, NULL, (size_t)known);
		/* The next one is whole. */
		expect(&run, fixture->nodes[NODES - 1], &fixture->texts[NODES - 1], NULL, 1);
		invented_graph_drop(&run);
	}
}

static int report_nothing(void *object, visit_function *visit, void *argument)
{
	(void)visit;
	return object == argument;
}

/* A static type is no reference of its instances; one that was made for them is. */
static void test_type_counts(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct invented_type like = { .name = "Made",
					    .basicsize = 64,
					    .flags = INVENTED_FLAG_GC,
					    .traverse = report_nothing };
	const uint64_t types[] = { invented_static_type(heap, &like),
				   invented_heap_type(heap, &like, invented_str(heap, "Made")) };
	const uint32_t label = PYI_LABEL_INTERNAL | LABEL(TYPE, 0);
	uint64_t objects[2];
	struct invented_graph run;

	for (int i = 0; i < 2; i++) {
		objects[i] = invented_object(heap, types[i], 64);
		invented_track(heap, objects[i], 0);
	}
	stream(fixture, 0, NULL, 0, &run);
	expect(&run, objects[0], NULL, NULL, 0);
	expect(&run, objects[1], &types[1], &label, 1);
	invented_graph_drop(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_nodes), IN_ALL(test_dict),	      IN_ALL(test_long_list),
		IN_ALL(test_fault), IN_ALL(test_type_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
