/*
 * The tree of dominators as people can read it: on each level objects that are alike are one group,
 * the biggest are shown, and what is small is added up.
 *
 * Alike are objects of one type that their dominators refer to at the same place; where an object
 * has many of one kind, as a list has items, the place counts for nothing. A pure function of the
 * graph.
 */
#ifndef PYI_ANALYSIS_DOMINATOR_TREE_H
#define PYI_ANALYSIS_DOMINATOR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/dominators.h"
#include "base/error.h"
#include "graph/graph.h"

enum {
	PYI_TREE_GROUP_LIMIT = 1000,
	/* Of one group, so many are shown below it. */
	PYI_TREE_WIDTH = 12,
};

struct pyi_tree_group {
	/* From 0. Groups stand before those that are below them, the biggest first. */
	uint32_t depth;
	/* Number of the group above in the same list; PYI_GRAPH_NONE: none. */
	uint32_t above;
	/* A member, and the reference that its dominator has to it; `source` PYI_GRAPH_NONE:
	   several ways lead to it, or it begins one. */
	uint32_t example;
	uint32_t source;
	uint64_t place;
	/* Members are at any places of that kind. */
	bool any_place;
	uint64_t objects;
	/* Their own sizes; and what would be freed with them, which no two of them share. */
	uint64_t bytes;
	uint64_t retained_bytes;
	bool estimated;
	/* What is below and is not shown. */
	uint64_t rest_objects;
	uint64_t rest_bytes;
};

struct pyi_dominator_tree {
	struct pyi_tree_group *groups;
	size_t count;
	/* Of all that the tree begins with, shown or not. */
	uint64_t top_objects;
	uint64_t top_bytes;
	uint64_t rest_objects;
	uint64_t rest_bytes;
};

struct pyi_tree_request {
	/* It begins with these (graph/bits.h), but for those that another one dominates; NULL: with
	   what nothing dominates. */
	const uint64_t *set;
	/* Levels, from 1. */
	uint32_t depth;
	/* Groups, at most PYI_TREE_GROUP_LIMIT. */
	size_t limit;
	/* Of a group that is shown. */
	uint64_t least_bytes;
};

struct pyi_error *pyi_dominator_tree_make(const struct pyi_graph *graph,
					  const struct pyi_dominators *dominators,
					  const struct pyi_tree_request *request,
					  struct pyi_dominator_tree *ret_tree) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_dominator_tree_deinit(struct pyi_dominator_tree *tree);

#endif
