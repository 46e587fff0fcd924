/*
 * Decodes and encodes one character at a time.
 */
#include "base/utf8.h"

#include <stdbool.h>

enum {
	CHARACTER_LIMIT = 0x10ffff,
	CONTINUATION_BITS = 6,
};

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static bool is_surrogate(uint32_t character)
{
	return character >= 0xd800 && character <= 0xdfff;
}

size_t pyi_utf8_decode(const char *text, size_t size_bytes, uint32_t *ret_character)
{
	/* Of the characters that need so many bytes. */
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t character;
	size_t length;
	unsigned char first;

	if (!size_bytes)
		return 0;
	first = (unsigned char)text[0];
	if (first < 0x80) {
		*ret_character = first;
		return 1;
	}
	if (first < 0xc0 || first >= 0xf8)
		return 0;
	length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (length > size_bytes)
		return 0;
	character = first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (!is_continuation(text[i]))
			return 0;
		character = character << CONTINUATION_BITS | ((unsigned char)text[i] & 0x3f);
	}
	if (character < smallest[length] || character > CHARACTER_LIMIT || is_surrogate(character))
		return 0;
	*ret_character = character;
	return length;
}

size_t pyi_utf8_encode(uint32_t character, char ret_bytes[PYI_UTF8_LIMIT])
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

	if (character > CHARACTER_LIMIT || is_surrogate(character))
		return 0;
	for (size_t i = length - 1; i; i--) {
		ret_bytes[i] = (char)(0x80 | (character & 0x3f));
		character >>= CONTINUATION_BITS;
	}
	ret_bytes[0] = (char)(marks[length] | character);
	return length;
}

size_t pyi_utf8_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += !is_continuation(*text);
	return width;
}

const char *pyi_utf8_skip(const char *text, size_t position)
{
	for (; *text; text++)
		if (!is_continuation(*text) && !position--)
			break;
	return text;
}
