/*
 * Restartable sequences, rseq(2): a thread that is stopped inside one must go on at its abort
 * handler, and an injected system call would hide that it was stopped.
 */
#ifndef PYI_TRACEE_RSEQ_H
#define PYI_TRACEE_RSEQ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tracee/arch.h"

enum pyi_rseq_place {
	PYI_RSEQ_OUTSIDE,
	/* Inside a critical section. */
	PYI_RSEQ_INSIDE,
	/* What says so is in a page that is not there: whoever asked for it might wait for a file
	   server that never brings it. */
	PYI_RSEQ_UNKNOWN,
};

/*
 * Where stopped thread `tid` with instruction pointer `pc` is; sets the abort handler's address if
 * that is inside. Needs Linux 5.13; of earlier kernels every thread is outside.
 */
enum pyi_rseq_place pyi_rseq_find(pid_t tid, uint64_t pc, uint64_t *ret_abort_addr);

/*
 * The arguments of the rseq(2) call that takes back the registration of stopped thread `tid`; false
 * if it has none, and before Linux 5.13.
 */
bool pyi_rseq_unregister_arguments(pid_t tid, uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS]);

/*
 * The same for the calling thread, from what the C library says of its registration: also right for
 * a child of our own that fork() made, and needs no certain kernel.
 */
bool pyi_rseq_own_unregister_arguments(uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS]);

#endif
