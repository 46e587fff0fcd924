/*
 * The report of `show` on kept evidence: reports that were saved as JSON, as tables.
 *
 * What is in them is whatever somebody has written into a file: a member that is missing, or is not
 * what it should be, is left blank.
 */
#ifndef PYI_REPORT_EVIDENCE_H
#define PYI_REPORT_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "report/envelope.h"
#include "report/output.h"

/* None of this is owned. */
struct pyi_kept_report {
	/* "path-1.json" */
	const char *file;
	/* NULL: it is damaged. */
	const cJSON *json;
	/* Why there is none; NULL otherwise. */
	const char *problem;
};

struct pyi_evidence_shown {
	/* As the user wrote it. */
	const char *name;
	const struct pyi_kept_report *reports;
	size_t count;
	/* Rows of each table (not JSON); 0: all. */
	uint64_t limit;
};

/*
 * Prints it to `stream`, and flushes it.
 *
 * table: for each report a line with its command, what it is about, its time and its file; its
 *   rows, or the error in its place. Of `explain` its paragraphs, of a check what its rules say.
 * json: the envelope with "result": {"evidence", "reports":[{"file","problem","report"}]}; "report"
 *   is what was saved, or null.
 * ndjson: the envelope with "kind":"report" and a result without "reports"; then a line
 *   {"kind":"kept-report", ...} for each.
 */
struct pyi_error *pyi_report_evidence(FILE *stream, enum pyi_format format, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_evidence_shown *shown) PYI_MUST_CHECK;

#endif
