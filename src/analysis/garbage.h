/*
 * What gc.collect() would free, found without running it: the collector's own arithmetic on a
 * graph. Of each tracked object, references by other tracked objects are subtracted from its
 * reference count; what has some left is alive, and so is what it leads to.
 *
 * A pure function of the graph. Leaves out, as the collector does, what is frozen; does not know
 * finalizers and weak references, by which an object can come back to life; but what the collector
 * never frees because of a finalizer (struct pyi_graph_type) is found, and not freed.
 */
#ifndef PYI_ANALYSIS_GARBAGE_H
#define PYI_ANALYSIS_GARBAGE_H

#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"

struct pyi_garbage {
	struct pyi_graph_space *space;
	uint64_t node_count;
	/* graph/bits.h: objects that the collector would find; and all that would be freed with
	   them. */
	uint64_t *found;
	uint64_t *freed;
	uint64_t found_objects;
	uint64_t freed_objects;
	uint64_t freed_bytes;
};

struct pyi_error *pyi_garbage_find(const struct pyi_graph *graph,
				   struct pyi_garbage *ret_garbage) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_garbage_deinit(struct pyi_garbage *garbage);

#endif
