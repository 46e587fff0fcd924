/*
 * Which parts of a process's memory are in use: for whoever may not ask the kernel, since that
 * would also say where in the machine they are.
 */
#ifndef PYI_BROKER_USED_RANGES_H
#define PYI_BROKER_USED_RANGES_H

#include <stddef.h>

#include "base/error.h"
#include "broker/protocol.h"
#include "process/process.h"

/*
 * The parts of `ranges` (untrusted) that are present or swapped out, in steps of 2 MiB; malloc'ed,
 * NULL if there is none, and no more than fits into a reply. Errors (exit 1):
 * PYI_ERROR_BAD_ADDRESS, they are not ascending; PYI_ERROR_TOO_LARGE, they are too many, or the
 * kernel (before Linux 6.7) has no list of them.
 */
struct pyi_error *pyi_used_ranges_find(const struct pyi_process *process,
				       const struct pyi_wire_range *ranges, size_t count,
				       struct pyi_wire_range **ret_runs,
				       size_t *ret_count) PYI_MUST_CHECK;

#endif
