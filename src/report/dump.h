/*
 * The report of `dump`: what was written.
 */
#ifndef PYI_REPORT_DUMP_H
#define PYI_REPORT_DUMP_H

#include <stdio.h>

#include "base/error.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_dump_report {
	const char *file;
	uint64_t file_bytes;
	/* All objects, and what sys.getsizeof() says of them. */
	uint64_t objects;
	uint64_t bytes;
	uint64_t references;
	uint64_t skipped_objects;
	/* All references of all objects were read. */
	bool complete;
};

/*
 * Prints the report to `stream`, and flushes it.
 *
 * table: head line, a line that says what is in the file, warnings, cost.
 * json, ndjson: the envelope with "result": {"file","file_bytes","objects","bytes","references",
 *   "complete","skipped"}; ndjson is the same on one line, with "kind":"report".
 */
struct pyi_error *pyi_report_dump(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_dump_report *report) PYI_MUST_CHECK;

#endif
