/*
 * Reports, and has reported. Makes no report but that of an error.
 */
#include "cli/conclusion.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/keeper.h"
#include "cli/handover.h"
#include "cli/relay.h"
#include "report/output.h"
#include "tracee/wait.h"

enum {
	/* After the deadline, for a reader of the report. */
	WRITE_GRACE_MS = 450,
	/* For the report that a check has failed, of which the journal is a part. */
	LIMIT_MS = 1000,
};

static void print_cost(const struct pyi_envelope *envelope)
{
	pyi_output_say(
		stderr, 0,
		"pyinspect: %llu snapshots; the process stood still for %.2f ms in all, %.2f ms at "
		"most",
		(unsigned long long)envelope->attempts, envelope->paused_ms,
		envelope->longest_pause_ms);
	for (size_t t = 0; t < envelope->try_count; t++)
		if (envelope->tries[t].dropped)
			pyi_output_say(
				stderr, 0,
				"pyinspect: try %zu, which took %.2f ms, was thrown away: %s",
				t + 1, envelope->tries[t].paused_ms, envelope->tries[t].dropped);
	if (envelope->residue_known && !envelope->residue_count)
		fputs("pyinspect: nothing of ours is left in the process\n", stderr);
	for (size_t i = 0; i < envelope->residue_count; i++)
		pyi_output_say(stderr, 0, "pyinspect: left in the process: %s (%s)",
			       envelope->residue[i].message, envelope->residue[i].code);
}

void pyi_conclusion_end_by(int number)
{
	sigset_t set;

	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static enum pyi_exit report_error(const struct pyi_command *command,
				  const struct pyi_options *options,
				  const struct pyi_envelope *envelope,
				  const struct pyi_error *error)
{
	if (command && command->fail)
		return command->fail(options, envelope, error);
	pyi_output_error(stdout, stderr, options->format, envelope, error);
	return error->exit;
}

enum pyi_exit pyi_conclude(const struct pyi_command *command, const struct pyi_options *options,
			   struct pyi_envelope *envelope, enum pyi_exit exit,
			   struct pyi_error *error)
{
	bool not_restored = error && error->exit == PYI_EXIT_NOT_RESTORED;

	if (error) {
		/* Others are told to end, too, and may have been quicker than we to do so. */
		pyi_wait_is_cancelled();
		exit = report_error(command, options, envelope, error);
		pyi_error_destroy(error);
	}
	if (options->verbose && envelope->attempts)
		print_cost(envelope);
	pyi_envelope_deinit(envelope);
	fflush(stdout);
	/* Unless there is something worse to say. */
	if (pyi_wait_is_cancelled() && !not_restored)
		pyi_conclusion_end_by(pyi_wait_cancel_signal());
	return exit;
}

uint64_t pyi_conclusion_write_deadline(uint64_t deadline_ns)
{
	uint64_t least_ns = pyi_clock_deadline(WRITE_GRACE_MS, PYI_CLOCK_NEVER);

	if (!deadline_ns || deadline_ns == PYI_CLOCK_NEVER)
		return PYI_CLOCK_NEVER;
	deadline_ns += WRITE_GRACE_MS * UINT64_C(1000000);
	return deadline_ns > least_ns ? deadline_ns : least_ns;
}

/* On standard error alone. */
static void put_words(const struct pyi_error *error)
{
	if (error)
		pyi_output_error(stderr, stderr, PYI_FORMAT_TABLE, NULL, error);
}

struct failure {
	const struct pyi_command *command;
	const struct pyi_options *options;
	const struct pyi_relay *relay;
	bool printed;
	const struct pyi_error *error;
};

static __attribute__((noreturn)) void keep_failure(void *argument)
{
	const struct failure *failure = argument;
	struct pyi_envelope envelope = { .command = failure->command->name };

	pyi_relay_enter(failure->relay);
	/* The words are for standard error. */
	if (failure->printed && !freopen("/dev/null", "w", stdout))
		exit((int)PYI_CHECK_UNKNOWN);
	exit((int)failure->command->fail(failure->options, &envelope, failure->error));
}

static enum pyi_exit report_kept(const struct pyi_command *command, struct pyi_options *options,
				 bool printed, const struct pyi_error *error)
{
	bool not_restored = error->exit == PYI_EXIT_NOT_RESTORED;
	int exit_code = (int)(not_restored ? PYI_CHECK_CRITICAL : PYI_CHECK_UNKNOWN);
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *unwritten = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *other = NULL;
	struct pyi_relay relay;
	struct failure failure = { command, options, &relay, printed, error };
	bool kept;

	/* What cannot be written where it was wanted goes to standard output. */
	if (error->code != PYI_ERROR_OUTPUT_FAILED)
		other = pyi_handover_begin(options);
	pyi_relay_init(&relay);
	kept = !other && pyi_keeper_run(keep_failure, &failure, LIMIT_MS, &exit_code);
	unwritten =
		pyi_relay_finish(&relay, kept, pyi_conclusion_write_deadline(options->deadline_ns));
	if (kept)
		other = pyi_handover_put(options, exit_code, 0);
	else
		put_words(error);
	put_words(other);
	pyi_handover_end(options);
	if (pyi_wait_is_cancelled() && !not_restored)
		pyi_conclusion_end_by(pyi_wait_cancel_signal());
	return (enum pyi_exit)exit_code;
}

enum pyi_exit pyi_conclude_failure(const struct pyi_command *command, struct pyi_options *options,
				   bool printed, struct pyi_error *error)
{
	struct pyi_envelope envelope = { .command = command ? command->name : NULL };
	enum pyi_exit exit = error->exit;

	if (command && command->keeps)
		exit = report_kept(command, options, printed, error);
	else if (printed)
		put_words(error);
	else
		return pyi_conclude(command, options, &envelope, exit, error);
	pyi_error_destroy(error);
	return exit;
}
