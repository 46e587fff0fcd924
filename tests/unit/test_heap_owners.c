/*
 * Tests of what containers are named after: planted structures, and brute force on random graphs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pyinspect/payload.h>

#include "analysis/heap_owners.h"
#include "graph_model.h"

enum {
	ROUNDS = 3000,
	NODE_LIMIT = 30,
	TYPES = PYI_KIND_COUNT,
};

#define LIMIT (UINT64_C(1) << 32)

struct fixture {
	struct pyi_graph_space space;
	struct model model;
	struct pyi_graph graph;
	bool named[TYPES];
	uint32_t dict_owners[64];
	/* A bit for each node. */
	uint64_t wanted[1];
	struct pyi_heap_owners owners;
};

/* Modules and functions have names. */
static void find(struct fixture *fixture, uint64_t *state, const uint32_t *starts, size_t count)
{
	struct pyi_heap_owners_query query = {
		.named = fixture->named,
		.dict_owners = fixture->dict_owners,
		.wanted = fixture->wanted,
		.starts = starts,
		.start_count = count,
	};

	pyi_graph_space_init(&fixture->space, -1, LIMIT);
	fixture->graph = model_build(&fixture->model, state, &fixture->space);
	assert_null(pyi_heap_owners_find(&fixture->graph, &query, &fixture->owners));
}

static void drop(struct fixture *fixture)
{
	pyi_heap_owners_deinit(&fixture->owners);
	pyi_heap_owners_deinit(&fixture->owners);
	pyi_graph_deinit(&fixture->graph);
	assert_int_equal(fixture->space.held_bytes, 0);
	model_destroy(&fixture->model);
}

static struct fixture make(uint32_t nodes)
{
	struct fixture fixture = { .model = model_create(nodes) };

	fixture.model.type_count = TYPES;
	memset(fixture.dict_owners, 0xff, sizeof(fixture.dict_owners));
	fixture.named[PYI_KIND_MODULE] = true;
	fixture.named[PYI_KIND_FUNCTION] = true;
	return fixture;
}

static void set(struct fixture *fixture, uint32_t node, uint32_t kind)
{
	fixture->model.nodes[node].type = kind;
	fixture->model.nodes[node].flags = PYI_NODE_TRACKED;
}

static void expect(const struct fixture *fixture, uint32_t node, uint32_t source, uint32_t place)
{
	assert_int_equal(fixture->owners.sources[node], source);
	if (source != PYI_GRAPH_NONE)
		assert_int_equal(fixture->owners.places[node], place);
}

/* What is in a module is named after it, however deep; by the entry of its __dict__. */
static void test_attributes(void **test)
{
	enum { MODULE, NAMESPACE, LIST, TUPLE, KEY, LEAF, SECOND, NODES };
	struct fixture fixture = make(NODES);
	const uint32_t start = MODULE;
	uint64_t state = 1;

	(void)test;
	set(&fixture, MODULE, PYI_KIND_MODULE);
	set(&fixture, SECOND, PYI_KIND_MODULE);
	set(&fixture, NAMESPACE, PYI_KIND_DICT);
	set(&fixture, LIST, PYI_KIND_LIST);
	set(&fixture, TUPLE, PYI_KIND_TUPLE);
	fixture.dict_owners[NAMESPACE] = MODULE;
	model_connect(&fixture.model, MODULE, NAMESPACE, 0);
	model_connect(&fixture.model, NAMESPACE, LEAF, 0);
	model_connect(&fixture.model, NAMESPACE, KEY, 0);
	model_connect(&fixture.model, NAMESPACE, LIST, 0);
	model_connect(&fixture.model, NAMESPACE, KEY, 0);
	model_connect(&fixture.model, LIST, TUPLE, 0);
	model_connect(&fixture.model, TUPLE, LEAF, 0);
	/* It holds the same, and the other one's __dict__; but comes later. */
	model_connect(&fixture.model, SECOND, TUPLE, 0);
	model_connect(&fixture.model, SECOND, NAMESPACE, 0);
	find(&fixture, &state, &start, 1);
	expect(&fixture, MODULE, PYI_GRAPH_NONE, 0);
	expect(&fixture, NAMESPACE, MODULE, 0);
	expect(&fixture, LIST, NAMESPACE, 2);
	expect(&fixture, TUPLE, NAMESPACE, 2);
	drop(&fixture);
}

/* The cells of a closure are apart; what they hold goes with each. Other tuples are not so. */
static void test_closure(void **test)
{
	enum { FUNCTION, CELLS, CELL, OTHER_CELL, LIST, ROW, LOOSE, LOOSE_CELL, NODES };
	struct fixture fixture = make(NODES);
	uint64_t state = 1;

	(void)test;
	set(&fixture, FUNCTION, PYI_KIND_FUNCTION);
	set(&fixture, CELLS, PYI_KIND_TUPLE);
	set(&fixture, CELL, PYI_KIND_CELL);
	set(&fixture, OTHER_CELL, PYI_KIND_CELL);
	set(&fixture, LIST, PYI_KIND_LIST);
	set(&fixture, ROW, PYI_KIND_LIST);
	set(&fixture, LOOSE, PYI_KIND_TUPLE);
	set(&fixture, LOOSE_CELL, PYI_KIND_CELL);
	model_connect(&fixture.model, FUNCTION, CELLS, 0);
	model_connect(&fixture.model, CELLS, CELL, 0);
	model_connect(&fixture.model, CELLS, OTHER_CELL, 0);
	model_connect(&fixture.model, CELL, FUNCTION, 0);
	model_connect(&fixture.model, OTHER_CELL, LIST, 0);
	model_connect(&fixture.model, LIST, ROW, 0);
	model_connect(&fixture.model, ROW, FUNCTION, 0);
	/* Nothing leads to it. */
	model_connect(&fixture.model, LOOSE, LOOSE_CELL, 0);
	model_connect(&fixture.model, LOOSE_CELL, FUNCTION, 0);
	find(&fixture, &state, NULL, 0);
	expect(&fixture, CELLS, FUNCTION, 0);
	expect(&fixture, CELL, CELLS, 0);
	expect(&fixture, OTHER_CELL, CELLS, 1);
	expect(&fixture, LIST, CELLS, 1);
	expect(&fixture, ROW, CELLS, 1);
	expect(&fixture, LOOSE, PYI_GRAPH_NONE, 0);
	expect(&fixture, LOOSE_CELL, PYI_GRAPH_NONE, 0);
	drop(&fixture);
}

static void test_roots(void **test)
{
	struct fixture fixture = make(3);
	uint64_t state = 1;

	(void)test;
	set(&fixture, 0, PYI_KIND_LIST);
	set(&fixture, 1, PYI_KIND_LIST);
	model_connect(&fixture.model, 0, 1, 0);
	model_connect(&fixture.model, 1, 2, 0);
	model_add_root(&fixture.model, 0);
	find(&fixture, &state, NULL, 0);
	expect(&fixture, 0, PYI_OWNER_ROOT, 0);
	expect(&fixture, 1, PYI_OWNER_ROOT, 0);
	drop(&fixture);
}

/* What refers to nothing has an owner only if that is wanted. */
static void test_leaves(void **test)
{
	enum { MODULE, LIST, WANTED, OTHER, LOOSE, ROOT, NODES };
	struct fixture fixture = make(NODES);
	uint64_t state = 1;

	(void)test;
	set(&fixture, MODULE, PYI_KIND_MODULE);
	set(&fixture, LIST, PYI_KIND_LIST);
	model_connect(&fixture.model, MODULE, LIST, 0);
	model_connect(&fixture.model, LIST, OTHER, 0);
	model_connect(&fixture.model, LIST, WANTED, 0);
	/* All of what it refers to comes before what is in that. */
	model_connect(&fixture.model, MODULE, WANTED, 0);
	model_add_root(&fixture.model, ROOT);
	fixture.wanted[0] = 1 << WANTED | 1 << LOOSE | 1 << ROOT;
	find(&fixture, &state, (const uint32_t[]){ MODULE }, 1);
	expect(&fixture, LIST, MODULE, 0);
	expect(&fixture, WANTED, MODULE, 1);
	expect(&fixture, OTHER, PYI_GRAPH_NONE, 0);
	expect(&fixture, LOOSE, PYI_GRAPH_NONE, 0);
	expect(&fixture, ROOT, PYI_OWNER_ROOT, 0);
	drop(&fixture);
}

static bool is_named(const struct fixture *fixture, uint32_t node)
{
	return fixture->named[fixture->model.nodes[node].type];
}

/* What some thing with a name, or a root, leads to without going through another one. */
static void reach(const struct fixture *fixture, bool *reached)
{
	const struct model *model = &fixture->model;
	bool more = true;

	for (size_t r = 0; r < model->root_count; r++)
		reached[model->roots[r]] |= !is_named(fixture, model->roots[r]);
	while (more) {
		more = false;
		for (size_t e = 0; e < model->edge_count; e++) {
			const struct model_edge *edge = &model->edges[e];

			if (is_named(fixture, edge->target) || reached[edge->target] ||
			    (!is_named(fixture, edge->source) && !reached[edge->source]))
				continue;
			reached[edge->target] = more = true;
		}
	}
}

static void test_random(void **test)
{
	uint64_t state = 4711;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture fixture = make(0);
		bool reached[64] = { false };

		model_destroy(&fixture.model);
		fixture.model = model_random_create(&state, NODE_LIMIT);
		assert_true(fixture.model.node_count <= 64);
		fixture.model.type_count = TYPES;
		for (uint32_t n = 0; n < fixture.model.node_count; n++)
			set(&fixture, n, model_random(&state, 4) ? PYI_KIND_LIST : PYI_KIND_MODULE);
		fixture.wanted[0] = round % 2 ? model_random(&state, UINT32_MAX) : 0;
		find(&fixture, &state, NULL, 0);
		reach(&fixture, reached);
		for (uint32_t n = 0; n < fixture.model.node_count; n++) {
			uint32_t source = fixture.owners.sources[n];
			bool asked = pyi_graph_referents(&fixture.graph, n).count ||
				     fixture.wanted[0] >> n & 1;
			bool container = !is_named(&fixture, n) && asked;

			/* It has one if it can have one. */
			assert_int_equal(source != PYI_GRAPH_NONE, container && reached[n]);
			if (source >= PYI_OWNER_ROOT)
				continue;
			assert_true(is_named(&fixture, source));
			assert_true(fixture.owners.places[n] <
				    pyi_graph_referents(&fixture.graph, source).count);
		}
		drop(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_closure),
		cmocka_unit_test(test_roots),	   cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
