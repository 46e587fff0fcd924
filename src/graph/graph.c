/*
 * The columns of a graph, and who refers to whom. Does not fill it: builder.c and file_read.c do.
 */
#include "graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum {
	BLOCK_NODES = 1 << PYI_OFFSETS_SHIFT,
	LABEL_NODES = PYI_GRAPH_LABEL_NODES,
	/* References whose memory is on its way. */
	AHEAD = 16,
};

static struct pyi_error *map_column(struct pyi_graph *graph, uint64_t count, size_t item_bytes,
				    void *ret_column)
{
	void *region;
	struct pyi_error *error = pyi_graph_space_map(graph->space, count * item_bytes, &region);

	/* A pointer to any type of item: not to be written as one to void. */
	if (!error)
		memcpy(ret_column, &region, sizeof(region));
	return error;
}

static void unmap_column(struct pyi_graph *graph, void *column, uint64_t count, size_t item_bytes)
{
	pyi_graph_space_unmap(graph->space, column, count * item_bytes);
}

struct pyi_error *pyi_graph_prepare(struct pyi_graph *graph, struct pyi_graph_space *space,
				    const struct pyi_address_index *index, uint32_t type_count)
{
	struct pyi_error *error;

	*graph = (struct pyi_graph){
		.space = space,
		.index = *index,
		.node_count = index->count,
		.node_room = index->count,
	};
	graph->types = calloc((size_t)type_count + 1, sizeof(*graph->types));
	if (!graph->types)
		return pyi_error_no_memory();
	graph->type_count = type_count;
	for (uint32_t t = 0; t < type_count; t++)
		graph->types[t].node = PYI_GRAPH_NONE;
	error = map_column(graph, graph->node_count, sizeof(uint32_t), &graph->types_and_flags);
	if (!error)
		error = map_column(graph, graph->node_count, sizeof(uint32_t), &graph->sizes);
	if (!error)
		error = map_column(graph, graph->node_count, sizeof(uint32_t),
				   &graph->reference_counts);
	if (!error)
		error = pyi_graph_offsets_init(&graph->edges, space, graph->node_count);
	return error;
}

struct pyi_error *pyi_graph_prepare_edges(struct pyi_graph *graph, uint64_t edge_count,
					  uint64_t label_count)
{
	struct pyi_error *error;

	graph->edge_room = edge_count;
	graph->label_room = label_count;
	error = map_column(graph, edge_count, sizeof(uint32_t), &graph->targets);
	if (!error && label_count)
		error = map_column(graph, label_count, sizeof(uint16_t), &graph->labels);
	return error;
}

struct pyi_error *pyi_graph_sum_edges(struct pyi_graph *graph)
{
	struct pyi_error *error = map_column(graph, graph->node_room / LABEL_NODES + 1,
					     sizeof(uint64_t), &graph->label_blocks);

	if (error)
		return error;
	graph->label_count = 0;
	for (uint32_t node = 0; node < graph->node_count; node++) {
		if (node % LABEL_NODES == 0)
			graph->label_blocks[node / LABEL_NODES] = graph->label_count;
		if (pyi_graph_flags(graph, node) & PYI_NODE_LABELLED)
			graph->label_count += graph->edges.inner[node];
	}
	error = pyi_graph_offsets_sum(&graph->edges, graph->node_count);
	if (!error)
		graph->edge_count = pyi_graph_offsets_start(&graph->edges, graph->node_count);
	return error;
}

void pyi_graph_deinit(struct pyi_graph *graph)
{
	uint64_t nodes = graph->node_room;

	if (!graph->space)
		return;
	unmap_column(graph, graph->types_and_flags, nodes, sizeof(uint32_t));
	unmap_column(graph, graph->sizes, nodes, sizeof(uint32_t));
	unmap_column(graph, graph->reference_counts, nodes, sizeof(uint32_t));
	unmap_column(graph, graph->targets, graph->edge_room, sizeof(uint32_t));
	unmap_column(graph, graph->labels, graph->label_room, sizeof(uint16_t));
	unmap_column(graph, graph->label_blocks, nodes / LABEL_NODES + 1, sizeof(uint64_t));
	unmap_column(graph, graph->sources, graph->edge_count, sizeof(uint32_t));
	pyi_graph_offsets_deinit(&graph->edges, graph->space);
	pyi_graph_offsets_deinit(&graph->referrers, graph->space);
	pyi_address_index_deinit(&graph->index);
	for (uint32_t t = 0; t < graph->type_count; t++)
		free(graph->types[t].name);
	for (size_t r = 0; r < graph->root_count; r++)
		free(graph->roots[r].text);
	for (size_t t = 0; t < graph->text_count; t++)
		free(graph->texts[t].text);
	pyi_kept_names_destroy(graph->names);
	for (size_t f = 0; f < graph->fact_count; f++)
		free(graph->facts[f].text);
	free(graph->types);
	free(graph->roots);
	free(graph->texts);
	free(graph->facts);
	free(graph->big);
	*graph = (struct pyi_graph){ 0 };
}

struct pyi_error *pyi_graph_set_big_size(struct pyi_graph *graph, uint32_t node,
					 uint64_t size_bytes)
{
	if (!pyi_array_reserve(&graph->big, graph->big_count, &graph->big_capacity,
			       sizeof(*graph->big)))
		return pyi_error_no_memory();
	graph->sizes[node] = UINT32_MAX;
	graph->big[graph->big_count++] =
		(struct pyi_graph_big){ .node = node, .size_bytes = size_bytes };
	return NULL;
}

static int compare_big(const void *left, const void *right)
{
	const struct pyi_graph_big *one = left;
	const struct pyi_graph_big *other = right;

	return (one->node > other->node) - (one->node < other->node);
}

struct pyi_error *pyi_graph_add_fact(struct pyi_graph *graph, uint32_t key, uint64_t number,
				     const char *text)
{
	struct pyi_graph_fact fact = { .key = key, .number = number };

	if (text) {
		fact.text = strdup(text);
		if (!fact.text)
			return pyi_error_no_memory();
	}
	if (!pyi_array_reserve(&graph->facts, graph->fact_count, &graph->fact_capacity,
			       sizeof(fact))) {
		free(fact.text);
		return pyi_error_no_memory();
	}
	graph->facts[graph->fact_count++] = fact;
	return NULL;
}

static int compare_texts(const void *left, const void *right)
{
	const struct pyi_graph_text *one = left;
	const struct pyi_graph_text *other = right;

	return (one->node > other->node) - (one->node < other->node);
}

static int compare_roots(const void *left, const void *right)
{
	const struct pyi_graph_root *one = left;
	const struct pyi_graph_root *other = right;

	if (one->node != other->node)
		return one->node < other->node ? -1 : 1;
	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	return (one->detail > other->detail) - (one->detail < other->detail);
}

void pyi_graph_complete(struct pyi_graph *graph)
{
	if (graph->big_count)
		qsort(graph->big, graph->big_count, sizeof(*graph->big), compare_big);
	pyi_graph_sort_texts(graph->texts, graph->text_count);
	if (graph->names)
		pyi_graph_sort_texts(graph->names->values, graph->names->value_count);
	if (graph->root_count)
		qsort(graph->roots, graph->root_count, sizeof(*graph->roots), compare_roots);
	for (size_t r = 0; r < graph->root_count; r++)
		pyi_graph_add_flags(graph, graph->roots[r].node, PYI_NODE_ROOT);
	for (uint32_t t = 0; t < graph->type_count; t++)
		graph->types[t].node = pyi_graph_find(graph, graph->types[t].addr);
	graph->incomplete_nodes = 0;
	for (uint32_t node = 0; node < graph->node_count; node++)
		graph->incomplete_nodes +=
			(pyi_graph_flags(graph, node) & PYI_NODE_INCOMPLETE) != 0;
}

struct pyi_error *pyi_graph_reverse(struct pyi_graph *graph)
{
	struct pyi_graph_offsets *referrers = &graph->referrers;
	uint64_t edge = 0;
	struct pyi_error *error;

	if (graph->sources)
		return NULL;
	error = pyi_graph_offsets_init(referrers, graph->space, graph->node_count);
	if (error)
		return error;
	for (uint64_t e = 0; e < graph->edge_count; e++) {
		uint32_t *count = &referrers->inner[graph->targets[e]];

		if (e + AHEAD < graph->edge_count)
			__builtin_prefetch(&referrers->inner[graph->targets[e + AHEAD]], 1);
		if (*count == UINT32_MAX)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
						"there are too many references for a graph");
		++*count;
	}
	error = pyi_graph_offsets_sum(referrers, graph->node_count);
	if (!error)
		error = map_column(graph, graph->edge_count, sizeof(uint32_t), &graph->sources);
	if (error)
		return error;
	/* Each moves on while it is filled, and ends where the next one began. */
	for (uint32_t node = 0; node < graph->node_count; node++) {
		uint64_t end = pyi_graph_offsets_start(&graph->edges, (uint64_t)node + 1);

		for (; edge < end; edge++) {
			uint32_t target = graph->targets[edge];
			uint64_t place = pyi_graph_offsets_start(referrers, target);

			if (edge + AHEAD < graph->edge_count)
				__builtin_prefetch(&referrers->inner[graph->targets[edge + AHEAD]],
						   1);
			graph->sources[place] = node;
			referrers->inner[target]++;
		}
	}
	for (uint32_t node = graph->node_count; node; node--)
		referrers->inner[node] = node % BLOCK_NODES ? referrers->inner[node - 1] : 0;
	referrers->inner[0] = 0;
	return NULL;
}

uint64_t pyi_graph_big_size(const struct pyi_graph *graph, uint32_t node)
{
	const struct pyi_graph_big key = { .node = node };
	const struct pyi_graph_big *found = NULL;

	if (graph->big_count)
		found = bsearch(&key, graph->big, graph->big_count, sizeof(key), compare_big);
	return found ? found->size_bytes : UINT32_MAX;
}

uint32_t pyi_graph_find(const struct pyi_graph *graph, uint64_t addr)
{
	return pyi_address_index_number(&graph->index, addr);
}

uint64_t pyi_graph_address(const struct pyi_graph *graph, uint32_t node)
{
	return pyi_address_index_address(&graph->index, node);
}

uint32_t pyi_graph_last_before(const struct pyi_graph *graph, uint64_t addr)
{
	uint32_t low = 0;
	uint32_t high = graph->node_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (pyi_graph_address(graph, middle) <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : PYI_GRAPH_NONE;
}

static const char *find_text(const struct pyi_graph_text *texts, size_t count, uint32_t node)
{
	const struct pyi_graph_text key = { .node = node };
	const struct pyi_graph_text *found = NULL;

	if (count)
		found = bsearch(&key, texts, count, sizeof(key), compare_texts);
	return found ? found->text : NULL;
}

const char *pyi_graph_text(const struct pyi_graph *graph, uint32_t node)
{
	return find_text(graph->texts, graph->text_count, node);
}

const char *pyi_graph_value(const struct pyi_graph *graph, uint32_t node)
{
	return graph->names ? find_text(graph->names->values, graph->names->value_count, node)
			    : NULL;
}

struct pyi_error *pyi_graph_add_text(struct pyi_graph_text **texts, size_t *count, size_t *capacity,
				     uint32_t node, const char *text)
{
	struct pyi_graph_text added = { .node = node, .text = strdup(text) };

	if (added.text && pyi_array_reserve(texts, *count, capacity, sizeof(added))) {
		(*texts)[(*count)++] = added;
		return NULL;
	}
	free(added.text);
	return pyi_error_no_memory();
}

void pyi_graph_sort_texts(struct pyi_graph_text *texts, size_t count)
{
	if (count)
		qsort(texts, count, sizeof(*texts), compare_texts);
}

const uint16_t *pyi_graph_labels(const struct pyi_graph *graph, uint32_t node)
{
	uint64_t at;

	if (!(pyi_graph_flags(graph, node) & PYI_NODE_LABELLED) || !graph->labels)
		return NULL;
	at = graph->label_blocks[node / LABEL_NODES];
	for (uint32_t before = node / LABEL_NODES * LABEL_NODES; before < node; before++)
		if (pyi_graph_flags(graph, before) & PYI_NODE_LABELLED)
			at += pyi_graph_referents(graph, before).count;
	return graph->labels + at;
}
