/*
 * A target as it is seen by somebody without rights: its files, and snapshots of it, through a
 * broker that has them (broker/broker.h).
 *
 * Does not know Python. Every call is one request, and waits for its answer; errors are those of
 * the broker's side, and PYI_ERROR_BROKER_LOST (exit 1) when the broker is gone: it leaves the
 * target as it was when it is killed.
 */
#ifndef PYI_SOURCE_SOURCE_H
#define PYI_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "broker/protocol.h"
#include "process/maps.h"
#include "process/memory_reader.h"
#include "process/process.h"
#include "snapshot/snapshot.h"

/* "auto", "clone", "mirror" */
const char *pyi_source_name(enum pyi_source_kind source);

struct pyi_source {
	/* The broker; stays the caller's. */
	int channel_fd;
	/* Its files come from the broker; to be looked at only. */
	struct pyi_process process;
	/* PYI_SOURCE_CLONE or PYI_SOURCE_MIRROR; PYI_SOURCE_AUTO before pyi_source_prepare(). */
	enum pyi_source_kind kind;
	/* How long the target was stopped, in ms. */
	struct pyi_wire_cost cost;
};

/* A thread of the target as it was when the snapshot was taken. */
struct pyi_source_thread {
	/* Its number in the target's pid namespace. */
	pid_t namespace_tid;
	/* It stood still because we held it. */
	bool held;
	/* It was left alone, and ran while the snapshot was taken. */
	bool moved;
	/* Base of its thread-local storage, and what it was stopped with; 0 if it was not held. */
	uint64_t thread_pointer;
	struct pyi_registers registers;
};

struct pyi_source_snapshot {
	struct pyi_source *source;
	/* In the broker's pid namespace; for people. */
	pid_t pid;
	/* Of its memory as it was, with a cache. */
	struct pyi_memory_reader *reader;
	struct pyi_maps maps;
	struct pyi_source_thread *threads;
	size_t thread_count;
	/* A thread appeared that is not among them. */
	bool stranger;
	uint64_t created_ns;
};

/*
 * Opens process `pid` through the broker at `channel_fd`. A channel is about one process: opening
 * another one is refused. `ret_source` must not move as long as it is open.
 * Errors: those of pyi_process_open().
 */
struct pyi_error *pyi_source_open(int channel_fd, pid_t pid,
				  struct pyi_source *ret_source) PYI_MUST_CHECK;

/* Safe on a zeroed struct; a snapshot must be destroyed before. */
void pyi_source_close(struct pyi_source *source);

/*
 * Checks what forbids a snapshot, and chooses the kind of source (snapshot/preflight.h); then finds
 * what is needed to take some, and reaps what a run that was killed left behind. Called again, it
 * changes the kind.
 */
struct pyi_error *pyi_source_prepare(struct pyi_source *source, enum pyi_source_kind kind,
				     double max_pause_ms) PYI_MUST_CHECK;

/* What is read from the running target at the two ends of the moment of a snapshot. */
struct pyi_source_gate {
	struct pyi_gate_word words[PYI_GATE_LIMIT];
	size_t count;
	/* Take a snapshot even if a word that must be 0 is not. */
	bool anyway;
	/* Set by pyi_source_take(), one for each word. */
	struct pyi_gate_value values[PYI_GATE_LIMIT];
};

/*
 * Takes a snapshot, holding the threads of `extent` meanwhile. If the gate says no, *ret_snapshot
 * is NULL (no error). Errors: as pyi_snapshot_take().
 */
struct pyi_error *pyi_source_take(struct pyi_source *source, enum pyi_stop_extent extent,
				  struct pyi_source_gate *gate,
				  struct pyi_source_snapshot **ret_snapshot) PYI_MUST_CHECK;

/* Ends it. NULL is fine. Errors: as pyi_snapshot_destroy(). */
struct pyi_error *pyi_source_destroy(struct pyi_source_snapshot *snapshot) PYI_MUST_CHECK;

/* As pyi_snapshot_confirm(). */
struct pyi_error *pyi_source_confirm(const struct pyi_source_snapshot *snapshot,
				     struct pyi_error *error) PYI_MUST_CHECK;

/* A reader of the snapshot's memory without a cache, for what changes in it. */
struct pyi_error *pyi_source_open_memory(const struct pyi_source_snapshot *snapshot,
					 struct pyi_memory_reader **ret_reader) PYI_MUST_CHECK;

/*
 * Maps memory in the snapshot, zeroed, and writable; what lies in [guard_offset, guard_offset +
 * guard_bytes) faults. Error PYI_ERROR_NO_MEMORY_IN_SNAPSHOT (exit 1).
 */
struct pyi_error *pyi_source_map(struct pyi_source_snapshot *snapshot, uint64_t size_bytes,
				 uint64_t guard_offset, uint64_t guard_bytes,
				 uint64_t *ret_addr) PYI_MUST_CHECK;

struct pyi_error *pyi_source_unmap(struct pyi_source_snapshot *snapshot, uint64_t addr,
				   uint64_t size_bytes) PYI_MUST_CHECK;

/* Writes to its private memory, also to what is not writable. */
struct pyi_error *pyi_source_write(struct pyi_source_snapshot *snapshot, uint64_t addr,
				   const void *bytes, size_t size_bytes) PYI_MUST_CHECK;

/*
 * Which parts of `ranges` (ascending) are in use, present or swapped out; *ret_runs is ascending,
 * malloc'ed, in steps of some pages. Errors (exit 1): PYI_ERROR_TOO_LARGE, the kernel cannot say so
 * of so much, or they are too many.
 */
struct pyi_error *pyi_source_pages(const struct pyi_source_snapshot *snapshot,
				   const struct pyi_wire_range *ranges, size_t count,
				   struct pyi_wire_range **ret_runs,
				   size_t *ret_count) PYI_MUST_CHECK;

/* As the pyi_snapshot_ functions of these names. */
struct pyi_error *pyi_source_become_thread(struct pyi_source_snapshot *snapshot,
					   uint64_t pthread_id) PYI_MUST_CHECK;
struct pyi_error *pyi_source_call(struct pyi_source_snapshot *snapshot, uint64_t pc,
				  uint64_t stack_end_addr, uint64_t argument) PYI_MUST_CHECK;

/* What is done while the snapshot runs. It must not ask anything of the source. */
struct pyi_source_meanwhile {
	struct pyi_error *(*work)(void *argument);
	void *argument;
};

/*
 * Lets the snapshot run until the next event. If it is stopped at a system call, that returns
 * *reply; NULL: nothing was set. `meanwhile` may be NULL: there is nothing to do. Errors: also its
 * own, which is returned after the event.
 */
struct pyi_error *pyi_source_run(struct pyi_source_snapshot *snapshot, const uint64_t *reply,
				 uint64_t deadline_ns, const struct pyi_source_meanwhile *meanwhile,
				 struct pyi_snapshot_event *ret_event) PYI_MUST_CHECK;

/*
 * What is left in the target now that all is done (snapshot/residue.h). `ret_known` is false if
 * nobody knows what it was before. Error PYI_ERROR_RESIDUE (exit 6) for what is certain; the
 * outputs are set then, too.
 */
struct pyi_error *pyi_source_residue(struct pyi_source *source, struct pyi_residue *ret_residue,
				     bool *ret_known) PYI_MUST_CHECK;

#endif
