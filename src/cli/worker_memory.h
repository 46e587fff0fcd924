/*
 * How much address space a worker may take, so that nothing that a target has made uses up the
 * host. Does not limit anything itself.
 */
#ifndef PYI_CLI_WORKER_MEMORY_H
#define PYI_CLI_WORKER_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/* Of one that is forked from this process, in bytes: besides what that has mapped already, which is
 * terabytes with a sanitizer. */
uint64_t pyi_worker_memory(void);

/* The same of one that looks at process `pid`: with what names in its heap take, which is less than
 * the heap. */
uint64_t pyi_worker_memory_for(pid_t pid);

#endif
