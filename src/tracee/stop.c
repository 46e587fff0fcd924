/*
 * Chooses the threads to hold, holds them, watches the others. Does not run system calls itself.
 */
#include "tracee/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/access.h"

enum {
	/* Threads can be made faster than we stop them, but not for ever. */
	SCAN_ROUNDS = 8,
	STOP_TIMEOUT_MS = 500,
	/*
	 * A thread is taken to run its own code when it was seen running so often, so far apart,
	 * and has used the processor meanwhile; or when it has been waited for long enough.
	 */
	RUNNING_LOOKS = 24,
	RUNNING_LOOK_US = 40,
	RUNNING_PATIENCE_MS = 30,
	PROC_TEXT_LIMIT = 8192,
	KERNEL_IO_WORKER = 0x10,
	KERNEL_USER_WORKER = 0x4000,
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

static void read_activity(int fd, char *ret_text, size_t capacity)
{
	ssize_t got = fd >= 0 ? pread(fd, ret_text, capacity - 1, 0) : 0;

	ret_text[got > 0 ? got : 0] = '\0';
}

/* State letter of a thread, 'X' when it is gone. */
static char thread_state(const struct pyi_process *process, pid_t tid)
{
	char text[512];
	const char *end;

	if (!read_thread_file(process, tid, "stat", text, sizeof(text)))
		return 'X';
	end = strrchr(text, ')');
	if (!end || end[1] != ' ')
		return 'X';
	return end[2];
}

/*
 * The kernel's own helpers (io_uring, vhost) are listed as threads but never run the program's
 * code: PF_IO_WORKER and PF_USER_WORKER of include/linux/sched.h, field 9 of /proc/TID/stat.
 */
static bool is_kernel_worker(const struct pyi_process *process, pid_t tid)
{
	char text[512];
	const char *end;
	unsigned flags;

	if (!read_thread_file(process, tid, "stat", text, sizeof(text)))
		return false;
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       flags & (KERNEL_IO_WORKER | KERNEL_USER_WORKER);
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
	thread->number = UINT64_MAX;
	if (strncmp(text, "-1 ", 3) == 0) {
		/* In its own code: stopped by a signal, waiting for a page (uninterruptibly), or
		 * about to go on. */
		char state = thread_state(process, thread->tid);

		thread->blocked = state == 'T' || state == 'D';
		if (state != 'D')
			thread->interruption = PYI_INTERRUPTION_UNSEEN;
		return;
	}
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

/*
 * A thread that moves data in a long write() or recv() is runnable much of the time, and
 * interrupting it would cut the transfer short. It is seen blocked sooner or later; a thread that
 * runs code of its own is not.
 */
static void look_again_at_running(const struct pyi_process *process,
				  struct pyi_stop_thread *threads, size_t count)
{
	const struct timespec pause = { .tv_nsec = RUNNING_LOOK_US * 1000L };
	uint64_t deadline_ns = pyi_clock_deadline(RUNNING_PATIENCE_MS, PYI_CLOCK_NEVER);
	bool undecided = true;

	for (int look = 1; undecided && !pyi_clock_passed(deadline_ns); look++) {
		undecided = false;
		for (size_t t = 0; t < count; t++) {
			char now[sizeof(threads[t].activity)];

			if (threads[t].blocked)
				continue;
			look_at_call(process, &threads[t]);
			if (threads[t].blocked)
				continue;
			/* Runnable, but not on a processor: what it was doing there is not known.
			 */
			read_activity(threads[t].activity_fd, now, sizeof(now));
			undecided |= look < RUNNING_LOOKS || strcmp(now, threads[t].activity) == 0;
		}
		nanosleep(&pause, NULL);
	}
}

static pid_t namespace_tid(const struct pyi_process *process, pid_t tid)
{
	struct pyi_process_status status;
	struct pyi_error *error = pyi_process_read_status(process, tid, &status);

	if (error) {
		pyi_error_destroy(error);
		return 0;
	}
	return status.namespace_pid ? status.namespace_pid : tid;
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
	size_t known = stop->thread_count;
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
		/* The counters before the call: a thread that runs in between is then seen to have.
		 */
		read_activity(thread->activity_fd, thread->activity, sizeof(thread->activity));
		look_at_call(process, thread);
		/* In an uninterruptible wait it neither runs nor stops. */
		if (state == 'D' && thread->blocked)
			thread->interruption = PYI_INTERRUPTION_FORBIDDEN;
		thread->namespace_tid = namespace_tid(process, tids[i]);
		stop->thread_count++;
		*ret_new = true;
	}
	/* Threads that appear while others are held already are not waited for. */
	if (!known)
		look_again_at_running(process, threads, stop->thread_count);
	return NULL;
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
	for (int number = 2; field && number < 39; number++)
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
static uint64_t slept_ms(const struct pyi_process *process, pid_t tid)
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
	thread->slept_ms = UINT64_MAX;
	if (thread->blocked && thread->interruption == PYI_INTERRUPTION_REWIND_TIMED)
		thread->slept_ms = slept_ms(process, thread->tid);
	if (!stop->begun_ns)
		stop->begun_ns = pyi_clock_now_ns();
	pyi_tracee_interrupt(&thread->tracee);
	return NULL;
}

static struct pyi_error *await(struct pyi_stop_thread *thread)
{
	struct pyi_error *error;

	if (thread->tracee.state != PYI_TRACEE_RUNNING)
		return NULL;
	error = pyi_tracee_wait_stop(&thread->tracee,
				     pyi_clock_deadline(STOP_TIMEOUT_MS, PYI_CLOCK_NEVER));
	if (thread->tracee.state == PYI_TRACEE_GONE) {
		pyi_error_destroy(error);
		return NULL;
	}
	if (error)
		return error;
	pyi_tracee_prepare_resume(&thread->tracee, thread->blocked ? &thread->number : NULL,
				  thread->blocked ? thread->arguments : NULL, thread->slept_ms);
	thread->thread_pointer = pyi_arch_thread_pointer(thread->tid, &thread->tracee.registers);
	thread->held = true;
	return NULL;
}

static bool is_wanted(const struct pyi_stop_thread *thread, enum pyi_stop_extent extent)
{
	if (thread->tracee.state != PYI_TRACEE_FREE)
		return false;
	return !thread->blocked ||
	       (extent == PYI_STOP_ALL && thread->interruption != PYI_INTERRUPTION_FORBIDDEN);
}

/* Holds the threads of an extent; new ones are looked for until there are none. */
static struct pyi_error *hold(const struct pyi_process *process, struct pyi_stop *stop,
			      enum pyi_stop_extent extent, unsigned options)
{
	for (int round = 0; round < SCAN_ROUNDS; round++) {
		struct pyi_error *error;
		bool found_new = false;

		error = scan(process, stop, &found_new);
		if (error)
			return error;
		if (!found_new || extent == PYI_STOP_ONE)
			break;
		for (size_t t = 0; t < stop->thread_count; t++) {
			if (!stop->threads[t].blocked)
				look_at_call(process, &stop->threads[t]);
			if (!is_wanted(&stop->threads[t], extent))
				continue;
			error = seize(process, stop, &stop->threads[t], options);
			if (error)
				return error;
		}
		for (size_t t = 0; t < stop->thread_count; t++) {
			error = await(&stop->threads[t]);
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

/* Holds one more thread to inject into; `ret_chosen` says whether it will do. */
static struct pyi_error *hold_injector(const struct pyi_process *process, struct pyi_stop *stop,
				       size_t index, const struct pyi_gadgets *gadgets,
				       unsigned options, bool *ret_chosen)
{
	struct pyi_stop_thread *thread = &stop->threads[index];
	struct pyi_error *error = seize(process, stop, thread, options);

	if (!error)
		error = await(thread);
	if (!error)
		*ret_chosen = thread->held && try_injector(stop, index, gadgets);
	return error;
}

/* A held thread if there is one; else the one that minds least. */
static struct pyi_error *choose_injector(const struct pyi_process *process, struct pyi_stop *stop,
					 const struct pyi_gadgets *gadgets, unsigned options)
{
	for (size_t t = 0; t < stop->thread_count; t++)
		if (stop->threads[t].held && try_injector(stop, t, gadgets))
			return NULL;
	for (int blocked = 1; blocked >= 0; blocked--) {
		for (int interruption = PYI_INTERRUPTION_UNSEEN;
		     interruption < (int)PYI_INTERRUPTION_FORBIDDEN; interruption++) {
			for (size_t t = 0; t < stop->thread_count; t++) {
				const struct pyi_stop_thread *thread = &stop->threads[t];
				struct pyi_error *error;
				bool chosen = false;

				if (thread->blocked != (bool)blocked ||
				    (int)thread->interruption != interruption ||
				    thread->tracee.state != PYI_TRACEE_FREE)
					continue;
				error = hold_injector(process, stop, t, gadgets, options, &chosen);
				if (error || chosen)
					return error;
			}
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
				 enum pyi_stop_extent extent, struct pyi_stop *ret_stop)
{
	struct pyi_stop stop = { 0 };
	struct pyi_error *error;
	double paused_ms;

	error = hold(process, &stop, extent, seize_options);
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

void pyi_stop_watch(struct pyi_stop *stop)
{
	for (size_t t = 0; t < stop->thread_count; t++) {
		struct pyi_stop_thread *thread = &stop->threads[t];

		if (!thread->held)
			read_activity(thread->activity_fd, thread->activity,
				      sizeof(thread->activity));
	}
}

void pyi_stop_find_moved(struct pyi_stop *stop)
{
	for (size_t t = 0; t < stop->thread_count; t++) {
		struct pyi_stop_thread *thread = &stop->threads[t];
		char now[sizeof(thread->activity)];

		if (thread->held || thread->tracee.state == PYI_TRACEE_GONE)
			continue;
		read_activity(thread->activity_fd, now, sizeof(now));
		/* A kernel without these counters, or a thread that exited, tells nothing good. */
		thread->moved = !now[0] || strncmp(now, "0 0 0", 5) == 0 ||
				strcmp(now, thread->activity) != 0;
	}
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
