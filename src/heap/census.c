/*
 * The examination that counts: one walk, then the names of the types.
 */
#include "heap/census.h"

#include <stdlib.h>
#include <string.h>

#include "python/objects.h"

char *pyi_census_keep_name(struct pyi_session *session, char *name)
{
	if (!name || pyi_session_has_room(session, strlen(name)))
		return name;
	free(name);
	return strdup("(other types)");
}

struct pyi_error *pyi_census_of_walk(struct pyi_session *session,
				     struct pyi_source_snapshot *snapshot,
				     const struct pyi_walk_result *result,
				     struct pyi_census *ret_census)
{
	struct pyi_census census = { 0 };
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < result->type_count && !error; t++) {
		const struct pyi_record_type *type = &result->types[t];
		bool estimated;
		char *name;

		error = pyi_session_check(session);
		if (error)
			break;
		name = pyi_census_keep_name(session, pyi_objects_type_name(&session->runtime,
									   snapshot->reader,
									   type->type_addr));
		estimated = pyi_objects_size_is_estimated(&session->runtime, snapshot->reader,
							  type->type_addr, result->modelled.addrs,
							  result->modelled.count);
		if (!name)
			error = pyi_error_no_memory();
		else
			error = pyi_census_add(&census, name, type->count, type->bytes, estimated);
	}
	if (error) {
		pyi_census_deinit(&census);
		return error;
	}
	pyi_census_merge(&census);
	*ret_census = census;
	return NULL;
}

struct census_run {
	uint64_t flags;
	void (*object)(void *argument, const struct pyi_record_object *record);
	void (*restart)(void *argument);
	void *argument;
	struct pyi_census census;
};

static struct pyi_error *examine(void *argument, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	struct census_run *run = argument;
	struct pyi_walk_request request = {
		.flags = run->flags,
		.object = run->object,
		.object_argument = run->argument,
	};
	struct pyi_walk_result result;
	struct pyi_error *error;

	if (run->restart)
		run->restart(run->argument);
	pyi_census_deinit(&run->census);
	error = pyi_session_walk(session, snapshot, interpreters, &request, &result);
	if (error)
		return error;
	error = pyi_census_of_walk(session, snapshot, &result, &run->census);
	pyi_walk_result_deinit(&result);
	return error;
}

struct pyi_error *
pyi_session_census(struct pyi_session *session, uint64_t flags,
		   void (*object)(void *argument, const struct pyi_record_object *record),
		   void (*restart)(void *argument), void *argument, struct pyi_census *ret_census)
{
	struct census_run run = {
		.flags = flags,
		.object = object,
		.restart = restart,
		.argument = argument,
	};
	const struct pyi_examination examination = { examine, &run };
	struct pyi_error *error = pyi_session_examine(session, &examination);

	if (error) {
		pyi_census_deinit(&run.census);
		return error;
	}
	*ret_census = run.census;
	return NULL;
}
