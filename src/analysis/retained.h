/*
 * What would be freed with single objects, and with all instances of a type together: the most
 * first.
 *
 * Pure functions of the graph, its entries and its dominators. Shared keys of dicts, which are no
 * objects, are nowhere in the lists.
 */
#ifndef PYI_ANALYSIS_RETAINED_H
#define PYI_ANALYSIS_RETAINED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/census.h"
#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "analysis/retained_by_type.h"
#include "base/error.h"
#include "graph/graph.h"

struct pyi_retained_object {
	uint32_t node;
	uint64_t retained_bytes;
	/* Something of it has an estimated size. */
	bool estimated;
};

struct pyi_retained_type {
	/* Its own figures. The name is owned. */
	struct pyi_census_type type;
	/* What would be freed if all of its instances were gone, they included. */
	uint64_t retained_bytes;
	bool retained_estimated;
};

struct pyi_retained_objects {
	struct pyi_retained_object *items;
	size_t count;
};

struct pyi_retained_types {
	struct pyi_retained_type *items;
	size_t count;
	/* Types that there are, with those that are not listed. */
	size_t all_count;
};

/* At most `limit` objects; ties are in the order of addresses. */
struct pyi_error *
pyi_retained_find_objects(const struct pyi_graph *graph, const struct pyi_dominators *dominators,
			  size_t limit, struct pyi_retained_objects *ret_objects) PYI_MUST_CHECK;

/*
 * At most `limit` types (0: all) of those that the filter wants. Figures are exact. Which types are
 * in the list is judged by what their instances retain one by one: twice as many as are wanted are
 * computed. Types of the same name are one.
 */
struct pyi_error *pyi_retained_find_types(const struct pyi_graph *graph,
					  const struct pyi_graph_entries *entries,
					  const struct pyi_dominators *dominators,
					  const struct pyi_census_filter *filter, size_t limit,
					  const struct pyi_retained_check *check,
					  struct pyi_retained_types *ret_types) PYI_MUST_CHECK;

/* Safe on zeroed structs. */
void pyi_retained_objects_deinit(struct pyi_retained_objects *objects);
void pyi_retained_types_deinit(struct pyi_retained_types *types);

#endif
