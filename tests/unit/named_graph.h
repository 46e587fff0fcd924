/*
 * The graph of an invented heap together with that heap, so that its references have names.
 */
#ifndef PYI_TESTS_NAMED_GRAPH_H
#define PYI_TESTS_NAMED_GRAPH_H

#include "graph_fixture.h"
#include "heap/names.h"
#include "invented_graph.h"

struct named_graph {
	struct pyi_runtime runtime;
	struct pyi_memory_reader *reader;
	struct invented_graph made;
	struct pyi_names names;
};

/* `graph` must outlive it, and may be changed meanwhile: names are read from it when asked for. */
void named_graph_begin(const struct graph *graph, struct named_graph *ret_named);
/* The same with roots. */
void named_graph_begin_at(const struct graph *graph, const struct pyi_payload_root *roots,
			  size_t root_count, struct named_graph *ret_named);
void named_graph_end(struct named_graph *named);

#endif
