/*
 * The reports of `path` (paths.c) and `top-objects` (large_objects.c).
 */
#ifndef PYI_REPORT_PATHS_H
#define PYI_REPORT_PATHS_H

#include <stdio.h>

#include "analysis/paths.h"
#include "report/envelope.h"
#include "report/output.h"

/*
 * table: of a type ways that are alike as one, by what is retained (report/ways.h), and the path of
 *   one object of each of the first; of one object its path. Of a path its expression, then its
 *   steps: EDGE, TYPE, ADDRESS; of one of more than 41 steps both ends, unless `columns` is 0. Then
 *   how objects are held besides.
 * json: "result": {"type","exact","address","skipped", sums and "ways":[],"also":[] of
 *   report/ways.h, "paths":[{"address","type","length",
 *   "expression","steps":[{"edge","kind","name"?,"index"?,"key_address"?,"internal","address",
 *   "type"}]}]}; "length" counts the steps; no path found: an empty list, and words in the table
 * (only held by C code, by something that is not visited, or garbage that is not collected yet).
 * ndjson: "report", then a "way", "also" or "path" line each.
 * dot: of a type the type, and what leads to it: the steps of one object of each of the first ways,
 * of the others their expression; of one object the steps to it. Of a long path both ends.
 */
struct pyi_error *pyi_report_paths(FILE *stream, enum pyi_format format, unsigned columns,
				   const struct pyi_envelope *envelope,
				   const struct pyi_paths *paths,
				   uint64_t skipped_objects) PYI_MUST_CHECK;

/*
 * table: two lists, "The largest" and "With the most referents": BYTES, REFERENTS, LENGTH, ADDRESS,
 *   TYPE, owner ("in module foo.cache"), value if there is one.
 * json: "result": {"objects","bytes","skipped","largest":[row],"most_referents":[row]}; row:
 *   {"address","type","bytes","referents","length","owner","value"?}; length and owner may be null.
 * An empty list was not asked for: the table leaves it out.
 * ndjson: "report", then "object" lines with "list": "largest" | "most_referents".
 */
struct pyi_error *pyi_report_large_objects(FILE *stream, enum pyi_format format, unsigned columns,
					   const struct pyi_envelope *envelope,
					   const struct pyi_large_objects *objects,
					   uint64_t skipped_objects) PYI_MUST_CHECK;

#endif
