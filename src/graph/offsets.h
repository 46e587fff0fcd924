/*
 * Where what belongs to each node begins in an array of all: 4 bytes a node, and 8 for every 64
 * nodes, though positions have more than 32 bits.
 */
#ifndef PYI_GRAPH_OFFSETS_H
#define PYI_GRAPH_OFFSETS_H

#include <stdint.h>

#include "base/error.h"
#include "graph/space.h"

enum {
	PYI_OFFSETS_SHIFT = 6,
};

struct pyi_graph_offsets {
	/* Of each block of nodes. */
	uint64_t *blocks;
	/* Of each node, from the beginning of its block; one more than there are nodes. */
	uint32_t *inner;
	uint64_t count;
};

/* For `count` nodes, all of which have nothing. */
struct pyi_error *pyi_graph_offsets_init(struct pyi_graph_offsets *offsets,
					 struct pyi_graph_space *space,
					 uint64_t count) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_graph_offsets_deinit(struct pyi_graph_offsets *offsets, struct pyi_graph_space *space);

/*
 * From how many each of the first `count` nodes has, in `inner`, to where they begin. `count` may
 * be less than at first. Error "too-large" (exit 1) if 64 neighbours have 2^32 of them.
 */
struct pyi_error *pyi_graph_offsets_sum(struct pyi_graph_offsets *offsets,
					uint64_t count) PYI_MUST_CHECK;

/* `node` may be the number of nodes: the end of all. */
static inline uint64_t pyi_graph_offsets_start(const struct pyi_graph_offsets *offsets,
					       uint64_t node)
{
	return offsets->blocks[node >> PYI_OFFSETS_SHIFT] + offsets->inner[node];
}

#endif
