/*
 * Fuzzer of src/python/objects.c: strings, dicts and names of types of a heap that is broken.
 */
#include "mixed_heap.h"
#include "python/objects.h"

enum {
	CHANGES = 6,
	MODELLED = 2,
};

/* Each character is well-formed UTF-8, none a surrogate. */
static void expect_utf8(const char *text, size_t limit)
{
	const unsigned char *at = (const unsigned char *)text;

	FUZZ_EXPECT(memchr(text, '\0', limit));
	while (*at) {
		int more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;

		FUZZ_EXPECT(*at < 0x80 || (*at >= 0xc2 && *at < 0xf5));
		FUZZ_EXPECT(*at != 0xed || at[1] < 0xa0);
		at++;
		while (more--)
			FUZZ_EXPECT((*at++ & 0xc0) == 0x80);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct mixed_heap *mixed = mixed_heap_get((unsigned)fuzz_take(&input, 1), false);
	uint64_t addr = mixed_heap_take_address(mixed, &input);
	const uint64_t modelled[MODELLED] = { mixed->heap.object_type, mixed->heap.dict_type };
	char text[PYI_NAME_BYTES];
	uint64_t value;
	char *name;

	mixed_heap_break(mixed, &input, CHANGES);
	memset(text, 'x', sizeof(text));
	if (pyi_objects_read_str(&mixed->runtime, mixed->reader, addr, text))
		expect_utf8(text, sizeof(text));
	for (size_t i = 0; i < mixed->object_count; i++) {
		addr = mixed->objects[i];
		if (pyi_objects_dict_get(&mixed->runtime, mixed->reader, addr, "__module__",
					 &value))
			FUZZ_EXPECT(value);
		/* All of these are no types; most are not. */
		name = pyi_objects_type_name(&mixed->runtime, mixed->reader, addr);
		FUZZ_EXPECT(name && name[0]);
		free(name);
	}
	addr = mixed->objects[fuzz_take(&input, 1) % mixed->object_count];
	(void)pyi_objects_module_get(&mixed->runtime, mixed->reader, addr, "app", "__name__",
				     &value);
	(void)pyi_objects_size_is_estimated(&mixed->runtime, mixed->reader, addr, modelled,
					    MODELLED);
	return 0;
}
