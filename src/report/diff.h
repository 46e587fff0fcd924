/*
 * The report of `diff`: what two moments differ by.
 */
#ifndef PYI_REPORT_DIFF_H
#define PYI_REPORT_DIFF_H

#include <stdio.h>

#include "analysis/heap_diff.h"
#include "analysis/type_changes.h"
#include "report/envelope.h"
#include "report/output.h"

/* One of the two; strings are the caller's. */
struct pyi_diff_side {
	/* As the user wrote it. */
	const char *file;
	/* Since 1970; 0: not known. */
	int64_t taken_s;
	int64_t pid;
	const char *host;
	uint64_t rss_bytes;
	/* NULL: it is a report. */
	const struct pyi_graph *graph;
};

struct pyi_diff_report {
	struct pyi_diff_side before;
	struct pyi_diff_side after;
	/* "all", "tracked" */
	const char *scope;
	enum pyi_change_order order;
	struct pyi_census_filter filter;
	/* How many rows to show; 0 is all of them. */
	uint64_t limit;
	/* Those that differ, sorted. */
	const struct pyi_type_changes *changes;
	/* Types in all. */
	uint64_t type_count;
	/* All that is wanted, also of types that are the same. */
	struct pyi_type_change total;
	/* New and gone objects; NULL: they cannot be told apart, and why: a static string. */
	const struct pyi_heap_diff *objects;
	const char *why_no_objects;
	/* Figures of what is retained are those of the first rows only. */
	size_t retained_count;
};

/*
 * Prints the report to `stream`, and flushes it.
 *
 * table: of what it is; columns of growth and types; new and gone objects with their addresses;
 *   warnings.
 * json: the envelope (its target is that of the later one) with "result": {"before","after",
 *   "seconds","scope","by","filter"?,"count","bytes","new"?,"gone"?,"types":[{"type","count",
 *   "bytes","retained"?,"estimated"?,"new"?,"gone"?}],"other","new_objects"?,"gone_objects"?}.
 * ndjson: first line the same without the lists; then lines {"kind":"type"|"new"|"gone", ...}.
 */
struct pyi_error *pyi_report_diff(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_diff_report *report) PYI_MUST_CHECK;

#endif
