/*
 * Zombies that a pyinspect which was killed left in a target: finding them, and reaping one.
 *
 * Ours are told from others by three things together: exit signal 0, and our name or our exit
 * status.
 */
#ifndef PYI_SNAPSHOT_LEFTOVER_H
#define PYI_SNAPSHOT_LEFTOVER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "process/process.h"

enum {
	PYI_LEFTOVER_LIMIT = 64,
};

/* Fills `ret_pids` (numbers of the target's pid namespace, which is `namespace_count` levels deep)
 * and returns how many there are. */
size_t pyi_leftover_find(const struct pyi_process *process, unsigned namespace_count,
			 pid_t ret_pids[PYI_LEFTOVER_LIMIT]);

#endif
