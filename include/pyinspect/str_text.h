/*
 * The characters of a str: where they are, and how wide each is. Shared by the host and by
 * payloads. Looks at none of them.
 *
 * Sources: Include/cpython/unicodeobject.h (to 3.7 Include/unicodeobject.h), PyASCIIObject.state;
 * Include/unicodeobject.h of 2.7, whose text has no state.
 */
#ifndef PYINSPECT_STR_TEXT_H
#define PYINSPECT_STR_TEXT_H

#include <pyinspect/memory.h>

enum {
	PYI_STR_WIDTH_SHIFT = 2,
	PYI_STR_WIDTH_MASK = 7,
	/* The characters are behind the object's fields; if they are ASCII, behind fewer. */
	PYI_STR_COMPACT = 1 << 5,
	PYI_STR_ASCII = 1 << 6,
	PYI_STR_COMPACT_ASCII = PYI_STR_COMPACT | PYI_STR_ASCII,
};

/* Untrusted; `width` is 1, 2 or 4, or 0: it is broken. */
struct pyi_str_text {
	uint64_t addr;
	/* Characters. */
	uint64_t length;
	uint32_t width;
	/* PYI_STR_COMPACT and PYI_STR_ASCII. */
	uint32_t state;
};

static inline struct pyi_str_text pyi_str_text(struct pyi_memory_reader *reader,
					       const struct pyi_layout *layout, uint64_t str)
{
	struct pyi_str_text text = {
		.length = pyi_memory_u64(reader, str + layout->str_length),
		.width = layout->features & PYI_FEATURE_WIDE_TEXT ? 4 : 2,
	};

	if (pyi_has(layout->str_state)) {
		text.state = pyi_memory_u8(reader, str + layout->str_state);
		text.width = text.state >> PYI_STR_WIDTH_SHIFT & PYI_STR_WIDTH_MASK;
		if (text.width != 1 && text.width != 2 && text.width != 4)
			text.width = 0;
	}
	if (!(text.state & PYI_STR_COMPACT))
		text.addr = pyi_memory_u64(reader, str + layout->str_data);
	else if (text.state & PYI_STR_ASCII)
		text.addr = str + layout->str_ascii_size;
	else
		text.addr = str + layout->str_compact_size;
	return text;
}

/* True if it is, in memory, nothing but ASCII behind its fields. */
static inline bool pyi_str_is_compact_ascii(const struct pyi_str_text *text)
{
	return (text->state & PYI_STR_COMPACT_ASCII) == PYI_STR_COMPACT_ASCII;
}

#endif
