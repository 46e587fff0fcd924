/*
 * One pass of all that is computed on a graph; then texts for what is listed.
 */
#include "heap/object_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "analysis/garbage.h"
#include "analysis/heap_steps.h"
#include "base/cleanup.h"
#include "graph/bits.h"
#include "heap/graph_words.h"

enum {
	/* Of a long way, so many steps at each end are shown. */
	PATH_END_STEPS = 12,
	ROOT_LIMIT = 8,
	/* What sys.getsizeof() counts in front of an object at most (pyinspect/layout.h). */
	HEAD_BYTES = 32,
};

struct gathering {
	const struct pyi_graph_view *view;
	const struct pyi_object_request *request;
	struct pyi_graph *graph;
	uint32_t node;
	struct pyi_garbage garbage;
	struct pyi_object_facts *facts;
};

static bool is_object(const struct pyi_graph *graph, uint32_t node)
{
	return !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
}

struct pyi_error *pyi_object_facts_missing(const struct pyi_graph *graph, uint64_t addr)
{
	struct pyi_error *error = pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SUCH_OBJECT,
						   "there is no object at 0x%" PRIx64, addr);
	uint32_t below = pyi_graph_last_before(graph, addr);
	uint32_t above = below == PYI_GRAPH_NONE ? 0 : below + 1;
	uint64_t begin;

	if (below != PYI_GRAPH_NONE && is_object(graph, below)) {
		begin = pyi_graph_address(graph, below);
		if (addr - begin < pyi_graph_size(graph, below))
			return pyi_error_hint(error,
					      "it is %" PRIu64 " bytes into what 0x%" PRIx64
					      ", a %s of %" PRIu64 " bytes, may take",
					      addr - begin, begin, pyi_words_type(graph, below),
					      pyi_graph_size(graph, below));
	}
	if (above < graph->node_count && is_object(graph, above)) {
		begin = pyi_graph_address(graph, above);
		if (begin - addr <= HEAD_BYTES)
			return pyi_error_hint(error,
					      "the object at 0x%" PRIx64 ", a %s, begins %" PRIu64
					      " bytes behind it",
					      begin, pyi_words_type(graph, above), begin - addr);
	}
	return pyi_error_hint(error, "no object is near; objects come and go: take an address from "
				     "a report of now");
}

static struct pyi_error *check(const struct gathering *gathering)
{
	return gathering->view->session ? pyi_session_check(gathering->view->session) : NULL;
}

static struct pyi_error *compute(struct gathering *gathering)
{
	struct pyi_error *error = pyi_findings_dominators(gathering->view);

	if (!error)
		error = pyi_garbage_find(gathering->graph, &gathering->garbage);
	return error ? error : check(gathering);
}

/* A text that says more than the type does. */
static char *describe(const struct gathering *gathering, uint32_t node)
{
	char *value;

	if (!gathering->request->values || !gathering->view->names)
		return NULL;
	value = pyi_places_describe(&gathering->view->names->places,
				    pyi_graph_address(gathering->graph, node));
	if (value && value[0] == '<') {
		free(value);
		return NULL;
	}
	return value;
}

/* Takes over `edge`; without it there is no memory. */
static bool make_link(const struct gathering *gathering, char *edge, uint32_t node,
		      struct pyi_object_link *ret_link)
{
	*ret_link = (struct pyi_object_link){
		.edge = edge,
		.addr = is_object(gathering->graph, node)
				? pyi_graph_address(gathering->graph, node)
				: 0,
		.type = strdup(pyi_words_type(gathering->graph, node)),
		.bytes = pyi_graph_size(gathering->graph, node),
		.value = describe(gathering, node),
	};
	if (edge && ret_link->type)
		return true;
	pyi_object_link_deinit(ret_link);
	return false;
}

static bool add_link(const struct gathering *gathering, struct pyi_object_links *links, char *edge,
		     uint32_t node)
{
	struct pyi_object_link link;

	return make_link(gathering, edge, node, &link) && pyi_object_links_add(links, &link);
}

/* A key of a dict is named with its value. */
static bool is_listed(const struct gathering *gathering, uint32_t source, uint64_t place)
{
	const struct pyi_graph *graph = gathering->graph;
	uint32_t label = pyi_label_kind_of(pyi_heap_step_of(graph, source, place).label);

	return label != PYI_LABEL_KEY && label != PYI_LABEL_KEYS;
}

/* Lists and tuples are told from the last item to the first. */
static uint64_t place_at(const struct gathering *gathering, uint32_t source, uint64_t at)
{
	uint32_t kind = gathering->graph->types[pyi_graph_type(gathering->graph, source)].kind;
	uint64_t count = pyi_graph_referents(gathering->graph, source).count;

	return kind == PYI_KIND_LIST || kind == PYI_KIND_TUPLE ? count - 1 - at : at;
}

/* With what stands in its __dict__, as attributes. */
static bool list_referents(struct gathering *gathering, uint32_t source, bool is_dict_of)
{
	const struct pyi_graph_view *view = gathering->view;
	const struct pyi_graph_nodes referents = pyi_graph_referents(gathering->graph, source);
	struct pyi_object_links *links = &gathering->facts->referents;

	for (uint64_t at = 0; at < referents.count; at++) {
		uint64_t place = place_at(gathering, source, at);
		char *edge;

		if (!is_listed(gathering, source, place))
			continue;
		links->all++;
		if (links->count >= gathering->request->limit)
			continue;
		edge = is_dict_of ? pyi_words_attribute(view, source, place)
				  : pyi_words_edge(view, source, place);
		if (!add_link(gathering, links, edge, referents.items[place]))
			return false;
		if (!is_dict_of && pyi_words_is_dict_of(view, source, place) &&
		    !list_referents(gathering, referents.items[place], true))
			return false;
	}
	return true;
}

/* The instances of a class, which would hide whoever else refers to it, come last. */
static bool list_referrers(struct gathering *gathering, bool instances)
{
	const struct pyi_graph *graph = gathering->graph;
	const struct pyi_graph_nodes referrers = pyi_graph_referrers(graph, gathering->node);
	struct pyi_object_links *links = &gathering->facts->referrers;

	for (uint64_t r = 0; r < referrers.count; r++) {
		uint32_t source = referrers.items[r];
		struct pyi_object_link link;
		uint64_t place;

		/* Ascending: one that refers to it twice stands together. */
		if (r && referrers.items[r - 1] == source)
			continue;
		if ((graph->types[pyi_graph_type(graph, source)].node == gathering->node) !=
		    instances)
			continue;
		links->all++;
		if (links->count >= gathering->request->limit)
			continue;
		place = pyi_graph_place_of(graph, source, gathering->node);
		if (!make_link(gathering, pyi_words_edge(gathering->view, source, place), source,
			       &link))
			return false;
		link.owner = pyi_words_dict_owner(gathering->view, source);
		if (!pyi_object_links_add(links, &link))
			return false;
	}
	return true;
}

static bool list_roots(struct gathering *gathering)
{
	struct pyi_object_facts *facts = gathering->facts;
	size_t count;
	const struct pyi_graph_root *roots =
		pyi_graph_roots_of(gathering->graph, gathering->node, &count);

	facts->roots = calloc(ROOT_LIMIT, sizeof(*facts->roots));
	if (!facts->roots)
		return false;
	for (size_t r = 0; r < count && facts->root_count < ROOT_LIMIT; r++) {
		char *text = gathering->view->names
				     ? pyi_names_root_text(gathering->view->names, &roots[r])
				     : strdup(roots[r].text ? roots[r].text : "root");
		bool again = false;

		if (!text)
			return false;
		for (size_t t = 0; t < facts->root_count; t++)
			again |= facts->roots[t] && strcmp(text, facts->roots[t]) == 0;
		if (again)
			free(text);
		else
			facts->roots[facts->root_count++] = text;
	}
	return true;
}

/* The step to `path->nodes[at]`; what is in a __dict__ is an attribute of what that belongs to. */
static char *name_step(const struct gathering *gathering, const struct pyi_nearest_path *path,
		       size_t at, bool in_dict)
{
	uint32_t source = path->nodes[at - 1];
	uint64_t place = pyi_graph_place_of(gathering->graph, source, path->nodes[at]);

	return in_dict ? pyi_words_attribute(gathering->view, source, place)
		       : pyi_words_edge(gathering->view, source, place);
}

static bool put_steps(struct gathering *gathering, const struct pyi_nearest_path *path, FILE *words)
{
	struct pyi_object_links *links = &gathering->facts->path;
	bool in_dict = false;

	links->all = path->count;
	for (size_t at = 0; at < path->count; at++) {
		char *edge;

		if (at >= PATH_END_STEPS && at + PATH_END_STEPS < path->count) {
			if (at == PATH_END_STEPS)
				fputs(" ... ", words);
			gathering->facts->path_gap = links->count;
			in_dict = false;
			continue;
		}
		if (at)
			edge = name_step(gathering, path, at, in_dict);
		else
			edge = pyi_words_start(gathering->view, path->nodes[0], path->start);
		if (!edge)
			return false;
		in_dict = at && at + 1 < path->count && !in_dict &&
			  pyi_words_is_dict_of(gathering->view, path->nodes[at - 1],
					       pyi_graph_place_of(gathering->graph,
								  path->nodes[at - 1],
								  path->nodes[at]));
		if (in_dict) {
			/* Named with the next one. */
			free(edge);
			links->all--;
			continue;
		}
		fputs(edge, words);
		if (!add_link(gathering, links, edge, path->nodes[at]))
			return false;
	}
	return true;
}

static struct pyi_error *list_path(struct gathering *gathering)
{
	PYI_CLEANUP(pyi_nearest_path_deinit) struct pyi_nearest_path path = { 0 };
	struct pyi_object_facts *facts = gathering->facts;
	struct pyi_error *error = pyi_nearest_path_find(gathering->graph, gathering->node, &path);
	FILE *words;
	size_t size;
	bool ok;

	if (error)
		return error;
	facts->path_start = path.start;
	words = open_memstream(&facts->path_expression, &size);
	if (!words)
		return pyi_error_no_memory();
	ok = put_steps(gathering, &path, words);
	return fclose(words) == 0 && ok ? NULL : pyi_error_no_memory();
}

static struct pyi_error *measure(struct gathering *gathering)
{
	struct pyi_graph *graph = gathering->graph;
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	struct pyi_object_facts *facts = gathering->facts;
	uint32_t dominator = gathering->view->findings->dominators.dominators[gathering->node];
	struct pyi_error *error;
	void *set;

	error = pyi_graph_space_map(graph->space, bits_bytes, &set);
	if (error)
		return error;
	pyi_bits_set(set, gathering->node);
	error = pyi_retained_by_set(graph, &gathering->view->findings->entries, set,
				    &facts->retained);
	pyi_graph_space_unmap(graph->space, set, bits_bytes);
	if (error)
		return error;
	facts->flags = pyi_graph_flags(graph, gathering->node);
	facts->estimated = graph->types[pyi_graph_type(graph, gathering->node)].estimated;
	facts->reference_count = graph->reference_counts[gathering->node];
	facts->held = pyi_graph_held(graph, gathering->node);
	facts->explained = pyi_graph_referrers(graph, gathering->node).count;
	if (facts->flags & PYI_NODE_ROOT) {
		size_t roots;

		pyi_graph_roots_of(graph, gathering->node, &roots);
		facts->explained += roots;
	}
	facts->garbage = pyi_bits_has(gathering->garbage.freed, gathering->node);
	if (dominator != PYI_GRAPH_NONE &&
	    !make_link(gathering, strdup(""), dominator, &facts->dominator))
		return pyi_error_no_memory();
	return NULL;
}

static struct pyi_error *gather(struct gathering *gathering)
{
	const struct pyi_graph_view *view = gathering->view;
	struct pyi_object_facts *facts = gathering->facts;
	struct pyi_error *error = compute(gathering);

	if (!error)
		error = measure(gathering);
	if (error)
		return error;
	if (!make_link(gathering, strdup(""), gathering->node, &facts->object) ||
	    !list_roots(gathering) || !list_referents(gathering, gathering->node, false) ||
	    !list_referrers(gathering, false) || !list_referrers(gathering, true))
		return pyi_error_no_memory();
	if (view->names)
		facts->has_length = pyi_names_length(view->names, gathering->node, &facts->length);
	return list_path(gathering);
}

struct pyi_error *pyi_object_facts_gather(const struct pyi_graph_view *view,
					  const struct pyi_object_request *request,
					  struct pyi_object_facts *ret_facts)
{
	struct pyi_object_facts facts = { 0 };
	struct gathering gathering = {
		.view = view,
		.request = request,
		.graph = view->graph,
		.node = pyi_graph_find(view->graph, request->address),
		.facts = &facts,
	};
	struct pyi_error *error;

	if (gathering.node == PYI_GRAPH_NONE || !is_object(view->graph, gathering.node))
		return pyi_object_facts_missing(view->graph, request->address);
	error = gather(&gathering);
	pyi_garbage_deinit(&gathering.garbage);
	if (error) {
		pyi_object_facts_deinit(&facts);
		return error;
	}
	*ret_facts = facts;
	return NULL;
}
