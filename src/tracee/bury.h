/*
 * Ends a child of ours. Does not end what we trace: see tracee/tracee.h.
 */
#ifndef PYI_TRACEE_BURY_H
#define PYI_TRACEE_BURY_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Kills and reaps `child`, and waits at most so many milliseconds for that. One that waits for what
 * nothing ends is left behind, and ends when that does. 0, and one that has been reaped, is no
 * child: its number may be another's. pyi_wait_init() must have been called.
 */
void pyi_bury(pid_t child, uint64_t patience_ms);

#endif
