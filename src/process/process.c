/*
 * Pins a process by its /proc directory and opens and reads its files there.
 *
 * Does not stop or change anything; does not parse the status file or the stat file
 * (process_status.c and process_stat.c do) and does not explain refusals (access.c does).
 */
#include "process/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/small_file.h"
#include "process/process_stat.h"

enum {
	STATUS_LIMIT_BYTES = 1 << 20,
	STAT_LIMIT_BYTES = 4096,
	/* The kernel gives no longer link than a page, whatever that is. */
	LINK_LIMIT_BYTES = 1 << 16,
	EXEC_LOOKS = 20,
	EXEC_PAUSE_MS = 5,
};

/* Parses the decimal number that `text` begins with. */
static bool parse_decimal(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

static struct pyi_error *gone(const struct pyi_process *process)
{
	return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS, "process %d has exited",
				(int)process->pid);
}

static struct pyi_error *file_error(const struct pyi_process *process, const char *path,
				    int error_number)
{
	switch (error_number) {
	case ESRCH:
		return gone(process);
	case ENOENT:
		/* A process that dies between two steps of the lookup is seen as this one. */
		if (!pyi_process_is_alive(process))
			return gone(process);
		if (!strncmp(path, "task/", 5))
			return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
						"the thread behind /proc/%d/%s has exited",
						(int)process->pid, path);
		break;
	case EACCES:
	case EPERM:
		return pyi_error_hint(pyi_error_create_errno(PYI_EXIT_ACCESS,
							     PYI_ERROR_NO_PERMISSION, error_number,
							     "cannot read /proc/%d/%s",
							     (int)process->pid, path),
				      "run it as the owner of the process, or as root");
	default:
		break;
	}
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_PROC_UNREADABLE, error_number,
				      "cannot read /proc/%d/%s", (int)process->pid, path);
}

/* False with errno. */
static bool read_stat(const struct pyi_process *process, char *ret_text, size_t capacity_bytes)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	ssize_t got;

	if (!process->door)
		return pyi_small_file_read(process->proc_fd, "stat", ret_text, capacity_bytes);
	error = process->door->open_file(process->door_argument, "stat", &fd);
	if (error) {
		errno = error->code == PYI_ERROR_NO_SUCH_PROCESS ? ESRCH : EIO;
		return false;
	}
	got = pread(fd, ret_text, capacity_bytes - 1, 0);
	ret_text[got > 0 ? got : 0] = '\0';
	return got >= 0;
}

bool pyi_process_is_alive(const struct pyi_process *process)
{
	char text[STAT_LIMIT_BYTES];
	struct pyi_process_stat stat;

	if (!read_stat(process, text, sizeof(text)))
		return errno != ESRCH && errno != ENOENT && errno != EBADF;
	if (!pyi_process_stat_parse(text, &stat))
		return text[0] != '\0';
	/*
	 * With other threads it is its main thread alone that has exited; also for a moment while
	 * one of them calls execve() and takes its place.
	 */
	return stat.thread_count > 1 ||
	       (stat.state != 'Z' && stat.state != 'X' && stat.state != 'x');
}

struct pyi_error *pyi_process_open_file(const struct pyi_process *process, const char *path,
					int flags, int *ret_fd)
{
	int fd;

	if (process->door)
		return process->door->open_file(process->door_argument, path, ret_fd);
	fd = openat(process->proc_fd, path, flags | O_CLOEXEC);
	if (fd < 0)
		return file_error(process, path, errno);
	*ret_fd = fd;
	return NULL;
}

struct pyi_error *pyi_process_read_file(const struct pyi_process *process, const char *path,
					size_t limit_bytes, char **ret_text, size_t *ret_size)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct pyi_error *error;
	size_t capacity = 0;
	size_t size = 0;

	error = pyi_process_open_file(process, path, O_RDONLY, &fd);
	if (error)
		return error;
	for (;;) {
		ssize_t got;

		/* One byte of room is for the NUL, and one tells "full" from "too large". */
		if (capacity - size < 2) {
			char *larger;

			if (__builtin_mul_overflow(capacity ? capacity : 2048, 2, &capacity))
				return pyi_error_no_memory();
			larger = realloc(text, capacity);
			if (!larger)
				return pyi_error_no_memory();
			text = larger;
		}
		got = read(fd, text + size, capacity - size - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_error(process, path, errno);
		if (got == 0)
			break;
		size += (size_t)got;
		if (size > limit_bytes)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
						"/proc/%d/%s has more than %zu bytes",
						(int)process->pid, path, limit_bytes);
	}
	text[size] = '\0';
	*ret_text = pyi_return_ptr(text);
	if (ret_size)
		*ret_size = size;
	return NULL;
}

struct pyi_error *pyi_process_read_status(const struct pyi_process *process, pid_t tid,
					  struct pyi_process_status *ret_status)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct pyi_error *error;
	char path[64];

	if (tid)
		snprintf(path, sizeof(path), "task/%d/status", (int)tid);
	else
		snprintf(path, sizeof(path), "status");
	error = pyi_process_read_file(process, path, STATUS_LIMIT_BYTES, &text, NULL);
	if (error)
		return error;
	error = pyi_process_parse_status(text, ret_status);
	return pyi_error_context(error, "/proc/%d/%s", (int)process->pid, path);
}

/* Refuses what /proc shows as a process but is none, or none any more. */
static struct pyi_error *check_status(const struct pyi_process *process,
				      const struct pyi_process_status *status)
{
	int pid = (int)process->pid;

	if (status->thread_group_id != process->pid) {
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
					 "%d is a thread of process %d, not a process", pid,
					 (int)status->thread_group_id),
			"use the process: %d", (int)status->thread_group_id);
	}
	if (status->state == 'X' || status->state == 'x')
		return gone(process);
	if (status->state != 'Z')
		return NULL;
	if (status->thread_count > 1)
		return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
					"the main thread of process %d has exited, "
					"only its other threads (%u) are left",
					pid, status->thread_count - 1);
	return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
				"process %d has exited and waits for its parent (%d)", pid,
				(int)status->parent_pid);
}

static struct pyi_error *no_directory(pid_t pid, int error_number)
{
	if (error_number != ENOENT && error_number != ESRCH)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_PROC_UNREADABLE,
					      error_number, "cannot open /proc/%d", (int)pid);
	if (!kill(pid, 0) || errno == EPERM)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION,
						       "process %d exists, but /proc hides it",
						       (int)pid),
				      "run as root (/proc has hidepid=), or mount a /proc of this "
				      "pid namespace");
	return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
				"there is no process %d", (int)pid);
}

struct pyi_error *pyi_process_open(pid_t pid, struct pyi_process *ret_process)
{
	PYI_CLEANUP(pyi_guard_fd) int proc_fd = -1;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct pyi_process process = { .pid = pid, .proc_fd = -1 };
	struct pyi_process_status status;
	struct pyi_process_stat stat;
	struct pyi_error *error;
	char path[32];

	if (pid <= 0)
		return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
					"%d is not the number of a process", (int)pid);
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return no_directory(pid, errno);
	process.proc_fd = proc_fd;
	error = pyi_process_read_status(&process, 0, &status);
	if (!error)
		error = check_status(&process, &status);
	if (!error)
		error = pyi_process_read_file(&process, "stat", STAT_LIMIT_BYTES, &text, NULL);
	if (error)
		return error;
	if (!pyi_process_stat_parse(text, &stat))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_STATUS,
					"%s/stat is malformed", path);
	process.start_ticks = stat.start_ticks;
	proc_fd = -1;
	*ret_process = process;
	return NULL;
}

void pyi_process_close(struct pyi_process *process)
{
	if (process->proc_fd >= 0)
		close(process->proc_fd);
	*process = (struct pyi_process){ .proc_fd = -1 };
}

static int compare_tids(const void *a, const void *b)
{
	pid_t first = *(const pid_t *)a;
	pid_t second = *(const pid_t *)b;

	return (first > second) - (first < second);
}

static void guard_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

struct pyi_error *pyi_process_peek_status(pid_t pid, struct pyi_process_status *ret_status)
{
	struct pyi_process process = { .proc_fd = -1 };
	struct pyi_error *error = pyi_process_open(pid, &process);

	if (!error)
		error = pyi_process_read_status(&process, 0, ret_status);
	pyi_process_close(&process);
	return error;
}

struct pyi_error *pyi_process_list_threads(const struct pyi_process *process, pid_t **ret_tids,
					   size_t *ret_count)
{
	PYI_CLEANUP(guard_directory) DIR *directory = NULL;
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	struct pyi_error *error;
	size_t capacity = 0;
	size_t count = 0;
	int fd = -1;

	error = pyi_process_open_file(process, "task", O_RDONLY | O_DIRECTORY, &fd);
	if (error)
		return error;
	directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return pyi_error_no_memory();
	}
	for (;;) {
		struct dirent *entry;
		uint64_t tid = 0;

		errno = 0;
		entry = readdir(directory);
		if (!entry)
			break;
		/* Only "." and ".." are no numbers. */
		if (!parse_decimal(entry->d_name, &tid) || tid > INT_MAX)
			continue;
		if (!pyi_array_reserve(&tids, count, &capacity, sizeof(*tids)))
			return pyi_error_no_memory();
		tids[count++] = (pid_t)tid;
	}
	if (errno && errno != ENOENT)
		return file_error(process, "task", errno);
	if (!count)
		return gone(process);
	qsort(tids, count, sizeof(*tids), compare_tids);
	*ret_tids = pyi_return_ptr(tids);
	*ret_count = count;
	return NULL;
}

/* A main thread that has ended has no program while another thread that calls execve() takes its
   place. With errno. */
static ssize_t read_exe_link(const struct pyi_process *process, char *path)
{
	const struct timespec pause = { .tv_nsec = EXEC_PAUSE_MS * 1000000L };

	for (int look = 0;; look++) {
		ssize_t length = readlinkat(process->proc_fd, "exe", path, LINK_LIMIT_BYTES - 1);
		int number = errno;

		if (length >= 0 || number != ENOENT || look == EXEC_LOOKS ||
		    pyi_process_stat_is_kernel_thread(process) || !pyi_process_is_alive(process)) {
			errno = number;
			return length;
		}
		nanosleep(&pause, NULL);
	}
}

struct pyi_error *pyi_process_read_exe(const struct pyi_process *process, char **ret_path)
{
	PYI_CLEANUP(pyi_guard_free) char *path = NULL;
	ssize_t length;
	char *fitted;
	int number;

	if (process->door)
		return process->door->read_program(process->door_argument, ret_path);
	path = malloc(LINK_LIMIT_BYTES);
	if (!path)
		return pyi_error_no_memory();
	length = read_exe_link(process, path);
	number = errno;
	if (length < 0 && number == ENOENT && pyi_process_stat_is_kernel_thread(process))
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_NO_PROGRAM,
					"process %d has no program: it is a kernel thread",
					(int)process->pid);
	if (length < 0)
		return file_error(process, "exe", number);
	path[length] = '\0';
	fitted = realloc(path, (size_t)length + 1);
	if (fitted)
		path = fitted;
	*ret_path = pyi_return_ptr(path);
	return NULL;
}
