/*
 * How much of the time that is left is one process's, of several that are looked at one after the
 * other: half of it is shared alike, half by memory. So the largest, which may be the one that
 * leaks, has the most, and none can use up what is the others'. What one does not need is left for
 * all that come after it. Less than a second is no share: what is stopped after that was looked at
 * in vain.
 *
 * Pure functions.
 */
#ifndef PYI_CLI_TIME_SHARE_H
#define PYI_CLI_TIME_SHARE_H

#include <stddef.h>
#include <stdint.h>

enum {
	PYI_TIME_SHARE_LEAST_MS = 1000,
};

/*
 * When the first of `count` processes (at least one), with so many bytes each, is to be done; on
 * base/clock.h's clock, at most `deadline_ns`. PYI_CLOCK_NEVER stays that.
 */
uint64_t pyi_time_share(uint64_t now_ns, uint64_t deadline_ns, const uint64_t *bytes, size_t count);

#endif
