/*
 * Compares a target with what it was before, thread by thread. Changes nothing.
 */
#include "snapshot/residue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/small_file.h"
#include "process/process_stat.h"

enum {
	DESCRIPTOR_LIMIT = 4096,
	/* What one stop of a quiet target costs the thread that is used, in turns on
	   a processor. */
	RUNS_PER_STOP = 6,
	/* For what passes by itself: a thread on its way, a mask during a fork. */
	LOOKS = 10,
	LOOK_PAUSE_MS = 2,
};

/* Bits of signal sets as /proc prints them. */
#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))
/* What SETSIGMASK makes of "all": these two cannot be blocked. */
#define EVERY_SIGNAL (~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)))

/*
 * Looks at one thread, and gives its status. What costs more than that is taken from `known`,
 * unless it is NULL.
 */
static bool look_at_thread(const struct pyi_process *process, pid_t tid,
			   const struct pyi_residue_thread *known,
			   struct pyi_residue_thread *ret_thread,
			   struct pyi_process_status *ret_status)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	char path[64];
	char activity[96];

	error = pyi_process_read_status(process, tid, ret_status);
	if (error)
		return false;
	*ret_thread = (struct pyi_residue_thread){
		.tid = tid,
		.state = ret_status->state,
		.tracer_pid = ret_status->tracer_pid,
		.blocked = ret_status->signals_blocked,
		.pending = ret_status->signals_pending,
	};
	if (known) {
		ret_thread->run_count = known->run_count;
		memcpy(ret_thread->call, known->call, sizeof(known->call));
		return true;
	}
	snprintf(path, sizeof(path), "task/%d/schedstat", tid);
	if (pyi_small_file_read(process->proc_fd, path, activity, sizeof(activity)) &&
	    sscanf(activity, "%*u %*u %" SCNu64, &ret_thread->run_count) != 1)
		ret_thread->run_count = 0;
	snprintf(path, sizeof(path), "task/%d/syscall", tid);
	pyi_small_file_read(process->proc_fd, path, ret_thread->call, sizeof(ret_thread->call));
	return true;
}

static const struct pyi_residue_thread *find_thread(const struct pyi_residue_state *state,
						    pid_t tid)
{
	for (size_t t = 0; t < state->thread_count; t++)
		if (state->threads[t].tid == tid)
			return &state->threads[t];
	return NULL;
}

static size_t count_descriptors(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	size_t count = 0;
	DIR *folder;
	int fd;

	error = pyi_process_open_file(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, &fd);
	if (error)
		return SIZE_MAX;
	folder = fdopendir(fd);
	if (!folder) {
		close(fd);
		return SIZE_MAX;
	}
	while (count <= DESCRIPTOR_LIMIT && readdir(folder))
		count++;
	closedir(folder);
	return count <= DESCRIPTOR_LIMIT ? count : SIZE_MAX;
}

static void look_at_threads(const struct pyi_process *process,
			    const struct pyi_residue_state *known, struct pyi_residue_state *state)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	struct pyi_process_status status;
	size_t count;

	*state = (struct pyi_residue_state){ .descriptor_count = SIZE_MAX };
	error = pyi_process_list_threads(process, &tids, &count);
	if (error)
		return;
	state->truncated = count > PYI_RESIDUE_THREADS;
	if (state->truncated)
		count = PYI_RESIDUE_THREADS;
	state->threads = calloc(count + 1, sizeof(*state->threads));
	if (!state->threads)
		return;
	for (size_t t = 0; t < count; t++) {
		if (!look_at_thread(process, tids[t], known ? find_thread(known, tids[t]) : NULL,
				    &state->threads[state->thread_count], &status))
			continue;
		state->thread_count++;
		if (tids[t] != process->pid)
			continue;
		state->shared_pending = status.shared_signals_pending;
		state->ignored = status.signals_ignored;
		state->caught = status.signals_caught;
	}
	state->known = state->thread_count > 0;
}

static void look_at_process(const struct pyi_process *process,
			    const struct pyi_residue_state *known,
			    struct pyi_residue_state *ret_state)
{
	char text[128];

	look_at_threads(process, known, ret_state);
	ret_state->descriptor_count = count_descriptors(process);
	if (!pyi_small_file_read(process->proc_fd, "statm", text, sizeof(text)) ||
	    sscanf(text, "%" SCNu64, &ret_state->mapped_pages) != 1)
		ret_state->mapped_pages = 0;
}

void pyi_residue_before(const struct pyi_process *process, struct pyi_residue_state *ret_state)
{
	look_at_process(process, NULL, ret_state);
}

__attribute__((format(printf, 4, 5))) static void add(struct pyi_residue *residue, const char *code,
						      bool certain, const char *format, ...)
{
	va_list arguments;

	for (size_t i = 0; i < residue->count; i++)
		if (strcmp(residue->items[i].code, code) == 0)
			return;
	if (residue->count == PYI_RESIDUE_LIMIT)
		return;
	snprintf(residue->items[residue->count].code, sizeof(residue->items[residue->count].code),
		 "%s", code);
	residue->items[residue->count].certain = certain;
	va_start(arguments, format);
	vsnprintf(residue->items[residue->count].message,
		  sizeof(residue->items[residue->count].message), format, arguments);
	va_end(arguments);
	residue->count++;
}

/* Whether this process still has a tracee, or a child: asked of the kernel, for
 * all at once. */
static bool have_tracees(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0 ||
	       errno != ECHILD;
}

static void find_tracees(const struct pyi_process *process, struct pyi_residue *residue)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	pid_t self = getpid();
	size_t count;

	if (!have_tracees())
		return;
	error = pyi_process_list_threads(process, &tids, &count);
	for (size_t t = 0; !error && t < count; t++) {
		struct pyi_process_status status;
		struct pyi_error *gone = pyi_process_read_status(process, tids[t], &status);

		if (!gone && status.tracer_pid == self)
			add(residue, "tracer", true, "thread %d is still traced by us", tids[t]);
		pyi_error_destroy(gone);
	}
}

/* A child of the target without exit signal, of the number that the last
 * snapshot had. */
static void find_snapshot(const struct pyi_snapshot_target *target, struct pyi_residue *residue)
{
	struct pyi_process_stat stat;

	if (target->last_pid <= 0 || !pyi_process_stat_peek(target->last_pid, &stat))
		return;
	if (stat.parent_pid == target->process->pid && stat.exit_signal == 0)
		add(residue, "snapshot", true, "our snapshot, process %d, is still its child",
		    target->last_pid);
}

static bool is_stopped(const struct pyi_residue_thread *thread)
{
	return thread->state == 'T' || thread->state == 't';
}

/* A thread that is stopped or runs is printed as something else than a call
 * that it sleeps in. */
static bool sleeps_in_call(const struct pyi_residue_thread *thread)
{
	return thread->call[0] >= '0' && thread->call[0] <= '9';
}

/*
 * The call is the same: also when the kernel goes on with it after an
 * interruption, under another number. Arguments and stack pointer say the same
 * then.
 */
static bool same_call(const struct pyi_residue_thread *before,
		      const struct pyi_residue_thread *after)
{
	const char *then = strchr(before->call, ' ');
	const char *now = strchr(after->call, ' ');

	return sleeps_in_call(before) && sleeps_in_call(after) && then && now &&
	       strcmp(then, now) == 0;
}

/* No thread but one can have done anything; see the header. */
static bool stood_still(const struct pyi_residue_state *before,
			const struct pyi_residue_state *after, unsigned stop_count)
{
	size_t have_run = 0;

	if (before->truncated || after->truncated || before->thread_count > after->thread_count)
		return false;
	for (size_t t = 0; t < before->thread_count; t++) {
		const struct pyi_residue_thread *then = &before->threads[t];
		const struct pyi_residue_thread *now = find_thread(after, then->tid);
		uint64_t runs;

		if (!now || !then->run_count || !same_call(then, now))
			return false;
		runs = now->run_count - then->run_count;
		have_run += runs > 0;
		if (runs > (uint64_t)RUNS_PER_STOP * stop_count)
			return false;
	}
	return have_run <= 1;
}

static void compare_threads(const struct pyi_residue_state *before,
			    const struct pyi_residue_state *after, bool still,
			    struct pyi_residue *residue)
{
	const uint64_t ours = SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGSTOP);
	uint64_t watched = still ? UINT64_MAX : ours;

	for (size_t t = 0; t < after->thread_count; t++) {
		const struct pyi_residue_thread *now = &after->threads[t];
		const struct pyi_residue_thread *then = find_thread(before, now->tid);

		if (!then) {
			if (still)
				add(residue, "threads", false, "thread %d was not there before",
				    now->tid);
			continue;
		}
		/* A debugger that came meanwhile has its own reasons. */
		if (now->tracer_pid)
			continue;
		if (is_stopped(now) && !is_stopped(then))
			add(residue, "stopped", false, "thread %d is stopped, and was not before",
			    now->tid);
		if (now->blocked == EVERY_SIGNAL && then->blocked != EVERY_SIGNAL &&
		    same_call(then, now))
			add(residue, "signal-mask", true,
			    "thread %d has all signals blocked, before it had %" PRIx64, now->tid,
			    then->blocked);
		if (now->pending & ~then->pending & watched)
			add(residue, "pending-signal", false,
			    "signals %" PRIx64 " are pending for thread %d",
			    now->pending & ~then->pending, now->tid);
	}
	if (after->shared_pending & ~before->shared_pending & watched)
		add(residue, "pending-signal", false, "signals %" PRIx64 " are pending",
		    after->shared_pending & ~before->shared_pending);
	if (((after->ignored ^ before->ignored) | (after->caught ^ before->caught)) & watched)
		add(residue, "signal-handlers", false,
		    "ignored %" PRIx64 " and handled %" PRIx64 ", before %" PRIx64 " and %" PRIx64,
		    after->ignored, after->caught, before->ignored, before->caught);
}

static void compare_rest(const struct pyi_residue_state *before,
			 const struct pyi_residue_state *after, struct pyi_residue *residue)
{
	if (before->descriptor_count != SIZE_MAX && after->descriptor_count != SIZE_MAX &&
	    before->descriptor_count != after->descriptor_count)
		add(residue, "descriptors", false, "it has %zu descriptors, before it had %zu",
		    after->descriptor_count, before->descriptor_count);
	if (before->mapped_pages && after->mapped_pages &&
	    before->mapped_pages != after->mapped_pages)
		add(residue, "mappings", false,
		    "%" PRIu64 " pages of memory are mapped, before %" PRIu64, after->mapped_pages,
		    before->mapped_pages);
}

/* One look at all of it; `known` as above. */
static void look(const struct pyi_snapshot_target *target, const struct pyi_residue_state *before,
		 const struct pyi_residue_state *known, struct pyi_residue *residue)
{
	PYI_CLEANUP(pyi_residue_state_deinit) struct pyi_residue_state after = { 0 };
	bool still;

	*residue = (struct pyi_residue){ 0 };
	look_at_process(target->process, known, &after);
	if (!after.known || !pyi_process_is_alive(target->process))
		return;
	still = stood_still(before, &after, target->stop_count);
	find_tracees(target->process, residue);
	find_snapshot(target, residue);
	compare_threads(before, &after, still, residue);
	if (still)
		compare_rest(before, &after, residue);
}

void pyi_residue_after(const struct pyi_snapshot_target *target,
		       const struct pyi_residue_state *before, struct pyi_residue *ret_residue)
{
	const struct timespec pause = { .tv_nsec = LOOK_PAUSE_MS * 1000000L };

	*ret_residue = (struct pyi_residue){ 0 };
	if (!before->known)
		return;
	/* Mostly nothing is different at all, and then it does not matter who ran. */
	look(target, before, before, ret_residue);
	for (int number = 0; ret_residue->count && number < LOOKS; number++) {
		if (number)
			nanosleep(&pause, NULL);
		look(target, before, NULL, ret_residue);
	}
}

struct pyi_error *pyi_residue_error(const struct pyi_snapshot_target *target,
				    const struct pyi_residue *residue)
{
	for (size_t i = 0; i < residue->count; i++)
		if (residue->items[i].certain)
			return pyi_error_create(PYI_EXIT_NOT_RESTORED, PYI_ERROR_RESIDUE,
						"process %d is not as it was: %s",
						target->process->pid, residue->items[i].message);
	return NULL;
}

void pyi_residue_state_deinit(struct pyi_residue_state *state)
{
	free(state->threads);
	*state = (struct pyi_residue_state){ 0 };
}
