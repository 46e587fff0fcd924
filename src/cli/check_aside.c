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
	PYI_CLEANUP(pyi_guard_free) char *target = pyi_output_fit(options->target, 0);
	PYI_CLEANUP(pyi_guard_free) char *safe = summary ? pyi_output_fit(summary, 0) : NULL;

	if (target && safe)
		fprintf(stderr, "pyinspect: %s is %s: %s\n", target,
			pyi_check_status_name(report->check->status), safe);
}

void pyi_check_aside_print(const struct pyi_options *options, const struct pyi_envelope *envelope,
			   const struct pyi_check_report *report)
{
	if (!options->output)
		return;
	if (report->check->status != PYI_CHECK_OK)
		print_status(options, report);
	for (size_t w = 0; w < envelope->warning_count; w++) {
		PYI_CLEANUP(pyi_guard_free)
		char *safe = pyi_output_fit(envelope->warnings[w].message, 0);

		if (safe)
			fprintf(stderr, "pyinspect: warning: %s\n", safe);
	}
}
