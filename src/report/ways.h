/*
 * The part of the report of `path` that is about all objects together: ways that are alike as one,
 * and how objects are held besides. For report/paths.c.
 */
#ifndef PYI_REPORT_WAYS_H
#define PYI_REPORT_WAYS_H

#include <cjson/cJSON.h>

#include "analysis/paths.h"
#include "report/table.h"

enum {
	/* Ways of each kind that a table shows. */
	PYI_WAYS_SHOWN = 20,
};

/* Target, and what the ways lead to. These return false without memory. */
bool pyi_ways_put_head(const struct pyi_table *table, const struct pyi_paths *paths) PYI_MUST_CHECK;
/* Head, then "OBJECTS RETAINED THROUGH". */
bool pyi_ways_put(const struct pyi_table *table, const struct pyi_paths *paths) PYI_MUST_CHECK;
/* "REFERENCES ALSO THROUGH", if there are any. */
bool pyi_ways_put_also(const struct pyi_table *table, const struct pyi_paths *paths) PYI_MUST_CHECK;
/* What C code holds; what would be freed; what starts and marks mean. */
bool pyi_ways_put_notes(const struct pyi_table *table,
			const struct pyi_paths *paths) PYI_MUST_CHECK;

/*
 * "instances", "freed":{"objects","bytes","estimated"?}, "held":{"instances","references"},
 * "merged_unlike", "other_ways":{"ways","instances"}, "other_also":{"ways","references"}.
 */
bool pyi_ways_add_sums(cJSON *result, const struct pyi_paths *paths) PYI_MUST_CHECK;
/* {"through","start","instances","retained","example"}; of `also` "references" in place of two. */
bool pyi_ways_add(cJSON *json, const struct pyi_way *way, bool also) PYI_MUST_CHECK;

#endif
