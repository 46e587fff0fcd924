/*
 * pyinspect TARGET history: what is known of a process over time. Looks into the history only; the
 * process need not run, and nothing is done to it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/inspection.h"
#include "cli/target.h"
#include "history/history.h"
#include "process/process.h"
#include "report/history.h"

static const char help[] =
	"usage: pyinspect TARGET history [NAME] [options]\n"
	"       pyinspect history [TARGET [NAME]] [options]\n"
	"\n"
	"Shows how the figures of a process have changed since `pyinspect TARGET check`\n"
	"keeps them: first, last, change, and how fast, with the bounds of 95 %\n"
	"confidence. What grows comes first. With NAME (a type, a container, rss, ...) a\n"
	"plot of it; without TARGET the processes that are known.\n"
	"\n"
	"  -n, --limit N        show N figures (default 20; 0: all)\n"
	"      --by count|bytes what is shown of types (default count)\n"
	"      --since TIME     only what is not older than 90m, 36h, 7d, 4w\n"
	"      --history FILE   where it is kept (default\n"
	"                       /var/lib/pyinspect/history.sqlite)\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"The process need not run any more, and need not be accessible: the history\n"
	"alone is read. Of several with the same pid or unit it is the one that runs,\n"
	"else the last one. Plots are ASCII if the locale is not UTF-8. What is kept, and\n"
	"for how long: doc/history.md.\n"
	"\n"
	"Examples:\n"
	"  pyinspect history                            which processes are known?\n"
	"  pyinspect unit:firewalld history --since 7d  what grew in this week?\n"
	"  pyinspect 1234 history rss                   a plot of its memory\n"
	"  pyinspect 1234 history --format json | jq '.result.figures[]\n"
	"      | select(.count.grows) | .name'\n";

/* What is shown, and all that it is made of. */
struct showing {
	const struct pyi_options *options;
	struct pyi_history *history;
	struct pyi_history_process *processes;
	size_t process_count;
	struct pyi_series *series;
	size_t series_count;
	struct pyi_history_row *rows;
	struct pyi_history_report report;
};

static void deinit(struct showing *showing)
{
	for (size_t s = 0; s < showing->series_count; s++)
		pyi_series_deinit(&showing->series[s]);
	free(showing->series);
	free(showing->rows);
	pyi_history_processes_free(showing->processes, showing->process_count);
	pyi_history_close(showing->history);
}

/* "unit:a" and "unit:a.service" are the same. */
static bool is_same_target(const char *one, const char *other)
{
	static const char suffix[] = ".service";
	size_t length = strlen(one);
	size_t other_length = strlen(other);

	if (strncmp(one, "unit:", 5) == 0 && length < other_length)
		return strncmp(one, other, length) == 0 && strcmp(other + length, suffix) == 0;
	if (strncmp(one, "unit:", 5) == 0 && other_length < length)
		return strncmp(one, other, other_length) == 0 &&
		       strcmp(one + other_length, suffix) == 0;
	return strcmp(one, other) == 0;
}

/* The process that has this name now; pid 0: there is none. */
static struct pyi_error *find_running(const char *target, struct pyi_history_process *ret_now)
{
	PYI_CLEANUP(pyi_process_close) struct pyi_process process = { .proc_fd = -1 };
	struct pyi_error *error;
	pid_t pid;

	*ret_now = (struct pyi_history_process){ 0 };
	error = pyi_target_find(target, &pid);
	/* A word that can be no target is a mistake; what does not run (any more) is none. */
	if (error && error->exit == PYI_EXIT_USAGE)
		return error;
	if (!error)
		error = pyi_process_open(pid, &process);
	if (error) {
		pyi_error_destroy(error);
		return NULL;
	}
	ret_now->pid = pid;
	ret_now->start_ticks = process.start_ticks;
	return pyi_history_read_boot_id(ret_now->boot_id);
}

static bool is_same_process(const struct pyi_history_process *one,
			    const struct pyi_history_process *other)
{
	return one->pid == other->pid && one->start_ticks == other->start_ticks &&
	       strcmp(one->boot_id, other->boot_id) == 0;
}

static struct pyi_error *choose_process(struct showing *showing, struct pyi_envelope *envelope)
{
	const char *target = showing->options->target;
	const struct pyi_history_process *chosen = NULL;
	struct pyi_history_process now;
	struct pyi_error *error = find_running(target, &now);

	if (error)
		return error;
	for (size_t p = 0; now.pid && p < showing->process_count; p++)
		if (is_same_process(&showing->processes[p], &now))
			chosen = &showing->processes[p];
	showing->report.running = chosen != NULL;
	/* They are in order, the last one first. */
	for (size_t p = 0; !chosen && p < showing->process_count; p++) {
		const struct pyi_history_process *process = &showing->processes[p];
		char number[24];

		snprintf(number, sizeof(number), "%" PRId64, process->pid);
		if (is_same_target(process->target, target) || strcmp(number, target) == 0)
			chosen = process;
	}
	if (!chosen)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SAMPLES,
						       "there are no samples of %s in %s%s", target,
						       showing->report.file,
						       showing->report.notes.damaged
							       ? ", of which a part is damaged"
							       : ""),
				      "pyinspect %s check adds one; pyinspect history lists whose "
				      "there are",
				      target);
	if (now.pid && !showing->report.running)
		pyi_envelope_warn(envelope, "other-process",
				  "process %" PRId64
				  ", which %s is now, has no samples yet: this is an earlier one",
				  now.pid, target);
	showing->report.process = chosen;
	envelope->pid = chosen->pid;
	envelope->exe = *chosen->exe ? strdup(chosen->exe) : NULL;
	return NULL;
}

/* Takes off the points that are too old. */
static void cut(struct pyi_series *series, int64_t oldest_s)
{
	size_t first = 0;

	while (first < series->point_count && series->points[first].time_s < oldest_s)
		first++;
	memmove(series->points, series->points + first,
		(series->point_count - first) * sizeof(*series->points));
	series->point_count -= first;
}

static struct pyi_error *no_such_figure(const struct showing *showing)
{
	const struct pyi_options *options = showing->options;

	if (!options->subject)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SAMPLES,
						       "no sample of %s is new enough, or complete",
						       options->target),
				      "see pyinspect history, or leave out --since");
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SUCH_FIGURE,
					       "there is no figure \"%s\" in the history of %s",
					       options->subject, options->target),
			      "pyinspect %s history --limit 0 lists them", options->target);
}

static struct pyi_error *read_rows(struct showing *showing)
{
	const struct pyi_options *options = showing->options;
	struct pyi_history_report *report = &showing->report;
	struct pyi_error *error = pyi_history_all_series(showing->history, report->process, 0,
							 &showing->series, &showing->series_count);

	if (error)
		return error;
	report->notes = *pyi_history_notes(showing->history);
	showing->rows = calloc(showing->series_count + 1, sizeof(*showing->rows));
	if (!showing->rows)
		return pyi_error_no_memory();
	for (size_t s = 0; s < showing->series_count; s++) {
		struct pyi_series *series = &showing->series[s];

		if (options->subject && strcmp(series->name, options->subject) != 0)
			continue;
		if (options->since_s)
			cut(series, (int64_t)time(NULL) - (int64_t)options->since_s);
		if (!series->point_count)
			continue;
		showing->rows[report->row_count++] = (struct pyi_history_row){
			.series = series,
			.count = pyi_trend_of(series, false),
			.bytes = pyi_trend_of(series, true),
		};
	}
	if (!report->row_count)
		return no_such_figure(showing);
	pyi_report_history_sort(showing->rows, report->row_count, report->by_bytes);
	report->rows = showing->rows;
	return NULL;
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	const char *path = options->history ? options->history : PYI_HISTORY_DEFAULT_PATH;
	PYI_CLEANUP(deinit)
	struct showing showing = {
		.options = options,
		.report = {
			.file = path,
			.limit = options->limit,
			.by_bytes = options->by == PYI_BY_BYTES,
			.single = options->subject != NULL,
			.since_s = options->since_s,
			.plain = pyi_output_is_ascii(),
		},
	};
	struct pyi_history_report *report = &showing.report;
	uint64_t begun_ns = pyi_clock_now_ns();
	struct pyi_error *error = pyi_history_open(path, true, PYI_CLOCK_NEVER, &showing.history);

	if (!error)
		error = pyi_history_processes(showing.history, &showing.processes,
					      &showing.process_count);
	if (error)
		return error;
	report->notes = *pyi_history_notes(showing.history);
	report->processes = showing.processes;
	report->process_count = showing.process_count;
	envelope->source = "history";
	envelope->consistent = true;
	if (options->target)
		error = choose_process(&showing, envelope);
	if (!error && options->target)
		error = read_rows(&showing);
	if (error)
		return error;
	envelope->elapsed_ms = pyi_clock_ms_since(begun_ns);
	*ret_exit = report->notes.damaged ? PYI_EXIT_INCOMPLETE : PYI_EXIT_OK;
	return pyi_report_history(options->out, options->format, pyi_inspection_columns(options),
				  envelope, report);
}

const struct pyi_command pyi_command_history = {
	.name = "history",
	.summary = "how its figures changed, as check kept them",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_BY | PYI_OPTION_HISTORY | PYI_OPTION_SINCE,
		.by = PYI_BY_COUNT | PYI_BY_BYTES,
		.optional_subject = true,
		.optional_target = true,
		.default_limit = 20,
	},
	.help = help,
	.run = run,
};
