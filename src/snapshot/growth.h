/*
 * How much memory a snapshot takes that its target had not: what runs in it writes to memory that
 * was mapped for it, and a clone's counts in the target's control group.
 *
 * Does not count copies of pages that both had: there cannot be more of them than the target has.
 */
#ifndef PYI_SNAPSHOT_GROWTH_H
#define PYI_SNAPSHOT_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct pyi_growth {
	/* What it had at first of memory without a file, if that is known. */
	bool is_known;
	uint64_t begun_bytes;
	/* How much more it may have. */
	uint64_t limit_bytes;
	/* When it was looked at last, on base/clock.h's clock. */
	uint64_t looked_ns;
};

/* To be called before it runs. */
void pyi_growth_begin(const struct pyi_process *snapshot, struct pyi_growth *ret_growth);

enum {
	/* Looking again before that is no use; and not later, for memory fills quickly. */
	PYI_GROWTH_LOOK_MS = 20,
};

/* True if it has more than a walk can need. Looks only now and then. */
bool pyi_growth_is_excessive(const struct pyi_process *snapshot, struct pyi_growth *growth);

#endif
