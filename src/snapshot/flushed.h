/*
 * Would a file system hear of it if duplicates of a process's descriptors were closed?
 *
 * Asks no file system. Knows those of the kernel that do something then: see flushed.c.
 */
#ifndef PYI_SNAPSHOT_FLUSHED_H
#define PYI_SNAPSHOT_FLUSHED_H

#include <stdbool.h>

#include "process/process.h"

/*
 * True if one of the first descriptors, which a new table is always given at first, is a file whose
 * file system has a server (or may have one): to close a duplicate of it waits for that, and can
 * take away an error that the process is to hear of.
 */
bool pyi_flushed_has_files(const struct pyi_process *process);

/*
 * True if a file of mount `mount_id` is such a one, or if that mount is not among those that
 * `mountinfo`, the text of /proc/PID/mountinfo, tells of.
 */
bool pyi_flushed_is_mount(const char *mountinfo, unsigned mount_id);

#endif
