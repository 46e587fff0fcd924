/*
 * A core file as the kernel, gdb and others write it: which memory it has, what was mapped there,
 * and the threads with their registers.
 *
 * Everything in it is untrusted and checked here. One that ends too early is read as far as it
 * goes. Does not know what was in the memory, and does not look for the files that were mapped.
 */
#ifndef PYI_CORE_CORE_FILE_H
#define PYI_CORE_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/core_wire.h"

/* What was one mapping. */
struct pyi_core_segment {
	uint64_t start_addr;
	uint64_t end_addr;
	/* Where its first `file_bytes` are in the core, whole pages; the rest of it is not there.
	 */
	uint64_t offset;
	uint64_t file_bytes;
	/* PROT_...; with `unsaid` nobody knows. */
	uint32_t protection;
	/* The core says that a file was mapped there, and nothing else: gdb leaves out what can be
	   had from the file. */
	bool unsaid;
};

/* What of a file was mapped where. */
struct pyi_core_mapping {
	uint64_t start_addr;
	uint64_t end_addr;
	/* In the file, bytes. */
	uint64_t offset;
	/* Into `text`. */
	const char *path;
};

struct pyi_core_file {
	/* The caller's. */
	int fd;
	/* Both ascending and disjoint. */
	struct pyi_core_segment *segments;
	size_t segment_count;
	struct pyi_core_mapping *mappings;
	size_t mapping_count;
	char *text;
	struct pyi_core_thread *threads;
	size_t thread_count;
	size_t thread_room;
	int32_t pid;
	char name[16];
	uint32_t uid;
	/* Of the program; 0: not known. */
	uint64_t program_headers_addr;
	/* It ends before all of it was written, and how much is missing. */
	bool truncated;
	uint64_t lost_bytes;
};

/*
 * Reads all of it but the memory. Errors: PYI_ERROR_BAD_CORE (exit 1; another machine, or no core:
 * exit 4).
 */
struct pyi_error *pyi_core_file_read(int fd, struct pyi_core_file *ret_core) PYI_MUST_CHECK;

/* Memory at `addr` that is in the core; false if not all of it is. */
bool pyi_core_file_memory(const struct pyi_core_file *core, uint64_t addr, void *ret_bytes,
			  size_t size_bytes);

/* The segment that contains `addr`, or NULL. */
const struct pyi_core_segment *pyi_core_file_segment(const struct pyi_core_file *core,
						     uint64_t addr);

/* Safe on a zeroed struct. */
void pyi_core_file_deinit(struct pyi_core_file *core);

#endif
