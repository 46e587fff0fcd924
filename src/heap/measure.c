/*
 * The examination of `check`: one walk, whose counts become figures with names, and a look at the
 * containers. Does not judge.
 */
#include "heap/measure.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "heap/census.h"
#include "process/age.h"
#include "python/containers.h"
#include "python/objects.h"
#include "python/types.h"

enum {
	/* Types of an ambiguous name that are measured. */
	MEANINGS = 3,
};

struct run {
	const struct pyi_measure_request *request;
	struct pyi_sample sample;

	/* Of the snapshot being examined: */
	struct pyi_session *session;
	struct pyi_source_snapshot *snapshot;
	const struct pyi_type_list *types;
	const struct pyi_walk_result *result;
};

static struct pyi_error *add_process(struct run *run, const char *name, uint64_t value)
{
	return pyi_sample_add(&run->sample, PYI_FIGURE_PROCESS, name, value, 0);
}

static struct pyi_error *measure_process(struct run *run)
{
	const struct pyi_record_summary *summary = &run->result->summary;
	struct pyi_error *error = add_process(run, PYI_FIGURE_RSS, run->session->rss_bytes);

	if (!error)
		error = add_process(run, PYI_FIGURE_TRACKED, summary->tracked_objects);
	if (!error)
		error = add_process(run, PYI_FIGURE_OBJECTS, summary->objects);
	if (!error)
		error = add_process(run, PYI_FIGURE_OBJECT_BYTES, summary->bytes);
	return error;
}

/* The census; types of the same name are added up when the sample is sorted. */
static struct pyi_error *measure_types(struct run *run)
{
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < run->result->type_count && !error; t++) {
		const struct pyi_record_type *record = &run->result->types[t];
		const struct pyi_type *type = pyi_types_find(run->types, record->type_addr);
		PYI_CLEANUP(pyi_guard_free) char *name = NULL;

		if (!type) {
			error = pyi_session_check(run->session);
			if (error)
				break;
			name = pyi_objects_type_name(&run->session->runtime, run->snapshot->reader,
						     record->type_addr);
		} else {
			name = strdup(type->name);
		}
		name = pyi_census_keep_name(run->session, name);
		if (!name)
			return pyi_error_no_memory();
		error = pyi_sample_add(&run->sample, PYI_FIGURE_TYPE, name, record->count,
				       record->bytes);
	}
	return error;
}

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t *first = a;
	const uint64_t *second = b;

	return (*first > *second) - (*first < *second);
}

/* Twice the same would be added up. */
static bool has_tree(const struct run *run, const char *name)
{
	for (size_t f = 0; f < run->sample.figure_count; f++)
		if (run->sample.figures[f].kind == PYI_FIGURE_TYPE_TREE &&
		    strcmp(run->sample.figures[f].name, name) == 0)
			return true;
	return false;
}

static struct pyi_error *measure_tree(struct run *run, const char *wanted)
{
	PYI_CLEANUP(pyi_guard_free) uint64_t *meant = NULL;
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	uint64_t count = 0;
	uint64_t bytes = 0;
	size_t meant_count = 0;
	struct pyi_error *error;

	if (has_tree(run, wanted))
		return NULL;
	error = pyi_types_choose(&run->session->runtime, run->snapshot->reader, run->types, wanted,
				 false, &meant, &meant_count, &name);
	if (error && error->code == PYI_ERROR_NO_SUCH_TYPE) {
		pyi_error_destroy(error);
		error = NULL;
	}
	if (error)
		return error;
	for (size_t t = 0; t < run->result->type_count && meant_count; t++) {
		const struct pyi_record_type *record = &run->result->types[t];

		if (!bsearch(&record->type_addr, meant, meant_count, sizeof(*meant),
			     compare_addresses))
			continue;
		count += record->count;
		bytes += record->bytes;
	}
	return pyi_sample_add(&run->sample, PYI_FIGURE_TYPE_TREE, wanted, count, bytes);
}

/* What an ambiguous name can mean; more than one is enough to see that it is ambiguous. */
static struct pyi_error *measure_meanings(struct run *run, const char *wanted)
{
	const char *names[MEANINGS];
	size_t count = pyi_types_meanings(run->types, wanted, names, MEANINGS);
	struct pyi_error *error = NULL;

	for (size_t n = 0; n < count && !error; n++)
		error = measure_tree(run, names[n]);
	return error;
}

static struct pyi_error *measure_trees(struct run *run)
{
	const struct pyi_measure_request *request = run->request;
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < request->type_count && !error; t++) {
		error = measure_tree(run, request->types[t]);
		if (!error || error->code != PYI_ERROR_AMBIGUOUS_TYPE)
			continue;
		pyi_error_destroy(error);
		error = measure_meanings(run, request->types[t]);
	}
	return error;
}

static struct pyi_error *measure_containers(struct run *run,
					    const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_container_list_deinit) struct pyi_container_list list = { 0 };
	const struct pyi_container_request request = {
		.least = run->request->container_least,
		.wanted = run->request->containers,
		.wanted_count = run->request->container_count,
	};
	struct pyi_error *error = pyi_containers_find(&run->session->runtime, run->snapshot->reader,
						      interpreters, run->types, &request,
						      run->session->options->deadline_ns, &list);

	for (size_t c = 0; c < list.count && !error; c++)
		error = pyi_sample_add(&run->sample, PYI_FIGURE_CONTAINER, list.items[c].name,
				       list.items[c].length, 0);
	run->sample.incomplete |= list.truncated;
	return error;
}

static struct pyi_error *examine(void *argument, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_type_list_deinit) struct pyi_type_list types = { 0 };
	struct pyi_walk_request request = { .flags = PYI_CENSUS_ALL };
	struct pyi_walk_result result = { 0 };
	struct run *run = argument;
	struct pyi_error *error;

	pyi_sample_deinit(&run->sample);
	run->session = session;
	run->snapshot = snapshot;
	run->types = &types;
	run->result = &result;
	run->sample.time_s = time(NULL);
	run->sample.age_s = pyi_process_age_s(&session->source.process);
	error = pyi_types_list(&session->runtime, snapshot->reader, interpreters,
			       session->options->deadline_ns, &types);
	if (!error && types.full)
		pyi_session_leave_out(session);
	if (!error)
		error = pyi_session_walk(session, snapshot, interpreters, &request, &result);
	if (!error)
		error = measure_process(run);
	if (!error)
		error = measure_types(run);
	if (!error)
		error = measure_trees(run);
	if (!error)
		error = measure_containers(run, interpreters);
	pyi_walk_result_deinit(&result);
	return error;
}

struct pyi_error *pyi_session_measure(struct pyi_session *session,
				      const struct pyi_measure_request *request,
				      struct pyi_sample *ret_sample)
{
	struct run run = { .request = request };
	const struct pyi_examination examination = { examine, &run };
	struct pyi_error *error = pyi_session_examine(session, &examination);

	if (error) {
		pyi_sample_deinit(&run.sample);
		return error;
	}
	pyi_sample_sort(&run.sample);
	run.sample.incomplete |= !session->consistent || session->summary.skipped_objects;
	*ret_sample = run.sample;
	return NULL;
}
