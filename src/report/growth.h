/*
 * The report of `growth`: types over several snapshots of a process.
 */
#ifndef PYI_REPORT_GROWTH_H
#define PYI_REPORT_GROWTH_H

#include <stdio.h>

#include "analysis/type_series.h"
#include "report/envelope.h"
#include "report/output.h"

/* One of the snapshots. */
struct pyi_growth_moment {
	/* Since the first one. */
	double seconds;
	/* All of it, also what the filter leaves out. */
	uint64_t objects;
	uint64_t bytes;
	/* What it cost the process: all stops for it, and the longest so far. */
	double paused_ms;
};

struct pyi_growth_report {
	/* "all", "tracked" */
	const char *scope;
	bool by_count;
	struct pyi_census_filter filter;
	/* Of rows in a table. */
	size_t limit;
	double interval_s;
	const struct pyi_growth_moment *moments;
	/* growth->census_count of them */
	const struct pyi_type_series *growth;
	uint64_t skipped_objects;
};

/*
 * Prints the report to `stream`, and flushes it.
 *
 * table: head lines; columns +BYTES, +COUNT, PER HOUR (of what it goes by), STEPS (intervals in
 *   which it grew), TYPE; those that grow steadily first, what goes up and down last; what each of
 *   the three kinds adds up to; warnings, cost.
 * json: the envelope with "result": {"scope","by","filter"?,"interval_seconds",
 *   "snapshots":[{"seconds","objects","bytes","paused_ms"}],"same","skipped",
 *   "types":[{"type","kind","steps","count","bytes","per_hour":{"count","bytes"},"counts":[],
 *   "sizes":[],"estimated"?}]}: all types that have changed.
 * ndjson: first line the same without "types"; then lines {"kind":"type", ..., "growth": KIND}.
 */
struct pyi_error *pyi_report_growth(FILE *stream, enum pyi_format format, unsigned columns,
				    const struct pyi_envelope *envelope,
				    const struct pyi_growth_report *report) PYI_MUST_CHECK;

#endif
