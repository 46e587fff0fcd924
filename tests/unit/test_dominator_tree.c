/*
 * Tests of the tree of dominators in groups: planted structures, and sums on random graphs. What a
 * group retains is what its members are and what stands below it, shown or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pyinspect/payload.h>

#include "analysis/dominator_tree.h"
#include "analysis/entries.h"
#include "graph/bits.h"
#include "graph_model.h"

enum {
	ROUNDS = 3000,
	NODE_LIMIT = 40,
	ITEMS = 30000,
	LONG = 200000,
	LIST = PYI_KIND_LIST,
	TYPE_COUNT = PYI_KIND_LIST + 1,
	PLAIN = PYI_KIND_PLAIN,
};

#define LIMIT (UINT64_C(1) << 32)

struct fixture {
	struct pyi_graph_space space;
	struct model model;
	struct pyi_graph graph;
	struct pyi_graph_entries entries;
	struct pyi_dominators dominators;
};

static void setup(struct fixture *fixture, uint64_t *state)
{
	pyi_graph_space_init(&fixture->space, -1, LIMIT);
	fixture->graph = model_build(&fixture->model, state, &fixture->space);
	assert_null(pyi_graph_reverse(&fixture->graph));
	assert_null(pyi_graph_entries_find(&fixture->graph, &fixture->entries));
	assert_null(pyi_dominators_find(&fixture->graph, &fixture->entries, &fixture->dominators));
}

static void teardown(struct fixture *fixture)
{
	pyi_dominators_deinit(&fixture->dominators);
	pyi_graph_entries_deinit(&fixture->entries);
	pyi_graph_deinit(&fixture->graph);
	assert_int_equal(fixture->space.held_bytes, 0);
	model_destroy(&fixture->model);
}

static struct pyi_dominator_tree make(const struct fixture *fixture,
				      const struct pyi_tree_request *request)
{
	struct pyi_dominator_tree tree;

	assert_null(pyi_dominator_tree_make(&fixture->graph, &fixture->dominators, request, &tree));
	return tree;
}

/* Each stands behind what is above it; what retains more comes first among those of one level. */
static void check_order(const struct pyi_dominator_tree *tree)
{
	uint64_t last[NODE_LIMIT + 1];

	for (size_t g = 0; g < tree->count; g++) {
		const struct pyi_tree_group *group = &tree->groups[g];

		if (!g || group->depth > tree->groups[g - 1].depth) {
			assert_int_equal(group->above,
					 group->depth ? (uint32_t)(g - 1) : PYI_GRAPH_NONE);
		} else {
			assert_true(group->retained_bytes <= last[group->depth]);
			if (group->depth)
				assert_int_equal(tree->groups[group->above].depth,
						 group->depth - 1);
		}
		last[group->depth] = group->retained_bytes;
	}
}

static void check_sums(const struct pyi_dominator_tree *tree)
{
	uint64_t top = tree->rest_bytes;

	for (size_t g = 0; g < tree->count; g++) {
		const struct pyi_tree_group *group = &tree->groups[g];
		uint64_t sum = group->bytes + group->rest_bytes;

		if (group->above == PYI_GRAPH_NONE)
			top += group->retained_bytes;
		for (size_t below = g + 1; below < tree->count; below++)
			if (tree->groups[below].above == g)
				sum += tree->groups[below].retained_bytes;
		assert_int_equal(sum, group->retained_bytes);
	}
	assert_int_equal(top, tree->top_bytes);
}

static bool is_below(const struct fixture *fixture, uint32_t node, const uint64_t *set)
{
	uint32_t at = fixture->dominators.dominators[node];

	while (at != PYI_GRAPH_NONE && !pyi_bits_has(set, at))
		at = fixture->dominators.dominators[at];
	return at != PYI_GRAPH_NONE;
}

static void sums_on_random_graphs(void **test)
{
	uint64_t state = 11;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture fixture = { .model = model_random_create(&state, NODE_LIMIT) };
		uint64_t set[1] = { model_random(&state, UINT64_MAX) };
		const struct pyi_tree_request all = { .depth = NODE_LIMIT + 1, .limit = 1000 };
		const struct pyi_tree_request some = { .set = set,
						       .depth = NODE_LIMIT + 1,
						       .limit = 1000 };
		struct pyi_dominator_tree tree;
		uint64_t expected = 0;
		uint64_t objects = 0;

		setup(&fixture, &state);
		tree = make(&fixture, &all);
		for (uint32_t node = 0; node < fixture.graph.node_count; node++)
			expected += pyi_graph_size(&fixture.graph, node);
		assert_int_equal(tree.top_bytes, expected);
		check_order(&tree);
		check_sums(&tree);
		pyi_dominator_tree_deinit(&tree);
		tree = make(&fixture, &some);
		expected = 0;
		for (uint32_t node = 0; node < fixture.graph.node_count; node++) {
			if (!pyi_bits_has(set, node) || is_below(&fixture, node, set))
				continue;
			expected += fixture.dominators.retained_bytes[node];
			objects += !(pyi_graph_flags(&fixture.graph, node) & PYI_NODE_KEYS);
		}
		assert_int_equal(tree.top_bytes, expected);
		assert_int_equal(tree.top_objects, objects);
		check_order(&tree);
		check_sums(&tree);
		pyi_dominator_tree_deinit(&tree);
		teardown(&fixture);
	}
}

/* A list of objects, each with a leaf; one of them keeps much. */
static void what_is_alike_is_one(void **test)
{
	struct fixture fixture = { .model = model_create(1 + 2 * ITEMS) };
	const struct pyi_tree_request all = { .depth = 5, .limit = 100 };
	const struct pyi_tree_request big = { .depth = 5, .limit = 100, .least_bytes = 100000 };
	struct pyi_dominator_tree tree;
	uint64_t state = 1;

	(void)test;
	fixture.model.type_count = TYPE_COUNT;
	fixture.model.nodes[0].type = LIST;
	model_add_root(&fixture.model, 0);
	for (uint32_t i = 0; i < ITEMS; i++) {
		model_connect(&fixture.model, 0, 1 + 2 * i, 0);
		model_connect(&fixture.model, 1 + 2 * i, 2 + 2 * i, 0);
		fixture.model.nodes[1 + 2 * i].type = PLAIN;
		fixture.model.nodes[2 + 2 * i].type = PYI_KIND_TYPE;
	}
	fixture.model.nodes[2 + 2 * 7].size_bytes = 1000000;
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	tree = make(&fixture, &all);
	/* With no least size all are big, each by itself; but of so many, most are one. */
	assert_int_equal(tree.groups[0].objects, 1);
	assert_true(tree.groups[1].objects > ITEMS / 2);
	assert_int_equal(tree.groups[3].example, 1 + 2 * 7);
	check_sums(&tree);
	pyi_dominator_tree_deinit(&tree);
	tree = make(&fixture, &big);
	assert_int_equal(tree.count, 5);
	assert_int_equal(tree.groups[1].objects, ITEMS - 1);
	assert_true(tree.groups[1].any_place);
	assert_int_equal(tree.groups[1].retained_bytes, (ITEMS - 1) * 64);
	assert_int_equal(tree.groups[2].objects, ITEMS - 1);
	assert_false(tree.groups[2].any_place);
	assert_int_equal(tree.groups[3].example, 1 + 2 * 7);
	assert_int_equal(tree.groups[3].objects, 1);
	assert_int_equal(tree.groups[3].above, 0);
	assert_int_equal(tree.groups[4].bytes, 1000000);
	assert_int_equal(tree.groups[0].rest_objects, 0);
	pyi_dominator_tree_deinit(&tree);
	teardown(&fixture);
}

static void a_long_chain_takes_no_stack(void **test)
{
	struct fixture fixture = { .model = model_create(LONG) };
	const struct pyi_tree_request request = { .depth = UINT32_MAX, .limit = SIZE_MAX };
	struct pyi_dominator_tree tree;
	uint64_t state = 1;

	(void)test;
	for (uint32_t n = 0; n + 1 < LONG; n++)
		model_connect(&fixture.model, n, n + 1, 0);
	model_add_root(&fixture.model, 0);
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	tree = make(&fixture, &request);
	assert_int_equal(tree.count, PYI_TREE_GROUP_LIMIT);
	assert_int_equal(tree.groups[tree.count - 1].depth, PYI_TREE_GROUP_LIMIT - 1);
	assert_int_equal(tree.top_bytes, (uint64_t)LONG * 32);
	pyi_dominator_tree_deinit(&tree);
	teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_on_random_graphs),
		cmocka_unit_test(what_is_alike_is_one),
		cmocka_unit_test(a_long_chain_takes_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
