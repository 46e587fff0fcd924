/*
 * A search in depth that stops at what has a name of its own: that is begun with in its turn. A
 * container takes over what the one that led to it was named after.
 */
#include "analysis/heap_owners.h"

#include <stdlib.h>

#include <pyinspect/payload.h>

#include "base/cleanup.h"
#include "graph/bits.h"

struct search {
	const struct pyi_graph *graph;
	const struct pyi_heap_owners_query *query;
	struct pyi_heap_owners *owners;
	/* By number of the type: objects of it have a __dict__. */
	bool *with_dict;
	uint64_t *marks;
	uint32_t *stack;
	uint64_t depth;
};

static bool is_named(const struct search *search, uint32_t node)
{
	return search->query->named[pyi_graph_type(search->graph, node)];
}

static bool is_listed(const struct search *search, uint32_t node)
{
	return pyi_graph_flags(search->graph, node) & (PYI_NODE_TRACKED | PYI_NODE_FROZEN);
}

static uint32_t kind_of(const struct search *search, uint32_t node)
{
	return search->graph->types[pyi_graph_type(search->graph, node)].kind;
}

static bool matters(const struct search *search, uint32_t node)
{
	return pyi_graph_referents(search->graph, node).count ||
	       (search->query->wanted && pyi_bits_has(search->query->wanted, node));
}

/* True if it is for this reference to name it; then it is looked at later. */
static bool take(struct search *search, uint32_t node)
{
	if (pyi_bits_has(search->marks, node) ||
	    (is_named(search, node) && is_listed(search, node)) || !matters(search, node) ||
	    /* The __dict__ of something goes with that. */
	    search->query->dict_owners[node] != PYI_GRAPH_NONE)
		return false;
	(void)pyi_bits_set(search->marks, node);
	search->stack[search->depth++] = node;
	return true;
}

/* A cell of the closure of a function is a variable of that. */
static bool is_variable(const struct search *search, uint32_t source, uint32_t target)
{
	const uint32_t above = search->owners->sources[source];

	return kind_of(search, target) == PYI_KIND_CELL &&
	       kind_of(search, source) == PYI_KIND_TUPLE && above < PYI_OWNER_ROOT &&
	       kind_of(search, above) == PYI_KIND_FUNCTION;
}

/* What a node, or the __dict__ of a node, refers to. */
static void take_referents(struct search *search, uint32_t source, uint32_t object)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(search->graph, source);
	const bool named = is_named(search, object);

	for (uint64_t e = 0; e < referents.count; e++) {
		uint32_t target = referents.items[e];

		if (!take(search, target))
			continue;
		if (named || is_variable(search, source, target)) {
			search->owners->sources[target] = source;
			search->owners->places[target] = (uint32_t)e;
		} else {
			search->owners->sources[target] = search->owners->sources[object];
			search->owners->places[target] = search->owners->places[object];
		}
	}
}

static void visit(struct search *search, uint32_t node)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(search->graph, node);
	const bool has_dict = search->with_dict[pyi_graph_type(search->graph, node)];

	for (uint64_t e = 0; e < referents.count && has_dict; e++) {
		uint32_t dict = referents.items[e];

		if (search->query->dict_owners[dict] != node || !pyi_bits_set(search->marks, dict))
			continue;
		search->owners->sources[dict] = search->owners->sources[node];
		search->owners->places[dict] = search->owners->places[node];
		if (is_named(search, node)) {
			search->owners->sources[dict] = node;
			search->owners->places[dict] = (uint32_t)e;
		}
		take_referents(search, dict, node);
	}
	take_referents(search, node, node);
}

static void drain(struct search *search)
{
	while (search->depth)
		visit(search, search->stack[--search->depth]);
}

static void begin(struct search *search, uint32_t node)
{
	if (search->query->dict_owners[node] != PYI_GRAPH_NONE ||
	    !pyi_bits_set(search->marks, node))
		return;
	visit(search, node);
	drain(search);
}

static void find(struct search *search)
{
	const struct pyi_graph *graph = search->graph;

	for (uint32_t node = 0; node < graph->node_count; node++) {
		const uint32_t owner = search->query->dict_owners[node];

		search->owners->sources[node] = PYI_GRAPH_NONE;
		if (owner != PYI_GRAPH_NONE)
			search->with_dict[pyi_graph_type(graph, owner)] = true;
	}
	for (size_t s = 0; s < search->query->start_count; s++)
		begin(search, search->query->starts[s]);
	for (size_t r = 0; r < graph->root_count; r++) {
		uint32_t node = graph->roots[r].node;

		if (!take(search, node))
			continue;
		search->owners->sources[node] = PYI_OWNER_ROOT;
		search->owners->places[node] = (uint32_t)r;
		drain(search);
	}
	for (uint32_t node = 0; node < graph->node_count; node++)
		if (is_named(search, node) && is_listed(search, node))
			begin(search, node);
	for (uint32_t node = 0; node < graph->node_count; node++)
		if (is_listed(search, node))
			begin(search, node);
}

struct pyi_error *pyi_heap_owners_find(const struct pyi_graph *graph,
				       const struct pyi_heap_owners_query *query,
				       struct pyi_heap_owners *ret_owners)
{
	const uint64_t bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	const uint64_t sizes[] = { bytes, bytes, bytes, bits_bytes };
	struct pyi_heap_owners owners = { .space = graph->space, .node_count = graph->node_count };
	struct search search = { .graph = graph, .query = query, .owners = &owners };
	PYI_CLEANUP(pyi_guard_free)
	bool *with_dict = calloc((size_t)graph->type_count + 1, sizeof(*with_dict));
	void *regions[4] = { NULL };
	struct pyi_error *error = NULL;

	if (!with_dict)
		return pyi_error_no_memory();
	search.with_dict = with_dict;

	for (int r = 0; r < 4 && !error; r++)
		error = pyi_graph_space_map(graph->space, sizes[r], &regions[r]);
	if (!error) {
		owners.sources = regions[0];
		owners.places = regions[1];
		search.stack = regions[2];
		search.marks = regions[3];
		find(&search);
	}
	for (int r = error ? 0 : 2; r < 4; r++)
		pyi_graph_space_unmap(graph->space, regions[r], sizes[r]);
	if (!error)
		*ret_owners = owners;
	return error;
}

void pyi_heap_owners_deinit(struct pyi_heap_owners *owners)
{
	const uint64_t bytes = owners->node_count * sizeof(uint32_t);

	if (owners->space) {
		pyi_graph_space_unmap(owners->space, owners->sources, bytes);
		pyi_graph_space_unmap(owners->space, owners->places, bytes);
	}
	*owners = (struct pyi_heap_owners){ 0 };
}
