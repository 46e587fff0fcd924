#include "source/unwind_registers.h"

const unsigned pyi_unwind_pc = 16;
const unsigned pyi_unwind_sp = 7;

/* System V ABI for AMD64, "DWARF Register Number Mapping"; 16 is the return address. */
void pyi_unwind_registers_of(const struct pyi_registers *registers,
			     struct pyi_unwind_registers *ret_registers)
{
	const struct user_regs_struct *user = &registers->user;

	*ret_registers = (struct pyi_unwind_registers){
		.values = { user->rax, user->rdx, user->rcx, user->rbx, user->rsi, user->rdi,
			    user->rbp, user->rsp, user->r8, user->r9, user->r10, user->r11,
			    user->r12, user->r13, user->r14, user->r15, user->rip },
		.known = (UINT64_C(1) << 17) - 1,
	};
}

uint64_t pyi_unwind_code_addr(uint64_t return_addr)
{
	return return_addr;
}
