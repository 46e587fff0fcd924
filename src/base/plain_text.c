/*
 * Ranges of characters that are never shown as they are, and what JSON has in their place.
 */
#include "base/plain_text.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum {
	NO_UTF8 = 0xfffd,
};

bool pyi_plain_text_is_shown(uint32_t code_point)
{
	/*
	 * Unicode: General_Category Cc, Cf, Zl, Zp, Co, Cs, and Zs but U+0020;
	 * Noncharacter_Code_Point; Default_Ignorable_Code_Point (DerivedCoreProperties.txt), which
	 * covers what is not assigned yet. One more: the Braille pattern without dots is a symbol,
	 * but as blank as a space.
	 */
	static const struct {
		uint32_t first;
		uint32_t last;
	} hidden[] = {
		{ 0x0000, 0x001f },	 { 0x007f, 0x00a0 },   { 0x00ad, 0x00ad },
		{ 0x034f, 0x034f },	 { 0x0600, 0x0605 },   { 0x061c, 0x061c },
		{ 0x06dd, 0x06dd },	 { 0x070f, 0x070f },   { 0x0890, 0x0891 },
		{ 0x08e2, 0x08e2 },	 { 0x115f, 0x1160 },   { 0x1680, 0x1680 },
		{ 0x17b4, 0x17b5 },	 { 0x180b, 0x180f },   { 0x2000, 0x200f },
		{ 0x2028, 0x202f },	 { 0x205f, 0x206f },   { 0x2800, 0x2800 },
		{ 0x3000, 0x3000 },	 { 0x3164, 0x3164 },   { 0xd800, 0xf8ff },
		{ 0xfdd0, 0xfdef },	 { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },	 { 0xfff0, 0xfffb },   { 0xfffe, 0xffff },
		{ 0x110bd, 0x110bd },	 { 0x110cd, 0x110cd }, { 0x13430, 0x1343f },
		{ 0x1bca0, 0x1bca3 },	 { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
		{ 0xf0000, UINT32_MAX },
	};

	/* The last two of each plane. */
	if ((code_point & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (code_point >= hidden[i].first && code_point <= hidden[i].last)
			return false;
	return true;
}

char *pyi_plain_text_make_utf8(const char *text)
{
	char *valid = calloc(strlen(text) + 1, PYI_UTF8_LIMIT);
	char *to = valid;

	while (to && *text) {
		uint32_t code_point;
		size_t length = pyi_utf8_decode(text, SIZE_MAX, &code_point);

		if (length)
			to = mempcpy(to, text, length);
		else
			to += pyi_utf8_encode(NO_UTF8, to);
		text += length ? length : 1;
	}
	return valid;
}

/* As JSON writes any character: by one or two UTF-16 units. */
static void put_units(FILE *stream, uint32_t code_point)
{
	if (code_point < 0x10000) {
		fprintf(stream, "\\u%04" PRIx32, code_point);
		return;
	}
	code_point -= 0x10000;
	fprintf(stream, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (code_point >> 10),
		0xdc00 + (code_point & 0x3ff));
}

void pyi_plain_text_put_json(FILE *stream, const char *json)
{
	const char *shown = json;

	while (*json) {
		uint32_t code_point = NO_UTF8;
		size_t length = pyi_utf8_decode(json, SIZE_MAX, &code_point);

		/* cJSON escapes what is below in strings; line breaks and tabs are its own. */
		if (length && (code_point < 0x7f || pyi_plain_text_is_shown(code_point))) {
			json += length;
			continue;
		}
		fwrite(shown, 1, (size_t)(json - shown), stream);
		put_units(stream, code_point);
		json += length ? length : 1;
		shown = json;
	}
	fwrite(shown, 1, (size_t)(json - shown), stream);
}
