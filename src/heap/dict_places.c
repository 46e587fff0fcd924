/*
 * Sorts both what the dict has and what is referred to, and goes through them side by side.
 */
#include "heap/dict_places.h"

#include <stdlib.h>

#include "base/array.h"
#include "python/attributes.h"

enum {
	ENTRY_LIMIT = 1 << 28,
};

/* A key or a value, in the order in which python/references.h finds them. */
struct offer {
	uint64_t target;
	uint64_t order;
	uint64_t key;
};

struct edge {
	uint64_t target;
	uint64_t place;
	uint16_t label;
};

struct found {
	uint64_t key;
	bool is_key;
	bool known;
};

struct pyi_dict_places {
	struct found *found;
	uint64_t count;
};

struct gathering {
	struct offer *offers;
	size_t count;
	size_t capacity;
	bool out_of_memory;
};

static bool gather(void *argument, uint64_t key, uint64_t value)
{
	struct gathering *gathering = argument;
	const uint64_t targets[] = { value, key };

	for (int i = 0; i < 2; i++) {
		if (!pyi_array_reserve(&gathering->offers, gathering->count, &gathering->capacity,
				       sizeof(*gathering->offers))) {
			gathering->out_of_memory = true;
			return false;
		}
		gathering->offers[gathering->count] =
			(struct offer){ targets[i], gathering->count, key };
		gathering->count++;
	}
	return gathering->count < ENTRY_LIMIT;
}

static int compare_offers(const void *one, const void *other)
{
	const struct offer *first = one;
	const struct offer *second = other;

	if (first->target != second->target)
		return first->target < second->target ? -1 : 1;
	return (first->order > second->order) - (first->order < second->order);
}

static int compare_edges(const void *one, const void *other)
{
	const struct edge *first = one;
	const struct edge *second = other;

	if (first->target != second->target)
		return first->target < second->target ? -1 : 1;
	if (first->label != second->label)
		return first->label < second->label ? -1 : 1;
	return (first->place > second->place) - (first->place < second->place);
}

/* Of references to the same object, the first one is the first that the dict has, and so on. */
static void match(struct pyi_dict_places *places, const struct gathering *gathering,
		  const struct edge *edges, uint64_t edge_count)
{
	const struct offer *offers = gathering->offers;
	/* What the dict has of the target. */
	size_t first = 0;
	size_t end = 0;
	uint64_t number = 0;

	for (uint64_t e = 0; e < edge_count; e++) {
		bool alike = e && edges[e].target == edges[e - 1].target;
		const struct offer *offer;

		number = alike && edges[e].label == edges[e - 1].label ? number + 1 : 0;
		if (!alike) {
			for (first = end;
			     first < gathering->count && offers[first].target < edges[e].target;)
				first++;
			for (end = first;
			     end < gathering->count && offers[end].target == edges[e].target;)
				end++;
		}
		if (first == end)
			continue;
		offer = &offers[number < end - first ? first + number : end - 1];
		places->found[edges[e].place] = (struct found){
			.key = offer->key,
			.is_key = offer->order % 2,
			.known = true,
		};
	}
}

static bool is_searched(const struct pyi_graph_view *view, uint32_t node, uint64_t least)
{
	const struct pyi_graph *graph = view->graph;
	const struct pyi_graph_type *type = &graph->types[pyi_graph_type(graph, node)];

	return (type->kind == PYI_KIND_DICT || type->kind == PYI_KIND_ORDERED_DICT) &&
	       type->addr != view->session->runtime.dict_type_addr &&
	       !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS) &&
	       pyi_graph_referents(graph, node).count > least;
}

/* What is not only an item is looked for: the class, and what the object has as attributes. */
static bool may_be_else(const struct pyi_graph *graph, uint32_t node, uint32_t target)
{
	return target == graph->types[pyi_graph_type(graph, node)].node;
}

struct pyi_error *pyi_dict_places_find(const struct pyi_graph_view *view, uint32_t node,
				       uint64_t least, struct pyi_dict_places **ret_places)
{
	const struct pyi_graph *graph = view->graph;
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);
	PYI_CLEANUP(pyi_guard_dict_places) struct pyi_dict_places *places = NULL;
	PYI_CLEANUP(pyi_guard_free) struct edge *edges = NULL;
	struct gathering gathering = { 0 };
	uint32_t dict;
	uint64_t count = 0;
	const uint16_t *labels;

	if (!is_searched(view, node, least))
		return NULL;
	dict = pyi_names_dict(view->names, node);
	labels = pyi_graph_labels(graph, node);
	places = calloc(1, sizeof(*places));
	edges = calloc(referents.count, sizeof(*edges));
	if (places)
		places->found = calloc(referents.count, sizeof(*places->found));
	if (places && places->found && edges)
		(void)pyi_attributes_each_item(&view->session->runtime, view->snapshot->reader,
					       pyi_graph_address(graph, node), gather, &gathering);
	if (!places || !places->found || !edges || gathering.out_of_memory) {
		free(gathering.offers);
		return pyi_error_no_memory();
	}
	places->count = referents.count;
	for (uint64_t e = 0; e < referents.count; e++)
		if (referents.items[e] != dict && !may_be_else(graph, node, referents.items[e]) &&
		    (!labels || pyi_label_kind_of(labels[e]) == PYI_LABEL_PLACE ||
		     pyi_label_kind_of(labels[e]) == PYI_LABEL_ELSEWHERE))
			edges[count++] =
				(struct edge){ pyi_graph_address(graph, referents.items[e]), e,
					       labels ? labels[e] : 0 };
	if (gathering.count)
		qsort(gathering.offers, gathering.count, sizeof(*gathering.offers), compare_offers);
	qsort(edges, count, sizeof(*edges), compare_edges);
	match(places, &gathering, edges, count);
	free(gathering.offers);
	*ret_places = pyi_return_ptr(places);
	return NULL;
}

void pyi_dict_places_destroy(struct pyi_dict_places *places)
{
	if (!places)
		return;
	free(places->found);
	free(places);
}

bool pyi_dict_places_edge(const struct pyi_dict_places *places, uint64_t place,
			  struct pyi_edge *ret_edge)
{
	if (place >= places->count || !places->found[place].known)
		return false;
	*ret_edge = (struct pyi_edge){
		.kind = places->found[place].is_key ? PYI_EDGE_KEY : PYI_EDGE_ITEM,
		.detail = places->found[place].key,
	};
	return true;
}
