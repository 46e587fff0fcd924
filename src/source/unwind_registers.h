/*
 * What a stack is unwound from, on the machine that this is built for.
 */
#ifndef PYI_SOURCE_UNWIND_REGISTERS_H
#define PYI_SOURCE_UNWIND_REGISTERS_H

#include <stdint.h>

#include "tracee/arch.h"

/* More than any number of a register below. */
enum {
	PYI_UNWIND_REGISTERS = 33,
};

/* Registers to unwind from, by DWARF's numbers for this architecture, which are libunwind's. */
struct pyi_unwind_registers {
	uint64_t values[PYI_UNWIND_REGISTERS];
	/* Bit N: values[N] is known. */
	uint64_t known;
};

/* Numbers of the instruction pointer, and of the stack pointer. */
extern const unsigned pyi_unwind_pc;
extern const unsigned pyi_unwind_sp;

/* What a thread that was stopped with `registers` is unwound from. */
void pyi_unwind_registers_of(const struct pyi_registers *registers,
			     struct pyi_unwind_registers *ret_registers);

/* A return address as it was on the stack, without a signature in it. */
uint64_t pyi_unwind_code_addr(uint64_t return_addr);

#endif
