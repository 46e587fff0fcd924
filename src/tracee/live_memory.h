/*
 * Reads some words of a live process, and of those only what is in its memory.
 *
 * Whoever reads a page that is neither in memory nor in swap may have to wait for somebody who
 * never brings it (FUSE, userfaultfd), in a wait that no signal ends. Where there is no
 * /proc/PID/pagemap that cannot be known, and everything is read. Between the look and the read
 * another thread can take a page away. Not for much: each read is two system calls.
 */
#ifndef PYI_TRACEE_LIVE_MEMORY_H
#define PYI_TRACEE_LIVE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "process/process.h"

/* Descriptors of /proc/PID/mem and /proc/PID/pagemap; -1: not open, or there is none. */
struct pyi_live_memory {
	int memory_fd;
	int pagemap_fd;
};

/* Errors as pyi_process_open_file(). */
struct pyi_error *pyi_live_memory_open(const struct pyi_process *process,
				       struct pyi_live_memory *ret_memory) PYI_MUST_CHECK;

/* Safe on { -1, -1 }. */
void pyi_live_memory_close(struct pyi_live_memory *memory);

/* All of it, or false. */
bool pyi_live_memory_read(const struct pyi_live_memory *memory, uint64_t addr, void *ret_bytes,
			  size_t size_bytes);

/*
 * Whether all of it is in memory or in swap, in process or thread `pid`; also true where that
 * cannot be known.
 */
bool pyi_live_memory_is_present(pid_t pid, uint64_t addr, size_t size_bytes);

#endif
