/*
 * The process that has the memory of a core: stopped, traced, without rights, and with the bytes of
 * the core and of the files of programs at the addresses where they were.
 *
 * Its memory is mapped from the core, privately, so that a core larger than memory costs no more
 * than what is looked at. Only what cannot be mapped is copied: what is not at a boundary of pages
 * in the file (as gdb writes it), and code where nothing may be run, as can be where a core is.
 *
 * Knows neither ELF nor Python.
 */
#ifndef PYI_CORE_CORE_PROCESS_H
#define PYI_CORE_CORE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/core_wire.h"
#include "snapshot/mirror_process.h"
#include "snapshot/snapshot.h"

/* What a worker says, and what of it is believed is checked here. */
struct pyi_core_memory {
	int core_fd;
	uint64_t copy_limit_bytes;
	const struct pyi_core_area *areas;
	size_t area_count;
	const struct pyi_core_thread *threads;
	size_t thread_count;
};

struct pyi_core_process {
	/* Its pid is 0 if there is none now. */
	struct pyi_snapshot snapshot;
	/* Bytes that can be written to, all together. */
	uint64_t heap_bytes;

	/* For this module. */
	int *fds;
	size_t fd_count;
	size_t fd_room;
	struct pyi_mirror_area *areas;
	size_t area_count;
	/* The areas were looked at once, and are not again. */
	bool prepared;
};

void pyi_core_process_init(struct pyi_core_process *process);

/* Keeps a descriptor like `fd`, which stays the caller's. Before the process is made. */
struct pyi_error *pyi_core_process_add_file(struct pyi_core_process *process,
					    int fd) PYI_MUST_CHECK;

/* A descriptor like that of the file with this number, from 1; -1: there is none. */
int pyi_core_process_open_file(const struct pyi_core_process *process, unsigned file);

/*
 * Makes the process; after pyi_core_process_end() another one like it. Errors (exit 1):
 * PYI_ERROR_BAD_CORE, the areas are none; PYI_ERROR_MEMORY_SHORT, too much would have to be copied;
 * PYI_ERROR_MIRROR_FAILED.
 */
struct pyi_error *pyi_core_process_make(struct pyi_core_process *process,
					const struct pyi_core_memory *memory) PYI_MUST_CHECK;

/* Which parts of `ranges` (untrusted) it has; *ret_runs is ascending, malloc'ed. */
struct pyi_error *pyi_core_process_list_pages(const struct pyi_core_process *process,
					      const struct pyi_wire_range *ranges, size_t count,
					      struct pyi_wire_range **ret_runs,
					      size_t *ret_count) PYI_MUST_CHECK;

/* Ends it, if there is one. */
void pyi_core_process_end(struct pyi_core_process *process);

#endif
