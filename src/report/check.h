/*
 * The report of `check`: what came of each rule, as table, JSON, NDJSON, a monitoring plugin's
 * lines, or Prometheus' text.
 */
#ifndef PYI_REPORT_CHECK_H
#define PYI_REPORT_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/check.h"
#include "analysis/sample.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_check_report {
	/* What the user called the target. */
	const char *target;
	/* Judged; and what was judged, ordered. */
	const struct pyi_check *check;
	const struct pyi_sample *sample;
	/* How many types, and containers, that no rule is about go to Prometheus at most. */
	uint64_t limit;
	uint64_t skipped_objects;
	/* Of a core: for how long the process had lived is not known. */
	bool age_unknown;
	/* File with the history; NULL: none is used; whether one is wanted at all; whether the
	 * sample of now is in it. */
	const char *history;
	bool history_wanted;
	bool history_kept;
	/* Folder with the evidence that was saved now; NULL: there was no need, or it failed. */
	const char *evidence;
};

/*
 * table: head line; "CRITICAL: ..." (pyi_report_check_summary); a line for each finding: VALUE,
 *   WARNING, CRITICAL, status and rule; what there is to say of those that are not ok; warnings;
 *   where the evidence is; cost.
 * json: "result": {"status","summary","time","age_s","incomplete","skipped","rules":[{"rule",
 *   "subject","status","value","unit","threshold","warning","critical","message"}],"figures":
 *   {...},"history":{"file","kept"},"evidence"}; "value" is null if it is not known, limits if
 *   there is none; "threshold" is the limit that was passed, or else the next one.
 * ndjson: "report" without "rules", then a "rule" line each.
 * nagios: report/nagios.h; prometheus: report/prometheus.h.
 */
struct pyi_error *pyi_report_check(FILE *stream, enum pyi_format format, unsigned columns,
				   const struct pyi_envelope *envelope,
				   const struct pyi_check_report *report) PYI_MUST_CHECK;

/*
 * The same where there is nothing to report but that, and why: in the form of a monitoring plugin
 * or for Prometheus; nothing in the others, whose errors are those of all commands
 * (pyi_output_error).
 */
struct pyi_error *pyi_report_check_failure(FILE *stream, enum pyi_format format, const char *target,
					   enum pyi_check_status status, int64_t time_s,
					   const struct pyi_error *failure) PYI_MUST_CHECK;

/* One line: what somebody reads who reads nothing else; any bytes; NULL without memory. */
char *pyi_report_check_summary(const struct pyi_check_report *report);

/* "OK", "WARNING", "CRITICAL", "UNKNOWN" */
const char *pyi_report_check_word(enum pyi_check_status status);

#endif
