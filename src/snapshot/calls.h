/*
 * The system calls that it takes to make a clone, use it, and be rid of it: in the target, and in
 * the clone, which has the same seccomp filters.
 *
 * Data only. Whoever adds a call to a snapshot adds it here, too: else a filter may refuse it when
 * the clone has already been made.
 */
#ifndef PYI_SNAPSHOT_CALLS_H
#define PYI_SNAPSHOT_CALLS_H

#include "tracee/call_check.h"

/*
 * All of them, but for those by which a guard ends, and for close_range(), which a snapshot can do
 * without.
 */
extern const struct pyi_call_plan pyi_calls_of_clone;

/* To reap a dead one. */
extern const struct pyi_call_plan pyi_calls_of_reaping;

#endif
