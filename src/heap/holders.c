/*
 * Which objects name what they hold, and what a container is named after.
 */
#include "heap/holders.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/type_flags.h>

#include "base/cleanup.h"

static const struct pyi_graph_type *type_of(const struct pyi_holders *holders, uint32_t node)
{
	return &holders->view->graph->types[pyi_graph_type(holders->view->graph, node)];
}

static const struct pyi_layout *layout_of(const struct pyi_holders *holders)
{
	return holders->view->session->runtime.layout;
}

static uint64_t load(const struct pyi_holders *holders, uint64_t addr)
{
	return pyi_memory_u64(holders->view->snapshot->reader, addr);
}

/* What it holds is named after it: not so for containers and the small things of C code. */
static enum pyi_holder_kind holder_kind(struct pyi_holders *holders, uint32_t number)
{
	switch (holders->view->graph->types[number].kind) {
	case PYI_KIND_MODULE:
		return PYI_HOLDER_MODULE;
	case PYI_KIND_TYPE:
	case PYI_KIND_CLASS:
		return PYI_HOLDER_CLASS;
	case PYI_KIND_FUNCTION:
		return PYI_HOLDER_FUNCTION;
	case PYI_KIND_FRAME:
	case PYI_KIND_GENERATOR:
		return PYI_HOLDER_FRAME;
	/* There are as many as functions, and most hold much the same. */
	case PYI_KIND_CODE:
	case PYI_KIND_GREENLET:
	case PYI_KIND_INSTANCE:
		return PYI_HOLDER_INSTANCE;
	case PYI_KIND_PLAIN:
		return pyi_names_type(holders->view->names, number)->flags & PYI_TPFLAG_HEAP_TYPE
			       ? PYI_HOLDER_INSTANCE
			       : PYI_HOLDER_NONE;
	default:
		return PYI_HOLDER_NONE;
	}
}

/* The code of the function whose results an object of functools.lru_cache() keeps; 0: it is none.
 */
static uint64_t cached_code(struct pyi_holders *holders, uint32_t node)
{
	const struct pyi_graph *graph = holders->view->graph;
	const char *name = type_of(holders, node)->name;
	struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);

	if (!name || strcmp(name, "functools._lru_cache_wrapper") != 0)
		return 0;
	for (uint64_t r = 0; r < referents.count; r++)
		if (type_of(holders, referents.items[r])->kind == PYI_KIND_FUNCTION)
			return load(holders, pyi_graph_address(graph, referents.items[r]) +
						     layout_of(holders)->function_code);
	return 0;
}

/* The place that a named thing is itself; of an instance: its type. */
static struct pyi_place place_of(struct pyi_holders *holders, uint32_t node)
{
	uint32_t number = pyi_graph_type(holders->view->graph, node);
	uint64_t addr = pyi_graph_address(holders->view->graph, node);
	struct pyi_place place = { .holder = holder_kind(holders, number), .holder_addr = addr };

	if (pyi_graph_flags(holders->view->graph, node) & PYI_NODE_KEYS)
		return (struct pyi_place){ 0 };
	if (place.holder == PYI_HOLDER_FUNCTION)
		place.holder_addr = load(holders, addr + layout_of(holders)->function_code);
	else if (place.holder == PYI_HOLDER_FRAME)
		place.holder_addr = pyi_references_code(
			&holders->view->session->runtime, holders->view->snapshot->reader,
			pyi_names_type(holders->view->names, number), addr);
	if (place.holder == PYI_HOLDER_FRAME && !place.holder_addr)
		place.holder = PYI_HOLDER_INSTANCE;
	if (place.holder == PYI_HOLDER_INSTANCE && cached_code(holders, node)) {
		place.holder = PYI_HOLDER_CACHE;
		place.holder_addr = cached_code(holders, node);
	}
	if (place.holder == PYI_HOLDER_INSTANCE)
		place.holder_addr = holders->view->graph->types[number].addr;
	return place;
}

/* "function f closure x" for a cell, which the tuple of the closure led to. */
static bool find_variable(struct pyi_holders *holders, uint32_t tuple, uint64_t place,
			  struct pyi_place *ret_place)
{
	uint32_t function = holders->owners.sources[tuple];
	struct pyi_edge closure;
	struct pyi_edge item;

	if (function >= PYI_OWNER_ROOT || type_of(holders, function)->kind != PYI_KIND_FUNCTION)
		return false;
	closure = pyi_names_edge(holders->view->names, function, holders->owners.places[tuple]);
	item = pyi_names_edge(holders->view->names, tuple, place);
	*ret_place = place_of(holders, function);
	ret_place->edge = closure;
	if (closure.kind == PYI_EDGE_FIELD && item.kind == PYI_EDGE_INDEX &&
	    closure.detail == layout_of(holders)->function_closure)
		ret_place->edge = (struct pyi_edge){ .kind = PYI_EDGE_CLOSURE,
						     .detail = item.detail,
						     .context = ret_place->holder_addr };
	return true;
}

/* What a container is named after. */
static struct pyi_place owner_of_container(struct pyi_holders *holders, uint32_t node)
{
	uint32_t source = holders->owners.sources[node];
	uint32_t place = holders->owners.places[node];
	struct pyi_place owner = { .holder = PYI_HOLDER_ROOT };
	uint32_t object = source;

	if (source == PYI_GRAPH_NONE)
		return (struct pyi_place){ 0 };
	if (source == PYI_OWNER_ROOT) {
		owner.edge =
			(struct pyi_edge){ .kind = holders->view->graph->roots[place].kind,
					   .detail = holders->view->graph->roots[place].detail,
					   .context = holders->view->graph->roots[place].context };
	} else if (type_of(holders, source)->kind == PYI_KIND_TUPLE &&
		   find_variable(holders, source, place, &owner)) {
		return owner;
	} else {
		if (holders->dict_owners[source] != PYI_GRAPH_NONE)
			object = holders->dict_owners[source];
		owner = place_of(holders, object);
		owner.edge = pyi_names_edge(holders->view->names, source, place);
		if (object != source && owner.edge.kind == PYI_EDGE_ITEM)
			owner.edge.kind = PYI_EDGE_ATTRIBUTE;
	}
	/* Of a root, or of a greenlet: it is the frame that holds it. */
	if (owner.edge.context && owner.holder != PYI_HOLDER_FUNCTION) {
		owner.holder = PYI_HOLDER_FRAME;
		owner.holder_addr = owner.edge.context;
	}
	/* A place is the same, however it is learnt of. */
	owner.edge.internal = 0;
	return owner;
}

struct pyi_place pyi_holders_owner(struct pyi_holders *holders, uint32_t node)
{
	if (holders->last == node)
		return holders->owner;
	holders->owner = place_of(holders, node);
	if (holders->owner.holder == PYI_HOLDER_INSTANCE)
		holders->owner = (struct pyi_place){ 0 };
	else if (holders->owner.holder == PYI_HOLDER_NONE)
		holders->owner = owner_of_container(holders, node);
	holders->last = node;
	return holders->owner;
}

struct pyi_error *pyi_holders_find(struct pyi_holders *holders, const struct pyi_graph_view *view,
				   const struct pyi_subject_found *found,
				   const uint32_t *dict_owners, const uint64_t *wanted)
{
	PYI_CLEANUP(pyi_guard_free)
	uint32_t *starts = calloc(found->start_count + 1, sizeof(*starts));
	PYI_CLEANUP(pyi_guard_free)
	bool *named = calloc((size_t)view->graph->type_count + 1, sizeof(*named));
	struct pyi_heap_owners_query query = {
		.named = named,
		.dict_owners = dict_owners,
		.wanted = wanted,
		.starts = starts,
	};

	*holders = (struct pyi_holders){ .view = view,
					 .dict_owners = dict_owners,
					 .last = PYI_GRAPH_NONE };
	if (!starts || !named)
		return pyi_error_no_memory();
	for (uint32_t t = 0; t < view->graph->type_count; t++)
		named[t] = holder_kind(holders, t) != PYI_HOLDER_NONE;
	for (size_t s = 0; s < found->start_count; s++) {
		starts[query.start_count] = pyi_graph_find(view->graph, found->starts[s]);
		query.start_count += starts[query.start_count] != PYI_GRAPH_NONE;
	}
	return pyi_heap_owners_find(view->graph, &query, &holders->owners);
}

void pyi_holders_deinit(struct pyi_holders *holders)
{
	pyi_heap_owners_deinit(&holders->owners);
}
