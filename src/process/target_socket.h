/*
 * A socket connected to where a name leads from a target's point of view: a path is looked up below
 * the target's root, an abstract name is only taken if the target is in our network namespace.
 *
 * Does not send anything. Errors (exit 1) are what can be said behind the name, "is not a socket":
 * PYI_ERROR_NO_BUS, PYI_ERROR_TIMEOUT; and those of pyi_process_open_file().
 */
#ifndef PYI_PROCESS_TARGET_SOCKET_H
#define PYI_PROCESS_TARGET_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "process/process.h"

/* The first step, which takes rights: where to begin; -1 for an abstract name. */
struct pyi_error *pyi_target_socket_find(const struct pyi_process *process, bool is_abstract,
					 int *ret_root_fd) PYI_MUST_CHECK;

/* The second, which takes none: whoever listens learns who makes it. */
struct pyi_error *pyi_target_socket_connect(int root_fd, const char *name, uint64_t deadline_ns,
					    int *ret_fd) PYI_MUST_CHECK;

#endif
