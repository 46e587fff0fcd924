/*
 * Reports as NDJSON: a line with the header of the report, then one for each of its items.
 *
 * Each line is a JSON object with a member "kind", "report" for the first one. It is printed when
 * it is complete, and nothing is kept.
 */
#ifndef PYI_REPORT_NDJSON_H
#define PYI_REPORT_NDJSON_H

#include <stdbool.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "report/envelope.h"

/*
 * Begin the first line of a report, and one for an item; the caller adds what else belongs there.
 * NULL without memory.
 */
cJSON *pyi_ndjson_begin_report(const struct pyi_envelope *envelope);
cJSON *pyi_ndjson_begin_item(const char *kind);

/*
 * Prints the line and frees it. Errors (exit 1): "output-failed"; no memory if `line` is NULL or
 * not `complete`.
 */
struct pyi_error *pyi_ndjson_end(FILE *stream, cJSON *line, bool complete) PYI_MUST_CHECK;

#endif
