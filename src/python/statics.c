/*
 * Reads addresses of static variables out of short exported functions. Believes nothing: what is
 * found is checked with the layout.
 */
#include "python/statics.h"

#include <string.h>

enum {
	CODE_BYTES = 192,
	DISPLACEMENT_BYTES = 4,
	WRITABLE_LIMIT = 8,
};

/* Of an operand [rip + displacement]; `end` is where the instruction ends. */
static uint64_t operand(const uint8_t *displacement, uint64_t end_addr)
{
	int32_t distance;

	memcpy(&distance, displacement, sizeof(distance));
	return end_addr + (uint64_t)(int64_t)distance;
}

uint64_t pyi_statics_returned(const uint8_t *code, size_t size_bytes, uint64_t addr)
{
	static const uint8_t landing[] = { 0xf3, 0x0f, 0x1e, 0xfa }; /* endbr64 */
	static const uint8_t load[] = { 0x48, 0x8b, 0x05 };	     /* mov rax, [rip + ...] */
	const uint8_t ret = 0xc3;
	size_t at = 0;

	if (size_bytes >= sizeof(landing) && memcmp(code, landing, sizeof(landing)) == 0)
		at = sizeof(landing);
	if (size_bytes - at < sizeof(load) + DISPLACEMENT_BYTES + 1 ||
	    memcmp(code + at, load, sizeof(load)) != 0)
		return 0;
	at += sizeof(load);
	if (code[at + DISPLACEMENT_BYTES] != ret)
		return 0;
	return operand(code + at, addr + at + DISPLACEMENT_BYTES);
}

uint64_t pyi_statics_set_to_one(const uint8_t *code, size_t size_bytes, uint64_t addr)
{
	static const uint8_t store[] = { 0xc7, 0x05 }; /* mov dword [rip + ...], constant */
	static const uint8_t one[] = { 1, 0, 0, 0 };
	const size_t length = sizeof(store) + DISPLACEMENT_BYTES + sizeof(one);

	for (size_t at = 0; at + length <= size_bytes; at++)
		if (memcmp(code + at, store, sizeof(store)) == 0 &&
		    memcmp(code + at + sizeof(store) + DISPLACEMENT_BYTES, one, sizeof(one)) == 0)
			return operand(code + at + sizeof(store), addr + at + length);
	return 0;
}

static uint64_t decode(struct pyi_elf_module *module, struct pyi_memory_reader *reader,
		       const char *function,
		       uint64_t (*decoder)(const uint8_t *code, size_t size_bytes, uint64_t addr))
{
	struct pyi_elf_range ranges[WRITABLE_LIMIT];
	size_t count = pyi_elf_module_writable_ranges(module, ranges, WRITABLE_LIMIT);
	struct pyi_elf_symbol symbol;
	uint8_t code[CODE_BYTES];
	uint64_t size = sizeof(code);
	uint64_t addr;

	if (!pyi_elf_module_find_symbol(module, function, &symbol))
		return 0;
	if (symbol.size_bytes < size)
		size = symbol.size_bytes;
	if (!pyi_memory_try_read(reader, symbol.addr, code, size))
		return 0;
	addr = decoder(code, (size_t)size, symbol.addr);
	for (size_t r = 0; r < count; r++)
		if (addr >= ranges[r].addr && addr - ranges[r].addr < ranges[r].size_bytes)
			return addr;
	return 0;
}

/* As the code is bound to it. */
static uint64_t find_variable(struct pyi_scope *scope, size_t home, const char *name)
{
	struct pyi_elf_symbol symbols[PYI_SCOPE_LIMIT];

	return pyi_scope_find(scope, home, name, symbols) ? symbols[0].addr : 0;
}

bool pyi_statics_find(struct pyi_scope *scope, size_t home, struct pyi_memory_reader *reader,
		      struct pyi_statics *ret_statics)
{
	struct pyi_elf_module *module = scope->modules[home];
	struct pyi_statics statics = {
		.interpreters_addr =
			decode(module, reader, "PyInterpreterState_Head", pyi_statics_returned),
		.collecting_addr = decode(module, reader, "PyGC_Collect", pyi_statics_set_to_one),
		.current_thread_addr = find_variable(scope, home, "_PyThreadState_Current"),
	};
	uint64_t generation0_addr = find_variable(scope, home, "_PyGC_generation0");

	if (!statics.interpreters_addr || !statics.collecting_addr ||
	    !statics.current_thread_addr || !generation0_addr ||
	    !pyi_memory_try_read_u64(reader, generation0_addr, &statics.generations_addr) ||
	    !statics.generations_addr)
		return false;
	*ret_statics = statics;
	return true;
}
