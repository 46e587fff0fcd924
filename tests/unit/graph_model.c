/*
 * See the header.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "graph/builder.h"
#include "graph_model.h"

enum {
	NODE_BYTES = 32,
	TYPES = 5,
	/* More than there are nodes. */
	ROOTS = 8,
};

#define FIRST_ADDR UINT64_C(0x7f1200000010)

uint64_t model_random(uint64_t *state, uint64_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % limit;
}

struct model model_create(uint32_t node_count)
{
	struct model model = { .node_count = node_count, .type_count = 1 };

	model.nodes = calloc((size_t)node_count + 1, sizeof(*model.nodes));
	model.roots = calloc((size_t)node_count + ROOTS, sizeof(*model.roots));
	assert_non_null(model.nodes);
	assert_non_null(model.roots);
	for (uint32_t n = 0; n < node_count; n++)
		model.nodes[n] = (struct model_node){
			.addr = FIRST_ADDR + (uint64_t)n * NODE_BYTES,
			.size_bytes = NODE_BYTES,
		};
	return model;
}

void model_destroy(struct model *model)
{
	free(model->nodes);
	free(model->edges);
	free(model->roots);
	*model = (struct model){ 0 };
}

void model_connect(struct model *model, uint32_t source, uint32_t target, uint32_t label)
{
	assert_true(pyi_array_reserve(&model->edges, model->edge_count, &model->edge_capacity,
				      sizeof(*model->edges)));
	model->edges[model->edge_count++] = (struct model_edge){ source, target, label };
}

void model_add_root(struct model *model, uint32_t node)
{
	size_t at;

	assert_true(model->root_count < model->node_count + ROOTS);
	/* In order, as the graph has them. */
	for (at = model->root_count++; at && model->roots[at - 1] > node; at--)
		model->roots[at] = model->roots[at - 1];
	model->roots[at] = node;
}

void model_count_references(struct model *model)
{
	for (uint32_t n = 0; n < model->node_count; n++)
		model->nodes[n].count = 0;
	for (size_t e = 0; e < model->edge_count; e++)
		model->nodes[model->edges[e].target].count++;
	for (size_t r = 0; r < model->root_count; r++)
		model->nodes[model->roots[r]].count++;
}

static void make_anything(struct model *model, uint64_t *state)
{
	uint64_t addr = 0x400000 + model_random(state, 1000) * 8;

	model->type_count = TYPES;
	for (uint32_t n = 0; n < model->node_count; n++) {
		struct model_node *node = &model->nodes[n];

		/* Close to the one before, some MB away, or in another part of the space. */
		addr += 8 + 8 * model_random(state, 20);
		if (!model_random(state, 10))
			addr += model_random(state, 4 << 20) * 8;
		if (!model_random(state, 50))
			addr += UINT64_C(1) << (30 + model_random(state, 8));
		node->addr = addr;
		node->type = (uint32_t)model_random(state, TYPES);
		node->size_bytes = 16 + model_random(state, 200);
		if (!model_random(state, 20))
			node->size_bytes = model_random(state, UINT64_C(1) << 36);
		if (!model_random(state, 20))
			node->count = UINT32_MAX - (uint32_t)model_random(state, 3);
		if (model_random(state, 2))
			node->flags |= PYI_NODE_TRACKED;
	}
}

struct model model_random_create(uint64_t *state, uint32_t node_limit)
{
	uint32_t count = 1 + (uint32_t)model_random(state, node_limit);
	struct model model = model_create(count);
	uint64_t edges = model_random(state, 3 * (uint64_t)count + 1);
	uint64_t shape = model_random(state, 4);

	for (uint32_t n = 1; n < count && shape == 1; n++)
		model_connect(&model, n - 1, n, 0);
	for (uint64_t e = 0; e < edges; e++) {
		uint32_t source =
			(uint32_t)model_random(state, shape == 2 ? (count + 1) / 2 : count);
		uint32_t target = (uint32_t)model_random(state, count);
		uint32_t label = source % 3 ? 0 : (uint32_t)model_random(state, 1 << 16);

		model_connect(&model, source, target, label);
		/* Twice in a row, as in a list of the same object. */
		if (!model_random(state, 8))
			model_connect(&model, source, target, label);
	}
	for (uint64_t r = model_random(state, 4); r; r--)
		model_add_root(&model, (uint32_t)model_random(state, count));
	model_count_references(&model);
	make_anything(&model, state);
	return model;
}

struct entry {
	uint64_t words[8];
	size_t count;
};

static struct entry node_entry(const struct model_node *node)
{
	struct entry entry = { { node->addr << 16 | node->flags }, 2 };

	if (node->size_bytes >> 24 || node->count >> PYI_NODE_COUNT_BITS) {
		entry.words[0] |= PYI_ENTRY_NODE_LONG;
		entry.words[1] = (uint64_t)node->count << 32 | node->type;
		entry.words[2] = node->size_bytes;
		entry.count = 3;
	} else {
		entry.words[1] = node->size_bytes << PYI_NODE_SIZE_SHIFT |
				 (uint64_t)node->count << PYI_NODE_TYPE_BITS | node->type;
	}
	return entry;
}

/* Edges keep their order among those of one source. */
static int compare_edges(const void *left, const void *right)
{
	const struct model_edge *const *one = left;
	const struct model_edge *const *other = right;

	if ((*one)->source != (*other)->source)
		return (*one)->source < (*other)->source ? -1 : 1;
	return (*one > *other) - (*one < *other);
}

static void feed(struct pyi_graph_builder *builder, const uint64_t *words, size_t count)
{
	assert_null(pyi_graph_builder_feed(builder, words, count));
}

/* All edges of a source: in one entry, or in two. */
static void feed_edges(struct pyi_graph_builder *builder, const struct model *model,
		       const struct model_edge **edges, size_t count, uint64_t *state)
{
	size_t first = count > 1 && !model_random(state, 4) ? count / 2 : count;

	while (count) {
		bool many = first >= PYI_EDGES_MANY || !model_random(state, 20);
		uint64_t *words = calloc(first + 2, sizeof(*words));
		size_t at = 1;

		assert_non_null(words);
		words[0] = model->nodes[edges[0]->source].addr << 16 | PYI_ENTRY_EDGES |
			   (many ? PYI_EDGES_MANY : first) << PYI_EDGES_COUNT_SHIFT;
		if (many)
			words[at++] = first;
		for (size_t e = 0; e < first; e++) {
			words[at++] = model->nodes[edges[e]->target].addr << 16 | edges[e]->label;
			if (edges[e]->label)
				words[0] |= PYI_EDGES_LABELLED;
		}
		feed(builder, words, at);
		free(words);
		edges += first;
		count -= first;
		first = count;
	}
}

static void feed_all(struct pyi_graph_builder *builder, const struct model *model, uint64_t *state)
{
	size_t parts = 2 * (size_t)model->node_count;
	uint32_t *order = calloc(parts + 1, sizeof(*order));
	const struct model_edge **edges = calloc(model->edge_count + 1, sizeof(*edges));
	size_t *starts = calloc((size_t)model->node_count + 2, sizeof(*starts));

	assert_non_null(order);
	assert_non_null(edges);
	assert_non_null(starts);
	for (size_t e = 0; e < model->edge_count; e++) {
		edges[e] = &model->edges[e];
		starts[model->edges[e].source + 1]++;
	}
	for (uint32_t n = 0; n < model->node_count; n++)
		starts[n + 1] += starts[n];
	qsort(edges, model->edge_count, sizeof(*edges), compare_edges);
	for (size_t p = 0; p < parts; p++) {
		size_t other = model_random(state, p + 1);

		order[p] = order[other];
		order[other] = (uint32_t)p;
	}
	for (size_t p = 0; p < parts; p++) {
		uint32_t node = order[p] / 2;
		struct entry entry = node_entry(&model->nodes[node]);

		if (order[p] % 2)
			feed(builder, entry.words, entry.count);
		else
			feed_edges(builder, model, edges + starts[node],
				   starts[node + 1] - starts[node], state);
	}
	free(order);
	free(edges);
	free(starts);
}

struct pyi_graph model_build(const struct model *model, uint64_t *state,
			     struct pyi_graph_space *space)
{
	struct pyi_graph_builder *builder;
	char a_root[] = "a root";
	struct pyi_graph graph;

	assert_null(pyi_graph_builder_create(space, &builder));
	feed_all(builder, model, state);
	for (uint32_t t = 0; t < model->type_count; t++) {
		char name[] = "module.A";

		name[7] = (char)('A' + t);
		assert_null(pyi_graph_builder_add_type(builder, t, 0x1000 + 64 * t, t, name));
	}
	for (size_t r = 0; r < model->root_count; r++) {
		const struct pyi_graph_root root = { .kind = 14, .detail = r, .text = a_root };

		assert_null(pyi_graph_builder_add_root(builder, model->nodes[model->roots[r]].addr,
						       &root));
	}
	for (size_t w = 0; w < model->weak_count; w++)
		assert_null(pyi_graph_builder_add_weak(builder, model->nodes[model->weak[w]].addr));
	assert_null(pyi_graph_builder_finish(builder, &graph));
	pyi_graph_builder_destroy(builder);
	return graph;
}

static void assert_edges(const struct model *model, const struct pyi_graph *graph)
{
	uint32_t *places = calloc((size_t)model->node_count + 1, sizeof(*places));

	assert_non_null(places);
	for (size_t e = 0; e < model->edge_count; e++) {
		const struct model_edge *edge = &model->edges[e];
		struct pyi_graph_nodes referents = pyi_graph_referents(graph, edge->source);
		const uint16_t *labels = pyi_graph_labels(graph, edge->source);
		uint32_t place = places[edge->source]++;

		assert_true(place < referents.count);
		assert_int_equal(referents.items[place], edge->target);
		assert_int_equal(labels ? labels[place] : 0, edge->label);
	}
	for (uint32_t n = 0; n < model->node_count; n++)
		assert_int_equal(pyi_graph_referents(graph, n).count, places[n]);
	free(places);
}

void model_assert_equal(const struct model *model, const struct pyi_graph *graph)
{
	assert_int_equal(graph->node_count, model->node_count);
	assert_int_equal(graph->edge_count, model->edge_count);
	assert_int_equal(graph->type_count, model->type_count);
	assert_int_equal(graph->root_count, model->root_count);
	for (uint32_t n = 0; n < model->node_count; n++) {
		const struct model_node *node = &model->nodes[n];
		const uint32_t known = PYI_NODE_TRACKED | PYI_NODE_FROZEN | PYI_NODE_IMMORTAL |
				       PYI_NODE_INCOMPLETE | PYI_NODE_STATIC;

		assert_int_equal(pyi_graph_address(graph, n), node->addr);
		assert_int_equal(pyi_graph_find(graph, node->addr), n);
		assert_int_equal(pyi_graph_find(graph, node->addr + 4), PYI_GRAPH_NONE);
		assert_int_equal(pyi_graph_type(graph, n), node->type);
		assert_int_equal(pyi_graph_size(graph, n), node->size_bytes);
		assert_int_equal(graph->reference_counts[n], node->count);
		assert_int_equal(pyi_graph_flags(graph, n) & known, node->flags);
	}
	for (size_t r = 0; r < model->root_count; r++) {
		assert_int_equal(graph->roots[r].node, model->roots[r]);
		assert_true(pyi_graph_flags(graph, model->roots[r]) & PYI_NODE_ROOT);
	}
	assert_edges(model, graph);
}
