/*
 * Looks at running threads by what the scheduler counts for them. Touches none.
 */
#include "tracee/running.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tracee/thread_look.h"

enum {
	/*
	 * How often a running thread is looked at; how old a tick may be that tells where it is;
	 * and how long such a tick is waited for, with and without another thread that will do.
	 */
	RUNNING_LOOK_US = 40,
	RUNNING_FRESH_US = 500,
	/* So many ticks in a row, and it does hardly anything else. */
	CERTAIN_TICKS = 2,
	RUNNING_PATIENCE_MS = 100,
	LONE_PATIENCE_MS = 500,
};

/* True if no thread but `one` has run since it was looked at. */
static bool others_slept(const struct pyi_stop_thread *threads, size_t count, size_t one)
{
	for (size_t t = 0; t < count; t++) {
		char now[sizeof(threads[t].activity)];

		if (t == one)
			continue;
		pyi_thread_read_activity(threads[t].activity_fd, now, sizeof(now));
		if (strcmp(now, threads[t].activity) != 0)
			return false;
	}
	return true;
}

bool pyi_running_has_blocked(const struct pyi_stop_thread *threads, size_t count)
{
	for (size_t t = 0; t < count; t++)
		if (threads[t].call.blocked &&
		    threads[t].call.interruption != PYI_INTERRUPTION_FORBIDDEN)
			return true;
	return false;
}

/* True if a thread that runs is known to do so in its own code. */
static bool has_running(const struct pyi_stop_thread *threads, size_t count)
{
	for (size_t t = 0; t < count; t++)
		if (!threads[t].call.blocked && !threads[t].in_kernel)
			return true;
	return false;
}

/* Takes a tick down; true if it met the thread in its own code, or several of them have. */
static bool note_tick(struct pyi_stop_thread *thread, const struct pyi_thread_ticks *before,
		      const struct pyi_thread_ticks *now)
{
	if (now->kernel_ns > before->kernel_ns)
		thread->own_ticks = 0;
	else if (now->user_ns > before->user_ns)
		thread->own_ticks++;
	else
		return false;
	return thread->own_ticks;
}

/*
 * Looks at a running thread again: `process_before` and `process_now` are ticks of all threads.
 * True if it is in its own code now, as far as can be told.
 */
static bool is_in_own_code(const struct pyi_process *process, struct pyi_stop_thread *threads,
			   size_t count, size_t one, const struct pyi_thread_ticks *process_before,
			   const struct pyi_thread_ticks *process_now)
{
	struct pyi_stop_thread *thread = &threads[one];
	struct pyi_thread_ticks now = pyi_thread_ticks_of_thread(process, thread->tid);
	bool seen;

	if (others_slept(threads, count, one))
		seen = note_tick(thread, process_before, process_now);
	else
		seen = note_tick(thread, &thread->ticks, &now);
	thread->ticks = now;
	/* Between two long transfers there is a moment in its own code, too. */
	return seen && (thread->own_ticks >= CERTAIN_TICKS ||
			(thread->transferred != UINT64_MAX &&
			 pyi_thread_transferred(process, thread->tid) == thread->transferred));
}

void pyi_running_look_again(const struct pyi_process *process, struct pyi_stop_thread *threads,
			    size_t count)
{
	const struct timespec pause = { .tv_nsec = RUNNING_LOOK_US * 1000L };
	struct pyi_thread_ticks before = pyi_thread_ticks_of_process(process);
	uint64_t begun_ns = pyi_clock_now_ns();
	uint64_t looked_ns = begun_ns;
	uint64_t patience_ns = 0;
	bool undecided = false;

	for (size_t t = 0; t < count; t++) {
		struct pyi_stop_thread *thread = &threads[t];

		thread->in_kernel = !thread->call.blocked;
		if (!thread->in_kernel)
			continue;
		thread->ticks = pyi_thread_ticks_of_thread(process, thread->tid);
		thread->transferred = pyi_thread_transferred(process, thread->tid);
		undecided = true;
	}
	while (undecided && looked_ns - begun_ns <= patience_ns) {
		struct pyi_thread_ticks now = pyi_thread_ticks_of_process(process);
		uint64_t now_ns = pyi_clock_now_ns();
		/* If not, it has had the time to go into a call since. */
		bool fresh = now_ns - looked_ns <= RUNNING_FRESH_US * UINT64_C(1000);

		undecided = false;
		for (size_t t = 0; t < count; t++) {
			struct pyi_stop_thread *thread = &threads[t];

			if (thread->call.blocked)
				continue;
			if (is_in_own_code(process, threads, count, t, &before, &now) && fresh)
				thread->in_kernel = false;
			pyi_thread_look(process, thread->tid, &thread->call);
			if (thread->call.blocked)
				thread->in_kernel = false;
			undecided |= thread->in_kernel;
		}
		before = now;
		looked_ns = now_ns;
		patience_ns = UINT64_C(1000000) * (pyi_running_has_blocked(threads, count) ||
								   has_running(threads, count)
							   ? RUNNING_PATIENCE_MS
							   : LONE_PATIENCE_MS);
		if (undecided)
			nanosleep(&pause, NULL);
	}
}

bool pyi_running_look_before_seizing(const struct pyi_process *process,
				     struct pyi_stop_thread *thread)
{
	bool was_blocked = thread->call.blocked;
	struct pyi_thread_ticks now;

	pyi_thread_look(process, thread->tid, &thread->call);
	if (thread->call.blocked) {
		thread->in_kernel = false;
		return false;
	}
	if (!was_blocked && !thread->in_kernel)
		return false;
	now = pyi_thread_ticks_of_thread(process, thread->tid);
	if (was_blocked) {
		thread->in_kernel = true;
		thread->own_ticks = 0;
		thread->transferred = pyi_thread_transferred(process, thread->tid);
	} else if (note_tick(thread, &thread->ticks, &now) && thread->transferred != UINT64_MAX &&
		   thread->transferred == pyi_thread_transferred(process, thread->tid)) {
		thread->in_kernel = false;
	}
	thread->ticks = now;
	return thread->in_kernel;
}
