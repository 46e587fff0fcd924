/*
 * Fuzzer of src/python/types.c and types_choose.c: the list of types of a broken heap, and choosing
 * among them by any name.
 */
#include "base/clock.h"
#include "mixed_heap.h"
#include "python/types.h"

enum {
	CHANGES = 6,
	NAME_BYTES = 8,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct mixed_heap *mixed = mixed_heap_get((unsigned)fuzz_take(&input, 1), true);
	const struct pyi_runtime *runtime = &mixed->runtime;
	unsigned how = (unsigned)fuzz_take(&input, 1);
	struct pyi_interpreters interpreters;
	struct pyi_type_list list;
	char wanted[NAME_BYTES + 1];
	uint64_t *chosen = NULL;
	size_t count = 0;
	char *name = NULL;

	for (size_t i = 0; i < NAME_BYTES; i++)
		wanted[i] = (char)fuzz_take(&input, 1);
	wanted[NAME_BYTES] = '\0';
	mixed_heap_break(mixed, &input, CHANGES);
	if (fuzz_drop(pyi_interpreters_list(runtime, mixed->reader, &interpreters)))
		return 0;
	if (fuzz_drop(
		    pyi_types_list(runtime, mixed->reader, &interpreters, PYI_CLOCK_NEVER, &list)))
		return 0;
	FUZZ_EXPECT(list.count >= 2);
	for (size_t t = 0; t < list.count; t++) {
		FUZZ_EXPECT(list.types[t].name && list.types[t].name[0]);
		FUZZ_EXPECT(!t || list.types[t - 1].addr < list.types[t].addr);
		(void)pyi_types_is_subclass(runtime, mixed->reader, list.types[t].addr,
					    mixed->heap.object_type);
	}
	/* Mostly a name that is there. */
	if (!fuzz_drop(pyi_types_choose(runtime, mixed->reader, &list,
					how & 1 ? wanted : list.types[how / 4 % list.count].name,
					how & 2, &chosen, &count, &name))) {
		FUZZ_EXPECT(count && name && name[0]);
		for (size_t c = 1; c < count; c++)
			FUZZ_EXPECT(chosen[c - 1] < chosen[c]);
	}
	free(chosen);
	free(name);
	pyi_type_list_deinit(&list);
	return 0;
}
