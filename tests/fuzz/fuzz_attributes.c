/*
 * Fuzzer of src/python/attributes.c and members.c: attributes, slots, items and lengths in a heap
 * that is broken.
 */
#include "mixed_heap.h"
#include "python/attributes.h"
#include "python/members.h"

enum {
	CHANGES = 6,
	OFFSETS = 256,
	/* No table of a mixed heap has more. */
	ITEM_LIMIT = 1 << 20,
};

static bool take_item(void *argument, uint64_t key, uint64_t value)
{
	uint64_t *count = argument;

	FUZZ_EXPECT(key && value && ++*count < ITEM_LIMIT);
	return true;
}

static void expect_text(const char *text, size_t limit)
{
	FUZZ_EXPECT(text[0] && memchr(text, '\0', limit));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static const char *const names[] = { "__name__", "senders", "cache", "Thing",
					     "__module__" };
	struct fuzz_input input = { bytes, size_bytes };
	struct mixed_heap *mixed = mixed_heap_get((unsigned)fuzz_take(&input, 1), true);
	const char *name = names[fuzz_take(&input, 1) % 5];
	uint64_t offset = fuzz_take(&input, 1) % OFFSETS;
	const struct pyi_runtime *runtime = &mixed->runtime;
	uint64_t first = mixed_heap_take_address(mixed, &input);

	mixed_heap_break(mixed, &input, CHANGES);
	for (size_t i = 0; i <= mixed->object_count; i++) {
		uint64_t addr = i ? mixed->objects[i - 1] : first;
		char text[PYI_NAME_BYTES];
		uint64_t count = 0;
		uint64_t value;

		if (pyi_attributes_get(runtime, mixed->reader, addr, name, &value))
			FUZZ_EXPECT(value);
		if (pyi_attributes_get_class(runtime, mixed->reader, addr, name, &value))
			FUZZ_EXPECT(value);
		(void)pyi_attributes_each_item(runtime, mixed->reader, addr, take_item, &count);
		if (pyi_attributes_length(runtime, mixed->reader, addr, &value))
			FUZZ_EXPECT(value <= INT64_MAX);
		memset(text, 'x', sizeof(text));
		if (pyi_attributes_field_name(runtime, mixed->reader, addr, offset * 8, text))
			expect_text(text, sizeof(text));
		FUZZ_EXPECT(pyi_members_kind(runtime, mixed->reader, addr) < PYI_KIND_COUNT);
	}
	return 0;
}
