/*
 * Gathers what is said of a whole process (analysis/explanation.h) from the graph of its heap.
 */
#ifndef PYI_HEAP_EXPLANATION_H
#define PYI_HEAP_EXPLANATION_H

#include "analysis/explanation.h"
#include "base/error.h"
#include "heap/graph.h"

/* For questions to a graph (heap/graph.h), while its snapshot is there. */
struct pyi_error *pyi_explanation_gather(const struct pyi_graph_view *view,
					 struct pyi_explanation *ret_explanation) PYI_MUST_CHECK;

#endif
