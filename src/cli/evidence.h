/*
 * Evidence of an incident: reports of the process as it is while a rule is broken, saved in a
 * folder.
 *
 * Does not decide when there is an incident, and does not examine anything itself: a worker does,
 * once for all of them (cli/evidence_reports.h).
 */
#ifndef PYI_CLI_EVIDENCE_H
#define PYI_CLI_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/evidence_parts.h"
#include "cli/options.h"
#include "report/envelope.h"

enum {
	/* Folders that are kept. */
	PYI_EVIDENCE_FOLDERS = 20,
	PYI_EVIDENCE_BYTES = 64 << 20,
};

struct pyi_evidence_request {
	/* The folder of all evidence, and the name of this one. */
	const char *parent;
	const char *name;
	/* The process, as found before. */
	int64_t pid;
	uint64_t start_ticks;
	/* Full names of the types that became too many. */
	const char *types[PYI_EVIDENCE_TYPES];
	size_t type_count;
	/* The report of the check, as JSON. */
	const char *check;
	size_t check_size;
	/* Of the check's report: what the reports cost the target is added to it. */
	struct pyi_envelope *envelope;
	/* How and within which time; of the check. On base/clock.h's clock. */
	const struct pyi_options *options;
	uint64_t deadline_ns;
};

/*
 * Saves check.json, top-types.json, top-objects.json, explain.json, referrers-N.json and
 * path-N.json for each type, slip-dbus.json, and drops what is too old. Those but the first and the
 * last are of one snapshot. A report that fails is an error in its file; but if there is none at
 * all, nothing is kept. Errors: those of the folder (incidents/kept_folder.h), "no-evidence" (exit
 * 1) then, "no-such-process" if the process is gone; "not-restored" and the like (exit 6);
 * "interrupted".
 */
struct pyi_error *pyi_evidence_collect(const struct pyi_evidence_request *request) PYI_MUST_CHECK;

#endif
