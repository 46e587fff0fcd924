/*
 * Finds out why a process may not be looked into, and names the one cause.
 *
 * Does not try to get around anything.
 */
#ifndef PYI_PROCESS_ACCESS_H
#define PYI_PROCESS_ACCESS_H

#include "base/error.h"
#include "process/process.h"

/*
 * Makes the error for a ptrace or process_vm_readv on `process` that failed with `error_number`
 * (EPERM, EACCES, ESRCH, ...). Exactly one cause is named, the first that applies:
 * it exited; it is traced already (by whom: pid and name); it is a kernel thread; it belongs to
 * another user (name it, hint: sudo); it has capabilities or is not dumpable and we lack
 * CAP_SYS_PTRACE; it lives in another user namespace; Yama's ptrace_scope (value, hint) ; we are
 * confined by seccomp; SELinux deny_ptrace; else the plain errno. All exit 3; codes:
 * "no-such-process", "already-traced", "kernel-thread", "other-user", "not-dumpable",
 * "other-user-namespace", "yama", "own-seccomp", "selinux", "no-permission".
 */
struct pyi_error *pyi_access_explain(const struct pyi_process *process,
				     int error_number) PYI_MUST_CHECK;

#endif
