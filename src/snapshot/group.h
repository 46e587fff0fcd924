/*
 * What the control groups of a process allow it: memory, processes, to run at all.
 *
 * Both versions of control groups, where they are mounted in our own mount namespace. Changes
 * nothing. Does not decide what is enough.
 */
#ifndef PYI_SNAPSHOT_GROUP_H
#define PYI_SNAPSHOT_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct pyi_group {
	/* It is frozen, alone or with a group above its own: no thread of it runs any code. */
	bool frozen;
	/* One process more would be one too many (pids.max). */
	bool full;
	/* The OOM killer ends all processes of its group together (memory.oom.group). */
	bool dies_together;
	/* What can still be charged before a limit is reached; UINT64_MAX if there is none. */
	uint64_t memory_bytes;
};

/* What cannot be read counts as not limited. */
void pyi_group_look(const struct pyi_process *process, struct pyi_group *ret_group);

#endif
