/*
 * The reports of `referrers` and `referents`: who refers to what, as table, JSON or NDJSON.
 */
#ifndef PYI_REPORT_REFERRERS_H
#define PYI_REPORT_REFERRERS_H

#include <stdio.h>

#include "analysis/referrers.h"
#include "report/envelope.h"
#include "report/output.h"

enum {
	/* How many levels (depth) are printed at most; deeper ones are left out. */
	PYI_REFERRERS_LEVELS = 20,
};

struct pyi_referrers_report {
	/* Merged and ordered. */
	const struct pyi_referrers *referrers;
	/* `referents` instead. */
	bool referents;
	/* It is a tree, which has shares. */
	bool tree;
	/* How many groups to show of each list; 0 is all. */
	uint64_t limit;
	uint64_t skipped_objects;
};

/*
 * table: head lines (target; "Referrers of slip.dbus.service.Object and its subclasses: 245
 *   instances of 12 classes", the biggest classes in a line); columns REFERENCES, OBJECTS, BYTES,
 *   then "TYPE EDGE" and "in OWNER"; the next level (depth) indented below its group, behind an
 *   arrow; a line for the rest of each level; notes: what "*" marks (gc.get_referrers() does not
 *   know these), that an owner of a container held by several things is the first one found; the
 *   command that leads on from the first group; warnings; cost. Of referents, "EDGE: TYPE". Of a
 *   tree SHARE behind REFERENCES, and "(again)" or "(not followed)" behind a group that ends.
 * json: "result": {"type","exact","address","instances","classes":[{"type","count"}],"truncated",
 *   "skipped","referrers":[{"type","edge","owner","internal","objects","references","bytes",
 *   "example","referrers"?: [...],"other"?}],"other":{"groups","references"}}; the key of the list
 *   is "referents" for referents. "type" of a root is null, and so is "owner" if there is none. A
 *   group with "referrers" has the "other" of these, too. Of a tree a group also has "share", and
 *   "ends" if it could be followed and is not.
 * ndjson: a first line with "kind":"report" and no list; then "kind":"group" lines with "level"
 *   (from 1) instead of a list: a group's referrers follow it.
 * dot: a node for what was asked for, and one for each group.
 */
struct pyi_error *pyi_report_referrers(FILE *stream, enum pyi_format format, unsigned columns,
				       const struct pyi_envelope *envelope,
				       const struct pyi_referrers_report *report) PYI_MUST_CHECK;

/* Adds "classes":[{"type","count"}] to `result`. */
bool pyi_report_add_classes(cJSON *result, const struct pyi_class_count *classes,
			    size_t count) PYI_MUST_CHECK;

#endif
