/*
 * pyinspect TARGET path: what keeps an object alive, from a root to it. Does not search or print
 * itself.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/inspection.h"
#include "heap/paths.h"
#include "report/paths.h"

static const char help[] =
	"usage: pyinspect TARGET path TYPE|0xADDRESS [options]\n"
	"\n"
	"Shows a shortest way of references from a root to an object, as an expression\n"
	"and step by step: the object cannot be freed as long as this way exists. Roots\n"
	"are the modules, the interpreter, the threads and their stacks of calls.\n"
	"\n"
	"TYPE is a full name (slip.dbus.service.Object), or a bare one if only one type\n"
	"has it; the objects nearest to a root are shown, subclasses included. An address\n"
	"is one that another command has shown: 0x and hexadecimal digits.\n"
	"\n"
	"  -n, --limit N        show the paths to N objects (default 1; 0: 1000,\n"
	"                       which is the most)\n"
	"      --exact          not those of subclasses\n"
	"      --address ADDR   the same as an address instead of TYPE; decimal too\n"
	"      --values         show keys and elements that are strings, numbers or\n"
	"                       tuples of these, cut; without it, names only\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"There may be other ways, as long or longer: an object is freed when the last of\n"
	"them is gone. [<str>] stands for a key that is not shown. A step marked internal\n"
	"is real, but gc.get_referrers() does not know of it.\n"
	"\n"
	"No path found means: it is held only by what is not seen (static variables and\n"
	"the stack of C code, memory that an extension module does not tell about), or\n"
	"it is garbage in a cycle that has not been collected yet.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 path foo.Session\n"
	"  pyinspect 1234 path 0x7f2a5c0d1e40 --values\n"
	"  pyinspect 1234 path foo.Session -n 5 --format json |\n"
	"      jq -r '.result.paths[].expression'\n";

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	const struct pyi_subject subject = pyi_inspection_subject(inspection);
	PYI_CLEANUP(pyi_paths_deinit) struct pyi_paths paths = { 0 };
	struct pyi_error *error;

	error = pyi_session_paths(&inspection->session, &subject, inspection->options->limit,
				  &paths);
	if (error)
		return error;
	*ret_exit = pyi_inspection_conclude(inspection);
	return pyi_report_paths(inspection->options->out, inspection->options->format,
				pyi_inspection_columns(inspection->options), inspection->envelope,
				&paths, inspection->skipped_objects);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_path = {
	.name = "path",
	.summary = "show what keeps an object alive: the way from a root to it",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_EXACT | PYI_OPTION_ADDRESS |
			   PYI_OPTION_VALUES,
		.subject = true,
		.default_limit = 1,
		.most_limit = 1000,
		.zero_is_most = true,
	},
	.help = help,
	.inspects = true,
	.run = run,
};
