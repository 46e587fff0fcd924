/*
 * What slip.dbus.service.Object (or a copy of its code) keeps, read from a snapshot of a session.
 */
#ifndef PYI_HEAP_SLIP_H
#define PYI_HEAP_SLIP_H

#include "analysis/slip.h"
#include "heap/graph.h"
#include "heap/session.h"

/*
 * `ret_slip->holder` is NULL when there is no such class; else it takes a graph, for which there is
 * so much room. `also` (NULL: none) is examined in the same snapshot, first. Not judged. Errors:
 * those of pyi_session_examine(); "too-large" (exit 1) if there is not enough room.
 */
struct pyi_error *pyi_session_slip(struct pyi_session *session, uint64_t graph_bytes,
				   const struct pyi_examination *also,
				   struct pyi_slip *ret_slip) PYI_MUST_CHECK;

/*
 * The same of a graph that was read from a dump and keeps names. Unless `values`, it keeps no
 * contents: names are counted only (`redacted`). Errors: "too-large", out of memory.
 */
struct pyi_error *pyi_slip_of_dump(const struct pyi_graph_view *view, bool values,
				   struct pyi_slip *ret_slip) PYI_MUST_CHECK;

#endif
