/*
 * The report of `explain`: a page of plain sentences, each with the command that shows more.
 */
#ifndef PYI_REPORT_EXPLANATION_H
#define PYI_REPORT_EXPLANATION_H

#include <stdio.h>

#include "analysis/explanation.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_explanation_report {
	const struct pyi_explanation *facts;
	/* What the target is called in commands. */
	const char *target;
	/* It is one of a core, which does not grow. */
	bool of_core;
	/* All references of all objects are known. */
	bool complete;
	uint64_t skipped_objects;
};

/*
 * Prints the report to `stream`, and flushes it. `columns` as for top_types.h, but sentences are
 * broken at 80 columns where there is no terminal.
 *
 * table: a paragraph for each of: memory, growth, suspects, garbage, held, other; after each the
 *   command that shows more.
 * json: the envelope with "result": {"paragraphs":[{"about","text","command"}], "memory",
 *   "objects", "suspects":[..], "garbage", "collector" (report/collector.h), "held", "complete",
 *   "skipped"}. ndjson: the same, in one line with "kind":"report".
 */
struct pyi_error *
pyi_report_explanation(FILE *stream, enum pyi_format format, unsigned columns,
		       const struct pyi_envelope *envelope,
		       const struct pyi_explanation_report *report) PYI_MUST_CHECK;

#endif
