/*
 * The limits. Does not know what they are asked for.
 */
#include "broker/allowance.h"

enum {
	/* Looking at the gate is a stop, too: 400 of them for one look at the heap, and a check
	   that keeps evidence has up to ten. */
	STOP_LIMIT = 4000,
	/* Of the longest stop that the user accepts, and a time in any case. */
	PAUSES = 10,
	PAUSES_BASE_MS = 4000,
	/* Marks for so many GiB of addresses that hold something, and for the heap itself
	   (heap/walk_ranges.c). */
	ADDRESSES_SHARE = 4,
};
#define ADDRESSES_BYTES (UINT64_C(256) << 30)

/* How much of what is allowed is used up; 1: all of it. */
static double used(const struct pyi_allowance *allowance)
{
	double stops = (double)allowance->stop_count / STOP_LIMIT;
	double time = allowance->paused_ms / (PAUSES * allowance->max_pause_ms + PAUSES_BASE_MS);

	return stops > time ? stops : time;
}

bool pyi_allowance_has_stop(const struct pyi_allowance *allowance)
{
	return used(allowance) < 1;
}

bool pyi_allowance_is_low(const struct pyi_allowance *allowance)
{
	return used(allowance) >= 0.5;
}

bool pyi_allowance_take_addresses(struct pyi_allowance *allowance, uint64_t heap_bytes,
				  uint64_t size_bytes)
{
	uint64_t limit_bytes;
	uint64_t sum;

	if (__builtin_mul_overflow(heap_bytes, ADDRESSES_SHARE, &limit_bytes) ||
	    __builtin_add_overflow(limit_bytes, ADDRESSES_BYTES, &limit_bytes))
		limit_bytes = UINT64_MAX;
	if (__builtin_add_overflow(allowance->mapped_bytes, size_bytes, &sum) || sum > limit_bytes)
		return false;
	allowance->mapped_bytes = sum;
	return true;
}
