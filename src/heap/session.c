/*
 * Orders the steps of an inspection, and decides whether a snapshot can be believed. Does none of
 * the steps itself.
 */
#include "heap/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "heap/walk_run.h"
#include "process/access.h"
#include "python/interpreters.h"
#include "python/objects.h"
#include "tracee/wait.h"

enum {
	/* Snapshots that turn out torn cost the target a pause each; refusals at the gate a tenth of one. */
	SNAPSHOT_LIMIT = 12,
	STOP_LIMIT = 400,
	/* A collection of a large heap takes seconds. */
	COLLECTION_PATIENCE_MS = 10000,
	POLL_FIRST_MS = 1,
	POLL_LAST_MS = 50,
};

static struct pyi_error *interrupted(void)
{
	return pyi_error_create(PYI_EXIT_FAILED, "interrupted", "interrupted by signal %d",
				pyi_wait_cancel_signal());
}

static void report(const struct pyi_session *session, const char *stage, uint64_t objects)
{
	if (session->options->progress)
		session->options->progress(session->options->progress_argument, stage, objects);
}

struct pyi_error *pyi_session_open(pid_t pid, const struct pyi_session_options *options,
				   struct pyi_session *ret_session)
{
	struct pyi_session *session = ret_session;
	struct pyi_memory_reader *live = NULL;
	struct pyi_process_status status;
	struct pyi_error *error;

	*session = (struct pyi_session){
		.process.proc_fd = -1,
		.options = options,
		.begun_ns = pyi_clock_now_ns(),
	};
	error = pyi_process_open(pid, &session->process);
	if (error)
		return error;
	error = pyi_process_read_status(&session->process, 0, &status);
	if (error)
		return error;
	session->rss_bytes = status.rss_bytes;
	report(session, "looking at the process", 0);
	error = pyi_maps_read(&session->process, &session->maps);
	if (error && strcmp(error->code, "no-permission") == 0) {
		pyi_error_destroy(error);
		return pyi_access_explain(&session->process, EACCES);
	}
	if (error)
		return error;
	error = pyi_memory_reader_create(pid, false, &live);
	if (!error)
		error = pyi_runtime_find(&session->process, &session->maps, live,
					 &session->runtime);
	pyi_memory_reader_destroy(live);
	if (!error)
		error = pyi_preflight_check(&session->process, options->max_pause_ms,
					    &session->preflight);
	if (!error)
		error = pyi_snapshot_target_init(&session->process, &session->maps,
						 &session->preflight, &session->target);
	session->prepared = !error;
	return error;
}

struct gate {
	const struct pyi_runtime *runtime;
};

/* Asked while the target stands still: is Python outside of a collection? */
static bool is_ready(void *argument, struct pyi_memory_reader *live)
{
	const struct gate *gate = argument;
	struct pyi_interpreters interpreters;
	struct pyi_error *error = pyi_interpreters_list(gate->runtime, live, &interpreters);

	if (error) {
		pyi_error_destroy(error);
		return false;
	}
	return !pyi_interpreters_collecting(gate->runtime, live, &interpreters);
}

/* Waits, without stopping anything, until no collection runs; gives up after a while. */
static struct pyi_error *await_no_collection(struct pyi_session *session, bool *ret_ended)
{
	uint64_t patience_ns =
		pyi_clock_deadline(COLLECTION_PATIENCE_MS, session->options->deadline_ns);
	struct gate gate = { &session->runtime };
	struct pyi_memory_reader *live;
	struct pyi_error *error;
	uint64_t pause_ms = POLL_FIRST_MS;

	error = pyi_memory_reader_create(session->process.pid, false, &live);
	if (error)
		return error;
	while (!(*ret_ended = is_ready(&gate, live)) && !pyi_clock_passed(patience_ns)) {
		if (!pyi_process_is_alive(&session->process)) {
			error = pyi_error_create(PYI_EXIT_FAILED, "target-exited",
						 "process %d exited", session->process.pid);
			break;
		}
		if (pyi_wait_pause(pyi_clock_deadline(pause_ms, PYI_CLOCK_NEVER))) {
			error = interrupted();
			break;
		}
		pause_ms = pause_ms < POLL_LAST_MS ? 2 * pause_ms : POLL_LAST_MS;
	}
	pyi_memory_reader_destroy(live);
	return error;
}

/* Whether any thread can have changed objects while the snapshot was taken. */
static bool threads_stood_still(const struct pyi_snapshot *snapshot,
				const struct pyi_runtime *runtime,
				const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_guard_free) uint64_t *held = NULL;
	bool moved = false;
	size_t count = 0;

	held = calloc(snapshot->thread_count + 1, sizeof(*held));
	if (!held)
		return false;
	for (size_t t = 0; t < snapshot->thread_count; t++) {
		moved |= snapshot->threads[t].moved;
		if (snapshot->threads[t].held)
			held[count++] = snapshot->threads[t].thread_pointer;
	}
	/* A thread that woke up could do nothing to objects if one that we held had the GIL. */
	return !moved ||
	       pyi_interpreters_held_by(runtime, snapshot->reader, interpreters, held, count);
}

static struct pyi_error *name_types(struct pyi_session *session, struct pyi_snapshot *snapshot,
				    const struct pyi_walk_result *result,
				    struct pyi_census *ret_census)
{
	struct pyi_census census = { 0 };
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < result->type_count && !error; t++) {
		const struct pyi_record_type *type = &result->types[t];
		char *name = pyi_objects_type_name(&session->runtime, snapshot->reader,
						   type->type_addr);
		bool estimated = pyi_objects_size_is_estimated(
			&session->runtime, snapshot->reader, type->type_addr, result->modelled,
			result->modelled_count);

		if (!name)
			error = pyi_error_no_memory();
		else
			error = pyi_census_add(&census, name, type->count, type->bytes, estimated);
	}
	if (error) {
		pyi_census_deinit(&census);
		return error;
	}
	pyi_census_merge(&census);
	*ret_census = census;
	return NULL;
}

static const char *const troubles[] = {
	[PYI_TROUBLE_LIST] = "a list of the garbage collector does not link back",
	[PYI_TROUBLE_OBJECT] = "a reference leads to something that is no object",
	[PYI_TROUBLE_DICT] = "a dict does not hold as many items as it says",
	[PYI_TROUBLE_FAULT] = "an object could not be visited",
	[PYI_TROUBLE_MEMORY] = "there was not enough room for the walk",
};

/* Walks one snapshot; `session->inconsistency` says what speaks against believing it. */
static struct pyi_error *walk_snapshot(struct pyi_session *session, struct pyi_snapshot *snapshot,
				       const struct pyi_walk_request *request,
				       struct pyi_session_census *ret_census)
{
	struct pyi_interpreters interpreters;
	struct pyi_walk_result result = { 0 };
	struct pyi_error *error;

	session->inconsistency = NULL;
	error = pyi_interpreters_list(&session->runtime, snapshot->reader, &interpreters);
	if (error)
		return error;
	session->interpreter_count = interpreters.count;
	if (pyi_interpreters_collecting(&session->runtime, snapshot->reader, &interpreters))
		session->inconsistency = "a garbage collection was running";
	else if (!threads_stood_still(snapshot, &session->runtime, &interpreters))
		session->inconsistency = "a thread woke up while the snapshot was taken";
	error = pyi_walk_run(snapshot, &session->runtime, &interpreters, request, &result);
	if (error)
		return error;
	if (!session->inconsistency && result.summary.trouble < sizeof(troubles) / sizeof(troubles[0]))
		session->inconsistency = troubles[result.summary.trouble];
	session->snapshot_bytes = result.arena_bytes;
	error = name_types(session, snapshot, &result, &ret_census->census);
	if (!error)
		ret_census->summary = result.summary;
	pyi_walk_result_deinit(&result);
	return error;
}

struct progress {
	struct pyi_session *session;
};

static void walk_progress(void *argument, uint64_t objects)
{
	report(((struct progress *)argument)->session, "walking the snapshot", objects);
}

/* True if another snapshot could turn out better than the one just walked. */
static bool worth_another(const struct pyi_session *session, unsigned stops)
{
	return session->inconsistency && session->attempts < SNAPSHOT_LIMIT && stops < STOP_LIMIT &&
	       !pyi_clock_passed(session->options->deadline_ns) && !pyi_wait_cancel_signal();
}

struct pyi_error *pyi_session_census(struct pyi_session *session, uint64_t flags,
				     void (*object)(void *argument,
						    const struct pyi_record_object *record),
				     void (*restart)(void *argument), void *argument,
				     struct pyi_session_census *ret_census)
{
	struct progress progress = { session };
	struct pyi_walk_request request = {
		.flags = flags,
		.deadline_ns = session->options->deadline_ns,
		.progress = walk_progress,
		.progress_argument = &progress,
		.object = object,
		.object_argument = argument,
	};
	struct gate gate = { &session->runtime };
	struct pyi_session_census census = { 0 };
	unsigned stops = 0;
	bool calm;

	do {
		struct pyi_snapshot *snapshot = NULL;
		struct pyi_error *destroying;
		struct pyi_error *error;

		report(session, "waiting for a good moment", 0);
		error = await_no_collection(session, &calm);
		if (error)
			return error;
		/* A collection that never seems to end: better a labelled result than none. */
		stops++;
		error = pyi_snapshot_take(&session->target,
					  calm && stops < STOP_LIMIT ? is_ready : NULL, &gate,
					  &snapshot);
		if (error)
			return error;
		if (!snapshot) {
			session->inconsistency = "a garbage collection was running";
			if (pyi_clock_passed(session->options->deadline_ns))
				return pyi_error_create(PYI_EXIT_FAILED, "timeout",
							"process %d collects garbage all the time",
							session->process.pid);
			continue;
		}
		session->attempts++;
		report(session, "walking the snapshot", 0);
		if (restart)
			restart(argument);
		pyi_session_census_deinit(&census);
		error = walk_snapshot(session, snapshot, &request, &census);
		session->snapshot_ms = pyi_clock_ms_since(snapshot->created_ns);
		destroying = pyi_snapshot_destroy(snapshot);
		if (destroying) {
			pyi_error_destroy(error);
			error = destroying;
		}
		if (error) {
			pyi_session_census_deinit(&census);
			return error;
		}
	} while (calm && worth_another(session, stops));
	session->consistent = !session->inconsistency;
	*ret_census = census;
	return NULL;
}

void pyi_session_census_deinit(struct pyi_session_census *census)
{
	pyi_census_deinit(&census->census);
	*census = (struct pyi_session_census){ 0 };
}

void pyi_session_close(struct pyi_session *session)
{
	pyi_runtime_deinit(&session->runtime);
	pyi_maps_deinit(&session->maps);
	pyi_process_close(&session->process);
}
