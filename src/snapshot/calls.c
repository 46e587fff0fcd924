/*
 * Lists the calls. Does not make any.
 */
#include "snapshot/calls.h"

#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	/* Addresses, sizes and process numbers are not known beforehand. */
	ALL_BUT_FIRST = PYI_SECCOMP_ALL_KNOWN & ~1,
	ALL_BUT_SECOND = PYI_SECCOMP_ALL_KNOWN & ~2,
	ALL_BUT_FIRST_TWO = PYI_SECCOMP_ALL_KNOWN & ~3,
};

#define REAP                                                                                       \
	{                                                                                          \
		SYS_wait4, { 0, 0, __WALL | WNOHANG }, ALL_BUT_FIRST                               \
	}

static const struct pyi_planned_call of_clone[] = {
	{ SYS_clone, { CLONE_PTRACE | CLONE_FILES }, ALL_BUT_SECOND },
	REAP,
	/* In the clone. */
	{ SYS_prctl, { PR_SET_NAME }, ALL_BUT_SECOND },
	{ SYS_mprotect, { 0, 0, PROT_READ }, ALL_BUT_FIRST_TWO },
	{ SYS_mprotect, { 0, 0, PROT_NONE }, ALL_BUT_FIRST_TWO },
	{ SYS_mmap,
	  { 0, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, UINT64_MAX },
	  ALL_BUT_SECOND },
	{ SYS_munmap, { 0 }, ALL_BUT_FIRST_TWO },
};

static const struct pyi_planned_call of_reaping[] = { REAP };

const struct pyi_call_plan pyi_calls_of_clone = {
	.calls = of_clone,
	.count = sizeof(of_clone) / sizeof(of_clone[0]),
};

const struct pyi_call_plan pyi_calls_of_reaping = {
	.calls = of_reaping,
	.count = sizeof(of_reaping) / sizeof(of_reaping[0]),
	.must = true,
};
