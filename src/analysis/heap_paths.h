/*
 * How the objects of a set are reached from where a graph begins: of each a shortest way, and ways
 * that are alike merged into one.
 *
 * A pure function of the graph. Does not find all ways: an object that is held twice is seen once.
 */
#ifndef PYI_ANALYSIS_HEAP_PATHS_H
#define PYI_ANALYSIS_HEAP_PATHS_H

#include <stdint.h>

#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "analysis/heap_steps.h"
#include "base/error.h"

/*
 * `set` has a bit for each node (graph/bits.h). Bytes are those that members retain, once where one
 * is retained by another; without `dominators` (NULL) their own sizes.
 */
struct pyi_error *pyi_heap_paths_find(const struct pyi_graph *graph,
				      const struct pyi_graph_entries *entries, const uint64_t *set,
				      const struct pyi_dominators *dominators,
				      struct pyi_heap_steps *ret_steps) PYI_MUST_CHECK;

/*
 * Who refers to the objects of a set: a step for each type and kind of reference; `type` is that of
 * what refers. Without roots.
 */
struct pyi_error *pyi_heap_referrers_find(const struct pyi_graph *graph, const uint64_t *set,
					  struct pyi_heap_steps *ret_steps) PYI_MUST_CHECK;

#endif
