/*
 * pyinspect TARGET dump FILE: the graph of a heap in a file. Does not open the file, which is put
 * in its place by another process (cli/handover.h).
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/heap_types.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "graph/file.h"
#include "heap/keep_names.h"
#include "python/collector.h"
#include "report/dump.h"

static const char help[] =
	"usage: pyinspect TARGET dump FILE [options]\n"
	"\n"
	"Writes all objects of the process and all references between them into a file,\n"
	"which answers questions later, and elsewhere: a file in the place of TARGET.\n"
	"\n"
	"FILE is replaced as a whole when all of the dump is there, and is readable only\n"
	"by its owner; - is standard output.\n"
	"\n"
	"      --values         also short values of strings, bytes, numbers and tuples\n"
	"                       of these, cut: for questions with --values\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"There are addresses, sizes and reference counts in it, and of which process it\n"
	"is, from when; and names: of types, modules, functions, attributes, variables,\n"
	"and dict keys that look like names. No contents: no other texts, no numbers,\n"
	"nothing that looks like a secret. About 4 bytes an object, if pyinspect was\n"
	"built with libzstd, and some 150 KB for names. doc/graph.md has the format.\n"
	"\n"
	"It takes memory beside that of the process: about 70 bytes an object.\n"
	"\n"
	"All can be asked of a dump but what asks the process itself: growth, check. The\n"
	"answers are those of the process, but for who is on the bus (slip-dbus). What\n"
	"could not be read of it is missing in its dump, too: both say so, with exit 5.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 dump /tmp/heap.pyi\n"
	"  pyinspect /tmp/heap.pyi top-types --by retained\n"
	"  pyinspect unit:firewalld dump - | ssh desk 'cat >firewalld.pyi'\n";

static struct pyi_error *report_on(struct pyi_inspection *inspection,
				   const struct pyi_heap_graph *graph)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(pyi_census_deinit) struct pyi_census all = { 0 };
	struct pyi_census_sum heap;
	struct stat status;
	struct pyi_error *error = pyi_heap_types(&graph->graph, NULL, &all);

	if (error)
		return error;
	if (fstat(options->output_fd, &status) != 0)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED, errno,
					      "the dump cannot be written");
	heap = pyi_census_sum_from(&all, 0);
	return pyi_report_dump(options->out, options->format, pyi_inspection_columns(options),
			       inspection->envelope,
			       &(struct pyi_dump_report){
				       .file = options->dump_file,
				       .file_bytes = (uint64_t)status.st_size,
				       .objects = heap.count,
				       .bytes = heap.bytes,
				       .references = graph->graph.edge_count,
				       .skipped_objects = inspection->skipped_objects,
				       .complete = pyi_heap_graph_is_complete(graph) &&
						   !inspection->skipped_objects &&
						   inspection->envelope->consistent,
			       });
}

/* Beside what the graph says. */
struct asking {
	bool values;
	struct pyi_collector collector;
	struct pyi_process_status status;
};

static struct pyi_error *ask(void *argument, const struct pyi_graph_view *view)
{
	struct asking *asking = argument;
	struct pyi_error *error =
		pyi_process_read_status(&view->session->source.process, 0, &asking->status);

	if (error)
		return error;
	pyi_collector_read(&view->session->runtime, view->snapshot->reader, view->interpreters,
			   &asking->collector);
	return pyi_keep_names(view, asking->values);
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	struct asking asking = { .values = options->values };
	const struct pyi_graph_question question = { .ask = ask, .argument = &asking };
	struct pyi_error *error = pyi_heap_graph_ask(inspection, &question, &graph);
	enum pyi_exit exit;

	if (!error)
		error = pyi_session_check(&inspection->session);
	if (error)
		return error;
	pyi_progress_report(&inspection->progress, "writing the dump", graph.graph.node_count);
	exit = pyi_inspection_conclude(inspection);
	/* What is wrong with the graph can be seen from it. */
	error = pyi_dump_facts_put(&graph.graph, inspection->envelope, &inspection->session.summary,
				   &graph.moment);
	if (!error)
		error = pyi_dump_facts_put_collector(&graph.graph, &asking.collector);
	if (!error)
		error = pyi_dump_facts_put_status(&graph.graph, &asking.status);
	if (!error)
		error = pyi_graph_write(&graph.graph, options->output_fd);
	if (!error)
		error = pyi_session_check(&inspection->session);
	if (error)
		return error;
	if (!pyi_heap_graph_warn(&graph, inspection->envelope, "they are not in the dump"))
		exit = PYI_EXIT_INCOMPLETE;
	*ret_exit = exit;
	/* The dump is the output. */
	return strcmp(options->dump_file, "-") == 0 ? NULL : report_on(inspection, &graph);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_dump = {
	.name = "dump",
	.summary = "write all objects and references into a file",
	.use = { .options = PYI_OPTION_VALUES, .file = true },
	.help = help,
	.inspects = true,
	.core = true,
	.graph = true,
	.run = run,
};
