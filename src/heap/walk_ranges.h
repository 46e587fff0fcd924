/*
 * Which memory of a snapshot a walk may read, and what that costs the payload.
 *
 * Where a process has mapped far more than it uses, only what is in use: nobody needs to keep marks
 * for what holds nothing. Does not read memory.
 */
#ifndef PYI_HEAP_WALK_RANGES_H
#define PYI_HEAP_WALK_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "base/error.h"
#include "process/maps.h"
#include "source/source.h"

struct pyi_walk_ranges {
	/* Ascending, none touches the next. */
	struct pyi_payload_range *items;
	size_t count;
	/* Chunks that they are in. */
	uint64_t chunk_count;
	/* Of them, what is writable. */
	uint64_t writable_bytes;
};

/*
 * `heap_bytes` is the memory that the target has in use. Errors (exit 1): PYI_ERROR_TOO_LARGE, it
 * is scattered so far that marks for it would need more memory than it has itself; those of
 * pyi_source_pages().
 */
struct pyi_error *pyi_walk_ranges_find(const struct pyi_source_snapshot *snapshot,
				       uint64_t heap_bytes,
				       struct pyi_walk_ranges *ret_ranges) PYI_MUST_CHECK;

/*
 * The same of given maps: all of those that can hold objects; or, unless `runs` is NULL, only the
 * runs (ascending) of those that are no libraries.
 */
struct pyi_error *pyi_walk_ranges_of(const struct pyi_maps *maps, const struct pyi_wire_range *runs,
				     size_t run_count,
				     struct pyi_walk_ranges *ret_ranges) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_walk_ranges_deinit(struct pyi_walk_ranges *ranges);

#endif
