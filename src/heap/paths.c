/*
 * Asks a graph how objects are held, and puts the answer into words.
 */
#include "heap/paths.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/dominators.h"
#include "analysis/heap_paths.h"
#include "analysis/reach.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "graph/bits.h"
#include "heap/step_names.h"
#include "python/attributes.h"

enum {
	STEP_LIMIT = 1 << 17,
};

/* One answer being made; all of it belongs to the graph. */
struct run {
	const struct pyi_graph_view *view;
	struct pyi_paths_question *question;
	struct pyi_step_names step_names;
	struct pyi_heap_paths paths;
	/* graph/bits.h: the objects that are asked about. */
	uint64_t *set;
};

static enum pyi_step_kind kind_of(const struct pyi_edge *edge)
{
	switch (edge->kind) {
	case PYI_EDGE_ATTRIBUTE:
		return PYI_STEP_ATTRIBUTE;
	case PYI_EDGE_FIELD:
		return PYI_STEP_FIELD;
	case PYI_EDGE_ITEM:
		return PYI_STEP_ITEM;
	case PYI_EDGE_KEY:
		return PYI_STEP_KEY;
	case PYI_EDGE_INDEX:
		return PYI_STEP_INDEX;
	case PYI_EDGE_ELEMENT:
		return PYI_STEP_ELEMENT;
	case PYI_EDGE_LOCAL:
		return PYI_STEP_LOCAL;
	case PYI_EDGE_TYPE:
		return PYI_STEP_CLASS;
	case PYI_EDGE_DICT:
		return PYI_STEP_DICT;
	default:
		return PYI_STEP_INTERNAL;
	}
}

/* What the step is called in Python; NULL if it has no name. */
static char *name_of(const struct pyi_places *places, uint64_t type_addr,
		     const struct pyi_edge *edge)
{
	char name[PYI_NAME_BYTES];
	bool known = false;

	if (edge->kind == PYI_EDGE_ATTRIBUTE)
		known = pyi_places_attribute_name(places, edge->detail, name);
	else if (edge->kind == PYI_EDGE_FIELD)
		known = pyi_attributes_field_name(places->runtime, places->reader, type_addr,
						  edge->detail, name);
	else if (edge->kind == PYI_EDGE_LOCAL)
		known = pyi_places_local_name(places, edge->context, edge->detail, name);
	return known ? strdup(name) : NULL;
}

static void free_step(struct pyi_path_step *step)
{
	free(step->type);
	free(step->edge);
	free(step->name);
}

/* With its share of the path's expression. */
static uint64_t size_of(const struct pyi_path_step *step)
{
	return sizeof(*step) + strlen(step->type) + 2 * strlen(step->edge) +
	       (step->name ? strlen(step->name) : 0);
}

/* What a path leads along: nodes from the entry to the object, and how one leads to the next. */
struct trail {
	uint32_t *nodes;
	size_t count;
};

static void free_trail(struct trail *trail)
{
	free(trail->nodes);
}

/* *ret_trail stays empty if it is too long. */
static struct pyi_error *find_trail(const struct run *run, uint32_t node, struct trail *ret_trail)
{
	const uint32_t *from = run->paths.from;
	size_t count = 1;
	uint32_t *nodes;

	for (uint32_t up = node; from[up] != PYI_GRAPH_NONE; up = from[up])
		count++;
	if (count > STEP_LIMIT)
		return NULL;
	nodes = malloc(count * sizeof(*nodes));
	if (!nodes)
		return pyi_error_no_memory();
	*ret_trail = (struct trail){ nodes, count };
	for (; count; count--, node = from[node])
		nodes[count - 1] = node;
	return NULL;
}

static struct pyi_error *keep_step(struct run *run, struct pyi_path *path, size_t *capacity,
				   struct pyi_path_step *step)
{
	struct pyi_error *error = NULL;

	if (!step->type || !step->edge ||
	    !pyi_array_reserve(&path->steps, path->step_count, capacity, sizeof(*path->steps))) {
		error = pyi_error_no_memory();
	} else if (pyi_session_has_room(run->view->session, size_of(step))) {
		path->steps[path->step_count++] = *step;
		return NULL;
	}
	free_step(step);
	return error;
}

static char *type_name(const struct run *run, uint32_t node)
{
	const struct pyi_graph *graph = run->view->graph;
	const char *name = graph->types[pyi_graph_type(graph, node)].name;

	return strdup(name ? name : "?");
}

static struct pyi_error *add_start(struct run *run, uint32_t node, struct pyi_path *path,
				   size_t *capacity)
{
	struct pyi_step_name name = pyi_step_names_entry(&run->step_names, node);
	struct pyi_path_step step = {
		.addr = pyi_graph_address(run->view->graph, node),
		.kind = PYI_STEP_ROOT,
		.internal = true,
		.type = type_name(run, node),
		.name = pyi_step_names_start_text(&run->step_names, &name, node),
	};

	step.edge = step.name ? strdup(step.name) : NULL;
	return keep_step(run, path, capacity, &step);
}

static struct pyi_error *add_step(struct run *run, uint32_t source, uint32_t target,
				  const struct pyi_edge *edge, struct pyi_path *path,
				  size_t *capacity)
{
	const struct pyi_graph *graph = run->view->graph;
	const struct pyi_graph_type *type = &graph->types[pyi_graph_type(graph, source)];
	struct pyi_path_step step = {
		.addr = pyi_graph_address(graph, target),
		.kind = kind_of(edge),
		.internal = edge->internal,
		.type = type_name(run, target),
		.name = name_of(&run->view->names->places, type->addr, edge),
		.edge = pyi_names_edge_text(run->view->names, type, edge,
					    pyi_graph_address(graph, target)),
	};

	if (step.kind == PYI_STEP_INDEX)
		step.index = edge->detail;
	/* Where a name is not shown, the key is what leads on. */
	if (step.kind == PYI_STEP_ITEM || (step.kind == PYI_STEP_ATTRIBUTE && !step.name))
		step.key_addr = edge->detail;
	if (step.kind == PYI_STEP_KEY)
		step.key_addr = step.addr;
	return keep_step(run, path, capacity, &step);
}

/* The step to number `index` of a trail; it may be one with the next: then *index is that. */
static struct pyi_error *add_link(struct run *run, const struct trail *trail, size_t *index,
				  struct pyi_path *path, size_t *capacity)
{
	const struct pyi_graph *graph = run->view->graph;
	uint32_t source = trail->nodes[*index - 1];
	uint32_t target = trail->nodes[*index];
	struct pyi_edge edge =
		pyi_names_edge(run->view->names, source, pyi_heap_place_of(graph, source, target));
	uint32_t next = *index + 1 < trail->count ? trail->nodes[*index + 1] : PYI_GRAPH_NONE;

	if (next != PYI_GRAPH_NONE && pyi_graph_flags(graph, target) & PYI_NODE_KEYS) {
		edge = (struct pyi_edge){ .kind = PYI_EDGE_KEY,
					  .internal = 1,
					  .detail = pyi_graph_address(graph, next) };
		target = next;
		++*index;
	} else if (next != PYI_GRAPH_NONE && edge.kind == PYI_EDGE_DICT) {
		struct pyi_edge item = pyi_names_edge(run->view->names, target,
						      pyi_heap_place_of(graph, target, next));

		if (item.kind == PYI_EDGE_ITEM) {
			edge = item;
			edge.kind = PYI_EDGE_ATTRIBUTE;
			target = next;
			++*index;
		}
	}
	return add_step(run, source, target, &edge, path, capacity);
}

static struct pyi_error *write_expression(struct pyi_path *path)
{
	size_t size = 1;
	char *at;

	for (size_t s = 0; s < path->step_count; s++)
		size += strlen(path->steps[s].edge);
	path->expression = malloc(size);
	if (!path->expression)
		return pyi_error_no_memory();
	at = path->expression;
	*at = '\0';
	for (size_t s = 0; s < path->step_count; s++)
		at = stpcpy(at, path->steps[s].edge);
	return NULL;
}

/* No steps at all if it is too long, or there is no room for it: that is labelled. */
static struct pyi_error *make_path(struct run *run, uint32_t node, struct pyi_path *ret_path)
{
	PYI_CLEANUP(free_trail) struct trail trail = { 0 };
	struct pyi_path path = { 0 };
	size_t capacity = 0;
	size_t expected = 0;
	struct pyi_error *error = find_trail(run, node, &trail);

	if (!error && !trail.count)
		pyi_session_leave_out(run->view->session);
	if (!error && trail.count) {
		error = add_start(run, trail.nodes[0], &path, &capacity);
		expected = 1;
	}
	for (size_t i = 1; i < trail.count && !error && path.step_count == expected; i++) {
		error = add_link(run, &trail, &i, &path, &capacity);
		expected++;
	}
	if (!error && path.step_count == expected)
		error = write_expression(&path);
	if (error || path.step_count != expected)
		pyi_path_deinit(&path);
	*ret_path = path;
	return error;
}

/* The nearest ones, if a root leads to them. */
static struct pyi_error *add_paths(struct run *run)
{
	struct pyi_paths *answer = &run->question->answer;
	const struct pyi_heap_paths *paths = &run->paths;
	struct pyi_error *error = NULL;
	size_t capacity = 0;

	for (uint64_t at = 0;
	     at < paths->ranks[PYI_RANK_HELD] && !error && answer->count < run->question->limit;
	     at++) {
		struct pyi_path *path;

		if (!pyi_bits_has(run->set, paths->order[at]))
			continue;
		if (!pyi_array_reserve(&answer->paths, answer->count, &capacity,
				       sizeof(*answer->paths)))
			return pyi_error_no_memory();
		path = &answer->paths[answer->count];
		error = make_path(run, paths->order[at], path);
		if (!error && !path->step_count)
			break;
		if (!error)
			answer->count++;
	}
	return error;
}

static struct pyi_error *add_way(struct run *run, struct pyi_way_list *list, uint32_t number,
				 bool also)
{
	const struct pyi_heap_step *step = &run->paths.steps.items[number];
	struct pyi_way way = { .example_addr = pyi_graph_address(run->view->graph, step->example) };
	struct pyi_error *error;

	if (!pyi_array_reserve(&list->items, list->count, &list->capacity, sizeof(way)))
		return pyi_error_no_memory();
	error = pyi_step_names_expression(&run->step_names, &run->paths.steps, number, &way.start,
					  &way.expression);
	if (error)
		return error;
	if (!pyi_session_has_room(run->view->session, sizeof(way) + strlen(way.expression))) {
		free(way.expression);
		return NULL;
	}
	way.instances = also ? 0 : step->members;
	way.retained_bytes = also ? 0 : step->member_bytes;
	way.references = also ? step->also : 0;
	list->items[list->count++] = way;
	return NULL;
}

static struct pyi_error *add_ways(struct run *run, bool also)
{
	struct pyi_paths *answer = &run->question->answer;
	struct pyi_way_list *list = also ? &answer->also : &answer->ways;
	struct pyi_error *error = NULL;

	for (uint32_t s = 0; s < run->paths.steps.count && !error; s++) {
		const struct pyi_heap_step *step = &run->paths.steps.items[s];

		if (also ? step->also : step->members)
			error = add_way(run, list, s, also);
		if (!error && s % 1024 == 0)
			error = pyi_session_check(run->view->session);
	}
	if (!error)
		pyi_ways_merge(list, PYI_WAYS_LIMIT);
	return error;
}

/* As many as are going to be shown step by step. */
static struct pyi_error *add_examples(struct run *run)
{
	struct pyi_way_list *list = &run->question->answer.ways;
	struct pyi_error *error = NULL;

	for (size_t w = 0; w < list->count && w < run->question->limit && !error; w++)
		error = make_path(run,
				  pyi_graph_find(run->view->graph, list->items[w].example_addr),
				  &list->items[w].example);
	return error;
}

static void count_held(struct run *run)
{
	struct pyi_paths *answer = &run->question->answer;

	for (uint64_t at = 0; at < run->paths.ranks[PYI_RANK_HELD]; at++) {
		uint32_t node = run->paths.order[at];
		uint32_t held =
			pyi_bits_has(run->set, node) ? pyi_graph_held(run->view->graph, node) : 0;

		answer->held_instances += held != 0;
		answer->held_references += held;
	}
}

static struct pyi_error *find_paths(struct run *run, const uint64_t *outside, bool all)
{
	struct pyi_graph *graph = run->view->graph;
	const struct pyi_findings *findings = run->view->findings;
	const struct pyi_retained freed = pyi_retained_unmarked(graph, outside);
	struct pyi_paths *answer = &run->question->answer;
	const struct pyi_heap_paths_query query = {
		.entries = &findings->entries,
		.set = run->set,
		.outside = outside,
		.dominators = all ? &findings->dominators : NULL,
		.retained_bytes = freed.bytes,
		.namer = &run->step_names.namer,
		.owners = findings->dict_owners,
		.order = run->step_names.order,
		.dict_type_addr = run->view->names->places.runtime->dict_type_addr,
	};

	answer->freed_objects = freed.objects;
	answer->freed_bytes = freed.bytes;
	answer->estimated = freed.estimated;
	return pyi_heap_paths_find(graph, &query, &run->paths);
}

static struct pyi_error *search(struct run *run)
{
	struct pyi_graph *graph = run->view->graph;
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	/* What one object alone retains is what is freed with it: no need to know it of all. */
	const bool all = run->question->answer.instances > 1;
	uint64_t *outside;
	struct pyi_error *error =
		all ? pyi_findings_dominators(run->view) : pyi_findings_entries(run->view);

	if (!error)
		error = pyi_findings_dict_owners(run->view);
	if (!error)
		error = pyi_reach_without(graph, &run->view->findings->entries, run->set, &outside);
	if (error)
		return error;
	error = find_paths(run, outside, all);
	pyi_graph_space_unmap(graph->space, outside, bits_bytes);
	return error;
}

static struct pyi_error *tell(struct run *run)
{
	struct pyi_error *error = pyi_session_check(run->view->session);

	if (!error)
		error = add_paths(run);
	if (!error)
		error = add_ways(run, false);
	if (!error)
		error = add_ways(run, true);
	if (!error)
		error = add_examples(run);
	count_held(run);
	run->question->answer.crowded =
		run->paths.steps.crowded || pyi_step_names_are_full(&run->step_names);
	return error;
}

static struct pyi_error *answer_with(struct run *run)
{
	struct pyi_graph_space *space = run->view->graph->space;
	const uint64_t bits_bytes = pyi_bits_bytes(run->view->graph->node_count);
	void *set = NULL;
	struct pyi_error *error = pyi_graph_space_map(space, bits_bytes, &set);

	if (!error) {
		run->set = set;
		error = pyi_subject_choose(&run->question->found, run->question->subject,
					   run->view->graph, run->set,
					   &run->question->answer.instances);
	}
	/* Nothing to look for: that is known without a search. */
	if (!error && run->question->answer.instances) {
		error = search(run);
		if (!error)
			error = tell(run);
	}
	pyi_heap_paths_deinit(&run->paths);
	pyi_graph_space_unmap(space, set, bits_bytes);
	return error;
}

static struct pyi_error *prepare(void *argument, const struct pyi_graph_view *view)
{
	struct pyi_paths_question *question = argument;
	struct pyi_error *error;

	pyi_paths_question_deinit(question);
	error = pyi_subject_find(question->subject, view->session, view->snapshot,
				 view->interpreters, &question->found);
	question->is_found = !error;
	return error;
}

static struct pyi_error *ask(void *argument, const struct pyi_graph_view *view)
{
	struct pyi_paths_question *question = argument;
	struct run run = { .view = view, .question = question };
	struct pyi_error *error = pyi_step_names_init(&run.step_names, view->names);

	if (error)
		return error;
	error = answer_with(&run);
	pyi_step_names_deinit(&run.step_names);
	question->answer.exact = question->subject->exact;
	question->answer.address = question->subject->address;
	question->answer.type = question->found.name;
	question->found.name = NULL;
	return error;
}

struct pyi_graph_question pyi_paths_ask(struct pyi_paths_question *question)
{
	return (struct pyi_graph_question){
		.prepare = prepare,
		.ask = ask,
		.argument = question,
		.values = question->subject->values,
		.named = true,
	};
}

void pyi_paths_question_deinit(struct pyi_paths_question *question)
{
	pyi_paths_deinit(&question->answer);
	if (question->is_found)
		pyi_subject_found_deinit(&question->found);
	question->is_found = false;
}
