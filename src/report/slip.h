/*
 * The report of `slip-dbus`.
 */
#ifndef PYI_REPORT_SLIP_H
#define PYI_REPORT_SLIP_H

#include <stdio.h>

#include "analysis/slip.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_slip_report {
	/* Judged. */
	const struct pyi_slip *slip;
	bool bus_reached;
	/* NULL if it was not found. */
	const char *bus_address;
	/* Names on the bus at the last look. */
	uint64_t bus_names;
	uint64_t skipped_objects;
};

/*
 * table: verdict first ("LEAK: 501 of 501 senders are gone"), the evidence, then figures, the
 *   classes, the connections (the first of each); what the bytes cover and that the rest of the
 *   RSS is something else.
 * json: "result": {"verdict":"ok|leak|suspect|absent","evidence":[...],"holder","instances",
 *   "classes":[{"type","count"}],"senders","connections":[{"connection","bus","senders","match",
 *   "match_arg1","stale"}],"stale","objects","bytes","unreadable","names_known","skipped","bus":{"reached",
 *   "address","names"}}; "stale" is null when it is not known, "match_arg1" when there is no match
 *   ("match" is false) or it could not be read, "names" when the bus was not reached,
 *   "unreadable" when "names_known" is false: of a dump without contents.
 * ndjson: the same in one line.
 */
struct pyi_error *pyi_report_slip(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_slip_report *report) PYI_MUST_CHECK;

#endif
