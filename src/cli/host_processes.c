/*
 * Watches the process that reads, and takes to pieces what that has copied.
 */
#include "cli/host_processes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "broker/reader.h"
#include "process/age.h"
#include "process/command_words.h"
#include "process/proc_copy.h"
#include "process/process.h"
#include "process/process_stat.h"
#include "tracee/bury.h"
#include "tracee/wait.h"

enum {
	/* For one process; most take less than one. */
	STUCK_MS = 1000,
	BURIAL_MS = 60,
	COMMAND_BYTES = 16384,
};

static __attribute__((noreturn)) void copy_from(pid_t parent, int fd, pid_t after,
						struct pyi_proc_copy_progress *progress)
{
	const int kept[] = { fd };
	struct pyi_error *error;

	prctl(PR_SET_NAME, "pyinspect-read");
	pyi_confine_end_with(parent);
	if (!pyi_confine_close_files(kept, 1))
		_exit(PYI_EXIT_FAILED);
	error = pyi_reader_confine();
	if (!error)
		error = pyi_proc_copy_write(fd, after, progress);
	_exit(error ? (int)error->exit : PYI_EXIT_OK);
}

static struct pyi_error *lost(void)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST,
				"the part of pyinspect that reads /proc has failed");
}

/* Waits for its end, or until it makes no progress; `ret_stuck` if it was killed for that. */
static struct pyi_error *watch(pid_t child, const struct pyi_proc_copy_progress *progress,
			       uint64_t deadline_ns, bool *ret_stuck)
{
	int32_t last = -1;
	pid_t found;
	int status;

	*ret_stuck = false;
	for (;;) {
		uint64_t look_ns = pyi_clock_deadline(STUCK_MS, deadline_ns);
		int32_t now;

		switch (pyi_wait_tracee(child, look_ns, true, &found, &status)) {
		case PYI_WAIT_REPORTED:
			return WIFEXITED(status) && WEXITSTATUS(status) == PYI_EXIT_OK ? NULL
										       : lost();
		case PYI_WAIT_NO_TRACEE:
			return lost();
		case PYI_WAIT_CANCELLED:
			return pyi_wait_interrupted();
		case PYI_WAIT_DEADLINE:
			break;
		}
		now = __atomic_load_n(&progress->pid, __ATOMIC_SEQ_CST);
		if (pyi_clock_passed(deadline_ns))
			return pyi_error_timeout("not all processes were looked at in the time "
						 "allowed");
		*ret_stuck = now == last;
		if (*ret_stuck)
			return NULL;
		last = now;
	}
}

/* From behind `after` on; as far as it came, if it was stuck. */
static struct pyi_error *copy_some(int fd, pid_t after, uint64_t deadline_ns,
				   struct pyi_proc_copy_progress *progress, bool *ret_stuck)
{
	pid_t parent = getpid();
	struct pyi_error *error;
	pid_t child = fork();

	if (child < 0)
		return lost();
	if (child == 0)
		copy_from(parent, fd, after, progress);
	error = watch(child, progress, deadline_ns, ret_stuck);
	if (error || *ret_stuck)
		pyi_bury(child, BURIAL_MS);
	return error;
}

struct pyi_error *pyi_host_processes_copy(uint64_t deadline_ns, int *ret_fd, uint64_t *ret_stuck,
					  uint64_t *ret_left_out)
{
	struct pyi_proc_copy_progress *progress = mmap(
		NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	PYI_CLEANUP(pyi_guard_fd) int fd = memfd_create("processes", MFD_CLOEXEC);
	struct pyi_error *error = NULL;
	uint64_t stuck_count = 0;
	bool stuck = true;
	pid_t after = 0;

	if (progress == MAP_FAILED)
		return pyi_error_no_memory();
	if (fd < 0)
		error = pyi_error_no_memory();
	while (!error && stuck) {
		error = copy_some(fd, after, deadline_ns, progress, &stuck);
		after = __atomic_load_n(&progress->pid, __ATOMIC_SEQ_CST);
		stuck_count += stuck;
		/* It has not come as far as to a process. */
		if (!error && stuck && !after)
			error = lost();
		if (!error && stuck && !pyi_proc_copy_cut(fd, progress))
			error = lost();
	}
	if (!error) {
		*ret_stuck = stuck_count;
		*ret_left_out = progress->left_out;
		*ret_fd = fd;
		fd = -1;
	}
	munmap(progress, sizeof(*progress));
	return error;
}

/* Whether a line of /etc/passwd, "name:password:uid:...", is about that user. */
static bool is_about(const char *line, size_t length, uint64_t uid)
{
	const char *password = memchr(line, ':', length);
	const char *number =
		password ? memchr(password + 1, ':', length - (size_t)(password + 1 - line)) : NULL;
	char *end;

	return number && number[1] >= '0' && number[1] <= '9' &&
	       strtoull(number + 1, &end, 10) == uid && *end == ':';
}

/* The name of a user by the text of /etc/passwd; "" if it is not there. */
static void find_user(const char *users, uint64_t uid, char ret_name[PYI_LIST_USER_BYTES])
{
	ret_name[0] = '\0';
	for (const char *line = users; *line;) {
		size_t length = strcspn(line, "\n");
		size_t name_length = strcspn(line, ":\n");

		if (is_about(line, length, uid)) {
			if (name_length < PYI_LIST_USER_BYTES)
				snprintf(ret_name, PYI_LIST_USER_BYTES, "%.*s", (int)name_length,
					 line);
			return;
		}
		line += length + (line[length] == '\n');
	}
}

/* What the paths of the program and of the mapped files say together. */
static void judge_signs(const struct pyi_proc_copy *copy, struct pyi_list_process *process)
{
	char version[PYI_PYTHON_VERSION_BYTES];
	const char *line = copy->texts[PYI_PROC_MAPPED];

	process->sign = pyi_python_sign_of(copy->texts[PYI_PROC_PROGRAM], version);
	pyi_python_sign_add_version(process->python, version);
	while (*line) {
		size_t length = strcspn(line, "\n");
		PYI_CLEANUP(pyi_guard_free) char *text = strndup(line, length);
		const char *path = text ? strchr(text, '/') : NULL;
		enum pyi_python_sign sign =
			path ? pyi_python_sign_of(path, version) : PYI_PYTHON_NO_SIGN;

		if (sign > process->sign)
			process->sign = sign;
		if (sign != PYI_PYTHON_NO_SIGN)
			pyi_python_sign_add_version(process->python, version);
		line += length + (line[length] == '\n');
	}
}

/* Whether it belongs into the list; that it is not in it may also be for lack of sense. */
static bool read_process(const struct pyi_proc_copy *copy, const char *users,
			 struct pyi_list_process *process)
{
	struct pyi_process_status status;
	struct pyi_process_stat stat;
	struct pyi_error *error;

	judge_signs(copy, process);
	if (process->sign == PYI_PYTHON_NO_SIGN ||
	    !pyi_process_stat_parse(copy->texts[PYI_PROC_STAT], &stat))
		return false;
	error = pyi_process_parse_status(copy->texts[PYI_PROC_STATUS], &status);
	if (error) {
		pyi_error_destroy(error);
		return false;
	}
	process->pid = copy->pid;
	process->start_ticks = stat.start_ticks;
	process->uid = status.effective_uid;
	process->rss_bytes = status.rss_bytes;
	process->age_s =
		pyi_process_age_s(&(struct pyi_process){ .start_ticks = stat.start_ticks });
	find_user(users, process->uid, process->user);
	pyi_cgroup_place_of(copy->texts[PYI_PROC_CGROUP], &process->place);
	return true;
}

static struct pyi_error *add_process(const struct pyi_proc_copy *copy, const char *users,
				     struct pyi_list_report *report, size_t *capacity)
{
	PYI_CLEANUP(pyi_guard_free) char *command = malloc(COMMAND_BYTES);
	struct pyi_list_process process = { 0 };

	if (!command)
		return pyi_error_no_memory();
	if (!read_process(copy, users, &process))
		return NULL;
	/* The last word of a title has no NUL of its own, but the copy has one behind it. */
	pyi_command_words_shown(copy->texts[PYI_PROC_CMDLINE], copy->sizes[PYI_PROC_CMDLINE] + 1,
				command, COMMAND_BYTES);
	process.command = strdup(command);
	if (!process.command ||
	    !pyi_array_reserve(&report->processes, report->count, capacity, sizeof(process))) {
		free(process.command);
		return pyi_error_no_memory();
	}
	report->processes[report->count++] = process;
	return NULL;
}

struct pyi_error *pyi_host_processes_list(int fd, struct pyi_list_report *report)
{
	struct pyi_error *error = NULL;
	struct pyi_proc_copy copy;
	const char *users = "";
	struct stat about;
	size_t capacity = 0;
	size_t size;
	size_t at = 0;
	char *data;

	if (fstat(fd, &about) != 0 || about.st_size <= 0)
		return lost();
	size = (size_t)about.st_size;
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return pyi_error_no_memory();
	while (!error && pyi_proc_copy_next(data, size, &at, &copy)) {
		if (!copy.pid)
			users = copy.texts[PYI_PROC_STATUS];
		else if (copy.refused)
			report->refused++;
		else
			error = add_process(&copy, users, report, &capacity);
	}
	munmap(data, size);
	/* One that was cut off, or no copy: those behind it cannot be read. */
	return error || at == size ? error : lost();
}
