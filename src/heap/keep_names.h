/*
 * Gathers what names the references of a graph without its process, while the snapshot is there:
 * into the graph (graph/kept_names.h), for heap/offline.h.
 *
 * Names only, as python/places.h has it: of the contents of objects nothing but texts that are
 * names, unless values are asked for. What looks like a secret is no name.
 */
#ifndef PYI_HEAP_KEEP_NAMES_H
#define PYI_HEAP_KEEP_NAMES_H

#include "base/error.h"
#include "heap/graph.h"

/*
 * `values`: also the values of str, bytes, numbers and tuples of these, cut (python/places.h).
 * What an earlier call for this graph has gathered must not be there. Errors: those of
 * pyi_subject_find(); "too-large" (exit 1) if there is no room.
 */
struct pyi_error *pyi_keep_names(const struct pyi_graph_view *view, bool values) PYI_MUST_CHECK;

#endif
