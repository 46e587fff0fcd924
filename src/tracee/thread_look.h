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
 * How long a blocked thread has been off the processor, ms; UINT64_MAX if the kernel does not say.
 * Rather too little than too much.
 */
uint64_t pyi_thread_slept_ms(const struct pyi_process *process, pid_t tid);

#endif
