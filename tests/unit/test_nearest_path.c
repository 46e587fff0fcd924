/*
 * Tests of nearest paths: each is a way of references, begins where one can, and is as short as
 * brute force knows; on planted structures and on random graphs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pyinspect/payload.h>

#include "analysis/entries.h"
#include "analysis/heap_paths.h"
#include "analysis/nearest_path.h"
#include "graph_model.h"

enum {
	ROUNDS = 3000,
	NODE_LIMIT = 24,
	LONG = 200000,
	FAR = NODE_LIMIT + 1,
};

#define LIMIT (UINT64_C(1) << 32)

struct fixture {
	struct pyi_graph_space space;
	struct model model;
	struct pyi_graph graph;
};

static void setup(struct fixture *fixture, uint64_t *state)
{
	pyi_graph_space_init(&fixture->space, -1, LIMIT);
	fixture->graph = model_build(&fixture->model, state, &fixture->space);
	assert_null(pyi_graph_reverse(&fixture->graph));
}

static void teardown(struct fixture *fixture)
{
	pyi_graph_deinit(&fixture->graph);
	assert_int_equal(fixture->space.held_bytes, 0);
	model_destroy(&fixture->model);
}

static struct pyi_nearest_path find(struct fixture *fixture, uint32_t node)
{
	struct pyi_nearest_path path;

	assert_null(pyi_nearest_path_find(&fixture->graph, node, &path));
	assert_int_equal(path.nodes[path.count - 1], node);
	for (size_t at = 1; at < path.count; at++)
		assert_true(pyi_graph_place_of(&fixture->graph, path.nodes[at - 1],
					       path.nodes[at]) != UINT64_MAX);
	return path;
}

/* Steps from each node to this one; by going round until it stays. */
static void measure(const struct model *model, uint32_t node, unsigned *steps)
{
	bool more = true;

	for (uint32_t n = 0; n < model->node_count; n++)
		steps[n] = n == node ? 0 : FAR;
	while (more) {
		more = false;
		for (size_t e = 0; e < model->edge_count; e++) {
			const struct model_edge *edge = &model->edges[e];

			if (steps[edge->target] + 1 >= steps[edge->source])
				continue;
			steps[edge->source] = steps[edge->target] + 1;
			more = true;
		}
	}
}

/* The roots of the model have no kind of their own, so all of them are as good. */
static unsigned rank(const struct pyi_graph *graph, uint32_t node)
{
	uint32_t flags = pyi_graph_flags(graph, node);

	if (flags & PYI_NODE_ROOT) {
		size_t count;

		return pyi_graph_roots_of(graph, node, &count) ? PYI_PATH_FROM_ROOT
							       : PYI_PATH_FROM_IMMORTAL;
	}
	if (flags & (PYI_NODE_IMMORTAL | PYI_NODE_STATIC))
		return PYI_PATH_FROM_IMMORTAL;
	return pyi_graph_held(graph, node) ? PYI_PATH_FROM_HELD : PYI_PATH_FROM_NOTHING;
}

static void nearest_as_brute_force(void **test)
{
	unsigned seen[PYI_PATH_START_COUNT] = { 0 };
	uint64_t state = 7;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture fixture = { .model = model_random_create(&state, NODE_LIMIT) };
		unsigned steps[NODE_LIMIT];

		setup(&fixture, &state);
		for (uint32_t t = 0; t < fixture.graph.type_count; t++)
			fixture.graph.types[t].kind = PYI_KIND_PLAIN;
		for (uint32_t node = 0; node < fixture.model.node_count; node++) {
			struct pyi_nearest_path path = find(&fixture, node);
			unsigned best = PYI_PATH_FROM_NOTHING;
			unsigned nearest = 0;

			measure(&fixture.model, node, steps);
			for (uint32_t n = 0; n < fixture.model.node_count; n++) {
				unsigned kind = rank(&fixture.graph, n);

				if (steps[n] == FAR || kind == PYI_PATH_FROM_NOTHING)
					continue;
				if (kind < best || (kind == best && steps[n] < nearest)) {
					best = kind;
					nearest = steps[n];
				}
			}
			assert_int_equal(path.start, best);
			assert_int_equal(path.count, nearest + 1);
			seen[best]++;
			pyi_nearest_path_deinit(&path);
		}
		teardown(&fixture);
	}
	assert_true(seen[PYI_PATH_FROM_ROOT] && seen[PYI_PATH_FROM_HELD] &&
		    seen[PYI_PATH_FROM_NOTHING]);
}

/* What a frame keeps is taken only where nothing else leads to it. */
static void a_frame_says_less(void **test)
{
	struct fixture fixture = { .model = model_create(4) };
	struct pyi_nearest_path path;
	uint64_t state = 1;

	(void)test;
	model_connect(&fixture.model, 0, 1, 0);
	model_connect(&fixture.model, 1, 2, 0);
	model_connect(&fixture.model, 2, 3, 0);
	model_add_root(&fixture.model, 0);
	model_add_root(&fixture.model, 2);
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	fixture.graph.roots[1].kind = PYI_EDGE_FRAME;
	path = find(&fixture, 3);
	assert_int_equal(path.start, PYI_PATH_FROM_ROOT);
	assert_int_equal(path.count, 4);
	pyi_nearest_path_deinit(&path);
	fixture.graph.roots[0].kind = PYI_EDGE_FRAME;
	path = find(&fixture, 3);
	assert_int_equal(path.start, PYI_PATH_FROM_FRAME);
	assert_int_equal(path.count, 2);
	assert_int_equal(path.nodes[0], 2);
	pyi_nearest_path_deinit(&path);
	teardown(&fixture);
}

/* A module (0, 1) has a dict (2) with an object (3); a function (4) in a variable has the dict. */
static void a_module_comes_first(void **test)
{
	struct fixture fixture = { .model = model_create(5) };
	struct pyi_nearest_path path;
	uint64_t state = 1;

	(void)test;
	fixture.model.type_count =
		PYI_KIND_MODULE > PYI_KIND_DICT ? PYI_KIND_MODULE + 1 : PYI_KIND_DICT + 1;
	fixture.model.nodes[1].type = PYI_KIND_MODULE;
	fixture.model.nodes[2].type = PYI_KIND_DICT;
	model_connect(&fixture.model, 0, 1, 0);
	model_connect(&fixture.model, 1, 2, 0);
	model_connect(&fixture.model, 2, 3, 0);
	model_connect(&fixture.model, 4, 2, 0);
	model_add_root(&fixture.model, 0);
	model_add_root(&fixture.model, 4);
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	path = find(&fixture, 3);
	assert_int_equal(path.count, 4);
	assert_int_equal(path.nodes[0], 0);
	pyi_nearest_path_deinit(&path);
	/* Nothing leads to the module. */
	fixture.graph.roots[0].node = 4;
	fixture.graph.types_and_flags[0] &= ~(PYI_NODE_ROOT >> 2 << PYI_GRAPH_FLAG_SHIFT);
	fixture.graph.reference_counts[0] = 0;
	path = find(&fixture, 3);
	assert_int_equal(path.start, PYI_PATH_FROM_ROOT);
	assert_int_equal(path.nodes[0], 4);
	pyi_nearest_path_deinit(&path);
	teardown(&fixture);
}

static void a_long_chain_takes_no_stack(void **test)
{
	struct fixture fixture = { .model = model_create(LONG) };
	struct pyi_nearest_path path;
	uint64_t state = 1;

	(void)test;
	for (uint32_t n = 0; n + 1 < LONG; n++)
		model_connect(&fixture.model, n, n + 1, 0);
	model_add_root(&fixture.model, 0);
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	path = find(&fixture, LONG - 1);
	assert_int_equal(path.count, LONG);
	assert_int_equal(path.nodes[0], 0);
	pyi_nearest_path_deinit(&path);
	teardown(&fixture);
}

/* What a thread has at hand, and what is no thread's leads to by `length` references: where it
 * begins. */
static uint32_t begins_at(uint32_t length, enum pyi_edge_kind kind)
{
	const uint32_t node = length + 1;
	struct fixture fixture = { .model = model_create(node + 1) };
	struct pyi_nearest_path path;
	uint64_t state = 1;
	uint32_t start;

	model_add_root(&fixture.model, 0);
	model_add_root(&fixture.model, length);
	for (uint32_t n = 0; n + 1 < length; n++)
		model_connect(&fixture.model, n, n + 1, 0);
	model_connect(&fixture.model, length - 1, node, 0);
	model_connect(&fixture.model, length, node, 0);
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	for (size_t r = 0; r < fixture.graph.root_count; r++)
		fixture.graph.roots[r].kind =
			fixture.graph.roots[r].node == length ? kind : PYI_EDGE_INTERPRETER;
	path = find(&fixture, node);
	assert_int_equal(path.start, PYI_PATH_FROM_ROOT);
	start = path.nodes[0];
	pyi_nearest_path_deinit(&path);
	teardown(&fixture);
	return start;
}

static void threads_are_further_away(void **test)
{
	(void)test;
	for (uint32_t length = 2; length < 2 * PYI_HEAD_START + 5; length++) {
		bool near = length <= 2 * PYI_HEAD_START + 1;

		assert_int_equal(begins_at(length, PYI_EDGE_LOCAL), near ? 0 : length);
		assert_int_equal(begins_at(length, PYI_EDGE_THREAD), near ? 0 : length);
		assert_int_equal(begins_at(length, PYI_EDGE_INTERPRETER), length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_are_further_away),
		cmocka_unit_test(nearest_as_brute_force),
		cmocka_unit_test(a_frame_says_less),
		cmocka_unit_test(a_module_comes_first),
		cmocka_unit_test(a_long_chain_takes_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
