/*
 * Builds dicts and text as CPython 2.7 would. The rest of a heap is in invented_heap.c.
 */
#include "invented_table.h"

#include <string.h>

enum {
	SMALLEST_SLOTS = 8,
	ENTRY_BYTES = 24,
	ENTRY_KEY = 8,
	ENTRY_VALUE = 16,
};

bool invented_has_table(const struct pyi_layout *layout)
{
	return layout->dict_table != PYI_ABSENT;
}

int invented_traverse_table(const struct pyi_layout *layout, uint64_t dict,
			    int (*visit)(void *object, void *argument), void *argument)
{
	uint64_t entry = invented_get(dict + layout->dict_table);
	uint64_t count = invented_get(dict + layout->dict_mask) + 1;
	int result = 0;

	for (uint64_t i = 0; i < count && !result; i++, entry += ENTRY_BYTES) {
		uint64_t value = invented_get(entry + ENTRY_VALUE);
		uint64_t key = invented_get(entry + ENTRY_KEY);

		if (!value)
			continue;
		result = visit((void *)(uintptr_t)key, argument);
		if (!result)
			result = visit((void *)(uintptr_t)value, argument);
	}
	return result;
}

void invented_fill_table(struct invented_heap *heap, uint64_t dict, const uint64_t *keys,
			 const uint64_t *values, size_t count)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t table = dict + layout->dict_smalltable;
	uint64_t slots = SMALLEST_SLOTS;

	while (slots * 2 / 3 < count)
		slots *= 2;
	if (slots > SMALLEST_SLOTS)
		table = invented_raw(heap, slots * ENTRY_BYTES);
	invented_set(dict + layout->dict_mask, slots - 1);
	invented_set(dict + layout->dict_table, table);
	for (size_t i = 0; i < count; i++) {
		invented_set(table + i * ENTRY_BYTES + ENTRY_KEY, keys[i]);
		invented_set(table + i * ENTRY_BYTES + ENTRY_VALUE, values[i]);
	}
}

uint64_t invented_units(struct invented_heap *heap, const uint32_t *characters, size_t count)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t addr = invented_object(heap, heap->str_type, layout->str_legacy_size);
	size_t width = layout->features & PYI_FEATURE_WIDE_TEXT ? 4 : 2;
	uint64_t data = invented_raw(heap, (count + 1) * width);

	invented_set(addr + layout->str_length, count);
	invented_set(addr + layout->str_data, data);
	/* Little-endian, as both architectures are. */
	for (size_t i = 0; i < count; i++)
		memcpy((void *)(uintptr_t)(data + i * width), &characters[i], width);
	return addr;
}

uint64_t invented_unit_str(struct invented_heap *heap, const char *text)
{
	uint32_t characters[256];
	size_t count = strlen(text) < 256 ? strlen(text) : 256;

	for (size_t i = 0; i < count; i++)
		characters[i] = (unsigned char)text[i];
	return invented_units(heap, characters, count);
}
