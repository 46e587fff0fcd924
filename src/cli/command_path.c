/*
 * pyinspect TARGET path: what keeps objects alive, from roots to them. Does not search or print
 * itself.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "heap/paths.h"
#include "report/paths.h"

static const char help[] =
	"usage: pyinspect TARGET path TYPE|0xADDRESS [options]\n"
	"\n"
	"Shows what keeps objects alive: the shortest ways of references from roots to\n"
	"all objects of a type, as one where they are alike, by the bytes that are\n"
	"retained; one of them step by step; and through what else the objects are held.\n"
	"Roots are the modules, the interpreter, the threads and their stacks of calls;\n"
	"what threads have counts as four references further away than it is.\n"
	"\n"
	"TYPE is a full name (slip.dbus.service.Object), or a bare one if only one type\n"
	"has it; subclasses included. An address is one that another command has shown:\n"
	"0x and hexadecimal digits; then the way to that object is shown.\n"
	"\n"
	"  -n, --limit N        show the steps of N ways (default 1; 0: 1000, which is\n"
	"                       the most)\n"
	"      --exact          not those of subclasses\n"
	"      --address ADDR   the same as an address instead of TYPE; decimal too\n"
	"      --values         show keys and elements that are strings, numbers or\n"
	"                       tuples of these, cut; without it, names only\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"foo.CACHE[*][1] means: the module foo, its attribute CACHE, any item of that,\n"
	"item 1 of that. {*} is any element of a set or key of a dict, .* any attribute,\n"
	"+ what comes again and again. RETAINED is what would be freed with the objects,\n"
	"one by one. ALSO THROUGH lists other references to the same objects: they are\n"
	"freed when the last of all is gone. What only the objects themselves lead to\n"
	"does not count. In steps, [<str>] stands for a key that is not shown. A step\n"
	"marked * is real, but gc.get_referrers() does not know of it.\n"
	"\n"
	"held by C code: the object has references that no object explains (static\n"
	"variables, the stack of C code, what an extension module does not tell about).\n"
	"held by nothing: garbage in a cycle that has not been collected yet (see\n"
	"garbage), or what holds it is not seen.\n"
	"\n"
	"It takes memory beside that of the process: about 110 bytes an object.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 path foo.Session\n"
	"  pyinspect 1234 path 0x7f2a5c0d1e40 --values\n"
	"  pyinspect 1234 path foo.Session -n 5 --format dot | dot -Tsvg >session.svg\n"
	"  pyinspect 1234 path foo.Session --format json |\n"
	"      jq -r '.result.ways[] | \"\\(.instances) \\(.through)\"'\n";

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	const struct pyi_subject subject = pyi_inspection_subject(inspection);
	PYI_CLEANUP(pyi_paths_question_deinit)
	struct pyi_paths_question paths = {
		.subject = &subject,
		.limit = inspection->options->limit,
	};
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	const struct pyi_graph_question question = pyi_paths_ask(&paths);
	struct pyi_error *error = pyi_heap_graph_ask(inspection, &question, &graph);

	if (error)
		return error;
	*ret_exit =
		pyi_heap_graph_conclude(&graph, inspection, "there may be ways that are not shown");
	return pyi_report_paths(inspection->options->out, inspection->options->format,
				pyi_inspection_columns(inspection->options), inspection->envelope,
				&paths.answer, inspection->skipped_objects);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_path = {
	.name = "path",
	.summary = "show what keeps objects alive: the ways from roots to them",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_EXACT | PYI_OPTION_ADDRESS |
			   PYI_OPTION_VALUES,
		.subject = true,
		.default_limit = 1,
		.most_limit = 1000,
		.zero_is_most = true,
		.graph = true,
	},
	.help = help,
	.inspects = true,
	.core = true,
	.dump = true,
	.graph = true,
	.run = run,
};
