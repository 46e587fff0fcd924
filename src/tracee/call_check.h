/*
 * Is a system call harmless for a thread that it would be run in?
 *
 * Looks at a thread that is stopped, at what decides over its calls before the kernel makes them:
 * its seccomp filters, Syscall User Dispatch, and the instructions themselves. What it says is true
 * for as long as nobody changes that, so it is asked right before a call. Runs nothing in it.
 */
#ifndef PYI_TRACEE_CALL_CHECK_H
#define PYI_TRACEE_CALL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "process/process.h"
#include "tracee/arch.h"
#include "tracee/seccomp_filter.h"

/* A system call that may have to be made. */
struct pyi_planned_call {
	uint64_t number;
	uint64_t arguments[PYI_SYSCALL_ARGUMENTS];
	/* A bit for each argument that will really be so; PYI_SECCOMP_ALL_KNOWN. */
	unsigned known;
};

struct pyi_call_plan {
	const struct pyi_planned_call *calls;
	size_t count;
	/* There is no other way: all threads are tried, not just a few. */
	bool must;
};

/* The seccomp filters of a thread; all zero: none. */
struct pyi_seccomp_filters {
	struct pyi_seccomp_filter *items;
	size_t count;
};

struct pyi_seccomp_filter {
	struct sock_filter *code;
	size_t count;
};

/*
 * Reads the filters of a stopped tracee, which has some. Error "seccomp" (exit 3) says why they
 * cannot be read: it takes CAP_SYS_ADMIN, and no filter of our own.
 */
struct pyi_error *pyi_seccomp_filters_read(pid_t tid,
					   struct pyi_seccomp_filters *ret_filters) PYI_MUST_CHECK;

void pyi_seccomp_filters_deinit(struct pyi_seccomp_filters *filters);

/*
 * Error "seccomp" (exit 3) unless all of the filters let all calls of the plan through, made at the
 * gadget, and so those by which the guard ends (tracee/arch.h).
 */
struct pyi_error *pyi_seccomp_filters_check(const struct pyi_seccomp_filters *filters, pid_t tid,
					    const struct pyi_gadgets *gadgets,
					    const struct pyi_call_plan *plan) PYI_MUST_CHECK;

/*
 * All of it, for stopped thread `tid` with that `status`. Errors: "seccomp" (exit 3);
 * "user-dispatch" (exit 1); "program-changed" (exit 1) if the gadgets are not what they were, or
 * there is a shadow stack.
 */
struct pyi_error *pyi_call_check(pid_t tid, const struct pyi_process_status *status,
				 const struct pyi_gadgets *gadgets,
				 const struct pyi_call_plan *plan) PYI_MUST_CHECK;

/*
 * Whether a stopped tracee may be let call restart_syscall(2), at the instruction before
 * `end_addr`. False only if it has a filter that says so.
 */
bool pyi_call_may_restart(pid_t tid, uint64_t end_addr);

/* True for an error that says that calls must not be run in a thread, then or later. */
bool pyi_call_is_refused(const struct pyi_error *error);

#endif
