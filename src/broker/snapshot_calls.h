/*
 * What a worker asks of a snapshot once there is one: memory for data, what to write there, to run.
 * Answered alike for the snapshot of a process (broker) and for the memory of a core (core server).
 *
 * Numbers in a request are the worker's, and believed only after pyi_snapshot_calls_are_right().
 */
#ifndef PYI_BROKER_SNAPSHOT_CALLS_H
#define PYI_BROKER_SNAPSHOT_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "broker/allowance.h"
#include "broker/protocol.h"
#include "snapshot/snapshot.h"

struct pyi_snapshot_calls {
	/* Not owned; NULL: there is none. */
	struct pyi_snapshot *snapshot;
	/* Not owned. */
	struct pyi_allowance *allowance;
	/* What it has in use of its own: it decides how much is mapped beside it. */
	uint64_t heap_bytes;
	/* Memory for data that was mapped last in it. */
	uint64_t mapped_addr;
	uint64_t mapped_size_bytes;
};

/* A snapshot that nothing was mapped in yet. */
void pyi_snapshot_calls_begin(struct pyi_snapshot_calls *calls, struct pyi_snapshot *snapshot);

/* Whether a request is one of these, there is a snapshot for it, and its numbers make sense. */
bool pyi_snapshot_calls_are_right(const struct pyi_snapshot_calls *calls,
				  const struct pyi_request *request);

/*
 * Answers a request that is right, and no PAGES. Errors are those of snapshot/snapshot.h, and
 * "no-memory-in-snapshot" and "payload-failed" (exit 1).
 */
struct pyi_error *pyi_snapshot_calls_serve(struct pyi_snapshot_calls *calls,
					   const struct pyi_request *request, const void *data,
					   struct pyi_reply *reply) PYI_MUST_CHECK;

/* Room for all threads of the snapshot. */
void pyi_snapshot_calls_describe_threads(const struct pyi_snapshot *snapshot,
					 struct pyi_wire_thread *threads);

#endif
