/*
 * Of each object of a graph the reference by which it is reached first: in breadth, from starts of
 * which some come before others. So an object is called after the best thing that leads to it, and
 * by a shortest way from there.
 *
 * A pure function of the graph and of the starts. Wants no reverse edges; 16 bytes an object.
 */
#ifndef PYI_ANALYSIS_SPANNING_TREE_H
#define PYI_ANALYSIS_SPANNING_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"

struct pyi_spanning_tree {
	const struct pyi_graph *graph;
	/* Nodes in the order in which they were reached: what leads to one comes before it. */
	uint32_t *order;
	uint64_t count;
	/* Of each node that was reached: what leads to it (PYI_GRAPH_NONE: it is a start), and the
	   place among the referents of that; of a start its number. */
	uint32_t *above;
	uint32_t *places;
	uint64_t *reached;

	/* How far it has grown; nodes that were put off, and how many of them have been taken. */
	uint64_t grown;
	uint32_t *held;
	uint64_t held_count;
	uint64_t held_taken;
};

struct pyi_error *pyi_spanning_tree_init(const struct pyi_graph *graph,
					 struct pyi_spanning_tree *ret_tree) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_spanning_tree_deinit(struct pyi_spanning_tree *tree);

/* A node to begin with, behind those that there are; false if it was reached before. */
bool pyi_spanning_tree_start(struct pyi_spanning_tree *tree, uint32_t node, uint32_t number);

/*
 * Reaches all that the starts so far lead to. What objects of a kind of `put_off` (a bit for each
 * enum pyi_object_kind) refer to is left for the first call that does not put it off.
 */
void pyi_spanning_tree_grow(struct pyi_spanning_tree *tree, uint64_t put_off);

#endif
