/*
 * Reads /proc/PID/task/TID. Changes nothing, and keeps nothing.
 */
#include "tracee/thread_look.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	PROC_TEXT_LIMIT = 8192,
	KERNEL_IO_WORKER = 0x10,
	KERNEL_USER_WORKER = 0x4000,
	/* Field of /proc/TID/stat, proc(5). */
	FIELD_PROCESSOR = 39,
	/* Time stamps are taken at ticks: rather sleep that much too long than too short. */
	SLEPT_MARGIN_MS = 2,
};

/* Text of a small file of one thread; false if it or the thread is not there. */
static bool read_thread_file(const struct pyi_process *process, pid_t tid, const char *name,
			     char *ret_text, size_t capacity)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	char path[64];
	ssize_t got;

	snprintf(path, sizeof(path), "task/%d/%s", tid, name);
	error = pyi_process_open_file(process, path, O_RDONLY | O_CLOEXEC, &fd);
	if (error)
		return false;
	got = read(fd, ret_text, capacity - 1);
	if (got < 0)
		return false;
	ret_text[got] = '\0';
	return true;
}

void pyi_thread_read_activity(int fd, char *ret_text, size_t capacity)
{
	ssize_t got = fd >= 0 ? pread(fd, ret_text, capacity - 1, 0) : 0;

	ret_text[got > 0 ? got : 0] = '\0';
}

/* State and flags of a thread from its stat file; false when it is gone. */
static bool read_stat(const struct pyi_process *process, pid_t tid, char *ret_state,
		      unsigned *ret_flags)
{
	char text[512];
	const char *end;

	if (!read_thread_file(process, tid, "stat", text, sizeof(text)))
		return false;
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %c %*d %*d %*d %*d %*d %u", ret_state, ret_flags) == 2;
}

char pyi_thread_state(const struct pyi_process *process, pid_t tid)
{
	unsigned flags;
	char state;

	if (!read_stat(process, tid, &state, &flags))
		return 'X';
	return state;
}

/*
 * The kernel's own helpers (io_uring, vhost) are listed as threads: PF_IO_WORKER and PF_USER_WORKER
 * of include/linux/sched.h, field 9 of /proc/TID/stat.
 */
bool pyi_thread_can_run(const struct pyi_process *process, pid_t tid)
{
	unsigned flags;
	char state;

	return read_stat(process, tid, &state, &flags) && state != 'X' && state != 'Z' &&
	       !(flags & (KERNEL_IO_WORKER | KERNEL_USER_WORKER));
}

pid_t pyi_thread_namespace_tid(const struct pyi_process *process, pid_t tid)
{
	struct pyi_process_status status;
	struct pyi_error *error = pyi_process_read_status(process, tid, &status);

	if (error) {
		pyi_error_destroy(error);
		return 0;
	}
	return status.namespace_pid ? status.namespace_pid : tid;
}

/* "NUMBER 0xARG x6 0xSP 0xPC", "-1 0xSP 0xPC", or "running". */
void pyi_thread_look(const struct pyi_process *process, pid_t tid, struct pyi_thread_call *ret_call)
{
	char text[256];
	int64_t number;

	ret_call->blocked = false;
	ret_call->interruption = PYI_INTERRUPTION_UNSEEN;
	if (!read_thread_file(process, tid, "syscall", text, sizeof(text)) ||
	    strncmp(text, "running", 7) == 0)
		return;
	ret_call->blocked = true;
	ret_call->interruption = PYI_INTERRUPTION_FORBIDDEN;
	ret_call->number = UINT64_MAX;
	if (strncmp(text, "-1 ", 3) == 0) {
		/* In its own code: stopped by a signal, waiting for a page, or about to go on. */
		char state = pyi_thread_state(process, tid);

		ret_call->blocked = state == 'T' || state == 'D';
		if (state != 'D')
			ret_call->interruption = PYI_INTERRUPTION_UNSEEN;
		return;
	}
	if (sscanf(text,
		   "%" SCNd64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
		   " %" SCNx64,
		   &number, &ret_call->arguments[0], &ret_call->arguments[1],
		   &ret_call->arguments[2], &ret_call->arguments[3], &ret_call->arguments[4],
		   &ret_call->arguments[5]) != 7 ||
	    number < 0)
		return;
	ret_call->number = (uint64_t)number;
	/* In an uninterruptible wait it neither runs nor stops. */
	if (pyi_thread_state(process, tid) == 'D')
		return;
	ret_call->interruption = pyi_arch_interruption(ret_call->number, ret_call->arguments);
}

/* The scheduler's time stamp of a thread, ms; from the text of /proc/TID/sched. */
static bool parse_exec_start(const char *text, double *ret_ms)
{
	static const char key[] = "se.exec_start";
	const char *line = strstr(text, key);

	return line && sscanf(line + sizeof(key) - 1, " : %lf", ret_ms) == 1;
}

/* The processor a thread ran on last: field 39 of /proc/TID/stat. */
static bool last_processor(const struct pyi_process *process, pid_t tid, unsigned *ret_processor)
{
	char text[1024];
	const char *field;

	if (!read_thread_file(process, tid, "stat", text, sizeof(text)))
		return false;
	field = strrchr(text, ')');
	for (int number = 2; field && number < FIELD_PROCESSOR; number++)
		field = strchr(field + 1, ' ');
	return field && sscanf(field, " %u", ret_processor) == 1 && *ret_processor < CPU_SETSIZE;
}

/* The scheduler's time now, ms, on one processor: each has a clock of its own. */
static bool scheduler_now(unsigned processor, double *ret_ms)
{
	char text[PROC_TEXT_LIMIT] = "";
	cpu_set_t before;
	cpu_set_t there;
	ssize_t got = 0;
	int fd;

	CPU_ZERO(&there);
	CPU_SET(processor, &there);
	if (sched_getaffinity(0, sizeof(before), &before) != 0 ||
	    sched_setaffinity(0, sizeof(there), &there) != 0)
		return false;
	fd = open("/proc/self/sched", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	sched_setaffinity(0, sizeof(before), &before);
	text[got > 0 ? got : 0] = '\0';
	return parse_exec_start(text, ret_ms);
}

/*
 * How long the thread has been off the processor, UINT64_MAX if the kernel does not say. Rather too
 * little than too much: time that a hypervisor took is not in it.
 */
uint64_t pyi_thread_slept_ms(const struct pyi_process *process, pid_t tid)
{
	char text[PROC_TEXT_LIMIT];
	unsigned processor;
	double since;
	double now;

	if (!read_thread_file(process, tid, "sched", text, sizeof(text)) ||
	    !parse_exec_start(text, &since) || !last_processor(process, tid, &processor) ||
	    !scheduler_now(processor, &now) || now < since)
		return UINT64_MAX;
	return now - since > SLEPT_MARGIN_MS ? (uint64_t)(now - since) - SLEPT_MARGIN_MS : 0;
}
