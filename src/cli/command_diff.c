/*
 * pyinspect diff A B: what two dumps, or two reports of top-types, differ by. Does not compare or
 * print itself.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/entries.h"
#include "analysis/heap_diff.h"
#include "analysis/retained_by_type.h"
#include "analysis/type_changes.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/diff_input.h"
#include "cli/inspection.h"
#include "report/diff.h"

static const char help[] =
	"usage: pyinspect diff A B [options]\n"
	"\n"
	"Says what has grown from A to B, by type, and which objects are new and gone.\n"
	"A and B are dumps (pyinspect TARGET dump FILE), or reports of top-types as JSON\n"
	"with all types (-n 0 --json), or one of each.\n"
	"\n"
	"  -n, --limit N        show N types, and N objects that are new, and gone\n"
	"                       (default 20; 0: all types, and 1000 objects)\n"
	"      --by count|bytes growth of what (default bytes)\n"
	"      --by retained    growth of what would be freed with all objects of a type;\n"
	"                       of two dumps. Of the types that have grown most by bytes,\n"
	"                       twice as many as are shown are compared\n"
	"      --type PATTERN   only types called so\n"
	"      --module NAME    only types of a module, or of all modules of a package\n"
	"      --no-builtins    only types that a module defines\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"What has become less is at the end: see -n 0. Types with which nothing has\n"
	"changed are left out.\n"
	"\n"
	"An object is the same one if it is at the same address and has the same type; so\n"
	"one that was freed, and whose place another one of its type has taken, is not\n"
	"seen to be new. New ones are no older than the time between A and B. Of two\n"
	"processes, and of reports, only types are compared.\n"
	"\n"
	"No process is looked at: files are read in a process without rights.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 dump a.pyi; sleep 600; pyinspect 1234 dump b.pyi\n"
	"  pyinspect diff a.pyi b.pyi\n"
	"  pyinspect diff a.pyi b.pyi --by retained -n 5\n"
	"  pyinspect diff monday.json tuesday.json --no-builtins\n";

enum {
	/* Listed of what is new and gone. */
	OBJECT_LIMIT = 1000,
	/* Types of which it is found out what is retained, for each that is shown. */
	CANDIDATES = 2,
};

struct diff {
	struct pyi_inspection *inspection;
	struct pyi_graph_space space;
	struct pyi_diff_input before;
	struct pyi_diff_input after;
	struct pyi_type_changes changes;
	struct pyi_heap_diff objects;
	size_t retained_count;
};

static void free_diff(struct diff *diff)
{
	pyi_heap_diff_deinit(&diff->objects);
	pyi_type_changes_deinit(&diff->changes);
	pyi_diff_input_deinit(&diff->before);
	pyi_diff_input_deinit(&diff->after);
}

static struct pyi_error *check(const struct diff *diff)
{
	return pyi_session_check(&diff->inspection->session);
}

static struct pyi_error *read_both(struct diff *diff)
{
	const struct pyi_options *options = diff->inspection->options;
	struct pyi_error *error =
		pyi_diff_input_read(options->dump, options->dump_fd, &diff->space, &diff->before);

	if (!error)
		error = check(diff);
	if (!error)
		error = pyi_diff_input_read(options->subject, options->other_fd, &diff->space,
					    &diff->after);
	if (error)
		return error;
	if (strcmp(diff->before.scope, diff->after.scope) != 0)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						       "one is of scope %s, the other of scope %s",
						       diff->before.scope, diff->after.scope),
				      "make both in the same way; a dump is of scope all");
	if (options->by == PYI_BY_RETAINED && !(diff->before.is_dump && diff->after.is_dump))
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						       "what is retained is known of dumps only"),
				      "leave out --by retained, or compare two dumps");
	return check(diff);
}

/* Of a type that a report with a limit leaves out nothing is known. */
static void drop_unknown(struct diff *diff)
{
	struct pyi_type_changes *changes = &diff->changes;
	size_t kept = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct pyi_type_change *change = &changes->items[i];

		if ((diff->before.cut && !change->count.before) ||
		    (diff->after.cut && !change->count.after))
			free(change->name);
		else
			changes->items[kept++] = *change;
	}
	changes->count = kept;
}

static void keep_wanted(struct pyi_type_changes *changes, const struct pyi_census_filter *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < changes->count; i++) {
		if (pyi_census_wants(filter, changes->items[i].name))
			changes->items[kept++] = changes->items[i];
		else
			free(changes->items[i].name);
	}
	changes->count = kept;
}

static struct pyi_error *check_retained(void *argument)
{
	return check(argument);
}

static struct pyi_error *retain(struct diff *diff, struct pyi_graph *graph, bool after)
{
	const struct pyi_retained_check checks = { check_retained, diff };
	PYI_CLEANUP(pyi_graph_entries_deinit) struct pyi_graph_entries entries = { 0 };
	PYI_CLEANUP(pyi_guard_free)
	const char **names = calloc(diff->retained_count + 1, sizeof(*names));
	PYI_CLEANUP(pyi_guard_free)
	struct pyi_retained *retained = calloc(diff->retained_count + 1, sizeof(*retained));
	struct pyi_error *error;

	if (!names || !retained)
		return pyi_error_no_memory();
	for (size_t i = 0; i < diff->retained_count; i++)
		names[i] = diff->changes.items[i].name;
	error = pyi_graph_reverse(graph);
	if (!error)
		error = check(diff);
	if (!error)
		error = pyi_graph_entries_find(graph, &entries);
	if (!error)
		error = pyi_retained_by_types(graph, &entries, names, diff->retained_count, &checks,
					      retained);
	for (size_t i = 0; i < diff->retained_count && !error; i++) {
		struct pyi_type_change *change = &diff->changes.items[i];

		*(after ? &change->retained.after : &change->retained.before) = retained[i].bytes;
		change->retained_estimated |= retained[i].estimated;
	}
	return error;
}

/* Of the first ones, which are then in that order; the others are dropped. */
static struct pyi_error *order_by_retained(struct diff *diff, uint64_t limit)
{
	struct pyi_error *error;

	if (!limit || limit > diff->changes.count / CANDIDATES)
		diff->retained_count = diff->changes.count;
	else
		diff->retained_count = (size_t)limit * CANDIDATES;
	error = retain(diff, &diff->before.graph, false);
	if (!error)
		error = retain(diff, &diff->after.graph, true);
	if (error)
		return error;
	pyi_type_changes_sort(
		&(struct pyi_type_changes){ diff->changes.items, diff->retained_count },
		PYI_CHANGE_BY_RETAINED);
	return NULL;
}

static void warn_of(struct pyi_envelope *envelope, const struct pyi_diff_input *input)
{
	for (size_t w = 0; w < input->envelope.warning_count; w++)
		pyi_envelope_warn(envelope, input->envelope.warnings[w].code, "%s: %s", input->file,
				  input->envelope.warnings[w].message);
	if (input->cut)
		pyi_envelope_warn(envelope, "cut-report",
				  "%s has not all types: those that only one of the two has are "
				  "left out",
				  input->file);
	if (input->partial)
		pyi_envelope_warn(envelope, "partial",
				  "%s does not have all objects, or not those of one moment",
				  input->file);
}

static enum pyi_exit conclude(struct diff *diff)
{
	struct pyi_envelope *envelope = diff->inspection->envelope;
	struct pyi_envelope *after = &diff->after.envelope;

	pyi_inspection_conclude(diff->inspection);
	/* It is about the process as it was last. */
	envelope->pid = after->pid;
	envelope->exe = pyi_return_ptr(after->exe);
	envelope->python = pyi_return_ptr(after->python);
	envelope->interpreters = after->interpreters;
	envelope->rss_bytes = after->rss_bytes;
	envelope->source = diff->after.is_dump ? "dump" : "none";
	envelope->consistent = diff->before.envelope.consistent && after->consistent;
	if (diff->before.taken_s && diff->after.taken_s &&
	    diff->after.taken_s < diff->before.taken_s)
		pyi_envelope_warn(envelope, "backwards", "%s is older than %s", diff->after.file,
				  diff->before.file);
	warn_of(envelope, &diff->before);
	warn_of(envelope, &diff->after);
	return diff->before.partial || diff->after.partial || diff->before.cut || diff->after.cut
		       ? PYI_EXIT_INCOMPLETE
		       : PYI_EXIT_OK;
}

static const char *why_no_objects(const struct diff *diff)
{
	if (!diff->before.is_dump || !diff->after.is_dump)
		return "a report has no single objects";
	return "they are not of one process";
}

static struct pyi_error *compare(struct diff *diff, struct pyi_diff_report *report)
{
	const struct pyi_options *options = diff->inspection->options;
	const size_t limit = options->limit && options->limit < OBJECT_LIMIT
				     ? (size_t)options->limit
				     : OBJECT_LIMIT;
	struct pyi_error *error =
		pyi_type_changes_find(&diff->before.census, &diff->after.census, &diff->changes);

	if (error)
		return error;
	if (pyi_diff_input_is_same_process(&diff->before, &diff->after)) {
		error = pyi_heap_diff_find(&diff->before.graph, &diff->after.graph, &report->filter,
					   limit, &diff->changes, &diff->objects);
		report->objects = &diff->objects;
	} else {
		report->why_no_objects = why_no_objects(diff);
	}
	if (!error)
		error = check(diff);
	if (error)
		return error;
	drop_unknown(diff);
	keep_wanted(&diff->changes, &report->filter);
	report->type_count = diff->changes.count;
	report->total = pyi_type_changes_sum(&diff->changes, 0);
	pyi_type_changes_drop_same(&diff->changes);
	pyi_type_changes_sort(&diff->changes, report->order == PYI_CHANGE_BY_COUNT
						      ? PYI_CHANGE_BY_COUNT
						      : PYI_CHANGE_BY_BYTES);
	if (report->order != PYI_CHANGE_BY_RETAINED)
		return NULL;
	return order_by_retained(diff, options->limit);
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(free_diff) struct diff diff = { .inspection = inspection };
	struct pyi_diff_report report = {
		.order = options->by == PYI_BY_COUNT	? PYI_CHANGE_BY_COUNT
			 : options->by == PYI_BY_RETAINED ? PYI_CHANGE_BY_RETAINED
							  : PYI_CHANGE_BY_BYTES,
		.filter = {
			.type = options->type,
			.module = options->module,
			.no_builtins = options->no_builtins,
		},
		.limit = options->limit,
		.changes = &diff.changes,
	};
	struct pyi_error *error;

	pyi_graph_space_init(&diff.space, -1, options->graph_bytes);
	error = read_both(&diff);
	if (!error)
		error = compare(&diff, &report);
	if (error)
		return error;
	*ret_exit = conclude(&diff);
	report.before = pyi_diff_input_side(&diff.before);
	report.after = pyi_diff_input_side(&diff.after);
	report.scope = diff.after.scope;
	report.retained_count = diff.retained_count;
	return pyi_report_diff(options->out, options->format, pyi_inspection_columns(options),
			       inspection->envelope, &report);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_diff = {
	.name = "diff",
	.summary = "say what has grown from dump A to dump B",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_BY | PYI_OPTION_TYPE | PYI_OPTION_MODULE |
			   PYI_OPTION_NO_BUILTINS,
		.by = PYI_BY_COUNT | PYI_BY_BYTES | PYI_BY_RETAINED,
		.default_limit = 20,
		.two_files = true,
	},
	.help = help,
	.inspects = true,
	.dump = true,
	.run = run,
};
