/*
 * Hands the stream of the payload to a builder, which checks it.
 */
#include "heap/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/builder.h"
#include "heap/census.h"
#include "python/finalizers.h"
#include "python/objects.h"

struct run {
	struct pyi_graph_space *space;
	struct pyi_session *session;
	struct pyi_source_snapshot *snapshot;
	struct pyi_graph_builder *builder;
	/* NULL: the graph is all that is wanted. */
	const struct pyi_graph_question *question;
	struct pyi_graph graph;
};

static struct pyi_error *take_words(void *argument, const uint8_t *bytes, size_t size_bytes)
{
	PYI_CLEANUP(pyi_guard_free) uint64_t *words = NULL;
	struct run *run = argument;
	const void *aligned = bytes;

	if ((uintptr_t)bytes % sizeof(uint64_t)) {
		words = malloc(size_bytes);
		if (!words)
			return pyi_error_no_memory();
		aligned = memcpy(words, bytes, size_bytes);
	}
	return pyi_graph_builder_feed(run->builder, aligned, size_bytes / sizeof(uint64_t));
}

static struct pyi_error *add_type(struct run *run, const struct pyi_record_graph_type *record)
{
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	struct pyi_error *error = pyi_session_check(run->session);

	if (error)
		return error;
	name = pyi_census_keep_name(run->session, pyi_objects_type_name(&run->session->runtime,
									run->snapshot->reader,
									record->type_addr));
	if (!name)
		return pyi_error_no_memory();
	if (record->number >= PYI_GRAPH_TYPE_LIMIT)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
					"the payload's answer is broken: it has too many types");
	return pyi_graph_builder_add_type(run->builder, (uint32_t)record->number, record->type_addr,
					  (uint32_t)record->object_kind, name);
}

static struct pyi_error *add_root(struct run *run, const struct pyi_record_graph_root *record)
{
	const struct pyi_edge *edge = &record->root.edge;
	const struct pyi_graph_root root = {
		.kind = edge->kind,
		.detail = edge->detail,
		.context = edge->context,
		.uncounted = (edge->internal & PYI_ROOT_UNCOUNTED) != 0,
	};
	struct pyi_error *error =
		pyi_graph_builder_add_root(run->builder, record->root.object_addr, &root);

	if (!error && edge->internal & PYI_ROOT_WEAK)
		error = pyi_graph_builder_add_weak(run->builder, record->root.object_addr);
	return error;
}

static struct pyi_error *take_record(void *argument, uint32_t kind, const void *record)
{
	switch (kind) {
	case PYI_RECORD_GRAPH_TYPE:
		return add_type(argument, record);
	case PYI_RECORD_GRAPH_ROOT:
		return add_root(argument, record);
	default:
		return NULL;
	}
}

static struct pyi_error *note_estimates(struct run *run, const struct pyi_walk_result *result)
{
	for (uint32_t t = 0; t < run->graph.type_count; t++) {
		struct pyi_graph_type *type = &run->graph.types[t];
		struct pyi_error *error = pyi_session_check(run->session);

		if (error)
			return error;
		type->finalizer =
			type->addr && pyi_finalizers_keep(&run->session->runtime,
							  run->snapshot->reader, type->addr);
		type->estimated = type->addr &&
				  pyi_objects_size_is_estimated(
					  &run->session->runtime, run->snapshot->reader, type->addr,
					  result->modelled.addrs, result->modelled.count);
	}
	return NULL;
}

static struct pyi_error *ask(struct run *run, const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_findings_deinit) struct pyi_findings findings = { 0 };
	PYI_CLEANUP(pyi_names_deinit) struct pyi_names names = { 0 };
	struct pyi_error *error = pyi_names_init(&names, &run->graph, &run->session->runtime,
						 run->snapshot->reader, run->question->values);

	const struct pyi_graph_view view = {
		.session = run->session,
		.snapshot = run->snapshot,
		.interpreters = interpreters,
		.graph = &run->graph,
		.names = &names,
		.findings = &findings,
	};

	if (!error)
		error = run->question->ask(run->question->argument, &view);
	return error;
}

struct pyi_error *pyi_graph_of_snapshot(struct pyi_session *session,
					struct pyi_source_snapshot *snapshot,
					const struct pyi_interpreters *interpreters,
					struct pyi_graph_space *space, struct pyi_graph *ret_graph,
					struct pyi_walk_result *ret_result)
{
	struct run run = { .space = space, .session = session, .snapshot = snapshot };
	struct pyi_walk_request request = {
		.flags = PYI_CENSUS_ALL,
		.job = PYI_JOB_GRAPH,
		.record = take_record,
		.words = take_words,
		.record_argument = &run,
	};
	struct pyi_walk_result result = { 0 };
	struct pyi_error *error = pyi_graph_builder_create(space, &run.builder);

	if (!error)
		error = pyi_session_walk(session, snapshot, interpreters, &request, &result);
	if (!error)
		error = pyi_graph_builder_finish(run.builder, &run.graph);
	if (!error)
		error = note_estimates(&run, &result);
	pyi_graph_builder_destroy(run.builder);
	if (error) {
		pyi_graph_deinit(&run.graph);
		pyi_walk_result_deinit(&result);
		return error;
	}
	*ret_graph = run.graph;
	*ret_result = result;
	return NULL;
}

static struct pyi_error *examine(void *argument, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	struct run *run = argument;
	const struct pyi_graph_view view = {
		.session = session,
		.snapshot = snapshot,
		.interpreters = interpreters,
	};
	struct pyi_walk_result result = { 0 };
	struct pyi_error *error = NULL;

	pyi_graph_deinit(&run->graph);
	run->session = session;
	run->snapshot = snapshot;
	if (run->question && run->question->prepare)
		error = run->question->prepare(run->question->argument, &view);
	if (!error)
		error = pyi_graph_of_snapshot(session, snapshot, interpreters, run->space,
					      &run->graph, &result);
	if (!error && run->question)
		error = ask(run, interpreters);
	pyi_walk_result_deinit(&result);
	return error;
}

struct pyi_error *pyi_session_graph(struct pyi_session *session, struct pyi_graph_space *space,
				    struct pyi_graph *ret_graph)
{
	return pyi_session_ask_graph(session, space, NULL, ret_graph);
}

struct pyi_error *pyi_session_ask_graph(struct pyi_session *session, struct pyi_graph_space *space,
					const struct pyi_graph_question *question,
					struct pyi_graph *ret_graph)
{
	struct run run = { .space = space, .question = question };
	const struct pyi_examination examination = { examine, &run };
	struct pyi_error *error = pyi_session_examine(session, &examination);

	if (error) {
		pyi_graph_deinit(&run.graph);
		return error;
	}
	*ret_graph = run.graph;
	return NULL;
}
