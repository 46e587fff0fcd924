/*
 * Chooses the threads to hold, holds them, watches the others. Does not run system calls itself.
 */
#include "tracee/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/access.h"

enum {
	/* Threads can be made faster than we stop them, but not for ever. */
	SCAN_ROUNDS = 8,
	STOP_TIMEOUT_MS = 500,
	PROC_TEXT_LIMIT = 8192,
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

static void read_activity(int fd, char *ret_text, size_t capacity)
{
	ssize_t got = fd >= 0 ? pread(fd, ret_text, capacity - 1, 0) : 0;

	ret_text[got > 0 ? got : 0] = '\0';
}

/* "NUMBER 0xARG x6 0xSP 0xPC", "-1 0xSP 0xPC", or "running". */
static void look_at_call(const struct pyi_process *process, struct pyi_stop_thread *thread)
{
	char text[256];
	int64_t number;

	thread->blocked = false;
	thread->interruption = PYI_INTERRUPTION_UNSEEN;
	if (!read_thread_file(process, thread->tid, "syscall", text, sizeof(text)) ||
	    strncmp(text, "running", 7) == 0)
		return;
	thread->blocked = true;
	thread->interruption = PYI_INTERRUPTION_FORBIDDEN;
	if (sscanf(text,
		   "%" SCNd64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
		   " %" SCNx64,
		   &number, &thread->arguments[0], &thread->arguments[1], &thread->arguments[2],
		   &thread->arguments[3], &thread->arguments[4], &thread->arguments[5]) != 7 ||
	    number < 0)
		return;
	thread->number = (uint64_t)number;
	thread->interruption = pyi_arch_interruption(thread->number, thread->arguments);
}

/* State letter of a thread, 'X' when it is gone. */
static char thread_state(const struct pyi_process *process, pid_t tid)
{
	char text[512];
	const char *end;

	if (!read_thread_file(process, tid, "stat", text, sizeof(text)))
		return 'X';
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end[2] : 'X';
}

/* io_uring's workers are listed as threads but never run the program's code. */
static bool is_kernel_worker(const struct pyi_process *process, pid_t tid)
{
	char name[32];

	return read_thread_file(process, tid, "comm", name, sizeof(name)) &&
	       strncmp(name, "iou-", 4) == 0;
}

static struct pyi_stop_thread *find_thread(struct pyi_stop *stop, pid_t tid)
{
	for (size_t t = 0; t < stop->thread_count; t++)
		if (stop->threads[t].tid == tid)
			return &stop->threads[t];
	return NULL;
}

/* Adds the threads that are not known yet; `ret_new` says whether there were any. */
static struct pyi_error *scan(const struct pyi_process *process, struct pyi_stop *stop,
			      bool *ret_new)
{
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	struct pyi_stop_thread *threads;
	struct pyi_error *error;
	size_t count;

	error = pyi_process_list_threads(process, &tids, &count);
	if (error)
		return error;
	threads = realloc(stop->threads, (stop->thread_count + count) * sizeof(*threads) + 1);
	if (!threads)
		return pyi_error_no_memory();
	stop->threads = threads;
	*ret_new = false;
	for (size_t i = 0; i < count; i++) {
		struct pyi_stop_thread *thread = &threads[stop->thread_count];
		PYI_CLEANUP(pyi_guard_error) struct pyi_error *unreadable = NULL;
		char path[64];
		char state;

		if (find_thread(stop, tids[i]))
			continue;
		state = thread_state(process, tids[i]);
		if (state == 'X' || state == 'Z' || is_kernel_worker(process, tids[i]))
			continue;
		*thread = (struct pyi_stop_thread){ .tid = tids[i], .activity_fd = -1 };
		snprintf(path, sizeof(path), "task/%d/schedstat", tids[i]);
		unreadable = pyi_process_open_file(process, path, O_RDONLY | O_CLOEXEC,
						   &thread->activity_fd);
		/* The counters before the call: a thread that runs in between is then seen to have. */
		read_activity(thread->activity_fd, thread->activity, sizeof(thread->activity));
		look_at_call(process, thread);
		/* In an uninterruptible wait it neither runs nor stops. */
		if (state == 'D') {
			thread->blocked = true;
			thread->interruption = PYI_INTERRUPTION_FORBIDDEN;
		}
		stop->thread_count++;
		*ret_new = true;
	}
	return NULL;
}

/* How long the thread has been off the processor, UINT64_MAX if the kernel does not say. */
static uint64_t slept_ms(const struct pyi_process *process, pid_t tid)
{
	static const char key[] = "se.exec_start";
	char text[PROC_TEXT_LIMIT];
	const char *line;
	double since;
	double now;
	int fd;
	ssize_t got;

	if (!read_thread_file(process, tid, "sched", text, sizeof(text)))
		return UINT64_MAX;
	line = strstr(text, key);
	if (!line || sscanf(line + sizeof(key) - 1, " : %lf", &since) != 1)
		return UINT64_MAX;
	fd = open("/proc/self/sched", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return UINT64_MAX;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	line = strstr(text, key);
	if (!line || sscanf(line + sizeof(key) - 1, " : %lf", &now) != 1 || now < since)
		return UINT64_MAX;
	return (uint64_t)(now - since);
}

static struct pyi_error *seize(const struct pyi_process *process, struct pyi_stop *stop,
			       struct pyi_stop_thread *thread, unsigned options)
{
	if (!pyi_tracee_seize(&thread->tracee, thread->tid, options)) {
		int number = errno;

		/* It has exited between the scan and now. */
		if (number == ESRCH || thread_state(process, thread->tid) == 'X' ||
		    thread_state(process, thread->tid) == 'Z') {
			thread->tracee.state = PYI_TRACEE_GONE;
			return NULL;
		}
		return pyi_access_explain(process, number);
	}
	if (!stop->begun_ns)
		stop->begun_ns = pyi_clock_now_ns();
	pyi_tracee_interrupt(&thread->tracee);
	return NULL;
}

static struct pyi_error *await(const struct pyi_process *process, struct pyi_stop_thread *thread)
{
	struct pyi_error *error;
	uint64_t slept = UINT64_MAX;

	if (thread->tracee.state != PYI_TRACEE_RUNNING)
		return NULL;
	if (thread->blocked && thread->interruption == PYI_INTERRUPTION_REWIND_TIMED)
		slept = slept_ms(process, thread->tid);
	error = pyi_tracee_wait_stop(&thread->tracee,
				     pyi_clock_deadline(STOP_TIMEOUT_MS, PYI_CLOCK_NEVER));
	if (thread->tracee.state == PYI_TRACEE_GONE) {
		pyi_error_destroy(error);
		return NULL;
	}
	if (error)
		return error;
	pyi_tracee_prepare_resume(&thread->tracee, thread->blocked ? &thread->number : NULL,
				  thread->blocked ? thread->arguments : NULL, slept);
	thread->thread_pointer =
		pyi_arch_thread_pointer(thread->tid, &thread->tracee.registers);
	thread->held = true;
	return NULL;
}

/* Holds every thread that runs. */
static struct pyi_error *hold_running(const struct pyi_process *process, struct pyi_stop *stop,
				      unsigned options)
{
	for (int round = 0; round < SCAN_ROUNDS; round++) {
		struct pyi_error *error;
		bool found_new = false;

		error = scan(process, stop, &found_new);
		if (error)
			return error;
		if (!found_new)
			break;
		for (size_t t = 0; t < stop->thread_count; t++) {
			struct pyi_stop_thread *thread = &stop->threads[t];

			if (thread->blocked || thread->tracee.state != PYI_TRACEE_FREE)
				continue;
			error = seize(process, stop, thread, options);
			if (error)
				return error;
		}
		for (size_t t = 0; t < stop->thread_count; t++) {
			error = await(process, &stop->threads[t]);
			if (error)
				return error;
		}
	}
	return NULL;
}

/* Arms the guard of a held thread; false if this thread will not do. */
static bool try_injector(struct pyi_stop *stop, size_t index, const struct pyi_gadgets *gadgets)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;

	error = pyi_tracee_arm_guard(&stop->threads[index].tracee, gadgets);
	if (error)
		return false;
	stop->injector = index;
	return true;
}

static struct pyi_error *choose_injector(const struct pyi_process *process, struct pyi_stop *stop,
					 const struct pyi_gadgets *gadgets, unsigned options)
{
	for (size_t t = 0; t < stop->thread_count; t++)
		if (stop->threads[t].held && try_injector(stop, t, gadgets))
			return NULL;
	for (int interruption = PYI_INTERRUPTION_UNSEEN;
	     interruption < (int)PYI_INTERRUPTION_FORBIDDEN; interruption++) {
		for (size_t t = 0; t < stop->thread_count; t++) {
			struct pyi_stop_thread *thread = &stop->threads[t];
			struct pyi_error *error;

			if (!thread->blocked || (int)thread->interruption != interruption ||
			    thread->tracee.state != PYI_TRACEE_FREE)
				continue;
			error = seize(process, stop, thread, options);
			if (!error)
				error = await(process, thread);
			if (error)
				return error;
			if (thread->held && try_injector(stop, t, gadgets))
				return NULL;
		}
	}
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, "no-injectable-thread",
				 "every thread of process %d is in a system call that cannot be "
				 "interrupted without harm",
				 process->pid),
		"try again in a moment");
}

struct pyi_error *pyi_stop_begin(const struct pyi_process *process,
				 const struct pyi_gadgets *gadgets, unsigned seize_options,
				 struct pyi_stop *ret_stop)
{
	struct pyi_stop stop = { 0 };
	struct pyi_error *error;
	double paused_ms;

	error = hold_running(process, &stop, seize_options);
	if (!error)
		error = choose_injector(process, &stop, gadgets, seize_options);
	if (error) {
		struct pyi_error *worse = pyi_stop_end(&stop, &paused_ms);

		pyi_stop_deinit(&stop);
		if (worse) {
			pyi_error_destroy(error);
			return worse;
		}
		return error;
	}
	*ret_stop = stop;
	return NULL;
}

bool pyi_stop_find_moved(struct pyi_stop *stop)
{
	bool any = false;

	for (size_t t = 0; t < stop->thread_count; t++) {
		struct pyi_stop_thread *thread = &stop->threads[t];
		char now[sizeof(thread->activity)];

		if (thread->held)
			continue;
		read_activity(thread->activity_fd, now, sizeof(now));
		/* A kernel without these counters, or a thread that exited, tells nothing good. */
		thread->moved = !now[0] || strcmp(now, thread->activity) != 0;
		any |= thread->moved;
	}
	return any;
}

struct pyi_error *pyi_stop_end(struct pyi_stop *stop, double *ret_paused_ms)
{
	struct pyi_error *first = NULL;

	for (size_t t = 0; t < stop->thread_count; t++) {
		struct pyi_stop_thread *thread = &stop->threads[t];
		struct pyi_error *error = pyi_tracee_restore(&thread->tracee);

		if (first)
			pyi_error_destroy(error);
		else
			first = error;
		pyi_tracee_detach(&thread->tracee);
	}
	*ret_paused_ms = stop->begun_ns ? pyi_clock_ms_since(stop->begun_ns) : 0;
	return first;
}

void pyi_stop_deinit(struct pyi_stop *stop)
{
	for (size_t t = 0; t < stop->thread_count; t++) {
		pyi_guard_fd(&stop->threads[t].activity_fd);
		pyi_tracee_deinit(&stop->threads[t].tracee);
	}
	free(stop->threads);
	*stop = (struct pyi_stop){ 0 };
}
