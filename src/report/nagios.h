/*
 * The report of `check` as a plugin of Nagios, Icinga and their like prints it (Monitoring Plugins
 * guidelines): "PYINSPECT STATUS - summary | performance data", then a line for each finding.
 *
 * The exit code is not printed here. No text of the target can end a line or begin performance
 * data.
 */
#ifndef PYI_REPORT_NAGIOS_H
#define PYI_REPORT_NAGIOS_H

#include <stdio.h>

#include "report/check.h"

/*
 * Performance data: of the process 'rss', 'tracked', 'objects', 'object_bytes'; then each rule with
 * its limits as 'RULE'=VALUE[B];WARNING;CRITICAL, "U" for a value that is not known. Growth may be
 * negative, so its limits are ranges without a lower end ("~:10").
 */
struct pyi_error *pyi_report_nagios(FILE *stream, const struct pyi_envelope *envelope,
				    const struct pyi_check_report *report) PYI_MUST_CHECK;

/* "PYINSPECT UNKNOWN - MESSAGE", and the hint in a line of its own. */
struct pyi_error *pyi_report_nagios_failure(FILE *stream, enum pyi_check_status status,
					    const struct pyi_error *failure) PYI_MUST_CHECK;

#endif
