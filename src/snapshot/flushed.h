/*
 * Would a file system hear of it if duplicates of a process's descriptors were closed?
 *
 * Asks no file system. mounts.h knows those of the kernel that do something then.
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

#endif
