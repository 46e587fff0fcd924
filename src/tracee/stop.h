/*
 * Stops a whole target with as little as possible: the threads that run, and one thread
 * to run system calls in; blocked threads are left alone and watched.
 *
 * A thread that sits in a system call does not change memory. If one wakes up meanwhile, it is
 * marked as moved; whether that matters, the caller decides. Does not know what the stop is for.
 */
#ifndef PYI_TRACEE_STOP_H
#define PYI_TRACEE_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/process.h"
#include "tracee/thread_look.h"
#include "tracee/tracee.h"

struct pyi_stop_thread {
	pid_t tid;
	/* Where its thread-local storage is; 0 if it was not held. */
	uint64_t thread_pointer;
	/* Seized and stopped by us. */
	bool held;
	/* Not held, and it has run since pyi_stop_watch(). */
	bool moved;
	/* Its number in the target's own pid namespace. */
	pid_t namespace_tid;

	/* For this module: */
	struct pyi_thread_call call;
	/* How long it had slept in it before it was disturbed; UINT64_MAX if that is not known. */
	uint64_t slept_ms;
	/* How often it had slept until then. */
	uint64_t wait_count;
	/* What the scheduler had counted for it when it was looked at. */
	char activity[96];
	int activity_fd;
	/* If it ran then: the last ticks, how many in a row met its own code, bytes moved. */
	struct pyi_thread_ticks ticks;
	unsigned own_ticks;
	uint64_t transferred;
	/* It runs, but was not seen to run its own code: it is not touched. */
	bool in_kernel;
	struct pyi_tracee tracee;
};

/* Which threads to hold. */
enum pyi_stop_extent {
	/* One, to run system calls in; the quietest there is. */
	PYI_STOP_ONE,
	/* Those that run, and one. */
	PYI_STOP_RUNNING,
	/*
	 * Those that run, and those that the kernel puts back into their calls by itself, whatever
	 * becomes of us.
	 */
	PYI_STOP_RESTARTED,
	/*
	 * All that can be interrupted without harm. Of these some would fail with EINTR if we were
	 * killed before they are rewound: some ten microseconds.
	 */
	PYI_STOP_ALL,
};

struct pyi_stop {
	pid_t pid;
	struct pyi_stop_thread *threads;
	size_t thread_count;
	/* Index of the thread to run system calls in: held, and guarded. */
	size_t injector;
	/* There is a thread now that nobody has looked at. */
	bool stranger;
	uint64_t begun_ns;
	/* How long the target stood still, in all and at most, in tries before this stop that came
	 * to nothing. */
	double tries_ms;
	double longest_try_ms;
};

/*
 * Stops the target. On success the threads of `extent` are held, and one thread is guarded and
 * ready for pyi_tracee_syscall(); on failure everything is let go again, and `ret_stop` has no
 * threads, only what the tries cost.
 * The main thread of a program is held to be injected into only if no other one waits: a signal of
 * the process is delivered to another thread meanwhile, and Python's main thread is not woken.
 * `plan` has all calls that may have to be run in that thread, and in what comes of them. `gadgets`
 * may be NULL, and `plan` then: nothing is to be run in the target; one thread is held all the
 * same, if there is one that may be. A stop that takes longer than `limit_ms` is a fault of ours or
 * of the kernel: then this process is killed (pyi_wait_limit_stop()). Errors: what
 * pyi_access_explain() says (exit 3); "seccomp" (exit 3) and "user-dispatch" (exit 1) if the calls
 * are not harmless for a thread that would do otherwise; "no-injectable-thread" (exit 1) when each
 * thread sits in a system call that must not be interrupted; "thread-stuck"; "target-exited".
 */
struct pyi_error *pyi_stop_begin(const struct pyi_process *process,
				 const struct pyi_gadgets *gadgets,
				 const struct pyi_call_plan *plan, enum pyi_stop_extent extent,
				 uint64_t limit_ms, struct pyi_stop *ret_stop) PYI_MUST_CHECK;

/*
 * Begins to watch the threads that were left alone. One that has run since it was looked at, and
 * is not blocked now, counts as moved already: the counters of a thread on a processor stand
 * still until the next tick.
 */
void pyi_stop_watch(const struct pyi_process *process, struct pyi_stop *stop);

/* Marks threads that were left alone and have run since pyi_stop_watch(), and finds new ones. */
void pyi_stop_find_moved(const struct pyi_process *process, struct pyi_stop *stop);

/*
 * Restores and lets go all threads; safe on a zeroed struct. `ret_paused_ms`: from the first
 * interruption to the last detach, but for threads that had not stopped in time ("thread-stuck"):
 * these are waited for once more, for ten seconds, since only then they can be let go. Error
 * "not-restored" (exit 6); all other threads have been let go then too. The threads' descriptions
 * stay until pyi_stop_deinit().
 */
struct pyi_error *pyi_stop_end(const struct pyi_process *process, struct pyi_stop *stop,
			       double *ret_paused_ms) PYI_MUST_CHECK;

void pyi_stop_deinit(struct pyi_stop *stop);

#endif
