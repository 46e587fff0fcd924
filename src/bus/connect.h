/*
 * A socket connected to where an address leads from a target's point of view.
 *
 * Does not speak D-Bus.
 */
#ifndef PYI_BUS_CONNECT_H
#define PYI_BUS_CONNECT_H

#include <stdint.h>

#include "base/error.h"
#include "bus/address.h"
#include "process/process.h"

/*
 * Connects to the socket: a path is looked up below the target's root, an abstract name only if
 * the target is in our network namespace. The descriptor is one that blocks, with a time limit.
 *
 * `shown` is the address as it is shown in errors: "no-bus", "timeout"; and those of
 * pyi_process_open_file() if the target may not be looked into.
 */
struct pyi_error *pyi_bus_connect(const struct pyi_process *process,
				  const struct pyi_bus_address *address, const char *shown,
				  uint64_t deadline_ns, int *ret_fd) PYI_MUST_CHECK;

/* The same for a path of the host's own, which the target has no say in; 0 or an errno. */
int pyi_bus_connect_own(const char *path, uint64_t deadline_ns, int *ret_fd) PYI_MUST_CHECK;

/* The error "<shown>, <why>" with exit 1. */
struct pyi_error *pyi_bus_failed(enum pyi_error_code code, const char *shown,
				 const char *why) PYI_MUST_CHECK;

/* The error "no-bus" in the same words with those for the errno; "timeout" for ETIMEDOUT. */
struct pyi_error *pyi_bus_failed_errno(const char *shown, int error_number,
				       const char *why) PYI_MUST_CHECK;

/* Microseconds until the deadline, rounded up; UINT64_MAX (never) for PYI_CLOCK_NEVER. */
uint64_t pyi_bus_left_us(uint64_t deadline_ns);

#endif
