/*
 * What differs between processors when a system call is injected: registers, gadgets, the
 * guard frame, and which blocked system calls may be interrupted.
 *
 * One file per architecture implements all of it (the build picks arch_<cpu>.c); nothing else
 * in the tree asks for the architecture. To add one, implement every function here; each comment
 * says what the rest of the program relies on.
 *
 * The guard: before a thread is made to run an injected system call, a signal frame with its
 * own registers is written below its stack pointer, and the system call is run at a
 * "system call; return" gadget whose return leads to rt_sigreturn with that frame. If we are
 * killed at any instruction, the thread runs the call, returns into rt_sigreturn and is
 * itself again. A second return path below it leads to exit_group: the stack of a cloned child,
 * which therefore never runs the target's code, even if nobody traces it.
 */
#ifndef PYI_TRACEE_ARCH_H
#define PYI_TRACEE_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "base/error.h"

enum {
	PYI_GADGET_LIMIT = 4,
	PYI_SYSCALL_ARGUMENTS = 6,
	/* What an orphaned snapshot exits with; how a later run recognises its zombie. */
	PYI_ORPHAN_EXIT_STATUS = 0x5e,
};

/* Name of a snapshot (comm), how a later run recognises a zombie that is ours. */
#define PYI_SNAPSHOT_COMM "pyinspect-snap"

struct pyi_registers {
	struct user_regs_struct user;
};

/* A byte sequence to be found in executable memory of the target; the first is a system call. */
struct pyi_gadget_pattern {
	/* For messages. */
	const char *name;
	uint8_t bytes[8];
	uint8_t size_bytes;
	/* Instructions start at multiples of this. */
	uint8_t alignment;
};

extern const struct pyi_gadget_pattern pyi_arch_gadget_patterns[];
extern const size_t pyi_arch_gadget_count;

/* AUDIT_ARCH_... of linux/audit.h: how the kernel calls this machine's own system calls. */
extern const uint32_t pyi_arch_audit;

/* Addresses in the target of the gadgets, in the order of the patterns. */
struct pyi_gadgets {
	uint64_t addr[PYI_GADGET_LIMIT];
};

/* How a thread takes being interrupted in a blocked system call. */
enum pyi_interruption {
	/* It runs, or the kernel restarts the call unseen. */
	PYI_INTERRUPTION_UNSEEN,
	/* The kernel goes on with it for what is left of its timeout, as restart_syscall(2), which
	   is what /proc shows then; injected into, it may end early if we are killed. */
	PYI_INTERRUPTION_CONTINUED,
	/* The call fails with EINTR; starting it again with the same arguments repairs that. */
	PYI_INTERRUPTION_REWIND,
	/* The same, but the timeout in milliseconds (see below) must be shortened by the time
	   already slept. */
	PYI_INTERRUPTION_REWIND_TIMED,
	/* It would return a partial result, or we do not know: not to be touched. */
	PYI_INTERRUPTION_FORBIDDEN,
};

/* The class of a system call a thread is blocked in, from /proc/TID/syscall. */
enum pyi_interruption pyi_arch_interruption(uint64_t number,
					    const uint64_t arguments[PYI_SYSCALL_ARGUMENTS]);

/* Reads or writes the general registers of a stopped tracee; false with errno. */
bool pyi_arch_get_registers(pid_t tid, struct pyi_registers *ret_registers);
bool pyi_arch_set_registers(pid_t tid, const struct pyi_registers *registers);

/* Instruction pointer, stack pointer, thread pointer (the base of thread-local storage). */
uint64_t pyi_arch_pc(const struct pyi_registers *registers);
void pyi_arch_set_pc(struct pyi_registers *registers, uint64_t pc);
uint64_t pyi_arch_sp(const struct pyi_registers *registers);
uint64_t pyi_arch_thread_pointer(pid_t tid, const struct pyi_registers *registers);

/*
 * True if the thread with this thread pointer is the one that pthread_self() calls `pthread_id`:
 * some C libraries keep their description of a thread below the thread pointer, and its size is
 * theirs to know.
 */
bool pyi_arch_is_thread(uint64_t thread_pointer, uint64_t pthread_id);

/* Gives a stopped tracee the thread-local storage at `thread_pointer`; false with errno. */
bool pyi_arch_set_thread_pointer(pid_t tid, uint64_t thread_pointer);

/*
 * Makes `registers`, read at an event stop, such that writing them back at an event stop and
 * detaching lets the thread go on as if it had never been stopped. `slept_ms` is how
 * long it had been blocked (for REWIND_TIMED; UINT64_MAX if unknown: the full timeout again).
 * `blocked_number` and `blocked_arguments` are what /proc/TID/syscall said before the stop (NULL if
 * it was running).
 */
void pyi_arch_prepare_restart(pid_t tid, struct pyi_registers *registers,
			      const uint64_t *blocked_number, const uint64_t *blocked_arguments,
			      uint64_t slept_ms);

/*
 * True if a thread that goes on with `registers`, which are prepared for that, calls
 * restart_syscall(2): a call that its program never made. `ret_end_addr` is where it is then, as
 * below. And what makes the original call be started again instead, with the full timeout; on
 * aarch64, if the code before the call has an effect, it fails with EINTR instead.
 */
bool pyi_arch_restarts_by_call(const struct pyi_registers *registers, uint64_t *ret_end_addr);
void pyi_arch_restart_in_full(pid_t tid, struct pyi_registers *registers);

/*
 * Turns `registers` (of a stopped thread) into ones that run a system call at the gadget with
 * stack pointer `sp`, on return from which the words at `sp` are followed.
 */
void pyi_arch_set_syscall(struct pyi_registers *registers, const struct pyi_gadgets *gadgets,
			  uint64_t sp, uint64_t number,
			  const uint64_t arguments[PYI_SYSCALL_ARGUMENTS]);

/* At a system call stop: the number and arguments (entry), the result (exit). */
uint64_t pyi_arch_syscall_number(const struct pyi_registers *registers);
void pyi_arch_syscall_arguments(const struct pyi_registers *registers,
				uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS]);
int64_t pyi_arch_syscall_result(const struct pyi_registers *registers);
void pyi_arch_set_syscall_result(struct pyi_registers *registers, uint64_t value);

/* At a system call's entry: it is not executed. False with errno. */
bool pyi_arch_skip_syscall(pid_t tid);

/* At a system call's entry: another one is executed in its place. False with errno. */
bool pyi_arch_replace_syscall(pid_t tid, uint64_t number,
			      const uint64_t arguments[PYI_SYSCALL_ARGUMENTS]);

/* Registers that call `pc` with one argument on stack `sp` (its highest address, exclusive). */
void pyi_arch_set_call(struct pyi_registers *registers, uint64_t pc, uint64_t sp,
		       uint64_t argument);

/*
 * Where a thread is, for whoever looks at it, in a call that pyi_arch_set_syscall() makes, and in
 * the rt_sigreturn of the guard: behind the instruction.
 */
uint64_t pyi_arch_syscall_end(const struct pyi_gadgets *gadgets);
uint64_t pyi_arch_sigreturn_end(const struct pyi_gadgets *gadgets);

/* True if a stopped tracee uses a shadow stack (SHSTK, GCS). */
bool pyi_arch_has_shadow_stack(pid_t tid);

/* clone(flags, stack) in the architecture's order of arguments. */
void pyi_arch_clone_arguments(uint64_t flags, uint64_t stack,
			      uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS]);

/* Bytes to be put on a thread's stack, and where. */
struct pyi_guard {
	/* The lowest address of the block; all below the red zone. */
	uint64_t addr;
	size_t size_bytes;
	uint8_t *bytes;
	/* Stack pointer for the injected call, and for a cloned child. */
	uint64_t sp;
	uint64_t child_sp;
	/* Address of PYI_SNAPSHOT_COMM within the block. */
	uint64_t comm_addr;
};

/*
 * Builds the guard for a stopped thread with `registers` (already prepared for
 * restart) and signal mask `mask`. Does not write to the target. `guard->bytes` is malloc'ed.
 * Error "guard" (exit 1) when the registers cannot be read.
 */
struct pyi_error *pyi_arch_build_guard(pid_t tid, const struct pyi_registers *registers,
				       uint64_t mask, const struct pyi_gadgets *gadgets,
				       struct pyi_guard *ret_guard) PYI_MUST_CHECK;

/* State that the kernel drops when a system call runs (vector registers on some processors). */
struct pyi_vector_state {
	void *bytes;
	size_t size_bytes;
};

/* Saves it if this thread has some to lose (else leaves it empty); false on failure. */
bool pyi_arch_save_vectors(pid_t tid, struct pyi_vector_state *ret_state);
bool pyi_arch_restore_vectors(pid_t tid, const struct pyi_vector_state *state);

#endif
