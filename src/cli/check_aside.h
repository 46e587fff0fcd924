/*
 * What a check says on standard error when its report goes to a file (--output) that is for
 * machines: there a person looks, for under systemd it is the journal of the unit.
 */
#ifndef PYI_CLI_CHECK_ASIDE_H
#define PYI_CLI_CHECK_ASIDE_H

#include "cli/options.h"
#include "report/check.h"
#include "report/output.h"

/* The status and why, unless it is ok; and all warnings. Nothing without --output. */
void pyi_check_aside_print(const struct pyi_options *options, const struct pyi_envelope *envelope,
			   const struct pyi_check_report *report);

#endif
