/*
 * The graph of an invented heap: PYI_JOB_GRAPH run in the test's own process, and its stream built.
 */
#ifndef PYI_TESTS_INVENTED_GRAPH_H
#define PYI_TESTS_INVENTED_GRAPH_H

#include "graph/graph.h"
#include "invented_census.h"

struct invented_graph {
	struct pyi_graph_space space;
	struct pyi_graph graph;
	unsigned faults;
	unsigned messages;
	struct pyi_record_summary summary;
};

/* `arguments` as invented_arguments() gives them, with roots if there shall be some. */
void invented_graph_make(struct pyi_payload_arguments *arguments, struct invented_graph *ret_graph);
/* The same; if the walk does not end with PYI_PAYLOAD_OK, the graph is what was sent until then. */
enum pyi_payload_status invented_graph_try(struct pyi_payload_arguments *arguments,
					   struct invented_graph *ret_graph);
/* Fails the test if something of the graph was kept. */
void invented_graph_drop(struct invented_graph *graph);

#endif
