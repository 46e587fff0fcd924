/*
 * Fuzzer of src/process/elf_module.c: any file for a program or a library.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "process/elf_module.h"

enum {
	RANGES = 8,
};

static const char *const names[] = { "_PyRuntime", "PyType_Type", "a", "" };

/* Inside of the address space. */
static void expect_range(uint64_t addr, uint64_t size_bytes)
{
	uint64_t end;

	FUZZ_EXPECT(!__builtin_add_overflow(addr, size_bytes, &end));
}

static void look_around(struct pyi_elf_module *module)
{
	struct pyi_elf_range ranges[RANGES] = { 0 };
	struct pyi_elf_name found[2] = { 0 };
	uint64_t budget_bytes = 1 << 20;
	struct pyi_elf_symbol symbol;
	size_t count = pyi_elf_module_writable_ranges(module, ranges, RANGES);

	FUZZ_EXPECT(count <= RANGES && pyi_elf_module_path(module)[0]);
	found[0].addr = ranges[0].addr;
	found[1].addr = 0x1000;
	pyi_elf_module_find_names(module, found, 2, &budget_bytes);
	for (size_t n = 0; n < 2; n++)
		FUZZ_EXPECT(!found[n].name || strlen(found[n].name));
	while (count--)
		expect_range(ranges[count].addr, ranges[count].size_bytes);
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		if (pyi_elf_module_find_symbol(module, names[n], &symbol))
			expect_range(symbol.addr, symbol.size_bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static int file = -1;
	struct fuzz_input input = { bytes, size_bytes };
	uint64_t load_bias = fuzz_take(&input, 1) << 44;
	struct pyi_elf_module *module;
	int own;

	if (file < 0)
		file = memfd_create("module", MFD_CLOEXEC);
	FUZZ_EXPECT(file >= 0 && !ftruncate(file, 0));
	FUZZ_EXPECT(pwrite(file, input.bytes, input.size_bytes, 0) == (ssize_t)input.size_bytes);
	own = dup(file);
	FUZZ_EXPECT(own >= 0);
	if (!fuzz_drop(pyi_elf_module_open_fd(own, load_bias, &module))) {
		look_around(module);
		pyi_elf_module_close(module);
	}
	return 0;
}
