/*
 * Forks, lets the child confine itself, and exchanges its memory by system calls that it makes at a
 * page of ours. What the child has done is believed when the kernel says the same.
 */
#include "snapshot/mirror_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "tracee/rseq.h"
#include "tracee/tracee.h"
#include "tracee/wait.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum {
	CONFINE_TIMEOUT_MS = 10000,
	END_TIMEOUT_MS = 10000,
	/* -MAX_ERRNO of include/linux/err.h */
	FIRST_ERROR = -4095,
	ROBUST_LIST_BYTES = 24,
	/* struct rseq can be taken back, not registered. */
	RSEQ_UNREGISTER = 1,
	FREE_ADDRESS_ROUNDS = 64,
};

/* Within the smallest address space that there is, and where no small number leads to. */
#define FIRST_CODE_ADDR (UINT64_C(1) << 36)
#define OOM_SCORE_FIRST "1000"
#define INT_MASK UINT64_C(0xffffffff)

/* What the child tells, in memory that both have. */
struct handover {
	/* It has become what it shall be. */
	bool ready;
	int error_number;
	/* What failed; both have the text at the same address. */
	const char *what;
};

static struct pyi_error *failed(const char *what, int number)
{
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_MIRROR_FAILED, number, "cannot %s",
				      what);
}

/* What the tracer makes the mirror do, and nothing else; the payload's calls are never executed. */
static bool filter_calls(const int *fds, size_t count)
{
	/* The bits in which all of them are the same: no other descriptor is open. */
	uint32_t same = UINT32_MAX;
	const uint64_t fixed = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
	const uint64_t anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
	const struct pyi_confine_condition protection = {
		2, ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC), 0
	};
	const struct pyi_confine_condition no_code = { 2, ~(uint64_t)(PROT_READ | PROT_WRITE), 0 };

	for (size_t f = 0; f < count; f++)
		same &= ~(uint32_t)(fds[f] ^ fds[0]);
	const struct pyi_confine_call calls[] = {
		/* The target's memory. */
		{ SYS_mmap,
		  3,
		  { protection, { 3, INT_MASK, fixed }, { 4, same, (uint32_t)fds[0] & same } } },
		/* Room for the payload to work in. */
		{ SYS_mmap, 2, { no_code, { 3, INT_MASK, anonymous | MAP_NORESERVE } } },
		/* The guard below its stack. */
		{ SYS_mprotect, 1, { { 2, UINT64_MAX, PROT_NONE } } },
		{ SYS_munmap, 0, { { 0 } } },
		{ SYS_close, 1, { { 0, same, (uint32_t)fds[0] & same } } },
		{ SYS_rseq, 1, { { 2, INT_MASK, RSEQ_UNREGISTER } } },
		{ SYS_exit_group, 0, { { 0 } } },
	};

	return pyi_confine_system_calls(pyi_arch_audit, calls, sizeof(calls) / sizeof(calls[0]), 0);
}

const char *pyi_mirror_process_confine(const struct pyi_credentials *credentials, const int *fds,
				       size_t count)
{
	static const int limits[] = { RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_FSIZE, RLIMIT_NOFILE };
	const struct pyi_confine_owner owner = pyi_credentials_owner(credentials);
	/* Else we could not look into it ourselves. */
	bool may_hide = pyi_confine_has_capability(CAP_SYS_PTRACE);

	if (!pyi_confine_close_files(fds, count))
		return "close the mirror's files";
	if (!pyi_confine_no_new_privileges())
		return "keep the mirror from new privileges";
	/* The filter of system calls forbids what these do, where they can be had, once more. */
	(void)pyi_confine_empty_root();
	(void)pyi_confine_landlock();
	pyi_confine_bound_capabilities();
	if (!pyi_confine_become(&owner))
		return "make the mirror a process of the target's user and groups";
	if (!pyi_confine_drop_capabilities())
		return "take the mirror's capabilities";
	if (may_hide && prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0)
		return "hide the mirror from its user";
	for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++)
		if (!pyi_confine_limit(limits[l], 0))
			return "limit the mirror";
	if (!filter_calls(fds, count))
		return "set the mirror's filter of system calls";
	return NULL;
}

static bool offer_to_oom_killer(void)
{
	const ssize_t length = (ssize_t)strlen(OOM_SCORE_FIRST);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* It is closed with all others. */
	return fd >= 0 && write(fd, OOM_SCORE_FIRST, (size_t)length) == length;
}

/* The kernel would write to these when the thread goes on, or ends; they are about to go. */
static void forget_thread_areas(void)
{
	uint64_t unregister[PYI_SYSCALL_ARGUMENTS] = { 0 };

	if (pyi_rseq_own_unregister_arguments(unregister))
		syscall(SYS_rseq, unregister[0], unregister[1], unregister[2], unregister[3]);
	syscall(SYS_set_robust_list, NULL, (size_t)ROBUST_LIST_BYTES);
	syscall(SYS_set_tid_address, NULL);
}

/* All of it in the child; what it says is why it ends. */
static const char *prepare(const struct pyi_mirror_plan *plan, uint64_t code_addr)
{
	prctl(PR_SET_NAME, PYI_SNAPSHOT_COMM);
	if (!offer_to_oom_killer())
		return "offer the mirror to the OOM killer first";
	forget_thread_areas();
	if (mmap((void *)(uintptr_t)code_addr, plan->page_bytes, PROT_READ | PROT_EXEC,
		 MAP_PRIVATE | MAP_FIXED_NOREPLACE, plan->fds[0],
		 0) != (void *)(uintptr_t)code_addr)
		return "map our own code in the mirror";
	return pyi_mirror_process_confine(plan->credentials, plan->fds, plan->fd_count);
}

/* The child: waits until it is traced, and traps when it is ready to be used. */
_Noreturn static void become_mirror(const struct pyi_mirror_plan *plan, uint64_t code_addr,
				    int start_fd, pid_t parent, volatile struct handover *handover)
{
	const char *what;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It could have ended before that. From here on it is PTRACE_O_EXITKILL. */
	while (read(start_fd, &byte, 1) < 0 && errno == EINTR)
		;
	if (getppid() != parent)
		_exit(PYI_ORPHAN_EXIT_STATUS);
	what = prepare(plan, code_addr);
	if (what) {
		handover->error_number = errno;
		handover->what = what;
		_exit(PYI_ORPHAN_EXIT_STATUS);
	}
	handover->ready = true;
	__builtin_trap();
}

/* A page that neither the target nor we use; 0 if none is found. */
static uint64_t find_code_addr(const struct pyi_mirror_plan *plan, const struct pyi_maps *own)
{
	const struct pyi_maps *both[] = { plan->maps, own };
	uint64_t addr = FIRST_CODE_ADDR;

	for (int round = 0; round < FREE_ADDRESS_ROUNDS; round++) {
		uint64_t first = addr;

		for (size_t b = 0; b < sizeof(both) / sizeof(both[0]); b++)
			for (size_t m = 0; m < both[b]->count; m++)
				if (both[b]->items[m].start_addr < addr + plan->page_bytes &&
				    both[b]->items[m].end_addr > addr)
					addr = both[b]->items[m].end_addr;
		if (addr == first)
			return addr;
	}
	return 0;
}

/* What is needed to run system calls in the process while its memory is exchanged. */
struct helper {
	pid_t pid;
	struct pyi_process process;
	struct pyi_maps maps;
	struct pyi_gadgets gadgets;
};

static struct pyi_error *call(const struct helper *helper, uint64_t number,
			      const uint64_t arguments[PYI_SYSCALL_ARGUMENTS], const char *what)
{
	int64_t result;
	struct pyi_error *error = pyi_tracee_syscall_unguarded(helper->pid, &helper->gadgets, 0,
							       number, arguments, &result);

	if (error)
		return pyi_error_context(error, "cannot %s", what);
	return result < 0 && result >= FIRST_ERROR ? failed(what, (int)-result) : NULL;
}

static struct pyi_error *confining_failed(const struct handover *handover)
{
	struct pyi_error *error;

	if (!handover->what)
		return failed("confine the mirror: it was killed", ECHILD);
	error = failed(handover->what, handover->error_number);
	if (handover->error_number != EPERM)
		return error;
	return pyi_error_hint(error, "a copy of another user's process takes CAP_SETUID and "
				     "CAP_SETGID, so that the copy has no right that the process "
				     "has not");
}

/* Until the child traps, having done all that it has to do. */
static struct pyi_error *await_trap(pid_t pid, const volatile struct handover *handover)
{
	uint64_t deadline_ns = pyi_clock_deadline(CONFINE_TIMEOUT_MS, PYI_CLOCK_NEVER);

	for (;;) {
		pid_t reporter;
		int status;

		switch (pyi_wait_tracee(pid, deadline_ns, false, &reporter, &status)) {
		case PYI_WAIT_REPORTED:
			break;
		case PYI_WAIT_NO_TRACEE:
			return failed("find the mirror", ESRCH);
		default:
			return failed("confine the mirror", ETIMEDOUT);
		}
		if (!WIFSTOPPED(status))
			return confining_failed((const struct handover *)handover);
		/* Anybody may send it such a signal; only it can be ready. */
		if (status >> 16 == 0 && handover->ready &&
		    (WSTOPSIG(status) == SIGILL || WSTOPSIG(status) == SIGTRAP))
			return NULL;
		if (ptrace(PTRACE_CONT, pid, NULL, NULL) != 0 && errno != ESRCH)
			return failed("let the mirror confine itself", errno);
	}
}

/* What the child has done, said by the kernel. */
static struct pyi_error *verify(const struct helper *helper,
				const struct pyi_credentials *credentials)
{
	struct pyi_credentials now = { 0 };
	struct pyi_process_status status;
	struct pyi_error *error = pyi_process_read_status(&helper->process, 0, &status);
	bool same;

	if (!error)
		error = pyi_credentials_read(&helper->process, &now);
	if (error)
		return error;
	same = memcmp(now.users, credentials->users, sizeof(now.users)) == 0 &&
	       memcmp(now.groups, credentials->groups, sizeof(now.groups)) == 0;
	pyi_credentials_deinit(&now);
	if (same && !status.capabilities_effective && status.seccomp_mode == SECCOMP_MODE_FILTER)
		return NULL;
	return failed("confine the mirror: it has kept rights", EPERM);
}

static struct pyi_error *take_over(struct helper *helper, const struct pyi_mirror_plan *plan)
{
	uint64_t every_signal = UINT64_MAX;
	uint64_t unregister[PYI_SYSCALL_ARGUMENTS];
	struct pyi_error *error = pyi_process_open(helper->pid, &helper->process);

	if (!error)
		error = verify(helper, plan->credentials);
	if (!error)
		error = pyi_maps_read(&helper->process, &helper->maps);
	if (error)
		return error;
	if (ptrace(PTRACE_SETSIGMASK, helper->pid, (void *)sizeof(every_signal), &every_signal) !=
	    0)
		return failed("take hold of the mirror", errno);
	/* In case that the C library is not the one that we were built with. */
	if (pyi_rseq_unregister_arguments(helper->pid, unregister))
		return call(helper, SYS_rseq, unregister, "forget the mirror's rseq area");
	return NULL;
}

/* First all of ours goes; the page with our code is nobody's. */
static struct pyi_error *exchange_memory(const struct helper *helper,
					 const struct pyi_mirror_plan *plan)
{
	struct pyi_error *error = NULL;

	for (size_t m = 0; m < helper->maps.count && !error; m++) {
		const struct pyi_map *map = &helper->maps.items[m];
		const uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = {
			map->start_addr, map->end_addr - map->start_addr
		};

		if (map->start_addr != helper->gadgets.addr[0] &&
		    strcmp(map->path, "[vsyscall]") != 0)
			error = call(helper, SYS_munmap, arguments, "empty the mirror");
	}
	for (size_t a = 0; a < plan->area_count && !error; a++) {
		const struct pyi_mirror_area *area = &plan->areas[a];
		const uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = {
			area->start_addr,
			area->end_addr - area->start_addr,
			(uint64_t)area->protection,
			MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
			(uint64_t)plan->fds[area->file],
			area->offset,
		};

		error = call(helper, SYS_mmap, arguments, "map the target's memory in its mirror");
	}
	for (size_t f = 0; f < plan->fd_count && !error; f++) {
		const uint64_t file[PYI_SYSCALL_ARGUMENTS] = { (uint64_t)plan->fds[f] };

		error = call(helper, SYS_close, file, "close the mirror's files");
	}
	return error;
}

/* It is traced before it is told to begin, so that it cannot outlive us. */
static struct pyi_error *start(struct helper *helper, const struct pyi_mirror_plan *plan,
			       volatile struct handover *handover)
{
	pid_t parent = getpid();
	int start_fds[2];

	if (pipe2(start_fds, O_CLOEXEC) != 0)
		return failed("make a pipe for the mirror", errno);
	helper->pid = fork();
	if (helper->pid == 0) {
		close(start_fds[1]);
		become_mirror(plan, helper->gadgets.addr[0], start_fds[0], parent, handover);
	}
	close(start_fds[0]);
	if (helper->pid > 0 &&
	    ptrace(PTRACE_SEIZE, helper->pid, NULL,
		   (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) != 0) {
		int number = errno;

		kill(helper->pid, SIGKILL);
		close(start_fds[1]);
		return failed("take hold of the mirror", number);
	}
	close(start_fds[1]);
	if (helper->pid < 0)
		return failed("fork for the mirror", errno);
	return await_trap(helper->pid, handover);
}

static void end(pid_t pid)
{
	uint64_t deadline_ns = pyi_clock_deadline(END_TIMEOUT_MS, PYI_CLOCK_NEVER);
	pid_t reporter;
	int status;

	pyi_tracee_kill(pid);
	/* If it does not end now, it does with us. */
	while (pyi_wait_tracee(pid, deadline_ns, false, &reporter, &status) == PYI_WAIT_REPORTED &&
	       WIFSTOPPED(status))
		ptrace(PTRACE_KILL, pid, NULL, NULL);
}

struct pyi_error *pyi_mirror_process_create(const struct pyi_mirror_plan *plan,
					    struct pyi_gadgets *ret_gadgets, pid_t *ret_pid)
{
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps own_maps = { 0 };
	struct pyi_process self = { .proc_fd = -1 };
	struct helper helper = { .process.proc_fd = -1 };
	struct handover *handover = mmap(NULL, sizeof(*handover), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pyi_error *error;

	if (handover == MAP_FAILED)
		return failed("get memory for the mirror", errno);
	error = pyi_process_open(getpid(), &self);
	if (!error)
		error = pyi_maps_read(&self, &own_maps);
	pyi_process_close(&self);
	if (!error) {
		helper.gadgets.addr[0] = find_code_addr(plan, &own_maps);
		if (!helper.gadgets.addr[0])
			error = failed("find room for our own code in the mirror", ENOMEM);
	}
	if (!error)
		error = start(&helper, plan, handover);
	if (!error)
		error = take_over(&helper, plan);
	munmap(handover, sizeof(*handover));
	if (!error)
		error = exchange_memory(&helper, plan);
	pyi_maps_deinit(&helper.maps);
	pyi_process_close(&helper.process);
	if (error) {
		if (helper.pid > 0)
			end(helper.pid);
		return error;
	}
	*ret_gadgets = helper.gadgets;
	*ret_pid = helper.pid;
	return NULL;
}
