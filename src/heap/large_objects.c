/*
 * The examination of `top-objects`: names what the payload found.
 */
#include "heap/large_objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "python/attributes.h"
#include "python/objects.h"

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
