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

/*
 * True, with the abort handler's address, if stopped thread `tid` with instruction pointer `pc` is
 * inside a critical section. Needs Linux 5.13; earlier kernels say false.
 */
bool pyi_rseq_abort_address(pid_t tid, uint64_t pc, uint64_t *ret_addr);

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
