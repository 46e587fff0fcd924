/*
 * Stops one thread, runs a guarded system call in it, restores it. Does not know what the call is
 * for.
 */
#include "tracee/tracee.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/maps.h"
#include "tracee/live_memory.h"
#include "tracee/wait.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

/* include/uapi/linux/ptrace.h, Linux 5.3 */
#define GET_SYSCALL_INFO 0x420e
#define SYSCALL_INFO_ENTRY 1

/* The beginning of struct ptrace_syscall_info, at an entry. */
struct syscall_entry {
	uint8_t kind;
	uint8_t reserved[3];
	uint32_t machine;
	uint64_t pc;
	uint64_t sp;
	uint64_t number;
	uint64_t arguments[PYI_SYSCALL_ARGUMENTS];
};

/* The system call that a thread was told to make. */
struct expected_call {
	const struct pyi_gadgets *gadgets;
	uint64_t number;
	const uint64_t *arguments;
};

enum {
	/* Results by which the kernel says "run me again": include/linux/errno.h. */
	RESTART_FIRST = 512,
	RESTART_LAST = 514,
	/* A stopped thread answers at once; this only bounds a bug of ours or of the kernel. */
	STEP_TIMEOUT_MS = 10000,
	/* A thread that was killed is dead very soon, unless the kernel is busy with it. */
	LEAVE_TIMEOUT_MS = 500,
	ALL_SIGNALS_BYTES = 8,
	/* si_code of a SIGSYS: SYS_SECCOMP of include/uapi/asm-generic/siginfo.h */
	SECCOMP_TRAP_CODE = 1,
	/* So many signals that wait are looked at, some at a time. */
	WAITING_LIMIT = 4096,
	WAITING_ROUND = 8,
};

static bool is_event_stop(int status)
{
	return WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP;
}

static bool is_syscall_stop(int status)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80) && status >> 16 == 0;
}

/* The signal to hand on when resuming from this stop; events carry none. */
static int signal_of(int status)
{
	return status >> 16 ? 0 : WSTOPSIG(status);
}

static struct pyi_error *exited(struct pyi_tracee *tracee)
{
	tracee->state = PYI_TRACEE_GONE;
	tracee->debts = 0;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TARGET_EXITED,
				"thread %d of the target exited", tracee->tid);
}

bool pyi_tracee_seize(struct pyi_tracee *tracee, pid_t tid)
{
	*tracee = (struct pyi_tracee){ .tid = tid };
	if (!pyi_wait_seize(tid, PTRACE_O_TRACESYSGOOD))
		return false;
	tracee->state = PYI_TRACEE_RUNNING;
	return true;
}

void pyi_tracee_interrupt(struct pyi_tracee *tracee)
{
	if (tracee->state == PYI_TRACEE_RUNNING)
		ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL);
}

static struct pyi_error *thread_stuck(pid_t tid)
{
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_THREAD_STUCK,
				 "thread %d of the target does not stop", tid),
		"it hardly gets a processor, or the kernel is busy for it: try again in a moment");
}

/* Waits until the thread stops; it is said to have stopped if that is an event stop. */
static struct pyi_error *next_stop(struct pyi_tracee *tracee, uint64_t deadline_ns, int *ret_status)
{
	pid_t tid;

	switch (pyi_wait_tracee(tracee->tid, deadline_ns, false, &tid, ret_status)) {
	case PYI_WAIT_REPORTED:
		break;
	case PYI_WAIT_NO_TRACEE:
		return exited(tracee);
	default:
		return thread_stuck(tracee->tid);
	}
	if (!WIFSTOPPED(*ret_status))
		return exited(tracee);
	if (is_event_stop(*ret_status))
		tracee->state = PYI_TRACEE_STOPPED;
	return NULL;
}

/* Waits for the next event stop, passing on signals. */
static struct pyi_error *wait_event_stop(struct pyi_tracee *tracee, uint64_t deadline_ns)
{
	for (;;) {
		struct pyi_error *error;
		int status;

		error = next_stop(tracee, deadline_ns, &status);
		if (error || is_event_stop(status))
			return error;
		if (ptrace(PTRACE_CONT, tracee->tid, NULL, (void *)(intptr_t)signal_of(status)) !=
			    0 &&
		    errno == ESRCH)
			return exited(tracee);
	}
}

struct pyi_error *pyi_tracee_wait_stop(struct pyi_tracee *tracee, uint64_t deadline_ns)
{
	struct pyi_error *error = wait_event_stop(tracee, deadline_ns);

	if (error)
		return error;
	if (!pyi_arch_get_registers(tracee->tid, &tracee->registers) ||
	    ptrace(PTRACE_GETSIGMASK, tracee->tid, (void *)ALL_SIGNALS_BYTES,
		   &tracee->signal_mask) != 0)
		return exited(tracee);
	return NULL;
}

void pyi_tracee_prepare_resume(struct pyi_tracee *tracee, const uint64_t *blocked_number,
			       const uint64_t *blocked_arguments, uint64_t slept_ms)
{
	struct pyi_registers before = tracee->registers;
	uint64_t abort_addr;
	uint64_t end_addr;

	pyi_arch_prepare_restart(tracee->tid, &tracee->registers, blocked_number, blocked_arguments,
				 slept_ms);
	/* Rather too long a sleep than a call that could be the end of it. */
	if (pyi_arch_restarts_by_call(&tracee->registers, &end_addr) &&
	    !pyi_call_may_restart(tracee->tid, end_addr))
		pyi_arch_restart_in_full(tracee->tid, &tracee->registers);
	/*
	 * Written at once: if we die before that, the thread sees the interruption. Whether it
	 * went well, pyi_tracee_restore() finds out.
	 */
	if (memcmp(&before, &tracee->registers, sizeof(before)) != 0) {
		tracee->debts |= PYI_DEBT_REGISTERS;
		pyi_arch_set_registers(tracee->tid, &tracee->registers);
	}
	tracee->rseq = pyi_rseq_find(tracee->tid, pyi_arch_pc(&tracee->registers), &abort_addr);
	if (tracee->rseq == PYI_RSEQ_INSIDE)
		pyi_arch_set_pc(&tracee->registers, abort_addr);
	if (memcmp(&before, &tracee->registers, sizeof(before)) != 0)
		tracee->debts |= PYI_DEBT_REGISTERS;
}

/*
 * A page that is not there yet is brought by the kernel, unless it is of a file: then by whoever
 * keeps that, who may never do so, and may be the process that stands still.
 */
static bool stack_is_there(const struct pyi_tracee *tracee)
{
	const struct pyi_guard *guard = &tracee->guard;
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	const struct pyi_map *first;
	const struct pyi_map *last;

	if (pyi_live_memory_is_present(tracee->tid, guard->addr, guard->size_bytes))
		return true;
	error = pyi_maps_read(tracee->process, &maps);
	if (error)
		return false;
	first = pyi_maps_find(&maps, guard->addr);
	last = pyi_maps_find(&maps, guard->addr + guard->size_bytes - 1);
	return (!first || !first->inode) && (!last || !last->inode);
}

static bool copy_stack(const struct pyi_tracee *tracee, void *bytes, bool write)
{
	struct iovec local = { bytes, tracee->guard.size_bytes };
	struct iovec remote = { (void *)(uintptr_t)tracee->guard.addr, tracee->guard.size_bytes };
	ssize_t done = write ? process_vm_writev(tracee->tid, &local, 1, &remote, 1, 0)
			     : process_vm_readv(tracee->tid, &local, 1, &remote, 1, 0);

	return done == (ssize_t)tracee->guard.size_bytes;
}

/* Signals by which the kernel says that an instruction cannot be run, a bit each. */
static uint64_t fault_signals(void)
{
	static const int signals[] = { SIGSYS, SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	uint64_t bits = 0;

	for (size_t s = 0; s < sizeof(signals) / sizeof(signals[0]); s++)
		bits |= UINT64_C(1) << (signals[s] - 1);
	return bits;
}

/* Others send these signals, too; theirs have no positive code. */
static bool is_fault(const siginfo_t *signal)
{
	return signal->si_code > 0 && fault_signals() >> (signal->si_signo - 1) & 1;
}

/*
 * Finds a fault among the signals that wait for this thread alone: one with `code` and `addr` of a
 * SIGSYS, or any if `code` is 0. Also true if there are too many signals to look at.
 */
static bool has_fault_waiting(pid_t tid, int code, uint64_t addr)
{
	struct __ptrace_peeksiginfo_args which = { .nr = WAITING_ROUND };
	siginfo_t waiting[WAITING_ROUND];
	long count;

	do {
		count = ptrace(PTRACE_PEEKSIGINFO, tid, &which, waiting);
		for (long w = 0; w < count; w++)
			if (is_fault(&waiting[w]) &&
			    (!code ||
			     (waiting[w].si_signo == SIGSYS && waiting[w].si_code == code &&
			      (uintptr_t)waiting[w].si_call_addr == addr)))
				return true;
		which.off += WAITING_ROUND;
	} while (count == WAITING_ROUND && which.off < WAITING_LIMIT);
	return count == WAITING_ROUND;
}

/*
 * Whether the calls of a plan can be run in this thread, which stands still, and so stays as it is,
 * but for what the process's other threads do to it: they can give it a filter of system calls.
 *
 * Not while it has yet to hear of a fault of its own, which could not be told from one of ours.
 */
static struct pyi_error *check_calls(const struct pyi_process_status *status,
				     const struct pyi_tracee *tracee,
				     const struct pyi_gadgets *gadgets,
				     const struct pyi_call_plan *plan)
{
	if (has_fault_waiting(tracee->tid, 0, 0))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_FAULT_WAITING,
					"thread %d of the target is about to handle a fault",
					tracee->tid);
	return pyi_call_check(tracee->tid, status, gadgets, plan);
}

struct pyi_error *pyi_tracee_arm_guard(const struct pyi_process *process, struct pyi_tracee *tracee,
				       const struct pyi_gadgets *gadgets,
				       const struct pyi_call_plan *plan)
{
	struct pyi_process_status status;
	struct pyi_error *error = pyi_process_read_status(process, tracee->tid, &status);

	if (error)
		return error;
	/*
	 * The call that it was stopped in, sigsuspend() or ppoll() for example, blocks what the
	 * thread does not block otherwise: the kernel shows and takes only the thread's own mask
	 * then, and forgets the call's when we write: a signal that it blocks and that comes during
	 * the stop would end the call.
	 */
	if (status.signals_blocked & ~tracee->signal_mask)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NARROW_MASK,
					"thread %d of the target blocks signals just for the call "
					"it is in",
					tracee->tid);
	/* One that is only held is aborted by the kernel when it goes on, but not after a call of
	   ours. */
	if (tracee->rseq == PYI_RSEQ_UNKNOWN)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_RSEQ_UNKNOWN,
					"whether thread %d of the target is in a restartable "
					"sequence is in memory that is not there",
					tracee->tid);
	error = check_calls(&status, tracee, gadgets, plan);
	if (error)
		return error;
	tracee->process = process;
	error = pyi_arch_build_guard(tracee->tid, &tracee->registers, tracee->signal_mask, gadgets,
				     &tracee->guard);
	if (error)
		return error;
	tracee->stack_bytes = malloc(tracee->guard.size_bytes);
	if (!tracee->stack_bytes)
		return pyi_error_no_memory();
	if (!stack_is_there(tracee) || !copy_stack(tracee, tracee->stack_bytes, false))
		goto no_stack;
	tracee->debts |= PYI_DEBT_STACK;
	if (!copy_stack(tracee, tracee->guard.bytes, true))
		goto no_stack;
	if (!pyi_arch_save_vectors(tracee->tid, &tracee->vectors))
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_GUARD, errno,
					      "cannot save the vector registers of thread %d",
					      tracee->tid);
	if (tracee->vectors.size_bytes)
		tracee->debts |= PYI_DEBT_VECTORS;
	return NULL;

no_stack:
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_STACK,
				"thread %d of the target has no room on its stack", tracee->tid);
}

/* True if the signal that a stopped thread is about to get comes from the call that we run. */
static bool is_consequence(pid_t tid, const struct pyi_gadgets *gadgets, siginfo_t *ret_cause)
{
	return ptrace(PTRACE_GETSIGINFO, tid, NULL, ret_cause) == 0 && is_fault(ret_cause) &&
	       (ret_cause->si_signo != SIGSYS ||
		(uintptr_t)ret_cause->si_call_addr == pyi_arch_syscall_end(gadgets));
}

static struct pyi_error *answered_by_signal(pid_t tid, const siginfo_t *cause)
{
	if (cause->si_signo != SIGSYS)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_CALL_FAULTED,
					"a call could not be run in thread %d of the target: "
					"signal %d",
					tid, cause->si_signo);
	if (cause->si_code == SECCOMP_TRAP_CODE)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_SECCOMP,
						       "the seccomp filter of thread %d of the "
						       "target does not let a call through",
						       tid),
				      "copy the memory: --source mirror");
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_USER_DISPATCH,
					       "thread %d of the target handles its system calls "
					       "itself (Syscall User Dispatch)",
					       tid),
			      "copy the memory: --source mirror");
}

/*
 * A signal that has nothing to do with us waits until the thread is itself again: the kernel puts
 * one that is blocked when it is to be delivered back to where it was.
 */
static int hold_back(pid_t tid, int number)
{
	uint64_t mask;

	if (number && ptrace(PTRACE_GETSIGMASK, tid, (void *)ALL_SIGNALS_BYTES, &mask) == 0) {
		mask |= UINT64_C(1) << (number - 1);
		ptrace(PTRACE_SETSIGMASK, tid, (void *)ALL_SIGNALS_BYTES, &mask);
	}
	return number;
}

/* What a thread is about to do, at the entry of a system call; false with errno. */
static bool read_entry(pid_t tid, struct syscall_entry *ret_entry)
{
	struct pyi_registers registers;

	if (ptrace(GET_SYSCALL_INFO, tid, (void *)sizeof(*ret_entry), ret_entry) >=
	    (long)sizeof(*ret_entry))
		return true;
	if (!pyi_arch_get_registers(tid, &registers))
		return false;
	*ret_entry = (struct syscall_entry){
		.kind = SYSCALL_INFO_ENTRY,
		.machine = pyi_arch_audit,
		.pc = pyi_arch_pc(&registers),
		.number = pyi_arch_syscall_number(&registers),
	};
	pyi_arch_syscall_arguments(&registers, ret_entry->arguments);
	return true;
}

/*
 * The code at a gadget is the target's, and may be another by now: what a thread does there is
 * only let happen if it is what it was told to do.
 */
static bool is_expected(const struct syscall_entry *entry, const struct expected_call *expected)
{
	return entry->kind == SYSCALL_INFO_ENTRY && entry->machine == pyi_arch_audit &&
	       entry->pc == pyi_arch_syscall_end(expected->gadgets) &&
	       entry->number == expected->number &&
	       memcmp(entry->arguments, expected->arguments, sizeof(entry->arguments)) == 0;
}

/*
 * From a stop in which registers are set, to the exit of the system call they make. If the kernel
 * answers with a signal instead, that is an error, and the thread is about to get it. Another call
 * than the expected one is not executed: error "foreign-call", also at an exit.
 */
static struct pyi_error *run_to_syscall_exit(struct pyi_tracee *tracee,
					     const struct expected_call *expected,
					     int64_t *ret_result)
{
	uint64_t deadline_ns = pyi_clock_deadline(STEP_TIMEOUT_MS, PYI_CLOCK_NEVER);
	struct pyi_registers registers;
	struct syscall_entry entry;
	bool foreign = false;
	bool inside = false;
	int deliver = 0;

	for (;;) {
		siginfo_t cause;
		pid_t tid;
		int status;

		if (ptrace(PTRACE_SYSCALL, tracee->tid, NULL, (void *)(intptr_t)deliver) != 0)
			return exited(tracee);
		switch (pyi_wait_tracee(tracee->tid, deadline_ns, false, &tid, &status)) {
		case PYI_WAIT_REPORTED:
			break;
		case PYI_WAIT_NO_TRACEE:
			return exited(tracee);
		default:
			tracee->state = PYI_TRACEE_RUNNING;
			return pyi_error_create(PYI_EXIT_NOT_RESTORED, PYI_ERROR_THREAD_STUCK,
						"a system call run in thread %d does not return",
						tracee->tid);
		}
		if (!WIFSTOPPED(status))
			return exited(tracee);
		deliver = 0;
		if (!is_syscall_stop(status)) {
			deliver = signal_of(status);
			if (deliver && is_consequence(tid, expected->gadgets, &cause))
				return answered_by_signal(tid, &cause);
			deliver = hold_back(tid, deliver);
			continue;
		}
		inside = !inside;
		if (inside) {
			if (!read_entry(tid, &entry))
				return exited(tracee);
			foreign = !is_expected(&entry, expected);
			if (foreign && !pyi_arch_skip_syscall(tid))
				return exited(tracee);
			continue;
		}
		if (foreign)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_FOREIGN_CALL,
						"thread %d ran code of its own in place of a "
						"system call of ours",
						tracee->tid);
		if (!pyi_arch_get_registers(tracee->tid, &registers))
			return exited(tracee);
		/* It was not made, and what is in the registers is no result. */
		if (has_fault_waiting(tid, SECCOMP_TRAP_CODE,
				      pyi_arch_syscall_end(expected->gadgets)))
			continue;
		*ret_result = pyi_arch_syscall_result(&registers);
		/* A pending signal sent it back; the kernel runs it again as soon as it goes on. */
		if (*ret_result >= -RESTART_LAST && *ret_result <= -RESTART_FIRST)
			continue;
		return NULL;
	}
}

/*
 * Only at an event stop does the kernel look again at whether the interrupted call of the restored
 * registers must be restarted. A signal that it is about to get is gone after this.
 */
static struct pyi_error *return_to_event_stop(struct pyi_tracee *tracee)
{
	uint64_t deadline_ns = pyi_clock_deadline(STEP_TIMEOUT_MS, PYI_CLOCK_NEVER);
	int deliver = 0;

	tracee->state = PYI_TRACEE_RUNNING;
	ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL);
	for (;;) {
		struct pyi_error *error;
		int status;

		if (ptrace(PTRACE_CONT, tracee->tid, NULL, (void *)(intptr_t)deliver) != 0)
			return exited(tracee);
		error = next_stop(tracee, deadline_ns, &status);
		if (error || is_event_stop(status))
			return error;
		deliver = hold_back(tracee->tid, signal_of(status));
	}
}

struct pyi_error *pyi_tracee_syscall(struct pyi_tracee *tracee, const struct pyi_gadgets *gadgets,
				     uint64_t number,
				     const uint64_t arguments[PYI_SYSCALL_ARGUMENTS],
				     int64_t *ret_result)
{
	const struct expected_call expected = { gadgets, number, arguments };
	struct pyi_planned_call call = { .number = number, .known = PYI_SECCOMP_ALL_KNOWN };
	const struct pyi_call_plan plan = { .calls = &call, .count = 1 };
	struct pyi_registers registers = tracee->registers;
	uint64_t mask = ~fault_signals();
	struct pyi_process_status status;
	struct pyi_error *stopping;
	struct pyi_error *error;

	memcpy(call.arguments, arguments, sizeof(call.arguments));
	error = pyi_process_read_status(tracee->process, tracee->tid, &status);
	if (!error)
		error = check_calls(&status, tracee, gadgets, &plan);
	if (error)
		return error;
	/* Registers before the mask: a death in between still returns through the guard. */
	pyi_arch_set_syscall(&registers, gadgets, tracee->guard.sp, number, arguments);
	tracee->debts |= PYI_DEBT_REGISTERS;
	if (!pyi_arch_set_registers(tracee->tid, &registers))
		return exited(tracee);
	/* When the kernel has to send a fault that is blocked, it takes away the handler first. */
	tracee->debts |= PYI_DEBT_SIGNAL_MASK;
	if (ptrace(PTRACE_SETSIGMASK, tracee->tid, (void *)ALL_SIGNALS_BYTES, &mask) != 0)
		return exited(tracee);
	error = run_to_syscall_exit(tracee, &expected, ret_result);
	if (tracee->state != PYI_TRACEE_STOPPED)
		return error;
	stopping = return_to_event_stop(tracee);
	if (!error)
		return stopping;
	pyi_error_destroy(stopping);
	return error;
}

static bool restore_signal_mask(struct pyi_tracee *tracee)
{
	uint64_t now;

	return ptrace(PTRACE_SETSIGMASK, tracee->tid, (void *)ALL_SIGNALS_BYTES,
		      &tracee->signal_mask) == 0 &&
	       ptrace(PTRACE_GETSIGMASK, tracee->tid, (void *)ALL_SIGNALS_BYTES, &now) == 0 &&
	       now == tracee->signal_mask;
}

static bool restore_registers(struct pyi_tracee *tracee)
{
	struct pyi_registers now;

	return pyi_arch_set_registers(tracee->tid, &tracee->registers) &&
	       pyi_arch_get_registers(tracee->tid, &now) &&
	       memcmp(&now, &tracee->registers, sizeof(now)) == 0;
}

static bool restore_stack(struct pyi_tracee *tracee)
{
	/* The guard's own bytes are not needed any more: room to read back into. */
	return copy_stack(tracee, tracee->stack_bytes, true) &&
	       copy_stack(tracee, tracee->guard.bytes, false) &&
	       memcmp(tracee->guard.bytes, tracee->stack_bytes, tracee->guard.size_bytes) == 0;
}

/* True if a thread that was in our stop has been killed: nothing can be done for it, or to it. */
static bool was_killed(const struct pyi_tracee *tracee)
{
	uint64_t mask;

	return tracee->state == PYI_TRACEE_STOPPED &&
	       ptrace(PTRACE_GETSIGMASK, tracee->tid, (void *)ALL_SIGNALS_BYTES, &mask) != 0 &&
	       errno == ESRCH;
}

struct pyi_error *pyi_tracee_restore(struct pyi_tracee *tracee)
{
	unsigned failed = 0;

	if (tracee->state == PYI_TRACEE_GONE)
		return NULL;
	if (tracee->state == PYI_TRACEE_STOPPED) {
		if (tracee->debts & PYI_DEBT_VECTORS &&
		    !pyi_arch_restore_vectors(tracee->tid, &tracee->vectors))
			failed |= PYI_DEBT_VECTORS;
		if (tracee->debts & PYI_DEBT_SIGNAL_MASK && !restore_signal_mask(tracee))
			failed |= PYI_DEBT_SIGNAL_MASK;
		if (tracee->debts & PYI_DEBT_REGISTERS && !restore_registers(tracee))
			failed |= PYI_DEBT_REGISTERS;
		if (tracee->debts & PYI_DEBT_STACK && !restore_stack(tracee))
			failed |= PYI_DEBT_STACK;
	} else {
		failed = tracee->debts;
	}
	tracee->debts = 0;
	if (!failed)
		return NULL;
	if (was_killed(tracee)) {
		tracee->state = PYI_TRACEE_GONE;
		return NULL;
	}
	return pyi_error_create(PYI_EXIT_NOT_RESTORED, PYI_ERROR_NOT_RESTORED,
				"could not put back%s%s%s%s of thread %d",
				failed & PYI_DEBT_REGISTERS ? " the registers" : "",
				failed & PYI_DEBT_SIGNAL_MASK ? " the signal mask" : "",
				failed & PYI_DEBT_STACK ? " the stack" : "",
				failed & PYI_DEBT_VECTORS ? " the vector registers" : "",
				tracee->tid);
}

void pyi_tracee_detach(struct pyi_tracee *tracee)
{
	/* A running tracee cannot be detached; the end of this process does it. */
	if (tracee->state != PYI_TRACEE_STOPPED)
		return;
	/* It fails only if it has been killed. */
	tracee->state = ptrace(PTRACE_DETACH, tracee->tid, NULL, NULL) == 0 ? PYI_TRACEE_FREE
									    : PYI_TRACEE_GONE;
}

void pyi_tracee_take_leave(pid_t tid)
{
	uint64_t deadline_ns = pyi_clock_deadline(LEAVE_TIMEOUT_MS, PYI_CLOCK_NEVER);
	struct pyi_registers registers;
	pid_t reporter;
	int status;

	/* The seizure of a thread that calls execve() waits for that; then it has this number, and
	   nobody has asked it to stop. */
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	while (pyi_wait_tracee(tid, deadline_ns, false, &reporter, &status) == PYI_WAIT_REPORTED &&
	       WIFSTOPPED(status)) {
		if (is_event_stop(status) && pyi_arch_get_registers(tid, &registers)) {
			pyi_arch_prepare_restart(tid, &registers, NULL, NULL, UINT64_MAX);
			pyi_arch_set_registers(tid, &registers);
		}
		ptrace(PTRACE_DETACH, tid, NULL, (void *)(intptr_t)signal_of(status));
	}
}

void pyi_tracee_kill(pid_t pid)
{
	if (kill(pid, SIGKILL) != 0)
		ptrace(PTRACE_KILL, pid, NULL, NULL);
}

void pyi_tracee_deinit(struct pyi_tracee *tracee)
{
	free(tracee->guard.bytes);
	free(tracee->stack_bytes);
	free(tracee->vectors.bytes);
	tracee->guard.bytes = NULL;
	tracee->stack_bytes = NULL;
	tracee->vectors.bytes = NULL;
}

struct pyi_error *pyi_tracee_syscall_unguarded(pid_t tid, const struct pyi_gadgets *gadgets,
					       uint64_t sp, uint64_t number,
					       const uint64_t arguments[PYI_SYSCALL_ARGUMENTS],
					       int64_t *ret_result)
{
	const struct expected_call expected = { gadgets, number, arguments };
	struct pyi_tracee tracee = { .tid = tid, .state = PYI_TRACEE_STOPPED };
	struct pyi_registers registers;

	if (!pyi_arch_get_registers(tid, &registers))
		return exited(&tracee);
	pyi_arch_set_syscall(&registers, gadgets, sp, number, arguments);
	if (!pyi_arch_set_registers(tid, &registers))
		return exited(&tracee);
	return run_to_syscall_exit(&tracee, &expected, ret_result);
}
