/*
 * What can be reached in a graph.
 */
#ifndef PYI_ANALYSIS_REACH_H
#define PYI_ANALYSIS_REACH_H

#include <stdint.h>

#include "analysis/entries.h"
#include "base/error.h"
#include "graph/graph.h"

/*
 * Marks (graph/bits.h) a node, and what it leads to; nothing if it is marked. No way goes on behind
 * what is marked. `queue` has room for all nodes.
 */
void pyi_reach_from(const struct pyi_graph *graph, uint32_t node, uint64_t *marks, uint32_t *queue);

/*
 * Marks what the entries lead to when all nodes of a set are gone: these are not marked. The marks
 * (pyi_bits_bytes()) are in the space of the graph, for the caller to give back.
 */
struct pyi_error *pyi_reach_without(const struct pyi_graph *graph,
				    const struct pyi_graph_entries *entries, const uint64_t *set,
				    uint64_t **ret_marks) PYI_MUST_CHECK;

#endif
