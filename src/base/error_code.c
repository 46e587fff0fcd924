/*
 * The one table of error codes.
 */
#include "base/error_code.h"

static const struct {
	const char *name;
	unsigned flags;
} codes[PYI_ERROR_CODE_COUNT] = {
	[PYI_ERROR_NO_MEMORY] = { "no-memory", 0 },
	[PYI_ERROR_USAGE] = { "usage", 0 },
	[PYI_ERROR_INTERRUPTED] = { "interrupted", 0 },
	[PYI_ERROR_TIMEOUT] = { "timeout", 0 },
	[PYI_ERROR_INPUT_FAILED] = { "input-failed", 0 },
	[PYI_ERROR_OUTPUT_FAILED] = { "output-failed", 0 },
	[PYI_ERROR_BAD_TARGET] = { "bad-target", 0 },
	[PYI_ERROR_AMBIGUOUS_UNIT] = { "ambiguous-unit", 0 },
	[PYI_ERROR_NO_SUCH_UNIT] = { "no-such-unit", 0 },
	[PYI_ERROR_NO_SUCH_PROCESS] = { "no-such-process", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_TARGET_EXITED] = { "target-exited", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_PROGRAM_CHANGED] = { "program-changed", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_OWN_PROCESS] = { "own-process", 0 },
	[PYI_ERROR_KERNEL_THREAD] = { "kernel-thread", 0 },
	[PYI_ERROR_TOO_YOUNG] = { "too-young", 0 },
	[PYI_ERROR_NO_PERMISSION] = { "no-permission", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_OTHER_USER] = { "other-user", 0 },
	[PYI_ERROR_OTHER_USER_NAMESPACE] = { "other-user-namespace", 0 },
	[PYI_ERROR_NOT_DUMPABLE] = { "not-dumpable", 0 },
	[PYI_ERROR_ALREADY_TRACED] = { "already-traced", 0 },
	[PYI_ERROR_YAMA] = { "yama", 0 },
	[PYI_ERROR_SELINUX] = { "selinux", 0 },
	[PYI_ERROR_NARROW_MASK] = { "narrow-mask", 0 },
	[PYI_ERROR_RSEQ_UNKNOWN] = { "rseq-unknown", 0 },
	[PYI_ERROR_KERNEL_LACKS] = { "kernel-lacks", 0 },
	[PYI_ERROR_PROC_UNREADABLE] = { "proc-unreadable", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_BAD_STATUS] = { "bad-status", 0 },
	[PYI_ERROR_BAD_MAPS] = { "bad-maps", 0 },
	[PYI_ERROR_BAD_ADDRESS] = { "bad-address", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_NO_PROGRAM] = { "no-program", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_NOT_ELF] = { "not-elf", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_ELF_32_BIT] = { "elf-32-bit", 0 },
	[PYI_ERROR_ELF_FOREIGN_MACHINE] = { "elf-foreign-machine", 0 },
	[PYI_ERROR_MODULE_MISMATCH] = { "module-mismatch", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_MODULE_UNREADABLE] = { "module-unreadable", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_NO_GADGET] = { "no-gadget", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_NOT_PYTHON] = { "not-python", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_PYTHON_NOT_STARTED] = { "python-not-started", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_PYTHON_UNSUPPORTED] = { "python-unsupported", 0 },
	[PYI_ERROR_LAYOUT_MISMATCH] = { "layout-mismatch", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_SEVERAL_PYTHONS] = { "several-pythons", 0 },
	[PYI_ERROR_HEAP_BROKEN] = { "heap-broken", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_FROZEN] = { "frozen", PYI_ERROR_ABOUT_CLONE },
	[PYI_ERROR_SECCOMP] = { "seccomp", PYI_ERROR_MIRROR_MAY_DO | PYI_ERROR_ABOUT_CLONE },
	[PYI_ERROR_OWN_SECCOMP] = { "own-seccomp", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_USER_DISPATCH] = { "user-dispatch", PYI_ERROR_MIRROR_MAY_DO },
	[PYI_ERROR_SHADOW_STACK] = { "shadow-stack", PYI_ERROR_ABOUT_CLONE },
	[PYI_ERROR_USERFAULTFD] = { "userfaultfd", PYI_ERROR_ABOUT_CLONE },
	[PYI_ERROR_HUGE_PAGES] = { "huge-pages", PYI_ERROR_ABOUT_CLONE },
	[PYI_ERROR_PID_NAMESPACE] = { "pid-namespace", PYI_ERROR_ABOUT_CLONE },
	[PYI_ERROR_CGROUP_MEMORY] = { "cgroup-memory", PYI_ERROR_ABOUT_CLONE },
	[PYI_ERROR_MEMORY_SHORT] = { "memory-short", 0 },
	[PYI_ERROR_MEMORY_PRESSURE] = { "memory-pressure", 0 },
	[PYI_ERROR_PAUSE_TOO_LONG] = { "pause-too-long", 0 },
	[PYI_ERROR_GUARD] = { "guard", 0 },
	[PYI_ERROR_THREAD_STUCK] = { "thread-stuck", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_NO_INJECTABLE_THREAD] = { "no-injectable-thread",
					     PYI_ERROR_TARGET_MAY_BE_GONE |
						     PYI_ERROR_MIRROR_MAY_DO },
	[PYI_ERROR_NO_STACK] = { "no-stack", 0 },
	[PYI_ERROR_FAULT_WAITING] = { "fault-waiting", 0 },
	[PYI_ERROR_CALL_FAULTED] = { "call-faulted", PYI_ERROR_MIRROR_MAY_DO },
	[PYI_ERROR_CLONE_REFUSED] = { "clone-refused",
				      PYI_ERROR_MIRROR_MAY_DO | PYI_ERROR_ABOUT_CLONE },
	[PYI_ERROR_NO_MEMORY_IN_SNAPSHOT] = { "no-memory-in-snapshot", PYI_ERROR_MIRROR_MAY_DO },
	[PYI_ERROR_MIRROR_FAILED] = { "mirror-failed", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_NO_SNAPSHOT] = { "no-snapshot", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_SNAPSHOT_WRITE] = { "snapshot-write", 0 },
	[PYI_ERROR_SNAPSHOT_LOST] = { "snapshot-lost", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_FOREIGN_CALL] = { "foreign-call", 0 },
	[PYI_ERROR_PAYLOAD_FAILED] = { "payload-failed", 0 },
	[PYI_ERROR_TOO_LARGE] = { "too-large", 0 },
	[PYI_ERROR_BROKER_LOST] = { "broker-lost", 0 },
	[PYI_ERROR_WORKER_LOST] = { "worker-lost", 0 },
	[PYI_ERROR_NOT_RESTORED] = { "not-restored", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_ZOMBIE_LEFT] = { "zombie-left", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_RESIDUE] = { "residue", PYI_ERROR_TARGET_MAY_BE_GONE },
	[PYI_ERROR_NO_SUCH_TYPE] = { "no-such-type", 0 },
	[PYI_ERROR_AMBIGUOUS_TYPE] = { "ambiguous-type", 0 },
	[PYI_ERROR_NO_SUCH_OBJECT] = { "no-such-object", 0 },
	[PYI_ERROR_NO_BUS] = { "no-bus", 0 },
	[PYI_ERROR_BUS_REFUSED] = { "bus-refused", 0 },
	[PYI_ERROR_BAD_RULES] = { "bad-rules", 0 },
	[PYI_ERROR_NO_HISTORY] = { "no-history", 0 },
	[PYI_ERROR_NO_SAMPLES] = { "no-samples", 0 },
	[PYI_ERROR_NO_SUCH_FIGURE] = { "no-such-figure", 0 },
	[PYI_ERROR_NO_INCIDENTS] = { "no-incidents", 0 },
	[PYI_ERROR_INCIDENTS_BUSY] = { "incidents-busy", 0 },
	[PYI_ERROR_NO_EVIDENCE] = { "no-evidence", 0 },
};

const char *pyi_error_code_name(enum pyi_error_code code)
{
	return codes[code].name;
}

bool pyi_error_code_has(enum pyi_error_code code, enum pyi_error_flag flag)
{
	return codes[code].flags & flag;
}
