/*
 * Waits for what tracees report, with a deadline, and for the user's wish to stop.
 *
 * Works on blocked signals: pyi_wait_init() blocks SIGCHLD and the signals that end a program
 * for the whole life of the process, so no handler exists and nothing can be
 * missed between a check and a wait. Not for programs with threads.
 */
#ifndef PYI_TRACEE_WAIT_H
#define PYI_TRACEE_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum pyi_wait_result {
	/* A status was reported. */
	PYI_WAIT_REPORTED,
	PYI_WAIT_DEADLINE,
	/* The user asked to end (SIGINT, SIGTERM, SIGHUP, SIGQUIT): pyi_wait_cancel_signal() says
	   how. */
	PYI_WAIT_CANCELLED,
	/* There is no such tracee (any more). */
	PYI_WAIT_NO_TRACEE,
};

/* Blocks the signals; to be called once, before anything is traced. */
void pyi_wait_init(void);

/*
 * Waits until tracee `tid` (or any of them with -1) reports; `ret_tid` and `ret_status` as
 * waitpid(2). `deadline_ns` as base/clock.h. With `cancellable` false the user's signals stay
 * pending: for the moments in which the target is stopped.
 */
enum pyi_wait_result pyi_wait_tracee(pid_t tid, uint64_t deadline_ns, bool cancellable,
				     pid_t *ret_tid, int *ret_status);

/* Waits until the deadline, or until the user asks to end; true if it was the user. */
bool pyi_wait_pause(uint64_t deadline_ns);

/* True if the user has asked to end; does not wait. */
bool pyi_wait_is_cancelled(void);

/* The signal that asked us to end, or 0. Once asked, it stays so. */
int pyi_wait_cancel_signal(void);

#endif
