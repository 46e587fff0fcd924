/*
 * What a check asks of its worker: to measure, and to make the reports that are evidence.
 *
 * A check keeps things (history, incidents, evidence), so it has files, and must not see what the
 * target has made; the worker sees that, and has no files. Between them go plain values
 * (base/pack.h), and reports as text that the check only saves.
 */
#ifndef PYI_CLI_TASKS_H
#define PYI_CLI_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/sample.h"
#include "base/error.h"
#include "cli/evidence_reports.h"
#include "cli/options.h"
#include "heap/measure.h"
#include "report/envelope.h"

struct pyi_measured {
	struct pyi_sample sample;
	/* Of the process: field 22 of its stat file. */
	uint64_t start_ticks;
	uint64_t skipped_objects;
};

/*
 * Lets the worker at options->worker_fd measure the target, and for `slip` ask its message bus.
 * `envelope` describes the target as far as it was found out, also on failure. Errors: those of an
 * inspection; PYI_ERROR_WORKER_LOST (exit 1) when the worker has ended, or what it says is not to
 * be believed.
 */
struct pyi_error *pyi_tasks_measure(const struct pyi_options *options,
				    const struct pyi_measure_request *request, bool slip,
				    uint64_t deadline_ns, struct pyi_envelope *envelope,
				    struct pyi_measured *ret_measured) PYI_MUST_CHECK;

/*
 * Lets it make the reports of cli/evidence_reports.h; that of slip-dbus is the one of the last
 * measurement, if it asked the bus. `ret_reports` is then to be given back. Errors as above.
 */
struct pyi_error *pyi_tasks_evidence(const struct pyi_options *options,
				     const struct pyi_evidence_order *order,
				     struct pyi_envelope *envelope,
				     struct pyi_evidence_reports *ret_reports) PYI_MUST_CHECK;

/*
 * In the worker: does what it is asked until the check has ended. `options` are those of the check;
 * `make` is pyi_evidence_reports_make().
 */
void pyi_tasks_serve(int check_fd, const struct pyi_options *options,
		     struct pyi_error *(*make)(const struct pyi_options *options,
					       const struct pyi_evidence_order *order,
					       struct pyi_envelope *envelope,
					       struct pyi_evidence_reports *ret_reports));

#endif
