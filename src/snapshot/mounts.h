/*
 * File systems by what they do to who uses a file: who brings the pages of mapped files, the kernel
 * or a program that may never answer (FUSE)? And does somebody hear of a descriptor being closed?
 *
 * Asks the lists of mounts only, /proc/PID/mountinfo: to ask a file itself is to ask its server.
 */
#ifndef PYI_SNAPSHOT_MOUNTS_H
#define PYI_SNAPSHOT_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/maps.h"
#include "process/process.h"

struct pyi_mount {
	/* The same for all who see it. */
	uint32_t id;
	uint32_t major;
	uint32_t minor;
	/* A program answers for it, or can do so behind it. */
	bool served;
	/* A file system of those that do something when a descriptor is closed. */
	bool flushed;
};

struct pyi_mounts {
	/* By device, ascending; of one device what is served comes first. */
	struct pyi_mount *items;
	size_t count;
};

/* What `process` and we have mounted. */
struct pyi_error *pyi_mounts_read(const struct pyi_process *process,
				  struct pyi_mounts *ret_mounts) PYI_MUST_CHECK;

/*
 * Pure parser behind it: adds the mounts of a mountinfo file. A file system that lies over others
 * (overlay) is taken as served if `trust_layers` is false: any user can lay one over FUSE in a user
 * namespace of his own. Lines that are not of the kernel's form are passed over.
 */
struct pyi_error *pyi_mounts_add(const char *text, bool trust_layers,
				 struct pyi_mounts *mounts) PYI_MUST_CHECK;

/*
 * True if the kernel itself brings the pages of this map's file: its device is mounted, and not
 * served; or it is a disk that is mounted nowhere here. Of all others, FUSE that was unmounted
 * lazily among them, nobody knows.
 */
bool pyi_mounts_is_kept_by_kernel(const struct pyi_mounts *mounts, const struct pyi_map *map);

/*
 * True if a descriptor of a file on the mount of that number must not be closed, for its file
 * system hears of it; or if that mount is not among them, so that nobody knows.
 */
bool pyi_mounts_is_flushed(const struct pyi_mounts *mounts, uint32_t id);

/* Safe on a zeroed struct. */
void pyi_mounts_deinit(struct pyi_mounts *mounts);

#endif
