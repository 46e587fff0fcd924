/*
 * Three passes: subtract, follow what is alive, then let go of the rest, count by count, but for
 * what finalizers keep.
 */
#include "analysis/garbage.h"

#include "graph/bits.h"

struct search {
	const struct pyi_graph *graph;
	/* Of each node: references that are not explained yet; then: that are left. */
	uint32_t *left;
	uint32_t *stack;
	uint64_t *alive;
};

static bool is_collected(const struct pyi_graph *graph, uint32_t node)
{
	const uint32_t flags = pyi_graph_flags(graph, node);

	return (flags & (PYI_NODE_TRACKED | PYI_NODE_FROZEN)) == PYI_NODE_TRACKED;
}

static bool is_kept(const struct pyi_graph *graph, uint32_t node)
{
	return pyi_graph_flags(graph, node) & (PYI_NODE_IMMORTAL | PYI_NODE_STATIC) ||
	       graph->reference_counts[node] == UINT32_MAX;
}

/* tp_traverse reports it. */
static bool is_reported(const uint16_t *labels, uint64_t edge)
{
	return !labels || !(labels[edge] & PYI_LABEL_INTERNAL);
}

static void copy_counts(struct search *search)
{
	for (uint32_t node = 0; node < search->graph->node_count; node++)
		search->left[node] = search->graph->reference_counts[node];
}

static void subtract(struct search *search)
{
	const struct pyi_graph *graph = search->graph;

	for (uint32_t node = 0; node < graph->node_count; node++) {
		struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);
		const uint16_t *labels;

		if (!is_collected(graph, node))
			continue;
		labels = pyi_graph_labels(graph, node);
		for (uint64_t e = 0; e < referents.count; e++)
			if (is_reported(labels, e) && search->left[referents.items[e]])
				search->left[referents.items[e]]--;
	}
}

/* What the first `depth` of the stack lead to. */
static void follow(struct search *search, uint64_t depth)
{
	const struct pyi_graph *graph = search->graph;

	while (depth) {
		uint32_t node = search->stack[--depth];
		struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);
		const uint16_t *labels = pyi_graph_labels(graph, node);

		for (uint64_t e = 0; e < referents.count; e++) {
			uint32_t target = referents.items[e];

			if (is_reported(labels, e) && is_collected(graph, target) &&
			    pyi_bits_set(search->alive, target))
				search->stack[depth++] = target;
		}
	}
}

static void follow_alive(struct search *search)
{
	const struct pyi_graph *graph = search->graph;
	uint64_t depth = 0;

	for (uint32_t node = 0; node < graph->node_count; node++)
		if (is_collected(graph, node) && (search->left[node] || is_kept(graph, node)) &&
		    pyi_bits_set(search->alive, node))
			search->stack[depth++] = node;
	follow(search, depth);
}

static void find(struct search *search, struct pyi_garbage *garbage)
{
	for (uint32_t node = 0; node < search->graph->node_count; node++) {
		if (!is_collected(search->graph, node) || pyi_bits_has(search->alive, node))
			continue;
		pyi_bits_set(garbage->found, node);
		garbage->found_objects++;
	}
}

/* Those that are found and have a finalizer stay, with what they lead to. */
static void follow_finalizers(struct search *search)
{
	const struct pyi_graph *graph = search->graph;
	uint64_t depth = 0;

	for (uint32_t node = 0; node < graph->node_count; node++)
		if (graph->types[pyi_graph_type(graph, node)].finalizer &&
		    is_collected(graph, node) && pyi_bits_set(search->alive, node))
			search->stack[depth++] = node;
	follow(search, depth);
}

/* In gc.garbage, or held by what is. */
static bool is_saved(const struct search *search, const struct pyi_garbage *garbage, uint32_t node)
{
	return pyi_bits_has(garbage->found, node) && pyi_bits_has(search->alive, node);
}

static void let_go(struct search *search, struct pyi_garbage *garbage)
{
	const struct pyi_graph *graph = search->graph;
	uint64_t depth = 0;

	for (uint32_t node = 0; node < graph->node_count; node++) {
		if (!is_collected(graph, node) || pyi_bits_has(search->alive, node))
			continue;
		pyi_bits_set(garbage->freed, node);
		search->stack[depth++] = node;
	}
	while (depth) {
		uint32_t node = search->stack[--depth];
		struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);

		garbage->freed_objects++;
		if (__builtin_add_overflow(garbage->freed_bytes, pyi_graph_size(graph, node),
					   &garbage->freed_bytes))
			garbage->freed_bytes = UINT64_MAX;
		for (uint64_t e = 0; e < referents.count; e++) {
			uint32_t target = referents.items[e];

			if (search->left[target] && !--search->left[target] &&
			    !is_kept(graph, target) && !is_saved(search, garbage, target) &&
			    pyi_bits_set(garbage->freed, target))
				search->stack[depth++] = target;
		}
	}
}

struct pyi_error *pyi_garbage_find(const struct pyi_graph *graph, struct pyi_garbage *ret_garbage)
{
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	const uint64_t node_bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
	struct pyi_garbage garbage = { .space = graph->space, .node_count = graph->node_count };
	const uint64_t sizes[5] = { bits_bytes, bits_bytes, node_bytes, node_bytes, bits_bytes };
	void *regions[5] = { NULL };
	struct pyi_error *error = NULL;

	for (int r = 0; r < 5 && !error; r++)
		error = pyi_graph_space_map(graph->space, sizes[r], &regions[r]);
	if (!error) {
		struct search search = { graph, regions[2], regions[3], regions[4] };

		garbage.found = regions[0];
		garbage.freed = regions[1];
		copy_counts(&search);
		subtract(&search);
		follow_alive(&search);
		find(&search, &garbage);
		follow_finalizers(&search);
		copy_counts(&search);
		let_go(&search, &garbage);
	}
	for (int r = error ? 0 : 2; r < 5; r++)
		pyi_graph_space_unmap(graph->space, regions[r], sizes[r]);
	if (!error)
		*ret_garbage = garbage;
	return error;
}

void pyi_garbage_deinit(struct pyi_garbage *garbage)
{
	if (garbage->space) {
		pyi_graph_space_unmap(garbage->space, garbage->found,
				      pyi_bits_bytes(garbage->node_count));
		pyi_graph_space_unmap(garbage->space, garbage->freed,
				      pyi_bits_bytes(garbage->node_count));
	}
	*garbage = (struct pyi_garbage){ 0 };
}
