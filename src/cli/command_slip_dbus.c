/*
 * pyinspect TARGET slip-dbus: does python-slip keep D-Bus callers that are gone? Does not look,
 * judge or print itself.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/inspection.h"
#include "cli/slip_looks.h"
#include "report/slip.h"

static const char help[] =
	"usage: pyinspect TARGET slip-dbus [options]\n"
	"\n"
	"Finds the leak of python-slip (slip.dbus.service.Object; firewalld before 1.0,\n"
	"and copies of that code, as in subscription-manager): each D-Bus caller is put\n"
	"into a set, but only the end of the first one is watched. When two callers\n"
	"overlap and the first one goes, nobody is ever taken out again.\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"It reads the names of the callers from the process, and asks the message bus of\n"
	"the process (the bus only, never the process) who is still there. A name that is\n"
	"gone is looked up a second time half a second later, in the process and on the\n"
	"bus: what is kept even then is stale.\n"
	"\n"
	"  leak     stale names are kept, and nothing will remove them\n"
	"  suspect  signs of it: names that are gone, too few to tell; nobody left to\n"
	"           watch; or, where the bus could not be asked, more names than a bus\n"
	"           has clients\n"
	"  ok       all that is kept is somebody who is there\n"
	"  absent   python-slip's class is not in this process\n"
	"\n"
	"Of a core or a dump all is said but who was gone then, which only the bus knew.\n"
	"Names are contents: a dump that was made without values counts them, and does\n"
	"not know whose end is watched (pyinspect dump --help).\n"
	"\n"
	"Bytes are those of the containers, tuples and names, each object once. If the\n"
	"process is much larger, the rest is something else: see top-types.\n"
	"\n"
	"Where the class is there it takes memory beside that of the process, about 70\n"
	"bytes an object.\n"
	"\n"
	"The exit code is 0 whatever the verdict; 5 if not all could be read.\n"
	"\n"
	"Examples:\n"
	"  pyinspect unit:firewalld slip-dbus\n"
	"  pyinspect 1234 slip-dbus --format json | jq -r .result.verdict\n"
	"  pyinspect 1234 path slip.dbus.service.Object\n";

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(pyi_slip_looks_deinit) struct pyi_slip_looks looks = { 0 };
	const struct pyi_options *options = inspection->options;
	struct pyi_error *error = pyi_slip_looks_take(inspection, NULL, &looks);

	if (error)
		return error;
	pyi_slip_looks_warn(&looks, inspection->envelope);
	*ret_exit = pyi_inspection_conclude(inspection);
	return pyi_slip_looks_report(&looks, inspection, options->out, options->format,
				     pyi_inspection_columns(options));
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_slip_dbus = {
	.name = "slip-dbus",
	.summary = "does python-slip (firewalld) keep D-Bus callers for ever?",
	.help = help,
	.inspects = true,
	.dump = true,
	.core = true,
	.graph = true,
	.run = run,
};
