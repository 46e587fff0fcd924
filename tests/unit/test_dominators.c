/*
 * Tests of what is computed on graphs: where they begin, what dominates what, retained bytes and
 * garbage, each against brute force on thousands of random graphs; and shapes on which faster
 * algorithms than ours take hours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "analysis/garbage.h"
#include "analysis/garbage_cycles.h"
#include "analysis/retained.h"
#include "graph/bits.h"
#include "graph_model.h"

enum {
	ROUNDS = 10000,
	NODE_LIMIT = 24,
	LONG = 300000,
};

#define LIMIT (UINT64_C(1) << 32)

/* A graph with all that is computed on it. */
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

/* What the nodes in `reached` lead to, but for what is `without`; by going round until it stays. */
static void reach(const struct model *model, const bool *without, bool *reached)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t e = 0; e < model->edge_count; e++) {
			const struct model_edge *edge = &model->edges[e];

			if (!reached[edge->source] || reached[edge->target] ||
			    without[edge->target])
				continue;
			reached[edge->target] = true;
			more = true;
		}
	}
}

static void reach_from_entries(const struct fixture *fixture, const bool *without, bool *reached)
{
	memset(reached, 0, NODE_LIMIT * sizeof(*reached));
	for (uint64_t e = 0; e < fixture->entries.count; e++)
		reached[fixture->entries.nodes[e]] = !without[fixture->entries.nodes[e]];
	reach(&fixture->model, without, reached);
}

static uint64_t references_to(const struct model *model, uint32_t node)
{
	uint64_t count = 0;

	for (size_t e = 0; e < model->edge_count; e++)
		count += model->edges[e].target == node;
	for (size_t r = 0; r < model->root_count; r++)
		count += model->roots[r] == node;
	return count;
}

static void assert_entries(const struct fixture *fixture)
{
	static const bool none[NODE_LIMIT];
	const struct model *model = &fixture->model;
	const struct pyi_graph_entries *entries = &fixture->entries;
	bool alive[NODE_LIMIT] = { false };
	bool reached[NODE_LIMIT];
	uint64_t first = entries->counts[PYI_START_ROOT] + entries->counts[PYI_START_HELD];
	uint64_t known = 0;

	for (uint32_t n = 0; n < model->node_count; n++) {
		uint64_t expected = references_to(model, n);
		uint64_t count = model->nodes[n].count;
		uint64_t held = count > expected && count != UINT32_MAX ? count - expected : 0;

		assert_int_equal(pyi_graph_held(&fixture->graph, n), held);
		alive[n] = held;
	}
	for (size_t r = 0; r < model->root_count; r++)
		alive[model->roots[r]] = true;
	for (uint32_t n = 0; n < model->node_count; n++)
		known += alive[n];
	assert_int_equal(first, known);
	for (uint64_t e = 0; e < first; e++)
		assert_true(alive[entries->nodes[e]]);
	/* The others lead to all that is left, and none of them to another one. */
	reach_from_entries(fixture, none, reached);
	for (uint32_t n = 0; n < model->node_count; n++)
		assert_true(reached[n]);
	for (uint64_t e = first; e < entries->count; e++) {
		memcpy(reached, alive, sizeof(reached));
		for (uint64_t other = first; other < entries->count; other++)
			reached[entries->nodes[other]] |= other != e;
		reach(model, none, reached);
		assert_false(reached[entries->nodes[e]]);
	}
}

static void assert_dominators(const struct fixture *fixture)
{
	const struct model *model = &fixture->model;
	static bool lost[NODE_LIMIT][NODE_LIMIT];
	bool without[NODE_LIMIT] = { false };
	bool reached[NODE_LIMIT];

	for (uint32_t n = 0; n < model->node_count; n++) {
		uint64_t bytes = 0;

		without[n] = true;
		reach_from_entries(fixture, without, reached);
		without[n] = false;
		for (uint32_t other = 0; other < model->node_count; other++) {
			lost[n][other] = !reached[other];
			bytes += reached[other] ? 0 : model->nodes[other].size_bytes;
		}
		assert_int_equal(fixture->dominators.retained_bytes[n], bytes);
	}
	for (uint32_t n = 0; n < model->node_count; n++) {
		uint32_t found = fixture->dominators.dominators[n];
		uint32_t strict = 0;
		uint32_t above = 0;

		for (uint32_t other = 0; other < model->node_count; other++)
			strict += other != n && lost[other][n];
		if (!strict) {
			assert_int_equal(found, PYI_GRAPH_NONE);
			continue;
		}
		/* The nearest: all others that dominate the node dominate it, too. */
		assert_true(found < model->node_count && found != n && lost[found][n]);
		for (uint32_t other = 0; other < model->node_count; other++)
			above += other != n && lost[other][n] && lost[other][found];
		assert_int_equal(above, strict);
	}
}

static void assert_set(const struct fixture *fixture, uint64_t *state)
{
	const struct model *model = &fixture->model;
	bool without[NODE_LIMIT] = { false };
	bool reached[NODE_LIMIT];
	uint64_t set[1] = { 0 };
	uint64_t expected_objects = 0;
	uint64_t expected_bytes = 0;
	struct pyi_retained retained;

	for (uint32_t n = 0; n < model->node_count; n++) {
		without[n] = !model_random(state, 4);
		if (without[n])
			pyi_bits_set(set, n);
	}
	reach_from_entries(fixture, without, reached);
	for (uint32_t n = 0; n < model->node_count; n++) {
		expected_objects += !reached[n];
		expected_bytes += reached[n] ? 0 : model->nodes[n].size_bytes;
	}
	assert_null(pyi_retained_by_set(&fixture->graph, &fixture->entries, set, &retained));
	assert_int_equal(retained.objects, expected_objects);
	assert_int_equal(retained.bytes, expected_bytes);
}

/* By name, for types of the same name are one; and with estimates. */
static void name_types(struct pyi_graph *graph)
{
	for (uint32_t t = 0; t < graph->type_count; t++) {
		free(graph->types[t].name);
		graph->types[t].name = strdup(t % 3 ? t % 3 == 1 ? "one" : "two" : "three");
		assert_non_null(graph->types[t].name);
		graph->types[t].estimated = t % 4 == 1;
	}
}

static bool is_object(const struct pyi_graph *graph, uint32_t node)
{
	return !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
}

static void assert_type(const struct fixture *fixture, const struct pyi_retained_type *type)
{
	const struct pyi_graph *graph = &fixture->graph;
	bool without[NODE_LIMIT] = { false };
	bool reached[NODE_LIMIT];
	bool estimated = false;
	uint64_t bytes = 0;

	for (uint32_t n = 0; n < graph->node_count; n++)
		without[n] = is_object(graph, n) &&
			     !strcmp(graph->types[pyi_graph_type(graph, n)].name, type->type.name);
	reach_from_entries(fixture, without, reached);
	for (uint32_t n = 0; n < graph->node_count; n++) {
		bytes += reached[n] ? 0 : pyi_graph_size(graph, n);
		estimated |= !reached[n] && is_object(graph, n) &&
			     graph->types[pyi_graph_type(graph, n)].estimated;
	}
	assert_int_equal(type->retained_bytes, bytes);
	assert_int_equal(type->retained_estimated, estimated);
}

static void assert_types(const struct fixture *fixture)
{
	const struct pyi_census_filter all = { 0 };
	const struct pyi_census_filter one = { .type = "one" };
	struct pyi_retained_types types;

	assert_null(pyi_retained_find_types(&fixture->graph, &fixture->entries,
					    &fixture->dominators, &all, 0, NULL, &types));
	assert_int_equal(types.count, types.all_count);
	for (size_t t = 0; t < types.count; t++) {
		assert_type(fixture, &types.items[t]);
		assert_true(!t ||
			    types.items[t - 1].retained_bytes >= types.items[t].retained_bytes);
	}
	pyi_retained_types_deinit(&types);
	assert_null(pyi_retained_find_types(&fixture->graph, &fixture->entries,
					    &fixture->dominators, &one, 1, NULL, &types));
	assert_true(types.count <= 1);
	if (types.count) {
		assert_string_equal(types.items[0].type.name, "one");
		assert_type(fixture, &types.items[0]);
	}
	pyi_retained_types_deinit(&types);
}

/* Whether `node` is dominated by `above`, or is it. */
static bool is_below(const struct fixture *fixture, uint32_t node, uint32_t above)
{
	while (node != above && node != PYI_GRAPH_NONE)
		node = fixture->dominators.dominators[node];
	return node == above;
}

static void assert_objects(const struct fixture *fixture, size_t limit)
{
	const struct pyi_graph *graph = &fixture->graph;
	const uint64_t *bytes = fixture->dominators.retained_bytes;
	struct pyi_retained_objects objects;

	assert_null(pyi_retained_find_objects(graph, &fixture->dominators, limit, &objects));
	for (size_t o = 0; o < objects.count; o++) {
		const struct pyi_retained_object *object = &objects.items[o];
		bool estimated = false;
		size_t before = 0;

		for (uint32_t n = 0; n < graph->node_count; n++) {
			estimated |= is_object(graph, n) && is_below(fixture, n, object->node) &&
				     graph->types[pyi_graph_type(graph, n)].estimated;
			before += is_object(graph, n) &&
				  (bytes[n] > object->retained_bytes ||
				   (bytes[n] == object->retained_bytes && n < object->node));
		}
		assert_int_equal(object->retained_bytes, bytes[object->node]);
		assert_int_equal(object->estimated, estimated);
		assert_int_equal(before, o);
	}
	pyi_retained_objects_deinit(&objects);
}

static bool is_collected(const struct model *model, uint32_t node)
{
	return (model->nodes[node].flags & PYI_NODE_TRACKED) &&
	       !(model->nodes[node].flags & PYI_NODE_FROZEN);
}

static void assert_garbage(const struct fixture *fixture)
{
	const struct model *model = &fixture->model;
	bool alive[NODE_LIMIT] = { false };
	bool freed[NODE_LIMIT] = { false };
	bool saved[NODE_LIMIT] = { false };
	struct pyi_garbage garbage;
	uint64_t bytes = 0;
	bool more = true;

	/* Not explained by those that are collected: alive; and what these lead to. */
	for (uint32_t n = 0; n < model->node_count; n++) {
		uint64_t explained = 0;

		for (size_t e = 0; e < model->edge_count; e++)
			explained += model->edges[e].target == n &&
				     is_collected(model, model->edges[e].source) &&
				     !(model->edges[e].label & PYI_LABEL_INTERNAL);
		alive[n] = is_collected(model, n) && model->nodes[n].count > explained;
	}
	while (more) {
		more = false;
		for (size_t e = 0; e < model->edge_count; e++) {
			const struct model_edge *edge = &model->edges[e];

			if (!alive[edge->source] || edge->label & PYI_LABEL_INTERNAL ||
			    !is_collected(model, edge->target) || alive[edge->target])
				continue;
			alive[edge->target] = true;
			more = true;
		}
	}
	assert_null(pyi_garbage_find(&fixture->graph, &garbage));
	for (uint32_t n = 0; n < model->node_count; n++) {
		freed[n] = is_collected(model, n) && !alive[n];
		assert_int_equal(pyi_bits_has(garbage.found, n), freed[n]);
		saved[n] = freed[n] &&
			   fixture->graph.types[pyi_graph_type(&fixture->graph, n)].finalizer;
	}
	/* What has a finalizer stays, with what it leads to. */
	for (more = true; more;) {
		more = false;
		for (size_t e = 0; e < model->edge_count; e++) {
			const struct model_edge *edge = &model->edges[e];

			if (!saved[edge->source] || edge->label & PYI_LABEL_INTERNAL ||
			    !freed[edge->target] || saved[edge->target])
				continue;
			saved[edge->target] = true;
			more = true;
		}
	}
	for (uint32_t n = 0; n < model->node_count; n++)
		freed[n] = freed[n] && !saved[n];
	for (more = true; more;) {
		more = false;
		for (uint32_t n = 0; n < model->node_count; n++) {
			uint64_t gone = 0;

			for (size_t e = 0; e < model->edge_count; e++)
				gone += model->edges[e].target == n &&
					freed[model->edges[e].source];
			if (freed[n] || saved[n] || !gone || gone < model->nodes[n].count)
				continue;
			freed[n] = true;
			more = true;
		}
	}
	for (uint32_t n = 0; n < model->node_count; n++) {
		assert_int_equal(pyi_bits_has(garbage.freed, n), freed[n]);
		bytes += freed[n] ? model->nodes[n].size_bytes : 0;
	}
	assert_int_equal(garbage.freed_bytes, bytes);
	pyi_garbage_deinit(&garbage);
}

/* Kinds by the set of types, a bit each. */
struct kind {
	uint64_t types;
	uint64_t cycles;
	uint64_t members;
	uint64_t objects;
	uint64_t bytes;
	uint32_t example;
	/* Members of its cycles, and what they lead to. */
	bool leads_to[NODE_LIMIT];
};

/* What leads to what, among those that are found and freed. */
static void close_paths(const struct model *model, const bool *in,
			bool paths[NODE_LIMIT][NODE_LIMIT])
{
	for (size_t e = 0; e < model->edge_count; e++)
		if (in[model->edges[e].source] && in[model->edges[e].target])
			paths[model->edges[e].source][model->edges[e].target] = true;
	for (uint32_t n = 0; n < model->node_count; n++)
		paths[n][n] = true;
	for (uint32_t via = 0; via < model->node_count; via++)
		for (uint32_t a = 0; a < model->node_count; a++)
			for (uint32_t b = 0; b < model->node_count; b++)
				paths[a][b] |= paths[a][via] && paths[via][b];
}

/* The cycle with `node`, if that is its first member and nothing else leads to it. */
static bool find_cycle(const struct pyi_graph *graph, const bool *in,
		       bool paths[NODE_LIMIT][NODE_LIMIT], uint32_t node, struct kind *ret_cycle)
{
	*ret_cycle = (struct kind){ .cycles = 1, .example = node };
	for (uint32_t n = 0; n < graph->node_count; n++) {
		if (!in[n] || !paths[n][node])
			continue;
		if (n < node || !paths[node][n])
			return false;
		ret_cycle->types |= UINT64_C(1) << pyi_graph_type(graph, n);
		ret_cycle->members++;
		ret_cycle->leads_to[n] = true;
	}
	return true;
}

static size_t find_kinds(const struct fixture *fixture, const bool *in, const bool *not_freed,
			 struct kind *kinds)
{
	const struct model *model = &fixture->model;
	bool paths[NODE_LIMIT][NODE_LIMIT] = { { false } };
	size_t count = 0;

	close_paths(model, in, paths);
	for (uint32_t n = 0; n < model->node_count; n++) {
		struct kind one;
		size_t k = 0;

		if (!in[n] || !find_cycle(&fixture->graph, in, paths, n, &one))
			continue;
		while (k < count && kinds[k].types != one.types)
			k++;
		if (k == count) {
			kinds[count++] = one;
			continue;
		}
		kinds[k].cycles++;
		kinds[k].members += one.members;
		for (uint32_t m = 0; m < model->node_count; m++)
			kinds[k].leads_to[m] |= one.leads_to[m];
	}
	for (size_t k = 0; k < count; k++)
		reach(model, not_freed, kinds[k].leads_to);
	return count;
}

static void assert_cycles(const struct fixture *fixture)
{
	const struct pyi_graph *graph = &fixture->graph;
	struct kind kinds[NODE_LIMIT];
	bool in[NODE_LIMIT] = { false };
	bool not_freed[NODE_LIMIT] = { false };
	struct pyi_garbage garbage;
	struct pyi_garbage_cycles cycles;
	uint64_t shared[2] = { 0 };
	size_t count;

	assert_null(pyi_garbage_find(graph, &garbage));
	assert_null(pyi_garbage_cycles_find(graph, &garbage, &cycles));
	for (uint32_t n = 0; n < graph->node_count; n++) {
		not_freed[n] = !pyi_bits_has(garbage.freed, n);
		in[n] = !not_freed[n] && pyi_bits_has(garbage.found, n);
	}
	count = find_kinds(fixture, in, not_freed, kinds);
	for (uint32_t n = 0; n < graph->node_count; n++) {
		uint64_t *figures = shared;
		size_t owners = 0;

		for (size_t k = 0; k < count; k++) {
			if (!kinds[k].leads_to[n])
				continue;
			if (!owners++)
				figures = &kinds[k].objects;
		}
		if (not_freed[n] || !is_object(graph, n))
			continue;
		if (owners != 1)
			figures = shared;
		figures[0]++;
		figures[1] += pyi_graph_size(graph, n);
	}
	assert_int_equal(cycles.kind_count, count);
	assert_int_equal(cycles.shared_objects, shared[0]);
	assert_int_equal(cycles.shared_bytes, shared[1]);
	for (size_t c = 0; c < count; c++) {
		const struct pyi_garbage_cycle *cycle = &cycles.kinds[c];
		uint64_t types = 0;
		size_t k = 0;

		for (uint64_t t = 0; t < cycle->type_count; t++)
			types |= UINT64_C(1) << cycle->types[t];
		while (k < count && kinds[k].types != types)
			k++;
		assert_true(k < count);
		assert_int_equal(cycle->cycles, kinds[k].cycles);
		assert_int_equal(cycle->members, kinds[k].members);
		assert_int_equal(cycle->example, kinds[k].example);
		assert_int_equal(cycle->objects, kinds[k].objects);
		assert_int_equal(cycle->bytes, kinds[k].bytes);
		assert_true(!c || cycles.kinds[c - 1].bytes >= cycle->bytes);
	}
	pyi_garbage_cycles_deinit(&cycles);
	pyi_garbage_deinit(&garbage);
}

static void brute_force(void **test)
{
	uint64_t state = 42;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture fixture = { .model = model_random_create(&state, NODE_LIMIT) };

		/* A count of 0 with references is a lie, which changes what is freed. */
		for (uint32_t n = 0; n < fixture.model.node_count; n++)
			if (!model_random(&state, 30))
				fixture.model.nodes[n].flags |= PYI_NODE_FROZEN;
		setup(&fixture, &state);
		assert_entries(&fixture);
		assert_dominators(&fixture);
		assert_set(&fixture, &state);
		assert_garbage(&fixture);
		assert_cycles(&fixture);
		fixture.graph.types[round % fixture.graph.type_count].finalizer = true;
		assert_garbage(&fixture);
		assert_cycles(&fixture);
		name_types(&fixture.graph);
		assert_types(&fixture);
		assert_objects(&fixture, (size_t)model_random(&state, NODE_LIMIT));
		teardown(&fixture);
	}
}

/* Of all nodes, that with number `node` is dominated by `expected(node)`. */
static void assert_shape(struct model model, uint32_t (*expected)(uint32_t node))
{
	struct fixture fixture = { .model = model };
	uint64_t state = 3;
	uint64_t bytes = 0;

	model_count_references(&fixture.model);
	setup(&fixture, &state);
	for (uint32_t n = 0; n < fixture.model.node_count; n++) {
		assert_int_equal(fixture.dominators.dominators[n], expected(n));
		if (fixture.dominators.dominators[n] == PYI_GRAPH_NONE)
			bytes += fixture.dominators.retained_bytes[n];
	}
	assert_int_equal(bytes, (uint64_t)fixture.model.node_count * 32);
	teardown(&fixture);
}

/* Node 0: a list; odd: values; even: cells. */
static uint32_t of_cells(uint32_t node)
{
	if (node < 2)
		return node ? 0 : PYI_GRAPH_NONE;
	return node % 2 ? 0 : node - 2;
}

/* A chain of cells, each with a value, and a list of all values: SEMI-NCA is quadratic. */
static void cells_and_values(void **test)
{
	struct model model = model_create(2 * LONG);

	(void)test;
	model_add_root(&model, 0);
	for (uint32_t cell = 2; cell < 2 * LONG; cell += 2) {
		model_connect(&model, cell - 2, cell, 0);
		model_connect(&model, cell, cell + 1, 0);
	}
	for (uint32_t value = 1; value < 2 * LONG; value += 2)
		model_connect(&model, 0, value, 0);
	assert_shape(model, of_cells);
}

static uint32_t of_chain(uint32_t node)
{
	return node ? node - 1 : PYI_GRAPH_NONE;
}

/* Links both ways; nothing recursive survives so many. */
static void double_links(void **test)
{
	struct model model = model_create(LONG);

	(void)test;
	model_add_root(&model, 0);
	for (uint32_t n = 1; n < LONG; n++) {
		model_connect(&model, n - 1, n, 0);
		model_connect(&model, n, n - 1, 0);
	}
	assert_shape(model, of_chain);
}

static uint32_t of_ladder(uint32_t node)
{
	return node ? 0 : PYI_GRAPH_NONE;
}

/* Two chains that lead into each other, in opposite directions: the iterative algorithm has to go
   round once for each rung. */
static void ladder(void **test)
{
	const uint32_t half = LONG / 2;
	struct model model = model_create(2 * half + 1);

	(void)test;
	model_add_root(&model, 0);
	model_connect(&model, 0, 1, 0);
	model_connect(&model, 0, 2 * half, 0);
	for (uint32_t n = 1; n < 2 * half; n++) {
		model_connect(&model, n, n + 1, 0);
		model_connect(&model, n + 1, n, 0);
	}
	assert_shape(model, of_ladder);
}

/* Everything is known from the root, and each leads to the one before: dominated late, seen early.
 */
static void all_known(void **test)
{
	struct model model = model_create(LONG);

	(void)test;
	model_add_root(&model, 0);
	for (uint32_t n = 1; n < LONG; n++) {
		model_connect(&model, 0, n, 0);
		model_connect(&model, n, n > 1 ? n - 1 : LONG - 1, 0);
	}
	assert_shape(model, of_ladder);
}

/* As a heap, with all that is computed: peak of the room that it takes. */
static void room(void **test)
{
	/* So many that tables of fixed size are nothing. */
	enum { COUNT = 1000000 };
	uint64_t state = 8;
	struct fixture fixture = { .model = model_create(COUNT) };

	(void)test;
	for (uint32_t n = 0; n < COUNT; n += 2) {
		model_connect(&fixture.model, n, n + 1, 0);
		model_connect(&fixture.model, n, (uint32_t)model_random(&state, COUNT), 0);
		model_connect(&fixture.model, n, (uint32_t)model_random(&state, COUNT), 0);
	}
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	assert_true(fixture.space.peak_bytes <= 40 * COUNT + 9 * fixture.graph.edge_count);
	teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brute_force),	cmocka_unit_test(cells_and_values),
		cmocka_unit_test(double_links), cmocka_unit_test(ladder),
		cmocka_unit_test(all_known),	cmocka_unit_test(room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
