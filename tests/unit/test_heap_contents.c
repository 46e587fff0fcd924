/*
 * Tests of what containers hold: planted structures, and brute force on random graphs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pyinspect/payload.h>

#include "analysis/heap_contents.h"
#include "graph_model.h"

enum {
	ROUNDS = 3000,
	NODE_LIMIT = 30,
	NODES_MOST = 64,
	/* Types: kinds of the payload, and a plain one whose objects are no values. */
	OTHER = PYI_KIND_COUNT,
	TYPES,
};

#define LIMIT (UINT64_C(1) << 32)

struct fixture {
	struct pyi_graph_space space;
	struct model model;
	struct pyi_graph graph;
	bool values[TYPES];
	struct pyi_heap_contents_query query;
	struct pyi_heap_contents contents;
	unsigned texts[NODES_MOST];
	/* How many texts are met before there is an error; 0: there is none. */
	unsigned enough;
};

static struct pyi_error *meet(void *argument, uint32_t node)
{
	struct fixture *fixture = argument;

	fixture->texts[node]++;
	if (fixture->enough && !--fixture->enough)
		return pyi_error_no_memory();
	return NULL;
}

static struct fixture make(uint32_t nodes)
{
	struct fixture fixture = { .model = model_create(nodes) };

	fixture.model.type_count = TYPES;
	fixture.values[PYI_KIND_PLAIN] = true;
	fixture.values[PYI_KIND_STR] = true;
	fixture.values[PYI_KIND_INT] = true;
	return fixture;
}

static void begin(struct fixture *fixture, uint64_t *state)
{
	pyi_graph_space_init(&fixture->space, -1, LIMIT);
	fixture->graph = model_build(&fixture->model, state, &fixture->space);
	fixture->query = (struct pyi_heap_contents_query){ .graph = &fixture->graph,
							   .values = fixture->values,
							   .text = meet,
							   .argument = fixture };
	assert_null(pyi_heap_contents_init(&fixture->contents, &fixture->graph));
}

static void drop(struct fixture *fixture)
{
	pyi_heap_contents_deinit(&fixture->contents, &fixture->graph);
	pyi_heap_contents_deinit(&fixture->contents, &fixture->graph);
	pyi_graph_deinit(&fixture->graph);
	assert_int_equal(fixture->space.held_bytes, 0);
	model_destroy(&fixture->model);
}

static void set(struct fixture *fixture, uint32_t node, uint32_t type)
{
	fixture->model.nodes[node].type = type;
	fixture->model.nodes[node].size_bytes = 100 + node;
}

static void add(struct fixture *fixture, uint32_t node, uint64_t objects, uint64_t bytes)
{
	assert_null(pyi_heap_contents_add(&fixture->contents, &fixture->query, node));
	assert_int_equal(fixture->contents.objects, objects);
	assert_int_equal(fixture->contents.bytes, bytes);
}

static void test_planted(void **test)
{
	enum { FIRST, INNER, NAME, AGAIN, NUMBER, INSTANCE, BEHIND, SECOND, LAST, NODES };
	struct fixture fixture = make(NODES);
	uint64_t state = 1;

	(void)test;
	set(&fixture, FIRST, PYI_KIND_LIST);
	set(&fixture, INNER, PYI_KIND_SET);
	set(&fixture, NAME, PYI_KIND_STR);
	set(&fixture, AGAIN, PYI_KIND_STR);
	set(&fixture, NUMBER, PYI_KIND_INT);
	/* An instance, and what only that leads to. */
	set(&fixture, INSTANCE, OTHER);
	set(&fixture, BEHIND, PYI_KIND_STR);
	set(&fixture, SECOND, PYI_KIND_DICT);
	set(&fixture, LAST, PYI_KIND_TUPLE);
	model_connect(&fixture.model, FIRST, NAME, 0);
	model_connect(&fixture.model, FIRST, NAME, 0);
	model_connect(&fixture.model, FIRST, INNER, 0);
	model_connect(&fixture.model, FIRST, INSTANCE, 0);
	model_connect(&fixture.model, INNER, AGAIN, 0);
	model_connect(&fixture.model, INNER, NUMBER, 0);
	model_connect(&fixture.model, INSTANCE, BEHIND, 0);
	model_connect(&fixture.model, SECOND, INNER, 0);
	model_connect(&fixture.model, SECOND, NAME, 0);
	model_connect(&fixture.model, LAST, INSTANCE, 0);
	model_connect(&fixture.model, LAST, LAST, 0);
	begin(&fixture, &state);
	/* The two containers, two strings, a number. */
	add(&fixture, FIRST, 5, 500 + FIRST + INNER + NAME + AGAIN + NUMBER);
	assert_int_equal(fixture.texts[NAME], 2);
	assert_int_equal(fixture.texts[AGAIN], 1);
	/* The dict: what is in it is known. As often as they are referred to. */
	add(&fixture, SECOND, 6, 600 + FIRST + INNER + NAME + AGAIN + NUMBER + SECOND);
	assert_int_equal(fixture.texts[NAME], 3);
	assert_int_equal(fixture.texts[AGAIN], 1);
	add(&fixture, FIRST, 6, 600 + FIRST + INNER + NAME + AGAIN + NUMBER + SECOND);
	add(&fixture, INSTANCE, 6, 600 + FIRST + INNER + NAME + AGAIN + NUMBER + SECOND);
	add(&fixture, LAST, 7, 700 + FIRST + INNER + NAME + AGAIN + NUMBER + SECOND + LAST);
	assert_int_equal(fixture.texts[BEHIND], 0);
	drop(&fixture);
}

/* Keys that two dicts share are no object; what they are is in both. */
static void test_shared_keys(void **test)
{
	enum { ONE, OTHER_ONE, KEYS, NAME, NODES };
	struct fixture fixture = make(NODES);
	uint64_t state = 1;

	(void)test;
	set(&fixture, ONE, PYI_KIND_DICT);
	set(&fixture, OTHER_ONE, PYI_KIND_DICT);
	set(&fixture, KEYS, PYI_KIND_DICT);
	set(&fixture, NAME, PYI_KIND_STR);
	fixture.model.nodes[KEYS].flags = PYI_NODE_KEYS;
	model_connect(&fixture.model, ONE, KEYS, 0);
	model_connect(&fixture.model, OTHER_ONE, KEYS, 0);
	model_connect(&fixture.model, KEYS, NAME, 0);
	model_connect(&fixture.model, KEYS, KEYS, 0);
	begin(&fixture, &state);
	add(&fixture, KEYS, 0, 0);
	add(&fixture, ONE, 2, 200 + ONE + NAME);
	add(&fixture, OTHER_ONE, 3, 300 + ONE + NAME + OTHER_ONE);
	assert_int_equal(fixture.texts[NAME], 2);
	drop(&fixture);
}

static void test_error(void **test)
{
	enum { LIST, NAMES, NODES = 9 };
	struct fixture fixture = make(NODES);
	struct pyi_error *error;
	uint64_t state = 1;

	(void)test;
	set(&fixture, LIST, PYI_KIND_LIST);
	for (uint32_t n = NAMES; n < NODES; n++) {
		set(&fixture, n, PYI_KIND_STR);
		model_connect(&fixture.model, LIST, n, 0);
	}
	fixture.enough = 3;
	begin(&fixture, &state);
	error = pyi_heap_contents_add(&fixture.contents, &fixture.query, LIST);
	assert_non_null(error);
	pyi_error_destroy(error);
	assert_int_equal(fixture.texts[NAMES + 2], 1);
	assert_int_equal(fixture.texts[NAMES + 3], 0);
	drop(&fixture);
}

static bool is_list(const struct fixture *fixture, uint32_t node)
{
	return fixture->model.nodes[node].type == PYI_KIND_LIST;
}

static bool is_content(const struct fixture *fixture, uint32_t node)
{
	return is_list(fixture, node) || (fixture->values[fixture->model.nodes[node].type] &&
					  !pyi_graph_referents(&fixture->graph, node).count);
}

static void test_random(void **test)
{
	static const uint32_t types[] = { PYI_KIND_LIST, PYI_KIND_LIST, PYI_KIND_STR, OTHER };
	uint64_t state = 4711;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture fixture = make(0);
		bool held[NODES_MOST] = { false };
		uint64_t objects = 0;
		uint64_t bytes = 0;
		bool more = true;
		uint32_t start;

		model_destroy(&fixture.model);
		fixture.model = model_random_create(&state, NODE_LIMIT);
		assert_true(fixture.model.node_count <= NODES_MOST);
		if (!fixture.model.node_count) {
			model_destroy(&fixture.model);
			continue;
		}
		fixture.model.type_count = TYPES;
		for (uint32_t n = 0; n < fixture.model.node_count; n++)
			set(&fixture, n, types[model_random(&state, 4)]);
		begin(&fixture, &state);
		start = (uint32_t)model_random(&state, fixture.model.node_count);
		assert_null(pyi_heap_contents_add(&fixture.contents, &fixture.query, start));
		held[start] = is_content(&fixture, start);
		while (more) {
			more = false;
			for (size_t e = 0; e < fixture.model.edge_count; e++) {
				const struct model_edge *edge = &fixture.model.edges[e];

				if (!held[edge->source] || !is_list(&fixture, edge->source) ||
				    held[edge->target] || !is_content(&fixture, edge->target))
					continue;
				held[edge->target] = more = true;
			}
		}
		for (uint32_t n = 0; n < fixture.model.node_count; n++) {
			objects += held[n];
			bytes += held[n] ? 100 + n : 0;
		}
		assert_int_equal(fixture.contents.objects, objects);
		assert_int_equal(fixture.contents.bytes, bytes);
		drop(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_shared_keys),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
