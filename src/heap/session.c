/*
 * Orders the steps of an inspection, and decides whether a snapshot can be believed. Does none of
 * the steps itself.
 */
#include "heap/session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/page.h"
#include "heap/doubt.h"
#include "heap/gate.h"
#include "process/another_program.h"
#include "process/program.h"
#include "snapshot/preflight.h"
#include "tracee/wait.h"

enum {
	/* Each that is no use costs the target a pause; being refused at the gate, a tenth of one.
	 */
	SNAPSHOT_LIMIT = 40,
	/*
	 * So many of them with as few threads stopped as can be, unless one of those that were left
	 * alone has spoilt one; and then, until it is so many, without those that mind if we are
	 * killed.
	 */
	GENTLE_LIMIT = 16,
	HARMLESS_LIMIT = 28,
	/* For how long a target is watched to see whether they would: as long as the clone takes.
	 */
	WATCH_MOST_MS = 50,
	/*
	 * So many walks that find trouble: then it is in the heap, not in the moment. A link or a
	 * dict is often caught in the middle of a change, a bad object hardly ever.
	 */
	TORN_LIMIT = 8,
	BROKEN_LIMIT = 2,
	/* A walk that took so long is not taken again to see whether it goes better. */
	LONG_WALK_MS = 2000,
	STOP_LIMIT = 400,
	/* Snapshots that are dropped for the sake of a frame in which the heap may be changed. */
	STACK_PATIENCE = 6,
	/* A collection of a large heap takes seconds. */
	COLLECTION_PATIENCE_MS = 10000,
	/* Without a GIL it takes no object out of its place, and may run all the time: so long, and
	   so many stops, it is waited for. */
	SIDE_BY_SIDE_PATIENCE_MS = 200,
	SIDE_BY_SIDE_STOPS = 3,
	POLL_FIRST_MS = 1,
	POLL_LAST_MS = 50,
	EXIT_LOOKS = 20,
	/* Room for what is kept of a target's texts, besides a share of its memory. */
	ROOM_BYTES = 64 << 20,
	ROOM_SHARE = 100,
	EXIT_LOOK_MS = 5,
};

static struct pyi_error *program_changed(const struct pyi_session *session)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PROGRAM_CHANGED,
					       "process %d has started another program meanwhile",
					       session->source.process.pid),
			      "run pyinspect again, if it is still Python");
}

/*
 * A target that was killed meanwhile, or runs another program, looks broken in many ways: that is
 * the one cause, and then nothing is owed to it.
 */
static struct pyi_error *prefer_end(const struct pyi_session *session, struct pyi_error *error)
{
	bool suspicious = pyi_error_has(error, PYI_ERROR_TARGET_MAY_BE_GONE);

	/* A program that is no Python is one that has its memory. */
	if (suspicious && error->code == PYI_ERROR_NOT_PYTHON && session->maps.count)
		suspicious = false;
	if (!suspicious || !session->source.process.door)
		return error;
	/* Between the signal and the end of all threads there is a moment. */
	for (int look = 0; look < EXIT_LOOKS && pyi_process_is_alive(&session->source.process) &&
			   !pyi_program_was_left(session->program_fd);
	     look++)
		pyi_wait_pause(pyi_clock_deadline(EXIT_LOOK_MS, PYI_CLOCK_NEVER));
	if (pyi_process_is_alive(&session->source.process) &&
	    !pyi_program_was_left(session->program_fd))
		return error;
	if (pyi_program_is_another(&session->source.process)) {
		/* A zombie of ours is still there, whatever the process runs. */
		if (error->code == PYI_ERROR_ZOMBIE_LEFT || error->code == PYI_ERROR_RESIDUE)
			return error;
		pyi_error_destroy(error);
		return program_changed(session);
	}
	pyi_error_destroy(error);
	return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_TARGET_EXITED,
				"process %d exited meanwhile", session->source.process.pid);
}

static void report(const struct pyi_session *session, const char *stage, uint64_t objects)
{
	if (session->options->progress)
		session->options->progress(session->options->progress_argument, stage, objects);
}

/*
 * Maps can be seen by some who may not read the memory, such as those whom Yama keeps out: then a
 * Python looks as if it had not started.
 */
static struct pyi_error *prefer_no_permission(const struct pyi_session *session,
					      struct pyi_error *error)
{
	struct pyi_error *opening;
	int fd = -1;

	if (!error || error->code != PYI_ERROR_PYTHON_NOT_STARTED)
		return error;
	opening = pyi_process_open_file(&session->source.process, "mem", O_RDONLY, &fd);
	if (!opening) {
		close(fd);
		return error;
	}
	pyi_error_destroy(error);
	return opening;
}

static struct pyi_error *prepare(struct pyi_session *session)
{
	PYI_CLEANUP(pyi_guard_free) char *program = NULL;
	struct pyi_memory_reader *live = NULL;
	struct pyi_process_status status;
	struct pyi_error *error;

	error = pyi_process_read_status(&session->source.process, 0, &status);
	if (error)
		return error;
	session->rss_bytes = status.rss_bytes;
	session->heap_bytes = pyi_process_used_bytes(&status);
	report(session, "looking at the process", 0);
	session->program_fd = pyi_program_pin(&session->source.process);
	error = pyi_maps_read(&session->source.process, &session->maps);
	/* A kernel thread has maps, which are empty, but no memory. */
	if (!error)
		error = pyi_process_read_exe(&session->source.process, &program);
	if (!error)
		error = pyi_memory_reader_open(&session->source.process, false, &live);
	if (!error)
		error = pyi_runtime_find(&session->source.process, &session->maps, live,
					 &session->options->runtime, &session->runtime);
	pyi_memory_reader_destroy(live);
	error = prefer_no_permission(session, error);
	if (!error)
		error = pyi_source_prepare(&session->source, session->options->source,
					   session->options->max_pause_ms);
	return error;
}

struct pyi_error *pyi_session_open(pid_t pid, const struct pyi_session_options *options,
				   struct pyi_session *ret_session)
{
	struct pyi_error *error;

	*ret_session = (struct pyi_session){
		.source.process.proc_fd = -1,
		.program_fd = -1,
		.options = options,
		.budget = { .max_pause_ms = options->max_pause_ms,
			    .max_total_ms = options->max_total_pause_ms,
			    .paused_ms = options->spent_pause_ms },
		.begun_ns = pyi_clock_now_ns(),
	};
	error = pyi_source_open(options->broker_fd, pid, &ret_session->source);
	return error ? error : prefer_end(ret_session, prepare(ret_session));
}

/* Waits, without stopping anything, until no collection runs; gives up after a while. */
static struct pyi_error *await_no_collection(struct pyi_session *session, struct pyi_gate *gate,
					     bool *ret_ended)
{
	bool side_by_side = pyi_interpreters_have_no_gil(&session->runtime);
	uint64_t patience_ns = pyi_clock_deadline(
		side_by_side ? SIDE_BY_SIDE_PATIENCE_MS : COLLECTION_PATIENCE_MS, PYI_CLOCK_NEVER);
	uint64_t now_ns = pyi_clock_now_ns();
	struct pyi_memory_reader *live;
	struct pyi_error *error;
	uint64_t pause_ms = POLL_FIRST_MS;

	/* Most of the time that is left is for the walk. */
	if (session->options->deadline_ns != PYI_CLOCK_NEVER &&
	    session->options->deadline_ns > now_ns &&
	    (session->options->deadline_ns - now_ns) / 4 < patience_ns - now_ns)
		patience_ns = now_ns + (session->options->deadline_ns - now_ns) / 4;
	error = pyi_memory_reader_open(&session->source.process, false, &live);
	if (error)
		return error;
	while (!(*ret_ended = pyi_gate_prepare(gate, &session->runtime, live)) &&
	       !session->options->still && !pyi_clock_passed(patience_ns)) {
		if (!pyi_process_is_alive(&session->source.process)) {
			error = pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TARGET_EXITED,
						 "process %d exited", session->source.process.pid);
			break;
		}
		if (pyi_program_was_left(session->program_fd)) {
			error = program_changed(session);
			break;
		}
		if (pyi_wait_pause(pyi_clock_deadline(pause_ms, PYI_CLOCK_NEVER))) {
			error = pyi_wait_interrupted();
			break;
		}
		pause_ms = pause_ms < POLL_LAST_MS ? 2 * pause_ms : POLL_LAST_MS;
	}
	pyi_memory_reader_destroy(live);
	*ret_ended |= side_by_side;
	return error;
}

static const char *const troubles[] = {
	[PYI_TROUBLE_LIST] = "a list of the garbage collector does not link back",
	[PYI_TROUBLE_OBJECT] = "a reference leads to something that is no object",
	[PYI_TROUBLE_DICT] = "a dict does not hold as many items as it says",
	[PYI_TROUBLE_FAULT] = "an object could not be visited",
	[PYI_TROUBLE_MEMORY] = "there was not enough room for the walk",
	[PYI_TROUBLE_SIZE] = "an object says that it is larger than all memory",
};

struct pyi_error *pyi_session_check(const struct pyi_session *session)
{
	if (pyi_wait_is_cancelled())
		return pyi_wait_interrupted();
	return pyi_clock_passed(session->options->deadline_ns)
		       ? pyi_error_timeout("it was not done in the time allowed")
		       : NULL;
}

void pyi_session_begin_offline(struct pyi_session *session, const struct pyi_graph *graph,
			       uint64_t rss_bytes)
{
	session->graph = graph;
	session->rss_bytes = rss_bytes;
	session->room_bytes = ROOM_BYTES + rss_bytes / ROOM_SHARE;
	for (uint32_t node = 0; node < graph->node_count; node++) {
		if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS)
			continue;
		session->summary.objects++;
		session->summary.bytes += pyi_graph_size(graph, node);
	}
	session->heap_bytes = session->summary.bytes;
}

void pyi_session_leave_out(struct pyi_session *session)
{
	session->room_bytes = 0;
	/* Another snapshot would have as many. */
	session->summary.trouble = PYI_TROUBLE_MEMORY;
	if (!session->inconsistency)
		session->inconsistency = "it has more names than there is room for";
}

bool pyi_session_has_room(struct pyi_session *session, uint64_t size_bytes)
{
	if (size_bytes <= session->room_bytes) {
		session->room_bytes -= size_bytes;
		return true;
	}
	pyi_session_leave_out(session);
	return false;
}

static void walk_progress(void *session, uint64_t objects)
{
	report(session, "walking the snapshot", objects);
}

struct pyi_error *pyi_session_walk(struct pyi_session *session,
				   struct pyi_source_snapshot *snapshot,
				   const struct pyi_interpreters *interpreters,
				   struct pyi_walk_request *request,
				   struct pyi_walk_result *ret_result)
{
	struct pyi_walk_result result = { 0 };
	struct pyi_error *error;

	request->deadline_ns = session->options->deadline_ns;
	request->heap_bytes = session->heap_bytes;
	request->progress = walk_progress;
	request->progress_argument = session;
	error = pyi_walk_run(snapshot, &session->runtime, interpreters, request, &result);
	if (error)
		return error;
	if (!session->inconsistency &&
	    result.summary.trouble < sizeof(troubles) / sizeof(troubles[0]))
		session->inconsistency = troubles[result.summary.trouble];
	/* Then all objects are where they were, but what the collector has in hand is counted once
	   more (Python/gc_free_threading.c, scan_heap_visitor()). */
	if (!session->inconsistency && request->job == PYI_JOB_GRAPH &&
	    pyi_interpreters_have_no_gil(&session->runtime) &&
	    pyi_interpreters_collecting(&session->runtime, snapshot->reader, interpreters))
		session->inconsistency = pyi_doubt_collection;
	if (!session->inconsistency && result.roots_truncated)
		session->inconsistency = "a chain of threads or frames does not end";
	if (result.arena_bytes > session->snapshot_bytes)
		session->snapshot_bytes = result.arena_bytes;
	/* Of several walks the first trouble, and the most that any of them had to leave out. */
	if (session->summary.trouble == PYI_TROUBLE_NONE) {
		session->summary.trouble = result.summary.trouble;
		session->summary.trouble_addr = result.summary.trouble_addr;
	}
	if (result.summary.skipped_objects > session->summary.skipped_objects)
		session->summary.skipped_objects = result.summary.skipped_objects;
	if (result.summary.broken_lists > session->summary.broken_lists)
		session->summary.broken_lists = result.summary.broken_lists;
	session->summary.objects = result.summary.objects;
	session->summary.bytes = result.summary.bytes;
	session->summary.frozen_objects = result.summary.frozen_objects;
	session->summary.frozen_bytes = result.summary.frozen_bytes;
	session->summary.tracked_objects = result.summary.tracked_objects;
	*ret_result = result;
	return NULL;
}

/*
 * Examines one snapshot; `session->inconsistency` says what speaks against believing it. If
 * something does before that and `last` is false, it is not examined at all.
 */
static struct pyi_error *examine_snapshot(struct pyi_session *session,
					  struct pyi_source_snapshot *snapshot,
					  const struct pyi_gate *gate, bool last,
					  const struct pyi_examination *examination,
					  bool *ret_examined)
{
	struct pyi_interpreters interpreters;
	const char *stack_doubt = NULL;
	struct pyi_error *error;

	session->inconsistency = NULL;
	session->summary = (struct pyi_record_summary){ 0 };
	session->room_bytes = ROOM_BYTES + session->rss_bytes / ROOM_SHARE;
	error = pyi_interpreters_list(&session->runtime, snapshot->reader, &interpreters);
	if (error)
		return pyi_source_confirm(snapshot, error);
	session->interpreter_count = interpreters.count;
	session->phase = pyi_interpreters_phase(&session->runtime, snapshot->reader);
	session->inconsistency = pyi_doubt_of_moment(session, snapshot, &interpreters, gate);
	if (session->options->stack ||
	    (!session->inconsistency && session->attempts <= STACK_PATIENCE))
		stack_doubt = pyi_doubt_of_stack(session, snapshot, &interpreters);
	/* It is only a guess: after some tries what the walk itself finds decides. */
	if (!session->inconsistency && session->attempts <= STACK_PATIENCE)
		session->inconsistency = stack_doubt;
	if (session->inconsistency && !last)
		return NULL;
	error = pyi_interpreters_keep(&session->runtime, snapshot->reader,
				      session->options->interpreter, &interpreters);
	if (!error)
		error = examination->examine(examination->argument, session, snapshot,
					     &interpreters);
	error = pyi_source_confirm(snapshot, error);
	*ret_examined = !error;
	return error;
}

/* Whether the trouble of this walk is there to stay; `walks` counts those that had some. */
static bool is_lasting(const struct pyi_record_summary *summary, unsigned walks, double walk_ms)
{
	bool torn = summary->trouble == PYI_TROUBLE_LIST || summary->trouble == PYI_TROUBLE_DICT;

	return walks >= (torn ? TORN_LIMIT : BROKEN_LIMIT) || walk_ms > LONG_WALK_MS;
}

/*
 * First as few threads as can be; when that is not enough to get a snapshot of one moment, more.
 */
static enum pyi_stop_extent extent_of(const struct pyi_session *session)
{
	/* Copying takes long, and is not to be done so often in vain. */
	bool copies = session->source.kind == PYI_SOURCE_MIRROR;

	if (session->attempts < (copies ? 1 : GENTLE_LIMIT) && !session->restless)
		return PYI_STOP_RUNNING;
	return session->attempts < (copies ? 2 : HARMLESS_LIMIT) ? PYI_STOP_RESTARTED
								 : PYI_STOP_ALL;
}

/* A target that refuses to be cloned can perhaps be copied; if not now, the hint says how. */
static bool prefer_mirror(struct pyi_session *session, struct pyi_error **error)
{
	struct pyi_error *refusal;

	if (session->options->source != PYI_SOURCE_AUTO ||
	    pyi_program_was_left(session->program_fd) ||
	    session->source.kind == PYI_SOURCE_MIRROR ||
	    !pyi_error_has(*error, PYI_ERROR_MIRROR_MAY_DO))
		return false;
	refusal = pyi_source_prepare(&session->source, PYI_SOURCE_MIRROR,
				     session->options->max_pause_ms);
	if (refusal) {
		if (refusal->code == PYI_ERROR_PAUSE_TOO_LONG)
			*error = pyi_error_hint(*error, "%s", refusal->hint);
		pyi_error_destroy(refusal);
		return false;
	}
	/* So that the loop goes on. */
	session->inconsistency = "it could not be cloned";
	return true;
}

/*
 * What the next try is expected to take. The first time nothing was measured yet: the estimate that
 * the source was chosen by, of which that of a mirror is known to the broker alone.
 */
static void expect_pause(struct pyi_session *session)
{
	struct pyi_pause_budget *budget = &session->budget;
	struct pyi_process_status status;
	struct pyi_error *error = pyi_process_read_status(&session->source.process, 0, &status);

	if (error) {
		pyi_error_destroy(error);
		return;
	}
	if (!budget->memory_bytes && session->source.kind != PYI_SOURCE_MIRROR) {
		budget->expected_ms =
			pyi_preflight_estimate_pause(status.anonymous_bytes, 0, pyi_page_bytes());
		/* Who chose the source knows of huge pages, and has found it short enough. */
		if (budget->expected_ms > budget->max_pause_ms)
			budget->expected_ms = budget->max_pause_ms;
	}
	pyi_pause_budget_grow(budget, status.anonymous_bytes);
}

static struct pyi_error *out_of_budget(const struct pyi_session *session)
{
	const struct pyi_pause_budget *budget = &session->budget;
	bool too_long = pyi_pause_budget_is_too_long(budget);
	struct pyi_error *error = pyi_error_create(
		PYI_EXIT_FAILED, PYI_ERROR_PAUSE_TOO_LONG,
		"process %d was stopped for %.0f ms in all, and the next try would take about "
		"%.0f ms: more than %.0f ms %s%s%s",
		session->source.process.pid, budget->paused_ms, budget->expected_ms,
		too_long ? budget->max_pause_ms : budget->max_total_ms,
		too_long ? "at a time" : "together",
		session->inconsistency ? "; the last one was no use: " : "",
		session->inconsistency ? session->inconsistency : "");

	if (too_long)
		return pyi_error_hint(error, "allow it with --max-pause %.0f",
				      2 * budget->expected_ms);
	return pyi_error_hint(error, "allow it with --max-total-pause %.0f",
			      2 * budget->max_total_ms + 2 * budget->expected_ms);
}

/* One try is over, with a snapshot or without; `dropped` says why it was no use, NULL: it was. */
static void note_try(struct pyi_session *session, double paused_before_ms, bool taken,
		     const char *dropped)
{
	double took_ms = session->source.cost.paused_ms - paused_before_ms;

	pyi_pause_budget_spend(&session->budget, took_ms > 0 ? took_ms : 0, taken);
	if (session->try_count < PYI_TRIES_KEPT)
		session->tries[session->try_count] = (struct pyi_try){ took_ms, dropped };
	session->try_count++;
}

/* The target is to get its work done between two tries; true if the user asked to end. */
static bool rest(const struct pyi_session *session, double paused_before_ms)
{
	double took_ms = session->source.cost.paused_ms - paused_before_ms;
	uint64_t rest_us = pyi_pause_budget_rest_us(took_ms, session->try_count);
	uint64_t until_ns = pyi_clock_now_ns() + rest_us * UINT64_C(1000);

	if (until_ns > session->options->deadline_ns)
		until_ns = session->options->deadline_ns;
	return pyi_wait_pause(until_ns);
}

/* Threads that wait for requests which keep coming are better held from the beginning. */
static void foresee(struct pyi_session *session)
{
	double watch_ms = session->budget.expected_ms;
	struct pyi_memory_reader *live;
	struct pyi_error *error = pyi_memory_reader_open(&session->source.process, false, &live);

	/* That is for the first one who needs it to say. */
	if (error) {
		pyi_error_destroy(error);
		return;
	}
	if (watch_ms > WATCH_MOST_MS)
		watch_ms = WATCH_MOST_MS;
	session->restless |= pyi_gate_gil_comes_and_goes(&session->runtime, live, watch_ms);
	pyi_memory_reader_destroy(live);
}

static struct pyi_error *examine(struct pyi_session *session,
				 const struct pyi_examination *examination)
{
	PYI_CLEANUP(pyi_guard_free) struct pyi_gate *gate = calloc(1, sizeof(*gate));
	bool examined = false;
	unsigned stops = 0;
	unsigned walks = 0;
	bool last = false;

	if (!gate)
		return pyi_error_no_memory();
	expect_pause(session);
	foresee(session);
	do {
		struct pyi_source_snapshot *snapshot = NULL;
		struct pyi_error *destroying;
		struct pyi_error *error;
		double before_ms;
		bool taken;
		bool calm;

		report(session, "waiting for a good moment", 0);
		error = await_no_collection(session, gate, &calm);
		if (error)
			return error;
		stops++;
		before_ms = session->source.cost.paused_ms;
		expect_pause(session);
		if (!pyi_pause_budget_has(&session->budget, 1))
			return out_of_budget(session);
		/* A collection that never seems to end: better a labelled result than none. */
		last = session->options->still || !calm || session->source.cost.is_enough ||
		       stops >= STOP_LIMIT || session->attempts + 1 >= SNAPSHOT_LIMIT ||
		       !pyi_pause_budget_has(&session->budget, 2);
		gate->source.anyway = last || (pyi_interpreters_have_no_gil(&session->runtime) &&
					       stops > SIDE_BY_SIDE_STOPS);
		error = pyi_source_take(&session->source, extent_of(session), &gate->source,
					&snapshot);
		if (error && prefer_mirror(session, &error)) {
			pyi_error_destroy(error);
			note_try(session, before_ms, true, session->inconsistency);
			last = false;
			continue;
		}
		if (error)
			return error;
		session->inconsistency = pyi_doubt_collection;
		taken = snapshot != NULL;
		if (taken) {
			session->attempts++;
			report(session, "walking the snapshot", 0);
			examined = false;
			error = examine_snapshot(session, snapshot, gate, last, examination,
						 &examined);
			session->restless |= session->inconsistency == pyi_doubt_thread;
			session->snapshot_ms = pyi_clock_ms_since(snapshot->created_ns);
			if (!error && session->summary.trouble)
				last |= is_lasting(&session->summary, ++walks,
						   session->snapshot_ms);
			destroying = pyi_source_destroy(snapshot);
			if (destroying) {
				pyi_error_destroy(error);
				error = destroying;
			}
			if (error && prefer_mirror(session, &error)) {
				pyi_error_destroy(error);
				note_try(session, before_ms, true, session->inconsistency);
				last = false;
				continue;
			}
		}
		if (!error)
			note_try(session, before_ms, taken, last ? NULL : session->inconsistency);
		if (!error && session->inconsistency && !last) {
			if (rest(session, before_ms))
				error = pyi_wait_interrupted();
			else if (!pyi_clock_passed(session->options->deadline_ns))
				continue;
			else if (examined)
				/* What there is, labelled, is better than nothing. */
				last = true;
			else
				error = pyi_error_timeout("found no good moment for a snapshot in "
							  "time: %s",
							  session->inconsistency);
		}
		if (error)
			return error;
	} while (session->inconsistency && !last);
	if (!examined)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SNAPSHOT,
					"no snapshot could be taken: %s", session->inconsistency);
	session->consistent = !session->inconsistency;
	return NULL;
}

/* What is left in the target matters more than what failed, unless that says the same. */
static struct pyi_error *look_for_residue(struct pyi_session *session, struct pyi_error *error)
{
	struct pyi_error *residue;
	struct pyi_error *both;

	residue = pyi_source_residue(&session->source, &session->residue, &session->residue_known);
	if (!residue || (error && error->exit == PYI_EXIT_NOT_RESTORED)) {
		pyi_error_destroy(residue);
		return error;
	}
	if (!error)
		return residue;
	both = pyi_error_create(residue->exit, residue->code, "%s; before that: %s",
				residue->message, error->message);
	pyi_error_destroy(residue);
	pyi_error_destroy(error);
	return both;
}

struct pyi_error *pyi_session_examine(struct pyi_session *session,
				      const struct pyi_examination *examination)
{
	struct pyi_error *error = examine(session, examination);

	return prefer_end(session, look_for_residue(session, error));
}

void pyi_session_close(struct pyi_session *session)
{
	pyi_runtime_deinit(&session->runtime);
	pyi_maps_deinit(&session->maps);
	if (session->program_fd >= 0)
		close(session->program_fd);
	pyi_source_close(&session->source);
}
