/*
 * What the graph knows of a reference by its place is taken from there; what it does not is looked
 * for in the object.
 */
#include "heap/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "heap/edge_pattern.h"
#include "python/attributes.h"

struct pyi_error *pyi_names_init(struct pyi_names *names, const struct pyi_graph *graph,
				 const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader, bool values)
{
	*names = (struct pyi_names){
		.graph = graph,
		.places = { .runtime = runtime, .reader = reader, .values = values },
		.types = calloc((size_t)graph->type_count + 1, sizeof(*names->types)),
		.items = { .source = PYI_GRAPH_NONE },
		.offline = pyi_memory_reader_made(reader) != NULL,
	};
	return names->types ? NULL : pyi_error_no_memory();
}

void pyi_names_deinit(struct pyi_names *names)
{
	free(names->types);
	*names = (struct pyi_names){ 0 };
}

void pyi_names_read_type(struct pyi_names *names, uint32_t number)
{
	const struct pyi_graph_type *type = &names->graph->types[number];

	names->types[number] = pyi_referring_type_read(names->places.runtime, names->places.reader,
						       type->addr, type->kind);
}

static bool is_dict(const struct pyi_graph *graph, uint32_t node)
{
	uint32_t kind = graph->types[pyi_graph_type(graph, node)].kind;

	return kind == PYI_KIND_DICT || kind == PYI_KIND_ORDERED_DICT;
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

static struct pyi_edge offline_edge(struct pyi_names *names, uint32_t source, uint64_t place)
{
	struct pyi_edge edge = pyi_names_plain_edge(names, source, place);
	uint32_t internal = edge.internal;

	if (pyi_pattern_edge(names->graph, source, place, &edge))
		edge.internal = internal;
	return edge;
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

/* The object that a list or tuple has at an index; 0 if it has none. The last items come first. */
static uint64_t item_of(struct pyi_names *names, uint32_t source, uint64_t index)
{
	struct pyi_names_items *items = &names->items;
	struct pyi_memory_reader *reader = names->places.reader;
	const size_t word_bytes = sizeof(*items->words);
	uint64_t word;

	if (items->source != source) {
		items->source = source;
		items->first = items->end = 0;
		pyi_references_items(names->places.runtime, reader, type_of(names, source),
				     pyi_graph_address(names->graph, source), &items->addr,
				     &items->count);
	}
	if (index >= items->count)
		return 0;
	if (index >= items->first && index < items->end)
		return items->words[index - items->first];
	items->end = index + 1;
	items->first = index < PYI_NAMES_ITEMS ? 0 : items->end - PYI_NAMES_ITEMS;
	if (pyi_memory_try_read(reader, items->addr + items->first * word_bytes, items->words,
				(items->end - items->first) * word_bytes))
		return items->words[index - items->first];
	/* Not all of them can be read. */
	items->first = items->end = 0;
	return pyi_memory_try_read_u64(reader, items->addr + index * word_bytes, &word) ? word : 0;
}

bool pyi_names_is_item(struct pyi_names *names, uint32_t source, uint64_t place)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(names->graph, source);
	uint64_t index = referents.count - 1 - place;
	struct pyi_edge edge;

	if (names->offline) {
		edge = offline_edge(names, source, place);
		return edge.kind == PYI_EDGE_INDEX && edge.detail == index;
	}
	return pyi_graph_find(names->graph, item_of(names, source, index)) ==
	       referents.items[place];
}

/* False if the place says nothing. */
static bool find_by_place(struct pyi_names *names, const struct pyi_referring_type *type,
			  uint32_t source, uint64_t place, struct pyi_edge *ret_edge)
{
	const struct pyi_graph *graph = names->graph;
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, source);

	if (is_paired(names, type, source)) {
		ret_edge->kind = place % 2 ? PYI_EDGE_KEY : PYI_EDGE_ITEM;
		ret_edge->detail = pyi_graph_address(graph, referents.items[place | 1]);
		return true;
	}
	if ((type->kind == PYI_KIND_LIST || type->kind == PYI_KIND_TUPLE) &&
	    pyi_names_is_item(names, source, place)) {
		ret_edge->kind = PYI_EDGE_INDEX;
		ret_edge->detail = referents.count - 1 - place;
		return true;
	}
	return false;
}

static bool is_set(const struct pyi_referring_type *type)
{
	return type->kind == PYI_KIND_SET || type->kind == PYI_KIND_DEQUE;
}

struct pyi_edge pyi_names_plain_edge(struct pyi_names *names, uint32_t source, uint64_t place)
{
	const struct pyi_graph *graph = names->graph;
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, source);
	const struct pyi_referring_type *type = type_of(names, source);
	uint64_t target = pyi_graph_address(graph, referents.items[place]);
	uint32_t label = label_of(graph, source, place);
	struct pyi_edge edge = { .internal = (label & PYI_LABEL_INTERNAL) != 0 };

	if (pyi_graph_flags(graph, source) & PYI_NODE_KEYS)
		return (struct pyi_edge){ .kind = PYI_EDGE_KEY, .internal = 1, .detail = target };
	switch (pyi_label_kind_of(label)) {
	case PYI_LABEL_KEYS:
		edge.kind = PYI_EDGE_KEY;
		return edge;
	case PYI_LABEL_KEY:
		edge.kind = PYI_EDGE_KEY;
		edge.detail = target;
		return edge;
	case PYI_LABEL_TYPE:
		edge.kind = PYI_EDGE_TYPE;
		return edge;
	case PYI_LABEL_VALUE:
		edge.kind = PYI_EDGE_ITEM;
		return edge;
	default:
		break;
	}
	if (pyi_label_kind_of(label) == PYI_LABEL_PLACE && is_paired(names, type, source)) {
		edge.kind = place % 2 ? PYI_EDGE_KEY : PYI_EDGE_ITEM;
		edge.detail = pyi_graph_address(graph, referents.items[place | 1]);
	} else if (pyi_label_kind_of(label) == PYI_LABEL_PLACE &&
		   (type->kind == PYI_KIND_LIST || type->kind == PYI_KIND_TUPLE)) {
		edge.kind = PYI_EDGE_INDEX;
		edge.detail = referents.count - 1 - place;
	} else if (is_set(type) && target != type->addr) {
		edge.kind = PYI_EDGE_ELEMENT;
	} else {
		edge.kind = target == type->addr ? PYI_EDGE_TYPE : PYI_EDGE_ELSEWHERE;
	}
	return edge;
}

bool pyi_names_length(struct pyi_names *names, uint32_t node, uint64_t *ret_length)
{
	const struct pyi_kept_names *kept = names->graph->names;

	if (!names->offline)
		return pyi_attributes_length(names->places.runtime, names->places.reader,
					     pyi_graph_address(names->graph, node), ret_length);
	if (!kept || node >= kept->node_count || !kept->lengths[node])
		return false;
	*ret_length = kept->lengths[node] - 1;
	return true;
}

struct pyi_edge pyi_names_edge(struct pyi_names *names, uint32_t source, uint64_t place)
{
	const struct pyi_graph *graph = names->graph;
	const struct pyi_referring_type *type = type_of(names, source);
	uint32_t label = label_of(graph, source, place);
	struct pyi_reference reference = { .internal = (label & PYI_LABEL_INTERNAL) != 0 };
	struct pyi_edge edge = { .internal = reference.internal };

	if (names->offline)
		return offline_edge(names, source, place);
	if (pyi_label_kind_of(label) == PYI_LABEL_PLACE &&
	    !(pyi_graph_flags(graph, source) & PYI_NODE_KEYS) &&
	    find_by_place(names, type, source, place, &edge))
		return edge;
	reference.source = pyi_graph_address(graph, source);
	reference.target =
		pyi_graph_address(graph, pyi_graph_referents(graph, source).items[place]);

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
	default:
		break;
	}
	/* Of a set nothing tells them apart, and nothing has to. */
	if (type->kind != PYI_KIND_SET && type->kind != PYI_KIND_DEQUE)
		reference.number = number_of(graph, source, place);
	return pyi_references_find(names->places.runtime, names->places.reader, type, &reference);
}

char *pyi_names_edge_text(const struct pyi_names *names, const struct pyi_graph_type *type,
			  const struct pyi_edge *edge, uint64_t target_addr)
{
	PYI_CLEANUP(pyi_guard_free) char *part = NULL;
	bool element = edge->kind == PYI_EDGE_ELEMENT || edge->kind == PYI_EDGE_KEY;
	char *text;

	/* Elements of sets have no name but themselves; which one of a deque it is, nobody asks. */
	if (element && type->kind == PYI_KIND_DEQUE)
		return strdup("[*]");
	if (element)
		part = pyi_places_describe(&names->places, target_addr);
	else
		part = pyi_places_edge(&names->places, type->addr, edge);
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

	return pyi_names_edge_text(names, &graph->types[pyi_graph_type(graph, source)], &edge,
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

static uint32_t offline_dict(struct pyi_names *names, uint32_t node)
{
	const struct pyi_graph *graph = names->graph;
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);

	for (uint64_t e = 0; e < referents.count; e++)
		if (is_dict(graph, referents.items[e]) &&
		    offline_edge(names, node, e).kind == PYI_EDGE_DICT)
			return referents.items[e];
	return PYI_GRAPH_NONE;
}

uint32_t pyi_names_dict(struct pyi_names *names, uint32_t node)
{
	const struct pyi_referring_type *type = type_of(names, node);
	uint64_t dict;

	if (!type->has_attributes || pyi_graph_flags(names->graph, node) & PYI_NODE_KEYS)
		return PYI_GRAPH_NONE;
	if (names->offline)
		return offline_dict(names, node);
	dict = pyi_references_dict(names->places.runtime, names->places.reader, type,
				   pyi_graph_address(names->graph, node));
	return dict ? pyi_graph_find(names->graph, dict) : PYI_GRAPH_NONE;
}
