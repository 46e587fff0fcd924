/*
 * What the containers of a graph are named after: of each the first thing with a name that was
 * found to lead to it, and by which of its references.
 *
 * A pure function of the graph. The order decides: what it begins with comes first, then roots,
 * then all that names what it holds.
 */
#ifndef PYI_ANALYSIS_HEAP_OWNERS_H
#define PYI_ANALYSIS_HEAP_OWNERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"

/* In place of a node: a root, by its index. */
#define PYI_OWNER_ROOT (PYI_GRAPH_NONE - 1)

struct pyi_heap_owners_query {
	/* By number of the type: what objects of it hold is named after them. */
	const bool *named;
	/* Of each node that is a __dict__ the object that has it, else PYI_GRAPH_NONE. */
	const uint32_t *dict_owners;
	/* Of what refers to nothing these (graph/bits.h) have owners, too; NULL: none. */
	const uint64_t *wanted;
	const uint32_t *starts;
	size_t start_count;
};

struct pyi_heap_owners {
	struct pyi_graph_space *space;
	uint64_t node_count;
	/* Of a container the node whose reference led to it, which may be a __dict__;
	   PYI_GRAPH_NONE: nothing with a name does, or it has one itself. */
	uint32_t *sources;
	/* At which place of that; of PYI_OWNER_ROOT the index in graph->roots. */
	uint32_t *places;
};

struct pyi_error *pyi_heap_owners_find(const struct pyi_graph *graph,
				       const struct pyi_heap_owners_query *query,
				       struct pyi_heap_owners *ret_owners) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_heap_owners_deinit(struct pyi_heap_owners *owners);

#endif
