/*
 * Checks and runs filters, following kernel/seccomp.c and net/core/filter.c of Linux. A value that
 * is not known stays unknown through all that is computed from it; a branch on it ends the run.
 */
#include "tracee/seccomp_filter.h"

#include <string.h>

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif
#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U
#endif
#ifndef SECCOMP_RET_LOG
#define SECCOMP_RET_LOG 0x7ffc0000U
#endif
#ifndef SECCOMP_RET_ACTION_FULL
#define SECCOMP_RET_ACTION_FULL 0xffff0000U
#endif

enum {
	WORD_BYTES = sizeof(uint32_t),
	WORD_BITS = 32,
	/* Number, processor, and two words of the instruction pointer. */
	FIRST_ARGUMENT_WORD = offsetof(struct seccomp_data, args) / WORD_BYTES,
};

struct value {
	uint32_t word;
	bool known;
};

struct machine {
	struct value a;
	struct value x;
	struct value memory[BPF_MEMWORDS];
};

static bool is_instruction_valid(const struct sock_filter *code, size_t count, size_t at)
{
	const struct sock_filter *instruction = &code[at];
	/* How far a jump may go. */
	size_t behind = count - at - 1;

	switch (instruction->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return instruction->k < sizeof(struct seccomp_data) &&
		       instruction->k % WORD_BYTES == 0;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return instruction->k < BPF_MEMWORDS;
	case BPF_ALU | BPF_DIV | BPF_K:
		return instruction->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return instruction->k < WORD_BITS;
	case BPF_JMP | BPF_JA:
		return instruction->k < behind;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
		return instruction->jt < behind && instruction->jf < behind;
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
	/* With BPF_K, which is 0. */
	case BPF_ALU | BPF_ADD:
	case BPF_ALU | BPF_ADD | BPF_X:
	case BPF_ALU | BPF_SUB | BPF_K:
	case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K:
	case BPF_ALU | BPF_MUL | BPF_X:
	case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_ALU | BPF_AND | BPF_X:
	case BPF_ALU | BPF_OR | BPF_K:
	case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K:
	case BPF_ALU | BPF_XOR | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_ALU | BPF_NEG:
		return true;
	default:
		return false;
	}
}

bool pyi_seccomp_filter_is_valid(const struct sock_filter *code, size_t count)
{
	if (count == 0 || count > PYI_SECCOMP_INSTRUCTION_LIMIT ||
	    BPF_CLASS(code[count - 1].code) != BPF_RET)
		return false;
	for (size_t at = 0; at < count; at++)
		if (!is_instruction_valid(code, count, at))
			return false;
	return true;
}

static struct value load(const struct seccomp_data *data, unsigned known, uint32_t offset)
{
	size_t word = offset / WORD_BYTES;
	struct value value = { .known = true };

	memcpy(&value.word, (const uint8_t *)data + offset, sizeof(value.word));
	if (word >= FIRST_ARGUMENT_WORD)
		value.known = known >> (word - FIRST_ARGUMENT_WORD) / 2 & 1;
	return value;
}

/* False if the kernel ends the program here: then it returns 0. */
static bool compute(uint16_t operation, struct value *a, struct value operand)
{
	a->known &= operand.known;
	switch (operation) {
	case BPF_ADD:
		a->word += operand.word;
		break;
	case BPF_SUB:
		a->word -= operand.word;
		break;
	case BPF_MUL:
		a->word *= operand.word;
		break;
	case BPF_DIV:
		if (operand.known && !operand.word)
			return false;
		a->word = operand.word ? a->word / operand.word : 0;
		break;
	case BPF_AND:
		a->word &= operand.word;
		break;
	case BPF_OR:
		a->word |= operand.word;
		break;
	case BPF_XOR:
		a->word ^= operand.word;
		break;
	case BPF_LSH:
	case BPF_RSH:
		/* Processors do not agree on longer shifts. */
		if (operand.word >= WORD_BITS)
			a->known = false;
		else
			a->word = operation == BPF_LSH ? a->word << operand.word
						       : a->word >> operand.word;
		break;
	default:
		a->word = -a->word;
		break;
	}
	return true;
}

static bool compare(uint16_t operation, uint32_t a, uint32_t operand)
{
	switch (operation) {
	case BPF_JEQ:
		return a == operand;
	case BPF_JGE:
		return a >= operand;
	case BPF_JGT:
		return a > operand;
	default:
		return a & operand;
	}
}

/* One instruction that neither jumps nor returns; false as compute(). */
static bool step(struct machine *machine, const struct sock_filter *instruction,
		 const struct seccomp_data *data, unsigned known)
{
	struct value constant = { instruction->k, true };

	switch (BPF_CLASS(instruction->code)) {
	case BPF_LD:
	case BPF_LDX: {
		struct value value = constant;

		if (BPF_MODE(instruction->code) == BPF_ABS)
			value = load(data, known, instruction->k);
		else if (BPF_MODE(instruction->code) == BPF_MEM)
			value = machine->memory[instruction->k];
		else if (BPF_MODE(instruction->code) == BPF_LEN)
			value.word = sizeof(*data);
		*(BPF_CLASS(instruction->code) == BPF_LD ? &machine->a : &machine->x) = value;
		return true;
	}
	case BPF_ST:
		machine->memory[instruction->k] = machine->a;
		return true;
	case BPF_STX:
		machine->memory[instruction->k] = machine->x;
		return true;
	case BPF_MISC:
		if (BPF_MISCOP(instruction->code) == BPF_TAX)
			machine->x = machine->a;
		else
			machine->a = machine->x;
		return true;
	default:
		return compute(BPF_OP(instruction->code), &machine->a,
			       BPF_SRC(instruction->code) == BPF_X ? machine->x : constant);
	}
}

bool pyi_seccomp_filter_run(const struct sock_filter *code, size_t count,
			    const struct seccomp_data *data, unsigned known, uint32_t *ret_value)
{
	/* The registers begin as 0; memory that was not written to the kernel does not let read. */
	struct machine machine = { .a.known = true, .x.known = true };

	/* Jumps only go forward, so it ends. */
	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *instruction = &code[at];
		struct value operand = { instruction->k, true };

		switch (BPF_CLASS(instruction->code)) {
		case BPF_RET:
			if (BPF_RVAL(instruction->code) == BPF_A)
				operand = machine.a;
			*ret_value = operand.word;
			return operand.known;
		case BPF_JMP:
			if (BPF_OP(instruction->code) == BPF_JA) {
				at += instruction->k;
				break;
			}
			if (BPF_SRC(instruction->code) == BPF_X)
				operand = machine.x;
			if (!machine.a.known || !operand.known)
				return false;
			at += compare(BPF_OP(instruction->code), machine.a.word, operand.word)
				      ? instruction->jt
				      : instruction->jf;
			break;
		default:
			/* By zero, perhaps, which ends it. */
			if (instruction->code == (BPF_ALU | BPF_DIV | BPF_X) && !machine.x.known)
				return false;
			if (!step(&machine, instruction, data, known)) {
				*ret_value = 0;
				return true;
			}
			break;
		}
	}
	return false;
}

uint32_t pyi_seccomp_stronger(uint32_t one, uint32_t other)
{
	int32_t one_action = (int32_t)(one & SECCOMP_RET_ACTION_FULL);
	int32_t other_action = (int32_t)(other & SECCOMP_RET_ACTION_FULL);

	return other_action < one_action ? other : one;
}

bool pyi_seccomp_is_harmless(uint32_t value)
{
	uint32_t action = value & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

const char *pyi_seccomp_effect(uint32_t value)
{
	switch (value & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_THREAD:
		return "ends the thread";
	case SECCOMP_RET_TRAP:
		return "sends a signal";
	case SECCOMP_RET_ERRNO:
		return "fails";
	case SECCOMP_RET_USER_NOTIF:
		return "waits for another process";
	case SECCOMP_RET_TRACE:
		return "fails without a debugger";
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return "is allowed";
	default:
		return "ends the process";
	}
}
