/*
 * Which groups of references are followed upwards, level by level: the biggest one, or those of a
 * tree, which is limited in width and depth.
 *
 * Plain data and pure functions; who refers to the objects of a group is found by the caller.
 */
#ifndef PYI_ANALYSIS_REFERRER_TREE_H
#define PYI_ANALYSIS_REFERRER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/referrers.h"

enum {
	PYI_REFERRER_TREE_LEVELS = 20,
	/* Groups of one level that are followed at most; a bit each in a uint32_t. */
	PYI_REFERRER_TREE_BRANCHES = 32,
};

struct pyi_referrer_tree_request {
	/* Levels in all, 1 to PYI_REFERRER_TREE_LEVELS. */
	unsigned depth;
	/* All that can be, not only the biggest group. */
	bool tree;
	/* Of the groups of a list the first so many; 0: all. */
	uint64_t width;
};

/* A list of referrers, and the groups that lead to it, from what was asked for on: as many as there
 * are levels below. Nothing is owned. */
struct pyi_referrer_branch {
	struct pyi_referrer_list *list;
	struct pyi_referrer_group *above[PYI_REFERRER_TREE_LEVELS];
};

struct pyi_referrer_level {
	/* 0: who refers to what was asked for. */
	unsigned level;
	struct pyi_referrer_branch branches[PYI_REFERRER_TREE_BRANCHES];
	size_t count;
};

/*
 * Chooses groups of the merged lists of `level`, and gives each an empty list, which becomes a
 * branch of `ret_next`; 0 of these: it ends here. Roots, and what is merged of many, lead nowhere.
 * In a tree each other group that could be followed and is not says why (`ends`). Errors: that of
 * no memory.
 */
struct pyi_error *pyi_referrer_tree_follow(const struct pyi_referrer_level *level,
					   const struct pyi_referrer_tree_request *request,
					   struct pyi_referrer_level *ret_next) PYI_MUST_CHECK;

/* "module", "again", "depth" or "width"; NULL: it does not end. */
const char *pyi_referrer_end_name(enum pyi_referrer_end end);

#endif
