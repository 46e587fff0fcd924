/*
 * The examination of `check`: one walk, whose counts become figures with names, and a look at the
 * containers. Does not judge.
 */
#include "heap/measure.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "heap/all_types.h"
#include "heap/census.h"
#include "heap/container_paths.h"
#include "heap/graph.h"
#include "heap/names.h"
#include "process/age.h"
#include "python/attributes.h"
#include "python/containers.h"
#include "python/objects.h"
#include "python/types.h"

enum {
	/* Types that one name can mean, and that are looked at. */
	MEANINGS = 64,
};

struct pyi_measuring {
	const struct pyi_measure_request *request;
	struct pyi_sample sample;

	/* Of the snapshot being examined: */
	struct pyi_session *session;
	struct pyi_source_snapshot *snapshot;
	const struct pyi_interpreters *interpreters;
	const struct pyi_type_list *types;
	const struct pyi_walk_result *result;
	/* NULL: none has been made. */
	struct pyi_graph *graph;
	struct pyi_graph_space space;
};

static struct pyi_error *add_process(struct pyi_measuring *run, const char *name, uint64_t value)
{
	return pyi_sample_add(&run->sample, PYI_FIGURE_PROCESS, name, value, 0);
}

/* A graph has it of each object, a census only as a sum. */
static uint64_t count_tracked(const struct pyi_measuring *run)
{
	uint64_t count = 0;

	if (!run->graph)
		return run->result->summary.tracked_objects;
	for (uint32_t node = 0; node < run->graph->node_count; node++)
		count += (pyi_graph_flags(run->graph, node) & PYI_NODE_TRACKED) != 0;
	return count;
}

static struct pyi_error *measure_process(struct pyi_measuring *run)
{
	const struct pyi_record_summary *summary = &run->result->summary;
	struct pyi_error *error = NULL;

	/* Of a core it is what has been mapped of it here. */
	if (!run->session->options->still)
		error = add_process(run, PYI_FIGURE_RSS, run->session->rss_bytes);
	if (!error)
		error = add_process(run, PYI_FIGURE_TRACKED, count_tracked(run));
	if (!error)
		error = add_process(run, PYI_FIGURE_OBJECTS, summary->objects);
	if (!error)
		error = add_process(run, PYI_FIGURE_OBJECT_BYTES, summary->bytes);
	return error;
}

/* The census; types of the same name are added up when the sample is sorted. */
static struct pyi_error *measure_types(struct pyi_measuring *run)
{
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < run->result->type_count && !error; t++) {
		const struct pyi_record_type *record = &run->result->types[t];
		const struct pyi_type *type = pyi_type_list_find(run->types, record->type_addr);
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
static bool has_tree(const struct pyi_measuring *run, const char *name)
{
	for (size_t f = 0; f < run->sample.figure_count; f++)
		if (run->sample.figures[f].kind == PYI_FIGURE_TYPE_TREE &&
		    strcmp(run->sample.figures[f].name, name) == 0)
			return true;
	return false;
}

/* How many objects a name means, and how many bytes. NO_SUCH_TYPE, AMBIGUOUS_TYPE: it does not. */
static struct pyi_error *count_tree(const struct pyi_measuring *run, const char *wanted,
				    uint64_t *ret_count, uint64_t *ret_bytes)
{
	PYI_CLEANUP(pyi_guard_free) uint64_t *meant = NULL;
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	size_t meant_count = 0;
	struct pyi_error *error =
		pyi_types_choose(&run->session->runtime, run->snapshot->reader, run->types, wanted,
				 false, &meant, &meant_count, &name);

	*ret_count = 0;
	*ret_bytes = 0;
	if (error)
		return error;
	for (size_t t = 0; t < run->result->type_count && meant_count; t++) {
		const struct pyi_record_type *record = &run->result->types[t];

		if (!bsearch(&record->type_addr, meant, meant_count, sizeof(*meant),
			     compare_addresses))
			continue;
		*ret_count += record->count;
		*ret_bytes += record->bytes;
	}
	return NULL;
}

static struct pyi_error *add_tree(struct pyi_measuring *run, const char *name, uint64_t count,
				  uint64_t bytes)
{
	if (has_tree(run, name))
		return NULL;
	return pyi_sample_add(&run->sample, PYI_FIGURE_TYPE_TREE, name, count, bytes);
}

/*
 * What an ambiguous name can mean. If one of the types alone has objects, that one is meant; else
 * those that have, or all, are measured under their full names, which shows that it is ambiguous.
 */
static struct pyi_error *measure_meanings(struct pyi_measuring *run, const char *wanted)
{
	struct meaning {
		uint64_t count;
		uint64_t bytes;
	} meanings[MEANINGS];
	const char *names[MEANINGS];
	size_t count = pyi_types_meanings(run->types, wanted, names, MEANINGS);
	struct pyi_error *error = NULL;
	size_t with_objects = 0;
	size_t last = 0;

	for (size_t n = 0; n < count; n++) {
		error = count_tree(run, names[n], &meanings[n].count, &meanings[n].bytes);
		if (error)
			return error;
		if (!meanings[n].count)
			continue;
		with_objects++;
		last = n;
	}
	if (with_objects == 1)
		return add_tree(run, wanted, meanings[last].count, meanings[last].bytes);
	for (size_t n = 0; n < count && !error; n++)
		if (meanings[n].count || !with_objects)
			error = add_tree(run, names[n], meanings[n].count, meanings[n].bytes);
	return error;
}

static struct pyi_error *measure_tree(struct pyi_measuring *run, const char *wanted)
{
	uint64_t count;
	uint64_t bytes;
	struct pyi_error *error = count_tree(run, wanted, &count, &bytes);

	if (!error)
		return add_tree(run, wanted, count, bytes);
	if (error->code != PYI_ERROR_NO_SUCH_TYPE && error->code != PYI_ERROR_AMBIGUOUS_TYPE)
		return error;
	if (error->code == PYI_ERROR_NO_SUCH_TYPE) {
		pyi_error_destroy(error);
		return NULL;
	}
	pyi_error_destroy(error);
	return measure_meanings(run, wanted);
}

static struct pyi_error *measure_trees(struct pyi_measuring *run)
{
	const struct pyi_measure_request *request = run->request;
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < request->type_count && !error; t++)
		error = measure_tree(run, request->types[t]);
	return error;
}

/* "app.Cache.entries": the attribute of all instances of a class, and how long that is. */
struct attribute {
	const char *wanted;
	/* Behind the last dot. */
	const char *name;
	/* Ascending. */
	uint64_t *types;
	size_t type_count;
	uint64_t objects;
	uint64_t sum;
	uint64_t longest;
};

struct attributes {
	struct pyi_measuring *run;
	struct attribute *items;
	size_t count;
};

static void guard_attributes(struct attributes *attributes)
{
	for (size_t a = 0; a < attributes->count; a++)
		free(attributes->items[a].types);
	free(attributes->items);
}

static bool is_container(const struct pyi_measuring *run, uint64_t object)
{
	uint64_t type;

	return pyi_memory_try_read_u64(run->snapshot->reader,
				       object + run->session->runtime.layout->object_type, &type) &&
	       pyi_attributes_is_container(&run->session->runtime, run->snapshot->reader, type);
}

static void measure_attribute(const struct pyi_measuring *run, struct attribute *attribute,
			      uint64_t object)
{
	uint64_t length;
	uint64_t value;
	uint64_t sum;

	if (!pyi_attributes_get(&run->session->runtime, run->snapshot->reader, object,
				attribute->name, &value) ||
	    !is_container(run, value) ||
	    !pyi_attributes_length(&run->session->runtime, run->snapshot->reader, value, &length) ||
	    __builtin_add_overflow(attribute->sum, length, &sum))
		return;
	attribute->sum = sum;
	attribute->objects++;
	if (length > attribute->longest)
		attribute->longest = length;
}

static void see_object(void *argument, const struct pyi_record_object *record)
{
	struct attributes *attributes = argument;

	for (size_t a = 0; a < attributes->count; a++) {
		struct attribute *attribute = &attributes->items[a];

		if (bsearch(&record->type_addr, attribute->types, attribute->type_count,
			    sizeof(*attribute->types), compare_addresses))
			measure_attribute(attributes->run, attribute, record->addr);
	}
}

/* Whether a name that no module and no class has can be one of instances: their class is there. */
static struct pyi_error *find_attribute(const struct pyi_measuring *run, const char *wanted,
					struct attributes *attributes)
{
	const char *dot = strrchr(wanted, '.');
	PYI_CLEANUP(pyi_guard_free)
	char *type = dot ? strndup(wanted, (size_t)(dot - wanted)) : NULL;
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	struct attribute attribute = { .wanted = wanted, .name = dot ? dot + 1 : NULL };
	struct pyi_error *error;

	if (!dot)
		return NULL;
	if (!type)
		return pyi_error_no_memory();
	error = pyi_types_choose(&run->session->runtime, run->snapshot->reader, run->types, type,
				 false, &attribute.types, &attribute.type_count, &name);
	if (!error) {
		attributes->items[attributes->count++] = attribute;
		return NULL;
	}
	if (error->code != PYI_ERROR_NO_SUCH_TYPE && error->code != PYI_ERROR_AMBIGUOUS_TYPE)
		return error;
	pyi_error_destroy(error);
	return NULL;
}

static bool has_container(const struct pyi_container_list *list, const char *name)
{
	for (size_t c = 0; c < list->count; c++)
		if (strcmp(list->items[c].name, name) == 0)
			return true;
	return false;
}

/* Containers of instances, which only a second walk over all tracked objects can find. */
static struct pyi_error *measure_attributes(struct pyi_measuring *run,
					    const struct pyi_interpreters *interpreters,
					    const struct pyi_container_list *list)
{
	const struct pyi_measure_request *request = run->request;
	PYI_CLEANUP(guard_attributes)
	struct attributes attributes = {
		.run = run,
		.items = calloc(request->container_count + 1, sizeof(*attributes.items)),
	};
	struct pyi_walk_request walk = {
		/* Those that are frozen are no tracked ones. */
		.flags = PYI_CENSUS_OBJECTS |
			 (run->result->summary.frozen_objects ? PYI_CENSUS_ALL : 0),
		.object = see_object,
		.object_argument = &attributes,
	};
	struct pyi_walk_result result = { 0 };
	struct pyi_error *error = NULL;

	if (!attributes.items)
		return pyi_error_no_memory();
	for (size_t c = 0; c < request->container_count && !error; c++)
		if (!has_container(list, request->containers[c]))
			error = find_attribute(run, request->containers[c], &attributes);
	if (error || !attributes.count)
		return error;
	error = pyi_session_walk(run->session, run->snapshot, interpreters, &walk, &result);
	pyi_walk_result_deinit(&result);
	for (size_t a = 0; a < attributes.count && !error; a++) {
		const struct attribute *attribute = &attributes.items[a];

		if (!attribute->objects)
			continue;
		error = pyi_sample_add(&run->sample, PYI_FIGURE_CONTAINER, attribute->wanted,
				       attribute->sum, 0);
		if (!error)
			error = pyi_sample_add(&run->sample, PYI_FIGURE_LONGEST, attribute->wanted,
					       attribute->longest, 0);
	}
	return error;
}

static bool has_figure(const struct pyi_measuring *run, const char *name)
{
	for (size_t f = 0; f < run->sample.figure_count; f++)
		if (run->sample.figures[f].kind == PYI_FIGURE_CONTAINER &&
		    strcmp(run->sample.figures[f].name, name) == 0)
			return true;
	return false;
}

/* A walk that makes a graph: its room is what a target can use up, and then there is none. */
static struct pyi_error *make_graph(struct pyi_measuring *run, struct pyi_graph *graph,
				    struct pyi_walk_result *result)
{
	struct pyi_error *error;

	pyi_graph_space_init(&run->space, -1, run->request->graph_bytes);
	error = pyi_graph_of_snapshot(run->session, run->snapshot, run->interpreters, &run->space,
				      graph, result);
	if (!error)
		run->graph = graph;
	if (!error || error->code != PYI_ERROR_TOO_LARGE)
		return error;
	pyi_error_destroy(error);
	run->sample.containers_cut = true;
	return NULL;
}

static struct pyi_error *check_session(const void *session)
{
	return pyi_session_check(session);
}

static struct pyi_error *measure_paths(struct pyi_measuring *run,
				       const struct pyi_container_list *list,
				       const char *const *missing, size_t missing_count)
{
	const struct pyi_container_paths_request request = {
		.check = check_session,
		.check_argument = run->session,
		.interpreters = run->interpreters,
		.types = run->types,
		.least = run->request->reach == PYI_REACH_ALL ? run->request->container_least
							      : UINT64_MAX,
		.wanted = missing,
		.wanted_count = missing_count,
		.known = list,
	};
	PYI_CLEANUP(pyi_names_deinit) struct pyi_names names = { 0 };
	bool cut = false;
	struct pyi_error *error = pyi_names_init(&names, run->graph, &run->session->runtime,
						 run->snapshot->reader, false);

	if (!error)
		error = pyi_container_paths_measure(&request, run->graph, &names, &run->sample,
						    &cut);
	run->sample.containers_cut |= cut;
	run->sample.containers_anywhere |= !error && run->request->reach == PYI_REACH_ALL;
	if (!error || error->code != PYI_ERROR_TOO_LARGE)
		return error;
	pyi_error_destroy(error);
	run->sample.containers_cut = true;
	return NULL;
}

/* What only a graph finds. */
static struct pyi_error *measure_elsewhere(struct pyi_measuring *run,
					   const struct pyi_container_list *list)
{
	const struct pyi_measure_request *request = run->request;
	PYI_CLEANUP(pyi_walk_result_deinit) struct pyi_walk_result result = { 0 };
	PYI_CLEANUP(pyi_graph_deinit) struct pyi_graph graph = { 0 };
	const char **missing;
	struct pyi_error *error = NULL;
	size_t count = 0;

	if (request->reach == PYI_REACH_NAMED || run->sample.containers_cut)
		return NULL;
	missing = calloc(request->container_count + 1, sizeof(*missing));
	if (!missing)
		return pyi_error_no_memory();
	for (size_t c = 0; c < request->container_count; c++)
		if (!has_figure(run, request->containers[c]))
			missing[count++] = request->containers[c];
	if (!run->graph && count)
		error = make_graph(run, &graph, &result);
	if (!error && run->graph)
		error = measure_paths(run, list, missing, count);
	free((void *)missing);
	if (run->graph == &graph)
		run->graph = NULL;
	return error;
}

static struct pyi_error *measure_containers(struct pyi_measuring *run)
{
	PYI_CLEANUP(pyi_container_list_deinit) struct pyi_container_list list = { 0 };
	const struct pyi_container_request request = {
		.least = run->request->container_least,
		.wanted = run->request->containers,
		.wanted_count = run->request->container_count,
	};
	struct pyi_error *error = pyi_containers_find(&run->session->runtime, run->snapshot->reader,
						      run->interpreters, run->types, &request,
						      run->session->options->deadline_ns, &list);

	for (size_t c = 0; c < list.count && !error; c++)
		error = pyi_sample_add(&run->sample, PYI_FIGURE_CONTAINER, list.items[c].name,
				       list.items[c].length, 0);
	run->sample.incomplete |= list.truncated;
	if (!error)
		error = measure_attributes(run, run->interpreters, &list);
	return error ? error : measure_elsewhere(run, &list);
}

/* While Python starts or ends, what is there says nothing about how much it uses. */
static struct pyi_error *refuse_half_a_heap(const struct pyi_session *session)
{
	if (session->phase == PYI_RUNTIME_STARTS)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_UNSUPPORTED,
						       PYI_ERROR_PYTHON_NOT_STARTED,
						       "Python is still starting in process %d",
						       session->source.process.pid),
				      "try again in a moment");
	if (session->phase == PYI_RUNTIME_ENDS)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PYTHON_ENDING,
					"Python is ending in process %d, and most of its heap is "
					"gone",
					session->source.process.pid);
	return NULL;
}

/* One walk: a graph where it is wanted and there is room, or a census. */
static struct pyi_error *walk(struct pyi_measuring *run, struct pyi_graph *graph,
			      struct pyi_walk_result *result)
{
	struct pyi_walk_request request = { .flags = PYI_CENSUS_ALL };
	struct pyi_error *error = NULL;

	if (run->request->reach == PYI_REACH_ALL)
		error = make_graph(run, graph, result);
	if (error || run->graph)
		return error;
	return pyi_session_walk(run->session, run->snapshot, run->interpreters, &request, result);
}

static struct pyi_error *examine(void *argument, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_type_list_deinit) struct pyi_type_list types = { 0 };
	PYI_CLEANUP(pyi_walk_result_deinit) struct pyi_walk_result result = { 0 };
	PYI_CLEANUP(pyi_graph_deinit) struct pyi_graph graph = { 0 };
	struct pyi_measuring *run = argument;
	struct pyi_error *error;

	pyi_sample_deinit(&run->sample);
	error = refuse_half_a_heap(session);
	if (error)
		return error;
	run->session = session;
	run->snapshot = snapshot;
	run->interpreters = interpreters;
	run->types = &types;
	run->result = &result;
	run->graph = NULL;
	run->sample.time_s = time(NULL);
	run->sample.age_s = pyi_process_age_s(&session->source.process);
	error = pyi_session_list_types(session, snapshot, interpreters, &types);
	if (!error)
		error = walk(run, &graph, &result);
	if (!error)
		error = measure_process(run);
	if (!error)
		error = measure_types(run);
	if (!error)
		error = measure_trees(run);
	if (!error)
		error = measure_containers(run);
	return error;
}

struct pyi_error *pyi_measuring_begin(const struct pyi_measure_request *request,
				      struct pyi_measuring **ret_measuring)
{
	struct pyi_measuring *measuring = calloc(1, sizeof(*measuring));

	if (!measuring)
		return pyi_error_no_memory();
	measuring->request = request;
	*ret_measuring = measuring;
	return NULL;
}

struct pyi_examination pyi_measuring_examination(struct pyi_measuring *measuring)
{
	return (struct pyi_examination){ examine, measuring };
}

void pyi_measuring_end(struct pyi_measuring *measuring, const struct pyi_session *session,
		       struct pyi_sample *ret_sample)
{
	struct pyi_sample *sample = &measuring->sample;

	if (ret_sample) {
		pyi_sample_sort(sample);
		sample->incomplete |= !session->consistent || session->summary.skipped_objects;
		*ret_sample = *sample;
	} else {
		pyi_sample_deinit(sample);
	}
	free(measuring);
}

struct pyi_error *pyi_session_measure(struct pyi_session *session,
				      const struct pyi_measure_request *request,
				      struct pyi_sample *ret_sample)
{
	struct pyi_measuring *measuring = NULL;
	struct pyi_examination examination;
	struct pyi_error *error = pyi_measuring_begin(request, &measuring);

	if (error || !measuring)
		return error;
	examination = pyi_measuring_examination(measuring);
	error = pyi_session_examine(session, &examination);
	pyi_measuring_end(measuring, session, error ? NULL : ret_sample);
	return error;
}
