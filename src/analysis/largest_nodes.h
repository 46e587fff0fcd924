/*
 * The nodes with the largest figures, of as many as are offered.
 */
#ifndef PYI_ANALYSIS_LARGEST_NODES_H
#define PYI_ANALYSIS_LARGEST_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pyi_largest_node {
	uint64_t figure;
	uint32_t node;
};

struct pyi_largest_nodes {
	/* After pyi_largest_nodes_sort() the largest first; of equal ones the lower node. */
	struct pyi_largest_node *items;
	size_t count;
	size_t limit;
};

/* Room for `limit` of them. */
struct pyi_error *pyi_largest_nodes_init(struct pyi_largest_nodes *nodes,
					 size_t limit) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_largest_nodes_deinit(struct pyi_largest_nodes *nodes);

/* False if a node with this figure, or a smaller one, would not be among them. */
bool pyi_largest_nodes_admit(const struct pyi_largest_nodes *nodes, uint64_t figure);

/* Nodes come ascending, each once. */
void pyi_largest_nodes_offer(struct pyi_largest_nodes *nodes, uint32_t node, uint64_t figure);

/* Nothing is offered afterwards. */
void pyi_largest_nodes_sort(struct pyi_largest_nodes *nodes);

#endif
