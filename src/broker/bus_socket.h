/*
 * A connection made as the user of the target, for whoever listens asks the kernel who it is: a
 * target that names the wrong socket must not get to speak there with our rights.
 */
#ifndef PYI_BROKER_BUS_SOCKET_H
#define PYI_BROKER_BUS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/process.h"

/*
 * As pyi_target_socket_connect(), by a child that has become the target's and can be left behind:
 * no file system of the target can keep us past the deadline. `name` is `length` bytes, untrusted.
 * Errors as there, and PYI_ERROR_NO_BUS if that child cannot become the target's.
 */
struct pyi_error *pyi_bus_socket_connect(const struct pyi_process *process, const char *name,
					 size_t length, bool is_abstract, uint64_t deadline_ns,
					 int *ret_fd) PYI_MUST_CHECK;

#endif
