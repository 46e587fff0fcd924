/*
 * The examination that makes a graph (graph/graph.h) of a snapshot: one walk, one graph.
 */
#ifndef PYI_HEAP_GRAPH_H
#define PYI_HEAP_GRAPH_H

#include "base/error.h"
#include "graph/graph.h"
#include "heap/session.h"

/*
 * Types of the graph have their names, and it is known which have estimated sizes. The space must
 * outlive the graph. Errors: those of pyi_session_examine(); "too-large" (exit 1) if there is no
 * room.
 */
struct pyi_error *pyi_session_graph(struct pyi_session *session, struct pyi_graph_space *space,
				    struct pyi_graph *ret_graph) PYI_MUST_CHECK;

#endif
