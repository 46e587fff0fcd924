/*
 * pyinspect TARGET check: measures, judges by rules, and reports as monitoring systems want it.
 * Does not judge or print itself.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file_replace.h"
#include "broker/keeper.h"
#include "cli/add_up.h"
#include "cli/check_aside.h"
#include "cli/check_history.h"
#include "cli/check_outcome.h"
#include "cli/check_setup.h"
#include "cli/command.h"
#include "cli/inspection.h"
#include "cli/journal.h"
#include "cli/tasks.h"
#include "process/age.h"
#include "process/pressure.h"
#include "report/check.h"
#include "tracee/wait.h"

enum {
	/* A timer and a monitoring system may look at the same time. */
	OTHERS_PATIENCE_MS = 10000,
};

static const char help[] =
	"usage: pyinspect TARGET check [rules] [options]\n"
	"\n"
	"Measures a running Python process, holds the figures and their history against\n"
	"rules, and says ok, warning, critical or unknown, as monitoring systems do.\n"
	"\n"
	"Rules (a LIMIT is CRITICAL, or WARNING:CRITICAL; they can be given repeatedly):\n"
	"      --max TYPE=LIMIT         objects of a type and its subclasses; with a unit\n"
	"                               (64MiB) their bytes\n"
	"      --max-growth TYPE=N/h    how many more of them in an hour\n"
	"      --max-container NAME=N   length of a list, dict or set that a module or\n"
	"                               class holds: package.module.Class.attribute; or\n"
	"                               of all that instances have, or that one way leads\n"
	"                               to: app.CACHE[*].items, frame worker local queue\n"
	"      --max-rss LIMIT          resident memory (500MiB)\n"
	"      --max-tracked LIMIT      objects that the garbage collector tracks\n"
	"      --preset NAME            firewalld: D-Bus callers that are gone and kept,\n"
	"                               growth, memory; generic: any container that grows\n"
	"                               and never shrinks, wherever it is held, and\n"
	"                               growth of any type, of objects, of memory\n"
	"      --rules FILE|FOLDER      rules from a file, or all *.json of a folder\n"
	"                               (default /etc/pyinspect/rules.d, if it is there)\n"
	"A rule on the command line overrules the same one of a file, and that one of a\n"
	"preset. A type or container that is not there and never was is unknown: its name\n"
	"may be wrong. A rule in a file may say that it may be absent.\n"
	"\n"
	"What is kept:\n"
	"      --state FOLDER   history, incidents, evidence (default $STATE_DIRECTORY,\n"
	"                       or /var/lib/pyinspect)\n"
	"      --history FILE   another file for the history; growth is known from it\n"
	"      --no-history     none; rules of growth are then unknown\n"
	"Once for each incident that is critical, reports of the process (types, who\n"
	"holds them, paths, explain), all of one snapshot more, are saved as evidence\n"
	"below the folder.\n"
	"\n"
	"Output:\n"
	"      --format FORMAT  also nagios (a monitoring plugin's lines) and prometheus\n"
	"      --output FILE    to a file, which is replaced at once: for node_exporter's\n"
	"                       textfile collector\n"
	"  -n, --limit N        to prometheus, the N biggest types and containers besides\n"
	"                       those of rules (default 10); builtins are at most half of\n"
	"                       the types, if there are others\n"
	"      --children       also the processes that it has started, as of a pre-fork\n"
	"                       server: of each rule the worst is reported, and by which\n"
	"                       process; young workers and what is no Python are left\n"
	"                       out, and what only some of them have is judged in these\n"
	"      --min-age S      a process that is younger is not looked at (default 60 s)\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"A core is judged by the rules on its heap. Those of growth, of resident memory,\n"
	"and of who is on the bus are unknown, and nothing is kept: no history, incident\n"
	"or evidence. Files of rules that are for one program are not for a core.\n"
	"\n"
	"Exit codes are those of monitoring plugins: 0 ok, 1 warning, 2 critical, 3\n"
	"unknown. Unknown is also whatever kept the check from being made: bad options,\n"
	"no such process, memory pressure on the host, a process that is too young. That\n"
	"the process could not be put back as it was (exit 6 of other commands) is\n"
	"critical.\n"
	"\n"
	"Examples:\n"
	"  pyinspect unit:firewalld check --preset firewalld\n"
	"  pyinspect 1234 check --max foo.Session=10000:50000 --max-rss 500MiB\n"
	"  pyinspect unit:foo check --preset generic --format prometheus \\\n"
	"      --output /var/lib/prometheus/node-exporter/pyinspect-foo.prom\n";

/* One check, from its rules to its report. */
struct work {
	struct pyi_check_setup setup;
	struct pyi_measured measured;
	struct pyi_check_past past;
	struct pyi_check check;
	/* It was only looked at from outside. */
	bool refused;
};

static void deinit_work(struct work *work)
{
	pyi_check_deinit(&work->check);
	pyi_check_past_close(&work->past);
	pyi_sample_deinit(&work->measured.sample);
	pyi_check_setup_deinit(&work->setup);
}

/* A target that is only looked at from outside. */
struct glimpse {
	/* Why it cannot be looked at; NULL: it can. */
	struct pyi_error *error;
	struct pyi_process process;
	/* Of its program; NULL: not known. */
	const char *program;
	/* NULL: not known. */
	char *exe;
	struct pyi_process_status status;
};

static void deinit_glimpse(struct glimpse *glimpse)
{
	pyi_error_destroy(glimpse->error);
	pyi_process_close(&glimpse->process);
	free(glimpse->exe);
}

static void take_glimpse(const struct pyi_options *options, struct glimpse *glimpse)
{
	*glimpse = (struct glimpse){ .process.proc_fd = -1 };
	glimpse->error = pyi_process_open(options->pid, &glimpse->process);
	if (!glimpse->error)
		glimpse->error = pyi_process_read_status(&glimpse->process, 0, &glimpse->status);
	if (glimpse->error)
		return;
	glimpse->program = glimpse->status.name;
	pyi_error_destroy(pyi_process_read_exe(&glimpse->process, &glimpse->exe));
}

static struct pyi_error *refuse(const struct pyi_options *options, struct glimpse *glimpse)
{
	struct pyi_pressure group;
	struct pyi_pressure host;
	struct pyi_error *error;

	if (glimpse->error)
		return pyi_return_ptr(glimpse->error);
	pyi_pressure_read_host(PYI_PRESSURE_HOST_FILE, &host);
	pyi_pressure_read_group(&glimpse->process, PYI_PRESSURE_CGROUP_ROOT, &group);
	error = pyi_pressure_refusal(&host, &group, PYI_EXIT_FAILED);
	if (error)
		return error;
	return pyi_process_age_refusal(&glimpse->process, (uint64_t)ceil(options->min_age_s),
				       PYI_EXIT_FAILED);
}

static struct pyi_error *judge(const struct pyi_options *options, struct pyi_envelope *envelope,
			       struct work *work, uint64_t deadline_ns)
{
	struct pyi_history_process process = {
		.pid = envelope->pid,
		.start_ticks = work->measured.start_ticks,
		.exe = envelope->exe,
		/* Not changed. */
		.target = (char *)(uintptr_t)options->target,
	};
	struct pyi_error *error = pyi_history_read_boot_id(process.boot_id);

	if (error)
		return error;
	if (options->core) {
		pyi_check_past_none("a core is of one moment", &process, &work->measured.sample,
				    &work->past);
		work->past.no_rss = "a core does not say it";
	} else {
		pyi_check_past_open(work->setup.history, &process, &work->measured.sample,
				    deadline_ns, envelope, &work->past);
	}
	error = pyi_check_past_judge(&work->past, &work->setup.rules, envelope, &work->check);
	return error || !options->one_of_many ? error : pyi_check_excuse_absent(&work->check);
}

static struct pyi_error *report(const struct pyi_options *options, struct pyi_envelope *envelope,
				struct work *work, uint64_t deadline_ns)
{
	const struct pyi_check_outcome outcome = {
		.options = options,
		.setup = &work->setup,
		.past = &work->past,
		.envelope = envelope,
		.refused = work->refused,
		.deadline_ns = deadline_ns,
	};
	PYI_CLEANUP(pyi_guard_free) char *evidence = NULL;
	struct pyi_check_report report = {
		.target = options->target,
		.check = &work->check,
		.sample = &work->measured.sample,
		.limit = options->limit,
		.skipped_objects = work->measured.skipped_objects,
		.age_unknown = options->core != NULL,
		.history = work->past.history ? work->setup.history : NULL,
		.history_wanted = work->setup.history != NULL && !options->core,
		.history_kept = work->past.kept,
	};
	struct pyi_error *error = NULL;

	/* What is kept is of processes that run, and of now. */
	if (!options->core)
		error = pyi_check_outcome_deal(&outcome, &report, &evidence);
	if (error)
		return error;
	report.evidence = evidence;
	pyi_check_aside_print(options, envelope, &report);
	return pyi_report_check(options->out, options->format, pyi_inspection_columns(options),
				envelope, &report);
}

/* Waits for others who are looking. */
static struct pyi_error *inspect(const struct pyi_options *options, struct pyi_envelope *envelope,
				 struct work *work, uint64_t deadline_ns)
{
	uint64_t patience_ns = pyi_clock_deadline(OTHERS_PATIENCE_MS, deadline_ns);
	const char *command = envelope->command;

	while (true) {
		struct pyi_error *error =
			pyi_tasks_measure(options, &work->setup.measure, work->setup.slip,
					  deadline_ns, envelope, &work->measured);

		if (options->core) {
			envelope->core = options->core;
			envelope->source = "core";
		}
		if (!error || !pyi_inspection_wait_for_others(error, patience_ns))
			return error;
		pyi_error_destroy(error);
		pyi_envelope_deinit(envelope);
		envelope->command = command;
	}
}

static bool is_above_a_limit(const struct pyi_rules *rules, uint64_t rss_bytes)
{
	for (size_t r = 0; r < rules->count; r++) {
		const struct pyi_rule *rule = &rules->items[r];

		if (rule->kind == PYI_RULE_MAX_RSS &&
		    (double)rss_bytes > fmin(rule->warning, rule->critical))
			return true;
	}
	return false;
}

/* What can be known of a process whose heap cannot be looked at. */
static struct pyi_error *describe_from_outside(const struct glimpse *glimpse, uint64_t rss_bytes,
					       struct pyi_envelope *envelope, struct work *work)
{
	struct pyi_sample *sample = &work->measured.sample;

	envelope->pid = glimpse->process.pid;
	envelope->rss_bytes = rss_bytes;
	envelope->source = "none";
	envelope->consistent = true;
	if (!envelope->exe && glimpse->exe)
		envelope->exe = strdup(glimpse->exe);
	pyi_sample_deinit(sample);
	sample->time_s = time(NULL);
	sample->age_s = pyi_process_age_s(&glimpse->process);
	sample->incomplete = true;
	work->measured.start_ticks = glimpse->process.start_ticks;
	work->refused = true;
	return pyi_sample_add(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, rss_bytes, 0);
}

/*
 * A process that is too large to be looked at, or on a host that is short of memory, is what limits
 * of memory are for: these are judged all the same, and what is above one outweighs the refusal,
 * which becomes a warning. Otherwise `error` comes back.
 */
static struct pyi_error *check_from_outside(const struct glimpse *glimpse,
					    struct pyi_envelope *envelope, struct work *work,
					    struct pyi_error *error)
{
	struct pyi_process_status status;
	struct pyi_error *other;

	if ((error->exit != PYI_EXIT_FAILED && error->exit != PYI_EXIT_ACCESS) ||
	    error->code == PYI_ERROR_TOO_YOUNG || glimpse->error || pyi_wait_cancel_signal())
		return error;
	/* There may be a thread that only our end sets free. */
	if (error->code == PYI_ERROR_THREAD_STUCK)
		return error;
	other = pyi_process_read_status(&glimpse->process, 0, &status);
	if (other || !pyi_process_is_alive(&glimpse->process) ||
	    !is_above_a_limit(&work->setup.rules, status.rss_bytes)) {
		pyi_error_destroy(other);
		return error;
	}
	pyi_envelope_warn(envelope, pyi_error_code_name(error->code),
			  "only its memory was judged: %s%s%s", error->message,
			  error->hint ? "; " : "", error->hint ? error->hint : "");
	pyi_error_destroy(error);
	return describe_from_outside(glimpse, status.rss_bytes, envelope, work);
}

static struct pyi_error *check(const struct pyi_options *options, struct pyi_envelope *envelope,
			       enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(deinit_work) struct work work = { 0 };
	PYI_CLEANUP(deinit_glimpse) struct glimpse glimpse = { .process.proc_fd = -1 };
	uint64_t deadline_ns = options->deadline_ns ? options->deadline_ns : PYI_CLOCK_NEVER;
	struct pyi_error *error;

	if (!options->core)
		take_glimpse(options, &glimpse);
	/* What was looked at so far is the kernel's; all the rest can do without rights. */
	error = pyi_keeper_confine();
	if (!error)
		error = pyi_check_setup_init(options, glimpse.program, &work.setup);
	if (error)
		return error;
	error = options->core ? NULL : refuse(options, &glimpse);
	if (!error)
		error = inspect(options, envelope, &work, deadline_ns);
	if (error && !options->core)
		error = check_from_outside(&glimpse, envelope, &work, error);
	if (!error)
		error = judge(options, envelope, &work, deadline_ns);
	if (!error)
		error = report(options, envelope, &work, deadline_ns);
	if (!error)
		*ret_exit = (enum pyi_exit)work.check.status;
	return error;
}

/* A report while it is put together, for the file that it replaces. */
struct output {
	FILE *stream;
	char *text;
	size_t size;
};

static void deinit_output(struct output *output)
{
	pyi_guard_file(&output->stream);
	free(output->text);
}

static struct pyi_error *begin_output(struct output *output)
{
	output->stream = open_memstream(&output->text, &output->size);
	return output->stream ? NULL : pyi_error_no_memory();
}

static struct pyi_error *finish_output(struct output *output, const struct pyi_options *options)
{
	int failed = fclose(pyi_return_ptr(output->stream));

	if (failed)
		return pyi_error_no_memory();
	if (options->output_fd < 0)
		return pyi_file_replace(options->output, PYI_OUTPUT_MODE, output->text,
					output->size);
	if (write(options->output_fd, output->text, output->size) != (ssize_t)output->size)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED, errno,
					      "cannot hand over the report");
	return NULL;
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(deinit_output) struct output output = { 0 };
	struct pyi_options elsewhere = *options;
	struct pyi_error *error;

	if (!options->output)
		return check(options, envelope, ret_exit);
	error = begin_output(&output);
	if (error)
		return error;
	elsewhere.out = output.stream;
	error = check(&elsewhere, envelope, ret_exit);
	if (error)
		return error;
	return finish_output(&output, options);
}

static struct pyi_error *report_failure(const struct pyi_options *options, FILE *stream,
					const struct pyi_envelope *envelope,
					enum pyi_check_status status, const struct pyi_error *error)
{
	if (!ferror(stream)) {
		struct pyi_error *other = pyi_report_check_failure(
			stream, options->format, options->target, status, time(NULL), error);

		if (other)
			return other;
	}
	pyi_output_error(stream, stderr, options->format, envelope, error);
	return NULL;
}

/* An error is a result, too: monitoring systems see only that. */
static enum pyi_exit fail(const struct pyi_options *options, const struct pyi_envelope *envelope,
			  const struct pyi_error *error)
{
	enum pyi_check_status status =
		error->exit == PYI_EXIT_NOT_RESTORED ? PYI_CHECK_CRITICAL : PYI_CHECK_UNKNOWN;
	const struct pyi_journal_target target = { options->target, envelope->pid, envelope->exe,
						   options->one_of_many };
	/* What could not be written where it was wanted is at least said here. */
	bool elsewhere = options->output && error->code != PYI_ERROR_OUTPUT_FAILED;
	PYI_CLEANUP(deinit_output) struct output output = { 0 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *other = NULL;

	/* Among the processes of a service there may be some that are no Python, or too young. */
	if (!options->core && (!options->one_of_many || (error->code != PYI_ERROR_NOT_PYTHON &&
							 error->code != PYI_ERROR_TOO_YOUNG &&
							 error->code != PYI_ERROR_NO_SUCH_PROCESS)))
		pyi_journal_status(&target, PYI_CHECK_UNKNOWN, status, error->message, NULL);
	if (elsewhere)
		other = begin_output(&output);
	if (!other)
		other = report_failure(options, elsewhere ? output.stream : options->out, envelope,
				       status, error);
	if (!other && elsewhere)
		other = finish_output(&output, options);
	if (other)
		pyi_output_error(stdout, stderr, PYI_FORMAT_TABLE, NULL, other);
	return (enum pyi_exit)status;
}

const struct pyi_command pyi_command_check = {
	.name = "check",
	.summary = "hold it against rules: ok, warning, critical, unknown",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_RULES | PYI_OPTION_HISTORY |
			   PYI_OPTION_NO_HISTORY | PYI_OPTION_STATE | PYI_OPTION_MIN_AGE |
			   PYI_OPTION_OUTPUT | PYI_OPTION_CHILDREN,
		.default_limit = 10,
		.most_limit = 1000,
		.monitoring = true,
	},
	.help = help,
	.inspects = true,
	.core = true,
	.graph = true,
	.keeps = true,
	.run = run,
	.add_up = pyi_add_up_check,
	.fail = fail,
};
