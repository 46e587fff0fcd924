/*
 * pyinspect TARGET referrers, and referents: who refers to the objects of a type, and what they
 * refer to. Does not add up or print itself.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "heap/referrers.h"
#include "report/referrers.h"

#define SUBJECT_HELP                                                                               \
	"TYPE is a full name (slip.dbus.service.Object), or a bare one if only one type\n"         \
	"has it. Objects of its subclasses are included, and counted by class. An address\n"       \
	"is one that another command has shown: 0x and hexadecimal digits.\n"                      \
	"\n"                                                                                       \
	"  -n, --limit N        show N groups (default 20; 0: all)\n"                              \
	"      --exact          without objects of subclasses\n"                                   \
	"      --address ADDR   the same as an address instead of TYPE; decimal too\n"

#define VALUES_HELP                                                                                \
	"      --values         show keys that are strings, numbers or tuples of these;\n"         \
	"                       without it, names only\n"                                          \
	"\n"                                                                                       \
	"Options of all commands: see pyinspect --help.\n"                                         \
	"\n"

#define EDGE_HELP                                                                                  \
	"The edge says how: .name an attribute or slot, ['key'] and [3] an item, [*] any\n"        \
	"item, {*} an element of a set, key a dict's key, local and closure a variable.\n"         \
	"The __dict__ of an instance counts as the instance itself. * marks internal\n"            \
	"edges: they are real, but gc.get_referrers() does not know of them (running\n"            \
	"functions, keys, the type of an object).\n"                                               \
	"\n"

static const char referrers_help[] =
	"usage: pyinspect TARGET referrers TYPE|0xADDRESS [options]\n"
	"\n"
	"Says who refers to the objects of a type, or to one object: references that are\n"
	"alike (same type, edge and owner) are one group; the biggest groups first.\n"
	"\n" SUBJECT_HELP
	"      --depth N        also who refers to those of the biggest group, and so on\n"
	"                       upwards, N levels in all (default 1, at most 20); in the\n"
	"                       table they are behind an arrow\n"
	"      --tree           who refers to those of each group, not only of the\n"
	"                       biggest: the first 5 groups (--limit) below each line,\n"
	"                       5 levels (--depth) in all\n" VALUES_HELP
	"REFERENCES is how many there are, OBJECTS how many objects they are in (a list\n"
	"can hold the same object twice), BYTES the shallow size of these objects.\n"
	"\n"
	"In a tree SHARE is of the references to the objects of the line above. A branch\n"
	"ends at a module, and at a group that it has already: (again). Of each level the\n"
	"32 groups with the most references are followed; a line says what is left out.\n"
	"\n" EDGE_HELP
	"The owner is the thing with a name that leads to the container that refers, such\n"
	"as slip.dbus.service.Object.senders or module foo.cache. If several things hold\n"
	"the container, it is the first one found.\n"
	"\n"
	"Asked about types, objects of many different types that only are of these types\n"
	"are one group: (instances).\n"
	"\n"
	"Not seen: references in static variables and on the stack of C code. Objects\n"
	"with no referrer at all may be held by these; see path.\n"
	"\n"
	"It takes memory beside that of the process: about 80 bytes an object, of a tree\n"
	"8 more.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 referrers foo.Session\n"
	"  pyinspect 1234 referrers dict --exact --depth 3    who holds the dicts?\n"
	"  pyinspect 1234 referrers foo.Session --tree        all the ways upwards\n"
	"  pyinspect 1234 referrers 0x7f2a5c0d1e40            of one object\n"
	"  pyinspect 1234 referrers foo.Session --format dot | dot -Tsvg >session.svg\n"
	"  pyinspect 1234 referrers foo.Session --format json |\n"
	"      jq -r '.result.referrers[] | \"\\(.references) \\(.owner)\"'\n";

static const char referents_help[] =
	"usage: pyinspect TARGET referents TYPE|0xADDRESS [options]\n"
	"\n"
	"Says what the objects of a type refer to, or one object: what hangs on them.\n"
	"References that are alike (same type of referent, same edge) are one group; the\n"
	"biggest groups first.\n"
	"\n" SUBJECT_HELP VALUES_HELP
	"REFERENCES is how many there are, OBJECTS how many of the objects asked about\n"
	"refer so, BYTES the shallow size of what they refer to: each object once, in the\n"
	"group in which it was met first. It is not what would be freed with them: others\n"
	"may refer to the same objects.\n"
	"\n" EDGE_HELP "Not seen: what C code keeps outside of Python objects.\n"
	"\n"
	"It takes memory beside that of the process: about 70 bytes an object.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 referents foo.Session\n"
	"  pyinspect 1234 referents 0x7f2a5c0d1e40 --values\n"
	"  pyinspect 1234 referents foo.Session --format json | jq '.result.referents[0]'\n";

enum {
	/* Of a tree, unless the options say otherwise. */
	TREE_WIDTH = 5,
	TREE_DEPTH = 5,
};

/* What --limit and --depth are, which have other defaults for a tree. */
static uint64_t limit_of(const struct pyi_options *options)
{
	return options->tree && !(options->given & PYI_OPTION_LIMIT) ? TREE_WIDTH : options->limit;
}

static unsigned depth_of(const struct pyi_options *options)
{
	return options->tree && !(options->given & PYI_OPTION_DEPTH) ? TREE_DEPTH : options->depth;
}

static struct pyi_error *answer(struct pyi_inspection *inspection, bool referents,
				enum pyi_exit *ret_exit)
{
	const struct pyi_subject subject = pyi_inspection_subject(inspection);
	PYI_CLEANUP(pyi_referrers_question_deinit)
	struct pyi_referrers_question referrers = {
		.subject = &subject,
		.referents = referents,
		.depth = referents ? 1 : depth_of(inspection->options),
		.tree = inspection->options->tree,
		.width = limit_of(inspection->options),
	};
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	const struct pyi_graph_question question = pyi_referrers_ask(&referrers);
	struct pyi_referrers_report report = {
		.referrers = &referrers.answer,
		.referents = referents,
		.tree = inspection->options->tree,
		.limit = limit_of(inspection->options),
	};
	struct pyi_error *error = pyi_heap_graph_ask(inspection, &question, &graph);

	if (error)
		return error;
	*ret_exit = pyi_heap_graph_conclude(&graph, inspection,
					    "there may be references that are not shown");
	report.skipped_objects = inspection->skipped_objects;
	return pyi_report_referrers(inspection->options->out, inspection->options->format,
				    pyi_inspection_columns(inspection->options),
				    inspection->envelope, &report);
}

static struct pyi_error *answer_referrers(struct pyi_inspection *inspection,
					  enum pyi_exit *ret_exit)
{
	return answer(inspection, false, ret_exit);
}

static struct pyi_error *answer_referents(struct pyi_inspection *inspection,
					  enum pyi_exit *ret_exit)
{
	return answer(inspection, true, ret_exit);
}

static struct pyi_error *run_referrers(const struct pyi_options *options,
				       struct pyi_envelope *envelope, enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer_referrers, ret_exit);
}

static struct pyi_error *run_referents(const struct pyi_options *options,
				       struct pyi_envelope *envelope, enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer_referents, ret_exit);
}

const struct pyi_command pyi_command_referrers = {
	.name = "referrers",
	.summary = "say who refers to the objects of a type, or to one object",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_EXACT | PYI_OPTION_ADDRESS |
			   PYI_OPTION_DEPTH | PYI_OPTION_TREE | PYI_OPTION_VALUES,
		.subject = true,
		.default_limit = 20,
		.graph = true,
	},
	.help = referrers_help,
	.inspects = true,
	.core = true,
	.dump = true,
	.graph = true,
	.run = run_referrers,
};

const struct pyi_command pyi_command_referents = {
	.name = "referents",
	.summary = "say what they refer to",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_EXACT | PYI_OPTION_ADDRESS |
			   PYI_OPTION_VALUES,
		.subject = true,
		.default_limit = 20,
		.graph = true,
	},
	.help = referents_help,
	.inspects = true,
	.core = true,
	.dump = true,
	.graph = true,
	.run = run_referents,
};
