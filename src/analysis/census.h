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

/* Which rows are wanted; zeroed: all. */
struct pyi_census_filter {
	/* A pattern as of a shell (fnmatch(3)), of the whole name or of what is behind its last
	 * dot; NULL: any. */
	const char *type;
	/* A module, or a package with all its modules; NULL: any. */
	const char *module;
	/* Only types that a module defines. */
	bool no_builtins;
};

bool pyi_census_wants(const struct pyi_census_filter *filter, const char *name);

/* Drops the rows that are not wanted. Keeps the order. */
void pyi_census_keep(struct pyi_census *census, const struct pyi_census_filter *filter);

/*
 * Of a sorted census, puts types that modules define in front, as many as half of `limit` (and more
 * if there are not so many builtins), then the first others, so that both are among the first
 * `limit`. Returns how many of them are in front; 0 if there is
 * nothing else among the first. The rest stays behind, in its order.
 */
size_t pyi_census_put_modules_first(struct pyi_census *census, size_t limit);

/* Adds up rows [first, type_count). */
struct pyi_census_sum pyi_census_sum_from(const struct pyi_census *census, size_t first);

/* Safe on a zeroed struct. */
void pyi_census_deinit(struct pyi_census *census);

#endif
