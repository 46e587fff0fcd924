/*
 * One thread of a target under ptrace: stop it, run a system call in it under a guard, put
 * it back exactly, let it go.
 *
 * Every change is written down as a debt before it is made, and pyi_tracee_restore() undoes all of
 * them in reverse and says what it could not undo. Uses PTRACE_SEIZE, never ATTACH. Does not choose
 * the thread.
 *
 * If this process dies at any point: the kernel detaches, and the thread heals itself (see the
 * guard in tracee/arch.h); the signal mask is part of that.
 */
#ifndef PYI_TRACEE_TRACEE_H
#define PYI_TRACEE_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#include "base/error.h"
#include "process/process.h"
#include "tracee/arch.h"
#include "tracee/call_check.h"
#include "tracee/rseq.h"

enum pyi_tracee_state {
	PYI_TRACEE_FREE,
	/* Seized; it runs, or an interruption is on its way. */
	PYI_TRACEE_RUNNING,
	/* At an event stop. */
	PYI_TRACEE_STOPPED,
	PYI_TRACEE_GONE,
};

/* What we owe the thread, a bit each, in the order in which they are made. */
enum pyi_tracee_debt {
	PYI_DEBT_STACK = 1 << 0,
	PYI_DEBT_REGISTERS = 1 << 1,
	PYI_DEBT_SIGNAL_MASK = 1 << 2,
	PYI_DEBT_VECTORS = 1 << 3,
};

struct pyi_tracee {
	pid_t tid;
	enum pyi_tracee_state state;
	unsigned debts;
	/* As they shall be when the thread goes on. */
	struct pyi_registers registers;
	uint64_t signal_mask;
	/* What pyi_tracee_prepare_resume() found. */
	enum pyi_rseq_place rseq;
	struct pyi_vector_state vectors;
	struct pyi_guard guard;
	/* Set together with the guard. */
	const struct pyi_process *process;
	/* What the guard overwrote. */
	uint8_t *stack_bytes;
};

/* Seizes thread `tid`; it goes on running. Fails with errno. */
bool pyi_tracee_seize(struct pyi_tracee *tracee, pid_t tid);

/* Asks it to stop; pyi_tracee_wait_stop() waits for it. */
void pyi_tracee_interrupt(struct pyi_tracee *tracee);

/*
 * Waits until it is at an event stop, passing on signals that come first, and saves registers and
 * signal mask. Errors (exit 1): "target-exited"; "thread-stuck" when the deadline passes: it then
 * stays seized, and can be waited for once more; the end of this process detaches it.
 */
struct pyi_error *pyi_tracee_wait_stop(struct pyi_tracee *tracee,
				       uint64_t deadline_ns) PYI_MUST_CHECK;

/*
 * Prepares the saved registers for a restart of the interrupted system call (see
 * pyi_arch_prepare_restart()), without a call that a seccomp filter forbids it, and for a
 * restartable sequence that was cut (rseq(2)).
 */
void pyi_tracee_prepare_resume(struct pyi_tracee *tracee, const uint64_t *blocked_number,
			       const uint64_t *blocked_arguments, uint64_t slept_ms);

/*
 * Writes the guard to the stack of a thread of `process`, which must outlive the tracee, so that
 * the calls of `plan` can be run in it. Errors, with the thread untouched: choose another one:
 * those of pyi_call_check(); exit 1: "no-stack" when there is no room below the stack pointer;
 * "narrow-mask" when the call it was stopped in blocks signals that the thread does not block
 * otherwise; "rseq-unknown" when it cannot be known whether it is in a restartable sequence;
 * "fault-waiting" when it has yet to hear of a fault of its own.
 */
struct pyi_error *pyi_tracee_arm_guard(const struct pyi_process *process, struct pyi_tracee *tracee,
				       const struct pyi_gadgets *gadgets,
				       const struct pyi_call_plan *plan) PYI_MUST_CHECK;

/*
 * Runs one system call in the stopped thread, which must be guarded; `ret_result` is what the
 * kernel returned (-errno on failure). Afterwards the thread is at an event stop again, still
 * owing. Errors: those of pyi_call_check(), which is asked once more, and "fault-waiting": the call
 * has not been tried; "user-dispatch", "seccomp" or "call-faulted" when the kernel answered with a
 * signal instead of making it, of which the thread never hears; "foreign-call" when it was about to
 * make another one, which was not executed: the code at the gadget has changed; "target-exited"
 * when it died meanwhile.
 */
struct pyi_error *pyi_tracee_syscall(struct pyi_tracee *tracee, const struct pyi_gadgets *gadgets,
				     uint64_t number,
				     const uint64_t arguments[PYI_SYSCALL_ARGUMENTS],
				     int64_t *ret_result) PYI_MUST_CHECK;

/*
 * Undoes all debts in reverse order and reads back what it wrote. Error "not-restored"
 * (exit 6) says what could not be undone. A thread that is gone owes nothing.
 */
struct pyi_error *pyi_tracee_restore(struct pyi_tracee *tracee) PYI_MUST_CHECK;

/* Lets it go: after this nobody traces it. NULL-safe in every state. */
void pyi_tracee_detach(struct pyi_tracee *tracee);

/*
 * For a thread that is gone, or seems so: takes notice of its end, for its parent, and an execve()
 * of the target, hear of it only after us. A thread that has taken over the number in such an
 * execve() while it was seized is let go. Nothing happens if there is no such tracee.
 */
void pyi_tracee_take_leave(pid_t tid);

/* Ends a tracee of ours. We may have no right to send it signals (CAP_KILL): its tracer may. */
void pyi_tracee_kill(pid_t pid);

/* Frees the memory of the guard and of saved state. */
void pyi_tracee_deinit(struct pyi_tracee *tracee);

/*
 * Registers of any stopped tracee run one system call without any care for it: for our own
 * snapshot. Errors: "target-exited"; "foreign-call": end it.
 */
struct pyi_error *pyi_tracee_syscall_unguarded(pid_t tid, const struct pyi_gadgets *gadgets,
					       uint64_t sp, uint64_t number,
					       const uint64_t arguments[PYI_SYSCALL_ARGUMENTS],
					       int64_t *ret_result) PYI_MUST_CHECK;

#endif
