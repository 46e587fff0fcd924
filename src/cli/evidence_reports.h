/*
 * The reports that are the evidence of an incident: all of them are answers to the graph of one
 * snapshot, so that they do not contradict each other, and the target is stopped once for all.
 *
 * Does not decide when there is an incident, and does not keep anything (cli/evidence.h).
 */
#ifndef PYI_CLI_EVIDENCE_REPORTS_H
#define PYI_CLI_EVIDENCE_REPORTS_H

#include <stddef.h>

#include "base/error.h"
#include "cli/evidence_parts.h"
#include "cli/options.h"
#include "report/envelope.h"

/* What is wanted of the target. */
struct pyi_evidence_order {
	/* As the user or a report called them. */
	const char *const *types;
	size_t type_count;
	/* On base/clock.h's clock; what there is no time for is an error in its place. */
	uint64_t deadline_ns;
};

/*
 * Takes a snapshot of options->pid and makes all reports but that of slip-dbus. Where there is no
 * room for a graph, or no such type, an error is in the place of those that need it. `envelope`
 * describes the target as far as it was found out, also on failure. Errors: those of
 * pyi_session_examine().
 */
struct pyi_error *
pyi_evidence_reports_make(const struct pyi_options *options, const struct pyi_evidence_order *order,
			  struct pyi_envelope *envelope,
			  struct pyi_evidence_reports *ret_reports) PYI_MUST_CHECK;

#endif
