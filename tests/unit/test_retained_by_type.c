/*
 * Tests of what would be freed with the objects of types, of more types than one search is for:
 * against brute force on random graphs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/retained_by_type.h"
#include "graph_model.h"

enum {
	ROUNDS = 3000,
	NODE_LIMIT = 24,
	NAMES = 70,
};

#define LIMIT (UINT64_C(1) << 32)

struct fixture {
	struct pyi_graph_space space;
	struct model model;
	struct pyi_graph graph;
	struct pyi_graph_entries entries;
};

/* Types of the same name are one. */
static void setup(struct fixture *fixture, uint64_t *state)
{
	struct pyi_graph *graph = &fixture->graph;

	pyi_graph_space_init(&fixture->space, -1, LIMIT);
	*graph = model_build(&fixture->model, state, &fixture->space);
	assert_null(pyi_graph_reverse(graph));
	assert_null(pyi_graph_entries_find(graph, &fixture->entries));
	for (uint32_t t = 0; t < graph->type_count; t++) {
		free(graph->types[t].name);
		graph->types[t].name = strdup(t % 3 ? t % 3 == 1 ? "one" : "two" : "three");
		assert_non_null(graph->types[t].name);
		graph->types[t].estimated = t % 4 == 1;
	}
}

static void teardown(struct fixture *fixture)
{
	pyi_graph_entries_deinit(&fixture->entries);
	pyi_graph_deinit(&fixture->graph);
	assert_int_equal(fixture->space.held_bytes, 0);
	model_destroy(&fixture->model);
}

static bool is_object(const struct pyi_graph *graph, uint32_t node)
{
	return !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
}

/* What the entries lead to without the objects of a type; by going round until it stays. */
static void reach(const struct fixture *fixture, const char *name, bool *reached)
{
	const struct pyi_graph *graph = &fixture->graph;
	bool without[NODE_LIMIT];
	bool more = true;

	for (uint32_t n = 0; n < graph->node_count; n++)
		without[n] = is_object(graph, n) &&
			     !strcmp(graph->types[pyi_graph_type(graph, n)].name, name);
	for (uint64_t e = 0; e < fixture->entries.count; e++)
		reached[fixture->entries.nodes[e]] = !without[fixture->entries.nodes[e]];
	while (more) {
		more = false;
		for (size_t e = 0; e < fixture->model.edge_count; e++) {
			const struct model_edge *edge = &fixture->model.edges[e];

			if (!reached[edge->source] || reached[edge->target] ||
			    without[edge->target])
				continue;
			reached[edge->target] = true;
			more = true;
		}
	}
}

static void assert_retained(const struct fixture *fixture, const char *name,
			    const struct pyi_retained *retained)
{
	const struct pyi_graph *graph = &fixture->graph;
	bool reached[NODE_LIMIT] = { false };
	struct pyi_retained expected = { 0 };

	reach(fixture, name, reached);
	for (uint32_t n = 0; n < graph->node_count; n++) {
		if (reached[n])
			continue;
		expected.objects++;
		expected.bytes += pyi_graph_size(graph, n);
		expected.estimated |=
			is_object(graph, n) && graph->types[pyi_graph_type(graph, n)].estimated;
	}
	assert_int_equal(retained->objects, expected.objects);
	assert_int_equal(retained->bytes, expected.bytes);
	assert_int_equal(retained->estimated, expected.estimated);
}

/* "none" is the name of none: nothing would be freed. */
static void many_types(void **test)
{
	static const char *const known[] = { "one", "two", "three", "none" };
	struct pyi_retained retained[NAMES];
	const char *names[NAMES];
	uint64_t state = 21;

	(void)test;
	for (size_t n = 0; n < NAMES; n++)
		names[n] = known[n * n % 7 % 4];
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture fixture = { .model = model_random_create(&state, NODE_LIMIT) };

		for (uint32_t n = 0; n < fixture.model.node_count; n++)
			if (!model_random(&state, 10))
				fixture.model.nodes[n].flags |= PYI_NODE_KEYS;
		setup(&fixture, &state);
		assert_null(pyi_retained_by_types(&fixture.graph, &fixture.entries, names, NAMES,
						  NULL, retained));
		for (size_t n = 0; n < NAMES; n++)
			assert_retained(&fixture, names[n], &retained[n]);
		teardown(&fixture);
	}
}

static struct pyi_error *no_time(void *argument)
{
	++*(int *)argument;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TIMEOUT, "no time");
}

static void out_of_time(void **test)
{
	static const char *const names[] = { "one" };
	struct fixture fixture = { .model = model_create(2) };
	struct pyi_retained retained;
	struct pyi_error *error;
	uint64_t state = 5;
	int asked = 0;
	const struct pyi_retained_check check = { no_time, &asked };

	(void)test;
	model_add_root(&fixture.model, 0);
	model_connect(&fixture.model, 0, 1, 0);
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	error = pyi_retained_by_types(&fixture.graph, &fixture.entries, names, 1, &check,
				      &retained);
	assert_non_null(error);
	assert_int_equal(asked, 1);
	pyi_error_destroy(error);
	teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_types),
		cmocka_unit_test(out_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
