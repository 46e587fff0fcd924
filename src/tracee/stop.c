/*
 * Chooses the threads to hold, holds them, watches the others. Does not run system calls itself.
 */
#include "tracee/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/access.h"
#include "tracee/running.h"
#include "tracee/thread_look.h"
#include "tracee/wait.h"

enum {
	/* Threads can be made faster than we stop them, but not for ever. */
	SCAN_ROUNDS = 8,
	STOP_TIMEOUT_MS = 500,
	/* For one that has not stopped by then, when the others have been let go. */
	LATE_TIMEOUT_MS = 10000,
	/* How often, and for how long, it is looked whether a thread can be held after all. */
	OPEN_LOOK_US = 200,
	OPEN_PATIENCE_MS = 20,
	/* As long a thread to inject into is looked for: it may be in another call in a moment. */
	INJECTOR_PATIENCE_MS = 200,
	INJECTOR_LOOK_MS = 5,
	/* Main thread or not, waiting or not. */
	RELUCTANCE_LIMIT = 4 * PYI_INTERRUPTION_FORBIDDEN,
	/* As deep as a stack is hardly ever used; the smallest are not much larger. */
	OWN_STACK_BYTES = 1 << 20,
	/* So many threads that would do but for their filters are tried. */
	REFUSAL_LIMIT = 4,
	/* How often it is looked whether those that are late have stopped. */
	LATE_LOOK_US = 1000,
};

static struct pyi_stop_thread *find_thread(struct pyi_stop *stop, pid_t tid)
{
	for (size_t t = 0; t < stop->thread_count; t++)
		if (stop->threads[t].tid == tid)
			return &stop->threads[t];
	return NULL;
}

/* Adds the threads that are not known yet; `ret_new` says whether there were any. */
static struct pyi_error *scan(const struct pyi_process *process, struct pyi_stop *stop,
			      enum pyi_stop_extent extent, bool *ret_new)
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
	/*
	 * Threads that appear while others are held already are not waited for; and those that run
	 * are of no interest if one that waits will do.
	 */
	if (!known &&
	    (extent != PYI_STOP_ONE || !pyi_running_has_blocked(threads, stop->thread_count)))
		pyi_running_look_again(process, threads, stop->thread_count);
	return NULL;
}

/* True for a thread that was seized under another number, and has called execve() just then. */
static bool is_ours(const struct pyi_process *process, pid_t tid)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	struct pyi_process_status status;

	error = pyi_process_read_status(process, tid, &status);
	return !error && status.tracer_pid == getpid();
}

/*
 * Seizes and interrupts a thread. One that has left the call it was blocked in is let be: it may
 * be in another one, that must not be interrupted.
 */
static struct pyi_error *seize(const struct pyi_process *process, struct pyi_stop *stop,
			       struct pyi_stop_thread *thread)
{
	thread->slept_ms = UINT64_MAX;
	if (thread->call.blocked && thread->call.interruption == PYI_INTERRUPTION_REWIND_TIMED) {
		thread->wait_count = pyi_thread_count_waits(process, thread->tid);
		thread->slept_ms = pyi_thread_slept_ms(process, thread->tid);
	}
	/* Nothing comes between this look and the interruption: a seized thread can't be let go. */
	if (thread->call.blocked && !pyi_thread_is_in(process, thread->tid, &thread->call))
		return NULL;
	if (!pyi_tracee_seize(&thread->tracee, thread->tid)) {
		int number = errno;

		/* It has exited between the scan and now. */
		if (number == ESRCH || !pyi_thread_can_run(process, thread->tid) ||
		    is_ours(process, thread->tid)) {
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

static struct pyi_error *await(const struct pyi_process *process, struct pyi_stop_thread *thread,
			       uint64_t deadline_ns)
{
	struct pyi_error *error;

	if (thread->tracee.state != PYI_TRACEE_RUNNING)
		return NULL;
	error = pyi_tracee_wait_stop(&thread->tracee, deadline_ns);
	if (thread->tracee.state == PYI_TRACEE_GONE) {
		pyi_error_destroy(error);
		return NULL;
	}
	if (error)
		return error;
	/*
	 * It has slept again after it was woken: the call has ended meanwhile, and what was
	 * interrupted is another one that has just begun.
	 */
	if (thread->slept_ms != UINT64_MAX &&
	    pyi_thread_count_waits(process, thread->tid) != thread->wait_count + 1)
		thread->slept_ms = UINT64_MAX;
	pyi_tracee_prepare_resume(
		&thread->tracee, thread->call.blocked ? &thread->call.number : NULL,
		thread->call.blocked ? thread->call.arguments : NULL, thread->slept_ms);
	thread->thread_pointer = pyi_arch_thread_pointer(thread->tid, &thread->tracee.registers);
	thread->held = true;
	return NULL;
}

static bool is_wanted(const struct pyi_stop_thread *thread, enum pyi_stop_extent extent)
{
	if (thread->tracee.state != PYI_TRACEE_FREE || thread->in_kernel)
		return false;
	if (!thread->call.blocked)
		return true;
	return extent == PYI_STOP_ALL
		       ? thread->call.interruption != PYI_INTERRUPTION_FORBIDDEN
		       : extent == PYI_STOP_RESTARTED &&
				 thread->call.interruption <= PYI_INTERRUPTION_CONTINUED;
}

/* Seizes the threads of an extent that can be; true if it is open whether some others can. */
static struct pyi_error *seize_wanted(const struct pyi_process *process, struct pyi_stop *stop,
				      enum pyi_stop_extent extent, bool *ret_open)
{
	*ret_open = false;
	for (size_t t = 0; t < stop->thread_count; t++) {
		struct pyi_stop_thread *thread = &stop->threads[t];
		struct pyi_error *error;

		if (thread->tracee.state != PYI_TRACEE_FREE)
			continue;
		if (extent >= PYI_STOP_RESTARTED || !thread->call.blocked)
			*ret_open |= pyi_running_look_before_seizing(process, thread);
		if (!is_wanted(thread, extent))
			continue;
		error = seize(process, stop, thread);
		if (error)
			return error;
	}
	return NULL;
}

/*
 * Holds the threads of an extent; new ones are looked for until there are none. When more than
 * those that run are to be held, those that come out of a call just then are waited for a little.
 */
static struct pyi_error *hold(const struct pyi_process *process, struct pyi_stop *stop,
			      enum pyi_stop_extent extent)
{
	const struct timespec pause = { .tv_nsec = OPEN_LOOK_US * 1000L };
	uint64_t patience_ns = 0;
	bool open = false;

	for (int round = 0; round < SCAN_ROUNDS;) {
		struct pyi_error *error;
		bool found_new = false;

		error = scan(process, stop, extent, &found_new);
		if (error)
			return error;
		if ((!found_new && !open) || extent == PYI_STOP_ONE)
			break;
		error = seize_wanted(process, stop, extent, &open);
		for (size_t t = 0; t < stop->thread_count && !error; t++)
			error = await(process, &stop->threads[t],
				      pyi_clock_deadline(STOP_TIMEOUT_MS, PYI_CLOCK_NEVER));
		if (error)
			return error;
		open &= extent >= PYI_STOP_RESTARTED;
		if (open && !patience_ns)
			patience_ns = pyi_clock_deadline(OPEN_PATIENCE_MS, PYI_CLOCK_NEVER);
		if (open && pyi_clock_passed(patience_ns))
			break;
		if (open)
			nanosleep(&pause, NULL);
		round += found_new;
	}
	return NULL;
}

/*
 * True if a thread is on the stack that its C library made, which has a guard page: its own data
 * lie at the upper end of that. Below the stack pointer of a coroutine may be what belongs to
 * another.
 */
static bool is_on_own_stack(const struct pyi_stop *stop, const struct pyi_stop_thread *thread)
{
	uint64_t sp = pyi_arch_sp(&thread->tracee.registers);

	return thread->tid == stop->pid ||
	       (sp < thread->thread_pointer && thread->thread_pointer - sp < OWN_STACK_BYTES);
}

/* What is to be run in the injector, and why some would not do. */
struct search {
	const struct pyi_gadgets *gadgets;
	const struct pyi_call_plan *plan;
	/* Threads for which the calls are not harmless, and what the first of them says. */
	unsigned refusal_count;
	struct pyi_error *refusal;
};

/* Arms the guard of a held thread; false if this thread will not do. */
static bool try_injector(const struct pyi_process *process, struct pyi_stop *stop, size_t index,
			 struct search *search)
{
	struct pyi_error *error = NULL;

	if (search->gadgets)
		error = pyi_tracee_arm_guard(process, &stop->threads[index].tracee, search->gadgets,
					     search->plan);
	if (!error) {
		stop->injector = index;
		return true;
	}
	if (pyi_call_is_refused(error) && search->refusal_count++ == 0)
		search->refusal = error;
	else
		pyi_error_destroy(error);
	return false;
}

/* Holds one more thread to inject into; `ret_chosen` says whether it will do. */
static struct pyi_error *hold_injector(const struct pyi_process *process, struct pyi_stop *stop,
				       size_t index, struct search *search, bool *ret_chosen)
{
	struct pyi_stop_thread *thread = &stop->threads[index];
	bool blocked = thread->call.blocked;
	struct pyi_error *error;

	/* What was seen is some milliseconds old: it may be in another call by now. */
	pyi_thread_look(process, thread->tid, &thread->call);
	if (thread->call.blocked != blocked ||
	    thread->call.interruption == PYI_INTERRUPTION_FORBIDDEN)
		return NULL;
	error = seize(process, stop, thread);
	if (!error)
		error = await(process, thread,
			      pyi_clock_deadline(STOP_TIMEOUT_MS, PYI_CLOCK_NEVER));
	if (!error)
		*ret_chosen = thread->held && is_on_own_stack(stop, thread) &&
			      try_injector(process, stop, index, search);
	return error;
}

/* Chooses among those that are held; true if one will do. */
static bool try_held(const struct pyi_process *process, struct pyi_stop *stop,
		     struct search *search, bool on_own_stack)
{
	for (size_t t = 0; t < stop->thread_count; t++)
		if (stop->threads[t].held &&
		    is_on_own_stack(stop, &stop->threads[t]) == on_own_stack &&
		    try_injector(process, stop, t, search))
			return true;
	return false;
}

/* What a thread that is not held yet minds being injected into: the less the better. */
static int reluctance(const struct pyi_stop *stop, const struct pyi_stop_thread *thread)
{
	bool leader = thread->tid == stop->pid;

	if (thread->in_kernel || thread->tracee.state != PYI_TRACEE_FREE ||
	    thread->call.interruption == PYI_INTERRUPTION_FORBIDDEN)
		return RELUCTANCE_LIMIT;
	return (int)thread->call.interruption +
	       PYI_INTERRUPTION_FORBIDDEN * (leader + 2 * !thread->call.blocked);
}

/*
 * A held thread if there is one; else the one that minds least, and the main thread only if no
 * other waits: a signal of the process is delivered to another one while we hold that, and Python,
 * whose main thread it is that handles signals, is not woken by it.
 */
static struct pyi_error *search_injector(const struct pyi_process *process, struct pyi_stop *stop,
					 struct search *search)
{
	if (try_held(process, stop, search, true))
		return NULL;
	for (int wanted = 0; wanted < RELUCTANCE_LIMIT; wanted++) {
		for (size_t t = 0; t < stop->thread_count; t++) {
			struct pyi_error *error;
			bool chosen = false;

			if (reluctance(stop, &stop->threads[t]) != wanted)
				continue;
			/* Most often they all have the same filter. */
			if (search->refusal_count >= REFUSAL_LIMIT && !search->plan->must)
				break;
			error = hold_injector(process, stop, t, search, &chosen);
			if (error || chosen)
				return error;
		}
	}
	if (try_held(process, stop, search, false))
		return NULL;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_INJECTABLE_THREAD,
				 "every thread of process %d is in a system call that cannot be "
				 "interrupted without harm",
				 process->pid),
		"try again in a moment");
}

static struct pyi_error *choose_injector(const struct pyi_process *process, struct pyi_stop *stop,
					 const struct pyi_gadgets *gadgets,
					 const struct pyi_call_plan *plan)
{
	struct search search = { .gadgets = gadgets, .plan = plan };
	struct pyi_error *error = search_injector(process, stop, &search);

	/* The other threads do not matter so much as what this one lacks. */
	if (error && search.refusal && error->code == PYI_ERROR_NO_INJECTABLE_THREAD) {
		pyi_error_destroy(error);
		return search.refusal;
	}
	pyi_error_destroy(search.refusal);
	return error;
}

/* There is a file open for each thread, and often no more than 1024 are allowed at first. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * One try to hold what is to be held; on failure everything is let go again, and `ret_stop` only
 * has what that cost.
 */
static struct pyi_error *begin(const struct pyi_process *process, const struct pyi_gadgets *gadgets,
			       const struct pyi_call_plan *plan, enum pyi_stop_extent extent,
			       struct pyi_stop *ret_stop)
{
	struct pyi_stop stop = { .pid = process->pid };
	struct pyi_error *error;
	struct pyi_error *worse;
	double paused_ms;

	error = hold(process, &stop, extent);
	if (!error)
		error = choose_injector(process, &stop, gadgets, plan);
	/* It is only wanted for what its registers say. */
	if (error && !gadgets && error->code == PYI_ERROR_NO_INJECTABLE_THREAD) {
		pyi_error_destroy(error);
		error = NULL;
	}
	if (!error) {
		*ret_stop = stop;
		return NULL;
	}
	worse = pyi_stop_end(process, &stop, &paused_ms);
	pyi_stop_deinit(&stop);
	*ret_stop = (struct pyi_stop){ .tries_ms = paused_ms, .longest_try_ms = paused_ms };
	if (!worse)
		return error;
	pyi_error_destroy(error);
	return worse;
}

struct pyi_error *pyi_stop_begin(const struct pyi_process *process,
				 const struct pyi_gadgets *gadgets,
				 const struct pyi_call_plan *plan, enum pyi_stop_extent extent,
				 uint64_t limit_ms, struct pyi_stop *ret_stop)
{
	const struct timespec pause = { .tv_nsec = INJECTOR_LOOK_MS * 1000000L };
	uint64_t patience_ns = pyi_clock_deadline(INJECTOR_PATIENCE_MS, PYI_CLOCK_NEVER);
	double longest_try_ms = 0;
	double tries_ms = 0;

	allow_files();
	for (;;) {
		struct pyi_error *error;

		pyi_wait_limit_stop(limit_ms);
		pyi_wait_outlive_parent(true);
		error = begin(process, gadgets, plan, extent, ret_stop);
		pyi_wait_outlive_parent(false);
		tries_ms += ret_stop->tries_ms;
		longest_try_ms = fmax(longest_try_ms, ret_stop->longest_try_ms);
		ret_stop->tries_ms = tries_ms;
		ret_stop->longest_try_ms = longest_try_ms;
		if (!error || error->code != PYI_ERROR_NO_INJECTABLE_THREAD ||
		    pyi_clock_passed(patience_ns))
			return error;
		/* Another pyinspect has it, perhaps, or it has just been on its way. */
		pyi_error_destroy(error);
		nanosleep(&pause, NULL);
	}
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

static struct pyi_error *let_go(struct pyi_tracee *tracee, struct pyi_error *before)
{
	struct pyi_error *error = pyi_tracee_restore(tracee);

	pyi_tracee_detach(tracee);
	if (!before)
		return error;
	pyi_error_destroy(error);
	return before;
}

/* Lets go of those interrupted threads that have stopped by now; returns how many have not. */
static size_t let_go_stopped(const struct pyi_process *process, struct pyi_stop *stop,
			     struct pyi_error **error)
{
	size_t left = 0;

	for (size_t t = 0; t < stop->thread_count; t++) {
		struct pyi_stop_thread *thread = &stop->threads[t];

		if (thread->held || thread->tracee.state != PYI_TRACEE_RUNNING)
			continue;
		pyi_error_destroy(await(process, thread, 0));
		if (thread->held)
			*error = let_go(&thread->tracee, *error);
		else
			left += thread->tracee.state == PYI_TRACEE_RUNNING;
	}
	return left;
}

/*
 * Before a thread stops it cannot be let go, and our end could cost it an EINTR: so those that are
 * late are waited for. Nobody is held up by that any more; and as one may wait for another of them,
 * they are let go in the order in which they stop. One that never does stays ours until we end.
 */
static struct pyi_error *let_go_late(const struct pyi_process *process, struct pyi_stop *stop,
				     struct pyi_error *error)
{
	const struct timespec pause = { .tv_nsec = LATE_LOOK_US * 1000L };
	uint64_t deadline_ns = pyi_clock_deadline(LATE_TIMEOUT_MS, PYI_CLOCK_NEVER);

	while (let_go_stopped(process, stop, &error) && !pyi_clock_passed(deadline_ns)) {
		/* It may be in execve(), which waits for these. */
		pyi_wait_reap_the_dead();
		nanosleep(&pause, NULL);
	}
	return error;
}

struct pyi_error *pyi_stop_end(const struct pyi_process *process, struct pyi_stop *stop,
			       double *ret_paused_ms)
{
	struct pyi_error *first = NULL;
	bool lost = false;

	for (size_t t = 0; t < stop->thread_count; t++)
		if (stop->threads[t].held)
			first = let_go(&stop->threads[t].tracee, first);
	/* Where one was late, those after it have not been waited for yet. */
	let_go_stopped(process, stop, &first);
	*ret_paused_ms = stop->begun_ns ? pyi_clock_ms_since(stop->begun_ns) : 0;
	first = let_go_late(process, stop, first);
	/* The leader of the threads ends last, and its number passes to one that calls execve(). */
	for (size_t t = stop->thread_count; t-- > 0;)
		if (stop->threads[t].tracee.state == PYI_TRACEE_GONE) {
			pyi_tracee_take_leave(stop->threads[t].tid);
			lost = true;
		}
	if (lost)
		pyi_tracee_take_leave(stop->pid);
	pyi_wait_forget_seized();
	pyi_wait_limit_stop(0);
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
