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

/* Where a snapshot comes from. */
enum pyi_source_kind {
	/* A clone if that is possible, else a mirror if that is quick enough. */
	PYI_SOURCE_AUTO,
	PYI_SOURCE_CLONE,
	/* A copy: nothing runs in the target, but it stands still for longer. */
	PYI_SOURCE_MIRROR,
};

struct pyi_preflight {
	/* How long the snapshot will stop the target; an estimate. */
	double estimated_pause_ms;
	/* What was chosen: PYI_SOURCE_CLONE or PYI_SOURCE_MIRROR. */
	enum pyi_source_kind source;
};

/*
 * `max_pause_ms` is the longest stop the user accepts. With PYI_SOURCE_AUTO the refusals that only
 * concern a clone ("seccomp", "shadow-stack", "userfaultfd", "pid-namespace", "frozen",
 * "clone-refused", "cgroup-memory", "huge-pages") become a mirror, if that fits `max_pause_ms`;
 * else their hint says what to pass. A filter that can be read is no refusal yet: what it says to
 * our calls is seen when the target is stopped.
 * Errors: exit 3 for "already-traced", "seccomp", "own-process"; exit 1 for the others, and
 * "pause-too-long", "memory-short".
 */
struct pyi_error *pyi_preflight_check(const struct pyi_process *process,
				      enum pyi_source_kind source, double max_pause_ms,
				      struct pyi_preflight *ret_preflight) PYI_MUST_CHECK;

/*
 * The estimate behind "pause-too-long", in ms: anonymous memory in pages of 4 KB costs 20 ms
 * per GB, in larger ones as much for each page, in huge pages 0.4 ms per GB, and 0.4 ms is spent in
 * any case (doc/measurements.md).
 */
double pyi_preflight_estimate_pause(uint64_t anonymous_bytes, uint64_t huge_bytes,
				    uint64_t page_bytes);

/* The same for a mirror: 250 ms per GB (doc/measurements.md), and 2 ms in any case. */
double pyi_preflight_estimate_mirror(uint64_t anonymous_bytes);

#endif
