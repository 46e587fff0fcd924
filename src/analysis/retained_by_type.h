/*
 * What would be freed with all objects of a type, of many types at once.
 *
 * A pure function of the graph and of where it begins.
 */
#ifndef PYI_ANALYSIS_RETAINED_BY_TYPE_H
#define PYI_ANALYSIS_RETAINED_BY_TYPE_H

#include <stddef.h>

#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "base/error.h"
#include "graph/graph.h"

/* Asked now and then by what takes long; an error ends it. */
struct pyi_retained_check {
	struct pyi_error *(*check)(void *argument);
	void *argument;
};

/*
 * Of each name: what would be freed if all objects of types of that name were gone, they included.
 * Shared keys of dicts are no objects of a type. `check` may be NULL.
 */
struct pyi_error *pyi_retained_by_types(const struct pyi_graph *graph,
					const struct pyi_graph_entries *entries,
					const char *const *names, size_t count,
					const struct pyi_retained_check *check,
					struct pyi_retained *ret_retained) PYI_MUST_CHECK;

#endif
