/*
 * What speaks against believing a snapshot, before it is walked. Strings that are never freed.
 */
#ifndef PYI_HEAP_DOUBT_H
#define PYI_HEAP_DOUBT_H

#include "heap/gate.h"
#include "heap/session.h"

/* Two of them, which are told apart. */
extern const char pyi_doubt_collection[];
extern const char pyi_doubt_thread[];

/* NULL if nothing does: no collection ran, and no thread can have changed objects meanwhile. */
const char *pyi_doubt_of_moment(const struct pyi_session *session,
				struct pyi_source_snapshot *snapshot,
				const struct pyi_interpreters *interpreters,
				const struct pyi_gate *gate);

/*
 * What the thread with the GIL was doing (or each that is attached), shown to whoever wants to see
 * it; returns what speaks against this snapshot because of it, or else what did before.
 */
const char *pyi_doubt_of_stack(const struct pyi_session *session,
			       struct pyi_source_snapshot *snapshot,
			       const struct pyi_interpreters *interpreters);

#endif
