/*
 * A machine for the DWARF expressions that occur in .eh_frame: a small stack, and reads.
 *
 * Does not know locations of variables, calls, or pieces: what is not of use there fails. A loop is
 * ended by the reads, for each operation is one.
 */
#include <dwarf.h>
#include <stddef.h>

#include "snapshot/eh_frame_private.h"

enum {
	DEPTH_LIMIT = 64,
	WORD_BYTES = 8,
};

struct machine {
	struct pyi_eh_frame_cursor code;
	const struct pyi_unwind_registers *registers;
	uint64_t stack[DEPTH_LIMIT];
	size_t depth;
};

static void push(struct machine *machine, uint64_t value)
{
	if (machine->depth == DEPTH_LIMIT)
		machine->code.failed = true;
	else
		machine->stack[machine->depth++] = value;
}

static uint64_t pop(struct machine *machine)
{
	if (machine->depth)
		return machine->stack[--machine->depth];
	machine->code.failed = true;
	return 0;
}

/* A value that is `index` below the top. */
static uint64_t pick(struct machine *machine, uint64_t index)
{
	if (index < machine->depth)
		return machine->stack[machine->depth - 1 - index];
	machine->code.failed = true;
	return 0;
}

static void push_register(struct machine *machine, uint64_t number, uint64_t offset)
{
	const struct pyi_unwind_registers *registers = machine->registers;

	if (number >= PYI_UNWIND_REGISTERS || !(registers->known & UINT64_C(1) << number))
		machine->code.failed = true;
	else
		push(machine, registers->values[number] + offset);
}

static void dereference(struct machine *machine, uint64_t size_bytes)
{
	uint64_t addr = pop(machine);
	uint64_t value = 0;

	if (!size_bytes || size_bytes > sizeof(value) ||
	    !pyi_eh_frame_read(machine->code.memory, addr, &value, size_bytes))
		machine->code.failed = true;
	push(machine, value);
}

static uint64_t divide(struct machine *machine, uint64_t dividend, uint64_t divisor)
{
	if (!divisor) {
		machine->code.failed = true;
		return 0;
	}
	/* INT64_MIN / -1 is a fault of the processor. */
	if (divisor == UINT64_MAX)
		return -dividend;
	return (uint64_t)((int64_t)dividend / (int64_t)divisor);
}

static uint64_t shift(uint8_t operation, uint64_t value, uint64_t bits)
{
	bool negative = operation == DW_OP_shra && (int64_t)value < 0;

	if (bits >= 64)
		return negative ? UINT64_MAX : 0;
	if (operation == DW_OP_shl)
		return value << bits;
	return negative ? ~(~value >> bits) : value >> bits;
}

/* An operation on the two values on top; false if it is none. */
static bool run_binary(struct machine *machine, uint8_t operation)
{
	uint64_t right = pick(machine, 0);
	uint64_t left = pick(machine, 1);
	uint64_t value;

	switch (operation) {
	case DW_OP_and:
		value = left & right;
		break;
	case DW_OP_or:
		value = left | right;
		break;
	case DW_OP_xor:
		value = left ^ right;
		break;
	case DW_OP_plus:
		value = left + right;
		break;
	case DW_OP_minus:
		value = left - right;
		break;
	case DW_OP_mul:
		value = left * right;
		break;
	case DW_OP_div:
		value = divide(machine, left, right);
		break;
	case DW_OP_mod:
		value = right ? left % right : 0;
		break;
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
		value = shift(operation, left, right);
		break;
	case DW_OP_eq:
		value = left == right;
		break;
	case DW_OP_ne:
		value = left != right;
		break;
	case DW_OP_lt:
		value = (int64_t)left < (int64_t)right;
		break;
	case DW_OP_le:
		value = (int64_t)left <= (int64_t)right;
		break;
	case DW_OP_gt:
		value = (int64_t)left > (int64_t)right;
		break;
	case DW_OP_ge:
		value = (int64_t)left >= (int64_t)right;
		break;
	default:
		return false;
	}
	pop(machine);
	pop(machine);
	push(machine, value);
	return true;
}

static void rotate(struct machine *machine)
{
	uint64_t first = pop(machine);
	uint64_t second = pop(machine);
	uint64_t third = pop(machine);

	push(machine, first);
	push(machine, third);
	push(machine, second);
}

/* Operations on the stack alone; false if it is none. */
static bool run_stack(struct machine *machine, uint8_t operation)
{
	uint64_t value, other;

	switch (operation) {
	case DW_OP_nop:
		break;
	case DW_OP_dup:
		push(machine, pick(machine, 0));
		break;
	case DW_OP_drop:
		pop(machine);
		break;
	case DW_OP_over:
		push(machine, pick(machine, 1));
		break;
	case DW_OP_swap:
		value = pop(machine);
		other = pop(machine);
		push(machine, value);
		push(machine, other);
		break;
	case DW_OP_rot:
		rotate(machine);
		break;
	case DW_OP_abs:
		value = pop(machine);
		push(machine, (int64_t)value < 0 ? -value : value);
		break;
	case DW_OP_neg:
		push(machine, -pop(machine));
		break;
	case DW_OP_not:
		push(machine, ~pop(machine));
		break;
	case DW_OP_deref:
		dereference(machine, WORD_BYTES);
		break;
	default:
		return run_binary(machine, operation);
	}
	return true;
}

/* Operations with something behind them; false if it is none. */
static bool run_operand(struct machine *machine, uint8_t operation)
{
	struct pyi_eh_frame_cursor *code = &machine->code;
	uint64_t operand;

	switch (operation) {
	case DW_OP_addr:
	case DW_OP_const8u:
	case DW_OP_const8s:
		push(machine, pyi_eh_frame_unsigned(code, 8));
		break;
	case DW_OP_const1u:
		push(machine, pyi_eh_frame_unsigned(code, 1));
		break;
	case DW_OP_const1s:
		push(machine, pyi_eh_frame_signed(code, 1));
		break;
	case DW_OP_const2u:
		push(machine, pyi_eh_frame_unsigned(code, 2));
		break;
	case DW_OP_const2s:
		push(machine, pyi_eh_frame_signed(code, 2));
		break;
	case DW_OP_const4u:
		push(machine, pyi_eh_frame_unsigned(code, 4));
		break;
	case DW_OP_const4s:
		push(machine, pyi_eh_frame_signed(code, 4));
		break;
	case DW_OP_constu:
		push(machine, pyi_eh_frame_uleb(code));
		break;
	case DW_OP_consts:
		push(machine, pyi_eh_frame_sleb(code));
		break;
	case DW_OP_plus_uconst:
		push(machine, pop(machine) + pyi_eh_frame_uleb(code));
		break;
	case DW_OP_pick:
		push(machine, pick(machine, pyi_eh_frame_unsigned(code, 1)));
		break;
	case DW_OP_deref_size:
		dereference(machine, pyi_eh_frame_unsigned(code, 1));
		break;
	case DW_OP_skip:
		operand = pyi_eh_frame_signed(code, 2);
		code->addr += operand;
		break;
	case DW_OP_bra:
		operand = pyi_eh_frame_signed(code, 2);
		if (pop(machine))
			code->addr += operand;
		break;
	case DW_OP_bregx:
		operand = pyi_eh_frame_uleb(code);
		push_register(machine, operand, pyi_eh_frame_sleb(code));
		break;
	default:
		return false;
	}
	return true;
}

static void run(struct machine *machine, uint8_t operation)
{
	if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31)
		push(machine, (uint64_t)(operation - DW_OP_lit0));
	else if (operation >= DW_OP_breg0 && operation <= DW_OP_breg31)
		push_register(machine, (uint64_t)(operation - DW_OP_breg0),
			      pyi_eh_frame_sleb(&machine->code));
	else if (!run_operand(machine, operation) && !run_stack(machine, operation))
		machine->code.failed = true;
}

bool pyi_eh_frame_expression(struct pyi_eh_frame_memory *memory, uint64_t addr, uint64_t size_bytes,
			     const struct pyi_unwind_registers *registers, const uint64_t *cfa,
			     uint64_t *ret_value)
{
	struct machine machine = {
		.code = { .memory = memory, .addr = addr },
		.registers = registers,
	};
	uint64_t value;

	if (__builtin_add_overflow(addr, size_bytes, &machine.code.end_addr))
		return false;
	if (cfa)
		push(&machine, *cfa);
	while (!machine.code.failed && machine.code.addr != machine.code.end_addr) {
		/* A jump to in front of it. */
		if (machine.code.addr < addr)
			return false;
		run(&machine, (uint8_t)pyi_eh_frame_unsigned(&machine.code, 1));
	}
	value = pop(&machine);
	if (machine.code.failed)
		return false;
	*ret_value = value;
	return true;
}
