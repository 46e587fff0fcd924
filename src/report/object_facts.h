/*
 * The report of `show`: one object.
 */
#ifndef PYI_REPORT_OBJECT_FACTS_H
#define PYI_REPORT_OBJECT_FACTS_H

#include <stdio.h>

#include "analysis/object_facts.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_object_report {
	const struct pyi_object_facts *facts;
	/* All references of all objects are known; else there may be more of them, and more is
	   freed or less. */
	bool complete;
	uint64_t skipped_objects;
};

/*
 * Prints the report to `stream`, and flushes it. `columns` as for top_types.h.
 *
 * table: what the object is, the path to it, then columns BYTES, ADDRESS, EDGE, TYPE of what it
 *   refers to and of what refers to it.
 * json: the envelope with "result": {"address","type","bytes","estimated"?,"length"?,"value"?,
 *   "retained":{"objects","bytes","estimated"?},"references":{"count","explained","held"},
 *   "flags":[..],"garbage","dominator","roots":[..],"path":{"start","expression","length","steps"},
 *   "referents":{"count","items"},"referrers":{"count","items"},"complete","skipped"}.
 * ndjson: first line the envelope with "kind":"report" and a result without steps and items; then a
 *   line for each of them, of kind "step", "referent" or "referrer".
 * dot: the object, the path to it, what it refers to, what refers to it.
 */
struct pyi_error *pyi_report_object_facts(FILE *stream, enum pyi_format format, unsigned columns,
					  const struct pyi_envelope *envelope,
					  const struct pyi_object_report *report) PYI_MUST_CHECK;

#endif
