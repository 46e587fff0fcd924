/*
 * Waits for what tracees report, with a deadline, and for the user's wish to stop.
 *
 * Works on blocked signals: pyi_wait_init() blocks SIGCHLD and the signals that end a program
 * for the whole life of the process, so nothing can be missed between a check and a wait; the one
 * handler there is can only run within pyi_wait_seize(). Not for programs with threads.
 *
 * An execve() of the target holds its cred_guard_mutex until all other threads have been reaped,
 * those that we trace by us; and PTRACE_SEIZE waits for that mutex, as does a thread that is to
 * stop and calls execve(). Who waits for them and does not reap meanwhile stands still for ever,
 * and so does the target (opencontainers/runc#1025). So tracees that have died are reaped while
 * anything else is waited for. Before Linux 5.7 reading the target's memory waits for the mutex,
 * too, and nothing can be done meanwhile: pyi_wait_limit_stop() ends that.
 */
#ifndef PYI_TRACEE_WAIT_H
#define PYI_TRACEE_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

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
 * waitpid(2). Of a tracee that was reaped while something else was waited for it says
 * PYI_WAIT_NO_TRACEE. `deadline_ns` as base/clock.h. With `cancellable` false the user's signals
 * stay pending: for the moments in which the target is stopped.
 */
enum pyi_wait_result pyi_wait_tracee(pid_t tid, uint64_t deadline_ns, bool cancellable,
				     pid_t *ret_tid, int *ret_status);

/*
 * PTRACE_SEIZE with ptrace `options`; fails with errno (ENOMEM: ours). Until
 * pyi_wait_forget_seized() the thread is one of those that are reaped when they die.
 */
bool pyi_wait_seize(pid_t tid, unsigned options);

/* Does that at once, for whoever waits without pyi_wait_tracee(). */
void pyi_wait_reap_the_dead(void);

/* All that were seized have been let go. */
void pyi_wait_forget_seized(void);

/*
 * The last resort against standing still: unless called again, with 0 for "no limit", this process
 * is killed after so many milliseconds. The kernel then lets go of all tracees, and each heals
 * itself (tracee/tracee.h).
 */
void pyi_wait_limit_stop(uint64_t limit_ms);

/*
 * A thread does not heal before its registers have been written once: it sees that it was
 * interrupted. With true the end of our parent (PR_SET_PDEATHSIG) waits; with false it ends us as
 * before, at once if it has come.
 */
void pyi_wait_outlive_parent(bool for_now);

/* Waits until the deadline, or until the user asks to end; true if it was the user. */
bool pyi_wait_pause(uint64_t deadline_ns);

/* True if the user has asked to end; does not wait. */
bool pyi_wait_is_cancelled(void);

/* The signal that asked us to end, or 0. Once asked, it stays so. */
int pyi_wait_cancel_signal(void);

/* The error "interrupted" (exit 1), which names that signal. */
struct pyi_error *pyi_wait_interrupted(void) PYI_MUST_CHECK PYI_NEVER_NULL;

#endif
