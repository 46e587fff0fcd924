/*
 * What a thread of a target is doing, seen through /proc while it does it.
 *
 * Stops nothing. What is seen may be over a moment later: who acts on it must look again.
 */
#ifndef PYI_TRACEE_THREAD_LOOK_H
#define PYI_TRACEE_THREAD_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "process/process.h"
#include "tracee/arch.h"

/* The system call a thread is in. */
struct pyi_thread_call {
	/* It is off the processor and does not run code of its own. */
	bool blocked;
	enum pyi_interruption interruption;
	/* UINT64_MAX if it is blocked in none. */
	uint64_t number;
	uint64_t arguments[PYI_SYSCALL_ARGUMENTS];
};

/* Looks at /proc/PID/task/TID/syscall; a thread that cannot be seen counts as running. */
void pyi_thread_look(const struct pyi_process *process, pid_t tid,
		     struct pyi_thread_call *ret_call);

/* Whether a blocked thread still is in the call it was seen in: a quick second look. */
bool pyi_thread_is_in(const struct pyi_process *process, pid_t tid,
		      const struct pyi_thread_call *call);

/* State letter of a thread, 'X' when it is gone. */
char pyi_thread_state(const struct pyi_process *process, pid_t tid);

/*
 * True unless it is gone, a zombie, or a helper of the kernel's that never runs the program's code.
 */
bool pyi_thread_can_run(const struct pyi_process *process, pid_t tid);

/* Its number in the target's own pid namespace; 0 if it is gone. */
pid_t pyi_thread_namespace_tid(const struct pyi_process *process, pid_t tid);

/*
 * What the scheduler has counted for a thread, as text, from its open schedstat file; "" if there
 * is nothing. Two texts that differ say that it has run in between.
 */
void pyi_thread_read_activity(int fd, char *ret_text, size_t capacity);

/*
 * How often a thread has gone to sleep or stopped of its own accord, so not when another one took
 * its processor; 0 if the kernel does not say. One that is woken only to stop has one more then.
 */
uint64_t pyi_thread_count_waits(const struct pyi_process *process, pid_t tid);

/*
 * How long a blocked thread has been off the processor, ms; UINT64_MAX if the kernel does not say.
 * Rather too little than too much.
 */
uint64_t pyi_thread_slept_ms(const struct pyi_process *process, pid_t tid);

/* Processor time as the kernel counts it at its ticks, ns: what has grown was there at a tick. */
struct pyi_thread_ticks {
	/* In the thread's own code, and in the kernel. */
	uint64_t user_ns;
	uint64_t kernel_ns;
};

/*
 * Of the whole process (exact, ticks of some milliseconds), or of one of its threads (an estimate,
 * in steps of ten milliseconds). Zeros if the kernel does not say.
 */
struct pyi_thread_ticks pyi_thread_ticks_of_process(const struct pyi_process *process);
struct pyi_thread_ticks pyi_thread_ticks_of_thread(const struct pyi_process *process, pid_t tid);

/*
 * How much a thread has read and written so far, bytes together, by calls that have ended;
 * UINT64_MAX if the kernel does not say.
 */
uint64_t pyi_thread_transferred(const struct pyi_process *process, pid_t tid);

#endif
