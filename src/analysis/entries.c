/*
 * Roots and held objects are seen at once. Of the rest, one object of each group that nothing else
 * leads to is found in two passes: the first goes on from each object that the ones before have not
 * reached; the second takes the objects that the first began at in reverse. The last of them
 * cannot have been led to from any other, and so on.
 */
#include "analysis/entries.h"

#include <string.h>

#include "graph/bits.h"

struct search {
	const struct pyi_graph *graph;
	uint64_t *marks;
	uint32_t *stack;
};

static uint64_t nodes_bytes(const struct pyi_graph *graph)
{
	return (uint64_t)graph->node_count * sizeof(uint32_t);
}

size_t pyi_graph_first_root(const struct pyi_graph *graph, uint32_t node)
{
	size_t low = 0;
	size_t high = graph->root_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (graph->roots[middle].node < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t pyi_graph_held(const struct pyi_graph *graph, uint32_t node)
{
	const uint32_t flags = pyi_graph_flags(graph, node);
	uint32_t count = graph->reference_counts[node];
	uint64_t explained = pyi_graph_referrers(graph, node).count;

	if (flags & (PYI_NODE_IMMORTAL | PYI_NODE_STATIC | PYI_NODE_INCOMPLETE | PYI_NODE_KEYS) ||
	    count == UINT32_MAX)
		return 0;
	for (size_t r = flags & PYI_NODE_ROOT ? pyi_graph_first_root(graph, node)
					      : graph->root_count;
	     r < graph->root_count && graph->roots[r].node == node; r++)
		explained += !graph->roots[r].uncounted;
	return explained < count ? count - (uint32_t)explained : 0;
}

static void mark_from(struct search *search, uint32_t node)
{
	uint64_t depth = 0;

	if (!pyi_bits_set(search->marks, node))
		return;
	search->stack[depth++] = node;
	while (depth) {
		struct pyi_graph_nodes referents =
			pyi_graph_referents(search->graph, search->stack[--depth]);

		for (uint64_t e = 0; e < referents.count; e++)
			if (pyi_bits_set(search->marks, referents.items[e]))
				search->stack[depth++] = referents.items[e];
	}
}

static void add(struct pyi_graph_entries *entries, enum pyi_start_kind kind, uint32_t node)
{
	entries->nodes[entries->count++] = node;
	entries->counts[kind]++;
}

static void add_alive(const struct pyi_graph *graph, struct pyi_graph_entries *entries)
{
	const uint32_t roots = PYI_NODE_ROOT | PYI_NODE_IMMORTAL | PYI_NODE_STATIC;

	for (uint32_t node = 0; node < graph->node_count; node++)
		if (pyi_graph_flags(graph, node) & roots)
			add(entries, PYI_START_ROOT, node);
	for (uint32_t node = 0; node < graph->node_count; node++)
		if (!(pyi_graph_flags(graph, node) & roots) && pyi_graph_held(graph, node))
			add(entries, PYI_START_HELD, node);
}

static void add_unreached(struct search *search, uint64_t *alive, struct pyi_graph_entries *entries)
{
	const struct pyi_graph *graph = search->graph;
	uint64_t first = entries->count;
	uint64_t begun;

	for (uint64_t e = 0; e < first; e++)
		mark_from(search, entries->nodes[e]);
	memcpy(alive, search->marks, pyi_bits_bytes(graph->node_count));
	for (uint32_t node = 0; node < graph->node_count; node++) {
		if (pyi_bits_has(search->marks, node))
			continue;
		mark_from(search, node);
		entries->nodes[entries->count++] = node;
	}
	begun = entries->count;
	entries->count = first;
	memcpy(search->marks, alive, pyi_bits_bytes(graph->node_count));
	/* What is kept moves to the end, in front of what is not looked at yet. */
	for (uint64_t e = begun; e > first; e--) {
		uint32_t node = entries->nodes[e - 1];

		if (pyi_bits_has(search->marks, node))
			continue;
		mark_from(search, node);
		entries->nodes[begun - 1 - entries->counts[PYI_START_UNREACHED]++] = node;
	}
	memmove(entries->nodes + first,
		entries->nodes + begun - entries->counts[PYI_START_UNREACHED],
		entries->counts[PYI_START_UNREACHED] * sizeof(*entries->nodes));
	entries->count = first + entries->counts[PYI_START_UNREACHED];
}

struct pyi_error *pyi_graph_entries_find(const struct pyi_graph *graph,
					 struct pyi_graph_entries *ret_entries)
{
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	struct pyi_graph_entries entries = { .space = graph->space, .room = graph->node_count };
	struct search search = { .graph = graph };
	void *regions[4] = { NULL };
	const uint64_t sizes[4] = { nodes_bytes(graph), nodes_bytes(graph), bits_bytes,
				    bits_bytes };
	struct pyi_error *error = NULL;

	for (int r = 0; r < 4 && !error; r++)
		error = pyi_graph_space_map(graph->space, sizes[r], &regions[r]);
	if (!error) {
		entries.nodes = regions[0];
		search.stack = regions[1];
		search.marks = regions[2];
		add_alive(graph, &entries);
		add_unreached(&search, regions[3], &entries);
	}
	for (int r = error ? 0 : 1; r < 4; r++)
		pyi_graph_space_unmap(graph->space, regions[r], sizes[r], sizes[r] ? sizes[r] : 1);
	if (error)
		return error;
	pyi_graph_space_trim(graph->space, entries.nodes, sizes[0],
			     entries.count ? entries.count * sizeof(uint32_t) : 1);
	*ret_entries = entries;
	return NULL;
}

void pyi_graph_entries_deinit(struct pyi_graph_entries *entries)
{
	if (entries->space)
		pyi_graph_space_unmap(entries->space, entries->nodes,
				      entries->room * sizeof(uint32_t),
				      entries->count ? entries->count * sizeof(uint32_t) : 1);
	*entries = (struct pyi_graph_entries){ 0 };
}
