/*
 * Takes snapshots by an injected clone, and gets rid of them. Does not run anything in them:
 * snapshot/run.c does.
 */
#include "snapshot/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "snapshot/calls.h"
#include "snapshot/flushed.h"
#include "snapshot/leftover.h"
#include "snapshot/mirror.h"
#include "snapshot/mounts.h"
#include "tracee/gadgets.h"
#include "tracee/stop.h"
#include "tracee/wait.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum {
	/* include/uapi/linux/close_range.h */
	CLOSE_RANGE_UNSHARE_FLAG = 1 << 1,
	CHILD_TIMEOUT_MS = 10000,
	/* For a child of which nobody knows whether there is one: it stops as soon as it runs. */
	ORPHAN_TIMEOUT_MS = 500,
	REAP_PATIENCE_MS = 10000,
	REAP_PAUSE_MS = 50,
	OOM_SCORE_FIRST = 1000,
	/* Longer than all waits within a stop, and than the worst estimate of a pause. */
	STOP_LIMIT_MS = 60000,
	STOP_LIMIT_FACTOR = 10,
};

/* What is owed to targets: stops that have not ended, and snapshots. */
static uint32_t own_debts;
static uint32_t *debts = &own_debts;

void pyi_snapshot_tell_debts(uint32_t *shared)
{
	debts = shared;
}

static void owe(void)
{
	__atomic_add_fetch(debts, 1, __ATOMIC_SEQ_CST);
}

/* Unless `error` says that it was not. */
static void note_restored(const struct pyi_error *error)
{
	if (!error || error->exit != PYI_EXIT_NOT_RESTORED)
		__atomic_sub_fetch(debts, 1, __ATOMIC_SEQ_CST);
}

/* Whatever a stop costs counts, also one that comes to nothing. */
static struct pyi_error *begin_stop(struct pyi_snapshot_target *target,
				    const struct pyi_gadgets *gadgets,
				    const struct pyi_call_plan *plan, enum pyi_stop_extent extent,
				    struct pyi_stop *ret_stop)
{
	struct pyi_error *error;

	owe();
	error = pyi_stop_begin(target->process, gadgets, plan, extent, target->stop_limit_ms,
			       ret_stop);
	if (error)
		note_restored(error);
	target->stop_count += ret_stop->tries_ms > 0;
	target->paused_ms += ret_stop->tries_ms;
	target->longest_pause_ms = fmax(target->longest_pause_ms, ret_stop->longest_try_ms);
	return error;
}

/* Stops the target's clock of pauses for this stop. */
static struct pyi_error *end_stop(struct pyi_snapshot_target *target, struct pyi_stop *stop)
{
	double paused_ms;
	struct pyi_error *error = pyi_stop_end(target->process, stop, &paused_ms);

	note_restored(error);
	target->stop_count++;
	target->paused_ms += paused_ms;
	target->longest_pause_ms = fmax(target->longest_pause_ms, paused_ms);
	return error;
}

/* Lists of mounts can be long, and are hardly ever asked. */
struct mount_question {
	const struct pyi_process *process;
	struct pyi_mounts mounts;
	struct pyi_error *error;
	bool read;
};

static bool is_kept(void *argument, const struct pyi_map *map)
{
	struct mount_question *question = argument;

	if (!question->read)
		question->error = pyi_mounts_read(question->process, &question->mounts);
	question->read = true;
	return !question->error && pyi_mounts_is_kept_by_kernel(&question->mounts, map);
}

static struct pyi_error *find_gadgets(const struct pyi_process *process,
				      const struct pyi_maps *maps, struct pyi_gadgets *ret_gadgets)
{
	struct mount_question question = { .process = process };
	struct pyi_error *error = pyi_gadgets_find(process, maps, is_kept, &question, ret_gadgets);

	pyi_mounts_deinit(&question.mounts);
	/* Then it is why. */
	if (error && question.error) {
		pyi_error_destroy(error);
		return question.error;
	}
	pyi_error_destroy(question.error);
	return error;
}

/* Makes the target reap its child; true when it is gone from it. */
static struct pyi_error *reap_in_target(struct pyi_snapshot_target *target, pid_t namespace_pid,
					bool *ret_gone)
{
	const uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = { (uint64_t)namespace_pid, 0,
							    __WALL | WNOHANG };
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	struct pyi_stop stop = { 0 };
	struct pyi_gadgets gadgets;
	struct pyi_error *restoring;
	struct pyi_error *error;
	int64_t result = 0;

	/* It is still the process that must reap, but it may run another program by now. */
	error = pyi_maps_read(target->process, &maps);
	if (!error)
		error = find_gadgets(target->process, &maps, &gadgets);
	if (!error)
		error = begin_stop(target, &gadgets, &pyi_calls_of_reaping, PYI_STOP_ONE, &stop);
	if (error)
		return error;
	error = pyi_tracee_syscall(&stop.threads[stop.injector].tracee, &gadgets, SYS_wait4,
				   arguments, &result);
	restoring = end_stop(target, &stop);
	pyi_stop_deinit(&stop);
	if (restoring) {
		pyi_error_destroy(error);
		return restoring;
	}
	if (error)
		return error;
	/* ECHILD: another pyinspect was quicker. */
	*ret_gone = result == namespace_pid || result == -ECHILD;
	return NULL;
}

/*
 * Reaps one dead snapshot, with patience for a target that cannot be stopped at once; if it is not
 * `ours`, not with one in which calls must not be run: then that is the error.
 */
static struct pyi_error *reap(struct pyi_snapshot_target *target, pid_t namespace_pid, bool ours)
{
	const struct timespec pause = { .tv_nsec = REAP_PAUSE_MS * 1000000L };
	uint64_t deadline_ns = pyi_clock_deadline(REAP_PATIENCE_MS, PYI_CLOCK_NEVER);
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *last = NULL;

	while (!pyi_clock_passed(deadline_ns)) {
		struct pyi_error *error;
		bool gone = false;

		if (!pyi_process_is_alive(target->process))
			return NULL;
		error = reap_in_target(target, namespace_pid, &gone);
		if (gone)
			return NULL;
		if (error &&
		    (error->exit == PYI_EXIT_NOT_RESTORED || (!ours && pyi_call_is_refused(error))))
			return error;
		pyi_error_destroy(last);
		last = error;
		/* Whoever is in a hurry to end us must wait for this. */
		nanosleep(&pause, NULL);
	}
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_NOT_RESTORED, PYI_ERROR_ZOMBIE_LEFT,
				 "process %d could not be made to reap our dead snapshot %d (%s)",
				 target->process->pid, namespace_pid,
				 last ? last->message : "it does not"),
		"run pyinspect on it once more: a run that makes a clone reaps what is left");
}

uint64_t pyi_snapshot_stop_limit_ms(const struct pyi_preflight *preflight)
{
	return STOP_LIMIT_MS + (uint64_t)(STOP_LIMIT_FACTOR * preflight->estimated_pause_ms);
}

struct pyi_error *pyi_snapshot_target_init(const struct pyi_process *process,
					   const struct pyi_maps *maps,
					   const struct pyi_preflight *preflight,
					   struct pyi_snapshot_target *ret_target)
{
	struct pyi_snapshot_target target = {
		.process = process,
		.source = preflight->source,
		.stop_limit_ms = pyi_snapshot_stop_limit_ms(preflight),
	};
	pid_t leftovers[PYI_LEFTOVER_LIMIT];
	struct pyi_process_status status;
	struct pyi_error *error;
	size_t count;

	/* A mirror is made without the target's code. */
	error = target.source == PYI_SOURCE_CLONE ? find_gadgets(process, maps, &target.gadgets)
						  : NULL;
	if (!error)
		error = pyi_process_read_status(process, 0, &status);
	if (error)
		return error;
	target.namespace_count = status.namespace_count;
	/* What must not be run in it now must not be for that either. */
	count = target.source == PYI_SOURCE_CLONE
			? pyi_leftover_find(process, target.namespace_count, leftovers)
			: 0;
	for (size_t i = 0; i < count; i++) {
		error = reap(&target, leftovers[i], false);
		/* It stays; and so does the cause for which it cannot be cloned, either. */
		if (error && pyi_call_is_refused(error)) {
			pyi_error_destroy(error);
			break;
		}
		if (error)
			return error;
	}
	*ret_target = target;
	return NULL;
}

/* True if `pid`, alive or dead, is a child of the target. */
static bool is_child(pid_t pid, const struct pyi_snapshot_target *target,
		     struct pyi_process_status *ret_status)
{
	struct pyi_process process = { .pid = pid };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	char path[32];

	/* To pyi_process_open() a dead one is none. */
	snprintf(path, sizeof(path), "/proc/%d", pid);
	process.proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	error = pyi_process_read_status(&process, 0, ret_status);
	pyi_process_close(&process);
	return !error && ret_status->thread_group_id == pid &&
	       ret_status->parent_pid == target->process->pid;
}

/*
 * Waits for the first stop of the child that the clone made, or for its end if it was killed before
 * that, and writes down which process it is. Its number is known unless the clone's result is not.
 */
static struct pyi_error *await_child(struct pyi_snapshot_target *target,
				     struct pyi_snapshot *snapshot, uint64_t timeout_ms)
{
	uint64_t deadline_ns = pyi_clock_deadline(timeout_ms, PYI_CLOCK_NEVER);
	struct pyi_process_status child;
	pid_t namespace_pid;
	pid_t pid;
	int status;

	for (;;) {
		enum pyi_wait_result result =
			pyi_wait_tracee(-1, deadline_ns, false, &pid, &status);

		if (result != PYI_WAIT_REPORTED)
			break;
		/* A held thread of the target that was killed meanwhile also reports. */
		if (!is_child(pid, target, &child))
			continue;
		namespace_pid = pyi_process_number_in(&child, target->namespace_count);
		if (snapshot->namespace_pid > 0 && snapshot->namespace_pid != namespace_pid)
			continue;
		snapshot->namespace_pid = namespace_pid;
		snapshot->process.pid = pid;
		target->last_pid = pid;
		if (WIFSTOPPED(status))
			return child.seccomp_mode
				       ? pyi_seccomp_filters_read(pid, &snapshot->filters)
				       : NULL;
		/* It takes a SIGKILL to end it before that; its parent can still reap it. */
		snapshot->dead = true;
		break;
	}
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST,
				"the snapshot did not appear after its clone");
}

static bool write_oom_score(const struct pyi_process *process)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", OOM_SCORE_FIRST);
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;

	error = pyi_process_open_file(process, "oom_score_adj", O_WRONLY | O_CLOEXEC, &fd);
	return !error && write(fd, text, (size_t)length) == length;
}

/* The walk needs memory of its own, which the target may be allowed to have or not. */
static void lift_limits(pid_t pid)
{
	static const int limits[] = { RLIMIT_AS, RLIMIT_DATA };

	for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
		struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

		if (prlimit(pid, limits[l], &limit, NULL) == 0 ||
		    prlimit(pid, limits[l], NULL, &limit) != 0)
			continue;
		/* Without CAP_SYS_RESOURCE that is as far as it goes. */
		limit.rlim_cur = limit.rlim_max;
		(void)!prlimit(pid, limits[l], &limit, NULL);
	}
}

/*
 * Before the target goes on, its copy must not be able to do anything: a name by which it is
 * known, death with us, no signals, no descriptors, first in line for the OOM killer.
 */
static struct pyi_error *make_harmless(struct pyi_snapshot *snapshot, const struct pyi_guard *guard)
{
	const uint64_t name[PYI_SYSCALL_ARGUMENTS] = { PR_SET_NAME, guard->comm_addr };
	const uint64_t unshare_all[PYI_SYSCALL_ARGUMENTS] = { 0, UINT32_MAX,
							      CLOSE_RANGE_UNSHARE_FLAG };
	uint64_t every_signal = UINT64_MAX;
	pid_t pid = snapshot->process.pid;
	struct pyi_error *error;
	int64_t result;

	/* First the name, then EXITKILL: a zombie of ours always carries a mark. */
	error = pyi_snapshot_syscall(snapshot, SYS_prctl, name, &result);
	if (error)
		return error;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) != 0 ||
	    ptrace(PTRACE_SETSIGMASK, pid, (void *)sizeof(every_signal), &every_signal) != 0)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST, errno,
					      "cannot take hold of the snapshot");
	/*
	 * The table is shared, so nothing that the target closes stays open. Leaving it duplicates
	 * the first descriptors for a moment: of files whose file systems would hear of that it is
	 * not left. Nor is it before Linux 5.9, which has no such call, or under a filter that does
	 * not know it (doc/safety.md).
	 */
	result = 0;
	error = snapshot->shares_table
			? NULL
			: pyi_snapshot_syscall(snapshot, SYS_close_range, unshare_all, &result);
	if (error && pyi_call_is_refused(error)) {
		pyi_error_destroy(error);
		error = NULL;
	}
	if (error)
		return error;
	if (result != 0 && result != -ENOSYS)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST,
					      (int)-result,
					      "cannot empty the snapshot's descriptor table");
	if (!write_oom_score(&snapshot->process))
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST, errno,
					      "cannot offer the snapshot to the OOM killer first");
	return NULL;
}

static struct pyi_error *clone_refused(const struct pyi_snapshot_target *target, int number)
{
	struct pyi_error *error =
		pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_CLONE_REFUSED, number,
				       "process %d cannot be cloned", target->process->pid);

	switch (number) {
	case EAGAIN:
		return pyi_error_hint(error, "a limit on processes is reached (RLIMIT_NPROC or "
					     "pids.max of its cgroup)");
	case ENOMEM:
		return pyi_error_hint(error, "the kernel does not commit a second copy of its "
					     "memory (vm.overcommit_memory = 2, or too little)");
	case EPERM:
	case ENOSYS:
		return pyi_error_hint(error, "its seccomp filter forbids clone");
	default:
		return error;
	}
}

/* The target stands still, and one of its threads is guarded: clones it. */
static struct pyi_error *clone_target(struct pyi_snapshot_target *target, struct pyi_stop *stop,
				      struct pyi_snapshot *snapshot)
{
	struct pyi_tracee *injector = &stop->threads[stop->injector].tracee;
	uint64_t arguments[PYI_SYSCALL_ARGUMENTS];
	struct pyi_error *error;
	int64_t result = 0;

	/* Exit signal 0: neither SIGCHLD nor wait() will ever tell the target of it. */
	pyi_arch_clone_arguments(CLONE_PTRACE | CLONE_FILES, injector->guard.child_sp, arguments);
	error = pyi_tracee_syscall(injector, &target->gadgets, SYS_clone, arguments, &result);
	/* Even if something went wrong after it: there is a child to be reaped. */
	if (result > 0)
		snapshot->namespace_pid = (pid_t)result;
	/*
	 * An execve() in another thread has killed the injector before it could say whether it has
	 * made a child: if so, that reports. If not, all that we trace is as good as dead, and
	 * there soon is nothing to wait for.
	 */
	if (error && result <= 0 && injector->state == PYI_TRACEE_GONE)
		pyi_error_destroy(await_child(target, snapshot, ORPHAN_TIMEOUT_MS));
	if (error)
		return error;
	if (result < 0)
		return clone_refused(target, (int)-result);
	snapshot->exit_sp = injector->guard.child_sp;
	error = await_child(target, snapshot, CHILD_TIMEOUT_MS);
	if (error)
		return error;
	error = pyi_process_open(snapshot->process.pid, &snapshot->process);
	if (error)
		return error;
	return make_harmless(snapshot, &injector->guard);
}

static struct pyi_error *describe_threads(const struct pyi_stop *stop,
					  struct pyi_snapshot *snapshot)
{
	snapshot->threads = calloc(stop->thread_count + 1, sizeof(*snapshot->threads));
	if (!snapshot->threads)
		return pyi_error_no_memory();
	snapshot->thread_count = stop->thread_count;
	snapshot->stranger = stop->stranger;
	for (size_t t = 0; t < stop->thread_count; t++) {
		const struct pyi_stop_thread *thread = &stop->threads[t];

		snapshot->threads[t] = (struct pyi_snapshot_thread){
			.namespace_tid = thread->namespace_tid,
			.thread_pointer = thread->thread_pointer,
			.held = thread->held,
			.moved = thread->moved,
			.registers = thread->tracee.registers,
		};
	}
	return NULL;
}

/*
 * Memory that is shared with other processes, or with the target itself, must not be written from
 * the snapshot by whatever code a type brings along.
 */
static struct pyi_error *protect_shared_memory(struct pyi_snapshot *snapshot)
{
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	struct pyi_error *unread = pyi_maps_read(&snapshot->process, &maps);

	if (unread)
		return unread;
	for (size_t m = 0; m < maps.count; m++) {
		const struct pyi_map *map = &maps.items[m];
		const uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = {
			map->start_addr,
			map->end_addr - map->start_addr,
			map->readable ? PROT_READ : PROT_NONE,
		};
		struct pyi_error *error;
		int64_t result;

		if (!map->shared || !map->writable)
			continue;
		error = pyi_snapshot_syscall(snapshot, SYS_mprotect, arguments, &result);
		if (error)
			return error;
		if (result != 0)
			return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST,
						      (int)-result,
						      "cannot protect the target's shared memory");
	}
	return NULL;
}

/* Makes the process for a copy, as a thread of the target that was held. */
static struct pyi_error *build_mirror(struct pyi_mirror *mirror, struct pyi_snapshot *snapshot)
{
	struct pyi_error *error;

	error = pyi_mirror_build(mirror, &snapshot->gadgets, &snapshot->process.pid);
	if (error)
		return error;
	error = pyi_process_open(snapshot->process.pid, &snapshot->process);
	if (error)
		return error;
	for (size_t t = 0; t < snapshot->thread_count; t++)
		if (snapshot->threads[t].held && snapshot->threads[t].thread_pointer &&
		    pyi_arch_set_thread_pointer(snapshot->process.pid,
						snapshot->threads[t].thread_pointer))
			break;
	return NULL;
}

/* What is done with the snapshot when the target goes on again. */
static struct pyi_error *finish(struct pyi_mirror *mirror, struct pyi_snapshot *snapshot)
{
	struct pyi_error *error = mirror ? build_mirror(mirror, snapshot) : NULL;

	if (!error && !mirror) {
		lift_limits(snapshot->process.pid);
		error = protect_shared_memory(snapshot);
	}
	return error;
}

/* The target stands still: takes what the snapshot is made of. */
static struct pyi_error *take_stopped(struct pyi_snapshot_target *target, struct pyi_stop *stop,
				      const struct pyi_snapshot_gate *gate,
				      const struct pyi_live_memory *live, struct pyi_mirror *mirror,
				      struct pyi_snapshot *snapshot, bool *ret_ready)
{
	struct pyi_error *error;

	pyi_stop_watch(target->process, stop);
	*ret_ready = !gate->before || gate->before(gate->argument, live);
	if (!*ret_ready)
		return NULL;
	error = mirror ? pyi_mirror_copy(mirror, target->process)
		       : clone_target(target, stop, snapshot);
	if (error)
		return error;
	if (gate->after)
		gate->after(gate->argument, live);
	pyi_stop_find_moved(target->process, stop);
	return describe_threads(stop, snapshot);
}

/* Stops the target, takes the snapshot, lets the target go on. */
static struct pyi_error *take(struct pyi_snapshot_target *target, enum pyi_stop_extent extent,
			      const struct pyi_snapshot_gate *gate, struct pyi_mirror *mirror,
			      struct pyi_snapshot *snapshot, bool *ret_ready)
{
	struct pyi_live_memory live = { -1, -1 };
	struct pyi_error *restoring;
	struct pyi_error *error;
	struct pyi_stop stop = { 0 };

	snapshot->shares_table = !mirror && pyi_flushed_has_files(target->process);
	error = pyi_live_memory_open(target->process, &live);
	if (!error)
		error = begin_stop(target, mirror ? NULL : &target->gadgets,
				   mirror ? NULL : &pyi_calls_of_clone, extent, &stop);
	if (error) {
		pyi_live_memory_close(&live);
		return error;
	}
	error = take_stopped(target, &stop, gate, &live, mirror, snapshot, ret_ready);
	snapshot->created_ns = pyi_clock_now_ns();
	restoring = end_stop(target, &stop);
	pyi_stop_deinit(&stop);
	pyi_live_memory_close(&live);
	/* What could not be put back matters more than what failed. */
	if (restoring) {
		pyi_error_destroy(error);
		return restoring;
	}
	if (!error && *ret_ready)
		error = finish(mirror, snapshot);
	if (!error && *ret_ready)
		pyi_growth_begin(&snapshot->process, &snapshot->growth);
	return error;
}

static struct pyi_error *prepare_mirror(const struct pyi_snapshot_target *target,
					struct pyi_mirror **ret_mirror)
{
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	struct pyi_error *error;

	if (target->source != PYI_SOURCE_MIRROR)
		return NULL;
	error = pyi_maps_read(target->process, &maps);
	return error ? error : pyi_mirror_prepare(target->process, &maps, ret_mirror);
}

struct pyi_error *pyi_snapshot_take(struct pyi_snapshot_target *target, enum pyi_stop_extent extent,
				    const struct pyi_snapshot_gate *gate,
				    struct pyi_snapshot **ret_snapshot)
{
	struct pyi_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	struct pyi_mirror *mirror = NULL;
	struct pyi_error *destroying;
	struct pyi_error *error;
	bool is_ready = false;

	if (!snapshot)
		return pyi_error_no_memory();
	snapshot->process.proc_fd = -1;
	snapshot->target = target;
	snapshot->gadgets = target->gadgets;
	owe();
	error = prepare_mirror(target, &mirror);
	if (!error)
		error = take(target, extent, gate, mirror, snapshot, &is_ready);
	if (error)
		error = pyi_snapshot_confirm(snapshot, error);
	pyi_mirror_destroy(mirror);
	if (!error && is_ready) {
		*ret_snapshot = snapshot;
		return NULL;
	}
	destroying = pyi_snapshot_destroy(snapshot);
	if (destroying && (!error || error->exit != PYI_EXIT_NOT_RESTORED)) {
		pyi_error_destroy(error);
		error = destroying;
	} else {
		pyi_error_destroy(destroying);
	}
	if (!error)
		*ret_snapshot = NULL;
	return error;
}

/* Ends the process and takes our own, the tracer's, notice of its death. */
static void kill_snapshot(struct pyi_snapshot *snapshot)
{
	uint64_t deadline_ns = pyi_clock_deadline(CHILD_TIMEOUT_MS, PYI_CLOCK_NEVER);
	pid_t pid;
	int status;

	/* The injector was killed, by an execve() perhaps, when it had said what it has made. */
	if (snapshot->process.pid <= 0 && snapshot->namespace_pid > 0)
		pyi_error_destroy(await_child(snapshot->target, snapshot, CHILD_TIMEOUT_MS));
	if (snapshot->process.pid <= 0 || snapshot->dead)
		return;
	pyi_tracee_kill(snapshot->process.pid);
	while (pyi_wait_tracee(snapshot->process.pid, deadline_ns, false, &pid, &status) ==
		       PYI_WAIT_REPORTED &&
	       WIFSTOPPED(status))
		;
	snapshot->dead = true;
}

struct pyi_error *pyi_snapshot_destroy(struct pyi_snapshot *snapshot)
{
	struct pyi_error *error = NULL;

	if (!snapshot)
		return NULL;
	kill_snapshot(snapshot);
	if (snapshot->namespace_pid > 0)
		error = reap(snapshot->target, snapshot->namespace_pid, true);
	note_restored(error);
	pyi_process_close(&snapshot->process);
	pyi_seccomp_filters_deinit(&snapshot->filters);
	free(snapshot->threads);
	free(snapshot);
	return error;
}
