/*
 * A search in depth that goes through containers only.
 */
#include "analysis/heap_contents.h"

#include <pyinspect/payload.h>

#include "graph/bits.h"

struct search {
	struct pyi_heap_contents *contents;
	const struct pyi_heap_contents_query *query;
	uint64_t depth;
};

static uint64_t stack_bytes(const struct pyi_graph *graph)
{
	return (uint64_t)graph->node_count * sizeof(uint32_t);
}

struct pyi_error *pyi_heap_contents_init(struct pyi_heap_contents *contents,
					 const struct pyi_graph *graph)
{
	struct pyi_heap_contents made = { 0 };
	void *region = NULL;
	struct pyi_error *error =
		pyi_graph_space_map(graph->space, pyi_bits_bytes(graph->node_count), &region);

	made.marks = region;
	if (!error)
		error = pyi_graph_space_map(graph->space, stack_bytes(graph), &region);
	if (error) {
		pyi_heap_contents_deinit(&made, graph);
		return error;
	}
	made.stack = region;
	*contents = made;
	return NULL;
}

void pyi_heap_contents_deinit(struct pyi_heap_contents *contents, const struct pyi_graph *graph)
{
	const uint64_t marks = pyi_bits_bytes(graph->node_count);
	const uint64_t stack = stack_bytes(graph);

	if (contents->marks)
		pyi_graph_space_unmap(graph->space, contents->marks, marks);
	if (contents->stack)
		pyi_graph_space_unmap(graph->space, contents->stack, stack);
	*contents = (struct pyi_heap_contents){ 0 };
}

static bool is_container(uint32_t kind)
{
	switch (kind) {
	case PYI_KIND_DICT:
	case PYI_KIND_ORDERED_DICT:
	case PYI_KIND_LIST:
	case PYI_KIND_TUPLE:
	case PYI_KIND_SET:
	case PYI_KIND_DEQUE:
		return true;
	default:
		return false;
	}
}

static struct pyi_error *take(struct search *search, uint32_t node)
{
	const struct pyi_graph *graph = search->query->graph;
	const uint32_t type = pyi_graph_type(graph, node);
	const uint32_t kind = graph->types[type].kind;
	struct pyi_error *error = NULL;

	if (kind == PYI_KIND_STR)
		error = search->query->text(search->query->argument, node);
	if (error || (!is_container(kind) &&
		      (!search->query->values[type] || pyi_graph_referents(graph, node).count)))
		return error;
	if (!pyi_bits_set(search->contents->marks, node))
		return NULL;
	search->contents->objects++;
	search->contents->bytes += pyi_graph_size(graph, node);
	if (is_container(kind))
		search->contents->stack[search->depth++] = node;
	return NULL;
}

/* Keys that dicts share are those of each of them. */
static struct pyi_error *visit(struct search *search, uint32_t container)
{
	const struct pyi_graph *graph = search->query->graph;
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, container);
	struct pyi_error *error = NULL;

	for (uint64_t e = 0; e < referents.count && !error; e++) {
		const struct pyi_graph_nodes keys = pyi_graph_referents(graph, referents.items[e]);

		if (!(pyi_graph_flags(graph, referents.items[e]) & PYI_NODE_KEYS)) {
			error = take(search, referents.items[e]);
			continue;
		}
		for (uint64_t k = 0; k < keys.count && !error; k++)
			if (!(pyi_graph_flags(graph, keys.items[k]) & PYI_NODE_KEYS))
				error = take(search, keys.items[k]);
	}
	return error;
}

struct pyi_error *pyi_heap_contents_add(struct pyi_heap_contents *contents,
					const struct pyi_heap_contents_query *query, uint32_t node)
{
	struct search search = { .contents = contents, .query = query };
	struct pyi_error *error = NULL;

	if (!(pyi_graph_flags(query->graph, node) & PYI_NODE_KEYS))
		error = take(&search, node);
	while (!error && search.depth)
		error = visit(&search, contents->stack[--search.depth]);
	return error;
}
