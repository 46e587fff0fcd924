/*
 * Runs code in a snapshot: its system calls are messages and are never executed, its faults come to
 * us. Does not know what the code is or what it says.
 *
 * PTRACE_SYSEMU does that where the kernel has it: on arm64 only since Linux 5.3. Else each call is
 * stopped at twice, at its entry, where it is a message, and at its end; between the two the kernel
 * is made to execute an empty munmap() in its place. "No call" would do, but a filter that the
 * snapshot has got from its target is asked about that, too; about munmap() it has been asked.
 */
#include "snapshot/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tracee/tracee.h"
#include "tracee/wait.h"

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

enum {
	/* How long a snapshot that shall stop may take to do so. */
	STOP_TIMEOUT_MS = 5000,
	/* For whoever is in a hurry; after that it is killed. */
	CANCEL_TIMEOUT_MS = 100,
};

static struct pyi_error *lost(const struct pyi_snapshot *snapshot)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST,
				"the snapshot (process %d) was killed", snapshot->process.pid);
}

/* Why it was ended by us. */
static struct pyi_error *explain_end(const struct pyi_snapshot *snapshot)
{
	if (snapshot->overgrown)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_MEMORY_IN_SNAPSHOT,
					"the walk of the snapshot was ended: it took %" PRIu64
					" MB of memory besides what the process has",
					snapshot->growth.limit_bytes >> 20);
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_FOREIGN_CALL,
				"the snapshot (process %d) ran code of its own in place of a "
				"system call of ours, and was ended",
				snapshot->process.pid);
}

static struct pyi_error *end(struct pyi_snapshot *snapshot)
{
	pyi_tracee_kill(snapshot->process.pid);
	return explain_end(snapshot);
}

/* It lives, and the kernel refuses to let it go on. */
static struct pyi_error *cannot_run(const struct pyi_snapshot *snapshot)
{
	return pyi_error_hint(
		pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_KERNEL_LACKS, errno,
				       "this kernel does not let the snapshot (process %d) run to "
				       "its next system call",
				       snapshot->process.pid),
		"every Linux can do that: perhaps it is an emulator of one (gVisor)");
}

/* Ends it if it takes more memory than a walk can need. */
static struct pyi_error *watch_memory(struct pyi_snapshot *snapshot)
{
	if (!pyi_growth_is_excessive(&snapshot->process, &snapshot->growth))
		return NULL;
	snapshot->overgrown = true;
	return end(snapshot);
}

struct pyi_error *pyi_snapshot_confirm(const struct pyi_snapshot *snapshot, struct pyi_error *error)
{
	struct pyi_registers registers;

	/* It is stopped all the time; one that is being killed is not, long before it is dead. */
	if (snapshot->process.pid <= 0 || (error && error->exit == PYI_EXIT_NOT_RESTORED) ||
	    (!snapshot->dead && pyi_arch_get_registers(snapshot->process.pid, &registers)))
		return error;
	if (snapshot->distrusted || snapshot->overgrown)
		return error ? error : explain_end(snapshot);
	pyi_error_destroy(error);
	return pyi_error_hint(lost(snapshot), "perhaps by the OOM killer, which is to take it "
					      "first: see the log of the kernel");
}

static bool is_syscall_stop(int status)
{
	return status >> 16 == 0 && WSTOPSIG(status) == (SIGTRAP | 0x80);
}

/*
 * Without emulation: from the entry of a system call to its end, with the registers that were set
 * at the entry, and without the call. False if the snapshot is gone.
 */
static bool pass_over(struct pyi_snapshot *snapshot)
{
	static const uint64_t nothing[PYI_SYSCALL_ARGUMENTS];
	uint64_t deadline_ns = pyi_clock_deadline(STOP_TIMEOUT_MS, PYI_CLOCK_NEVER);
	struct pyi_registers registers;
	pid_t pid = snapshot->process.pid;
	pid_t reporter;
	int status;

	if (!pyi_arch_get_registers(pid, &registers) ||
	    !pyi_arch_replace_syscall(pid, SYS_munmap, nothing))
		return false;
	do {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0 ||
		    pyi_wait_tracee(pid, deadline_ns, false, &reporter, &status) !=
			    PYI_WAIT_REPORTED)
			return false;
		if (!WIFSTOPPED(status)) {
			snapshot->dead = true;
			return false;
		}
	} while (!is_syscall_stop(status));
	snapshot->at_message = false;
	return pyi_arch_set_registers(pid, &registers);
}

/* Lets it run to its next system call, which is not executed; false with errno. */
static bool go_on(struct pyi_snapshot *snapshot)
{
	pid_t pid = snapshot->process.pid;

	if (!snapshot->without_emulation) {
		if (ptrace(PTRACE_SYSEMU, pid, NULL, NULL) == 0)
			return true;
		if (errno == ESRCH)
			return false;
		snapshot->without_emulation = true;
	}
	if (snapshot->at_message && !pass_over(snapshot)) {
		errno = ESRCH;
		return false;
	}
	return ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0;
}

/*
 * Takes it out of the system call that it was stopped at as a message: the next stop would else be
 * that call's end. It runs no instruction of its own meanwhile.
 */
static struct pyi_error *leave_message(struct pyi_snapshot *snapshot)
{
	uint64_t deadline_ns = pyi_clock_deadline(STOP_TIMEOUT_MS, PYI_CLOCK_NEVER);
	pid_t pid = snapshot->process.pid;
	pid_t reporter;
	int status;

	if (snapshot->without_emulation)
		return pass_over(snapshot) ? NULL : lost(snapshot);
	do {
		if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 ||
		    ptrace(PTRACE_SYSEMU, pid, NULL, NULL) != 0 ||
		    pyi_wait_tracee(pid, deadline_ns, false, &reporter, &status) !=
			    PYI_WAIT_REPORTED ||
		    !WIFSTOPPED(status))
			return lost(snapshot);
	} while (status >> 16 != PTRACE_EVENT_STOP);
	snapshot->at_message = false;
	return NULL;
}

/* Its code has changed since it was looked at: somebody means harm. */
static struct pyi_error *distrust(struct pyi_snapshot *snapshot)
{
	snapshot->distrusted = true;
	return end(snapshot);
}

struct pyi_error *pyi_snapshot_syscall(struct pyi_snapshot *snapshot, uint64_t number,
				       const uint64_t arguments[PYI_SYSCALL_ARGUMENTS],
				       int64_t *ret_result)
{
	struct pyi_planned_call call = { .number = number, .known = PYI_SECCOMP_ALL_KNOWN };
	const struct pyi_call_plan plan = { .calls = &call, .count = 1 };
	struct pyi_error *error;

	memcpy(call.arguments, arguments, sizeof(call.arguments));
	error = pyi_seccomp_filters_check(&snapshot->filters, snapshot->process.pid,
					  &snapshot->gadgets, &plan);
	if (!error && snapshot->at_message)
		error = leave_message(snapshot);
	if (error)
		return error;
	error = pyi_tracee_syscall_unguarded(snapshot->process.pid, &snapshot->gadgets,
					     snapshot->exit_sp, number, arguments, ret_result);
	if (error && error->code == PYI_ERROR_FOREIGN_CALL) {
		pyi_error_destroy(error);
		return distrust(snapshot);
	}
	/* Down there nobody knows that it is not the target. */
	if (error && error->code == PYI_ERROR_TARGET_EXITED) {
		pyi_error_destroy(error);
		return lost(snapshot);
	}
	return error;
}

/* A word at a time: for kernels that restrict /proc/PID/mem even for a tracer. */
static bool poke(pid_t pid, uint64_t addr, const uint8_t *bytes, size_t size_bytes)
{
	for (size_t done = 0; done < size_bytes; done += sizeof(long)) {
		size_t left = size_bytes - done;
		long word = 0;

		if (left < sizeof(word)) {
			errno = 0;
			word = ptrace(PTRACE_PEEKDATA, pid, (void *)(uintptr_t)(addr + done), NULL);
			if (errno)
				return false;
		}
		memcpy(&word, bytes + done, left < sizeof(word) ? left : sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, (void *)(uintptr_t)(addr + done), (void *)word))
			return false;
	}
	return true;
}

struct pyi_error *pyi_snapshot_write(struct pyi_snapshot *snapshot, uint64_t addr,
				     const void *bytes, size_t size_bytes)
{
	pid_t pid = snapshot->process.pid;
	struct iovec local = { (void *)bytes, size_bytes };
	struct iovec remote = { (void *)(uintptr_t)addr, size_bytes };
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = watch_memory(snapshot);

	if (error)
		return pyi_return_ptr(error);
	if (process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)size_bytes)
		return NULL;
	error = pyi_process_open_file(&snapshot->process, "mem", O_WRONLY | O_CLOEXEC, &fd);
	if (!error && pwrite(fd, bytes, size_bytes, (off_t)addr) == (ssize_t)size_bytes)
		return NULL;
	if (poke(pid, addr, bytes, size_bytes))
		return NULL;
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_WRITE, errno,
				      "cannot write to the snapshot at 0x%llx",
				      (unsigned long long)addr);
}

struct pyi_error *pyi_snapshot_become_thread(struct pyi_snapshot *snapshot, uint64_t pthread_id)
{
	for (size_t t = 0; t < snapshot->thread_count; t++) {
		if (!snapshot->threads[t].held ||
		    !pyi_arch_is_thread(snapshot->threads[t].thread_pointer, pthread_id))
			continue;
		if (!pyi_arch_set_thread_pointer(snapshot->process.pid,
						 snapshot->threads[t].thread_pointer))
			return lost(snapshot);
		break;
	}
	return NULL;
}

struct pyi_error *pyi_snapshot_call(struct pyi_snapshot *snapshot, uint64_t pc,
				    uint64_t stack_end_addr, uint64_t argument)
{
	struct pyi_registers registers;

	if (!pyi_arch_get_registers(snapshot->process.pid, &registers))
		return lost(snapshot);
	pyi_arch_set_call(&registers, pc, stack_end_addr, argument);
	if (!pyi_arch_set_registers(snapshot->process.pid, &registers))
		return lost(snapshot);
	return NULL;
}

struct pyi_error *pyi_snapshot_reply(struct pyi_snapshot *snapshot, uint64_t value)
{
	struct pyi_registers registers;

	if (!pyi_arch_get_registers(snapshot->process.pid, &registers))
		return lost(snapshot);
	pyi_arch_set_syscall_result(&registers, value);
	if (!pyi_arch_set_registers(snapshot->process.pid, &registers))
		return lost(snapshot);
	return NULL;
}

/* Turns a stop of the snapshot into an event; false for one that means nothing. */
static bool describe_stop(const struct pyi_snapshot *snapshot, int status,
			  struct pyi_snapshot_event *event)
{
	struct pyi_registers registers;

	if (!pyi_arch_get_registers(snapshot->process.pid, &registers)) {
		event->kind = PYI_SNAPSHOT_DIED;
		return true;
	}
	event->pc = pyi_arch_pc(&registers);
	/* Also what somebody sends to the whole process group of the target. */
	if (status >> 16 == PTRACE_EVENT_STOP || WSTOPSIG(status) == SIGSTOP)
		return false;
	if (is_syscall_stop(status)) {
		event->kind = PYI_SNAPSHOT_MESSAGE;
		event->number = pyi_arch_syscall_number(&registers);
		pyi_arch_syscall_arguments(&registers, event->arguments);
		return true;
	}
	event->kind = PYI_SNAPSHOT_FAULT;
	event->signal = WSTOPSIG(status);
	return true;
}

struct pyi_error *pyi_snapshot_resume(struct pyi_snapshot *snapshot, uint64_t deadline_ns,
				      struct pyi_snapshot_event *ret_event)
{
	pid_t pid = snapshot->process.pid;
	struct pyi_snapshot_event event = { 0 };
	enum pyi_snapshot_event_kind wanted = PYI_SNAPSHOT_MESSAGE;
	bool resume = true;
	pid_t reporter;
	int status;

	for (;;) {
		if (resume && !go_on(snapshot)) {
			if (errno != ESRCH)
				return cannot_run(snapshot);
			event.kind = PYI_SNAPSHOT_DIED;
			break;
		}
		resume = false;
		if (wanted == PYI_SNAPSHOT_MESSAGE) {
			struct pyi_error *error = watch_memory(snapshot);

			if (error)
				return error;
		}
		switch (pyi_wait_tracee(pid, pyi_clock_deadline(PYI_GROWTH_LOOK_MS, deadline_ns),
					wanted != PYI_SNAPSHOT_CANCELLED, &reporter, &status)) {
		case PYI_WAIT_DEADLINE:
			if (!pyi_clock_passed(deadline_ns))
				continue;
			/* It waits for a page that does not come: it is ours, it can go. */
			if (wanted != PYI_SNAPSHOT_MESSAGE) {
				pyi_tracee_kill(pid);
				event.kind = PYI_SNAPSHOT_DIED;
				break;
			}
			deadline_ns = pyi_clock_deadline(STOP_TIMEOUT_MS, PYI_CLOCK_NEVER);
			wanted = PYI_SNAPSHOT_DEADLINE;
			ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
			continue;
		case PYI_WAIT_CANCELLED:
			deadline_ns = pyi_clock_deadline(CANCEL_TIMEOUT_MS, PYI_CLOCK_NEVER);
			wanted = PYI_SNAPSHOT_CANCELLED;
			ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
			continue;
		case PYI_WAIT_NO_TRACEE:
			event.kind = PYI_SNAPSHOT_DIED;
			break;
		case PYI_WAIT_REPORTED:
			if (!WIFSTOPPED(status)) {
				snapshot->dead = true;
				event.kind = PYI_SNAPSHOT_DIED;
				break;
			}
			if (describe_stop(snapshot, status, &event))
				break;
			if (wanted != PYI_SNAPSHOT_MESSAGE) {
				event.kind = wanted;
				break;
			}
			resume = true;
			continue;
		}
		break;
	}
	snapshot->at_message = event.kind == PYI_SNAPSHOT_MESSAGE;
	*ret_event = event;
	return NULL;
}
