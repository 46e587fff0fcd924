/*
 * The process that the user started: it starts a broker (with rights), a worker (without), for some
 * commands a keeper (with files), and ends them in time whatever happens to them.
 *
 * Never makes a call that the target could hold up: it does not look into /proc/PID, memory or
 * files of it. When it dies, all of them die with it.
 */
#ifndef PYI_BROKER_SUPERVISOR_H
#define PYI_BROKER_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct pyi_supervision {
	/*
	 * In the worker: does the work, and ends the process with its exit code. `keeper_fd` is -1
	 * if there is no keeper.
	 */
	void (*work)(void *argument, int broker_fd, int keeper_fd) __attribute__((noreturn));
	/* In the keeper, likewise; NULL: there is none. Its exit code then counts. */
	void (*keep)(void *argument, int worker_fd) __attribute__((noreturn));
	void *argument;
	/*
	 * The process that the run is about, and when it was started, in clock ticks since boot; 0:
	 * the first one that the worker asks for.
	 */
	pid_t pid;
	uint64_t start_ticks;
	/* What the user accepts for one stop of the target. */
	double max_pause_ms;
	/* On base/clock.h's clock: by then they are to have ended of their own accord. */
	uint64_t deadline_ns;
};

struct pyi_supervised {
	/* The exit code that counts, if that process ended by itself. */
	int exit_code;
	/* The signal that ended it; 0: none. */
	int signal;
	/* The user's signal that it was to end for; 0: none. */
	int cancel_signal;
	/* Something had to be ended, because of the deadline or the user's signal. */
	bool overdue;
	/* The target could not be put back as it was; or the broker had to be ended, or was, while
	   something was owed to it. */
	bool not_restored;
};

/*
 * Runs them and waits for their ends. When the worker had to be ended, the broker has half a second
 * to put the target back, and the keeper to say so. pyi_wait_init() must have been called. Errors
 * (exit 1): PYI_ERROR_WORKER_LOST, nothing could be started.
 */
struct pyi_error *pyi_supervise(const struct pyi_supervision *supervision,
				struct pyi_supervised *ret_supervised) PYI_MUST_CHECK;

/*
 * Whether the target is as it was, when the broker has ended with `broker_status` (as waitpid())
 * and so much was owed. One that was ended, or that something else than itself has made exit (a
 * sanitizer, for one), has not said so.
 */
bool pyi_supervisor_was_restored(int broker_status, uint32_t debts);

#endif
