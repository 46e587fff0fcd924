/*
 * Fuzzer of payloads/: the census of a heap that is broken in any way.
 */
#include "walk_host.h"

enum {
	CHANGES = 12,
	ROOTS = 4,
	/* What an address space can hold: no object is larger. */
	SIZE_LIMIT_LOG2 = 47,
};

static void take_object(void *argument, const struct pyi_record_object *record)
{
	uint64_t *count = argument;

	++*count;
	FUZZ_EXPECT(record->bytes >> SIZE_LIMIT_LOG2 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	unsigned version = (unsigned)fuzz_take(&input, 1);
	unsigned flags = (unsigned)fuzz_take(&input, 1);
	struct mixed_heap *mixed = mixed_heap_get(version, false);
	uint64_t objects = 0;
	uint64_t counted = 0;
	uint64_t bytes_counted = 0;
	uint64_t roots[ROOTS];
	struct pyi_walk_request request = {
		.flags = flags & (PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS),
		.object = take_object,
		.object_argument = &objects,
	};
	struct pyi_walk_result result;

	for (int r = 0; r < ROOTS; r++)
		roots[r] = mixed_heap_take_address(mixed, &input);
	mixed_heap_break(mixed, &input, CHANGES);
	FUZZ_EXPECT(walk_host_run(mixed, &request, roots, ROOTS, &result) == PYI_PAYLOAD_OK);
	for (size_t t = 0; t < result.type_count; t++) {
		counted += result.types[t].count;
		bytes_counted += result.types[t].bytes;
	}
	FUZZ_EXPECT(result.summary.objects == counted && result.summary.bytes == bytes_counted);
	if (flags & PYI_CENSUS_OBJECTS)
		FUZZ_EXPECT(objects == counted);
	/* Nothing is wrong with a heap that nobody broke. */
	if (size_bytes <= 2)
		FUZZ_EXPECT(result.summary.trouble == PYI_TROUBLE_NONE);
	pyi_walk_result_deinit(&result);
	return 0;
}
