/*
 * The program: finds the command, runs it, reports one error, exits. Does no work itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/check.h"
#include "analysis/near_name.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "broker/keeper.h"
#include "broker/supervisor.h"
#include "broker/worker.h"
#include "cli/add_up.h"
#include "cli/command.h"
#include "cli/conclusion.h"
#include "cli/core_target.h"
#include "cli/dump_target.h"
#include "cli/evidence_reports.h"
#include "cli/evidence_target.h"
#include "cli/handover.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/origin.h"
#include "cli/python_children.h"
#include "cli/relay.h"
#include "cli/room.h"
#include "cli/standard_files.h"
#include "cli/target.h"
#include "cli/tasks.h"
#include "cli/time_share.h"
#include "cli/worker_memory.h"
#include "process/process.h"
#include "process/process_stat.h"
#include "report/output.h"
#include "tracee/wait.h"
#include "version.h"

static const struct pyi_command *const commands[] = {
	&pyi_command_explain,	&pyi_command_top_types,	 &pyi_command_top_objects,
	&pyi_command_referrers, &pyi_command_referents,	 &pyi_command_path,
	&pyi_command_show,	&pyi_command_dominators, &pyi_command_garbage,
	&pyi_command_dump,	&pyi_command_diff,	 &pyi_command_growth,
	&pyi_command_slip_dbus, &pyi_command_check,	 &pyi_command_history,
	&pyi_command_incidents, &pyi_command_list,
};

enum {
	/* Of one of several processes, as JSON. */
	REPORT_LIMIT = 64 << 20,
	/* Of all of them. */
	REPORTS_LIMIT = 256 << 20,
	/* Memory that a parsed report takes, for each byte of it. */
	PARSED_FACTOR = 32,
	ADD_UP_MS = 10000,
	COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]),
};

#define NOT_IN_TIME "it was not done in the time allowed"
#define NOT_IN_ITS_SHARE "it was not done in its share of the time allowed (--timeout)"

static const struct pyi_command *find_command(const char *name)
{
	for (size_t c = 0; c < COMMAND_COUNT; c++)
		if (strcmp(commands[c]->name, name) == 0)
			return commands[c];
	return NULL;
}

/* `pyinspect top-types 1234` reads as well as the other way round; both mean the same. And if the
   target is missing, it is that command which has failed. */
static void put_target_first(struct pyi_options *options)
{
	const struct pyi_command *command = options->target ? find_command(options->target) : NULL;

	if (!command || (options->command && find_command(options->command)))
		return;
	options->target = options->command;
	options->command = command->name;
}

/* What a word may have been meant as; NULL: nothing. */
static const char *nearest_command(const char *word)
{
	struct pyi_near_name near_name = { .wanted = word };

	for (size_t c = 0; c < COMMAND_COUNT; c++)
		pyi_near_name_offer(&near_name, commands[c]->name);
	return near_name.best;
}

static struct pyi_error *no_such_command(const char *name)
{
	struct pyi_error *error = pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						   "there is no command \"%s\"", name);
	const char *near_name = nearest_command(name);

	if (near_name)
		return pyi_error_hint(error, "is it %s? See pyinspect --help", near_name);
	return pyi_error_hint(error, "see pyinspect --help");
}

/* One of the two words is missing. If the one that is there is neither, say how it is written. */
static struct pyi_error *missing_word(const struct pyi_options *options)
{
	const char *near_name =
		options->target && !options->command ? nearest_command(options->target) : NULL;

	if (near_name && !find_command(options->target))
		return no_such_command(options->target);
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
				 options->target ? "which command?" : "which process?"),
		"pyinspect %s %s; see pyinspect --help", options->target ? options->target : "PID",
		options->command ? options->command : "top-types");
}

static struct pyi_error *too_many_words(const char *word)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
					       "\"%s\" is one word too many", word),
			      "see pyinspect --help");
}

/* Everything that needs no target; true if that was all. */
static bool without_target(const struct pyi_options *options, struct pyi_error **ret_error)
{
	const char *topic = options->command;

	*ret_error = NULL;
	if (options->version) {
		printf("pyinspect %s\n", PYI_VERSION);
	} else if (options->help || (options->target && strcmp(options->target, "help") == 0)) {
		/* `pyinspect top-types --help` too */
		if (!topic && options->target && find_command(options->target))
			topic = options->target;
		if (topic && !find_command(topic)) {
			*ret_error = no_such_command(topic);
			return true;
		}
		if (!options->help && options->subject) {
			*ret_error = too_many_words(options->subject);
			return true;
		}
		pyi_help_print(stdout, topic ? find_command(topic) : NULL, commands, COMMAND_COUNT);
	} else {
		return false;
	}
	*ret_error = pyi_output_finish(stdout);
	return true;
}

/* Finds the command and completes its options; *ret_command is NULL if nothing is to be run. */
static struct pyi_error *prepare(struct pyi_options *options,
				 const struct pyi_command **ret_command)
{
	const struct pyi_command *command;
	struct pyi_error *error;

	*ret_command = NULL;
	if (without_target(options, &error))
		return error;
	command = options->command ? find_command(options->command) : NULL;
	if (!options->command || (!options->target && !(command && command->use.optional_target)))
		return missing_word(options);
	/* "toptypes 1234": the word that is no number is the one that was meant as a command. */
	if (!command)
		return no_such_command(nearest_command(options->target) &&
						       !nearest_command(options->command)
					       ? options->target
					       : options->command);
	error = pyi_options_complete(options, command->name, &command->use);
	if (!error)
		*ret_command = command;
	return error;
}

/* What is to be done, and how it is reported. */
struct job {
	struct pyi_options options;
	/* That of the command line, also if it cannot be run. */
	const struct pyi_command *command;
	struct pyi_relay relay;
	/* To be added up; NULL: there is one process. */
	struct pyi_parts *parts;
};

static enum pyi_exit run(struct job *job)
{
	struct pyi_envelope envelope = { .command = job->command->name };
	enum pyi_exit exit = PYI_EXIT_OK;
	struct pyi_error *error = job->command->run(&job->options, &envelope, &exit);

	return pyi_conclude(job->command, &job->options, &envelope, exit, error);
}

/* Of what the caller of the program had open, they have the three standard descriptors only. */
static struct pyi_error *close_others(int fd, int other_fd, int third_fd)
{
	const int kept[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, fd, other_fd, third_fd };

	if (pyi_confine_close_files(kept, sizeof(kept) / sizeof(kept[0])))
		return NULL;
	return pyi_error_create_errno(
		PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, errno,
		"a part of pyinspect cannot close files that are not its own");
}

/*
 * The keeper reports. Who waits for the end of that output must not have to wait for a worker which
 * is in a call that does not end.
 */
static void leave_output_to_keeper(const struct pyi_options *options)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (!options->verbose && !isatty(STDERR_FILENO))
		dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* In a worker that has no rights any more: does what the keeper asks, unless there is an error. */
static __attribute__((noreturn)) void serve(const struct job *job, int keeper_fd,
					    struct pyi_error *error)
{
	if (!error)
		pyi_tasks_serve(keeper_fd, &job->options, pyi_evidence_reports_make);
	pyi_error_destroy(error);
	exit(PYI_EXIT_OK);
}

static __attribute__((noreturn)) void work(void *argument, int broker_fd, int keeper_fd)
{
	struct job *job = argument;
	struct pyi_envelope envelope = { .command = job->command->name };
	struct pyi_error *error;

	job->options.broker_fd = broker_fd;
	if (job->command->graph || job->options.by == PYI_BY_RETAINED)
		job->options.graph_bytes = pyi_room_for_graph(job->options.pid);
	pyi_relay_enter_limited(&job->relay, job->options.dump_file ? job->options.graph_bytes : 0);
	if (keeper_fd >= 0)
		leave_output_to_keeper(&job->options);
	error = close_others(broker_fd, job->options.dump_file ? job->options.output_fd : keeper_fd,
			     job->options.children_fd);
	if (!error)
		error = pyi_worker_confine(pyi_worker_memory_for(job->options.pid) +
					   PYI_ROOM_ADDRESS_FACTOR * job->options.graph_bytes);
	/* From here on it may see what the target has made. */
	if (keeper_fd >= 0)
		serve(job, keeper_fd, error);
	if (error)
		exit((int)pyi_conclude(job->command, &job->options, &envelope, PYI_EXIT_FAILED,
				       error));
	exit((int)run(job));
}

/* The same with a dump or a core, which is what somebody may have made of a target: no broker is
   needed. */
static __attribute__((noreturn)) void study(void *argument, int broker_fd, int keeper_fd)
{
	struct job *job = argument;
	struct pyi_envelope envelope = { .command = job->command->name };
	struct pyi_error *error;

	(void)broker_fd;
	pyi_relay_enter_limited(&job->relay, job->options.dump_file ? job->options.graph_bytes : 0);
	if (keeper_fd >= 0)
		leave_output_to_keeper(&job->options);
	if (job->options.core)
		error = close_others(job->options.core_fd, job->options.broker_fd,
				     job->options.dump_file ? job->options.output_fd : keeper_fd);
	else
		error = close_others(job->options.dump_fd, job->options.other_fd, -1);
	if (!error)
		error = pyi_worker_confine(pyi_worker_memory() + job->options.core_bytes +
					   PYI_ROOM_ADDRESS_FACTOR * job->options.graph_bytes);
	if (keeper_fd >= 0)
		serve(job, keeper_fd, error);
	if (error)
		exit((int)pyi_conclude(job->command, &job->options, &envelope, PYI_EXIT_FAILED,
				       error));
	exit((int)run(job));
}

static __attribute__((noreturn)) void keep(void *argument, int worker_fd)
{
	struct job *job = argument;
	struct pyi_envelope envelope = { .command = job->command->name };
	struct pyi_error *error;

	pyi_relay_enter(&job->relay);
	error = close_others(worker_fd, job->options.output_fd, -1);
	if (error) {
		pyi_error_destroy(pyi_keeper_confine());
		exit((int)pyi_conclude(job->command, &job->options, &envelope, PYI_EXIT_FAILED,
				       error));
	}
	job->options.worker_fd = worker_fd;
	exit((int)run(job));
}

static enum pyi_exit not_restored_exit(const struct pyi_command *command)
{
	return command->keeps ? (enum pyi_exit)PYI_CHECK_CRITICAL : PYI_EXIT_NOT_RESTORED;
}

/* Whether what was printed is all that is to be said: those that were ended, but not by the user,
   had more to say, and that the target is not as it was may have come after it. */
static bool has_told(const struct pyi_command *command, const struct pyi_supervised *supervised)
{
	if (supervised->signal)
		return supervised->signal == supervised->cancel_signal && !supervised->not_restored;
	return !supervised->not_restored ||
	       supervised->exit_code == (int)not_restored_exit(command);
}

/* Whether that a report could not be written is worse than what it says. */
static bool matters(const struct pyi_command *command, int exit_code)
{
	if (command->keeps)
		return exit_code != PYI_CHECK_CRITICAL;
	return exit_code == PYI_EXIT_OK || exit_code == PYI_EXIT_INCOMPLETE;
}

/* Why there is no result, if the worker could not say it. */
static struct pyi_error *explain_end(const struct job *job, const struct pyi_supervised *supervised)
{
	struct pyi_error *error;

	if (supervised->not_restored)
		error = pyi_error_hint(
			pyi_error_create(PYI_EXIT_NOT_RESTORED, PYI_ERROR_NOT_RESTORED,
					 "nobody knows whether process %s is as it was: pyinspect "
					 "had to be ended while it worked on it",
					 job->options.target),
			"run pyinspect on it once more: a run that makes a clone reaps what is "
			"left");
	else if (supervised->overdue)
		error = pyi_error_timeout(NOT_IN_TIME);
	else
		error = pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST,
					 "the part of pyinspect that reads the process was ended "
					 "by signal %d (%s); the process is as it was",
					 supervised->signal, strsignal(supervised->signal));
	return error;
}

/* In a process without rights. Whoever adds up has read the reports before it lost them. */
static __attribute__((noreturn)) void add_up(void *argument, int broker_fd, int keeper_fd)
{
	struct job *job = argument;
	struct pyi_envelope envelope = { .command = job->command->name };
	PYI_CLEANUP(pyi_guard_file) FILE *out = NULL;
	enum pyi_exit exit_code = PYI_EXIT_OK;
	uint64_t bytes = pyi_worker_memory();
	struct pyi_error *error;

	(void)keeper_fd;
	pyi_relay_enter_limited(&job->relay, 0);
	/* Not a broker either: it would open any process for whoever takes over this one. */
	(void)broker_fd;
	error = close_others(-1, job->options.output_fd, -1);
	for (size_t p = 0; p < job->parts->count; p++)
		bytes += PARSED_FACTOR * job->parts->items[p].size;
	if (!error && job->options.output_fd >= 0) {
		out = fdopen(job->options.output_fd, "w");
		job->options.out = out;
		if (!out)
			error = pyi_error_no_memory();
	}
	if (!error)
		error = pyi_worker_confine(bytes);
	if (!error)
		error = job->command->add_up(&job->options, &envelope, job->parts, &exit_code);
	if (!error && out)
		error = pyi_output_finish(out);
	exit((int)pyi_conclude(job->command, &job->options, &envelope, exit_code, error));
}

/* Looks at one of several processes; its report is kept. */
static struct pyi_error *look_at(const struct job *job, struct pyi_supervision *supervision,
				 struct pyi_parts *parts, struct pyi_part *part,
				 int *ret_cancel_signal)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = memfd_create("report", MFD_CLOEXEC);
	PYI_CLEANUP(pyi_guard_fd) int nowhere_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct job own = *job;
	struct pyi_supervised supervised;
	struct pyi_error *error;

	if (fd < 0)
		return pyi_error_no_memory();
	/* What it says beside its report is for the user only if that was asked for. */
	own.relay = (struct pyi_relay){ fd, job->options.verbose ? -1 : nowhere_fd };
	own.options.pid = part->pid;
	own.options.one_of_many = true;
	own.options.deadline_ns = supervision->deadline_ns;
	own.options.format = PYI_FORMAT_JSON;
	own.options.output = NULL;
	/* To be added up it takes all of them. */
	if (!job->command->keeps)
		own.options.limit = 0;
	supervision->argument = &own;
	/* It is a while since they were listed: by now others may have their numbers. */
	supervision->pid = part->pid;
	supervision->start_ticks = part->start_ticks;
	error = pyi_supervise(supervision, &supervised);
	if (error)
		return error;
	part->exit_code = supervised.exit_code;
	part->not_restored = supervised.not_restored;
	*ret_cancel_signal = supervised.cancel_signal;
	if (supervised.cancel_signal)
		return supervised.not_restored ? pyi_part_not_restored(part) : NULL;
	if (supervised.overdue)
		part->lost = NOT_IN_ITS_SHARE;
	else if (supervised.signal)
		part->lost = "the part of pyinspect that reads it was ended by a signal";
	pyi_parts_take(parts, part, fd);
	return NULL;
}

static uint64_t resident_bytes(pid_t pid)
{
	struct pyi_process_status status = { 0 };

	pyi_error_destroy(pyi_process_peek_status(pid, &status));
	return status.rss_bytes;
}

/* One after the other, so that never more than one of them stands still; each has its share of the
   time, so that the rest can be looked at if one takes long. */
static struct pyi_error *look_at_all(const struct job *job, struct pyi_supervision *supervision,
				     struct pyi_parts *parts)
{
	PYI_CLEANUP(pyi_guard_free) uint64_t *bytes = calloc(parts->count + 1, sizeof(*bytes));
	uint64_t deadline_ns = supervision->deadline_ns;
	struct pyi_error *error = NULL;
	int cancel_signal = 0;

	if (!bytes)
		return pyi_error_no_memory();
	for (size_t p = 0; p < parts->count; p++)
		bytes[p] = resident_bytes(parts->items[p].pid);
	for (size_t p = 0; p < parts->count && !error && !cancel_signal; p++) {
		if (pyi_clock_passed(deadline_ns)) {
			parts->items[p].lost = NOT_IN_TIME;
			continue;
		}
		supervision->deadline_ns = pyi_time_share(pyi_clock_now_ns(), deadline_ns,
							  bytes + p, parts->count - p);
		error = look_at(job, supervision, parts, &parts->items[p], &cancel_signal);
	}
	supervision->deadline_ns = deadline_ns;
	if (cancel_signal && !error)
		pyi_conclusion_end_by(cancel_signal);
	return error;
}

/* A check of what it could not look at in time is one, too. */
static uint64_t time_to_add_up(uint64_t deadline_ns)
{
	uint64_t least_ns = pyi_clock_deadline(ADD_UP_MS, PYI_CLOCK_NEVER);

	return deadline_ns > least_ns ? deadline_ns : least_ns;
}

static void note_process(struct pyi_part *part, pid_t pid)
{
	struct pyi_process_stat stat;

	part->pid = pid;
	if (pyi_process_stat_peek(pid, &stat))
		part->start_ticks = stat.start_ticks;
}

/* The reader of the report does not take it. Nothing more is said to it, and on standard error only
 * what can be said without waiting. Takes over `error`. */
static enum pyi_exit say_unwritten(const struct job *job, struct pyi_error *error)
{
	struct pollfd words = { .fd = STDERR_FILENO, .events = POLLOUT };
	enum pyi_exit exit = job->command->keeps ? (enum pyi_exit)PYI_CHECK_UNKNOWN : error->exit;

	if (poll(&words, 1, 0) > 0 && words.revents & POLLOUT)
		pyi_output_error(stderr, stderr, PYI_FORMAT_TABLE, NULL, error);
	pyi_error_destroy(error);
	if (pyi_wait_is_cancelled())
		pyi_conclusion_end_by(pyi_wait_cancel_signal());
	return exit;
}

static enum pyi_exit supervise_all(struct job *job, struct pyi_supervision *supervision,
				   const pid_t *pids, size_t count)
{
	PYI_CLEANUP(pyi_parts_deinit)
	struct pyi_parts parts = { .items = calloc(count, sizeof(*parts.items)),
				   .count = count,
				   .text_limit = REPORT_LIMIT,
				   .room_bytes = REPORTS_LIMIT };
	struct pyi_supervised supervised = { 0 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *unwritten = NULL;
	struct pyi_error *error = NULL;

	if (!parts.items) {
		parts.count = 0;
		error = pyi_error_no_memory();
	}
	for (size_t p = 0; p < parts.count; p++)
		note_process(&parts.items[p], pids[p]);
	if (!error)
		error = look_at_all(job, supervision, &parts);
	job->parts = &parts;
	supervision->work = add_up;
	supervision->keep = NULL;
	supervision->argument = job;
	supervision->deadline_ns = time_to_add_up(supervision->deadline_ns);
	if (!error)
		error = pyi_handover_begin(&job->options);
	pyi_relay_init(&job->relay);
	if (!error)
		error = pyi_supervise(supervision, &supervised);
	unwritten = pyi_relay_finish(&job->relay, !error && !supervised.signal,
				     pyi_conclusion_write_deadline(job->options.deadline_ns));
	if (!error && supervised.signal)
		error = pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST,
					 "the part of pyinspect that adds up the reports was ended "
					 "by signal %d (%s)",
					 supervised.signal, strsignal(supervised.signal));
	if (!error)
		error = pyi_handover_put(&job->options, supervised.exit_code, PYI_CLOCK_NEVER);
	pyi_handover_end(&job->options);
	if (!error && unwritten && matters(job->command, supervised.exit_code))
		return say_unwritten(job, pyi_return_ptr(unwritten));
	return error ? pyi_conclude_failure(job->command, &job->options, false, error)
		     : (enum pyi_exit)supervised.exit_code;
}

/* What the target means; one process is in options.pid, more of them in `ret_pids`. */
static struct pyi_error *find_target(struct job *job, pid_t **ret_pids, size_t *ret_count)
{
	struct pyi_options *options = &job->options;
	PYI_CLEANUP(pyi_guard_free) pid_t *pids = NULL;
	/* What is retained in one heap says nothing about another one. */
	bool adds_up = job->command->add_up && options->by != PYI_BY_RETAINED;
	bool main_one = !adds_up && strncmp(options->target, "unit:", 5) == 0;
	struct pyi_error *error;
	size_t count = 0;

	*ret_count = 1;
	if (job->command->use.two_files)
		return pyi_dump_target_open_two(options);
	if (job->command->use.evidence && !options->address)
		return pyi_evidence_target_open(options);
	switch (pyi_dump_target_kind(options->target)) {
	case PYI_TARGET_DUMP:
		return job->command->dump
			       ? pyi_dump_target_open(options)
			       : pyi_dump_target_refuse(options->target, "dump", options->command);
	case PYI_TARGET_CORE:
		return job->command->core
			       ? pyi_core_target_open(options)
			       : pyi_dump_target_refuse(options->target, "core", options->command);
	case PYI_TARGET_COMPRESSED_CORE:
		return job->command->core
			       ? pyi_core_target_unpack(options)
			       : pyi_dump_target_refuse(options->target, "core", options->command);
	case PYI_TARGET_COMPRESSED:
		return pyi_core_target_refuse_compressed(options->target);
	case PYI_TARGET_NO_FILE:
		break;
	}
	if (main_one || (!options->children && !pyi_target_is_group(options->target)))
		return pyi_target_find(options->target, &options->pid);
	error = pyi_target_find_all(options->target, options->children, &pids, &count);
	if (error)
		return error;
	if (count > 1 && !adds_up)
		return pyi_target_more_than_one(options->target, options->command, pids, count);
	options->pid = pids[0];
	*ret_count = count;
	*ret_pids = pyi_return_ptr(pids);
	return NULL;
}

/* Lets a worker do it, which has no rights, beside a broker that has them. */
static enum pyi_exit supervise(struct job *job)
{
	struct pyi_supervision supervision = {
		.work = work,
		.keep = job->command->keeps ? keep : NULL,
		.argument = job,
		.max_pause_ms = job->options.max_pause_ms,
		.deadline_ns = PYI_CLOCK_NEVER,
	};
	PYI_CLEANUP(pyi_guard_free) pid_t *pids = NULL;
	struct pyi_python_children children = { .fd = -1 };
	struct pyi_core_server core_server = { .channel_fd = -1 };
	struct pyi_supervised supervised = { 0 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *unwritten = NULL;
	struct pyi_error *error;
	size_t count = 1;
	bool direct;
	bool told;

	if (job->options.timeout_s > 0)
		supervision.deadline_ns = pyi_clock_deadline(
			(uint64_t)(job->options.timeout_s * 1000), PYI_CLOCK_NEVER);
	job->options.deadline_ns = supervision.deadline_ns;
	error = find_target(job, &pids, &count);
	if (!error)
		error = pyi_core_target_serve(&job->options, &core_server);
	if (!error && count > 1)
		return supervise_all(job, &supervision, pids, count);
	if (job->options.dump || job->options.core)
		supervision.work = study;
	if (!error)
		error = pyi_handover_begin(&job->options);
	pyi_relay_init(&job->relay);
	/* Who named several processes has named their children, and a file has none: no hint. */
	if (!error && !job->options.children && supervision.work == work)
		pyi_python_children_offer(job->options.pid, &children);
	job->options.children_fd = children.fd;
	if (!error)
		error = pyi_supervise(&supervision, &supervised);
	pyi_python_children_end(&children);
	pyi_core_server_end(&core_server);
	told = !error && has_told(job->command, &supervised);
	direct = job->relay.output_fd < 0 && !job->options.output;
	/* What is said of a file is said when it is there. */
	if (told)
		error = pyi_handover_put(&job->options,
					 supervised.signal ? -1 : supervised.exit_code,
					 pyi_conclusion_write_deadline(supervision.deadline_ns));
	unwritten = pyi_relay_finish(&job->relay, told && !error,
				     pyi_conclusion_write_deadline(supervision.deadline_ns));
	pyi_handover_end(&job->options);
	if (!error && told && unwritten && !supervised.signal &&
	    matters(job->command, supervised.exit_code))
		return say_unwritten(job, pyi_return_ptr(unwritten));
	if (error)
		return pyi_conclude_failure(job->command, &job->options, false, error);
	if (told && !supervised.signal)
		return (enum pyi_exit)supervised.exit_code;
	if (supervised.cancel_signal && !supervised.not_restored)
		pyi_conclusion_end_by(supervised.cancel_signal);
	return pyi_conclude_failure(job->command, &job->options, direct && !supervised.signal,
				    explain_end(job, &supervised));
}

int main(int argc, char **argv)
{
	const struct pyi_command *command = NULL;
	struct job job = { .command = NULL };
	struct pyi_error *error;

	/* There is nothing to say it on. */
	if (!pyi_standard_files_fill())
		return PYI_EXIT_FAILED;
	pyi_wait_init();
	pyi_origin_describe();
	error = pyi_options_parse(argc, argv, &job.options);
	put_target_first(&job.options);
	/* Also an error of the options is one of this command. */
	if (job.options.command)
		job.command = find_command(job.options.command);
	if (!error)
		error = prepare(&job.options, &command);
	if (error)
		return (int)pyi_conclude_failure(job.command, &job.options, false, error);
	if (!command)
		return PYI_EXIT_OK;
	return (int)(command->inspects ? supervise(&job) : run(&job));
}
