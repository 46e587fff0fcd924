/*
 * The report of `check` in Prometheus' text format, as node_exporter's textfile collector reads it.
 *
 * Names and units by Prometheus' conventions. Every series has the label "target": what the user
 * called it, and not its pid, so that a restart is no new series. Types and containers are those of
 * the rules and the biggest few, so that their number is bounded.
 */
#ifndef PYI_REPORT_PROMETHEUS_H
#define PYI_REPORT_PROMETHEUS_H

#include <stdio.h>

#include "report/check.h"

struct pyi_error *pyi_report_prometheus(FILE *stream, const struct pyi_envelope *envelope,
					const struct pyi_check_report *report) PYI_MUST_CHECK;

/* What is left to say when the check itself failed: its status, and when that was. */
struct pyi_error *pyi_report_prometheus_failure(FILE *stream, const char *target,
						enum pyi_check_status status,
						int64_t time_s) PYI_MUST_CHECK;

#endif
