/*
 * Tests of the tree of first references, on random graphs against brute force: each node once, by a
 * shortest way, from the starts that come first; what is put off comes last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pyinspect/payload.h>

#include "analysis/spanning_tree.h"
#include "graph/bits.h"
#include "graph_model.h"

enum {
	ROUNDS = 400,
	NODE_LIMIT = 60,
	FAR = 1 << 20,
	STARTS = 3,
	/* In the model a type has its number as kind. */
	PUT_OFF = PYI_KIND_DICT,
	TYPE_COUNT = PYI_KIND_LIST + 1,
};

#define LIMIT (UINT64_C(1) << 32)

struct fixture {
	struct pyi_graph_space space;
	struct model model;
	struct pyi_graph graph;
	struct pyi_spanning_tree tree;
	uint64_t state;
};

static void setup(struct fixture *fixture)
{
	pyi_graph_space_init(&fixture->space, -1, LIMIT);
	fixture->graph = model_build(&fixture->model, &fixture->state, &fixture->space);
	assert_null(pyi_spanning_tree_init(&fixture->graph, &fixture->tree));
}

static void teardown(struct fixture *fixture)
{
	pyi_spanning_tree_deinit(&fixture->tree);
	pyi_graph_deinit(&fixture->graph);
	assert_int_equal(fixture->space.held_bytes, 0);
	model_destroy(&fixture->model);
}

/* Edges of the graph, for the model may have some that it does not. */
static void relax(const struct fixture *fixture, uint32_t *distances, uint64_t put_off)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t n = 0; n < fixture->graph.node_count; n++) {
			struct pyi_graph_nodes referents = pyi_graph_referents(&fixture->graph, n);
			uint32_t kind =
				fixture->graph.types[pyi_graph_type(&fixture->graph, n)].kind;

			if (put_off >> kind & 1)
				continue;
			for (uint64_t e = 0; e < referents.count; e++) {
				uint32_t target = referents.items[e];

				if (distances[n] + 1 >= distances[target])
					continue;
				distances[target] = distances[n] + 1;
				changed = true;
			}
		}
	}
}

static uint32_t depth_of(const struct pyi_spanning_tree *tree, uint32_t node)
{
	uint32_t depth = 0;

	for (; tree->above[node] != PYI_GRAPH_NONE; node = tree->above[node])
		depth++;
	return depth;
}

static void assert_is_tree(const struct fixture *fixture)
{
	const struct pyi_spanning_tree *tree = &fixture->tree;
	uint64_t *seen = calloc(fixture->graph.node_count / 64 + 1, sizeof(*seen));

	assert_non_null(seen);
	for (uint64_t at = 0; at < tree->count; at++) {
		uint32_t node = tree->order[at];
		uint32_t above = tree->above[node];

		assert_true(pyi_bits_has(tree->reached, node));
		assert_true(above == PYI_GRAPH_NONE || pyi_bits_has(seen, above));
		assert_true(pyi_bits_set(seen, node));
		if (above == PYI_GRAPH_NONE)
			continue;
		assert_true(tree->places[node] < pyi_graph_referents(&fixture->graph, above).count);
		assert_int_equal(
			pyi_graph_referents(&fixture->graph, above).items[tree->places[node]],
			node);
	}
	free(seen);
}

/* First some starts without what is put off, then others with all. */
static void check_round(struct fixture *fixture)
{
	const uint32_t count = fixture->graph.node_count;
	uint32_t *distances = malloc((count + 1) * sizeof(*distances));
	const uint64_t put_off = UINT64_C(1) << PUT_OFF;
	uint64_t early;

	assert_non_null(distances);
	for (uint32_t n = 0; n < count; n++)
		distances[n] = FAR;
	for (uint32_t s = 0; s < STARTS && count; s++) {
		uint32_t node = (uint32_t)model_random(&fixture->state, count);

		assert_int_equal(pyi_spanning_tree_start(&fixture->tree, node, s),
				 distances[node] != 0);
		distances[node] = 0;
	}
	pyi_spanning_tree_grow(&fixture->tree, put_off);
	relax(fixture, distances, put_off);
	for (uint32_t n = 0; n < count; n++) {
		assert_int_equal(pyi_bits_has(fixture->tree.reached, n), distances[n] < FAR);
		if (distances[n] < FAR)
			assert_int_equal(depth_of(&fixture->tree, n), distances[n]);
	}
	assert_is_tree(fixture);
	early = fixture->tree.count;
	if (count)
		pyi_spanning_tree_start(&fixture->tree,
					(uint32_t)model_random(&fixture->state, count), STARTS);
	pyi_spanning_tree_grow(&fixture->tree, 0);
	/* What was reached before keeps its way. */
	for (uint64_t at = 0; at < early; at++)
		assert_int_equal(depth_of(&fixture->tree, fixture->tree.order[at]),
				 distances[fixture->tree.order[at]]);
	for (uint64_t at = early; at < fixture->tree.count; at++)
		if (fixture->tree.above[fixture->tree.order[at]] == PYI_GRAPH_NONE)
			distances[fixture->tree.order[at]] = 0;
	relax(fixture, distances, 0);
	for (uint32_t n = 0; n < count; n++)
		assert_int_equal(pyi_bits_has(fixture->tree.reached, n), distances[n] < FAR);
	assert_is_tree(fixture);
	free(distances);
}

static void test_random_graphs(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture fixture = { .model = model_random_create(&random, NODE_LIMIT),
					   .state = random };

		fixture.model.type_count = TYPE_COUNT;
		for (uint32_t n = 0; n < fixture.model.node_count; n++)
			fixture.model.nodes[n].type %= TYPE_COUNT;
		setup(&fixture);
		check_round(&fixture);
		teardown(&fixture);
	}
}

/* 0 and 1 lead to 3 at once, 2 by way of 0; the first start counts. */
static void test_order_of_starts(void **state)
{
	struct fixture fixture = { .model = model_create(5) };

	(void)state;
	fixture.model.type_count = TYPE_COUNT;
	model_connect(&fixture.model, 0, 3, 0);
	model_connect(&fixture.model, 1, 3, 0);
	model_connect(&fixture.model, 2, 0, 0);
	model_connect(&fixture.model, 3, 4, 0);
	setup(&fixture);
	assert_true(pyi_spanning_tree_start(&fixture.tree, 1, 17));
	assert_true(pyi_spanning_tree_start(&fixture.tree, 0, 18));
	assert_false(pyi_spanning_tree_start(&fixture.tree, 1, 19));
	pyi_spanning_tree_grow(&fixture.tree, 0);
	assert_int_equal(fixture.tree.places[1], 17);
	assert_int_equal(fixture.tree.above[3], 1);
	assert_int_equal(fixture.tree.above[4], 3);
	assert_false(pyi_bits_has(fixture.tree.reached, 2));
	teardown(&fixture);
}

/* What is put off leads to nothing as long as it is, also when it is a start. */
static void test_put_off(void **state)
{
	struct fixture fixture = { .model = model_create(4) };

	(void)state;
	fixture.model.type_count = TYPE_COUNT;
	fixture.model.nodes[1].type = PUT_OFF;
	model_connect(&fixture.model, 0, 1, 0);
	model_connect(&fixture.model, 1, 2, 0);
	setup(&fixture);
	pyi_spanning_tree_start(&fixture.tree, 0, 0);
	pyi_spanning_tree_grow(&fixture.tree, UINT64_C(1) << PUT_OFF);
	assert_int_equal(fixture.tree.count, 2);
	pyi_spanning_tree_start(&fixture.tree, 3, 1);
	pyi_spanning_tree_grow(&fixture.tree, UINT64_C(1) << PUT_OFF);
	assert_int_equal(fixture.tree.count, 3);
	pyi_spanning_tree_grow(&fixture.tree, 0);
	assert_int_equal(fixture.tree.count, 4);
	assert_int_equal(fixture.tree.above[2], 1);
	teardown(&fixture);
}

static void test_no_room(void **state)
{
	struct fixture fixture = { .model = model_create(3000) };
	struct pyi_spanning_tree tree = { 0 };
	struct pyi_error *error;

	(void)state;
	setup(&fixture);
	fixture.space.limit_bytes = fixture.space.held_bytes + 20000;
	error = pyi_spanning_tree_init(&fixture.graph, &tree);
	assert_non_null(error);
	assert_int_equal(error->code, PYI_ERROR_TOO_LARGE);
	pyi_error_destroy(error);
	pyi_spanning_tree_deinit(&tree);
	teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_graphs),
		cmocka_unit_test(test_order_of_starts),
		cmocka_unit_test(test_put_off),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
