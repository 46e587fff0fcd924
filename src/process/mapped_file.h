/*
 * Opens the file behind a mapping of a process, as far as that can be done without being led
 * anywhere else.
 *
 * Only regular files are opened: a fifo or a device can block, or do something. No symbolic link is
 * followed but those of /proc that lead to an open file; the open never waits (for a lease).
 * Does not read a byte of the file: that is for others, who may have fewer rights (elf_module.h).
 */
#ifndef PYI_PROCESS_MAPPED_FILE_H
#define PYI_PROCESS_MAPPED_FILE_H

#include <stdbool.h>

#include "process/maps.h"
#include "process/process.h"

/* Where to look for it, best first. */
enum pyi_mapped_place {
	/* /proc/PID/map_files: the very file, also when it was deleted; wants rights. */
	PYI_MAPPED_BY_RANGE,
	/* /proc/PID/exe: the program, also when it was deleted. */
	PYI_MAPPED_AS_PROGRAM,
	/* The path, in the root of the process. */
	PYI_MAPPED_IN_ROOT,
	/* The path, in our root: that is how the maps of a process in a chroot show its files. Only
	   if device and inode agree. */
	PYI_MAPPED_AS_SEEN,
	PYI_MAPPED_PLACES,
};

/*
 * Opens the file at one of the places that `map` may be of, through the door of the process if it
 * has one: a descriptor to read from, or -1 with
 * errno: ENOEXEC if what is there is no regular file. What is found IN_ROOT may be another file
 * than the mapped one, and AS_PROGRAM too: see pyi_mapped_file_is().
 */
int pyi_mapped_file_open(const struct pyi_process *process, const struct pyi_map *map,
			 enum pyi_mapped_place place);

/* True if device and inode of an open file are those of the map. On some file systems (overlay,
 * btrfs) they are not, though it is the same file. */
bool pyi_mapped_file_is(int fd, const struct pyi_map *map);

#endif
