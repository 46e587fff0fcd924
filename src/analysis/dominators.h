/*
 * Who alone keeps what alive: of each object the nearest one that all ways to it go through, and
 * the bytes that would be freed with it.
 *
 * A pure function of the graph and of where it begins. Wants who refers to whom. Almost linear on
 * any graph; recursive on none.
 */
#ifndef PYI_ANALYSIS_DOMINATORS_H
#define PYI_ANALYSIS_DOMINATORS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/entries.h"
#include "base/error.h"
#include "graph/graph.h"

struct pyi_dominators {
	struct pyi_graph_space *space;
	uint64_t node_count;
	/* PYI_GRAPH_NONE: nothing does, or an entry more than one. */
	uint32_t *dominators;
	/* The object itself included; UINT64_MAX: as many, or more. */
	uint64_t *retained_bytes;
};

struct pyi_error *pyi_dominators_find(const struct pyi_graph *graph,
				      const struct pyi_graph_entries *entries,
				      struct pyi_dominators *ret_dominators) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_dominators_deinit(struct pyi_dominators *dominators);

/* What would be freed with something. */
struct pyi_retained {
	uint64_t objects;
	/* UINT64_MAX: as many, or more. */
	uint64_t bytes;
	/* One of the objects has an estimated size. */
	bool estimated;
};

/* Counts one node more. */
void pyi_retained_add(struct pyi_retained *retained, const struct pyi_graph *graph, uint32_t node);

/* What would be freed if all were gone but the marked nodes, which pyi_reach_without() found. */
struct pyi_retained pyi_retained_unmarked(const struct pyi_graph *graph, const uint64_t *marks);

/* What would be freed if all nodes of a set (graph/bits.h) were gone, the set included. */
struct pyi_error *pyi_retained_by_set(const struct pyi_graph *graph,
				      const struct pyi_graph_entries *entries, const uint64_t *set,
				      struct pyi_retained *ret_retained) PYI_MUST_CHECK;

#endif
