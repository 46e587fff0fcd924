/*
 * pyinspect TARGET top-types: which types fill the heap. Does not sort or print itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "heap/session.h"
#include "process/target_name.h"
#include "report/top_types.h"

static const char help[] =
	"usage: pyinspect TARGET top-types [options]\n"
	"\n"
	"Counts the objects of a running Python process by type: how many, and how many\n"
	"bytes. The biggest first.\n"
	"\n"
	"  -n, --limit N        show N types (default 20; 0: all)\n"
	"      --by count|bytes what biggest means (default bytes)\n"
	"      --scope all      every object that can be reached: containers, strings,\n"
	"                       numbers, code (the default)\n"
	"      --scope tracked  exactly what gc.get_objects() lists in the process\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
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

static unsigned terminal_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

/* What the session has found out, for the report or for the error. */
static void describe(const struct pyi_session *session, struct pyi_envelope *envelope)
{
	struct pyi_error *error;

	envelope->pid = session->process.pid;
	error = session->process.proc_fd >= 0
			? pyi_process_read_exe(&session->process, &envelope->exe)
			: NULL;
	pyi_error_destroy(error);
	if (session->runtime.version[0])
		envelope->python = strdup(session->runtime.version);
	envelope->interpreters = session->interpreter_count;
	envelope->rss_bytes = session->rss_bytes;
	envelope->source = "clone";
	envelope->consistent = session->consistent;
	envelope->attempts = session->attempts;
	envelope->paused_ms = session->target.paused_ms;
	envelope->longest_pause_ms = session->target.longest_pause_ms;
	envelope->snapshot_ms = session->snapshot_ms;
	envelope->snapshot_bytes = session->snapshot_bytes;
	envelope->elapsed_ms = pyi_clock_ms_since(session->begun_ns);
}

static void warn(const struct pyi_session *session, const struct pyi_record_summary *summary,
		 struct pyi_envelope *envelope)
{
	if (session->inconsistency)
		pyi_envelope_warn(envelope, "inconsistent",
				  "%s, after %llu snapshots: figures may be wrong",
				  session->inconsistency, (unsigned long long)session->attempts);
	if (summary->broken_lists)
		pyi_envelope_warn(
			envelope, "broken-list",
			"%llu lists of the garbage collector could not be followed to their "
			"end: objects are missing",
			(unsigned long long)summary->broken_lists);
}

static struct pyi_error *inspect(struct pyi_session *session, const struct pyi_options *options,
				 struct pyi_envelope *envelope, enum pyi_exit *ret_exit)
{
	struct pyi_session_census census;
	struct pyi_top_types report;
	struct pyi_error *error;

	error = pyi_session_census(session, options->tracked_only ? 0 : PYI_CENSUS_ALL, NULL, NULL,
				   NULL, &census);
	if (error)
		return error;
	describe(session, envelope);
	warn(session, &census.summary, envelope);
	pyi_census_sort(&census.census, options->order);
	report = (struct pyi_top_types){
		.scope = options->tracked_only ? "tracked" : "all",
		.order = options->order,
		.census = &census.census,
		.limit = options->limit,
		.frozen_objects = census.summary.frozen_objects,
		.frozen_bytes = census.summary.frozen_bytes,
		.skipped_objects = census.summary.skipped_objects,
	};
	*ret_exit =
		session->consistent && !report.skipped_objects ? PYI_EXIT_OK : PYI_EXIT_INCOMPLETE;
	pyi_progress_end(session->options->progress_argument);
	error = pyi_report_top_types(stdout, options->format, terminal_columns(), envelope,
				     &report);
	pyi_session_census_deinit(&census);
	return error;
}

/* For --verbose: what the process was doing. */
static void print_stack(void *argument, const struct pyi_stack *stack, const char *doubt)
{
	pyi_progress_end(argument);
	fprintf(stderr, "pyinspect: the thread with the GIL was here%s%s:\n",
		doubt ? "; against this snapshot speaks that " : "", doubt ? doubt : "");
	for (size_t f = 0; f < stack->count; f++)
		fprintf(stderr, "  #%-2zu 0x%llx %s+0x%llx\n", f,
			(unsigned long long)stack->frames[f].pc,
			stack->frames[f].name[0] ? stack->frames[f].name : "?",
			(unsigned long long)stack->frames[f].offset);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	struct pyi_progress progress;
	struct pyi_session_options session_options = {
		.max_pause_ms = options->max_pause_ms,
		.deadline_ns = options->timeout_s > 0
				       ? pyi_clock_deadline((uint64_t)(options->timeout_s * 1000),
							    PYI_CLOCK_NEVER)
				       : PYI_CLOCK_NEVER,
		.progress = pyi_progress_report,
		.progress_argument = &progress,
		.stack = options->verbose ? print_stack : NULL,
	};
	struct pyi_session session;
	struct pyi_error *error;
	pid_t pid;

	error = pyi_target_name_resolve(options->target, "/sys/fs/cgroup", &pid);
	if (error)
		return error;
	pyi_progress_begin(&progress);
	error = pyi_session_open(pid, &session_options, &session);
	if (!error)
		error = inspect(&session, options, envelope, ret_exit);
	if (error && !envelope->exe)
		describe(&session, envelope);
	pyi_progress_end(&progress);
	pyi_session_close(&session);
	return error;
}

const struct pyi_command pyi_command_top_types = {
	.name = "top-types",
	.summary = "count objects and bytes by type",
	.help = help,
	.run = run,
};
