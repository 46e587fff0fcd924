/*
 * For tests: stands in for the table of layouts, with one field moved in all rows.
 *
 *     PYI_SHIFT=INDEX:BYTES pyinspect_shifted ...        field INDEX of struct pyi_layout, from 0
 *
 * Linked in place of src/python/layouts.c, whose own table has another name here. A field that a
 * row does not have stays absent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/layouts.h"

enum {
	ROW_LIMIT = 64,
	FIELD_COUNT = sizeof(struct pyi_layout) / sizeof(uint32_t),
};

extern const struct pyi_known_layout generated_layouts[];
extern const size_t generated_layout_count;

/* What the rest of the program takes for constant. */
struct pyi_known_layout shifted_layouts[ROW_LIMIT] __asm__("pyi_known_layouts");
size_t shifted_layout_count __asm__("pyi_known_layout_count");

__attribute__((constructor)) static void shift(void)
{
	const char *text = getenv("PYI_SHIFT");
	unsigned index = 0;
	unsigned bytes = 0;

	if (generated_layout_count > ROW_LIMIT ||
	    (text && (sscanf(text, "%u:%u", &index, &bytes) != 2 || index >= FIELD_COUNT)))
		abort();
	memcpy(shifted_layouts, generated_layouts,
	       generated_layout_count * sizeof(*generated_layouts));
	shifted_layout_count = generated_layout_count;
	for (size_t row = 0; row < generated_layout_count; row++) {
		uint32_t *field = (uint32_t *)&shifted_layouts[row].layout + index;

		if (*field != PYI_ABSENT)
			*field += bytes;
	}
}
