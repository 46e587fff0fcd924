/*
 * A search in breadth from the object backwards, until a start of the best kind is met.
 */
#include "analysis/nearest_path.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "analysis/entries.h"
#include "analysis/heap_paths.h"
#include "graph/bits.h"

enum {
	REGIONS = 3,
};

struct search {
	const struct pyi_graph *graph;
	uint32_t *queue;
	uint64_t count;
	/* Of what has been met: what it refers to on the way to the object. */
	uint32_t *to;
	uint64_t *met;
	/* The __dict__ of a module is reached through the module only, though functions have it,
	   too. */
	bool by_modules;
};

const struct pyi_graph_root *pyi_graph_roots_of(const struct pyi_graph *graph, uint32_t node,
						size_t *ret_count)
{
	size_t low = 0;
	size_t high = graph->root_count;
	size_t end;

	*ret_count = 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (graph->roots[middle].node < node)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < graph->root_count && graph->roots[end].node == node; end++)
		(*ret_count)++;
	return *ret_count ? &graph->roots[low] : NULL;
}

uint64_t pyi_graph_place_of(const struct pyi_graph *graph, uint32_t source, uint32_t target)
{
	return pyi_heap_place_of(graph, source, target);
}

enum pyi_path_start pyi_path_start_of(const struct pyi_graph *graph, uint32_t node)
{
	const uint32_t flags = pyi_graph_flags(graph, node);
	const struct pyi_graph_root *roots = NULL;
	size_t count = 0;

	if (flags & PYI_NODE_ROOT)
		roots = pyi_graph_roots_of(graph, node, &count);
	for (size_t r = 0; r < count; r++)
		if (roots[r].kind != PYI_EDGE_FRAME)
			return PYI_PATH_FROM_ROOT;
	if (count)
		return PYI_PATH_FROM_FRAME;
	if (flags & (PYI_NODE_ROOT | PYI_NODE_IMMORTAL | PYI_NODE_STATIC))
		return PYI_PATH_FROM_IMMORTAL;
	return pyi_graph_held(graph, node) ? PYI_PATH_FROM_HELD : PYI_PATH_FROM_NOTHING;
}

static void meet(struct search *search, uint32_t node, uint32_t to)
{
	if (!pyi_bits_set(search->met, node))
		return;
	search->to[node] = to;
	search->queue[search->count++] = node;
}

static uint32_t kind_of(const struct pyi_graph *graph, uint32_t node)
{
	return graph->types[pyi_graph_type(graph, node)].kind;
}

static void meet_referrers(struct search *search, uint32_t node)
{
	const struct pyi_graph *graph = search->graph;
	struct pyi_graph_nodes referrers = pyi_graph_referrers(graph, node);
	bool of_module = false;

	if (search->by_modules && kind_of(graph, node) == PYI_KIND_DICT)
		for (uint64_t r = 0; r < referrers.count; r++)
			of_module |= kind_of(graph, referrers.items[r]) == PYI_KIND_MODULE;
	for (uint64_t r = 0; r < referrers.count; r++)
		if (!of_module || kind_of(graph, referrers.items[r]) == PYI_KIND_MODULE)
			meet(search, referrers.items[r], node);
}

/* True if only threads have it: their variables, and what else is in their states. */
static bool is_of_threads(const struct pyi_graph *graph, uint32_t node)
{
	size_t count;
	const struct pyi_graph_root *roots = pyi_graph_roots_of(graph, node, &count);

	for (size_t r = 0; r < count; r++)
		if (roots[r].kind != PYI_EDGE_LOCAL && roots[r].kind != PYI_EDGE_THREAD &&
		    roots[r].kind != PYI_EDGE_FRAME)
			return false;
	return true;
}

/*
 * The nearest of the best kind that there is. What a thread has is taken to be further away than it
 * is, as in merged paths; there an attribute is one step, and here it may be two.
 */
static uint32_t find_start(struct search *search, uint32_t node, enum pyi_path_start *ret_start)
{
	uint64_t steps = 0;
	uint64_t steps_end = UINT64_MAX;
	uint64_t level_end = 1;
	uint32_t best = node;

	*ret_start = PYI_PATH_FROM_NOTHING;
	search->count = 0;
	meet(search, node, PYI_GRAPH_NONE);
	for (uint64_t taken = 0; taken < search->count && steps <= steps_end; taken++) {
		uint32_t at = search->queue[taken];
		enum pyi_path_start start = pyi_path_start_of(search->graph, at);
		bool of_threads = is_of_threads(search->graph, at);

		if (start < *ret_start || (start == PYI_PATH_FROM_ROOT && !of_threads)) {
			*ret_start = start;
			best = at;
		}
		if (start == PYI_PATH_FROM_ROOT && !of_threads)
			break;
		if (start == PYI_PATH_FROM_ROOT && steps_end == UINT64_MAX)
			steps_end = steps + UINT64_C(2) * PYI_HEAD_START;
		meet_referrers(search, at);
		if (taken + 1 == level_end) {
			steps++;
			level_end = search->count;
		}
	}
	return best;
}

static struct pyi_error *follow(const struct search *search, uint32_t start,
				struct pyi_nearest_path *path)
{
	size_t count = 0;

	for (uint32_t at = start; at != PYI_GRAPH_NONE; at = search->to[at])
		count++;
	path->nodes = calloc(count + 1, sizeof(*path->nodes));
	if (!path->nodes)
		return pyi_error_no_memory();
	for (uint32_t at = start; at != PYI_GRAPH_NONE; at = search->to[at])
		path->nodes[path->count++] = at;
	return NULL;
}

struct pyi_error *pyi_nearest_path_find(const struct pyi_graph *graph, uint32_t node,
					struct pyi_nearest_path *ret_path)
{
	const uint64_t node_bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
	const uint64_t sizes[REGIONS] = { node_bytes, node_bytes,
					  pyi_bits_bytes(graph->node_count) };
	struct search search = { .graph = graph, .by_modules = true };
	struct pyi_nearest_path path = { 0 };
	void *regions[REGIONS] = { NULL };
	struct pyi_error *error = NULL;
	uint32_t start;

	for (int r = 0; r < REGIONS && !error; r++)
		error = pyi_graph_space_map(graph->space, sizes[r], &regions[r]);
	if (!error) {
		search.queue = regions[0];
		search.to = regions[1];
		search.met = regions[2];
		start = find_start(&search, node, &path.start);
		/* A module that nothing leads to any more, whose functions are alive. */
		if (path.start != PYI_PATH_FROM_ROOT) {
			search.by_modules = false;
			memset(search.met, 0, sizes[REGIONS - 1]);
			start = find_start(&search, node, &path.start);
		}
		error = follow(&search, start, &path);
	}
	for (int r = 0; r < REGIONS; r++)
		pyi_graph_space_unmap(graph->space, regions[r], sizes[r]);
	if (!error)
		*ret_path = path;
	return error;
}

void pyi_nearest_path_deinit(struct pyi_nearest_path *path)
{
	free(path->nodes);
	*path = (struct pyi_nearest_path){ 0 };
}
