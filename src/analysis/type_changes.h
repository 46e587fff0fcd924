/*
 * How two censuses differ, by type. Plain data and pure functions.
 */
#ifndef PYI_ANALYSIS_TYPE_CHANGES_H
#define PYI_ANALYSIS_TYPE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/census.h"
#include "base/error.h"

/* A figure before and after. */
struct pyi_change {
	uint64_t before;
	uint64_t after;
};

/* For sorting: the one that has grown more first. */
int pyi_change_compare(struct pyi_change left, struct pyi_change right);

struct pyi_type_change {
	/* Owned. */
	char *name;
	struct pyi_change count;
	struct pyi_change bytes;
	/* What would be freed with all of them; only if it was asked for. */
	struct pyi_change retained;
	bool estimated;
	bool retained_estimated;
	/* Objects that only the later one has, and that only the earlier one has; only where
	   objects can be told apart (analysis/heap_diff.h). */
	struct pyi_census_sum added;
	struct pyi_census_sum gone;
};

struct pyi_type_changes {
	struct pyi_type_change *items;
	size_t count;
};

enum pyi_change_order {
	PYI_CHANGE_BY_BYTES,
	PYI_CHANGE_BY_COUNT,
	PYI_CHANGE_BY_RETAINED,
};

/*
 * All types of both, ordered by name; of a type that one of them does not have the figures are 0.
 * Both censuses are merged (pyi_census_merge()), and in that order.
 */
struct pyi_error *pyi_type_changes_find(const struct pyi_census *before,
					const struct pyi_census *after,
					struct pyi_type_changes *ret_changes) PYI_MUST_CHECK;

/* Leaves out types that are the same: with which nothing came, went or grew. */
void pyi_type_changes_drop_same(struct pyi_type_changes *changes);

/* What has grown most first, what has become less most last. */
void pyi_type_changes_sort(struct pyi_type_changes *changes, enum pyi_change_order order);

/* Of all from `first` on. */
struct pyi_type_change pyi_type_changes_sum(const struct pyi_type_changes *changes, size_t first);

/* Safe on a zeroed struct. */
void pyi_type_changes_deinit(struct pyi_type_changes *changes);

#endif
