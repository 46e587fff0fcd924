/*
 * Names, and memory.
 */
#include "cli/evidence_parts.h"

#include <stdlib.h>

static const char *const files[PYI_EVIDENCE_PARTS] = {
	[PYI_EVIDENCE_SLIP_DBUS] = "slip-dbus.json",
	[PYI_EVIDENCE_TOP_TYPES] = "top-types.json",
	[PYI_EVIDENCE_REFERRERS] = "referrers-1.json",
	[PYI_EVIDENCE_REFERRERS + 1] = "referrers-2.json",
	[PYI_EVIDENCE_REFERRERS + 2] = "referrers-3.json",
	[PYI_EVIDENCE_PATH] = "path-1.json",
	[PYI_EVIDENCE_PATH + 1] = "path-2.json",
	[PYI_EVIDENCE_PATH + 2] = "path-3.json",
	[PYI_EVIDENCE_EXPLAIN] = "explain.json",
	[PYI_EVIDENCE_TOP_OBJECTS] = "top-objects.json",
};

const char *pyi_evidence_file(enum pyi_evidence_part part)
{
	return files[part];
}

void pyi_evidence_reports_deinit(struct pyi_evidence_reports *reports)
{
	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++)
		free(reports->parts[part].text);
	*reports = (struct pyi_evidence_reports){ 0 };
}
