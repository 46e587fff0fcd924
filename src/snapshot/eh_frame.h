/*
 * Unwinds one frame by the rules of .eh_frame (DWARF call frame information), read from memory.
 *
 * Everything it reads may be made up by the target to do harm: nothing is read but through the
 * reader, no more often than allowed, and no rule leads to a value that is used unchecked. Does not
 * find the module of an address (stack.c does), and does not read .debug_frame.
 */
#ifndef PYI_SNAPSHOT_EH_FRAME_H
#define PYI_SNAPSHOT_EH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/memory_reader.h"
#include "tracee/arch.h"

/* The memory to be unwound in, and how many more reads of it are allowed. */
struct pyi_eh_frame_memory {
	struct pyi_memory_reader *reader;
	size_t reads_left;
};

enum pyi_eh_frame_step {
	/* `registers` are those of the caller. */
	PYI_EH_FRAME_CALLER,
	/* The same, and it did not call but was interrupted by a signal: its pc is not one behind a
	   call. */
	PYI_EH_FRAME_INTERRUPTED,
	/* The rules say that nobody called this frame. */
	PYI_EH_FRAME_OUTERMOST,
	/* There is no rule for this address, or a broken one. */
	PYI_EH_FRAME_NONE,
};

/* Reads `size_bytes`; false if it is not readable, or no more reads are allowed. */
bool pyi_eh_frame_read(struct pyi_eh_frame_memory *memory, uint64_t addr, void *ret_bytes,
		       size_t size_bytes);

/*
 * Steps from a frame that is at `pc` (inside the instruction: one less than the address that a call
 * returns to) to its caller. `table_addr` and `table_bytes` are the PT_GNU_EH_FRAME segment of the
 * module. `registers` are set only for CALLER and INTERRUPTED.
 */
enum pyi_eh_frame_step pyi_eh_frame_step(struct pyi_eh_frame_memory *memory, uint64_t table_addr,
					 uint64_t table_bytes, uint64_t pc,
					 struct pyi_unwind_registers *registers);

#endif
