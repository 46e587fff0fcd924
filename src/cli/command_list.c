/*
 * pyinspect list: the Python processes of this machine. Attaches to none of them.
 *
 * Three processes, one after the other: one that may look into /proc copies what that says (its
 * rights end there), one without rights makes the report of it, and this one, which looks at none
 * of it, puts in place what is kept for the next list.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/file_replace.h"
#include "base/own_folder.h"
#include "broker/supervisor.h"
#include "broker/worker.h"
#include "cli/check_setup.h"
#include "cli/command.h"
#include "cli/conclusion.h"
#include "cli/host_processes.h"
#include "cli/inspection.h"
#include "cli/list_state.h"
#include "cli/relay.h"
#include "cli/worker_memory.h"
#include "history/history.h"
#include "tracee/wait.h"

#define STATE_NAME "list"

enum {
	STATE_MODE = 0600,
	WHY_BYTES = 512,
	/* Memory for what is made of the copy, for each byte of it. */
	LISTED_FACTOR = 16,
};

static const char help[] =
	"usage: pyinspect list [options]\n"
	"\n"
	"Lists the Python processes of this machine, the largest first: who runs them, in\n"
	"which unit of systemd or which container, what they have resident, and what that\n"
	"has grown by since the last list. Nothing is attached to, nothing stands still.\n"
	"\n"
	"  -n, --limit N        show the N largest (default 0: all)\n"
	"      --state FOLDER   where it is kept what each had, for the next list\n"
	"                       (default $STATE_DIRECTORY, or /var/lib/pyinspect)\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"That a process runs Python, and which, is told by names of its files:\n"
	"python3.11, libpython3.11.so, python3.11/lib-dynload. A program that has Python\n"
	"built in and no such file is not found, and any program can be called python. Of\n"
	"command lines the program and its script or module are shown, no arguments.\n"
	"\n"
	"Exit code 5: some processes could not be looked at for another reason than that\n"
	"they are those of other users.\n"
	"\n"
	"Examples:\n"
	"  pyinspect list                       which one has grown?\n"
	"  pyinspect list --json | jq '.result.processes[] | select(.growth_bytes > 1e8)'\n";

static const struct pyi_folder_use use = {
	.code = PYI_ERROR_NO_HISTORY,
	.refusal = "nothing is kept there",
	.hint = "keep it in a folder of your own, which nobody else can write to: --state FOLDER",
	.missing_hint = "the folder above it must be there; another one: --state FOLDER",
};

/* All that the processes of a list have in common. */
struct listing {
	const struct pyi_options *options;
	struct pyi_relay relay;
	uint64_t begun_ns;
	/* What /proc says; see cli/host_processes.h. */
	int copy_fd;
	uint64_t stuck;
	uint64_t left_out;
	/* It was run by root, which the one that says so is not. */
	bool root;
	/* Where it is kept; -1: nowhere, for this reason. */
	int folder_fd;
	char why[WHY_BYTES];
	char *folder;
	/* What the last list kept; NULL: nothing. */
	char *old_state;
	/* Memory for what this one keeps. */
	int state_fd;
	char boot_id[PYI_HISTORY_BOOT_ID_BYTES];
};

static void deinit(struct listing *listing)
{
	const int fds[] = { listing->copy_fd, listing->folder_fd, listing->state_fd };

	for (size_t f = 0; f < sizeof(fds) / sizeof(fds[0]); f++)
		if (fds[f] >= 0)
			close(fds[f]);
	free(listing->folder);
	free(listing->old_state);
}

/* That there is no such place is no reason not to list. Takes over `error`. */
static void go_without_state(struct listing *listing, struct pyi_error *error)
{
	if (!error)
		return;
	snprintf(listing->why, sizeof(listing->why), "%s", error->message);
	pyi_error_destroy(error);
	if (listing->folder_fd >= 0)
		close(listing->folder_fd);
	listing->folder_fd = -1;
}

static struct pyi_error *open_state(struct listing *listing)
{
	PYI_CLEANUP(pyi_guard_free) char *folder = pyi_check_state_folder(listing->options);
	struct pyi_error *error;
	size_t size;

	if (!folder)
		return pyi_error_no_memory();
	error = pyi_own_folder_open(folder, true, &use, &listing->folder_fd, &listing->folder);
	if (!error && listing->folder_fd < 0)
		error = pyi_error_create(PYI_EXIT_FAILED, use.code, "there is no folder %s",
					 folder);
	if (!error)
		error = pyi_history_read_boot_id(listing->boot_id);
	if (!error)
		error = pyi_file_read_at(listing->folder_fd, STATE_NAME, listing->folder,
					 PYI_LIST_STATE_LIMIT, &listing->old_state, &size);
	if (!error && faccessat(listing->folder_fd, ".", W_OK, AT_EACCESS) != 0)
		error = pyi_error_create_errno(PYI_EXIT_FAILED, use.code, errno,
					       "nothing can be kept in %s", listing->folder);
	return error;
}

static struct pyi_error *keep_state(const struct listing *listing,
				    const struct pyi_list_report *report)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	size_t length;

	if (listing->state_fd < 0)
		return NULL;
	text = pyi_list_state_write(report, listing->boot_id, (int64_t)time(NULL));
	length = text ? strlen(text) : 0;
	if (text && write(listing->state_fd, text, length) == (ssize_t)length)
		return NULL;
	return pyi_error_no_memory();
}

static struct pyi_error *report_list(const struct listing *listing, struct pyi_envelope *envelope,
				     enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = listing->options;
	PYI_CLEANUP(pyi_report_list_deinit)
	struct pyi_list_report report = {
		.limit = options->limit,
		.stuck = listing->stuck,
		.left_out = listing->left_out,
		.root = listing->root,
		.no_growth = listing->why[0] ? listing->why : NULL,
	};
	struct pyi_error *error = pyi_host_processes_list(listing->copy_fd, &report);

	if (error)
		return error;
	if (listing->old_state)
		pyi_list_state_compare(listing->old_state, listing->boot_id, &report);
	else if (!report.no_growth)
		report.no_growth = "this is the first list; the next one says what has grown since";
	error = keep_state(listing, &report);
	if (error)
		return error;
	pyi_report_list_sort(&report);
	envelope->source = "none";
	envelope->consistent = true;
	envelope->elapsed_ms = pyi_clock_ms_since(listing->begun_ns);
	*ret_exit = report.stuck || report.left_out ? PYI_EXIT_INCOMPLETE : PYI_EXIT_OK;
	return pyi_report_list(options->out, options->format, pyi_inspection_columns(options),
			       envelope, &report);
}

/* In a process without rights, and without the broker that it could have had. */
static __attribute__((noreturn)) void make_report(void *argument, int broker_fd, int keeper_fd)
{
	struct listing *listing = argument;
	struct pyi_envelope envelope = { .command = pyi_command_list.name };
	const int kept[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, listing->copy_fd,
			     listing->state_fd };
	enum pyi_exit exit_code = PYI_EXIT_OK;
	struct pyi_error *error = NULL;
	struct stat about = { 0 };

	(void)broker_fd;
	(void)keeper_fd;
	pyi_relay_enter_limited(&listing->relay, 0);
	if (!pyi_confine_close_files(kept, sizeof(kept) / sizeof(kept[0])) ||
	    fstat(listing->copy_fd, &about) != 0)
		error = pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, errno,
					       "a part of pyinspect cannot close files that are "
					       "not its own");
	if (!error)
		error = pyi_worker_confine(pyi_worker_memory() +
					   LISTED_FACTOR * (uint64_t)about.st_size);
	if (!error)
		error = report_list(listing, &envelope, &exit_code);
	exit((int)pyi_conclude(&pyi_command_list, listing->options, &envelope, exit_code, error));
}

/* What the worker has written is put in place as it is. */
static struct pyi_error *put_state(const struct listing *listing)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct stat about;

	if (listing->state_fd < 0 || fstat(listing->state_fd, &about) != 0 || !about.st_size ||
	    about.st_size > PYI_LIST_STATE_LIMIT)
		return NULL;
	text = malloc((size_t)about.st_size);
	if (!text || pread(listing->state_fd, text, (size_t)about.st_size, 0) != about.st_size)
		return pyi_error_no_memory();
	return pyi_file_replace_at(listing->folder_fd, STATE_NAME, listing->folder, STATE_MODE,
				   text, (size_t)about.st_size);
}

/* Lets the report be made; its exit code is that of the run. */
static struct pyi_error *supervise(struct listing *listing, uint64_t deadline_ns,
				   enum pyi_exit *ret_exit)
{
	const struct pyi_supervision supervision = {
		.work = make_report,
		.argument = listing,
		.deadline_ns = deadline_ns,
	};
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *unwritten = NULL;
	struct pyi_supervised supervised = { 0 };
	struct pyi_error *error;

	pyi_relay_init(&listing->relay);
	error = pyi_supervise(&supervision, &supervised);
	unwritten = pyi_relay_finish(&listing->relay, !error && !supervised.signal,
				     pyi_conclusion_write_deadline(deadline_ns));
	if (error)
		return error;
	if (supervised.cancel_signal)
		return pyi_wait_interrupted();
	if (supervised.overdue)
		return pyi_error_timeout("it was not done in the time allowed");
	if (supervised.signal)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST,
					"the part of pyinspect that makes the list was ended by "
					"signal %d (%s)",
					supervised.signal, strsignal(supervised.signal));
	*ret_exit = (enum pyi_exit)supervised.exit_code;
	if (unwritten && (*ret_exit == PYI_EXIT_OK || *ret_exit == PYI_EXIT_INCOMPLETE))
		return pyi_return_ptr(unwritten);
	return put_state(listing);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(deinit)
	struct listing listing = {
		.options = options,
		.begun_ns = pyi_clock_now_ns(),
		.root = geteuid() == 0,
		.copy_fd = -1,
		.folder_fd = -1,
		.state_fd = -1,
	};
	uint64_t deadline_ns = PYI_CLOCK_NEVER;
	struct pyi_error *error;

	(void)envelope;
	if (options->target)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						       "list is about all processes, not about %s",
						       options->target),
				      "pyinspect list");
	if (options->timeout_s > 0)
		deadline_ns =
			pyi_clock_deadline((uint64_t)(options->timeout_s * 1000), PYI_CLOCK_NEVER);
	go_without_state(&listing, open_state(&listing));
	error = pyi_host_processes_copy(deadline_ns, &listing.copy_fd, &listing.stuck,
					&listing.left_out);
	if (error)
		return error;
	if (listing.folder_fd >= 0)
		listing.state_fd = memfd_create("state", MFD_CLOEXEC);
	return supervise(&listing, deadline_ns, ret_exit);
}

const struct pyi_command pyi_command_list = {
	.name = "list",
	.summary = "the Python processes of this machine",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_STATE,
		.optional_target = true,
	},
	.help = help,
	.run = run,
};
