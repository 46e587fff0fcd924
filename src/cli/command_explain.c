/*
 * pyinspect TARGET explain: a page about the memory of a process. Does not judge or print itself.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "heap/explanation.h"
#include "report/explanation.h"

static const char help[] =
	"usage: pyinspect TARGET explain [options]\n"
	"\n"
	"Says on one page, in plain words, where the memory of the process is: how much\n"
	"it has and how much of it are Python objects, what keeps the most of them and\n"
	"through what it is held, what gc.collect() would free, what only C code holds,\n"
	"and what is no object. After each paragraph stands the command that shows more.\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"A suspect keeps at least 10 % of the bytes of all objects, and 1 MiB, and is at\n"
	"least 100 objects that are alike: all objects of a type that a module defines,\n"
	"or what one container keeps. It need not be a leak: a cache may be meant to be\n"
	"that large. If nothing is so, the page says that there is no suspect.\n"
	"\n"
	"Figures of objects are exact but for those with a ~; what is no object is what\n"
	"is left over, about. It takes memory beside that of the process: about 110\n"
	"bytes an object.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 explain\n"
	"  pyinspect unit:foo explain --json | jq -r '.result.paragraphs[].text'\n";

static struct pyi_error *ask(void *facts, const struct pyi_graph_view *view)
{
	pyi_explanation_deinit(facts);
	return pyi_explanation_gather(view, facts);
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	PYI_CLEANUP(pyi_explanation_deinit) struct pyi_explanation facts = { 0 };
	const struct pyi_graph_question question = { .ask = ask,
						     .argument = &facts,
						     .named = true };
	struct pyi_error *error = pyi_heap_graph_ask(inspection, &question, &graph);
	struct pyi_explanation_report report;

	if (error)
		return error;
	report = (struct pyi_explanation_report){
		.facts = &facts,
		.target = options->target,
		.of_core = options->core,
		.complete = pyi_heap_graph_is_complete(&graph) &&
			    !inspection->session.summary.skipped_objects &&
			    inspection->session.consistent,
		.skipped_objects = inspection->session.summary.skipped_objects,
	};
	*ret_exit =
		pyi_heap_graph_conclude(&graph, inspection, "there may be more than is said here");
	return pyi_report_explanation(options->out, options->format,
				      pyi_inspection_columns(options), inspection->envelope,
				      &report);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_explain = {
	.name = "explain",
	.summary = "where its memory is, on one page in plain words",
	.help = help,
	.inspects = true,
	.core = true,
	.graph = true,
	.dump = true,
	.run = run,
};
