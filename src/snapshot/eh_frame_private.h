/*
 * What the two halves of eh_frame share: the rules, and the expressions in them.
 *
 * Is not for anybody else.
 */
#ifndef PYI_SNAPSHOT_EH_FRAME_PRIVATE_H
#define PYI_SNAPSHOT_EH_FRAME_PRIVATE_H

#include "snapshot/eh_frame.h"

/* Bytes that are read one after the other; `failed` stays true, and everything read is then 0. */
struct pyi_eh_frame_cursor {
	struct pyi_eh_frame_memory *memory;
	uint64_t addr;
	/* Exclusive. */
	uint64_t end_addr;
	bool failed;
};

/* A number of 1, 2, 4 or 8 bytes, zero-extended or sign-extended. */
uint64_t pyi_eh_frame_unsigned(struct pyi_eh_frame_cursor *cursor, size_t size_bytes);
uint64_t pyi_eh_frame_signed(struct pyi_eh_frame_cursor *cursor, size_t size_bytes);

/* LEB128; what does not fit into 64 bits fails. */
uint64_t pyi_eh_frame_uleb(struct pyi_eh_frame_cursor *cursor);
uint64_t pyi_eh_frame_sleb(struct pyi_eh_frame_cursor *cursor);

/*
 * Evaluates the DWARF expression at `addr` with the registers of the frame; `cfa` (NULL: none) is
 * what is on the stack first. False if it is broken, has an operation that makes no sense here, or
 * does not end before the reads do.
 */
bool pyi_eh_frame_expression(struct pyi_eh_frame_memory *memory, uint64_t addr, uint64_t size_bytes,
			     const struct pyi_unwind_registers *registers, const uint64_t *cfa,
			     uint64_t *ret_value);

#endif
