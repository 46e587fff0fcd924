/*
 * Finds the table of unwind rules for an address: the module by the maps, its program headers and
 * the head of .eh_frame_hdr in memory.
 *
 * Everything it reads may be made up by the target to do harm: the numbers found are added and read
 * at, no more. Opens no file. Does not read the rules themselves: libunwind does.
 */
#ifndef PYI_SOURCE_UNWIND_TABLE_H
#define PYI_SOURCE_UNWIND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/maps.h"
#include "process/memory_reader.h"

/* The memory to be unwound in, and how many more reads of it are allowed. */
struct pyi_unwind_memory {
	struct pyi_memory_reader *reader;
	size_t reads_left;
};

/* A sorted table: entries of two 32-bit offsets from `base_addr`, of code and of its rules. */
struct pyi_unwind_table {
	/* The segment it is good for; `end_addr` is exclusive. */
	uint64_t start_addr;
	uint64_t end_addr;
	uint64_t base_addr;
	uint64_t entries_addr;
	uint64_t entry_count;
};

/* Reads `size_bytes`; false if it is not readable, or no more reads are allowed. */
bool pyi_unwind_memory_read(struct pyi_unwind_memory *memory, uint64_t addr, void *ret_bytes,
			    size_t size_bytes);

/*
 * The table for code at `pc`. False if `pc` is in no executable map, or its module has no table, or
 * one that no linker writes (another version or encoding than that of a sorted table of 32-bit
 * offsets, more entries than the segment has room for).
 */
bool pyi_unwind_table_find(struct pyi_unwind_memory *memory, const struct pyi_maps *maps,
			   uint64_t pc, struct pyi_unwind_table *ret_table);

#endif
