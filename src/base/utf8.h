/*
 * UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * A width is a number of characters; how many columns a terminal takes for them is not known here.
 */
#ifndef PYI_BASE_UTF8_H
#define PYI_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum {
	/* Bytes of the longest character. */
	PYI_UTF8_LIMIT = 4,
};

/*
 * Decodes the character that `text` begins with. Its bytes (1 to 4), or 0 if they are no UTF-8 or
 * `size_bytes` ends within it; then `ret_character` is left alone. A NUL is a character of one
 * byte, and no part of any other: of text that ends with one, `size_bytes` may be more than there
 * is.
 */
size_t pyi_utf8_decode(const char *text, size_t size_bytes, uint32_t *ret_character);

/* Encodes a character without a NUL; its bytes, or 0 if it is a surrogate or above U+10FFFF. */
size_t pyi_utf8_encode(uint32_t character, char ret_bytes[PYI_UTF8_LIMIT]);

/* The characters of valid text. */
size_t pyi_utf8_width(const char *text);

/* The byte where character `position` (from 0) of valid text starts, or its end. */
const char *pyi_utf8_skip(const char *text, size_t position);

#endif
