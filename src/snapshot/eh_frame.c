/*
 * The search table of .eh_frame_hdr, CIEs and FDEs, and the programs in them.
 *
 * Only what linkers and compilers write is understood: a sorted table of 32-bit offsets, the
 * 32-bit format, augmentations that begin with "z".
 */
#include "snapshot/eh_frame.h"

#include <dwarf.h>
#include <string.h>

#include "snapshot/eh_frame_private.h"

#ifndef DW_CFA_AARCH64_negate_ra_state
#define DW_CFA_AARCH64_negate_ra_state 0x2d
#endif

enum {
	TABLE_VERSION = 1,
	TABLE_ENTRY_BYTES = 8,
	TABLE_ENCODING = DW_EH_PE_datarel | DW_EH_PE_sdata4,
	/* What DW_EH_PE_... values are made of. */
	FORMAT_MASK = 0x0f,
	APPLICATION_MASK = 0x70,
	AUGMENTATION_LIMIT = 8,
	REMEMBER_LIMIT = 8,
	/* An instruction with a small operand in it. */
	PRIMARY_MASK = 0xc0,
	CFA = PYI_UNWIND_REGISTERS,
};

/* How to get a register of the caller. */
enum rule_kind {
	RULE_SAME,
	RULE_UNDEFINED,
	/* In memory at CFA + value, or that address itself. */
	RULE_OFFSET,
	RULE_VALUE_OFFSET,
	/* In register `number`; for the CFA, plus value. */
	RULE_REGISTER,
	/* In memory where the expression at address `value` says, or what that says. */
	RULE_EXPRESSION,
	RULE_VALUE_EXPRESSION,
};

struct rule {
	enum rule_kind kind;
	uint64_t number;
	uint64_t value;
	uint64_t size_bytes;
};

struct rules {
	struct rule items[PYI_UNWIND_REGISTERS + 1];
};

struct cie {
	uint64_t code_factor;
	uint64_t data_factor;
	uint64_t return_register;
	uint64_t program_addr;
	uint64_t end_addr;
	uint8_t pointer_encoding;
	bool sized;
	bool signal_frame;
};

struct fde {
	struct cie cie;
	uint64_t start_addr;
	uint64_t program_addr;
	uint64_t end_addr;
};

struct program {
	struct pyi_eh_frame_cursor code;
	const struct cie *cie;
	uint64_t location;
	struct rules rules;
	/* After the program of the CIE. */
	struct rules initial;
	struct rules remembered[REMEMBER_LIMIT];
	size_t remembered_count;
};

bool pyi_eh_frame_read(struct pyi_eh_frame_memory *memory, uint64_t addr, void *ret_bytes,
		       size_t size_bytes)
{
	if (!memory->reads_left)
		return false;
	memory->reads_left--;
	return pyi_memory_try_read(memory->reader, addr, ret_bytes, size_bytes);
}

uint64_t pyi_eh_frame_unsigned(struct pyi_eh_frame_cursor *cursor, size_t size_bytes)
{
	uint64_t value = 0;

	if (cursor->failed || cursor->addr > cursor->end_addr ||
	    size_bytes > cursor->end_addr - cursor->addr ||
	    !pyi_eh_frame_read(cursor->memory, cursor->addr, &value, size_bytes)) {
		cursor->failed = true;
		return 0;
	}
	cursor->addr += size_bytes;
	return value;
}

uint64_t pyi_eh_frame_signed(struct pyi_eh_frame_cursor *cursor, size_t size_bytes)
{
	uint64_t sign = UINT64_C(1) << (8 * size_bytes - 1);

	return (pyi_eh_frame_unsigned(cursor, size_bytes) ^ sign) - sign;
}

/* Returns how many bits it had in `ret_bits`, and whether the highest was set in `ret_sign`. */
static uint64_t read_leb(struct pyi_eh_frame_cursor *cursor, unsigned *ret_bits, bool *ret_sign)
{
	uint64_t value = 0;
	unsigned bits = 0;
	uint64_t byte;

	do {
		byte = pyi_eh_frame_unsigned(cursor, 1);
		if (bits >= 64)
			cursor->failed = true;
		if (cursor->failed)
			return 0;
		value |= (byte & 0x7f) << bits;
		bits += 7;
	} while (byte & 0x80);
	*ret_bits = bits;
	*ret_sign = byte & 0x40;
	return value;
}

uint64_t pyi_eh_frame_uleb(struct pyi_eh_frame_cursor *cursor)
{
	unsigned bits;
	bool sign;

	return read_leb(cursor, &bits, &sign);
}

uint64_t pyi_eh_frame_sleb(struct pyi_eh_frame_cursor *cursor)
{
	unsigned bits = 64;
	bool sign = false;
	uint64_t value = read_leb(cursor, &bits, &sign);

	return sign && bits < 64 ? value | UINT64_MAX << bits : value;
}

/* A DW_EH_PE_... pointer; `table_addr` is what "datarel" is relative to. Indirect ones are left so.
 */
static uint64_t read_pointer(struct pyi_eh_frame_cursor *cursor, uint8_t encoding,
			     uint64_t table_addr)
{
	uint64_t place = cursor->addr;
	uint64_t value;

	switch (encoding & FORMAT_MASK) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		value = pyi_eh_frame_unsigned(cursor, 8);
		break;
	case DW_EH_PE_udata2:
		value = pyi_eh_frame_unsigned(cursor, 2);
		break;
	case DW_EH_PE_sdata2:
		value = pyi_eh_frame_signed(cursor, 2);
		break;
	case DW_EH_PE_udata4:
		value = pyi_eh_frame_unsigned(cursor, 4);
		break;
	case DW_EH_PE_sdata4:
		value = pyi_eh_frame_signed(cursor, 4);
		break;
	case DW_EH_PE_uleb128:
		value = pyi_eh_frame_uleb(cursor);
		break;
	case DW_EH_PE_sleb128:
		value = pyi_eh_frame_sleb(cursor);
		break;
	default:
		cursor->failed = true;
		return 0;
	}
	switch (encoding & APPLICATION_MASK) {
	case DW_EH_PE_absptr:
		return value;
	case DW_EH_PE_pcrel:
		return value + place;
	case DW_EH_PE_datarel:
		return value + table_addr;
	default:
		cursor->failed = true;
		return 0;
	}
}

/* The FDE that may be the one of `pc`; 0 if there is none. */
static uint64_t search_table(struct pyi_eh_frame_memory *memory, uint64_t table_addr,
			     uint64_t table_bytes, uint64_t pc)
{
	struct pyi_eh_frame_cursor header = { .memory = memory, .addr = table_addr };
	uint8_t version, frame_encoding, count_encoding, entry_encoding;
	uint64_t low = 0;
	uint64_t count;
	int32_t entry[2];

	if (__builtin_add_overflow(table_addr, table_bytes, &header.end_addr))
		return 0;
	version = (uint8_t)pyi_eh_frame_unsigned(&header, 1);
	frame_encoding = (uint8_t)pyi_eh_frame_unsigned(&header, 1);
	count_encoding = (uint8_t)pyi_eh_frame_unsigned(&header, 1);
	entry_encoding = (uint8_t)pyi_eh_frame_unsigned(&header, 1);
	if (header.failed || version != TABLE_VERSION || entry_encoding != TABLE_ENCODING)
		return 0;
	read_pointer(&header, frame_encoding, table_addr);
	count = read_pointer(&header, count_encoding, table_addr);
	if (header.failed || count > (header.end_addr - header.addr) / TABLE_ENTRY_BYTES)
		return 0;
	/* The last entry that begins at or before `pc`. */
	while (low < count) {
		uint64_t middle = low + (count - low) / 2;

		if (!pyi_eh_frame_read(memory, header.addr + middle * TABLE_ENTRY_BYTES, entry,
				       sizeof(entry)))
			return 0;
		if (table_addr + (uint64_t)(int64_t)entry[0] <= pc)
			low = middle + 1;
		else
			count = middle;
	}
	if (!low || !pyi_eh_frame_read(memory, header.addr + (low - 1) * TABLE_ENTRY_BYTES, entry,
				       sizeof(entry)))
		return 0;
	return table_addr + (uint64_t)(int64_t)entry[1];
}

/* Sets the end by the length in front of each CIE and FDE. */
static void open_record(struct pyi_eh_frame_cursor *cursor, struct pyi_eh_frame_memory *memory,
			uint64_t addr)
{
	uint64_t length;

	*cursor = (struct pyi_eh_frame_cursor){ .memory = memory, .addr = addr };
	if (__builtin_add_overflow(addr, 4, &cursor->end_addr)) {
		cursor->failed = true;
		return;
	}
	length = pyi_eh_frame_unsigned(cursor, 4);
	/* 0 ends the section; the value of all ones begins the 64-bit format. */
	if (!length || length == UINT32_MAX ||
	    __builtin_add_overflow(cursor->addr, length, &cursor->end_addr))
		cursor->failed = true;
}

static void read_augmentation(struct pyi_eh_frame_cursor *cursor, const char *letters,
			      struct cie *cie)
{
	uint64_t size_bytes;

	if (!letters[0])
		return;
	cie->sized = true;
	size_bytes = pyi_eh_frame_uleb(cursor);
	if (letters[0] != 'z' || size_bytes > cursor->end_addr - cursor->addr) {
		cursor->failed = true;
		return;
	}
	cie->program_addr = cursor->addr + size_bytes;
	for (size_t l = 1; letters[l]; l++) {
		switch (letters[l]) {
		case 'R':
			cie->pointer_encoding = (uint8_t)pyi_eh_frame_unsigned(cursor, 1);
			break;
		case 'L':
			pyi_eh_frame_unsigned(cursor, 1);
			break;
		case 'P':
			read_pointer(cursor, (uint8_t)pyi_eh_frame_unsigned(cursor, 1), 0);
			break;
		case 'S':
			cie->signal_frame = true;
			break;
		case 'B':
			/* Which key signs return addresses: all the same to us. */
			break;
		default:
			cursor->failed = true;
			return;
		}
	}
}

static bool read_cie(struct pyi_eh_frame_memory *memory, uint64_t addr, struct cie *ret_cie)
{
	struct pyi_eh_frame_cursor cursor;
	char letters[AUGMENTATION_LIMIT + 1] = "";
	uint64_t version;
	size_t count = 0;

	*ret_cie = (struct cie){ .pointer_encoding = DW_EH_PE_absptr };
	open_record(&cursor, memory, addr);
	if (pyi_eh_frame_unsigned(&cursor, 4) != 0)
		return false;
	version = pyi_eh_frame_unsigned(&cursor, 1);
	if (version != 1 && version != 3)
		return false;
	while ((letters[count] = (char)pyi_eh_frame_unsigned(&cursor, 1))) {
		if (++count == AUGMENTATION_LIMIT)
			return false;
	}
	ret_cie->code_factor = pyi_eh_frame_uleb(&cursor);
	ret_cie->data_factor = pyi_eh_frame_sleb(&cursor);
	ret_cie->return_register =
		version == 1 ? pyi_eh_frame_unsigned(&cursor, 1) : pyi_eh_frame_uleb(&cursor);
	ret_cie->program_addr = cursor.addr;
	ret_cie->end_addr = cursor.end_addr;
	read_augmentation(&cursor, letters, ret_cie);
	return !cursor.failed && ret_cie->return_register < PYI_UNWIND_REGISTERS;
}

/* False if it is broken, or not of `pc`. */
static bool read_fde(struct pyi_eh_frame_memory *memory, uint64_t addr, uint64_t table_addr,
		     uint64_t pc, struct fde *ret_fde)
{
	struct pyi_eh_frame_cursor cursor;
	uint64_t cie_offset, size_bytes, augmentation_bytes;
	uint64_t place;

	open_record(&cursor, memory, addr);
	place = cursor.addr;
	cie_offset = pyi_eh_frame_unsigned(&cursor, 4);
	if (cursor.failed || !cie_offset || !read_cie(memory, place - cie_offset, &ret_fde->cie))
		return false;
	ret_fde->start_addr = read_pointer(&cursor, ret_fde->cie.pointer_encoding, table_addr);
	size_bytes = read_pointer(&cursor, ret_fde->cie.pointer_encoding & FORMAT_MASK, 0);
	if (ret_fde->cie.sized) {
		augmentation_bytes = pyi_eh_frame_uleb(&cursor);
		if (cursor.failed || augmentation_bytes > cursor.end_addr - cursor.addr)
			return false;
		cursor.addr += augmentation_bytes;
	}
	ret_fde->program_addr = cursor.addr;
	ret_fde->end_addr = cursor.end_addr;
	return !cursor.failed && pc >= ret_fde->start_addr && pc - ret_fde->start_addr < size_bytes;
}

static void set_rule(struct program *program, uint64_t number, enum rule_kind kind, uint64_t value)
{
	if (number >= PYI_UNWIND_REGISTERS) {
		/* A vector register: of no interest, but no mistake. */
		return;
	}
	program->rules.items[number] = (struct rule){ .kind = kind, .value = value };
}

static void set_expression(struct program *program, uint64_t number, enum rule_kind kind)
{
	struct pyi_eh_frame_cursor *code = &program->code;
	uint64_t size_bytes = pyi_eh_frame_uleb(code);

	if (code->failed || size_bytes > code->end_addr - code->addr) {
		code->failed = true;
		return;
	}
	if (number <= CFA)
		program->rules.items[number] = (struct rule){ .kind = kind,
							      .value = code->addr,
							      .size_bytes = size_bytes };
	code->addr += size_bytes;
}

static void restore(struct program *program, uint64_t number)
{
	if (number < PYI_UNWIND_REGISTERS)
		program->rules.items[number] = program->initial.items[number];
}

static void set_cfa(struct program *program, uint64_t number, uint64_t offset)
{
	program->rules.items[CFA] =
		(struct rule){ .kind = RULE_REGISTER, .number = number, .value = offset };
}

/* Instructions about the CFA; false if it is none. */
static bool run_cfa(struct program *program, uint8_t instruction)
{
	struct pyi_eh_frame_cursor *code = &program->code;
	struct rule *cfa = &program->rules.items[CFA];
	uint64_t number;

	switch (instruction) {
	case DW_CFA_def_cfa:
		number = pyi_eh_frame_uleb(code);
		set_cfa(program, number, pyi_eh_frame_uleb(code));
		break;
	case DW_CFA_def_cfa_sf:
		number = pyi_eh_frame_uleb(code);
		set_cfa(program, number, pyi_eh_frame_sleb(code) * program->cie->data_factor);
		break;
	case DW_CFA_def_cfa_register:
		set_cfa(program, pyi_eh_frame_uleb(code), cfa->value);
		break;
	case DW_CFA_def_cfa_offset:
		set_cfa(program, cfa->number, pyi_eh_frame_uleb(code));
		break;
	case DW_CFA_def_cfa_offset_sf:
		set_cfa(program, cfa->number, pyi_eh_frame_sleb(code) * program->cie->data_factor);
		break;
	case DW_CFA_def_cfa_expression:
		set_expression(program, CFA, RULE_EXPRESSION);
		break;
	default:
		return false;
	}
	return true;
}

/* Instructions about where a register is; false if it is none. */
static bool run_register(struct program *program, uint8_t instruction)
{
	struct pyi_eh_frame_cursor *code = &program->code;
	uint64_t factor = program->cie->data_factor;
	uint64_t number;

	if (instruction < DW_CFA_offset_extended ||
	    (instruction > DW_CFA_register && instruction < DW_CFA_expression) ||
	    (instruction > DW_CFA_val_expression &&
	     instruction != DW_CFA_GNU_negative_offset_extended))
		return false;
	number = pyi_eh_frame_uleb(code);
	switch (instruction) {
	case DW_CFA_offset_extended:
		set_rule(program, number, RULE_OFFSET, pyi_eh_frame_uleb(code) * factor);
		break;
	case DW_CFA_offset_extended_sf:
		set_rule(program, number, RULE_OFFSET, pyi_eh_frame_sleb(code) * factor);
		break;
	case DW_CFA_GNU_negative_offset_extended:
		set_rule(program, number, RULE_OFFSET, -(pyi_eh_frame_uleb(code) * factor));
		break;
	case DW_CFA_val_offset:
		set_rule(program, number, RULE_VALUE_OFFSET, pyi_eh_frame_uleb(code) * factor);
		break;
	case DW_CFA_val_offset_sf:
		set_rule(program, number, RULE_VALUE_OFFSET, pyi_eh_frame_sleb(code) * factor);
		break;
	case DW_CFA_restore_extended:
		restore(program, number);
		break;
	case DW_CFA_undefined:
		set_rule(program, number, RULE_UNDEFINED, 0);
		break;
	case DW_CFA_same_value:
		set_rule(program, number, RULE_SAME, 0);
		break;
	case DW_CFA_register:
		set_rule(program, number, RULE_REGISTER, 0);
		if (number < PYI_UNWIND_REGISTERS)
			program->rules.items[number].number = pyi_eh_frame_uleb(code);
		else
			pyi_eh_frame_uleb(code);
		break;
	case DW_CFA_expression:
		set_expression(program, number < CFA ? number : UINT64_MAX, RULE_EXPRESSION);
		break;
	case DW_CFA_val_expression:
		set_expression(program, number < CFA ? number : UINT64_MAX, RULE_VALUE_EXPRESSION);
		break;
	default:
		return false;
	}
	return true;
}

static void remember(struct program *program)
{
	if (program->remembered_count == REMEMBER_LIMIT)
		program->code.failed = true;
	else
		program->remembered[program->remembered_count++] = program->rules;
}

static void recall(struct program *program)
{
	if (!program->remembered_count)
		program->code.failed = true;
	else
		program->rules = program->remembered[--program->remembered_count];
}

static void run_other(struct program *program, uint8_t instruction, uint64_t table_addr)
{
	struct pyi_eh_frame_cursor *code = &program->code;
	uint64_t factor = program->cie->code_factor;

	switch (instruction) {
	case DW_CFA_nop:
	/* Return addresses are taken without their signature anyway. */
	case DW_CFA_AARCH64_negate_ra_state:
		break;
	case DW_CFA_set_loc:
		program->location = read_pointer(code, program->cie->pointer_encoding, table_addr);
		break;
	case DW_CFA_advance_loc1:
		program->location += pyi_eh_frame_unsigned(code, 1) * factor;
		break;
	case DW_CFA_advance_loc2:
		program->location += pyi_eh_frame_unsigned(code, 2) * factor;
		break;
	case DW_CFA_advance_loc4:
		program->location += pyi_eh_frame_unsigned(code, 4) * factor;
		break;
	case DW_CFA_remember_state:
		remember(program);
		break;
	case DW_CFA_restore_state:
		recall(program);
		break;
	case DW_CFA_GNU_args_size:
		pyi_eh_frame_uleb(code);
		break;
	default:
		code->failed = true;
		break;
	}
}

/* Runs it until it comes to what is behind `pc`. Each instruction is a read. */
static bool run_program(struct program *program, uint64_t addr, uint64_t end_addr, uint64_t pc,
			uint64_t table_addr)
{
	struct pyi_eh_frame_cursor *code = &program->code;

	code->addr = addr;
	code->end_addr = end_addr;
	while (!code->failed && code->addr < end_addr && program->location <= pc) {
		uint8_t instruction = (uint8_t)pyi_eh_frame_unsigned(code, 1);
		uint64_t operand = instruction & (uint8_t)~PRIMARY_MASK;

		switch (instruction & PRIMARY_MASK) {
		case DW_CFA_advance_loc:
			program->location += operand * program->cie->code_factor;
			break;
		case DW_CFA_offset:
			set_rule(program, operand, RULE_OFFSET,
				 pyi_eh_frame_uleb(code) * program->cie->data_factor);
			break;
		case DW_CFA_restore:
			restore(program, operand);
			break;
		default:
			if (!run_cfa(program, instruction) && !run_register(program, instruction))
				run_other(program, instruction, table_addr);
			break;
		}
	}
	return !code->failed;
}

static bool get_register(const struct pyi_unwind_registers *registers, uint64_t number,
			 uint64_t *ret_value)
{
	if (number >= PYI_UNWIND_REGISTERS || !(registers->known & UINT64_C(1) << number))
		return false;
	*ret_value = registers->values[number];
	return true;
}

/* Where a register of the caller is, or what it is, by its rule; false: it cannot be known. */
static bool apply(struct pyi_eh_frame_memory *memory, const struct rule *rule, uint64_t cfa,
		  uint64_t number, const struct pyi_unwind_registers *registers,
		  uint64_t *ret_value)
{
	uint64_t addr;

	switch (rule->kind) {
	case RULE_SAME:
		return get_register(registers, number, ret_value);
	case RULE_REGISTER:
		return get_register(registers, rule->number, ret_value);
	case RULE_VALUE_OFFSET:
		*ret_value = cfa + rule->value;
		return true;
	case RULE_OFFSET:
		return pyi_eh_frame_read(memory, cfa + rule->value, ret_value, sizeof(*ret_value));
	case RULE_EXPRESSION:
		return pyi_eh_frame_expression(memory, rule->value, rule->size_bytes, registers,
					       &cfa, &addr) &&
		       pyi_eh_frame_read(memory, addr, ret_value, sizeof(*ret_value));
	case RULE_VALUE_EXPRESSION:
		return pyi_eh_frame_expression(memory, rule->value, rule->size_bytes, registers,
					       &cfa, ret_value);
	case RULE_UNDEFINED:
		break;
	}
	return false;
}

static bool compute_cfa(struct pyi_eh_frame_memory *memory, const struct rule *rule,
			const struct pyi_unwind_registers *registers, uint64_t *ret_cfa)
{
	if (rule->kind == RULE_EXPRESSION)
		return pyi_eh_frame_expression(memory, rule->value, rule->size_bytes, registers,
					       NULL, ret_cfa);
	if (rule->kind != RULE_REGISTER || !get_register(registers, rule->number, ret_cfa))
		return false;
	*ret_cfa += rule->value;
	return true;
}

enum pyi_eh_frame_step pyi_eh_frame_step(struct pyi_eh_frame_memory *memory, uint64_t table_addr,
					 uint64_t table_bytes, uint64_t pc,
					 struct pyi_unwind_registers *registers)
{
	struct pyi_unwind_registers caller = { 0 };
	struct program program = { .code.memory = memory };
	const struct rule *rules = program.rules.items;
	struct fde fde;
	uint64_t addr, cfa;

	addr = search_table(memory, table_addr, table_bytes, pc);
	if (!addr || !read_fde(memory, addr, table_addr, pc, &fde))
		return PYI_EH_FRAME_NONE;
	program.cie = &fde.cie;
	if (!run_program(&program, fde.cie.program_addr, fde.cie.end_addr, UINT64_MAX, table_addr))
		return PYI_EH_FRAME_NONE;
	program.initial = program.rules;
	program.remembered_count = 0;
	program.location = fde.start_addr;
	if (!run_program(&program, fde.program_addr, fde.end_addr, pc, table_addr))
		return PYI_EH_FRAME_NONE;
	if (rules[fde.cie.return_register].kind == RULE_UNDEFINED)
		return PYI_EH_FRAME_OUTERMOST;
	if (!compute_cfa(memory, &rules[CFA], registers, &cfa))
		return PYI_EH_FRAME_NONE;
	for (unsigned r = 0; r < PYI_UNWIND_REGISTERS; r++) {
		bool known;

		/* Calls leave the stack pointer where it was before them. */
		if (r == pyi_arch_unwind_sp && rules[r].kind == RULE_SAME) {
			caller.values[r] = cfa;
			known = true;
		} else {
			known = apply(memory, &rules[r], cfa, r, registers, &caller.values[r]);
		}
		caller.known |= known ? UINT64_C(1) << r : 0;
	}
	if (!get_register(&caller, fde.cie.return_register, &caller.pc))
		return PYI_EH_FRAME_NONE;
	caller.pc = pyi_arch_code_addr(caller.pc);
	*registers = caller;
	return fde.cie.signal_frame ? PYI_EH_FRAME_INTERRUPTED : PYI_EH_FRAME_CALLER;
}
