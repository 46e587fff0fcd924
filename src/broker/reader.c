/*
 * The one capability and the list of system calls. Does not read anything itself.
 */
#include "broker/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confine.h"
#include "tracee/arch.h"

enum {
	CAPABILITY_WORDS = 2,
};

#define ALLOW(call)                                                                                \
	{                                                                                          \
		.number = SYS_##call                                                               \
	}
/* A call whose argument of that number has none of these bits. */
#define ALLOW_WITHOUT(call, argument, bits)                                                        \
	{                                                                                          \
		.number = SYS_##call, .condition_count = 1, .conditions = {                        \
			{ argument, bits, 0 }                                                      \
		}                                                                                  \
	}
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

/* Of those that it has, it keeps that one alone. */
static bool keep_reading_capability(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[CAPABILITY_WORDS] = { { 0 } };

	if (pyi_confine_has_capability(CAP_SYS_PTRACE)) {
		data[0].permitted = 1u << CAP_SYS_PTRACE;
		data[0].effective = 1u << CAP_SYS_PTRACE;
	}
	return syscall(SYS_capset, &header, data) == 0;
}

static bool restrict_calls(void)
{
	static const struct pyi_confine_call calls[] = {
		ALLOW_WITHOUT(openat, 2, WRITING),
#ifdef SYS_open
		ALLOW_WITHOUT(open, 1, WRITING),
#endif
		ALLOW(readlinkat),
		ALLOW(getdents64),
		ALLOW(fstat),
#ifdef SYS_newfstatat
		ALLOW(newfstatat),
#endif
		ALLOW(lseek),
		ALLOW(read),
		ALLOW(pread64),
		ALLOW(readv),
		ALLOW(write),
		ALLOW(writev),
		ALLOW(close),
		ALLOW_WITHOUT(fcntl, 1, ~(uint64_t)(F_GETFD | F_SETFD | F_GETFL)),
		ALLOW_WITHOUT(mmap, 2, PROT_EXEC),
		ALLOW_WITHOUT(mprotect, 2, PROT_EXEC),
		ALLOW(mremap),
		ALLOW(munmap),
		ALLOW(madvise),
		ALLOW(brk),
		/* qsort() asks how much memory there is. */
		ALLOW(sysinfo),
		ALLOW(getpid),
		ALLOW(clock_gettime),
		ALLOW(clock_nanosleep),
		ALLOW(nanosleep),
		ALLOW(restart_syscall),
		ALLOW(rt_sigprocmask),
		ALLOW(rt_sigreturn),
		ALLOW(futex),
		ALLOW(getrandom),
		ALLOW(exit),
		ALLOW(exit_group),
	};

	return pyi_confine_system_calls(pyi_arch_audit, calls, sizeof(calls) / sizeof(calls[0]),
					ENOSYS);
}

struct pyi_error *pyi_reader_confine(void)
{
	pyi_confine_bound_capabilities();
	if (keep_reading_capability() && pyi_confine_no_new_privileges() &&
	    prctl(PR_SET_DUMPABLE, 0) == 0 && pyi_confine_limit(RLIMIT_CORE, 0) && restrict_calls())
		return NULL;
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, errno,
				      "the part of pyinspect that reads /proc cannot give up its "
				      "rights");
}
