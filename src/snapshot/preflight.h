/*
 * Looks at a running target and refuses what must be refused before anything is stopped.
 *
 * Changes nothing and stops nothing. Each refusal names the one cause and the way out.
 */
#ifndef PYI_SNAPSHOT_PREFLIGHT_H
#define PYI_SNAPSHOT_PREFLIGHT_H

#include <stdint.h>

#include "base/error.h"
#include "process/process.h"

struct pyi_preflight {
	/* ptrace options that every thread of the target must be seized with. */
	unsigned seize_options;
	/* How long a clone will stop the target, from its page tables; an estimate. */
	double estimated_pause_ms;
};

/*
 * `max_pause_ms` is the longest stop the user accepts.
 * Errors: exit 3 for "already-traced", "seccomp", "own-process"; exit 1 for "shadow-stack",
 * "userfaultfd", "pause-too-long", "memory-short".
 */
struct pyi_error *pyi_preflight_check(const struct pyi_process *process, double max_pause_ms,
				      struct pyi_preflight *ret_preflight) PYI_MUST_CHECK;

/*
 * The estimate behind "pause-too-long", in ms: anonymous memory in small pages costs 20 ms per
 * GB, in huge pages 0.4 ms per GB, and 0.4 ms is spent in any case (doc/measurements.md).
 */
double pyi_preflight_estimate_pause(uint64_t anonymous_bytes, uint64_t huge_bytes);

#endif
