/*
 * Looks up a path below the root of another process, as that process would.
 *
 * Does not read or connect to what it finds. Neither symbolic links nor ".." lead out of the root,
 * also while somebody moves directories.
 */
#ifndef PYI_PROCESS_LOOKUP_H
#define PYI_PROCESS_LOOKUP_H

#include "base/error.h"

/*
 * Opens (O_PATH) what the untrusted `path` leads to; it begins at `root_fd` (a directory, O_PATH
 * will do) with or without a "/". Links of the kind in /proc/PID/fd are not followed.
 * Returns 0, or an errno; ELOOP also for such a link.
 */
int pyi_lookup(int root_fd, const char *path, int *ret_fd) PYI_MUST_CHECK;

/*
 * The same step by step, for kernels without openat2(): at most 40 links and 64 directories deep
 * (ENAMETOOLONG). Links of the kind in /proc/PID/fd are taken for the text that they show.
 */
int pyi_lookup_by_steps(int root_fd, const char *path, int *ret_fd) PYI_MUST_CHECK;

#endif
