/*
 * Which processes there are. Does not look into any of them.
 */
#ifndef PYI_PROCESS_PROCESS_LIST_H
#define PYI_PROCESS_PROCESS_LIST_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * The numbers of all processes that /proc shows, ascending; the caller frees them. Some may be gone
 * already. Errors (exit 1): /proc cannot be read, no memory.
 */
struct pyi_error *pyi_process_list(pid_t **ret_pids, size_t *ret_count) PYI_MUST_CHECK;

/*
 * Adds to a growing array (base/array.h) of processes those that they have started, and so on, but
 * not this one; one that was in it may be added once more. Each process of the system is asked
 * once, however they have started each other. Errors as above; what was added until then stays.
 */
struct pyi_error *pyi_process_list_descendants(pid_t **pids, size_t *count,
					       size_t *capacity) PYI_MUST_CHECK;

/*
 * Writes "12, 34": the numbers of at most `limit` processes that the kernel calls so, which keeps
 * 15 bytes of a name; "" if there is none, or that is not known.
 */
void pyi_process_list_named(const char *name, size_t limit, char *text, size_t size);

#endif
