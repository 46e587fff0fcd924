/*
 * A graph in anonymous memory, as large as the worker has room for (cli/room.h).
 */
#include "cli/heap_graph.h"

#include <inttypes.h>

struct pyi_error *pyi_heap_graph_take(struct pyi_inspection *inspection,
				      struct pyi_heap_graph *ret_graph)
{
	return pyi_heap_graph_ask(inspection, NULL, ret_graph);
}

struct pyi_error *pyi_heap_graph_ask(struct pyi_inspection *inspection,
				     const struct pyi_graph_question *question,
				     struct pyi_heap_graph *ret_graph)
{
	pyi_graph_space_init(&ret_graph->space, -1, inspection->options->graph_bytes);
	return pyi_session_ask_graph(&inspection->session, &ret_graph->space, question,
				     &ret_graph->graph);
}

void pyi_heap_graph_deinit(struct pyi_heap_graph *graph)
{
	pyi_graph_deinit(&graph->graph);
}

bool pyi_heap_graph_is_complete(const struct pyi_heap_graph *graph)
{
	return !graph->graph.incomplete_nodes && !graph->graph.lost_edges &&
	       !graph->graph.duplicate_nodes;
}

enum pyi_exit pyi_heap_graph_conclude(const struct pyi_heap_graph *graph,
				      struct pyi_inspection *inspection, const char *consequence)
{
	enum pyi_exit exit = pyi_inspection_conclude(inspection);
	uint64_t unread = graph->graph.incomplete_nodes + graph->graph.duplicate_nodes;

	if (pyi_heap_graph_is_complete(graph))
		return exit;
	pyi_envelope_warn(inspection->envelope, "incomplete-graph",
			  "%" PRIu64 " objects could not be read to their end, and %" PRIu64
			  " references lead to or from what is no object: %s",
			  unread, graph->graph.lost_edges, consequence);
	return PYI_EXIT_INCOMPLETE;
}
