/*
 * pyinspect TARGET garbage: what gc.collect() would free, and why. Does not decide that or print
 * itself.
 */
#include <stdio.h>

#include "analysis/garbage.h"
#include "analysis/garbage_cycles.h"
#include "analysis/heap_types.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "python/collector.h"
#include "report/garbage.h"

static const char help[] =
	"usage: pyinspect TARGET garbage [options]\n"
	"\n"
	"Says what gc.collect() would free, by type, without running it: cycles of\n"
	"objects that nothing refers to, and what only they keep alive; and whether the\n"
	"collector is enabled, its thresholds and counts, and the length of gc.garbage.\n"
	"The second table is the cause: cycles to which no other garbage leads, one line\n"
	"for those of objects of the same types, and what would be freed with them.\n"
	"\n"
	"  -n, --limit N        show N types, and kinds of cycles (default 20; 0: all)\n"
	"      --by count|bytes what biggest means (default bytes)\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"It is the collector's own arithmetic, on a frozen copy: of the reference count\n"
	"of each tracked object, references by other tracked objects are subtracted; what\n"
	"has some left is alive, and so is what it leads to. The number of objects in\n"
	"cycles is what gc.collect() would return. Objects frozen by gc.freeze() are left\n"
	"out, as the collector does.\n"
	"\n"
	"A finalizer (__del__) or a callback of a weak reference can bring an object back\n"
	"to life: nothing is run here, so that is not known. CPython 2.7 never frees what\n"
	"has a __del__ and is in a cycle: that is found, and not among what is freed; but\n"
	"generators that are suspended within try, which it keeps too, are.\n"
	"\n"
	"If not all references could be read, there may be more garbage than is shown:\n"
	"that is said, and exit 5.\n"
	"\n"
	"It takes memory beside that of the process: about 100 bytes an object, and 40\n"
	"more for what is garbage.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 garbage                  would gc.collect() help?\n"
	"  pyinspect 1234 garbage --by count -n 5\n"
	"  pyinspect 1234 garbage --format json | jq .result.bytes\n";

/* The state of the collector is read where the heap is; a dump has it, too. */
static struct pyi_error *read_collector(void *collector, const struct pyi_graph_view *view)
{
	if (view->collector)
		*(struct pyi_collector *)collector = *view->collector;
	else
		pyi_collector_read(&view->session->runtime, view->snapshot->reader,
				   view->interpreters, collector);
	return NULL;
}

static struct pyi_error *report_on(struct pyi_inspection *inspection,
				   const struct pyi_heap_graph *graph,
				   const struct pyi_garbage *garbage,
				   const struct pyi_collector *collector, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(pyi_census_deinit) struct pyi_census freed = { 0 };
	PYI_CLEANUP(pyi_census_deinit) struct pyi_census all = { 0 };
	PYI_CLEANUP(pyi_garbage_cycles_deinit) struct pyi_garbage_cycles cycles = { 0 };
	struct pyi_garbage_report report;
	struct pyi_census_sum heap;
	struct pyi_error *error = pyi_heap_types(&graph->graph, garbage->freed, &freed);

	if (!error)
		error = pyi_heap_types(&graph->graph, NULL, &all);
	if (!error)
		error = pyi_garbage_cycles_find(&graph->graph, garbage, &cycles);
	if (!error)
		error = pyi_session_check(&inspection->session);
	if (error)
		return error;
	heap = pyi_census_sum_from(&all, 0);
	report = (struct pyi_garbage_report){
		.census = &freed,
		.order = options->by == PYI_BY_COUNT ? PYI_CENSUS_BY_COUNT : PYI_CENSUS_BY_BYTES,
		.limit = options->limit,
		.found_objects = garbage->found_objects,
		.heap_objects = heap.count,
		.heap_bytes = heap.bytes,
		.complete = pyi_heap_graph_is_complete(graph) &&
			    !inspection->session.summary.skipped_objects &&
			    inspection->session.consistent,
		.skipped_objects = inspection->session.summary.skipped_objects,
		.collector = *collector,
		.cycles = &cycles,
		.graph = &graph->graph,
	};
	pyi_census_sort(&freed, report.order);
	*ret_exit = pyi_heap_graph_conclude(graph, inspection,
					    "there may be more garbage than is shown");
	return pyi_report_garbage(options->out, options->format, pyi_inspection_columns(options),
				  inspection->envelope, &report);
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	PYI_CLEANUP(pyi_garbage_deinit) struct pyi_garbage garbage = { 0 };
	struct pyi_collector collector = { 0 };
	const struct pyi_graph_question question = { .ask = read_collector,
						     .argument = &collector,
						     .of_dumps = true };
	struct pyi_error *error = pyi_heap_graph_ask(inspection, &question, &graph);

	if (!error)
		error = pyi_session_check(&inspection->session);
	if (!error)
		error = pyi_garbage_find(&graph.graph, &garbage);
	if (!error)
		error = pyi_session_check(&inspection->session);
	return error ? error : report_on(inspection, &graph, &garbage, &collector, ret_exit);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_garbage = {
	.name = "garbage",
	.summary = "what gc.collect() would free, without running it",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_BY,
		.by = PYI_BY_COUNT | PYI_BY_BYTES,
		.default_limit = 20,
	},
	.help = help,
	.inspects = true,
	.core = true,
	.graph = true,
	.dump = true,
	.run = run,
};
