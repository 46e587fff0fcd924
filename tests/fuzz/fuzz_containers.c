/*
 * Fuzzer of src/python/containers.c: names of containers in a heap in which modules, classes and
 * objects all have the same broken dict.
 */
#include "base/clock.h"
#include "mixed_heap.h"
#include "python/containers.h"
#include "python/types.h"

enum {
	CHANGES = 6,
	ITEMS = 2,
};

/* Gives the dict that all have two other values, until `restore` brings the old ones back. */
static void set_values(struct mixed_heap *mixed, uint64_t dict, const uint64_t values[ITEMS],
		       uint64_t ret_before[ITEMS])
{
	const struct pyi_layout *layout = &mixed->heap.layout;
	uint64_t keys =
		layout->dict_keys != PYI_ABSENT ? invented_get(dict + layout->dict_keys) : dict;

	for (size_t i = 0; i < ITEMS; i++) {
		uint64_t place = invented_entry_addr(&mixed->heap, keys, i, true);

		ret_before[i] = invented_get(place);
		invented_set(place, values[i]);
	}
}

static void find(struct mixed_heap *mixed, uint64_t least)
{
	static const char *const wanted[] = { "__name__.__name__", "app.Thing.__name__" };
	const struct pyi_container_request request = { least, wanted, 2 };
	const struct pyi_runtime *runtime = &mixed->runtime;
	struct pyi_interpreters interpreters;
	struct pyi_container_list list;
	struct pyi_type_list types;

	if (fuzz_drop(pyi_interpreters_list(runtime, mixed->reader, &interpreters)) ||
	    fuzz_drop(
		    pyi_types_list(runtime, mixed->reader, &interpreters, PYI_CLOCK_NEVER, &types)))
		return;
	if (!fuzz_drop(pyi_containers_find(runtime, mixed->reader, &interpreters, &types, &request,
					   PYI_CLOCK_NEVER, &list))) {
		for (size_t i = 0; i < list.count; i++) {
			FUZZ_EXPECT(strchr(list.items[i].name, '.'));
			FUZZ_EXPECT(list.items[i].length <= INT64_MAX);
			FUZZ_EXPECT(!i || strcmp(list.items[i - 1].name, list.items[i].name) <= 0);
		}
		pyi_container_list_deinit(&list);
	}
	pyi_type_list_deinit(&types);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	const unsigned version = (unsigned)fuzz_take(&input, 1);
	struct mixed_heap *mixed = mixed_heap_get(version, true);
	const struct pyi_layout *layout = &mixed->heap.layout;
	uint64_t dict = invented_get(mixed->interpreter + layout->interp_modules);
	uint64_t least = fuzz_take(&input, 1);
	uint64_t values[ITEMS];
	uint64_t before[ITEMS];
	uint64_t unused[ITEMS];

	for (size_t i = 0; i < ITEMS; i++)
		values[i] = mixed->objects[fuzz_take(&input, 1) % mixed->object_count];
	set_values(mixed, dict, values, before);
	mixed_heap_break(mixed, &input, CHANGES);
	find(mixed, least);
	/* Whole again, but for the values. */
	mixed = mixed_heap_get(version, true);
	set_values(mixed, dict, before, unused);
	return 0;
}
