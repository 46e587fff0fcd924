/*
 * Types over several censuses of one process: which of them grow steadily, and which go up and
 * down.
 *
 * Pure functions over plain data. For weeks of samples there is analysis/trend.h.
 */
#ifndef PYI_ANALYSIS_TYPE_SERIES_H
#define PYI_ANALYSIS_TYPE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/census.h"
#include "analysis/type_changes.h"
#include "base/error.h"

enum pyi_series_kind {
	/* It grew between each two censuses, of which there are three or more. */
	PYI_SERIES_STEADY,
	/* It never became less, and is more than at first. */
	PYI_SERIES_STEPS,
	/* It became less at least once. */
	PYI_SERIES_NOISE,
};

struct pyi_series_type {
	/* Owned. */
	char *name;
	bool estimated;
	enum pyi_series_kind kind;
	/* In how many intervals it grew. */
	size_t steps;
	/* Of each census, in order; owned. */
	uint64_t *counts;
	uint64_t *bytes;
	/* From the first to the last. */
	struct pyi_change count;
	struct pyi_change size;
};

struct pyi_type_series {
	/* Steady ones first; of each kind the one that has grown most first. */
	struct pyi_series_type *types;
	size_t type_count;
	/* Types that were the same in all of them, which are left out. */
	size_t same_count;
	size_t census_count;
};

/* "steady", "steps", "noise" */
const char *pyi_series_kind_name(enum pyi_series_kind kind);

/*
 * At least one census, all merged. What grows is bytes, or, with `by_count`, objects; a type is
 * left out if neither has changed.
 */
struct pyi_error *pyi_type_series_find(const struct pyi_census *censuses, size_t census_count,
				       bool by_count,
				       struct pyi_type_series *ret_series) PYI_MUST_CHECK;

/* From the first census to the last: all types from number `first` on. */
struct pyi_type_change pyi_type_series_sum(const struct pyi_type_series *series, size_t first);

/* Safe on a zeroed struct. */
void pyi_type_series_deinit(struct pyi_type_series *series);

#endif
