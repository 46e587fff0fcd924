/*
 * Suspects are types of the program, by what all of their objects retain together; and single
 * objects that alone keep many that are alike, by the tree of dominators.
 */
#include "heap/explanation.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "analysis/dominator_tree.h"
#include "analysis/garbage.h"
#include "analysis/heap_types.h"
#include "analysis/nearest_path.h"
#include "analysis/retained.h"
#include "analysis/retained_by_type.h"
#include "base/cleanup.h"
#include "heap/graph_words.h"
#include "heap/paths.h"

enum {
	TREE_GROUPS = 200,
	TREE_DEPTH = 20,
	/* Of the bytes of all objects: smaller groups are not looked at. */
	TREE_SHARE = 20,
	TYPE_CANDIDATES = 8,
	/* A search answers for 32; a program has a few. */
	METACLASS_LIMIT = 256,
};

struct gathering {
	const struct pyi_graph_view *view;
	struct pyi_garbage garbage;
	struct pyi_explanation *facts;
};

static struct pyi_error *check(void *session)
{
	return pyi_session_check(session);
}

static struct pyi_error *compute(struct gathering *gathering)
{
	struct pyi_error *error = pyi_findings_dominators(gathering->view);

	if (!error)
		error = pyi_garbage_find(gathering->view->graph, &gathering->garbage);
	return error ? error : pyi_session_check(gathering->view->session);
}

static struct pyi_error *add_up(struct gathering *gathering)
{
	PYI_CLEANUP(pyi_census_deinit) struct pyi_census census = { 0 };
	struct pyi_explanation *facts = gathering->facts;
	struct pyi_process_status status;
	struct pyi_census_sum sum;
	struct pyi_error *error = pyi_heap_types(gathering->view->graph, NULL, &census);

	if (!error && gathering->view->status)
		status = *gathering->view->status;
	else if (!error)
		error = pyi_process_read_status(&gathering->view->session->source.process, 0,
						&status);
	if (error)
		return error;
	sum = pyi_census_sum_from(&census, 0);
	facts->objects = sum.count;
	facts->object_bytes = sum.bytes;
	for (size_t t = 0; t < census.type_count; t++)
		facts->object_bytes_estimated |= census.types[t].estimated;
	facts->rss_bytes = status.rss_bytes;
	facts->anonymous_bytes = status.anonymous_bytes;
	facts->swapped_bytes = status.swapped_bytes;
	facts->huge_pool_bytes = status.huge_pool_bytes;
	facts->thread_count = status.thread_count;
	facts->garbage_found = gathering->garbage.found_objects;
	facts->garbage_objects = gathering->garbage.freed_objects;
	facts->garbage_bytes = gathering->garbage.freed_bytes;
	return NULL;
}

/* The answer stays empty for several classes of one name, or for one that has come since its
   objects were counted. */
static struct pyi_error *ask_paths(struct gathering *gathering,
				   const struct pyi_graph_question *question)
{
	struct pyi_error *error = question->prepare(question->argument, gathering->view);

	if (!error)
		error = question->ask(question->argument, gathering->view);
	if (error && error->code != PYI_ERROR_INTERRUPTED && error->code != PYI_ERROR_TIMEOUT) {
		pyi_error_destroy(error);
		return NULL;
	}
	return error;
}

/* Through what most objects of a type, or one object, are reached; NULL if that has no answer. */
static struct pyi_error *find_path(struct gathering *gathering, const char *type, uint64_t addr,
				   struct pyi_suspect *suspect)
{
	const struct pyi_subject subject = { .type = type, .exact = type != NULL, .address = addr };
	PYI_CLEANUP(pyi_paths_question_deinit)
	struct pyi_paths_question paths = { .subject = &subject, .limit = 1 };
	const struct pyi_graph_question question = pyi_paths_ask(&paths);
	struct pyi_error *error = ask_paths(gathering, &question);

	if (error)
		return error;
	if (type && paths.answer.ways.count) {
		const struct pyi_way *most = &paths.answer.ways.items[0];

		/* One that is healthy may hold all others, as a program's main task does. */
		for (size_t w = 1; w < paths.answer.ways.count; w++)
			if (paths.answer.ways.items[w].instances > most->instances)
				most = &paths.answer.ways.items[w];
		suspect->path = strdup(most->expression);
		suspect->path_objects = most->instances;
		suspect->held_objects = paths.answer.held_instances;
	} else if (addr && paths.answer.count) {
		suspect->path = strdup(paths.answer.paths[0].expression);
		suspect->path_objects = 1;
	}
	return NULL;
}

/*
 * One str, bytes or array can be most of the memory, and is no suspect: it keeps nothing. There may
 * be two or three of these.
 */
static struct pyi_error *find_largest(struct gathering *gathering)
{
	const struct pyi_graph *graph = gathering->view->graph;
	struct pyi_explanation *facts = gathering->facts;
	uint32_t nodes[PYI_LARGEST_LIMIT];
	size_t count = 0;

	for (uint32_t node = 0; node < graph->node_count; node++) {
		uint64_t size = pyi_graph_size(graph, node);
		size_t at = count;

		/* As many as it takes: there is one. */
		if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS ||
		    !pyi_explanation_is_suspect(facts, size, PYI_SUSPECT_LEAST_OBJECTS))
			continue;
		while (at && pyi_graph_size(graph, nodes[at - 1]) < size)
			at--;
		if (at == PYI_LARGEST_LIMIT)
			continue;
		count += count < PYI_LARGEST_LIMIT;
		memmove(nodes + at + 1, nodes + at, (count - at - 1) * sizeof(*nodes));
		nodes[at] = node;
	}
	for (size_t l = 0; l < count; l++) {
		struct pyi_largest *largest = &facts->largest[l];
		struct pyi_suspect found = { 0 };
		struct pyi_error *error;

		*largest = (struct pyi_largest){
			.type = strdup(pyi_words_type(graph, nodes[l])),
			.addr = pyi_graph_address(graph, nodes[l]),
			.bytes = pyi_graph_size(graph, nodes[l]),
			.estimated = graph->types[pyi_graph_type(graph, nodes[l])].estimated,
		};
		facts->largest_count = l + 1;
		if (!largest->type)
			return pyi_error_no_memory();
		error = find_path(gathering, NULL, largest->addr, &found);
		if (error)
			return error;
		largest->path = found.path;
	}
	return NULL;
}

/* Classes are what the program is made of, not what it works with. */
static bool is_metaclass(const struct pyi_graph *graph, const char *name)
{
	for (uint32_t t = 0; t < graph->type_count; t++)
		if (graph->types[t].name && strcmp(graph->types[t].name, name) == 0)
			return graph->types[t].kind == PYI_KIND_TYPE ||
			       graph->types[t].kind == PYI_KIND_CLASS ||
			       graph->types[t].kind == PYI_KIND_MODULE;
	return false;
}

static struct pyi_error *suspect_types(struct gathering *gathering)
{
	const struct pyi_census_filter filter = { .no_builtins = true };
	const struct pyi_retained_check checks = { check, gathering->view->session };
	PYI_CLEANUP(pyi_retained_types_deinit) struct pyi_retained_types types = { 0 };
	struct pyi_explanation *facts = gathering->facts;
	struct pyi_error *error = pyi_retained_find_types(
		gathering->view->graph, &gathering->view->findings->entries,
		&gathering->view->findings->dominators, &filter, TYPE_CANDIDATES, &checks, &types);

	for (size_t t = 0; t < types.count && !error && facts->suspect_count < PYI_SUSPECT_LIMIT;
	     t++) {
		const struct pyi_retained_type *type = &types.items[t];
		struct pyi_suspect *suspect = &facts->suspects[facts->suspect_count];

		if (!pyi_explanation_is_suspect(facts, type->retained_bytes, type->type.count) ||
		    is_metaclass(gathering->view->graph, type->type.name))
			continue;
		*suspect = (struct pyi_suspect){
			.type = strdup(type->type.name),
			.objects = type->type.count,
			.retained_bytes = type->retained_bytes,
			.estimated = type->retained_estimated,
		};
		facts->suspect_count++;
		if (!suspect->type)
			return pyi_error_no_memory();
		error = find_path(gathering, suspect->type, 0, suspect);
	}
	return error;
}

static bool is_known(const struct pyi_explanation *facts, const char *type)
{
	for (size_t s = 0; s < facts->suspect_count; s++)
		if (!facts->suspects[s].container_addr &&
		    strcmp(facts->suspects[s].type, type) == 0)
			return true;
	return false;
}

/* What holds the program together: modules, classes, functions, their dicts. */
static bool is_of_program(const struct pyi_graph *graph, uint32_t node)
{
	switch (graph->types[pyi_graph_type(graph, node)].kind) {
	case PYI_KIND_MODULE:
	case PYI_KIND_TYPE:
	case PYI_KIND_CLASS:
	case PYI_KIND_FUNCTION:
	case PYI_KIND_CODE:
		return true;
	default:
		return false;
	}
}

/* The dict of a module or class, whose functions are the program; others have some because
   something made them. */
static bool is_namespace(const struct pyi_graph *graph, uint32_t node)
{
	struct pyi_graph_nodes referrers = pyi_graph_referrers(graph, node);

	for (size_t r = 0; r < referrers.count; r++) {
		uint32_t kind = graph->types[pyi_graph_type(graph, referrers.items[r])].kind;

		if (kind == PYI_KIND_MODULE || kind == PYI_KIND_TYPE || kind == PYI_KIND_CLASS)
			return true;
	}
	return false;
}

static bool may_be_suspect(const struct pyi_graph *graph, uint32_t node, uint32_t container)
{
	uint32_t kind = graph->types[pyi_graph_type(graph, node)].kind;

	if (is_of_program(graph, container))
		return false;
	if (kind == PYI_KIND_FUNCTION || kind == PYI_KIND_CODE)
		return !is_namespace(graph, container);
	return !is_of_program(graph, node);
}

/* A group with a suspect above it is part of that; so is another group of the same container. */
static struct pyi_error *suspect_group(struct gathering *gathering,
				       const struct pyi_dominator_tree *tree, size_t at,
				       bool *explained)
{
	const struct pyi_graph *graph = gathering->view->graph;
	const struct pyi_tree_group *group = &tree->groups[at];
	struct pyi_explanation *facts = gathering->facts;
	struct pyi_suspect *suspect = &facts->suspects[facts->suspect_count];
	const char *type = pyi_words_type(graph, group->example);
	const struct pyi_tree_group *above;

	explained[at] = group->above != PYI_GRAPH_NONE && explained[group->above];
	if (explained[at] || is_known(facts, type)) {
		explained[at] = true;
		return NULL;
	}
	if (group->above == PYI_GRAPH_NONE || facts->suspect_count == PYI_SUSPECT_LIMIT)
		return NULL;
	above = &tree->groups[group->above];
	if (above->objects != 1 || !may_be_suspect(graph, group->example, above->example) ||
	    (!pyi_explanation_is_suspect(facts, group->retained_bytes, group->objects) &&
	     !pyi_explanation_are_large(facts, group->retained_bytes, group->objects)))
		return NULL;
	explained[at] = true;
	for (size_t s = 0; s < facts->suspect_count; s++) {
		struct pyi_suspect *known = &facts->suspects[s];

		if (known->container_addr != pyi_graph_address(graph, above->example))
			continue;
		/* As keys and values may be. */
		if (strcmp(known->type, type) == 0)
			known->objects += group->objects;
		return NULL;
	}
	*suspect = (struct pyi_suspect){
		.type = strdup(type),
		.objects = group->objects,
		.retained_bytes = above->retained_bytes,
		.estimated = above->estimated,
		.container_addr = pyi_graph_address(graph, above->example),
		.container_type = strdup(pyi_words_type(graph, above->example)),
	};
	facts->suspect_count++;
	if (!suspect->type || !suspect->container_type)
		return pyi_error_no_memory();
	return find_path(gathering, NULL, suspect->container_addr, suspect);
}

static struct pyi_error *suspect_containers(struct gathering *gathering)
{
	PYI_CLEANUP(pyi_dominator_tree_deinit) struct pyi_dominator_tree tree = { 0 };
	const struct pyi_tree_request request = {
		.depth = TREE_DEPTH,
		.limit = TREE_GROUPS,
		.least_bytes = gathering->facts->object_bytes / TREE_SHARE,
	};
	PYI_CLEANUP(pyi_guard_free) bool *explained = NULL;
	struct pyi_error *error = pyi_dominator_tree_make(
		gathering->view->graph, &gathering->view->findings->dominators, &request, &tree);

	if (error)
		return error;
	explained = calloc(tree.count + 1, sizeof(*explained));
	if (!explained)
		return pyi_error_no_memory();
	for (size_t g = 0; g < tree.count && !error; g++) {
		error = pyi_session_check(gathering->view->session);
		if (!error)
			error = suspect_group(gathering, &tree, g, explained);
	}
	return error;
}

/* The classes of one metaclass, as far as they are reached by one way. */
static struct pyi_error *suspect_classes_of(struct gathering *gathering, const char *metaclass)
{
	const struct pyi_subject subject = { .type = metaclass, .exact = true };
	PYI_CLEANUP(pyi_paths_question_deinit)
	struct pyi_paths_question paths = { .subject = &subject, .limit = 1 };
	const struct pyi_graph_question question = pyi_paths_ask(&paths);
	struct pyi_explanation *facts = gathering->facts;
	struct pyi_error *error = ask_paths(gathering, &question);

	for (size_t w = 0; w < paths.answer.ways.count && !error; w++) {
		const struct pyi_way *way = &paths.answer.ways.items[w];
		struct pyi_suspect *suspect;

		if (!pyi_explanation_is_suspect(facts, way->retained_bytes, way->instances))
			continue;
		pyi_explanation_drop_behind(facts, way->expression, way->retained_bytes);
		if (facts->suspect_count == PYI_SUSPECT_LIMIT)
			return NULL;
		if (pyi_explanation_above_way(facts, facts->suspect_count, way->expression))
			continue;
		suspect = &facts->suspects[facts->suspect_count];
		*suspect = (struct pyi_suspect){
			.type = strdup(metaclass),
			.classes = true,
			.objects = way->instances,
			.retained_bytes = way->retained_bytes,
			.estimated = paths.answer.estimated,
			.path = strdup(way->expression),
			.path_objects = way->instances,
		};
		facts->suspect_count++;
		if (!suspect->type || !suspect->path)
			return pyi_error_no_memory();
	}
	return error;
}

/*
 * Classes that are reached by one way are no part of the program, which has each by its own name:
 * they are made again and again, by type(), namedtuple() and the like.
 */
static struct pyi_error *suspect_classes(struct gathering *gathering)
{
	const struct pyi_graph *graph = gathering->view->graph;
	const char *names[METACLASS_LIMIT] = { NULL };
	struct pyi_retained all[METACLASS_LIMIT];
	struct pyi_error *error;
	size_t count = 0;

	/* In the order in which they were met: `type` comes early. */
	for (uint32_t t = 0; t < graph->type_count && count < METACLASS_LIMIT; t++)
		if (graph->types[t].kind == PYI_KIND_TYPE && graph->types[t].name)
			names[count++] = graph->types[t].name;
	error = pyi_retained_by_types(graph, &gathering->view->findings->entries, names, count,
				      NULL, all);
	for (size_t m = 0; m < count && !error; m++)
		if (pyi_explanation_is_suspect(gathering->facts, all[m].bytes, all[m].objects))
			error = suspect_classes_of(gathering, names[m]);
	return error;
}

static bool is_held(const struct gathering *gathering, uint32_t node)
{
	const struct pyi_graph *graph = gathering->view->graph;

	return gathering->view->findings->dominators.dominators[node] == PYI_GRAPH_NONE &&
	       !pyi_graph_referrers(graph, node).count &&
	       pyi_path_start_of(graph, node) == PYI_PATH_FROM_HELD;
}

/* Objects that only references which nothing explains keep alive. */
static struct pyi_error *find_held(struct gathering *gathering)
{
	const struct pyi_graph *graph = gathering->view->graph;
	struct pyi_explanation *facts = gathering->facts;
	PYI_CLEANUP(pyi_guard_free)
	uint64_t *counts = calloc((size_t)graph->type_count + 1, sizeof(*counts));
	uint32_t largest = PYI_GRAPH_NONE;
	uint32_t most = 0;

	if (!counts)
		return pyi_error_no_memory();
	for (uint32_t node = 0; node < graph->node_count; node++) {
		uint64_t bytes = gathering->view->findings->dominators.retained_bytes[node];

		if (!is_held(gathering, node))
			continue;
		if (largest == PYI_GRAPH_NONE || bytes > facts->held_largest_bytes) {
			largest = node;
			facts->held_largest_bytes = bytes;
		}
		facts->held_objects++;
		if (__builtin_add_overflow(facts->held_bytes, bytes, &facts->held_bytes))
			facts->held_bytes = UINT64_MAX;
		counts[pyi_graph_type(graph, node)]++;
	}
	for (uint32_t type = 0; type < graph->type_count; type++)
		if (counts[type] > counts[most])
			most = type;
	if (!facts->held_objects)
		return NULL;
	facts->held_type = strdup(graph->types[most].name ? graph->types[most].name : "?");
	facts->held_type_objects = counts[most];
	for (uint32_t node = 0; node < graph->node_count && !facts->held_example_addr; node++)
		if (pyi_graph_type(graph, node) == most && is_held(gathering, node))
			facts->held_example_addr = pyi_graph_address(graph, node);
	facts->held_largest_addr = pyi_graph_address(graph, largest);
	facts->held_largest_type = strdup(pyi_words_type(graph, largest));
	return facts->held_type && facts->held_largest_type ? NULL : pyi_error_no_memory();
}

struct pyi_error *pyi_explanation_gather(const struct pyi_graph_view *view,
					 struct pyi_explanation *ret_explanation)
{
	struct pyi_explanation facts = { 0 };
	struct gathering gathering = { .view = view, .facts = &facts };
	struct pyi_error *error = compute(&gathering);

	if (!error)
		error = add_up(&gathering);
	if (!error)
		error = find_largest(&gathering);
	if (!error)
		error = suspect_types(&gathering);
	if (!error)
		error = suspect_containers(&gathering);
	if (!error)
		error = suspect_classes(&gathering);
	if (!error)
		error = find_held(&gathering);
	if (!error && view->collector)
		facts.collector = *view->collector;
	else if (!error)
		pyi_collector_read(&view->session->runtime, view->snapshot->reader,
				   view->interpreters, &facts.collector);
	pyi_garbage_deinit(&gathering.garbage);
	if (error) {
		pyi_explanation_deinit(&facts);
		return error;
	}
	*ret_explanation = facts;
	return NULL;
}
