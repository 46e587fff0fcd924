/*
 * Which samples of a process are kept: the older they are, the fewer.
 *
 * Pure; knows ages, and neither files nor clocks.
 */
#ifndef PYI_HISTORY_LEVELS_H
#define PYI_HISTORY_LEVELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a walk over the samples of a process is; starts zeroed. */
struct pyi_history_levels {
	bool started;
	size_t level;
	int64_t slot;
};

/*
 * Whether the sample of when the process was `age_s` old is kept, now that the newest one is of
 * `newest_age_s`. To be asked for each sample, the oldest first.
 */
bool pyi_history_levels_keep(struct pyi_history_levels *walk, int64_t newest_age_s, int64_t age_s);

#endif
