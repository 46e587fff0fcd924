/*
 * Where everything in a graph begins: objects that are alive for a reason outside of it, and one of
 * each cycle that nothing leads to: if it has one an instance of a class, of these the one that
 * most refer to. From these, all of a graph can be reached.
 *
 * A pure function of the graph. Wants who refers to whom (pyi_graph_reverse()).
 */
#ifndef PYI_ANALYSIS_ENTRIES_H
#define PYI_ANALYSIS_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"

enum pyi_start_kind {
	/* A root, a static object, one that is never freed. */
	PYI_START_ROOT = 0,
	/* It has references that no object explains. */
	PYI_START_HELD,
	/* Nothing leads to it: garbage, or held by something unseen. */
	PYI_START_UNREACHED,
	PYI_START_KIND_COUNT,
};

struct pyi_graph_entries {
	struct pyi_graph_space *space;
	uint32_t *nodes;
	uint64_t count;
	/* How many of each kind; they are in that order, and of one kind ascend (but unreached). */
	uint64_t counts[PYI_START_KIND_COUNT];
	/* Of `nodes`. */
	uint64_t room;
};

/*
 * References of a node that no object and no root explains; 0 if that cannot be known: the count is
 * not exact, or the object is never freed. While any object of the graph is incomplete, it is only
 * an upper bound.
 */
uint32_t pyi_graph_held(const struct pyi_graph *graph, uint32_t node);

/* Index of the first root of a node, in roots that ascend; of one behind it if there is none. */
size_t pyi_graph_first_root(const struct pyi_graph *graph, uint32_t node);

struct pyi_error *pyi_graph_entries_find(const struct pyi_graph *graph,
					 struct pyi_graph_entries *ret_entries) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_graph_entries_deinit(struct pyi_graph_entries *entries);

#endif
