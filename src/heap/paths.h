/*
 * Shortest paths from the roots to objects, and the largest objects, in a snapshot of a session.
 */
#ifndef PYI_HEAP_PATHS_H
#define PYI_HEAP_PATHS_H

#include "analysis/paths.h"
#include "heap/session.h"
#include "heap/subject.h"

/* Up to `limit` (at least 1) objects, the nearest to a root first. Errors as for referrers. */
struct pyi_error *pyi_session_paths(struct pyi_session *session, const struct pyi_subject *subject,
				    uint64_t limit, struct pyi_paths *ret_paths) PYI_MUST_CHECK;

/* The `limit` largest objects, and the `limit` with the most referents. */
struct pyi_error *pyi_session_large_objects(struct pyi_session *session, uint64_t limit,
					    bool values,
					    struct pyi_large_objects *ret_objects) PYI_MUST_CHECK;

#endif
