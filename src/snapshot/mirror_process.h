/*
 * The process of a mirror: a fork of ours that gives up every right that its target has not, then
 * all of its memory, and only then is given the target's.
 *
 * Does not copy anything from the target (snapshot/mirror.c).
 */
#ifndef PYI_SNAPSHOT_MIRROR_PROCESS_H
#define PYI_SNAPSHOT_MIRROR_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/credentials.h"
#include "process/maps.h"
#include "tracee/arch.h"

/* A piece of a file that the process is to have. */
struct pyi_mirror_area {
	uint64_t start_addr;
	uint64_t end_addr;
	/* In the file. */
	uint64_t offset;
	/* PROT_... */
	int protection;
	/* Which of the plan's: 0 is the memory file. */
	unsigned file;
};

struct pyi_mirror_plan {
	/* Whom the target belongs to. */
	const struct pyi_credentials *credentials;
	/* The first one is the memory file; its first page has pyi_arch_gadget_patterns[0]. */
	const int *fds;
	size_t fd_count;
	uint64_t page_bytes;
	/* What the target has mapped, so that our own page goes elsewhere. */
	const struct pyi_maps *maps;
	const struct pyi_mirror_area *areas;
	size_t area_count;
};

/*
 * Makes the process: stopped, traced by us, all signals blocked, without descriptors and rights,
 * first in line for the OOM killer, and dead as soon as we are. It can make the few system calls
 * that pyi_mirror_process_confine() allows, at `ret_gadgets`, which are ours and not the target's.
 * Error "mirror-failed" (exit 1): there is no such process then.
 */
struct pyi_error *pyi_mirror_process_create(const struct pyi_mirror_plan *plan,
					    struct pyi_gadgets *ret_gadgets,
					    pid_t *ret_pid) PYI_MUST_CHECK;

/*
 * Takes from the calling process, which must have one thread, all that `credentials` do not give,
 * and more: what a mirror never needs. All descriptors but `fds` are closed. NULL if all went well,
 * else what failed, in words, with errno: the process must end then.
 */
const char *pyi_mirror_process_confine(const struct pyi_credentials *credentials, const int *fds,
				       size_t count);

#endif
