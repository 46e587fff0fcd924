/*
 * pyinspect TARGET top-objects: single objects that are large, or refer to many others. Does not
 * choose or print itself.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "cli/retained.h"
#include "heap/large_objects.h"
#include "report/paths.h"

static const char help[] =
	"usage: pyinspect TARGET top-objects [options]\n"
	"\n"
	"Lists the largest single objects, and those that refer to the most others: the\n"
	"one list, dict or string that was never cut.\n"
	"\n"
	"  -n, --limit N        show N objects in each list (default 10; 0: 10000,\n"
	"                       which is the most)\n"
	"      --by bytes       the largest only\n"
	"      --by referents   those with the most referents only\n"
	"      --by retained    those with which the most bytes would be freed; takes\n"
	"                       memory, 110 bytes an object\n"
	"      --values         show strings, numbers and tuples of these, cut; without\n"
	"                       it no contents of the process are shown\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"BYTES is the shallow size, as sys.getsizeof() gives it: a list's slots, not what\n"
	"is in them; ~ marks an estimate. REFERENTS is len(gc.get_referents(object)).\n"
	"LENGTH is len(), where it is known how to find it. The owner is the nearest\n"
	"thing with a name (module, class, instance, function) on the way to the object;\n"
	"if several hold it, the first one found. Many small objects do not show here:\n"
	"see top-types.\n"
	"\n"
	"It takes memory beside that of the process: about 70 bytes an object. Not seen:\n"
	"what C code keeps outside of Python objects.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 top-objects\n"
	"  pyinspect 1234 top-objects --by referents -n 3\n"
	"  pyinspect 1234 top-objects --by retained\n"
	"  pyinspect 1234 path 0x7f2a5c0d1e40      what keeps one of them alive?\n"
	"  pyinspect 1234 top-objects --format json | jq '.result.largest[0]'\n";

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(pyi_large_objects_question_deinit)
	struct pyi_large_objects_question objects = {
		.by_bytes_limit = options->by == PYI_BY_REFERENTS ? 0 : options->limit,
		.by_referents_limit = options->by == PYI_BY_BYTES ? 0 : options->limit,
		.values = options->values,
	};
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	const struct pyi_graph_question question = pyi_large_objects_ask(&objects);
	struct pyi_error *error = pyi_heap_graph_ask(inspection, &question, &graph);

	if (error)
		return error;
	*ret_exit = pyi_heap_graph_conclude(&graph, inspection,
					    "objects may have more referents than are shown");
	return pyi_report_large_objects(options->out, options->format,
					pyi_inspection_columns(options), inspection->envelope,
					&objects.answer, inspection->skipped_objects);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	bool retained = options->by == PYI_BY_RETAINED;

	/* A graph has no contents. */
	if (retained && options->values)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						       "--by retained shows no values"),
				      "leave out --values; or see path ADDRESS --values");
	return pyi_inspection_run(options, envelope,
				  retained ? pyi_retained_answer_objects : answer, ret_exit);
}

const struct pyi_command pyi_command_top_objects = {
	.name = "top-objects",
	.summary = "list the largest objects, and those with the most referents",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_BY | PYI_OPTION_VALUES,
		.by = PYI_BY_BYTES | PYI_BY_REFERENTS | PYI_BY_RETAINED,
		.default_limit = 10,
		.most_limit = 10000,
		.zero_is_most = true,
	},
	.help = help,
	.inspects = true,
	.graph = true,
	.core = true,
	.dump = true,
	.run = run,
};
