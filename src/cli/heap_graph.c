/*
 * A graph in anonymous memory, as large as the worker has room for (cli/room.h). Of a dump nothing
 * is believed: graph/file.h checks it, and its texts are those of a target.
 */
#include "cli/heap_graph.h"

#include <inttypes.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/core_facts.h"
#include "graph/file.h"

static struct pyi_error *read_dump(struct pyi_inspection *inspection, struct pyi_heap_graph *graph)
{
	struct pyi_error *error =
		pyi_graph_read(inspection->options->dump_fd, &graph->space, &graph->graph);

	if (error)
		return error;
	error = pyi_dump_facts_get(&graph->graph, inspection->options->target, inspection->envelope,
				   &inspection->session.summary, &graph->moment);
	if (error)
		return error;
	inspection->session.consistent = inspection->envelope->consistent;
	inspection->partial = graph->graph.truncated;
	if (graph->graph.truncated)
		pyi_envelope_warn(inspection->envelope, "cut-off",
				  "the dump is cut off or damaged: only its first %" PRIu32
				  " objects are known",
				  graph->graph.node_count);
	return NULL;
}

/* What is not as in a report on the process. */
static void warn_of_names(struct pyi_inspection *inspection, const struct pyi_heap_graph *graph,
			  const struct pyi_graph_question *question)
{
	if (!question->named)
		return;
	if (!graph->named)
		pyi_envelope_warn(inspection->envelope, "no-names",
				  "this dump does not say what references are called");
	if (graph->named && graph->offline.unnamed)
		pyi_envelope_warn(inspection->envelope, "unnamed",
				  "%" PRIu64 " references had no room for their names when the "
				  "dump was written: they read (internal)",
				  graph->offline.unnamed);
	if (graph->named && question->values && !graph->offline.values)
		pyi_envelope_warn(inspection->envelope, "no-values",
				  "this dump keeps no values, as one made with dump --values "
				  "does");
}

static struct pyi_error *no_names(const struct pyi_options *options)
{
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_NAMES,
				 "%s tells what references are called, which this dump does not "
				 "say",
				 options->command),
		"pyinspect of now writes names into a dump; of this one top-types, garbage, "
		"dominators and show can be asked");
}

static struct pyi_error *ask_dump(struct pyi_inspection *inspection,
				  const struct pyi_graph_question *question,
				  struct pyi_heap_graph *graph)
{
	PYI_CLEANUP(pyi_findings_deinit) struct pyi_findings findings = { 0 };
	PYI_CLEANUP(pyi_names_deinit) struct pyi_names names = { 0 };
	struct pyi_session *session = &inspection->session;
	struct pyi_collector collector;
	struct pyi_process_status status;
	struct pyi_graph_view view = {
		.session = session,
		.graph = &graph->graph,
		.findings = &findings,
		.collector = &collector,
		.status = &status,
	};
	struct pyi_error *error;

	pyi_session_begin_offline(session, &graph->graph, inspection->envelope->rss_bytes);
	error = pyi_offline_begin(&graph->graph, &graph->offline, &session->runtime, &graph->named);
	if (error || !question)
		return error;
	if (!graph->named && !question->of_dumps)
		return no_names(inspection->options);
	warn_of_names(inspection, graph, question);
	pyi_dump_facts_get_collector(&graph->graph, &collector);
	pyi_dump_facts_get_status(&graph->graph, &status);
	if (graph->named) {
		view.snapshot = &graph->offline.snapshot;
		view.interpreters = &graph->offline.interpreters;
		error = question->prepare ? question->prepare(question->argument, &view) : NULL;
		if (!error)
			error = pyi_names_init(&names, &graph->graph, &session->runtime,
					       view.snapshot->reader, question->values);
		view.names = &names;
	}
	return error ? error : question->ask(question->argument, &view);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct pyi_error *pyi_heap_graph_take(struct pyi_inspection *inspection,
				      struct pyi_heap_graph *ret_graph)
{
	return pyi_heap_graph_ask(inspection, NULL, ret_graph);
}

struct pyi_error *pyi_heap_graph_ask(struct pyi_inspection *inspection,
				     const struct pyi_graph_question *question,
				     struct pyi_heap_graph *ret_graph)
{
	struct pyi_session *session = &inspection->session;
	struct pyi_error *error;

	pyi_graph_space_init(&ret_graph->space, -1, inspection->options->graph_bytes);
	if (pyi_inspection_is_of_dump(inspection)) {
		error = read_dump(inspection, ret_graph);
		return error ? error : ask_dump(inspection, question, ret_graph);
	}
	error = pyi_session_ask_graph(session, &ret_graph->space, question, &ret_graph->graph);
	/* The snapshot has just ended. */
	ret_graph->moment = (struct pyi_dump_moment){
		.start_ticks = session->source.process.start_ticks,
		.taken_ms = inspection->options->core ? pyi_core_facts_taken_ms(inspection->options)
						      : now_ms() - (uint64_t)session->snapshot_ms,
	};
	return error;
}

void pyi_heap_graph_deinit(struct pyi_heap_graph *graph)
{
	pyi_offline_end(&graph->offline);
	pyi_graph_deinit(&graph->graph);
}

bool pyi_heap_graph_is_complete(const struct pyi_heap_graph *graph)
{
	return !graph->graph.incomplete_nodes && !graph->graph.lost_edges &&
	       !graph->graph.duplicate_nodes && !graph->graph.truncated;
}

bool pyi_heap_graph_warn(const struct pyi_heap_graph *graph, struct pyi_envelope *envelope,
			 const char *consequence)
{
	uint64_t unread = graph->graph.incomplete_nodes + graph->graph.duplicate_nodes;

	if (pyi_heap_graph_is_complete(graph))
		return true;
	pyi_envelope_warn(envelope, "incomplete-graph",
			  "%" PRIu64 " objects could not be read to their end, and %" PRIu64
			  " references lead to or from what is no object: %s",
			  unread, graph->graph.lost_edges, consequence);
	return false;
}

enum pyi_exit pyi_heap_graph_conclude(const struct pyi_heap_graph *graph,
				      struct pyi_inspection *inspection, const char *consequence)
{
	enum pyi_exit exit = pyi_inspection_conclude(inspection);

	return pyi_heap_graph_warn(graph, inspection->envelope, consequence) ? exit
									     : PYI_EXIT_INCOMPLETE;
}
