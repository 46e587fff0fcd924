/*
 * Prints a line for the status of a check, and one for each warning.
 */
#include "cli/check_aside.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

static void print_status(const struct pyi_options *options, const struct pyi_check_report *report)
{
	PYI_CLEANUP(pyi_guard_free) char *summary = pyi_report_check_summary(report);

	if (summary)
		pyi_output_say(stderr, 0, "pyinspect: %s is %s: %s", options->target,
			       pyi_check_status_name(report->check->status), summary);
}

void pyi_check_aside_print(const struct pyi_options *options, const struct pyi_envelope *envelope,
			   const struct pyi_check_report *report)
{
	if (!options->output)
		return;
	if (report->check->status != PYI_CHECK_OK)
		print_status(options, report);
	for (size_t w = 0; w < envelope->warning_count; w++)
		pyi_output_say(stderr, 0, "pyinspect: warning: %s", envelope->warnings[w].message);
}
