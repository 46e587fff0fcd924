/*
 * Fuzzer of src/process/elf_module_open.c: a file and the maps that are said to be of it, compared
 * with memory (headers, notes), which is our own.
 */
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fuzz.h"
#include "process/elf_module.h"

enum {
	IMAGE_BYTES = 1 << 14,
	MAPS = 4,
	TEXT_BYTES = 1024,
};

static int file = -1;
static uint8_t *image;
static struct pyi_process process;

static void set_up(void)
{
	file = memfd_create("image", MFD_CLOEXEC);
	image = mmap(NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FUZZ_EXPECT(file >= 0 && image != MAP_FAILED);
	FUZZ_EXPECT(!pyi_process_open(getpid(), &process));
}

/* Of the file, or so they say: 8 bytes each. */
static void take_maps(struct fuzz_input *input, struct pyi_maps *ret_maps)
{
	char *text = malloc(TEXT_BYTES);
	uint64_t addr = (uintptr_t)image;
	int length = 0;
	struct stat status;

	FUZZ_EXPECT(text && !fstat(file, &status));
	for (int m = 0; m < MAPS; m++) {
		unsigned how = (unsigned)fuzz_take(input, 1);
		uint64_t start = addr + fuzz_take(input, 1) % 4 * 4096;
		uint64_t end = start + (1 + fuzz_take(input, 1) % 4) * 4096;
		uint64_t offset = fuzz_take(input, 1) % 8 * 4096;

		length += snprintf(text + length, TEXT_BYTES - (size_t)length,
				   "%" PRIx64 "-%" PRIx64 " r%c%cp %" PRIx64
				   " %02x:%02x %ju /proc/%d/fd/%d%s\n",
				   start, end, how & 1 ? 'w' : '-', how & 2 ? '-' : 'x', offset,
				   major(status.st_dev), minor(status.st_dev),
				   (uintmax_t)status.st_ino + (how >> 2 & 1), (int)getpid(), file,
				   how & 8 ? " (deleted)" : "");
		FUZZ_EXPECT(length < TEXT_BYTES);
		addr = end;
	}
	FUZZ_EXPECT(!fuzz_drop(pyi_maps_parse(text, ret_maps)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct pyi_elf_module *module;
	struct pyi_elf_symbol symbol;
	struct pyi_maps maps;
	size_t changed;

	if (file < 0)
		set_up();
	take_maps(&input, &maps);
	/* Memory is as the file is, but for one byte. */
	changed = fuzz_take(&input, 2) % IMAGE_BYTES;
	memset(image, 0, IMAGE_BYTES);
	if (input.size_bytes)
		memcpy(image, input.bytes,
		       input.size_bytes < IMAGE_BYTES ? input.size_bytes : IMAGE_BYTES);
	image[changed] ^= 1;
	FUZZ_EXPECT(!ftruncate(file, 0));
	FUZZ_EXPECT(pwrite(file, input.bytes, input.size_bytes, 0) == (ssize_t)input.size_bytes);
	for (size_t m = 0; m < maps.count; m++) {
		if (fuzz_drop(pyi_elf_module_open(&process, &maps, &maps.items[m], &module)))
			continue;
		(void)pyi_elf_module_find_symbol(module, "_PyRuntime", &symbol);
		pyi_elf_module_close(module);
	}
	pyi_maps_deinit(&maps);
	return 0;
}
