/*
 * What the evidence of an incident consists of: a report each, in a file each.
 *
 * Does not make, keep or read them (cli/evidence_reports.h, cli/evidence.h).
 */
#ifndef PYI_CLI_EVIDENCE_PARTS_H
#define PYI_CLI_EVIDENCE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	/* Types whose referrers and paths are looked for. */
	PYI_EVIDENCE_TYPES = 3,
};

/* In the order in which they are most wanted. The report of the check itself is none of them. */
enum pyi_evidence_part {
	/* Of the check itself, which looked at the bus and the heap twice. */
	PYI_EVIDENCE_SLIP_DBUS,
	PYI_EVIDENCE_TOP_TYPES,
	PYI_EVIDENCE_REFERRERS,
	PYI_EVIDENCE_PATH = PYI_EVIDENCE_REFERRERS + PYI_EVIDENCE_TYPES,
	PYI_EVIDENCE_EXPLAIN = PYI_EVIDENCE_PATH + PYI_EVIDENCE_TYPES,
	PYI_EVIDENCE_TOP_OBJECTS,
	PYI_EVIDENCE_PARTS,
};

struct pyi_evidence_report {
	/* JSON; NULL: there is none of that part. Owned. */
	char *text;
	size_t size;
	/* False: an error is in its place. */
	bool made;
};

struct pyi_evidence_reports {
	struct pyi_evidence_report parts[PYI_EVIDENCE_PARTS];
};

/* "path-1.json"; a static string. */
const char *pyi_evidence_file(enum pyi_evidence_part part);

/* Safe on a zeroed struct. */
void pyi_evidence_reports_deinit(struct pyi_evidence_reports *reports);

#endif
