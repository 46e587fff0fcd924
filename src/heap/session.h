/*
 * One inspection of a live target, from looking at it to leaving it: finds Python, takes snapshots
 * until one is consistent, walks it, names the types, cleans up.
 *
 * Does not print. Whatever fails, the target goes on; what could not be put back is an error of
 * exit 6.
 */
#ifndef PYI_HEAP_SESSION_H
#define PYI_HEAP_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <pyinspect/payload.h>

#include "base/error.h"
#include "heap/pause_budget.h"
#include "heap/walk_run.h"
#include "graph/graph.h"
#include "process/maps.h"
#include "process/process.h"
#include "python/interpreters.h"
#include "python/runtime.h"
#include "snapshot/residue.h"
#include "source/stack.h"
#include "source/source.h"

struct pyi_session_options {
	/* The broker that has the rights (source/source.h). */
	int broker_fd;
	double max_pause_ms;
	/* For all stops of the run, and what the sessions before this one took of that. */
	double max_total_pause_ms;
	double spent_pause_ms;
	enum pyi_source_kind source;
	/* The target does not change any more (a core): one look says all. */
	bool still;
	struct pyi_runtime_wish runtime;
	/* As pyi_interpreters_keep() has it: one more than its number; 0: all. */
	uint64_t interpreter;
	/* For everything; on base/clock.h's clock. */
	uint64_t deadline_ns;
	/* May be NULL; `stage` says in a word or two what goes on. */
	void (*progress)(void *argument, const char *stage, uint64_t objects);
	void *progress_argument;
	/*
	 * May be NULL: called with the native stack of the thread that held the GIL when a snapshot
	 * was taken, if one did, and with what speaks against that snapshot (NULL: nothing).
	 */
	void (*stack)(void *argument, const struct pyi_stack *stack, const char *doubt);
};

enum {
	/* Tries of a session that are remembered. */
	PYI_TRIES_KEPT = 64,
};

/* One time that the target was stopped for a snapshot. */
struct pyi_try {
	/* All its stops. */
	double paused_ms;
	/* Why it was thrown away, a static string; NULL: it was not. */
	const char *dropped;
};

struct pyi_session {
	struct pyi_source source;
	struct pyi_maps maps;
	struct pyi_runtime runtime;
	const struct pyi_session_options *options;
	/* Of process/program.h. */
	int program_fd;

	/* About the run: */
	uint64_t begun_ns;
	uint64_t interpreter_count;
	uint64_t rss_bytes;
	/* pyi_process_used_bytes() */
	uint64_t heap_bytes;
	/* Bytes that an examination of this snapshot may still keep of its texts. */
	uint64_t room_bytes;
	/* Every stop for a snapshot, also one that the gate has ended; the first ones are kept. */
	struct pyi_try tries[PYI_TRIES_KEPT];
	unsigned try_count;
	struct pyi_pause_budget budget;
	/* Snapshots taken, and how long the last one lived. */
	uint64_t attempts;
	double snapshot_ms;
	uint64_t snapshot_bytes;
	/* Threads that wait are likely to run while a snapshot is taken, or one has. */
	bool restless;
	/* The snapshot that was used shows the heap of one moment. */
	bool consistent;
	/* Why it does not, if it does not; a static string. */
	const char *inconsistency;
	/* What the heap was in the middle of, in that snapshot. */
	enum pyi_runtime_phase phase;
	/* What the walks of the snapshot that was used say about the heap. */
	struct pyi_record_summary summary;
	/* What was found in the target after the last examination. */
	struct pyi_residue residue;
	bool residue_known;
	/* In the place of a process: pyi_session_begin_offline(). */
	const struct pyi_graph *graph;
};

/*
 * For a graph that was read from a dump, of a process that had so many resident bytes: room for
 * names, and what a walk would have counted. There is nothing to close. `graph` must outlive it.
 */
void pyi_session_begin_offline(struct pyi_session *session, const struct pyi_graph *graph,
			       uint64_t rss_bytes);

/*
 * Opens process `pid` and prepares everything that can be done while it runs. `options` must
 * outlive the session. On failure the session still describes what was found out, for the error
 * report.
 */
struct pyi_error *pyi_session_open(pid_t pid, const struct pyi_session_options *options,
				   struct pyi_session *ret_session) PYI_MUST_CHECK;

/* Something to find out from a snapshot. */
struct pyi_examination {
	/*
	 * Examines one snapshot, by any number of pyi_session_walk(). Called again for the next
	 * snapshot when one turns out not to be consistent: it must begin by dropping what it found
	 * in the one before.
	 */
	struct pyi_error *(*examine)(void *argument, struct pyi_session *session,
				     struct pyi_source_snapshot *snapshot,
				     const struct pyi_interpreters *interpreters);
	void *argument;
};

/*
 * Takes snapshots until one is consistent, and examines it. When there is none that is consistent,
 * the findings in the last one count, and the session says so. Afterwards, also after a failure, it
 * looks for what may be left in the target. Errors (exit 1): "timeout", "interrupted",
 * "pause-too-long" (all stops together), and those of taking and examining a snapshot; "residue"
 * (exit 6).
 */
struct pyi_error *pyi_session_examine(struct pyi_session *session,
				      const struct pyi_examination *examination) PYI_MUST_CHECK;

/*
 * For examinations: one walk (heap/walk_run.h) of the snapshot; fills in the deadline, the
 * progress and the size of the heap of `request`, and keeps in the session what the walk says about
 * the heap.
 */
struct pyi_error *pyi_session_walk(struct pyi_session *session,
				   struct pyi_source_snapshot *snapshot,
				   const struct pyi_interpreters *interpreters,
				   struct pyi_walk_request *request,
				   struct pyi_walk_result *ret_result) PYI_MUST_CHECK;

/*
 * For examinations: takes `size_bytes` from the room for names and the like, which the target may
 * make as many and as long as it wants. False when there is no more: that is to be left out, and
 * the result is labelled.
 */
bool pyi_session_has_room(struct pyi_session *session, uint64_t size_bytes);

/* The same label, for what has run out of room of its own. */
void pyi_session_leave_out(struct pyi_session *session);

/* For examinations: "timeout" or "interrupted" if it is time to stop, else NULL. */
struct pyi_error *pyi_session_check(const struct pyi_session *session) PYI_MUST_CHECK;

/* Safe on a session that failed to open. */
void pyi_session_close(struct pyi_session *session);

#endif
