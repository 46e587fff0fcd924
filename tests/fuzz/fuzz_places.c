/*
 * Fuzzer of src/python/places.c and describe.c: what edges, places and values of a broken heap are
 * called; with any edge and any place, as a payload that went wrong might send them.
 */
#include "mixed_heap.h"
#include "python/places.h"

enum {
	CHANGES = 6,
	KINDS = PYI_EDGE_STATIC_TYPE + 2,
	HOLDERS = PYI_HOLDER_OTHER + 2,
	/* Characters of a description without a type's name, and bytes that one may have. */
	WIDTH_LIMIT = 60,
};

static uint64_t take_number(const struct mixed_heap *mixed, struct fuzz_input *input)
{
	if (fuzz_take(input, 1) & 1)
		return mixed_heap_take_address(mixed, input);
	return fuzz_take(input, 2);
}

static struct pyi_edge take_edge(const struct mixed_heap *mixed, struct fuzz_input *input)
{
	return (struct pyi_edge){
		.kind = (uint32_t)(fuzz_take(input, 1) % KINDS),
		.detail = take_number(mixed, input),
		.context = mixed_heap_take_address(mixed, input),
	};
}

static void expect_described(const struct pyi_places *places, uint64_t addr)
{
	char *text = pyi_places_describe(places, addr);
	size_t width = 0;

	FUZZ_EXPECT(text && text[0]);
	for (const char *at = text; *at; at++)
		width += ((unsigned char)*at & 0xc0) != 0x80;
	if (text[0] != '<')
		FUZZ_EXPECT(places->values && width <= WIDTH_LIMIT);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct mixed_heap *mixed = mixed_heap_get((unsigned)fuzz_take(&input, 1), false);
	struct pyi_places places = {
		.runtime = &mixed->runtime,
		.reader = mixed->reader,
		.values = fuzz_take(&input, 1) & 1,
	};
	struct pyi_place place = {
		.holder = (uint32_t)(fuzz_take(&input, 1) % HOLDERS),
		.holder_addr = mixed_heap_take_address(mixed, &input),
		.edge = take_edge(mixed, &input),
	};
	struct pyi_edge edge = take_edge(mixed, &input);
	uint64_t type = mixed_heap_take_address(mixed, &input);
	char name[PYI_NAME_BYTES];
	bool none;
	char *text;

	mixed_heap_break(mixed, &input, CHANGES);
	text = pyi_places_edge(&places, type, &edge);
	FUZZ_EXPECT(text && (text[0] || edge.kind == PYI_EDGE_NONE));
	free(text);
	text = pyi_places_owner(&places, &place, &none);
	FUZZ_EXPECT(none ? !text && place.holder == PYI_HOLDER_NONE : text != NULL);
	free(text);
	text = pyi_places_code_name(&places, edge.context);
	FUZZ_EXPECT(text && text[0]);
	free(text);
	if (pyi_places_local_name(&places, edge.context, edge.detail, name))
		FUZZ_EXPECT(name[0] && memchr(name, '\0', sizeof(name)));
	for (size_t i = 0; i < mixed->object_count; i++)
		expect_described(&places, mixed->objects[i]);
	expect_described(&places, edge.detail);
	return 0;
}
