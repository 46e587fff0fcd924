/*
 * The report of `top-types`: a census as table, JSON or NDJSON.
 */
#ifndef PYI_REPORT_TOP_TYPES_H
#define PYI_REPORT_TOP_TYPES_H

#include <stdio.h>

#include "analysis/census.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_top_types {
	/* "all" or "tracked" */
	const char *scope;
	enum pyi_census_order order;
	/* Already merged and sorted. */
	const struct pyi_census *census;
	/* What was left out of the census, for it was not wanted. */
	struct pyi_census_filter filter;
	/* How many of the first rows are types of modules, and not in the order of all (table). */
	size_t modules_first;
	/* How many rows to show; 0 is all of them. */
	uint64_t limit;
	/* Objects of the permanent generation (gc.freeze()): not part of scope "tracked". */
	uint64_t frozen_objects;
	uint64_t frozen_bytes;
	/* Objects that could not be visited (a broken pointer, a crash in their type's code). */
	uint64_t skipped_objects;
};

/*
 * Prints the report to `stream`, and flushes it.
 *
 * table: head lines with target, python and scope; columns COUNT, BYTES, AVERAGE, CUM %
 * (cumulative, of the order's figure), TYPE ("~" before BYTES of an estimated type, explained below
 * the table if there is one; " (N classes)" behind a name that several types have), a row for the
 * rest
 *   ("… N other types"), a total, its share of RSS, warnings, and a closing line of what it cost
 *   the target: "paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target unchanged".
 *   Figures are exact integers with thousands separators. Colour never. Fits names into the
 *   terminal's width `columns` (0: no limit). An envelope that is not consistent is said to be so.
 *   Types of modules that stand in front are parted from the others by a line.
 * json: the envelope with "result": {"scope","by","filter"? (only if there is
 * one),"objects","bytes","frozen":{"objects","bytes"},
 *   "skipped","types":[{"type","count","bytes","estimated"?,"classes"?}],
 *   "other":{"types","count","bytes"}}; "estimated" is only there if true, "classes" if above 1.
 * ndjson: first line the envelope with "kind":"report" and a result without "types"; then a line
 *   {"kind":"type", ...} for each type.
 */
struct pyi_error *pyi_report_top_types(FILE *stream, enum pyi_format format, unsigned columns,
				       const struct pyi_envelope *envelope,
				       const struct pyi_top_types *report) PYI_MUST_CHECK;

#endif
