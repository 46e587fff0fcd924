/*
 * One division.
 */
#include "cli/time_share.h"

#include "base/clock.h"

#define LEAST_NS (PYI_TIME_SHARE_LEAST_MS * UINT64_C(1000000))

uint64_t pyi_time_share(uint64_t now_ns, uint64_t deadline_ns, const uint64_t *bytes, size_t count)
{
	double all_bytes = 0;
	double share = 1 / (double)count;
	uint64_t share_ns;

	if (deadline_ns == PYI_CLOCK_NEVER || deadline_ns <= now_ns || count == 1)
		return deadline_ns;
	for (size_t p = 0; p < count; p++)
		all_bytes += (double)bytes[p];
	if (all_bytes > 0)
		share = (share + (double)bytes[0] / all_bytes) / 2;
	share_ns = (uint64_t)((double)(deadline_ns - now_ns) * share);
	if (share_ns < LEAST_NS)
		share_ns = LEAST_NS;
	return share_ns < deadline_ns - now_ns ? now_ns + share_ns : deadline_ns;
}
