/*
 * Compares the moment before a clone with the snapshot. Does not look at the heap: the walk does.
 */
#include "heap/doubt.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "python/safe_point.h"

enum {
	/* Frames from the innermost one in which the heap may be changed. */
	INNER_FRAMES = 8,
};

const char pyi_doubt_collection[] = "a garbage collection was running";
const char pyi_doubt_thread[] = "a thread ran while the snapshot was taken";

/* Whether no thread can have changed objects while the snapshot was taken. */
static bool threads_stood_still(const struct pyi_session *session,
				const struct pyi_source_snapshot *snapshot,
				const struct pyi_gate *gate)
{
	PYI_CLEANUP(pyi_guard_free) struct pyi_thread_motion *threads = NULL;
	bool moved = snapshot->stranger;

	threads = calloc(snapshot->thread_count + 1, sizeof(*threads));
	if (!threads)
		return false;
	for (size_t t = 0; t < snapshot->thread_count; t++) {
		const struct pyi_source_thread *thread = &snapshot->threads[t];

		moved |= thread->moved;
		threads[t] = (struct pyi_thread_motion){
			.thread_pointer = thread->thread_pointer,
			.namespace_tid = thread->namespace_tid,
			.still = thread->held || !thread->moved,
		};
	}
	if (!moved)
		return true;
	if (pyi_interpreters_have_no_gil(&session->runtime))
		return pyi_interpreters_threads_were_still(&session->runtime, snapshot->reader,
							   &gate->interpreters, threads,
							   snapshot->thread_count);
	for (size_t i = 0; i < gate->interpreters.count; i++) {
		struct pyi_gil_state before;
		struct pyi_gil_state after;

		if (!pyi_gate_gil(gate, i, &before, &after) ||
		    !pyi_interpreters_gil_was_still(&session->runtime, snapshot->reader, &before,
						    &after, threads, snapshot->thread_count))
			return false;
	}
	return gate->interpreters.count != 0;
}

const char *pyi_doubt_of_moment(const struct pyi_session *session,
				struct pyi_source_snapshot *snapshot,
				const struct pyi_interpreters *interpreters,
				const struct pyi_gate *gate)
{
	if (!pyi_interpreters_have_no_gil(&session->runtime) &&
	    pyi_interpreters_collecting(&session->runtime, snapshot->reader, interpreters))
		return pyi_doubt_collection;
	if (!pyi_gate_has_same(gate, interpreters))
		return "an interpreter came or went while the snapshot was taken";
	if (!threads_stood_still(session, snapshot, gate))
		return pyi_doubt_thread;
	return NULL;
}

const char *pyi_doubt_of_stack(const struct pyi_session *session,
			       struct pyi_source_snapshot *snapshot,
			       const struct pyi_interpreters *interpreters)
{
	const char *problem = session->inconsistency;
	struct pyi_stack stack;

	for (size_t t = 0; t < snapshot->thread_count; t++) {
		PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;

		if (!snapshot->threads[t].held ||
		    !pyi_interpreters_is_gil_holder(&session->runtime, snapshot->reader,
						    interpreters,
						    snapshot->threads[t].thread_pointer))
			continue;
		error = pyi_stack_unwind(snapshot, t, &stack);
		if (error)
			continue;
		for (size_t f = 0; f < stack.count && f < INNER_FRAMES && !problem; f++)
			problem = pyi_safe_point_problem(stack.frames[f].name);
		if (session->options->stack)
			session->options->stack(session->options->progress_argument, &stack,
						problem);
	}
	return problem;
}
