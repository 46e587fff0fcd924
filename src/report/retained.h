/*
 * The reports of `top-types --by retained` and `top-objects --by retained`.
 */
#ifndef PYI_REPORT_RETAINED_H
#define PYI_REPORT_RETAINED_H

#include <stdio.h>

#include "analysis/census.h"
#include "analysis/retained.h"
#include "graph/graph.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_retained_report {
	const struct pyi_graph *graph;
	/* What it is about: one of them, the other is NULL. */
	const struct pyi_retained_types *types;
	const struct pyi_retained_objects *objects;
	/* Of the types that the filter wants, with those that are not listed. */
	struct pyi_census_sum total;
	struct pyi_census_filter filter;
	uint64_t frozen_objects;
	uint64_t frozen_bytes;
	uint64_t skipped_objects;
};

/*
 * Prints the report to `stream`, and flushes it. `columns` as for top_types.h.
 *
 * table: columns RETAINED, COUNT, BYTES, TYPE; of objects RETAINED, BYTES, ADDRESS, TYPE. "~"
 * before a figure that is an estimate. json, of types: as top_types.h, "by" is "retained", and each
 * type has "retained" and, only if true, "retained_estimated". Of objects: as large_objects.c,
 * "largest" and "most_referents" are empty, and there is "most_retained":
 * [{"address","type","bytes","retained", "retained_estimated"?}]. ndjson: likewise; lines
 * {"kind":"type", ...}, and {"kind":"object","list":"most_retained", ...}.
 */
struct pyi_error *pyi_report_retained(FILE *stream, enum pyi_format format, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_retained_report *report) PYI_MUST_CHECK;

#endif
