/*
 * Census: how many objects of each type, and how many bytes; ordering, cutting and adding up.
 *
 * Plain data and pure functions; does not know where the numbers came from.
 */
#ifndef PYI_ANALYSIS_CENSUS_H
#define PYI_ANALYSIS_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pyi_census_type {
	/* "module.qualname", builtins bare; owned by the census. */
	char *name;
	uint64_t count;
	/* Shallow sizes added up. */
	uint64_t bytes;
	/* The type has a __sizeof__ of its own that we do not model: bytes are an estimate. */
	bool estimated;
	/* How many distinct type objects of this name were added up. */
	uint32_t classes;
};

struct pyi_census {
	struct pyi_census_type *types;
	size_t type_count;
	size_t capacity;
};

enum pyi_census_order {
	PYI_CENSUS_BY_BYTES,
	PYI_CENSUS_BY_COUNT,
};

/* What a cut-off census leaves out, or a whole one adds up to. */
struct pyi_census_sum {
	uint64_t types;
	uint64_t count;
	uint64_t bytes;
};

/* Adds a row; takes over `name` (malloc'ed), also on failure. */
struct pyi_error *pyi_census_add(struct pyi_census *census, char *name, uint64_t count,
				 uint64_t bytes, bool estimated) PYI_MUST_CHECK;

/* Merges rows of the same name; the result is ordered by name. */
void pyi_census_merge(struct pyi_census *census);

/* Biggest first; ties by the other figure, then by name, so that the order is always the same. */
void pyi_census_sort(struct pyi_census *census, enum pyi_census_order order);

/* Adds up rows [first, type_count). */
struct pyi_census_sum pyi_census_sum_from(const struct pyi_census *census, size_t first);

/* Safe on a zeroed struct. */
void pyi_census_deinit(struct pyi_census *census);

#endif
