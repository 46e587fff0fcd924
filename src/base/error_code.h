/*
 * The codes of errors: a stable name for programs, and what an error of that code can mean.
 *
 * Names are a contract with those who read our JSON: they are never changed or used again for
 * something else. Does not know messages or exit codes: they belong to the error (base/error.h).
 */
#ifndef PYI_BASE_ERROR_CODE_H
#define PYI_BASE_ERROR_CODE_H

#include <stdbool.h>

/* A new code needs a row in the table of error_code.c; a unit test holds it complete. */
enum pyi_error_code {
	/* General. */
	PYI_ERROR_NO_MEMORY,
	PYI_ERROR_USAGE,
	PYI_ERROR_INTERRUPTED,
	PYI_ERROR_TIMEOUT,
	PYI_ERROR_INPUT_FAILED,
	PYI_ERROR_OUTPUT_FAILED,

	/* Which process is meant. */
	PYI_ERROR_BAD_TARGET,
	PYI_ERROR_AMBIGUOUS_UNIT,
	PYI_ERROR_NO_SUCH_UNIT,
	PYI_ERROR_NO_SUCH_PROCESS,
	PYI_ERROR_TARGET_EXITED,
	PYI_ERROR_PROGRAM_CHANGED,
	PYI_ERROR_OWN_PROCESS,
	PYI_ERROR_KERNEL_THREAD,
	PYI_ERROR_TOO_YOUNG,

	/* Who may look into it. */
	PYI_ERROR_NO_PERMISSION,
	PYI_ERROR_OTHER_USER,
	PYI_ERROR_OTHER_USER_NAMESPACE,
	PYI_ERROR_NOT_DUMPABLE,
	PYI_ERROR_ALREADY_TRACED,
	PYI_ERROR_YAMA,
	PYI_ERROR_SELINUX,
	PYI_ERROR_NARROW_MASK,
	PYI_ERROR_RSEQ_UNKNOWN,
	PYI_ERROR_KERNEL_LACKS,

	/* What /proc tells about it. */
	PYI_ERROR_PROC_UNREADABLE,
	PYI_ERROR_BAD_STATUS,
	PYI_ERROR_BAD_MAPS,
	PYI_ERROR_BAD_ADDRESS,

	/* Its executable files. */
	PYI_ERROR_NO_PROGRAM,
	PYI_ERROR_NOT_ELF,
	PYI_ERROR_ELF_32_BIT,
	PYI_ERROR_ELF_FOREIGN_MACHINE,
	PYI_ERROR_MODULE_MISMATCH,
	PYI_ERROR_MODULE_UNREADABLE,
	PYI_ERROR_NO_GADGET,

	/* Its Python. */
	PYI_ERROR_NOT_PYTHON,
	PYI_ERROR_PYTHON_NOT_STARTED,
	PYI_ERROR_PYTHON_UNSUPPORTED,
	PYI_ERROR_LAYOUT_MISMATCH,
	PYI_ERROR_SEVERAL_PYTHONS,
	PYI_ERROR_INTERPRETER_UNKNOWN,
	PYI_ERROR_PYTHON_ENDING,
	PYI_ERROR_HEAP_BROKEN,

	/* Why it is left alone. */
	PYI_ERROR_FROZEN,
	PYI_ERROR_SECCOMP,
	PYI_ERROR_OWN_SECCOMP,
	PYI_ERROR_USER_DISPATCH,
	PYI_ERROR_SHADOW_STACK,
	PYI_ERROR_USERFAULTFD,
	PYI_ERROR_HUGE_PAGES,
	PYI_ERROR_PID_NAMESPACE,
	PYI_ERROR_CGROUP_MEMORY,
	PYI_ERROR_MEMORY_SHORT,
	PYI_ERROR_MEMORY_PRESSURE,
	PYI_ERROR_PAUSE_TOO_LONG,
	PYI_ERROR_GUARD,

	/* Stopping it, and the snapshot. */
	PYI_ERROR_THREAD_STUCK,
	PYI_ERROR_NO_INJECTABLE_THREAD,
	PYI_ERROR_NO_STACK,
	PYI_ERROR_FAULT_WAITING,
	PYI_ERROR_CALL_FAULTED,
	PYI_ERROR_CLONE_REFUSED,
	PYI_ERROR_NO_MEMORY_IN_SNAPSHOT,
	PYI_ERROR_MIRROR_FAILED,
	PYI_ERROR_NO_SNAPSHOT,
	PYI_ERROR_SNAPSHOT_WRITE,
	PYI_ERROR_SNAPSHOT_LOST,
	PYI_ERROR_FOREIGN_CALL,
	PYI_ERROR_PAYLOAD_FAILED,
	PYI_ERROR_TOO_LARGE,
	PYI_ERROR_BROKER_LOST,
	PYI_ERROR_WORKER_LOST,

	/* What is left in it. */
	PYI_ERROR_NOT_RESTORED,
	PYI_ERROR_ZOMBIE_LEFT,
	PYI_ERROR_RESIDUE,

	/* What was asked about its heap, or about one that was written to a file. */
	PYI_ERROR_NO_SUCH_TYPE,
	PYI_ERROR_NO_NAMES,
	PYI_ERROR_AMBIGUOUS_TYPE,
	PYI_ERROR_NO_SUCH_OBJECT,
	PYI_ERROR_BAD_DUMP,
	PYI_ERROR_BAD_CORE,
	PYI_ERROR_NO_BINARIES,

	/* Its D-Bus connections. */
	PYI_ERROR_NO_BUS,
	PYI_ERROR_BUS_REFUSED,

	/* Rules, history and incidents. */
	PYI_ERROR_BAD_RULES,
	PYI_ERROR_NO_HISTORY,
	PYI_ERROR_NO_SAMPLES,
	PYI_ERROR_NO_SUCH_FIGURE,
	PYI_ERROR_NO_INCIDENTS,
	PYI_ERROR_INCIDENTS_BUSY,
	PYI_ERROR_NO_EVIDENCE,

	PYI_ERROR_CODE_COUNT,
};

enum pyi_error_flag {
	/* A target that was killed, or runs another program now, can be the cause. */
	PYI_ERROR_TARGET_MAY_BE_GONE = 1 << 0,
	/* The snapshot by a clone failed; one by a copy of the memory may work. */
	PYI_ERROR_MIRROR_MAY_DO = 1 << 1,
	/* The check beforehand refused a clone; this says nothing against a copy. */
	PYI_ERROR_ABOUT_CLONE = 1 << 2,
};

/* The name of a code, e.g. "no-such-process": a static string, never NULL. */
const char *pyi_error_code_name(enum pyi_error_code code);

/* Whether errors of that code have the flag. */
bool pyi_error_code_has(enum pyi_error_code code, enum pyi_error_flag flag);

#endif
