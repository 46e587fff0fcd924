/*
 * The objects of a set, by type.
 *
 * A pure function of the graph. What is a node but no object (the shared keys of dicts) is left
 * out.
 */
#ifndef PYI_ANALYSIS_HEAP_TYPES_H
#define PYI_ANALYSIS_HEAP_TYPES_H

#include <stdint.h>

#include "analysis/census.h"
#include "base/error.h"
#include "graph/graph.h"

/* `set` (graph/bits.h): NULL is all. Types of the same name are one; those without one are "?". */
struct pyi_error *pyi_heap_types(const struct pyi_graph *graph, const uint64_t *set,
				 struct pyi_census *ret_census) PYI_MUST_CHECK;

/* The same of all nodes that have each of these flags (enum pyi_node_flag). */
struct pyi_error *pyi_heap_types_flagged(const struct pyi_graph *graph, uint32_t flags,
					 struct pyi_census *ret_census) PYI_MUST_CHECK;

#endif
