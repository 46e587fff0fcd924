/*
 * The graph that a command asks: made of a snapshot, and what is wrong with it.
 *
 * Does not ask anything itself.
 */
#ifndef PYI_CLI_HEAP_GRAPH_H
#define PYI_CLI_HEAP_GRAPH_H

#include "base/error.h"
#include "cli/inspection.h"
#include "graph/graph.h"
#include "heap/graph.h"

struct pyi_heap_graph {
	struct pyi_graph_space space;
	struct pyi_graph graph;
};

/*
 * Makes the graph, in memory; `ret_graph` is the caller's, must not move, and needs
 * pyi_heap_graph_deinit(). Errors: those of pyi_session_graph().
 */
struct pyi_error *pyi_heap_graph_take(struct pyi_inspection *inspection,
				      struct pyi_heap_graph *ret_graph) PYI_MUST_CHECK;

/* The same, and asks while the snapshot is there. */
struct pyi_error *pyi_heap_graph_ask(struct pyi_inspection *inspection,
				     const struct pyi_graph_question *question,
				     struct pyi_heap_graph *ret_graph) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_heap_graph_deinit(struct pyi_heap_graph *graph);

/* All references of all objects that were found are in it. */
bool pyi_heap_graph_is_complete(const struct pyi_heap_graph *graph);

/*
 * pyi_inspection_conclude(), and if the graph is not complete a warning: `consequence` says what
 * that does to the figures. Returns the exit code of the report.
 */
enum pyi_exit pyi_heap_graph_conclude(const struct pyi_heap_graph *graph,
				      struct pyi_inspection *inspection, const char *consequence);

#endif
