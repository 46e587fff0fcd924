/*
 * What the graph knows of a reference by its place is taken from there; what it does not is looked
 * for in the object.
 */
#include "heap/names.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct pyi_error *pyi_names_init(struct pyi_names *names, const struct pyi_graph *graph,
				 const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader, bool values)
{
	*names = (struct pyi_names){
		.graph = graph,
		.places = { .runtime = runtime, .reader = reader, .values = values },
		.types = calloc((size_t)graph->type_count + 1, sizeof(*names->types)),
	};
	return names->types ? NULL : pyi_error_no_memory();
}

void pyi_names_deinit(struct pyi_names *names)
{
	free(names->types);
	*names = (struct pyi_names){ 0 };
}

const struct pyi_referring_type *pyi_names_type(struct pyi_names *names, uint32_t number)
{
	const struct pyi_graph_type *type = &names->graph->types[number];

	if (!names->types[number].addr)
		names->types[number] = pyi_referring_type_read(
			names->places.runtime, names->places.reader, type->addr, type->kind);
	return &names->types[number];
}

static const struct pyi_referring_type *type_of(struct pyi_names *names, uint32_t node)
{
	return pyi_names_type(names, pyi_graph_type(names->graph, node));
}

static uint32_t label_of(const struct pyi_graph *graph, uint32_t source, uint64_t place)
{
	const uint16_t *labels = pyi_graph_labels(graph, source);

	return labels ? labels[place] : 0;
}

/* Which one it is of the references to the same object that nothing tells apart. */
static uint64_t number_of(const struct pyi_graph *graph, uint32_t source, uint64_t place)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, source);
	uint32_t label = label_of(graph, source, place);
	uint64_t number = 0;

	for (uint64_t e = 0; e < place; e++)
		number += referents.items[e] == referents.items[place] &&
			  label_of(graph, source, e) == label;
	return number;
}

/* Of a dict that is whole, each value is followed by its key. */
static bool is_paired(const struct pyi_names *names, const struct pyi_referring_type *type,
		      uint32_t source)
{
	return type->addr == names->places.runtime->dict_type_addr &&
	       !pyi_graph_labels(names->graph, source) &&
	       !(pyi_graph_flags(names->graph, source) & PYI_NODE_INCOMPLETE) &&
	       pyi_graph_referents(names->graph, source).count % 2 == 0;
}

/* False if the place says nothing. */
static bool find_by_place(struct pyi_names *names, const struct pyi_referring_type *type,
			  uint32_t source, uint64_t place, struct pyi_edge *ret_edge)
{
	const struct pyi_graph *graph = names->graph;
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, source);
	uint64_t addr = pyi_graph_address(graph, referents.items[place]);
	uint64_t index = referents.count - 1 - place;

	if (is_paired(names, type, source)) {
		ret_edge->kind = place % 2 ? PYI_EDGE_KEY : PYI_EDGE_ITEM;
		ret_edge->detail = pyi_graph_address(graph, referents.items[place | 1]);
		return true;
	}
	if ((type->kind == PYI_KIND_LIST || type->kind == PYI_KIND_TUPLE) &&
	    pyi_references_item(names->places.runtime, names->places.reader, type,
				pyi_graph_address(graph, source), index) == addr) {
		ret_edge->kind = PYI_EDGE_INDEX;
		ret_edge->detail = index;
		return true;
	}
	return false;
}

struct pyi_edge pyi_names_edge(struct pyi_names *names, uint32_t source, uint64_t place)
{
	const struct pyi_graph *graph = names->graph;
	const struct pyi_referring_type *type = type_of(names, source);
	uint32_t label = label_of(graph, source, place);
	struct pyi_reference reference = {
		.source = pyi_graph_address(graph, source),
		.target = pyi_graph_address(graph, pyi_graph_referents(graph, source).items[place]),
		.internal = (label & PYI_LABEL_INTERNAL) != 0,
	};
	struct pyi_edge edge = { .internal = reference.internal };

	if (pyi_graph_flags(graph, source) & PYI_NODE_KEYS)
		return (struct pyi_edge){ .kind = PYI_EDGE_KEY,
					  .internal = 1,
					  .detail = reference.target };
	switch (pyi_label_kind_of(label)) {
	case PYI_LABEL_KEYS:
		edge.kind = PYI_EDGE_KEY;
		return edge;
	case PYI_LABEL_KEY:
		edge.kind = PYI_EDGE_KEY;
		edge.detail = reference.target;
		return edge;
	case PYI_LABEL_TYPE:
		edge.kind = PYI_EDGE_TYPE;
		return edge;
	case PYI_LABEL_VALUE:
		edge.kind = PYI_EDGE_ITEM;
		edge.detail = pyi_references_split_key(
			names->places.runtime, names->places.reader, reference.source,
			label & (PYI_LABEL_SLOTS - 1), reference.target);
		return edge;
	case PYI_LABEL_PLACE:
		if (find_by_place(names, type, source, place, &edge))
			return edge;
		break;
	default:
		break;
	}
	/* Of a set nothing tells them apart, and nothing has to. */
	if (type->kind != PYI_KIND_SET && type->kind != PYI_KIND_DEQUE)
		reference.number = number_of(graph, source, place);
	return pyi_references_find(names->places.runtime, names->places.reader, type, &reference);
}

char *pyi_names_edge_text(const struct pyi_names *names, uint64_t type_addr,
			  const struct pyi_edge *edge, uint64_t target_addr)
{
	PYI_CLEANUP(pyi_guard_free) char *part = NULL;
	bool element = edge->kind == PYI_EDGE_ELEMENT || edge->kind == PYI_EDGE_KEY;
	char *text;

	/* Elements of sets have no name but themselves. */
	if (element)
		part = pyi_places_describe(&names->places, target_addr);
	else
		part = pyi_places_edge(&names->places, type_addr, edge);
	if (!part)
		return NULL;
	/* "local x" of a generator: a word of its own. */
	if (element ? asprintf(&text, "{%s}", part) < 0
		    : asprintf(&text, "%s%s", edge->kind == PYI_EDGE_LOCAL ? " " : "", part) < 0)
		return NULL;
	return text;
}

char *pyi_names_text(struct pyi_names *names, uint32_t source, uint64_t place)
{
	const struct pyi_graph *graph = names->graph;
	struct pyi_edge edge = pyi_names_edge(names, source, place);
	uint32_t target = pyi_graph_referents(graph, source).items[place];

	return pyi_names_edge_text(names, graph->types[pyi_graph_type(graph, source)].addr, &edge,
				   pyi_graph_address(graph, target));
}

char *pyi_names_root_text(const struct pyi_names *names, const struct pyi_graph_root *root)
{
	struct pyi_place place = {
		.holder = PYI_HOLDER_ROOT,
		.edge = { .kind = root->kind, .detail = root->detail, .context = root->context },
	};
	bool none;

	if (root->kind == PYI_EDGE_LOCAL || root->kind == PYI_EDGE_FRAME) {
		place.holder = PYI_HOLDER_FRAME;
		place.holder_addr = root->context;
	}
	return pyi_places_owner(&names->places, &place, &none);
}

uint32_t pyi_names_dict(struct pyi_names *names, uint32_t node)
{
	const struct pyi_referring_type *type = type_of(names, node);
	uint64_t dict;

	if (!type->has_attributes || pyi_graph_flags(names->graph, node) & PYI_NODE_KEYS)
		return PYI_GRAPH_NONE;
	dict = pyi_references_dict(names->places.runtime, names->places.reader, type,
				   pyi_graph_address(names->graph, node));
	return dict ? pyi_graph_find(names->graph, dict) : PYI_GRAPH_NONE;
}
