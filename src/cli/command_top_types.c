/*
 * pyinspect TARGET top-types: which types fill the heap. Does not sort or print itself.
 */
#include <stdio.h>

#include "analysis/heap_types.h"
#include "base/cleanup.h"
#include "cli/add_up.h"
#include "cli/command.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "cli/retained.h"
#include "heap/census.h"
#include "report/top_types.h"

static const char help[] =
	"usage: pyinspect TARGET top-types [options]\n"
	"\n"
	"Counts the objects of a running Python process by type: how many, and how many\n"
	"bytes. The biggest first.\n"
	"\n"
	"  -n, --limit N        show N types (default 20; 0: all)\n"
	"      --by count|bytes what biggest means (default bytes)\n"
	"      --by retained    bytes that would be freed with all objects of a type\n"
	"                       together; takes memory, 110 bytes an object\n"
	"      --scope all      every object that can be reached: containers, strings,\n"
	"                       numbers, code (the default)\n"
	"      --scope tracked  exactly what gc.get_objects() lists in the process\n"
	"\n"
	"      --type PATTERN   only types called so: '*Session*', 'shop.*', with or\n"
	"                       without the module\n"
	"      --module NAME    only types of a module, or of all modules of a package\n"
	"      --no-builtins    only types that a module defines\n"
	"      --children       also the Python processes that the process has started\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"The table begins with types that modules define, which say more than strings and\n"
	"dicts; the other half are the biggest builtins. JSON, and -n 0, have all types\n"
	"in one order.\n"
	"\n"
	"Of several processes (a unit, a cgroup, --children) one is looked at after the\n"
	"other, and they are added up; if one has far more of a type than the others,\n"
	"that is said.\n"
	"\n"
	"Bytes are shallow sizes, as sys.getsizeof() gives them: a list is charged for\n"
	"its slots, not for what is in them. A type with a __sizeof__ of its own that\n"
	"pyinspect does not know is marked with ~.\n"
	"\n"
	"Objects frozen by gc.freeze() are part of scope all; for scope tracked they are\n"
	"shown in a line of their own, because gc.get_objects() leaves them out.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 top-types --by count     is it a leak of many small objects?\n"
	"  pyinspect unit:firewalld top-types -n 5\n"
	"  pyinspect 1234 top-types --format json | jq '.result.types[0]'\n"
	"  while sleep 60; do pyinspect 1234 top-types --scope tracked --format json\n"
	"  done >> growth.json\n";

/* From a dump, which has all that is tracked and all else. */
static struct pyi_error *count_in_dump(struct pyi_inspection *inspection, struct pyi_census *census)
{
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	struct pyi_error *error = pyi_heap_graph_take(inspection, &graph);

	if (error)
		return error;
	return pyi_heap_types_flagged(
		&graph.graph, inspection->options->tracked_only ? PYI_NODE_TRACKED : 0, census);
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	const struct pyi_record_summary *summary = &inspection->session.summary;
	PYI_CLEANUP(pyi_census_deinit) struct pyi_census census = { 0 };
	struct pyi_top_types report;
	struct pyi_error *error;

	if (pyi_inspection_is_of_dump(inspection))
		error = count_in_dump(inspection, &census);
	else
		error = pyi_session_census(&inspection->session,
					   options->tracked_only ? 0 : PYI_CENSUS_ALL, NULL, NULL,
					   NULL, &census);
	if (error)
		return error;
	report = (struct pyi_top_types){
		.scope = options->tracked_only ? "tracked" : "all",
		.order = options->by == PYI_BY_COUNT ? PYI_CENSUS_BY_COUNT : PYI_CENSUS_BY_BYTES,
		.census = &census,
		.filter = {
			.type = options->type,
			.module = options->module,
			.no_builtins = options->no_builtins,
		},
		.limit = options->limit,
		.frozen_objects = summary->frozen_objects,
		.frozen_bytes = summary->frozen_bytes,
		.skipped_objects = summary->skipped_objects,
	};
	pyi_census_keep(&census, &report.filter);
	pyi_census_sort(&census, report.order);
	/* What there is most of says least: strings, dicts, code. */
	if (options->format == PYI_FORMAT_TABLE && options->limit)
		report.modules_first = pyi_census_put_modules_first(&census, options->limit);
	*ret_exit = pyi_inspection_conclude(inspection);
	return pyi_report_top_types(options->out, options->format,
				    pyi_inspection_columns(inspection->options),
				    inspection->envelope, &report);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	bool retained = options->by == PYI_BY_RETAINED;

	if (retained && options->tracked_only)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						       "what is retained is of scope all"),
				      "leave out --scope tracked, or --by retained");
	return pyi_inspection_run(options, envelope, retained ? pyi_retained_answer_types : answer,
				  ret_exit);
}

const struct pyi_command pyi_command_top_types = {
	.name = "top-types",
	.summary = "count objects and bytes by type",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_BY | PYI_OPTION_SCOPE | PYI_OPTION_TYPE |
			   PYI_OPTION_MODULE | PYI_OPTION_NO_BUILTINS | PYI_OPTION_CHILDREN,
		.by = PYI_BY_COUNT | PYI_BY_BYTES | PYI_BY_RETAINED,
		.default_limit = 20,
	},
	.help = help,
	.inspects = true,
	.core = true,
	.dump = true,
	.run = run,
	.add_up = pyi_add_up_types,
};
