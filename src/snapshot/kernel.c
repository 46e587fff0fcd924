/*
 * Makes each call in a way that cannot succeed, and looks at how it fails. Touches no process.
 */
#include "snapshot/kernel.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

static struct pyi_error *lacks(const char *call, const char *hint)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_KERNEL_LACKS,
					       "this kernel has no %s()", call),
			      "%s", hint);
}

struct pyi_error *pyi_kernel_check(void)
{
	bool has_tracing = ptrace(PTRACE_CONT, getpid(), NULL, NULL) == 0 || errno != ENOSYS;
	bool has_reading = process_vm_readv(getpid(), NULL, 0, NULL, 0, 0) >= 0 || errno != ENOSYS;

	if (!has_tracing)
		return lacks("ptrace", "it is an emulator of one, such as qemu-user");
	if (!has_reading)
		return lacks("process_vm_readv", "it was built without CONFIG_CROSS_MEMORY_ATTACH, "
						 "or is an emulator of one");
	return NULL;
}
