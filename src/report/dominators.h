/*
 * The report of `dominators`: who alone keeps how much alive, as a tree.
 */
#ifndef PYI_REPORT_DOMINATORS_H
#define PYI_REPORT_DOMINATORS_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/dominators.h"
#include "heap/tree_words.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_dominators_report {
	const struct pyi_dominator_tree *tree;
	const struct pyi_tree_words *words;
	/* What it begins with: a type with its full name, an object; or neither: all. */
	const char *type;
	bool exact;
	uint64_t address;
	/* Objects that are meant, and what would be freed with all of them together. */
	uint64_t objects;
	struct pyi_retained together;
	/* All objects of the process. */
	uint64_t heap_objects;
	uint64_t heap_bytes;
	bool complete;
	uint64_t skipped_objects;
};

/*
 * Prints the report to `stream`, and flushes it. `columns` as for top_types.h, but without a
 * terminal names are cut at 80 columns, as the tree would be none else.
 *
 * table: head lines, then columns RETAINED, SHARE (of all objects), OBJECTS (how many, or the
 *   address of the one), and the tree; notes, cost.
 * json: the envelope with "result": {"type","exact","address","objects","retained":{"objects",
 *   "bytes","estimated"?},"heap":{"objects","bytes"},"rest":{"objects","bytes"},"complete",
 *   "skipped","groups":[{"depth","above","edge","type","objects","bytes","retained","estimated"?,
 *   "address","rest":{"objects","bytes"}}]}; "above" is an index of "groups".
 * ndjson: first line the envelope with "kind":"report" and a result without "groups"; then a line
 *   {"kind":"group", ...} for each.
 */
struct pyi_error *pyi_report_dominators(FILE *stream, enum pyi_format format, unsigned columns,
					const struct pyi_envelope *envelope,
					const struct pyi_dominators_report *report) PYI_MUST_CHECK;

#endif
