/*
 * How much a worker may do to the target in one run, should it have been taken over by what it
 * read: far more than any honest run needs, and not without end.
 *
 * Only counts; refusing is the broker's.
 */
#ifndef PYI_BROKER_ALLOWANCE_H
#define PYI_BROKER_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

struct pyi_allowance {
	/* What the user accepts for one stop. */
	double max_pause_ms;
	/* Stops of the target in this run so far, and how long they were together. */
	unsigned stop_count;
	double paused_ms;
	/* Addresses mapped in the snapshot there is. */
	uint64_t mapped_bytes;
};

/* Whether the target may be stopped for one more snapshot. */
bool pyi_allowance_has_stop(const struct pyi_allowance *allowance);

/* Half of that is used up: whoever can do with what there is should do so. */
bool pyi_allowance_is_low(const struct pyi_allowance *allowance);

/*
 * Takes `size_bytes` of addresses in the snapshot of a target that uses `heap_bytes` of memory;
 * false if that is more than a walk of it could need.
 */
bool pyi_allowance_take_addresses(struct pyi_allowance *allowance, uint64_t heap_bytes,
				  uint64_t size_bytes);

#endif
