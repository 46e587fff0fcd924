/*
 * Fuzzer of src/snapshot/stack.c and eh_frame.c: a module in memory, its headers, its tables and
 * rules, and the stack.
 */
#include "fuzz.h"
#include "snapshot/stack.h"

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
	struct pyi_maps maps;

	registers.pc = BASE_ADDR + fuzz_take(&input, 2);
	for (unsigned r = 0; r < PYI_UNWIND_REGISTERS; r++)
		registers.values[r] = BASE_ADDR + 8 * r;
	registers.values[pyi_arch_unwind_sp] = BASE_ADDR + fuzz_take(&input, 2);
	registers.values[pyi_arch_unwind_fp] = BASE_ADDR + fuzz_take(&input, 2);
	memset(image, 0, sizeof(image));
	if (input.size_bytes)
		memcpy(image, input.bytes,
		       input.size_bytes < IMAGE_BYTES ? input.size_bytes : IMAGE_BYTES);
	FUZZ_EXPECT(!fuzz_drop(pyi_maps_parse(strdup(text), &maps)));
	FUZZ_EXPECT(
		!fuzz_drop(pyi_memory_reader_create_mock(image, IMAGE_BYTES, BASE_ADDR, &reader)));
	pyi_stack_read(reader, &maps, &registers, &stack);
	FUZZ_EXPECT(stack.count > 0 && stack.count <= PYI_STACK_LIMIT);
	FUZZ_EXPECT(stack.frames[0].pc == registers.pc && !stack.frames[0].is_return);
	for (size_t f = 0; f < stack.count; f++)
		FUZZ_EXPECT(stack.frames[f].pc && !stack.frames[f].name[0]);
	pyi_memory_reader_destroy(reader);
	pyi_maps_deinit(&maps);
	return 0;
}
