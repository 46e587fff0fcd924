/*
 * The report of `incidents`: what checks have found wrong, since when, and where the evidence is.
 */
#ifndef PYI_REPORT_INCIDENTS_H
#define PYI_REPORT_INCIDENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "incidents/incident_list.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_incidents_report {
	const struct pyi_incident_list *list;
	/* Of each incident: whether its process is still there. */
	const bool *running;
	/* Where they are kept, and the word that `show` needs to find it; NULL: it needs none. */
	const char *state;
	const char *state_option;
	/* How many of them are shown; 0: all. */
	uint64_t limit;
};

/*
 * Prints the report to `stream`, and flushes it: table SINCE, STATE, PID, TARGET and the rule, with
 * the command that shows the evidence below. JSON and NDJSON as doc/schema/incidents.schema.json
 * has it.
 */
struct pyi_error *pyi_report_incidents(FILE *stream, enum pyi_format format, unsigned columns,
				       const struct pyi_envelope *envelope,
				       const struct pyi_incidents_report *report) PYI_MUST_CHECK;

#endif
