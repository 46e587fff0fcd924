/*
 * Asks the names of a snapshot (heap/names.h); where there is none, the texts and places of the
 * graph.
 */
#include "heap/graph_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "analysis/heap_steps.h"
#include "python/secrets.h"

enum {
	/* Of what refers to a dict and is neither a module nor a class, so many are looked at. */
	OWNER_LIMIT = 256,
};

static char *copy(const char *text)
{
	return strdup(text);
}

const char *pyi_words_type(const struct pyi_graph *graph, uint32_t node)
{
	const char *name = graph->types[pyi_graph_type(graph, node)].name;

	if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS)
		return "(keys of dicts)";
	return name ? name : "?";
}

static uint32_t kind_of(const struct pyi_graph *graph, uint32_t node)
{
	return graph->types[pyi_graph_type(graph, node)].kind;
}

/* Of a dump: what stands in it. */
static char *words_without_names(const struct pyi_graph *graph, uint32_t source, uint64_t place)
{
	const struct pyi_heap_step step = pyi_heap_step_of(graph, source, place);
	const char *text = step.place == PYI_AT_KEY ? pyi_graph_text(graph, step.detail) : NULL;
	char *words;

	switch (pyi_label_kind_of(step.label)) {
	case PYI_LABEL_VALUE:
		if (!text || pyi_secrets_looks_secret(text))
			return copy("[?]");
		return asprintf(&words, "['%s']", text) < 0 ? NULL : words;
	case PYI_LABEL_KEY:
		return copy("{?}");
	case PYI_LABEL_TYPE:
		return copy(".__class__");
	case PYI_LABEL_DICT:
		return copy(".__dict__");
	default:
		break;
	}
	if (step.place == PYI_AT_INDEX)
		return asprintf(&words, "[%" PRIu32 "]", step.detail) < 0 ? NULL : words;
	return copy(".?");
}

char *pyi_words_edge(const struct pyi_graph_view *view, uint32_t source, uint64_t place)
{
	return view->names ? pyi_names_text(view->names, source, place)
			   : words_without_names(view->graph, source, place);
}

char *pyi_words_attribute(const struct pyi_graph_view *view, uint32_t dict, uint64_t place)
{
	char name[PYI_NAME_BYTES];
	struct pyi_edge edge;
	char *item;
	char *words;

	if (view->names) {
		edge = pyi_names_edge(view->names, dict, place);
		if (edge.kind == PYI_EDGE_ITEM &&
		    pyi_places_attribute_name(&view->names->places, edge.detail, name))
			return asprintf(&words, ".%s", name) < 0 ? NULL : words;
	}
	item = pyi_words_edge(view, dict, place);
	if (!item || asprintf(&words, ".__dict__%s", item) < 0)
		words = NULL;
	free(item);
	return words;
}

bool pyi_words_is_dict_of(const struct pyi_graph_view *view, uint32_t source, uint64_t place)
{
	const uint16_t *labels = pyi_graph_labels(view->graph, source);

	if (view->names)
		return pyi_names_edge(view->names, source, place).kind == PYI_EDGE_DICT;
	return labels && pyi_label_kind_of(labels[place]) == PYI_LABEL_DICT;
}

char *pyi_words_start(const struct pyi_graph_view *view, uint32_t node, enum pyi_path_start start)
{
	const struct pyi_graph_root *roots;
	size_t count;
	size_t r = 0;

	switch (start) {
	case PYI_PATH_FROM_IMMORTAL:
		return copy("never freed");
	case PYI_PATH_FROM_HELD:
		return copy("held by C code");
	case PYI_PATH_FROM_ROOT:
	case PYI_PATH_FROM_FRAME:
		break;
	default:
		return copy("nothing");
	}
	roots = pyi_graph_roots_of(view->graph, node, &count);
	/* Of several, one with a place of its own. */
	while (r + 1 < count && roots[r].kind == PYI_EDGE_FRAME)
		r++;
	if (!count)
		return copy("?");
	if (!view->names)
		return copy(roots[r].text ? roots[r].text : "root");
	return pyi_names_root_text(view->names, &roots[r]);
}

static char *name_of_holder(const struct pyi_graph_view *view, uint32_t node,
			    enum pyi_holder_kind holder)
{
	const struct pyi_place place = {
		.holder = holder,
		.holder_addr = pyi_graph_address(view->graph, node),
	};
	bool none;

	return pyi_places_owner(&view->names->places, &place, &none);
}

char *pyi_words_dict_owner(const struct pyi_graph_view *view, uint32_t dict)
{
	const struct pyi_graph *graph = view->graph;
	const struct pyi_graph_nodes referrers = pyi_graph_referrers(graph, dict);
	unsigned tried = 0;
	char *words;

	if (!view->names || kind_of(graph, dict) != PYI_KIND_DICT)
		return NULL;
	for (uint64_t r = 0; r < referrers.count; r++) {
		const uint32_t node = referrers.items[r];

		if (kind_of(graph, node) == PYI_KIND_MODULE &&
		    pyi_names_dict(view->names, node) == dict)
			return name_of_holder(view, node, PYI_HOLDER_MODULE);
		if (kind_of(graph, node) == PYI_KIND_TYPE &&
		    pyi_words_is_dict_of(view, node, pyi_graph_place_of(graph, node, dict)))
			return name_of_holder(view, node, PYI_HOLDER_CLASS);
		if (kind_of(graph, node) == PYI_KIND_CLASS &&
		    pyi_names_dict(view->names, node) == dict)
			return name_of_holder(view, node, PYI_HOLDER_CLASS);
	}
	for (uint64_t r = 0; r < referrers.count && tried++ < OWNER_LIMIT; r++) {
		const uint32_t node = referrers.items[r];

		if (pyi_names_dict(view->names, node) == dict)
			return asprintf(&words, "%s 0x%" PRIx64, pyi_words_type(graph, node),
					pyi_graph_address(graph, node)) < 0
				       ? NULL
				       : words;
	}
	return NULL;
}
