/*
 * A census of a session's target: how many objects of each type.
 */
#ifndef PYI_HEAP_CENSUS_H
#define PYI_HEAP_CENSUS_H

#include "analysis/census.h"
#include "heap/session.h"

/*
 * Takes a census with `flags` (enum pyi_census_flag). `object` may be NULL; else it is called for
 * each object of the snapshot that is used (possibly also for those of snapshots that were dropped:
 * then `restart` is called before the next). session->summary has the sums. Errors: those of
 * pyi_session_examine().
 */
struct pyi_error *pyi_session_census(struct pyi_session *session, uint64_t flags,
				     void (*object)(void *argument,
						    const struct pyi_record_object *record),
				     void (*restart)(void *argument), void *argument,
				     struct pyi_census *ret_census) PYI_MUST_CHECK;

/* Names the types of a walk, and adds up those of the same name. For other examinations too. */
struct pyi_error *pyi_census_of_walk(struct pyi_session *session,
				     struct pyi_source_snapshot *snapshot,
				     const struct pyi_walk_result *result,
				     struct pyi_census *ret_census) PYI_MUST_CHECK;

/*
 * `name`, of a type, or "(other types)" in its place when there is no room for it in the session's
 * examination. Takes over `name`; NULL without memory, or for NULL.
 */
char *pyi_census_keep_name(struct pyi_session *session, char *name);

#endif
