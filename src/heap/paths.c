/*
 * The examinations of `path` and `top-objects`: names what the payload found.
 */
#include "heap/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "python/attributes.h"
#include "python/objects.h"

enum {
	PATH_LIMIT = 1 << 16,
	STEP_LIMIT = 1 << 17,
};

struct paths_run {
	struct pyi_session *session;
	const struct pyi_subject *subject;
	uint64_t limit;

	struct pyi_subject_found *found;
	struct pyi_paths answer;
	size_t path_capacity;
	size_t step_capacity;
	/* Of the path that grows: its number, and the type of its last step. */
	uint64_t number;
	uint64_t last_type;
	/* No room for more: the rest is left out. */
	bool full;
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

static char *name_of_root(const struct pyi_places *places, const struct pyi_edge *edge)
{
	struct pyi_place place = { .holder = PYI_HOLDER_ROOT, .edge = *edge };
	bool none;

	if (edge->kind == PYI_EDGE_LOCAL || edge->kind == PYI_EDGE_FRAME) {
		place.holder = PYI_HOLDER_FRAME;
		place.holder_addr = edge->context;
	}
	return pyi_places_owner(places, &place, &none);
}

/* Elements of sets have no name but themselves. */
static char *edge_of(const struct pyi_places *places, uint64_t type_addr,
		     const struct pyi_record_step *record)
{
	PYI_CLEANUP(pyi_guard_free) char *element = NULL;
	char *edge;

	if (record->edge.kind != PYI_EDGE_ELEMENT && record->edge.kind != PYI_EDGE_KEY) {
		edge = pyi_places_edge(places, type_addr, &record->edge);
		/* "local x" of a generator: a word of its own. */
		if (edge && record->edge.kind == PYI_EDGE_LOCAL) {
			element = edge;
			if (asprintf(&edge, " %s", element) < 0)
				return NULL;
		}
		return edge;
	}
	element = pyi_places_describe(places, record->addr);
	if (!element || asprintf(&edge, "{%s}", element) < 0)
		return NULL;
	return edge;
}

static void free_step(struct pyi_path_step *step)
{
	free(step->type);
	free(step->edge);
	free(step->name);
}

static int compare_addr(const void *one, const void *other)
{
	uint64_t first = *(const uint64_t *)one;
	uint64_t second = *(const uint64_t *)other;

	return (first > second) - (first < second);
}

/* A fault cuts a path off: drops the last one if it does not lead to what was asked for. */
static void drop_incomplete(struct paths_run *run)
{
	struct pyi_paths *answer = &run->answer;
	struct pyi_path *path = answer->count ? &answer->paths[answer->count - 1] : NULL;

	if (!path || (path->step_count && run->subject->address &&
		      path->steps[path->step_count - 1].addr == run->subject->address))
		return;
	if (path->step_count && run->found->meant_count &&
	    bsearch(&run->last_type, run->found->meant, run->found->meant_count,
		    sizeof(run->last_type), compare_addr))
		return;
	for (size_t s = 0; s < path->step_count; s++)
		free_step(&path->steps[s]);
	free(path->steps);
	answer->count--;
}

/* The path that a record belongs to; a new one if it is the first of it. */
static struct pyi_path *path_of(struct paths_run *run, uint64_t number)
{
	struct pyi_paths *answer = &run->answer;

	if (answer->count && number == run->number)
		return &answer->paths[answer->count - 1];
	drop_incomplete(run);
	if (answer->count >= PATH_LIMIT || answer->count >= run->limit)
		return NULL;
	run->number = number;
	if (!pyi_array_reserve(&answer->paths, answer->count, &run->path_capacity,
			       sizeof(*answer->paths)))
		return NULL;
	answer->paths[answer->count] = (struct pyi_path){ 0 };
	run->step_capacity = 0;
	return &answer->paths[answer->count++];
}

/* With its share of the path's expression. */
static uint64_t size_of(const struct pyi_path_step *step)
{
	return sizeof(*step) + strlen(step->type) + 2 * strlen(step->edge) +
	       (step->name ? strlen(step->name) : 0);
}

static struct pyi_error *add_step(struct paths_run *run, const struct pyi_record_step *record)
{
	const struct pyi_places *places = &run->found->places;
	struct pyi_path *path = path_of(run, record->path);
	bool first = path && !path->step_count;
	struct pyi_path_step step = {
		.addr = record->addr,
		.kind = first ? PYI_STEP_ROOT : kind_of(&record->edge),
		.internal = record->edge.internal,
	};

	if (!path || path->step_count >= STEP_LIMIT)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
					"the payload's answer is broken: a step of no path");
	if (!pyi_array_reserve(&path->steps, path->step_count, &run->step_capacity,
			       sizeof(*path->steps)))
		return pyi_error_no_memory();
	step.type = pyi_subject_type_name(run->found, record->type_addr);
	if (first) {
		step.name = name_of_root(places, &record->edge);
		step.edge = step.name ? strdup(step.name) : NULL;
	} else {
		step.name = name_of(places, run->last_type, &record->edge);
		step.edge = edge_of(places, run->last_type, record);
	}
	if (step.kind == PYI_STEP_INDEX)
		step.index = record->edge.detail;
	/* Where a name is not shown, the key is what leads on. */
	if (step.kind == PYI_STEP_ITEM || (step.kind == PYI_STEP_ATTRIBUTE && !step.name))
		step.key_addr = record->edge.detail;
	if (step.kind == PYI_STEP_KEY)
		step.key_addr = record->addr;
	if (!step.type || !step.edge) {
		free_step(&step);
		return pyi_error_no_memory();
	}
	if (!pyi_session_has_room(run->session, size_of(&step))) {
		free_step(&step);
		run->full = true;
		return NULL;
	}
	path->steps[path->step_count++] = step;
	run->last_type = record->type_addr;
	return NULL;
}

static struct pyi_error *take_step(void *argument, uint32_t kind, const void *record)
{
	struct paths_run *run = argument;

	return kind == PYI_RECORD_STEP && !run->full ? add_step(run, record) : NULL;
}

static struct pyi_error *write_expressions(struct pyi_paths *answer)
{
	for (size_t p = 0; p < answer->count; p++) {
		struct pyi_path *path = &answer->paths[p];
		size_t size = 1;

		for (size_t s = 0; s < path->step_count; s++)
			size += strlen(path->steps[s].edge);
		path->expression = malloc(size);
		if (!path->expression)
			return pyi_error_no_memory();
		path->expression[0] = '\0';
		size = 0;
		for (size_t s = 0; s < path->step_count; s++) {
			size_t length = strlen(path->steps[s].edge);

			memcpy(path->expression + size, path->steps[s].edge, length + 1);
			size += length;
		}
	}
	return NULL;
}

static struct pyi_error *examine_paths(void *argument, struct pyi_session *session,
				       struct pyi_source_snapshot *snapshot,
				       const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_subject_found_deinit) struct pyi_subject_found found = { 0 };
	struct paths_run *run = argument;
	struct pyi_walk_result result = { 0 };
	struct pyi_walk_request request;
	struct pyi_error *error;

	pyi_paths_deinit(&run->answer);
	run->path_capacity = 0;
	run->full = false;
	error = pyi_subject_find(run->subject, session, snapshot, interpreters, &found);
	if (error)
		return error;
	run->found = &found;
	run->session = session;
	request = pyi_subject_request(&found, run->subject, PYI_JOB_PATH);
	request.limit = run->limit;
	request.record = take_step;
	request.record_argument = run;
	error = pyi_session_walk(session, snapshot, interpreters, &request, &result);
	if (!error) {
		drop_incomplete(run);
		error = write_expressions(&run->answer);
	}
	if (!error) {
		run->answer.exact = run->subject->exact;
		run->answer.address = run->subject->address;
		run->answer.type = found.name;
		found.name = NULL;
	}
	pyi_walk_result_deinit(&result);
	return error;
}

struct pyi_error *pyi_session_paths(struct pyi_session *session, const struct pyi_subject *subject,
				    uint64_t limit, struct pyi_paths *ret_paths)
{
	struct paths_run run = { .subject = subject, .limit = limit };
	const struct pyi_examination examination = { examine_paths, &run };
	struct pyi_error *error = pyi_session_examine(session, &examination);

	if (error) {
		pyi_paths_deinit(&run.answer);
		return error;
	}
	*ret_paths = run.answer;
	return NULL;
}

struct large_run {
	struct pyi_session *session;
	uint64_t limit;
	bool values;

	struct pyi_subject_found *found;
	struct pyi_modelled_types modelled;
	struct pyi_large_objects answer;
	/* No room for more: the rest is left out. */
	bool full;
};

static void free_large(struct pyi_large_object *object)
{
	free(object->type);
	free(object->owner);
	free(object->value);
}

static uint64_t size_of_large(const struct pyi_large_object *object)
{
	return sizeof(*object) + strlen(object->type) +
	       (object->owner ? strlen(object->owner) : 0) +
	       (object->value ? strlen(object->value) : 0);
}

static struct pyi_error *add_large(struct large_run *run, const struct pyi_record_large *record)
{
	const struct pyi_places *places = &run->found->places;
	bool by_bytes = record->order == PYI_LARGE_BY_BYTES;
	struct pyi_large_object **list =
		by_bytes ? &run->answer.by_bytes : &run->answer.by_referents;
	size_t *count = by_bytes ? &run->answer.by_bytes_count : &run->answer.by_referents_count;
	struct pyi_large_object object = {
		.addr = record->addr,
		.bytes = record->bytes,
		.estimated = pyi_objects_size_is_estimated(places->runtime, places->reader,
							   record->type_addr, run->modelled.addrs,
							   run->modelled.count),
		.referents = record->referents,
	};
	struct pyi_large_object *grown;
	bool no_owner = false;

	if (*count >= run->limit)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
					"the payload's answer is broken: too many objects");
	grown = realloc(*list, (*count + 1) * sizeof(*grown));
	if (!grown)
		return pyi_error_no_memory();
	*list = grown;
	object.has_length = pyi_attributes_length(places->runtime, places->reader, record->addr,
						  &object.length);
	object.type = pyi_subject_type_name(run->found, record->type_addr);
	object.owner = pyi_places_owner(places, &record->owner, &no_owner);
	object.value = run->values ? pyi_places_describe(places, record->addr) : NULL;
	if (!object.type || (!object.owner && !no_owner) || (run->values && !object.value)) {
		free_large(&object);
		return pyi_error_no_memory();
	}
	if (!pyi_session_has_room(run->session, size_of_large(&object))) {
		free_large(&object);
		run->full = true;
		return NULL;
	}
	/* A type only: there is nothing to show. */
	if (object.value && object.value[0] == '<') {
		free(object.value);
		object.value = NULL;
	}
	grown[(*count)++] = object;
	return NULL;
}

static struct pyi_error *take_large(void *argument, uint32_t kind, const void *record)
{
	struct large_run *run = argument;

	return kind == PYI_RECORD_LARGE && !run->full ? add_large(run, record) : NULL;
}

static struct pyi_error *examine_large(void *argument, struct pyi_session *session,
				       struct pyi_source_snapshot *snapshot,
				       const struct pyi_interpreters *interpreters)
{
	const struct pyi_subject values = { .values = ((struct large_run *)argument)->values };
	PYI_CLEANUP(pyi_subject_found_deinit) struct pyi_subject_found found = { 0 };
	struct large_run *run = argument;
	struct pyi_walk_result result = { 0 };
	struct pyi_walk_request request;
	struct pyi_error *error;

	pyi_large_objects_deinit(&run->answer);
	run->full = false;
	error = pyi_subject_find(&values, session, snapshot, interpreters, &found);
	if (error)
		return error;
	run->found = &found;
	run->session = session;
	request = pyi_subject_request(&found, NULL, PYI_JOB_LARGE);
	request.limit = run->limit;
	request.record = take_large;
	request.modelled = &run->modelled;
	request.record_argument = run;
	error = pyi_session_walk(session, snapshot, interpreters, &request, &result);
	run->answer.objects = session->summary.objects;
	run->answer.bytes = session->summary.bytes;
	pyi_walk_result_deinit(&result);
	return error;
}

struct pyi_error *pyi_session_large_objects(struct pyi_session *session, uint64_t limit,
					    bool values, struct pyi_large_objects *ret_objects)
{
	struct large_run run = { .limit = limit, .values = values };
	const struct pyi_examination examination = { examine_large, &run };
	struct pyi_error *error = pyi_session_examine(session, &examination);

	if (error) {
		pyi_large_objects_deinit(&run.answer);
		return error;
	}
	*ret_objects = run.answer;
	return NULL;
}
