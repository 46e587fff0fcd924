/*
 * The steps and the list of system calls. Does not take away anything itself: base/confine.c does.
 */
#include "broker/worker.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confine.h"
#include "tracee/arch.h"

enum {
	/* As in every distribution; the kernel's own for ids that it cannot show. */
	NOBODY = 65534,
	FILE_LIMIT = 64,
};

#define ALLOW(call)                                                                                \
	{                                                                                          \
		.number = SYS_##call                                                               \
	}
/* A call whose argument of that number, of 32 bits as the kernel has it, is this. */
#define ALLOW_WITH(call, argument, value)                                                          \
	{                                                                                          \
		.number = SYS_##call, .condition_count = 1, .conditions = {                        \
			{ argument, UINT32_MAX, value }                                            \
		}                                                                                  \
	}
/* A call whose third argument has none of these bits. */
#define ALLOW_WITHOUT(call, bits)                                                                  \
	{                                                                                          \
		.number = SYS_##call, .condition_count = 1, .conditions = { { 2, bits, 0 } }       \
	}

static struct pyi_error *refused(const char *what)
{
	return pyi_error_hint(
		pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, errno,
				       "the part of pyinspect that reads the process cannot %s",
				       what),
		"nothing was done to the process");
}

/* Whoever cannot end it any more must not give it away. */
static bool can_give_away(void)
{
	return pyi_confine_has_capability(CAP_SETUID) && pyi_confine_has_capability(CAP_SETGID) &&
	       pyi_confine_has_capability(CAP_KILL);
}

static struct pyi_error *restrict_calls(void)
{
	const uint64_t self = (uint64_t)getpid();
	const struct pyi_confine_call calls[] = {
		/* What it has open. Files are opened by the broker. */
		ALLOW(read),
		ALLOW(pread64),
		ALLOW(readv),
		ALLOW(write),
		ALLOW(writev),
		ALLOW(lseek),
		ALLOW(fstat),
		ALLOW_WITH(fcntl, 1, F_GETFD),
		ALLOW_WITH(fcntl, 1, F_SETFD),
		ALLOW_WITH(fcntl, 1, F_GETFL),
		ALLOW_WITH(fcntl, 1, F_SETFL),
		ALLOW_WITH(fcntl, 1, F_DUPFD_CLOEXEC),
		ALLOW(close),
		ALLOW(sendmsg),
		ALLOW(recvmsg),
		ALLOW(ppoll),
		/* sd-bus, on a connection that it is given. */
		ALLOW(getsockopt),
		ALLOW(setsockopt),
		ALLOW(getsockname),
		ALLOW(getpeername),
		ALLOW(shutdown),
		ALLOW(getuid),
		ALLOW(geteuid),
		ALLOW(getgid),
		ALLOW(getegid),
		ALLOW(uname),
		/* qsort() asks how much memory there is. */
		ALLOW(sysinfo),
		/* The width of a terminal, and whether it is one. */
		ALLOW_WITH(ioctl, 1, TIOCGWINSZ),
		ALLOW_WITH(ioctl, 1, TCGETS),
#ifdef TCGETS2
		ALLOW_WITH(ioctl, 1, TCGETS2),
#endif
		/* Memory, but none that is executable. */
		ALLOW_WITHOUT(mmap, PROT_EXEC),
		ALLOW_WITHOUT(mprotect, PROT_EXEC),
		ALLOW(mremap),
		ALLOW(munmap),
		ALLOW(madvise),
		ALLOW(brk),
		/* Time and signals. */
		ALLOW(clock_gettime),
		ALLOW(clock_nanosleep),
		ALLOW(nanosleep),
		ALLOW(rt_sigaction),
		ALLOW(rt_sigprocmask),
		ALLOW(rt_sigtimedwait),
		ALLOW(rt_sigreturn),
		ALLOW(restart_syscall),
		ALLOW(futex),
		/* libunwind asks what is mapped, and its faults are caught. */
		ALLOW(pipe2),
		ALLOW(mincore),
		ALLOW(sigaltstack),
		ALLOW(getrandom),
		ALLOW(getpid),
		ALLOW(gettid),
		{ .number = SYS_tgkill,
		  .condition_count = 1,
		  .conditions = { { 0, UINT64_MAX, self } } },
		ALLOW(exit),
		ALLOW(exit_group),
#ifdef SYS_newfstatat
		/* What some C libraries make of fstat(); paths could be looked up with it, too, but
		   those only say that something is there. */
		ALLOW_WITH(newfstatat, 3, AT_EMPTY_PATH),
#endif
#ifdef SYS_poll
		ALLOW(poll),
#endif
	};

	/* What a C library tries that is not there fails as on an older kernel. */
	if (!pyi_confine_system_calls(pyi_arch_audit, calls, sizeof(calls) / sizeof(calls[0]),
				      ENOSYS))
		return refused("restrict its system calls");
	return NULL;
}

struct pyi_error *pyi_worker_confine(uint64_t memory_bytes)
{
	const struct pyi_confine_owner nobody = { NOBODY, NOBODY, NOBODY, NOBODY,
						  NOBODY, NOBODY, NULL,	  0 };
	pid_t parent = getppid();
	bool empty_root;

	empty_root = pyi_confine_empty_root();
	pyi_confine_bound_capabilities();
	/* In a user namespace that has no nobody it stays who it is. */
	if (can_give_away() && !pyi_confine_become(&nobody) && errno != EINVAL)
		return refused("become another user");
	/* Who becomes another user no longer ends with its parent, unless it says so again. */
	pyi_confine_end_with(parent);
	if (!pyi_confine_drop_capabilities())
		return refused("give up its capabilities");
	if (!pyi_confine_no_new_privileges())
		return refused("forbid itself new privileges");
	/* Where there is none, the list of system calls has none that opens anything by name. */
	if (!pyi_confine_landlock() && !empty_root)
		errno = 0;
	if (prctl(PR_SET_DUMPABLE, 0) != 0 || !pyi_confine_limit(RLIMIT_CORE, 0) ||
	    !pyi_confine_limit(RLIMIT_NOFILE, FILE_LIMIT) ||
	    !pyi_confine_limit(RLIMIT_AS, memory_bytes))
		return refused("limit itself");
	return restrict_calls();
}
