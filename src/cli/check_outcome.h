/*
 * What follows from a check: incidents begin and end, their evidence is saved, the journal is told.
 *
 * Whatever fails in this is a warning in the envelope: the status of the check stands.
 */
#ifndef PYI_CLI_CHECK_OUTCOME_H
#define PYI_CLI_CHECK_OUTCOME_H

#include "base/error.h"
#include "cli/check_history.h"
#include "cli/check_setup.h"
#include "cli/options.h"
#include "report/check.h"
#include "report/envelope.h"

struct pyi_check_outcome {
	const struct pyi_options *options;
	const struct pyi_check_setup *setup;
	struct pyi_check_past *past;
	struct pyi_envelope *envelope;
	/* The heap could not, or must not, be looked at: no evidence. */
	bool refused;
	/* On base/clock.h's clock. */
	uint64_t deadline_ns;
};

/*
 * `ret_evidence` is the folder of the evidence that was saved now, malloc'ed; NULL: none. `report`
 * is what that evidence says of the check, but for that folder. Errors: only those that the check
 * has to end with ("interrupted", and of exit 6).
 */
struct pyi_error *pyi_check_outcome_deal(const struct pyi_check_outcome *outcome,
					 const struct pyi_check_report *report,
					 char **ret_evidence) PYI_MUST_CHECK;

#endif
