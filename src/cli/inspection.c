/*
 * Opens a session, describes it, closes it. Does not examine anything itself.
 */
#include "cli/inspection.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/core_facts.h"
#include "cli/python_children.h"
#include "report/output.h"
#include "tracee/wait.h"

enum {
	/* Between two looks at whether the process is still traced. */
	OTHERS_MS = 50,
};

/* By the sessions of this run: a check that keeps evidence has several. */
static double spent_pause_ms;

unsigned pyi_inspection_columns(const struct pyi_options *options)
{
	struct winsize size;

	if (options->out != stdout || !isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

struct pyi_subject pyi_inspection_subject(const struct pyi_inspection *inspection)
{
	const struct pyi_options *options = inspection->options;

	return (struct pyi_subject){
		.type = options->subject,
		.exact = options->exact,
		.address = options->address,
		.values = options->values,
	};
}

/* What the session has found out, for the report or for the error. */
static void describe(const struct pyi_session *session, struct pyi_envelope *envelope)
{
	struct pyi_error *error;

	envelope->pid = session->source.process.pid;
	error = session->source.process.door
			? pyi_process_read_exe(&session->source.process, &envelope->exe)
			: NULL;
	pyi_error_destroy(error);
	if (session->runtime.version[0])
		envelope->python = strdup(session->runtime.version);
	envelope->interpreters = session->interpreter_count;
	envelope->interpreter = session->options->interpreter;
	envelope->rss_bytes = session->rss_bytes;
	envelope->source = session->options->still
				   ? "core"
				   : pyi_source_name(session->source.kind == PYI_SOURCE_AUTO
							     ? PYI_SOURCE_CLONE
							     : session->source.kind);
	envelope->consistent = session->consistent;
	envelope->attempts = session->attempts;
	envelope->paused_ms = session->source.cost.paused_ms;
	envelope->longest_pause_ms = session->source.cost.longest_pause_ms;
	envelope->snapshot_ms = session->snapshot_ms;
	envelope->snapshot_bytes = session->snapshot_bytes;
	envelope->elapsed_ms = pyi_clock_ms_since(session->begun_ns);
	for (unsigned t = 0; t < session->try_count && t < PYI_TRIES_KEPT; t++)
		pyi_envelope_add_try(envelope, session->tries[t].paused_ms,
				     session->tries[t].dropped);
	envelope->residue_known = session->residue_known;
	for (size_t i = 0; i < session->residue.count; i++)
		pyi_envelope_add_residue(envelope, session->residue.items[i].code,
					 session->residue.items[i].message);
}

static void warn(const struct pyi_inspection *inspection)
{
	if (inspection->inconsistency && inspection->options->core)
		pyi_envelope_warn(inspection->envelope, "inconsistent",
				  "%s when the core was written: figures may be wrong",
				  inspection->inconsistency);
	else if (inspection->inconsistency)
		pyi_envelope_warn(inspection->envelope, "inconsistent",
				  "%s, after %llu snapshots: figures may be wrong",
				  inspection->inconsistency,
				  (unsigned long long)inspection->session.attempts);
	if (inspection->session.runtime.other)
		pyi_envelope_warn(inspection->envelope, "refused-python",
				  "another Python in the process is not looked at: %s",
				  inspection->session.runtime.other);
	if (inspection->session.runtime.guessed)
		pyi_envelope_warn(inspection->envelope, "guessed-layout",
				  "CPython %s is newer than this pyinspect, which took it for a "
				  "%u.%u: every figure may be wrong",
				  inspection->session.runtime.version,
				  inspection->session.runtime.guessed->python_version >> 8,
				  inspection->session.runtime.guessed->python_version & 255);
	if (inspection->session.phase == PYI_RUNTIME_STARTS)
		pyi_envelope_warn(inspection->envelope, "starting",
				  "Python is starting: not all of its modules are there yet");
	if (inspection->session.phase == PYI_RUNTIME_ENDS)
		pyi_envelope_warn(inspection->envelope, "finalizing",
				  "Python is ending, and takes its modules to pieces: this is what "
				  "is left of the heap");
	if (inspection->session.runtime.passed_over)
		pyi_envelope_warn(inspection->envelope, "another-python",
				  "another library called libpython was not looked at, for its "
				  "file system may have a server: it may be a Python of its own");
	if (inspection->broken_lists)
		pyi_envelope_warn(
			inspection->envelope, "broken-list",
			"%llu lists of the garbage collector could not be followed to their "
			"end: objects are missing",
			(unsigned long long)inspection->broken_lists);
}

bool pyi_inspection_is_of_dump(const struct pyi_inspection *inspection)
{
	return inspection->options->dump;
}

void pyi_inspection_note(struct pyi_inspection *inspection)
{
	const struct pyi_session *session = &inspection->session;

	if (!inspection->inconsistency)
		inspection->inconsistency = session->inconsistency;
	if (session->summary.skipped_objects > inspection->skipped_objects)
		inspection->skipped_objects = session->summary.skipped_objects;
	if (session->summary.broken_lists > inspection->broken_lists)
		inspection->broken_lists = session->summary.broken_lists;
}

enum pyi_exit pyi_inspection_conclude(struct pyi_inspection *inspection)
{
	struct pyi_envelope *envelope = inspection->envelope;

	pyi_inspection_note(inspection);
	if (pyi_inspection_is_of_dump(inspection)) {
		envelope->elapsed_ms = pyi_clock_ms_since(inspection->session.begun_ns);
		envelope->consistent &= !inspection->inconsistency;
		if (inspection->inconsistency)
			pyi_envelope_warn(envelope, "inconsistent", "%s: figures may be wrong",
					  inspection->inconsistency);
	} else {
		describe(&inspection->session, envelope);
		envelope->consistent = !inspection->inconsistency;
		warn(inspection);
	}
	pyi_progress_end(&inspection->progress);
	return envelope->consistent && !inspection->skipped_objects && !inspection->partial
		       ? PYI_EXIT_OK
		       : PYI_EXIT_INCOMPLETE;
}

/* For --verbose: what the process was doing. */
static void print_stack(void *argument, const struct pyi_stack *stack, const char *doubt)
{
	pyi_progress_end(argument);
	fprintf(stderr, "pyinspect: the thread with the GIL was here%s%s:\n",
		doubt ? "; against this snapshot speaks that " : "", doubt ? doubt : "");
	for (size_t f = 0; f < stack->count; f++) {
		/* From the target's files, which may call a function anything. */
		PYI_CLEANUP(pyi_guard_free) char *name = pyi_output_fit(stack->frames[f].name, 0);

		fprintf(stderr, "  #%-2zu 0x%llx %s+0x%llx\n", f,
			(unsigned long long)stack->frames[f].pc, name && *name ? name : "?",
			(unsigned long long)stack->frames[f].offset);
	}
	if (stack->broken)
		fprintf(stderr, "pyinspect: libunwind could not go on: the rules of the last frame "
				"are broken\n");
}

bool pyi_inspection_wait_for_others(const struct pyi_error *error, uint64_t deadline_ns)
{
	if (error->code != PYI_ERROR_ALREADY_TRACED || pyi_clock_passed(deadline_ns))
		return false;
	return !pyi_wait_pause(pyi_clock_deadline(OTHERS_MS, deadline_ns));
}

/* Of a wrapper, that what was meant is one of those that it has started. */
static struct pyi_error *point_at_children(struct pyi_error *error,
					   const struct pyi_options *options)
{
	char children[PYI_PYTHON_CHILDREN_BYTES];
	bool several;

	if (!error || error->code != PYI_ERROR_NOT_PYTHON || options->core)
		return error;
	pyi_python_children_ask(options->children_fd, children);
	several = strchr(children, ',') != NULL;
	if (!children[0])
		return error;
	return pyi_error_hint(
		error,
		"it has started %s %s, which %s Python: give %s; top-types and check also know "
		"--children",
		several ? "processes" : "process", children, several ? "run" : "runs",
		several ? "the number of one" : "that number");
}

struct pyi_error *pyi_inspection_run(const struct pyi_options *options,
				     struct pyi_envelope *envelope,
				     struct pyi_error *(*answer)(struct pyi_inspection *inspection,
								 enum pyi_exit *ret_exit),
				     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run_with(options, envelope, answer, NULL, ret_exit);
}

struct pyi_error *pyi_inspection_run_with(
	const struct pyi_options *options, struct pyi_envelope *envelope,
	struct pyi_error *(*answer)(struct pyi_inspection *inspection, enum pyi_exit *ret_exit),
	void *context, enum pyi_exit *ret_exit)
{
	struct pyi_inspection inspection = {
		.options = options,
		.envelope = envelope,
		.context = context,
		.session_options = {
			.broker_fd = options->broker_fd,
			.max_pause_ms = options->max_pause_ms,
			.max_total_pause_ms = options->max_total_pause_ms,
			.spent_pause_ms = spent_pause_ms,
			.source = options->source,
			.still = options->core != NULL,
			.runtime = { .number = options->runtime, .guess = options->force },
			.interpreter = options->interpreter,
			.deadline_ns = options->deadline_ns ? options->deadline_ns
							    : PYI_CLOCK_NEVER,
			.progress = pyi_progress_report,
			.progress_argument = &inspection.progress,
			.stack = options->verbose ? print_stack : NULL,
		},
	};
	struct pyi_session *session = &inspection.session;
	struct pyi_error *error = NULL;
	pid_t pid = options->pid;

	if (options->verbose && !pyi_stack_is_known())
		fputs("pyinspect: built without libunwind: stacks are not shown\n", stderr);
	pyi_progress_begin(&inspection.progress);
	if (pyi_inspection_is_of_dump(&inspection)) {
		session->options = &inspection.session_options;
		session->begun_ns = pyi_clock_now_ns();
		error = answer(&inspection, ret_exit);
		pyi_progress_end(&inspection.progress);
		return error;
	}
	envelope->core = options->core;
	if (options->core)
		error = pyi_core_facts_begin(&inspection, &pid);
	if (error) {
		pyi_progress_end(&inspection.progress);
		return error;
	}
	error = pyi_session_open(pid, &inspection.session_options, session);
	error = point_at_children(error, options);
	if (!error)
		error = answer(&inspection, ret_exit);
	/* Not concluded. */
	if (error && !envelope->pid)
		describe(session, envelope);
	pyi_progress_end(&inspection.progress);
	spent_pause_ms += session->source.cost.paused_ms;
	pyi_session_close(session);
	return error;
}
