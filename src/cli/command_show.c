/*
 * pyinspect TARGET show: one object, by its address; pyinspect show EVIDENCE: what a check has
 * kept. Does not find anything out or print itself.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/evidence_input.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "heap/object_facts.h"
#include "report/evidence.h"
#include "report/object_facts.h"

static const char help[] =
	"usage: pyinspect TARGET show 0xADDRESS [options]\n"
	"       pyinspect show FOLDER|FILE|NAME [options]\n"
	"\n"
	"Says all that is known of one object: its type, size and reference count, what\n"
	"would be freed with it, what alone keeps it alive, a nearest path from a root,\n"
	"what it refers to, and what refers to it.\n"
	"\n"
	"Without an address: prints the evidence of an incident, which check has kept, as\n"
	"tables. A FOLDER is one that check has named, a FILE one of those in it or any\n"
	"report that was made with --json; a NAME is that of a folder alone, below\n"
	"evidence/ of the state folder of checks.\n"
	"\n"
	"An address is one that another report has shown (top-objects, path, dominators,\n"
	"or show itself), or id() as the program says it.\n"
	"\n"
	"  -n, --limit N        show N referents and N referrers (default 20; 0: 1000,\n"
	"                       which is the most)\n"
	"      --address ADDR   the same as the address in front; decimal too\n"
	"                       of evidence, N rows of each table (JSON has all)\n"
	"      --state FOLDER   where checks keep things (as of check)\n"
	"      --values         show strings, numbers and tuples of these, cut; without\n"
	"                       it, names only\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"retained is what would be freed if the object were gone: itself, and what\n"
	"nothing else keeps alive. References that no object and no root explains are\n"
	"held by C code, by an extension module that does not tell, or by what is not\n"
	"seen. Of a referrer, EDGE is where in it the object is; a dict may be the\n"
	"__dict__ of a module, a class or an object, which is then named.\n"
	"\n"
	"It takes memory beside that of the process: about 110 bytes an object.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 show 0x7f2a5c0d1e40\n"
	"  pyinspect 1234 show 0x7f2a5c0d1e40 --values -n 100\n"
	"  pyinspect 1234 show 0x7f2a5c0d1e40 --format dot | dot -Tsvg >object.svg\n"
	"  pyinspect 1234 show 0x7f2a5c0d1e40 --json | jq -r .result.path.expression\n"
	"  pyinspect show /var/lib/pyinspect/evidence/unit_foo-1234-20260131T235959Z\n";

struct asking {
	struct pyi_object_request request;
	struct pyi_object_facts facts;
};

static struct pyi_error *ask(void *argument, const struct pyi_graph_view *view)
{
	struct asking *asking = argument;

	pyi_object_facts_deinit(&asking->facts);
	return pyi_object_facts_gather(view, &asking->request, &asking->facts);
}

static struct pyi_error *report_on(struct pyi_inspection *inspection,
				   const struct pyi_heap_graph *graph,
				   const struct pyi_object_facts *facts, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	const struct pyi_object_report report = {
		.facts = facts,
		.complete = pyi_heap_graph_is_complete(graph) &&
			    !inspection->session.summary.skipped_objects &&
			    inspection->session.consistent,
		.skipped_objects = inspection->session.summary.skipped_objects,
	};

	*ret_exit = pyi_heap_graph_conclude(graph, inspection,
					    "it may have more referrers, and what is retained may "
					    "be more or less");
	return pyi_report_object_facts(options->out, options->format,
				       pyi_inspection_columns(options), inspection->envelope,
				       &report);
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	struct asking asking = {
		.request = {
			.address = inspection->options->address,
			.limit = inspection->options->limit,
			.values = inspection->options->values,
		},
	};
	const struct pyi_graph_question question = {
		.ask = ask,
		.argument = &asking,
		.values = inspection->options->values,
		.of_dumps = true,
		.named = true,
	};
	struct pyi_error *error = pyi_heap_graph_ask(inspection, &question, &graph);

	if (!error)
		error = report_on(inspection, &graph, &asking.facts, ret_exit);
	pyi_object_facts_deinit(&asking.facts);
	return error;
}

/* Reports of another time: nothing is looked at. */
static struct pyi_error *show_evidence(const struct pyi_options *options,
				       struct pyi_envelope *envelope, enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(pyi_evidence_input_deinit) struct pyi_evidence_input input = { 0 };
	uint64_t begun_ns = pyi_clock_now_ns();
	struct pyi_error *error = pyi_evidence_input_read(options->dump_fd, &input);
	const struct pyi_evidence_shown shown = {
		.name = options->target,
		.reports = input.reports,
		.count = input.count,
		.limit = options->limit,
	};

	if (error)
		return error;
	pyi_evidence_input_describe(&input, envelope);
	envelope->elapsed_ms = pyi_clock_ms_since(begun_ns);
	*ret_exit = input.damaged ? PYI_EXIT_INCOMPLETE : PYI_EXIT_OK;
	return pyi_report_evidence(options->out, options->format, pyi_inspection_columns(options),
				   envelope, &shown);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	if (!options->address)
		return show_evidence(options, envelope, ret_exit);
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_show = {
	.name = "show",
	.summary = "one object: what it is, who holds it; or kept evidence",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_ADDRESS | PYI_OPTION_VALUES |
			   PYI_OPTION_STATE,
		.address = true,
		.evidence = true,
		.default_limit = 20,
		.most_limit = 1000,
		.zero_is_most = true,
		.graph = true,
	},
	.help = help,
	.inspects = true,
	.core = true,
	.graph = true,
	.dump = true,
	.run = run,
};
