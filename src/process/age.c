/*
 * Holds the start time of a process against the clock that it is told on.
 */
#include "process/age.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

uint64_t pyi_process_age_s(const struct pyi_process *process)
{
	long ticks_per_s = sysconf(_SC_CLK_TCK);
	struct timespec now;
	uint64_t start_s;

	/* The stat file counts on this clock; both are shifted alike in a time namespace. */
	if (ticks_per_s <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return 0;
	start_s = process->start_ticks / (uint64_t)ticks_per_s;
	return (uint64_t)now.tv_sec > start_s ? (uint64_t)now.tv_sec - start_s : 0;
}

struct pyi_error *pyi_process_age_refusal(const struct pyi_process *process, uint64_t least_s,
					  enum pyi_exit exit)
{
	uint64_t age_s = pyi_process_age_s(process);

	if (age_s >= least_s)
		return NULL;
	return pyi_error_hint(pyi_error_create(exit, PYI_ERROR_TOO_YOUNG,
					       "process %d was started %" PRIu64
					       " s ago, and is looked at from %" PRIu64 " s on",
					       (int)process->pid, age_s, least_s),
			      "what a process loads at its start is no leak: try again later");
}
