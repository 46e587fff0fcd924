/*
 * Graphs for tests: as plain arrays that brute force can go through, and as the stream that a
 * payload would send, in any order.
 */
#ifndef PYI_TESTS_GRAPH_MODEL_H
#define PYI_TESTS_GRAPH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/graph.h"

struct model_edge {
	uint32_t source;
	uint32_t target;
	uint32_t label;
};

struct model_node {
	uint64_t addr;
	uint64_t size_bytes;
	uint32_t count;
	uint32_t type;
	uint32_t flags;
};

/* Nodes are in the order of their addresses; edges in any. */
struct model {
	struct model_node *nodes;
	uint32_t node_count;
	struct model_edge *edges;
	size_t edge_count;
	size_t edge_capacity;
	uint32_t *roots;
	size_t root_count;
	/* Nodes of which the builder is told that their edges keep nothing; not owned. */
	const uint32_t *weak;
	size_t weak_count;
	uint32_t type_count;
};

/* The next number of a series that is always the same, below `limit`. */
uint64_t model_random(uint64_t *state, uint64_t limit);

/* Nodes without edges, 32 bytes each at neighbouring addresses, of type 0. */
struct model model_create(uint32_t node_count);
void model_destroy(struct model *model);
void model_connect(struct model *model, uint32_t source, uint32_t target, uint32_t label);
void model_add_root(struct model *model, uint32_t node);
/* Each reference counts once, and each root. */
void model_count_references(struct model *model);

/*
 * Some nodes and edges: chains, cycles, stars, leaves with one and with many referrers, parts that
 * no root leads to. Sizes, counts, types and labels are anything.
 */
struct model model_random_create(uint64_t *state, uint32_t node_limit);

/* The graph of it, from a stream whose entries are in an order that `state` decides. */
struct pyi_graph model_build(const struct model *model, uint64_t *state,
			     struct pyi_graph_space *space);

/* Fails the test if the graph is another one. */
void model_assert_equal(const struct model *model, const struct pyi_graph *graph);

#endif
