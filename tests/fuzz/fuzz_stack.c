/*
 * Fuzzer of src/source/stack.c and unwind_table.c, and of libunwind behind the guard: a module in
 * memory, its headers, its tables and rules, and the stack.
 *
 * Faults of libunwind are contained, and no finding.
 */
#include "fuzz.h"
#include "source/stack.h"

enum {
	IMAGE_BYTES = 1 << 14,
	BASE_ADDR = 0x10000000,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static const char text[] = "10000000-10004000 r-xp 00000000 fe:01 5 /a/module\n";
	static uint8_t image[IMAGE_BYTES];
	struct fuzz_input input = { bytes, size_bytes };
	struct pyi_unwind_registers registers = { .known = UINT64_MAX >> 31 };
	struct pyi_memory_reader *reader;
	struct pyi_stack stack;
	uint64_t pc, sp, others;
	struct pyi_maps maps;

	pc = BASE_ADDR + fuzz_take(&input, 2);
	sp = BASE_ADDR + fuzz_take(&input, 2);
	others = BASE_ADDR + fuzz_take(&input, 2);
	for (unsigned r = 0; r < PYI_UNWIND_REGISTERS; r++)
		registers.values[r] = others;
	registers.values[pyi_unwind_pc] = pc;
	registers.values[pyi_unwind_sp] = sp;
	memset(image, 0, sizeof(image));
	if (input.size_bytes)
		memcpy(image, input.bytes,
		       input.size_bytes < IMAGE_BYTES ? input.size_bytes : IMAGE_BYTES);
	FUZZ_EXPECT(!fuzz_drop(pyi_maps_parse(strdup(text), &maps)));
	FUZZ_EXPECT(
		!fuzz_drop(pyi_memory_reader_create_mock(image, IMAGE_BYTES, BASE_ADDR, &reader)));
	pyi_stack_read(reader, &maps, &registers, &stack);
	FUZZ_EXPECT(stack.count > 0 && stack.count <= PYI_STACK_LIMIT);
	FUZZ_EXPECT(stack.frames[0].pc == pc && !stack.frames[0].is_return);
	for (size_t f = 0; f < stack.count; f++)
		FUZZ_EXPECT(stack.frames[f].pc && !stack.frames[f].name[0]);
	pyi_memory_reader_destroy(reader);
	pyi_maps_deinit(&maps);
	return 0;
}
