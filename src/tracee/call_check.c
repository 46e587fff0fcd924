/*
 * Reads what decides over a thread's system calls, through ptrace. What cannot be read counts as
 * not harmless. Does not decide what to do instead.
 */
#include "tracee/call_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/cleanup.h"

/* include/uapi/linux/ptrace.h; C libraries do not all have them. */
#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif
/* Linux 6.4 */
#ifndef PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
#endif

enum {
	/* More than this nobody has, and the kernel counts to the nth for each. */
	FILTER_LIMIT = 256,
};

/* struct ptrace_sud_config */
struct user_dispatch {
	uint64_t mode;
	uint64_t selector;
	uint64_t offset;
	uint64_t length;
};

static struct pyi_error *unreadable(pid_t tid, int number)
{
	struct pyi_error *error = pyi_error_create_errno(
		PYI_EXIT_ACCESS, PYI_ERROR_SECCOMP, number,
		"the seccomp filter of thread %d cannot be read, and so might kill it for a call",
		tid);

	switch (number) {
	case EACCES:
	case EPERM:
		return pyi_error_hint(error, "run pyinspect with CAP_SYS_ADMIN, and under no such "
					     "filter itself; or copy the memory: --source mirror");
	case EIO:
		return pyi_error_hint(error, "the kernel has no CONFIG_CHECKPOINT_RESTORE: copy "
					     "the memory: --source mirror");
	default:
		return pyi_error_hint(error, "copy the memory: --source mirror");
	}
}

/*
 * The one at `index`, counted from the newest; false if there is none, or with an error. The kernel
 * does not ask how much room there is in `buffer`, and it can be another filter than a moment ago:
 * it must have room for any.
 */
static bool read_filter(pid_t tid, size_t index, struct sock_filter *buffer,
			struct pyi_seccomp_filter *ret_filter, struct pyi_error **ret_error)
{
	struct sock_filter *code;
	long count = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)index, buffer);

	*ret_error = NULL;
	if (count < 0 && errno == ENOENT)
		return false;
	if (count <= 0 || !pyi_seccomp_filter_is_valid(buffer, (size_t)count)) {
		*ret_error = unreadable(tid, count < 0 ? errno : EINVAL);
		return false;
	}
	code = malloc((size_t)count * sizeof(*code));
	if (!code) {
		*ret_error = pyi_error_no_memory();
		return false;
	}
	memcpy(code, buffer, (size_t)count * sizeof(*code));
	*ret_filter = (struct pyi_seccomp_filter){ code, (size_t)count };
	return true;
}

struct pyi_error *pyi_seccomp_filters_read(pid_t tid, struct pyi_seccomp_filters *ret_filters)
{
	PYI_CLEANUP(pyi_guard_free) struct sock_filter *buffer = NULL;
	struct pyi_seccomp_filters filters = { 0 };
	struct pyi_error *error = NULL;

	/* BPF_MAXINSNS of the kernel, for all that it lets anybody have. */
	buffer = calloc(PYI_SECCOMP_INSTRUCTION_LIMIT, sizeof(*buffer));
	filters.items = calloc(FILTER_LIMIT, sizeof(*filters.items));
	if (!buffer || !filters.items) {
		free(filters.items);
		return pyi_error_no_memory();
	}
	while (filters.count < FILTER_LIMIT &&
	       read_filter(tid, filters.count, buffer, &filters.items[filters.count], &error))
		filters.count++;
	if (!error && (filters.count == 0 || filters.count == FILTER_LIMIT))
		error = unreadable(tid, E2BIG);
	if (error) {
		pyi_seccomp_filters_deinit(&filters);
		return error;
	}
	*ret_filters = filters;
	return NULL;
}

void pyi_seccomp_filters_deinit(struct pyi_seccomp_filters *filters)
{
	for (size_t f = 0; f < filters->count; f++)
		free(filters->items[f].code);
	free(filters->items);
	*filters = (struct pyi_seccomp_filters){ 0 };
}

static struct pyi_error *check_one(const struct pyi_seccomp_filters *filters, pid_t tid,
				   uint64_t end_addr, const struct pyi_planned_call *call)
{
	struct seccomp_data data = {
		.nr = (int)call->number,
		.arch = pyi_arch_audit,
		.instruction_pointer = end_addr,
	};
	uint32_t strongest = SECCOMP_RET_ALLOW;
	bool known = true;

	for (size_t a = 0; a < PYI_SYSCALL_ARGUMENTS; a++)
		data.args[a] = call->arguments[a];
	for (size_t f = 0; f < filters->count && known; f++) {
		uint32_t value;

		known = pyi_seccomp_filter_run(filters->items[f].code, filters->items[f].count,
					       &data, call->known, &value);
		if (known)
			strongest = pyi_seccomp_stronger(strongest, value);
	}
	if (known && pyi_seccomp_is_harmless(strongest))
		return NULL;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_SECCOMP,
				 "the seccomp filter of thread %d must let each call through that "
				 "a clone needs, and call %d %s",
				 tid, data.nr,
				 known ? pyi_seccomp_effect(strongest)
				       : "depends on what cannot be known beforehand"),
		"copy the memory: --source mirror");
}

struct pyi_error *pyi_seccomp_filters_check(const struct pyi_seccomp_filters *filters, pid_t tid,
					    const struct pyi_gadgets *gadgets,
					    const struct pyi_call_plan *plan)
{
	const struct pyi_planned_call sigreturn = { .number = SYS_rt_sigreturn };
	const struct pyi_planned_call orphan_exit = {
		.number = SYS_exit_group,
		.arguments = { PYI_ORPHAN_EXIT_STATUS },
		.known = 1,
	};
	uint64_t end_addr = pyi_arch_syscall_end(gadgets);
	struct pyi_error *error;

	if (filters->count == 0)
		return NULL;
	/* Their arguments are whatever is in the registers then. */
	error = check_one(filters, tid, pyi_arch_sigreturn_end(gadgets), &sigreturn);
	if (!error)
		error = check_one(filters, tid, end_addr, &orphan_exit);
	for (size_t c = 0; c < plan->count && !error; c++)
		error = check_one(filters, tid, end_addr, &plan->calls[c]);
	return error;
}

/* Another program since an execve(), or a breakpoint since they were found. */
static bool gadgets_are_there(pid_t tid, const struct pyi_gadgets *gadgets)
{
	for (size_t g = 0; g < pyi_arch_gadget_count; g++) {
		const struct pyi_gadget_pattern *pattern = &pyi_arch_gadget_patterns[g];
		uint8_t bytes[sizeof(pattern->bytes)];
		struct iovec local = { bytes, pattern->size_bytes };
		struct iovec remote = { (void *)(uintptr_t)gadgets->addr[g], pattern->size_bytes };

		if (process_vm_readv(tid, &local, 1, &remote, 1, 0) != pattern->size_bytes ||
		    memcmp(bytes, pattern->bytes, pattern->size_bytes) != 0)
			return false;
	}
	return true;
}

/*
 * While it is on, a call may be turned into a SIGSYS, as one byte of the target's memory says.
 * Before Linux 6.4 it cannot be seen: pyi_tracee_syscall() takes that signal away.
 */
static bool has_user_dispatch(pid_t tid)
{
	struct user_dispatch config = { 0 };

	return ptrace(PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tid, (void *)sizeof(config),
		      &config) == 0 &&
	       config.mode != 0;
}

static struct pyi_error *check_filters(pid_t tid, const struct pyi_process_status *status,
				       const struct pyi_gadgets *gadgets,
				       const struct pyi_call_plan *plan)
{
	struct pyi_seccomp_filters filters = { 0 };
	struct pyi_error *error;

	if (!status->seccomp_mode)
		return NULL;
	if (status->seccomp_mode != SECCOMP_MODE_FILTER)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_SECCOMP,
						       "thread %d may only read, write and end "
						       "(SECCOMP_MODE_STRICT)",
						       tid),
				      "copy the memory: --source mirror");
	error = pyi_seccomp_filters_read(tid, &filters);
	if (!error)
		error = pyi_seccomp_filters_check(&filters, tid, gadgets, plan);
	pyi_seccomp_filters_deinit(&filters);
	return error;
}

struct pyi_error *pyi_call_check(pid_t tid, const struct pyi_process_status *status,
				 const struct pyi_gadgets *gadgets,
				 const struct pyi_call_plan *plan)
{
	if (!gadgets_are_there(tid, gadgets))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PROGRAM_CHANGED,
					"the code that calls are run at has changed in thread %d "
					"of the target",
					tid);
	if (status->shadow_stack || pyi_arch_has_shadow_stack(tid))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PROGRAM_CHANGED,
					"thread %d of the target has got a shadow stack meanwhile",
					tid);
	if (has_user_dispatch(tid))
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_USER_DISPATCH,
					 "thread %d handles its system calls itself (Syscall User "
					 "Dispatch): one that we run could be its end",
					 tid),
			"copy the memory: --source mirror");
	return check_filters(tid, status, gadgets, plan);
}

bool pyi_call_may_restart(pid_t tid, uint64_t end_addr)
{
	const struct pyi_planned_call restart = { .number = SYS_restart_syscall };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	struct pyi_seccomp_filters filters = { 0 };

	/* Most have none, and of some nobody may know; that is one call here. */
	if (ptrace(PTRACE_SECCOMP_GET_FILTER, tid, NULL, NULL) < 0)
		return true;
	error = pyi_seccomp_filters_read(tid, &filters);
	if (!error)
		error = check_one(&filters, tid, end_addr, &restart);
	pyi_seccomp_filters_deinit(&filters);
	return !error;
}

bool pyi_call_is_refused(const struct pyi_error *error)
{
	/* Others change with the moment. */
	return error->code == PYI_ERROR_SECCOMP || error->code == PYI_ERROR_USER_DISPATCH;
}
