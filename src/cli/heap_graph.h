/*
 * The graph that a command asks: made of a snapshot, or read from a dump, and what is wrong with
 * it.
 *
 * Does not ask anything itself.
 */
#ifndef PYI_CLI_HEAP_GRAPH_H
#define PYI_CLI_HEAP_GRAPH_H

#include "base/error.h"
#include "cli/dump_facts.h"
#include "cli/inspection.h"
#include "graph/graph.h"
#include "heap/graph.h"
#include "heap/offline.h"

struct pyi_heap_graph {
	struct pyi_graph_space space;
	struct pyi_graph graph;
	/* Of what moment it is. */
	struct pyi_dump_moment moment;
	/* Of a dump that keeps names: its reader stands for the memory of a snapshot. */
	struct pyi_offline offline;
	bool named;
};

/*
 * Makes the graph, in memory; `ret_graph` is the caller's, must not move, and needs
 * pyi_heap_graph_deinit(). About a dump it is read, and what that says of its process is then in
 * inspection->envelope and in the summary of the session. Errors: those of pyi_session_graph() and
 * of pyi_graph_read(); of a question that wants names, and a dump that keeps none: "no-names"
 * (exit 1).
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

/* Adds a warning if the graph is not complete; true if it is. `consequence` as below. */
bool pyi_heap_graph_warn(const struct pyi_heap_graph *graph, struct pyi_envelope *envelope,
			 const char *consequence);

/*
 * pyi_inspection_conclude(), and if the graph is not complete a warning: `consequence` says what
 * that does to the figures. Returns the exit code of the report.
 */
enum pyi_exit pyi_heap_graph_conclude(const struct pyi_heap_graph *graph,
				      struct pyi_inspection *inspection, const char *consequence);

#endif
