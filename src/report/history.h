/*
 * The report of `history`: the trend of each figure of a process, or which processes are known.
 */
#ifndef PYI_REPORT_HISTORY_H
#define PYI_REPORT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/sample.h"
#include "analysis/trend.h"
#include "history/history.h"
#include "report/envelope.h"
#include "report/output.h"

/* A series and what is said of it. */
struct pyi_history_row {
	const struct pyi_series *series;
	struct pyi_trend count;
	struct pyi_trend bytes;
};

struct pyi_history_report {
	const char *file;
	/* NULL: `processes` are listed. */
	const struct pyi_history_process *process;
	/* It runs, or has exited. */
	bool running;
	const struct pyi_history_process *processes;
	size_t process_count;

	/* In the order of the report. */
	const struct pyi_history_row *rows;
	size_t row_count;
	/* How many of them are shown; 0: all. */
	uint64_t limit;
	/* Figures are bytes where there are any. */
	bool by_bytes;
	/* The user asked for one figure: with its points, and a plot. */
	bool single;
	/* How far back, in seconds; 0: all. */
	uint64_t since_s;
	struct pyi_history_notes notes;
	/* Not to print more than ASCII in plots. */
	bool plain;
};

/* Orders rows: what grows first; then the figures of the process; then by how much they changed. */
void pyi_report_history_sort(struct pyi_history_row *rows, size_t count, bool by_bytes);

/*
 * Prints the report to `stream`, and flushes it: table FIRST, LAST, CHANGE, PER HOUR (with its 95 %
 * confidence), TREND, FIGURE; or for a single one a plot. JSON and NDJSON as
 * doc/schema/history.schema.json has it.
 */
struct pyi_error *pyi_report_history(FILE *stream, enum pyi_format format, unsigned columns,
				     const struct pyi_envelope *envelope,
				     const struct pyi_history_report *report) PYI_MUST_CHECK;

/* The machine forms of it, for the above; history_json.c. */
struct pyi_error *pyi_report_history_json(FILE *stream, bool pretty,
					  const struct pyi_envelope *envelope,
					  const struct pyi_history_report *report) PYI_MUST_CHECK;

#endif
