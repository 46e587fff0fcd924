/*
 * Who refers to the objects of a type, and what they refer to: runs the payload's job in a snapshot
 * of a session, and names what it found.
 */
#ifndef PYI_HEAP_REFERRERS_H
#define PYI_HEAP_REFERRERS_H

#include "analysis/referrers.h"
#include "heap/session.h"
#include "heap/subject.h"

/*
 * `depth` levels (1 or more): the referrers of the biggest group's objects, and so on. Errors:
 * those of pyi_session_examine(); of pyi_types_choose(); "no-such-object" (exit 1) when there is no
 * object at the address.
 */
struct pyi_error *pyi_session_referrers(struct pyi_session *session,
					const struct pyi_subject *subject, unsigned depth,
					struct pyi_referrers *ret_referrers) PYI_MUST_CHECK;

struct pyi_error *pyi_session_referents(struct pyi_session *session,
					const struct pyi_subject *subject,
					struct pyi_referrers *ret_referents) PYI_MUST_CHECK;

#endif
