/*
 * One examination for all questions; what each of them comes to is printed when it is known that
 * the snapshot can be believed.
 */
#include "cli/evidence_reports.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "heap/census.h"
#include "heap/explanation.h"
#include "heap/large_objects.h"
#include "heap/paths.h"
#include "heap/referrers.h"
#include "report/explanation.h"
#include "report/paths.h"
#include "report/referrers.h"
#include "report/top_types.h"

enum {
	TYPES_LISTED = 1000,
	OBJECTS_LISTED = 20,
	GROUPS_LISTED = 20,
	LEVELS = 3,
	PATHS_LISTED = 3,
};

/* What is asked about one type. */
struct asked {
	struct pyi_subject subject;
	struct pyi_referrers_question referrers;
	struct pyi_paths_question paths;
};

struct answers {
	const struct pyi_evidence_order *order;
	struct asked asked[PYI_EVIDENCE_TYPES];
	struct pyi_heap_graph graph;
	struct pyi_census census;
	struct pyi_explanation explanation;
	struct pyi_large_objects_question objects;
	/* Why there is no answer; NULL: there is. */
	struct pyi_error *failures[PYI_EVIDENCE_PARTS];
	struct pyi_evidence_reports reports;
};

static void forget(struct answers *answers)
{
	for (size_t t = 0; t < PYI_EVIDENCE_TYPES; t++) {
		pyi_referrers_question_deinit(&answers->asked[t].referrers);
		pyi_paths_question_deinit(&answers->asked[t].paths);
	}
	pyi_heap_graph_deinit(&answers->graph);
	pyi_census_deinit(&answers->census);
	pyi_explanation_deinit(&answers->explanation);
	pyi_large_objects_question_deinit(&answers->objects);
	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++) {
		pyi_error_destroy(answers->failures[part]);
		answers->failures[part] = NULL;
	}
}

/* Takes over an error that is one answer's alone; another one comes back, and ends all. */
static struct pyi_error *keep(struct answers *answers, int part, struct pyi_error *error)
{
	if (!error)
		return NULL;
	switch (error->code) {
	case PYI_ERROR_NO_SUCH_TYPE:
	case PYI_ERROR_AMBIGUOUS_TYPE:
	case PYI_ERROR_TOO_LARGE:
	case PYI_ERROR_TIMEOUT:
		pyi_error_destroy(answers->failures[part]);
		answers->failures[part] = error;
		return NULL;
	default:
		return error;
	}
}

static void prepare(struct answers *answers)
{
	answers->objects.by_bytes_limit = OBJECTS_LISTED;
	answers->objects.by_referents_limit = OBJECTS_LISTED;
	for (size_t t = 0; t < answers->order->type_count; t++) {
		struct asked *asked = &answers->asked[t];

		asked->subject = (struct pyi_subject){ .type = answers->order->types[t] };
		asked->referrers = (struct pyi_referrers_question){ .subject = &asked->subject,
								    .depth = LEVELS };
		asked->paths = (struct pyi_paths_question){ .subject = &asked->subject,
							    .limit = PATHS_LISTED };
	}
}

/* One question after the other; what one of them fails with is no matter of the next. */
static struct pyi_error *ask(struct answers *answers, int part,
			     const struct pyi_graph_question *question,
			     const struct pyi_graph_view *view)
{
	struct pyi_error *error = pyi_session_check(view->session);

	if (!error && question->prepare)
		error = question->prepare(question->argument, view);
	if (!error)
		error = question->ask(question->argument, view);
	return keep(answers, part, error);
}

static struct pyi_error *explain(void *explanation, const struct pyi_graph_view *view)
{
	return pyi_explanation_gather(view, explanation);
}

static struct pyi_error *ask_graph(struct answers *answers, const struct pyi_graph_view *view)
{
	const struct pyi_graph_question explaining = { .ask = explain,
						       .argument = &answers->explanation };
	const struct pyi_graph_question objects = pyi_large_objects_ask(&answers->objects);
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < answers->order->type_count && !error; t++) {
		const struct pyi_graph_question referrers =
			pyi_referrers_ask(&answers->asked[t].referrers);
		const struct pyi_graph_question paths = pyi_paths_ask(&answers->asked[t].paths);

		error = ask(answers, PYI_EVIDENCE_REFERRERS + (int)t, &referrers, view);
		if (!error)
			error = ask(answers, PYI_EVIDENCE_PATH + (int)t, &paths, view);
	}
	if (!error)
		error = ask(answers, PYI_EVIDENCE_EXPLAIN, &explaining, view);
	return error ? error : ask(answers, PYI_EVIDENCE_TOP_OBJECTS, &objects, view);
}

/* What only a graph can answer. */
static struct pyi_error *give_up_graph(struct answers *answers, const struct pyi_error *why)
{
	struct pyi_error *error = NULL;

	for (int part = PYI_EVIDENCE_REFERRERS; part < PYI_EVIDENCE_PARTS && !error; part++)
		error = keep(answers, part,
			     pyi_error_create(why->exit, why->code, "%s", why->message));
	return error;
}

/* A walk that makes a graph; if there is no room for one, one that counts. */
static struct pyi_error *walk(struct answers *answers, struct pyi_session *session,
			      struct pyi_source_snapshot *snapshot,
			      const struct pyi_interpreters *interpreters,
			      struct pyi_walk_result *ret_result, bool *ret_graph)
{
	struct pyi_walk_request counting = { .flags = PYI_CENSUS_ALL };
	PYI_CLEANUP(pyi_guard_error)
	struct pyi_error *error =
		pyi_graph_of_snapshot(session, snapshot, interpreters, &answers->graph.space,
				      &answers->graph.graph, ret_result);

	*ret_graph = !error;
	if (!error || error->code != PYI_ERROR_TOO_LARGE)
		return pyi_return_ptr(error);
	pyi_error_destroy(give_up_graph(answers, error));
	return pyi_session_walk(session, snapshot, interpreters, &counting, ret_result);
}

static struct pyi_error *ask_all(struct answers *answers, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_findings_deinit) struct pyi_findings findings = { 0 };
	PYI_CLEANUP(pyi_names_deinit) struct pyi_names names = { 0 };
	const struct pyi_graph_view view = {
		.session = session,
		.snapshot = snapshot,
		.interpreters = interpreters,
		.graph = &answers->graph.graph,
		.names = &names,
		.findings = &findings,
	};
	struct pyi_error *error = pyi_names_init(&names, &answers->graph.graph, &session->runtime,
						 snapshot->reader, false);

	return error ? error : ask_graph(answers, &view);
}

static struct pyi_error *examine(void *argument, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_walk_result_deinit) struct pyi_walk_result result = { 0 };
	struct answers *answers = argument;
	struct pyi_error *error;
	bool graph = false;

	forget(answers);
	prepare(answers);
	error = walk(answers, session, snapshot, interpreters, &result, &graph);
	if (!error)
		error = pyi_census_of_walk(session, snapshot, &result, &answers->census);
	return !error && graph ? ask_all(answers, session, snapshot, interpreters) : error;
}

/* Without "graph" there is none, and that is said where it matters. */
static enum pyi_exit conclude(struct answers *answers, struct pyi_inspection *inspection)
{
	if (answers->failures[PYI_EVIDENCE_EXPLAIN] && !answers->graph.graph.node_count)
		return pyi_inspection_conclude(inspection);
	return pyi_heap_graph_conclude(&answers->graph, inspection,
				       "there may be references that are not shown");
}

static struct pyi_error *print_types(struct answers *answers,
				     const struct pyi_inspection *inspection, FILE *out)
{
	const struct pyi_record_summary *summary = &inspection->session.summary;
	const struct pyi_top_types report = {
		.scope = "all",
		.order = PYI_CENSUS_BY_BYTES,
		.census = &answers->census,
		.limit = TYPES_LISTED,
		.frozen_objects = summary->frozen_objects,
		.frozen_bytes = summary->frozen_bytes,
		.skipped_objects = inspection->skipped_objects,
	};

	pyi_census_sort(&answers->census, report.order);
	return pyi_report_top_types(out, PYI_FORMAT_JSON, 0, inspection->envelope, &report);
}

static struct pyi_error *print_referrers(const struct asked *asked,
					 const struct pyi_inspection *inspection, FILE *out)
{
	const struct pyi_referrers_report report = {
		.referrers = &asked->referrers.answer,
		.limit = GROUPS_LISTED,
		.skipped_objects = inspection->skipped_objects,
	};

	return pyi_report_referrers(out, PYI_FORMAT_JSON, 0, inspection->envelope, &report);
}

static struct pyi_error *print_explanation(const struct answers *answers,
					   const struct pyi_inspection *inspection, FILE *out)
{
	const struct pyi_explanation_report report = {
		.facts = &answers->explanation,
		.target = inspection->options->target,
		.complete = pyi_heap_graph_is_complete(&answers->graph) &&
			    !inspection->skipped_objects && inspection->envelope->consistent,
		.skipped_objects = inspection->skipped_objects,
	};

	return pyi_report_explanation(out, PYI_FORMAT_JSON, 0, inspection->envelope, &report);
}

static const char *command_of(int part)
{
	if (part == PYI_EVIDENCE_TOP_TYPES)
		return "top-types";
	if (part == PYI_EVIDENCE_TOP_OBJECTS)
		return "top-objects";
	if (part == PYI_EVIDENCE_EXPLAIN)
		return "explain";
	return part < PYI_EVIDENCE_PATH ? "referrers" : "path";
}

static struct pyi_error *print_part(struct answers *answers,
				    const struct pyi_inspection *inspection, int part, FILE *out)
{
	switch (part) {
	case PYI_EVIDENCE_TOP_TYPES:
		return print_types(answers, inspection, out);
	case PYI_EVIDENCE_TOP_OBJECTS:
		return pyi_report_large_objects(out, PYI_FORMAT_JSON, 0, inspection->envelope,
						&answers->objects.answer,
						inspection->skipped_objects);
	case PYI_EVIDENCE_EXPLAIN:
		return print_explanation(answers, inspection, out);
	default:
		break;
	}
	if (part < PYI_EVIDENCE_PATH)
		return print_referrers(&answers->asked[part - PYI_EVIDENCE_REFERRERS], inspection,
				       out);
	return pyi_report_paths(out, PYI_FORMAT_JSON, 0, inspection->envelope,
				&answers->asked[part - PYI_EVIDENCE_PATH].paths.answer,
				inspection->skipped_objects);
}

/* Puts an error in the place of its report. */
static void print_failure(const struct pyi_error *failure, const struct pyi_envelope *envelope,
			  FILE *out)
{
	PYI_CLEANUP(pyi_guard_free) char *unread = NULL;
	PYI_CLEANUP(pyi_guard_file) FILE *words = NULL;
	size_t size;

	words = open_memstream(&unread, &size);
	if (words)
		pyi_output_error(out, words, PYI_FORMAT_JSON, envelope, failure);
}

static struct pyi_error *print(struct answers *answers, struct pyi_inspection *inspection, int part)
{
	struct pyi_evidence_report *report = &answers->reports.parts[part];
	const struct pyi_error *failure = answers->failures[part];
	PYI_CLEANUP(pyi_guard_file) FILE *out = open_memstream(&report->text, &report->size);
	struct pyi_error *error = NULL;

	if (!out)
		return pyi_error_no_memory();
	inspection->envelope->command = command_of(part);
	report->made = !failure;
	if (failure)
		print_failure(failure, inspection->envelope, out);
	else
		error = print_part(answers, inspection, part, out);
	if (fclose(pyi_return_ptr(out)) != 0 && !error)
		error = pyi_error_no_memory();
	return error;
}

static bool is_wanted(const struct pyi_evidence_order *order, int part)
{
	int count = (int)order->type_count;

	if (part == PYI_EVIDENCE_SLIP_DBUS)
		return false;
	if (part >= PYI_EVIDENCE_REFERRERS && part < PYI_EVIDENCE_PATH)
		return part - PYI_EVIDENCE_REFERRERS < count;
	if (part >= PYI_EVIDENCE_PATH && part < PYI_EVIDENCE_EXPLAIN)
		return part - PYI_EVIDENCE_PATH < count;
	return true;
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	struct answers *answers = inspection->context;
	const struct pyi_examination examination = { examine, answers };
	struct pyi_error *error;

	pyi_graph_space_init(&answers->graph.space, -1, inspection->options->graph_bytes);
	error = pyi_session_examine(&inspection->session, &examination);
	if (error)
		return error;
	*ret_exit = conclude(answers, inspection);
	for (int part = 0; part < PYI_EVIDENCE_PARTS && !error; part++)
		if (is_wanted(answers->order, part))
			error = print(answers, inspection, part);
	return error;
}

struct pyi_error *pyi_evidence_reports_make(const struct pyi_options *options,
					    const struct pyi_evidence_order *order,
					    struct pyi_envelope *envelope,
					    struct pyi_evidence_reports *ret_reports)
{
	struct answers answers = { .order = order };
	struct pyi_options own = *options;
	struct pyi_error *error;
	enum pyi_exit exit;

	own.deadline_ns = order->deadline_ns;
	error = pyi_inspection_run_with(&own, envelope, answer, &answers, &exit);
	forget(&answers);
	if (error) {
		pyi_evidence_reports_deinit(&answers.reports);
		return error;
	}
	*ret_reports = answers.reports;
	return NULL;
}
