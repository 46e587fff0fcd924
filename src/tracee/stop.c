/*
 * Chooses the threads to hold, holds them, watches the others. Does not run system calls itself.
 */
#include "tracee/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/access.h"
#include "tracee/thread_look.h"

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
};

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

			if (threads[t].call.blocked)
				continue;
			pyi_thread_look(process, threads[t].tid, &threads[t].call);
			if (threads[t].call.blocked)
				continue;
			/* Runnable, but not on a processor: what was it doing there? */
			pyi_thread_read_activity(threads[t].activity_fd, now, sizeof(now));
			undecided |= look < RUNNING_LOOKS || strcmp(now, threads[t].activity) == 0;
		}
		nanosleep(&pause, NULL);
	}
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

		if (find_thread(stop, tids[i]) || !pyi_thread_can_run(process, tids[i]))
			continue;
		*thread = (struct pyi_stop_thread){ .tid = tids[i], .activity_fd = -1 };
		snprintf(path, sizeof(path), "task/%d/schedstat", tids[i]);
		unreadable = pyi_process_open_file(process, path, O_RDONLY | O_CLOEXEC,
						   &thread->activity_fd);
		/* The counters first: a thread that runs in between is then seen to have. */
		pyi_thread_read_activity(thread->activity_fd, thread->activity,
					 sizeof(thread->activity));
		pyi_thread_look(process, thread->tid, &thread->call);
		thread->namespace_tid = pyi_thread_namespace_tid(process, tids[i]);
		stop->thread_count++;
		*ret_new = true;
	}
	/* Threads that appear while others are held already are not waited for. */
	if (!known)
		look_again_at_running(process, threads, stop->thread_count);
	return NULL;
}

static struct pyi_error *seize(const struct pyi_process *process, struct pyi_stop *stop,
			       struct pyi_stop_thread *thread, unsigned options)
{
	if (!pyi_tracee_seize(&thread->tracee, thread->tid, options)) {
		int number = errno;

		/* It has exited between the scan and now. */
		if (number == ESRCH || !pyi_thread_can_run(process, thread->tid)) {
			thread->tracee.state = PYI_TRACEE_GONE;
			return NULL;
		}
		return pyi_access_explain(process, number);
	}
	thread->slept_ms = UINT64_MAX;
	if (thread->call.blocked && thread->call.interruption == PYI_INTERRUPTION_REWIND_TIMED)
		thread->slept_ms = pyi_thread_slept_ms(process, thread->tid);
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
	pyi_tracee_prepare_resume(
		&thread->tracee, thread->call.blocked ? &thread->call.number : NULL,
		thread->call.blocked ? thread->call.arguments : NULL, thread->slept_ms);
	thread->thread_pointer = pyi_arch_thread_pointer(thread->tid, &thread->tracee.registers);
	thread->held = true;
	return NULL;
}

static bool is_wanted(const struct pyi_stop_thread *thread, enum pyi_stop_extent extent)
{
	if (thread->tracee.state != PYI_TRACEE_FREE)
		return false;
	return !thread->call.blocked ||
	       (extent == PYI_STOP_ALL && thread->call.interruption != PYI_INTERRUPTION_FORBIDDEN);
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
			if (extent == PYI_STOP_ALL || !stop->threads[t].call.blocked)
				pyi_thread_look(process, stop->threads[t].tid,
						&stop->threads[t].call);
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

	if (gadgets)
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
	bool blocked = thread->call.blocked;
	struct pyi_error *error;

	/* What was seen is some milliseconds old: it may be in another call by now. */
	pyi_thread_look(process, thread->tid, &thread->call);
	if (thread->call.blocked != blocked ||
	    thread->call.interruption == PYI_INTERRUPTION_FORBIDDEN)
		return NULL;
	error = seize(process, stop, thread, options);
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

				if (thread->call.blocked != (bool)blocked ||
				    (int)thread->call.interruption != interruption ||
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
	/* It is only wanted for what its registers say. */
	if (error && !gadgets && strcmp(error->code, "no-injectable-thread") == 0) {
		pyi_error_destroy(error);
		error = NULL;
	}
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

void pyi_stop_watch(const struct pyi_process *process, struct pyi_stop *stop)
{
	for (size_t t = 0; t < stop->thread_count; t++) {
		struct pyi_stop_thread *thread = &stop->threads[t];
		char at_look[sizeof(thread->activity)];

		if (thread->held)
			continue;
		memcpy(at_look, thread->activity, sizeof(at_look));
		pyi_thread_read_activity(thread->activity_fd, thread->activity,
					 sizeof(thread->activity));
		if (strcmp(at_look, thread->activity) == 0)
			continue;
		pyi_thread_look(process, thread->tid, &thread->call);
		thread->moved = !thread->call.blocked;
	}
}

/* True if there is a thread that could run the program's code and is not in the list. */
static bool has_stranger(const struct pyi_process *process, struct pyi_stop *stop)
{
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	size_t count;

	error = pyi_process_list_threads(process, &tids, &count);
	if (error)
		return true;
	for (size_t i = 0; i < count; i++)
		if (!find_thread(stop, tids[i]) && pyi_thread_can_run(process, tids[i]))
			return true;
	return false;
}

void pyi_stop_find_moved(const struct pyi_process *process, struct pyi_stop *stop)
{
	for (size_t t = 0; t < stop->thread_count; t++) {
		struct pyi_stop_thread *thread = &stop->threads[t];
		char now[sizeof(thread->activity)];

		if (thread->held || thread->tracee.state == PYI_TRACEE_GONE)
			continue;
		pyi_thread_read_activity(thread->activity_fd, now, sizeof(now));
		/* A kernel without these counters, or a thread that exited, tells nothing good. */
		thread->moved |= !now[0] || strncmp(now, "0 0 0", 5) == 0 ||
				 strcmp(now, thread->activity) != 0;
	}
	stop->stranger = has_stranger(process, stop);
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
