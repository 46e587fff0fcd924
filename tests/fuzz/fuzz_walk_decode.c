/*
 * Fuzzer of src/heap/walk_decode.c: any bytes for a run of records.
 */
#include "fuzz.h"
#include "heap/walk_run.h"

struct counts {
	uint64_t objects;
	uint64_t records;
};

static void take_object(void *argument, const struct pyi_record_object *record)
{
	struct counts *counts = argument;

	FUZZ_EXPECT(record->kind == PYI_RECORD_OBJECT && record->size_bytes == sizeof(*record));
	counts->objects++;
}

static struct pyi_error *take_words(void *argument, const uint8_t *bytes, size_t size_bytes)
{
	struct counts *counts = argument;
	uint64_t sum = 0;

	/* All of it can be read. */
	FUZZ_EXPECT(size_bytes % 8 == 0);
	for (size_t i = 0; i < size_bytes; i++)
		sum += bytes[i];
	counts->records++;
	return sum == 4711 ? pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INTERRUPTED,
					      "by the one who asked")
			   : NULL;
}

static struct pyi_error *take_record(void *argument, uint32_t kind, const void *record)
{
	const struct pyi_record_graph_type *type = record;
	struct counts *counts = argument;

	FUZZ_EXPECT((kind == PYI_RECORD_GRAPH_TYPE || kind == PYI_RECORD_GRAPH_ROOT) &&
		    type->kind == kind);
	counts->records++;
	if (kind == PYI_RECORD_GRAPH_TYPE && type->number % 64 == 63)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INTERRUPTED,
					"by the one who asked");
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct counts counts = { 0 };
	const struct pyi_walk_request request = {
		.object = take_object,
		.object_argument = &counts,
		.record = take_record,
		.words = take_words,
		.record_argument = &counts,
	};
	struct pyi_walk_result result = { .root_count = UINT64_MAX };
	size_t half = size_bytes / 16 * 8;

	/* In two runs, as from a buffer that was full. */
	if (!fuzz_drop(pyi_walk_decode(bytes, half, &request, &result)) &&
	    !fuzz_drop(pyi_walk_decode(bytes + half, size_bytes - half, &request, &result)))
		FUZZ_EXPECT((result.type_count + counts.objects + counts.records) * 8 <=
			    size_bytes);
	pyi_walk_result_deinit(&result);
	return 0;
}
