/*
 * Runs the heap walk in a snapshot and decodes what it sends into plain data.
 *
 * Does not know how the snapshot came about, and does not name types. Everything the payload sends
 * is checked as untrusted input: it read a heap that may be broken.
 */
#ifndef PYI_HEAP_WALK_RUN_H
#define PYI_HEAP_WALK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "base/error.h"
#include "python/interpreters.h"
#include "python/runtime.h"
#include "source/source.h"

/* Addresses of types whose sizes follow a rule we know: pyi_objects_size_is_estimated(). */
struct pyi_modelled_types {
	uint64_t addrs[PYI_KNOWN_TYPES + PYI_TYPE_RULES + 1];
	size_t count;
};

struct pyi_walk_result {
	struct pyi_record_type *types;
	size_t type_count;
	size_t type_capacity;
	struct pyi_record_summary summary;
	struct pyi_modelled_types modelled;
	/* Not all roots are in it: a chain of threads or frames does not end. */
	bool roots_truncated;
	/* Roots that the payload was given: it has no others to say; and what it has said so far of
	   a graph. */
	uint64_t root_count;
	uint64_t graph_roots;
	uint64_t graph_types;
	/* Memory that was mapped into the snapshot. */
	uint64_t arena_bytes;
	/* Of records so far. */
	uint64_t stream_bytes;
};

struct pyi_walk_request {
	/* enum pyi_census_flag */
	uint64_t flags;
	/* When to give up, on base/clock.h's clock. */
	uint64_t deadline_ns;
	/* Memory of the target that is in use: how much there can be to say depends on it. */
	uint64_t heap_bytes;
	/* Called about every million objects; may be NULL. */
	void (*progress)(void *argument, uint64_t objects);
	void *progress_argument;
	/* Called for each object with PYI_CENSUS_OBJECTS; may be NULL. */
	void (*object)(void *argument, const struct pyi_record_object *record);
	void *object_argument;

	/* enum pyi_job */
	uint64_t job;
	/*
	 * Called for each record but TYPE, OBJECT and SUMMARY; its form is that of its `kind`, and
	 * its size has been checked. An error ends the walk.
	 */
	struct pyi_error *(*record)(void *argument, uint32_t kind, const void *record);
	/* For GRAPH: what it has, in multiples of 8 bytes. May be NULL. */
	struct pyi_error *(*words)(void *argument, const uint8_t *bytes, size_t size_bytes);
	void *record_argument;
};

/*
 * Errors (exit 1): "timeout", "interrupted", "snapshot-lost" (killed), "payload-failed" (it could
 * not be placed, or broke the contract), "no-memory-in-snapshot", those of pyi_walk_ranges_find(),
 * and what the broker says to each step.
 */
struct pyi_error *pyi_walk_run(struct pyi_source_snapshot *snapshot,
			       const struct pyi_runtime *runtime,
			       const struct pyi_interpreters *interpreters,
			       const struct pyi_walk_request *request,
			       struct pyi_walk_result *ret_result) PYI_MUST_CHECK;

void pyi_walk_result_deinit(struct pyi_walk_result *result);

/*
 * Decodes a run of records into `result` (types are appended). Error "payload-failed" for a stream
 * that does not follow pyinspect/payload.h, has more types than the payload has room for, or is
 * longer than anything that could be said about `request->heap_bytes`: then other code than the
 * payload has sent it. For tests and fuzzers too.
 */
struct pyi_error *pyi_walk_decode(const uint8_t *bytes, size_t size_bytes,
				  const struct pyi_walk_request *request,
				  struct pyi_walk_result *result) PYI_MUST_CHECK;

#endif
