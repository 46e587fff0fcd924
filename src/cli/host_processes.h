/*
 * Copies what /proc says of the Python processes of this machine, by a process that has no more
 * rights than that takes (broker/reader.h), and makes a list of it, for a process without rights.
 */
#ifndef PYI_CLI_HOST_PROCESSES_H
#define PYI_CLI_HOST_PROCESSES_H

#include <stdint.h>

#include "base/error.h"
#include "report/list.h"

/*
 * `ret_fd`: a file in memory, to be closed; nothing of it has been looked at. A process that holds
 * up the one that reads is passed over, and counted. For programs that have called pyi_wait_init().
 * Errors (exit 1): PYI_ERROR_WORKER_LOST, no memory, "timeout", "interrupted".
 */
struct pyi_error *pyi_host_processes_copy(uint64_t deadline_ns, int *ret_fd, uint64_t *ret_stuck,
					  uint64_t *ret_left_out) PYI_MUST_CHECK;

/* Adds those of the copy to the report. For a process without rights. Errors: no memory. */
struct pyi_error *pyi_host_processes_list(int fd, struct pyi_list_report *report) PYI_MUST_CHECK;

#endif
