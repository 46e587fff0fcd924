/*
 * Which objects of two graphs of one process, of two moments, are the same ones: those at the same
 * address and of a type of the same name. The others are new, or gone.
 *
 * Pure functions of the graphs. Does not know that an object was freed and another one of its type
 * has taken its place: that is taken for the same one.
 */
#ifndef PYI_ANALYSIS_HEAP_DIFF_H
#define PYI_ANALYSIS_HEAP_DIFF_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/type_changes.h"
#include "base/error.h"
#include "graph/graph.h"

struct pyi_heap_diff_objects {
	/* Of their graph: the largest first, then in the order of addresses. Owned. */
	uint32_t *nodes;
	size_t count;
};

struct pyi_heap_diff {
	/* In the later graph, and in the earlier one. */
	struct pyi_heap_diff_objects added;
	struct pyi_heap_diff_objects gone;
};

/*
 * `changes` are those of the censuses of both graphs, ordered by name: what is new and gone is
 * added to them. At most `limit` objects of those of `filter` are listed of each.
 */
struct pyi_error *pyi_heap_diff_find(const struct pyi_graph *before, const struct pyi_graph *after,
				     const struct pyi_census_filter *filter, size_t limit,
				     struct pyi_type_changes *changes,
				     struct pyi_heap_diff *ret_diff) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_heap_diff_deinit(struct pyi_heap_diff *diff);

#endif
