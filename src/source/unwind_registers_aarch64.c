#include "source/unwind_registers.h"

const unsigned pyi_unwind_pc = 32;
const unsigned pyi_unwind_sp = 31;

/* "DWARF for the Arm 64-bit Architecture": x0 to x30, the stack pointer, the program counter. */
void pyi_unwind_registers_of(const struct pyi_registers *registers,
			     struct pyi_unwind_registers *ret_registers)
{
	*ret_registers = (struct pyi_unwind_registers){
		.known = (UINT64_C(1) << 33) - 1,
	};
	for (unsigned r = 0; r < pyi_unwind_sp; r++)
		ret_registers->values[r] = registers->user.regs[r];
	ret_registers->values[pyi_unwind_sp] = registers->user.sp;
	ret_registers->values[pyi_unwind_pc] = registers->user.pc;
}

/* Pointer authentication signs with the bits above those of an address. */
uint64_t pyi_unwind_code_addr(uint64_t return_addr)
{
	return return_addr & ((UINT64_C(1) << 48) - 1);
}
