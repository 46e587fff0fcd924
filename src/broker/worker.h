/*
 * The process without rights, which looks at everything that comes from the target.
 *
 * Does not say what it does there (broker/supervisor.h runs it).
 */
#ifndef PYI_BROKER_WORKER_H
#define PYI_BROKER_WORKER_H

#include <stdint.h>

#include "base/error.h"

/*
 * Takes from this process all rights that it can do without, for good: what is left is to read and
 * write the descriptors that it has, to get memory (`memory_bytes` of address space in all), to
 * wait and to end. As root it becomes nobody, in an empty root, and has no capabilities; without
 * rights to begin with, system calls, Landlock and limits are all there is to give up. Error
 * PYI_ERROR_WORKER_LOST (exit 1) if a right could not be given up: the process must end then.
 */
struct pyi_error *pyi_worker_confine(uint64_t memory_bytes) PYI_MUST_CHECK;

#endif
