/*
 * Roots and held objects are seen at once. Of the rest, one object of each group that nothing else
 * leads to is found in two passes: the first goes on from each object that the ones before have not
 * reached; the second takes the objects that the first began at in reverse. The last of them
 * cannot have been led to from any other, and so on.
 *
 * What leads to an object that is found so is in a cycle with it: the group begins as well at any
 * of these, and does at the one that says most.
 */
#include "analysis/entries.h"

#include <string.h>

#include <pyinspect/payload.h>

#include "analysis/reach.h"
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

/*
 * How much an object says about a cycle that it is in: instances of classes most, then the classes,
 * what runs code, and what the interpreter or a library has made; containers say nothing.
 */
static int says(const struct pyi_graph *graph, uint32_t node)
{
	const struct pyi_graph_type *type = &graph->types[pyi_graph_type(graph, node)];

	switch (type->kind) {
	case PYI_KIND_PLAIN:
	case PYI_KIND_INSTANCE:
		return type->node != PYI_GRAPH_NONE &&
				       pyi_graph_flags(graph, type->node) & PYI_NODE_STATIC
			       ? 1
			       : 4;
	case PYI_KIND_TYPE:
	case PYI_KIND_CLASS:
		return 3;
	case PYI_KIND_FUNCTION:
	case PYI_KIND_GENERATOR:
	case PYI_KIND_FRAME:
		return 2;
	default:
		return 0;
	}
}

/* Of those that say as much it is the one with most referrers, the middle of a star; or the first.
 */
static bool is_better(const struct pyi_graph *graph, uint32_t node, uint32_t than)
{
	const int one = says(graph, node);
	const int other = says(graph, than);
	const uint64_t referrers = pyi_graph_referrers(graph, node).count;
	const uint64_t others = pyi_graph_referrers(graph, than).count;

	if (one != other)
		return one > other;
	return referrers != others ? referrers > others : node < than;
}

/* Of an object that nothing outside leads to, and those that do; `looked` marks them. */
static uint32_t best_of_cycle(struct search *search, uint64_t *looked, uint32_t node)
{
	uint32_t best = node;
	uint64_t depth = 0;

	(void)pyi_bits_set(looked, node);
	search->stack[depth++] = node;
	while (depth) {
		uint32_t at = search->stack[--depth];
		struct pyi_graph_nodes referrers = pyi_graph_referrers(search->graph, at);

		if (is_better(search->graph, at, best))
			best = at;
		for (uint64_t r = 0; r < referrers.count; r++)
			if (pyi_bits_set(looked, referrers.items[r]))
				search->stack[depth++] = referrers.items[r];
	}
	return best;
}

static void add_unreached(struct search *search, uint64_t *alive, struct pyi_graph_entries *entries)
{
	const struct pyi_graph *graph = search->graph;
	uint64_t first = entries->count;
	uint64_t begun;

	for (uint64_t e = 0; e < first; e++)
		pyi_reach_from(graph, entries->nodes[e], search->marks, search->stack);
	memcpy(alive, search->marks, pyi_bits_bytes(graph->node_count));
	for (uint32_t node = 0; node < graph->node_count; node++) {
		if (pyi_bits_has(search->marks, node))
			continue;
		pyi_reach_from(graph, node, search->marks, search->stack);
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
		pyi_reach_from(graph, node, search->marks, search->stack);
		entries->nodes[begun - 1 - entries->counts[PYI_START_UNREACHED]++] = node;
	}
	memmove(entries->nodes + first,
		entries->nodes + begun - entries->counts[PYI_START_UNREACHED],
		entries->counts[PYI_START_UNREACHED] * sizeof(*entries->nodes));
	entries->count = first + entries->counts[PYI_START_UNREACHED];
	for (uint64_t e = first; e < entries->count; e++)
		entries->nodes[e] = best_of_cycle(search, alive, entries->nodes[e]);
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
		pyi_graph_space_unmap(graph->space, regions[r], sizes[r]);
	if (error)
		return error;
	pyi_graph_space_trim(graph->space, entries.nodes, sizes[0],
			     entries.count * sizeof(uint32_t));
	*ret_entries = entries;
	return NULL;
}

void pyi_graph_entries_deinit(struct pyi_graph_entries *entries)
{
	if (entries->space)
		pyi_graph_space_unmap_trimmed(entries->space, entries->nodes,
					      entries->room * sizeof(uint32_t),
					      entries->count * sizeof(uint32_t));
	*entries = (struct pyi_graph_entries){ 0 };
}
