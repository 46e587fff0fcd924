/*
 * pyinspect TARGET growth: which types grow, over several snapshots. Does not judge or print
 * itself.
 */
#include <stdlib.h>

#include "analysis/type_series.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/inspection.h"
#include "heap/census.h"
#include "report/growth.h"
#include "tracee/wait.h"

static const char help[] =
	"usage: pyinspect TARGET growth [options]\n"
	"\n"
	"Counts the objects of the process several times, and says which types grow: in\n"
	"each interval, now and then, or up and down.\n"
	"\n"
	"      --interval S     time between two snapshots (default 30 s; 500ms, 2s)\n"
	"  -n, --limit N        so many snapshots (default 3; 2 to 100)\n"
	"      --by count|bytes growth of what (default bytes)\n"
	"      --scope all|tracked\n"
	"                       as of top-types\n"
	"      --type PATTERN   only types called so\n"
	"      --module NAME    only types of a module, or of all modules of a package\n"
	"      --no-builtins    only types that a module defines\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"A type that has grown in each of two or more intervals grows steadily. One that\n"
	"became less in between is noise: caches, requests on their way. STEPS says in\n"
	"how many intervals it grew. A leak that is slower than the interval shows in\n"
	"some steps only: take a longer one, or more snapshots; for days there is check.\n"
	"\n"
	"Each snapshot is one stop of the process, as that of top-types: --max-pause is\n"
	"for each, --max-total-pause for all of them together, and the last line says how\n"
	"long they were. --timeout is for what is done beside waiting. If that limit is\n"
	"reached, or the process ends, what was seen until then is shown (exit 5).\n"
	"\n"
	"Of a core or a dump it cannot be asked, which are of one moment: diff A B says\n"
	"what has grown from one dump to another one.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 growth\n"
	"  pyinspect 1234 growth --interval 5 -n 10 --no-builtins\n"
	"  pyinspect 1234 growth --format json | jq '.result.types[0]'\n";

enum {
	LEAST_SNAPSHOTS = 2,
	MOST_SNAPSHOTS = 100,
	/* Of a table. */
	ROWS = 20,
};

struct series {
	struct pyi_census *censuses;
	struct pyi_growth_moment *moments;
	size_t count;
	uint64_t first_ns;
};

static void free_series(struct series *series)
{
	for (size_t c = 0; c < series->count; c++)
		pyi_census_deinit(&series->censuses[c]);
	free(series->censuses);
	free(series->moments);
}

/* Until it is time for the next one; an error if there is none any more. */
static struct pyi_error *wait_for(struct pyi_inspection *inspection, uint64_t moment_ns)
{
	pyi_progress_report(&inspection->progress, "waiting for the next snapshot", 0);
	pyi_wait_pause(moment_ns);
	return pyi_session_check(&inspection->session);
}

static struct pyi_error *take(struct pyi_inspection *inspection, struct series *series)
{
	struct pyi_session *session = &inspection->session;
	struct pyi_growth_moment *moment = &series->moments[series->count];
	double paused_ms = session->source.cost.paused_ms;
	struct pyi_census *census = &series->censuses[series->count];
	struct pyi_error *error =
		pyi_session_census(session, inspection->options->tracked_only ? 0 : PYI_CENSUS_ALL,
				   NULL, NULL, NULL, census);
	struct pyi_census_sum sum;
	uint64_t taken_ns;

	if (error)
		return error;
	pyi_inspection_note(inspection);
	/* The snapshot has just ended. */
	taken_ns = pyi_clock_now_ns() - (uint64_t)(session->snapshot_ms * 1e6);
	if (!series->count)
		series->first_ns = taken_ns;
	sum = pyi_census_sum_from(census, 0);
	*moment = (struct pyi_growth_moment){
		.seconds = (double)(taken_ns - series->first_ns) / 1e9,
		.objects = sum.count,
		.bytes = sum.bytes,
		.paused_ms = session->source.cost.paused_ms - paused_ms,
	};
	series->count++;
	return NULL;
}

/* Two moments say something, whatever came after them; unless the process was harmed, or the user
   does not want to know. */
static bool makes_do(const struct series *series, const struct pyi_error *error)
{
	return series->count >= LEAST_SNAPSHOTS && error->exit != PYI_EXIT_NOT_RESTORED &&
	       error->code != PYI_ERROR_INTERRUPTED;
}

static struct pyi_error *take_all(struct pyi_inspection *inspection, struct series *series)
{
	const struct pyi_options *options = inspection->options;
	struct pyi_error *error = take(inspection, series);

	for (uint64_t s = 1; s < options->limit && !error; s++) {
		error = wait_for(inspection,
				 series->first_ns +
					 (uint64_t)((double)s * options->interval_s * 1e9));
		if (!error)
			error = take(inspection, series);
	}
	if (!error || !makes_do(series, error))
		return error;
	pyi_envelope_warn(inspection->envelope, "ended-early",
			  "only %zu of %llu snapshots were taken: %s", series->count,
			  (unsigned long long)options->limit, error->message);
	inspection->partial = true;
	pyi_error_destroy(error);
	return NULL;
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(free_series)
	struct series series = {
		.censuses = calloc(options->limit, sizeof(*series.censuses)),
		.moments = calloc(options->limit, sizeof(*series.moments)),
	};
	PYI_CLEANUP(pyi_type_series_deinit) struct pyi_type_series growth = { 0 };
	struct pyi_growth_report report = {
		.scope = options->tracked_only ? "tracked" : "all",
		.by_count = options->by == PYI_BY_COUNT,
		.filter = {
			.type = options->type,
			.module = options->module,
			.no_builtins = options->no_builtins,
		},
		.limit = ROWS,
		.interval_s = options->interval_s,
		.moments = series.moments,
		.growth = &growth,
	};
	struct pyi_error *error;

	if (!series.censuses || !series.moments)
		return pyi_error_no_memory();
	error = take_all(inspection, &series);
	if (error)
		return error;
	for (size_t c = 0; c < series.count; c++)
		pyi_census_keep(&series.censuses[c], &report.filter);
	error = pyi_type_series_find(series.censuses, series.count, report.by_count, &growth);
	if (error)
		return error;
	*ret_exit = pyi_inspection_conclude(inspection);
	report.skipped_objects = inspection->skipped_objects;
	return pyi_report_growth(options->out, options->format, pyi_inspection_columns(options),
				 inspection->envelope, &report);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	if (options->limit < LEAST_SNAPSHOTS)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						       "growth wants 2 snapshots or more"),
				      "-n says how many; see pyinspect help growth");
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_growth = {
	.name = "growth",
	.summary = "say which types grow, over several snapshots",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_BY | PYI_OPTION_SCOPE | PYI_OPTION_TYPE |
			   PYI_OPTION_MODULE | PYI_OPTION_NO_BUILTINS | PYI_OPTION_INTERVAL,
		.by = PYI_BY_COUNT | PYI_BY_BYTES,
		.default_limit = 3,
		.most_limit = MOST_SNAPSHOTS,
	},
	.help = help,
	.inspects = true,
	.run = run,
};
