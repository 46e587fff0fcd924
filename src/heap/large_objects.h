/*
 * The largest objects in a snapshot of a session.
 */
#ifndef PYI_HEAP_LARGE_OBJECTS_H
#define PYI_HEAP_LARGE_OBJECTS_H

#include "analysis/paths.h"
#include "heap/session.h"
#include "heap/subject.h"

/* The `limit` largest objects, and the `limit` with the most referents. */
struct pyi_error *pyi_session_large_objects(struct pyi_session *session, uint64_t limit,
					    bool values,
					    struct pyi_large_objects *ret_objects) PYI_MUST_CHECK;

#endif
