/*
 * Values for people: a text like repr()'s of a few plain types, cut to one short line. Does not
 * call __repr__ and knows no type but the interpreter's own: instances of subclasses only have a
 * type.
 */
#include "python/places.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pyinspect/type_flags.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "python/objects_private.h"

enum {
	/* Characters of a description. */
	WIDTH_LIMIT = 60,
	/* Room for them in UTF-8, and for a piece that turns out to be too much. */
	TEXT_BYTES = 4 * WIDTH_LIMIT + 16,
	PIECE_BYTES = 16,
	DIGIT_BITS = 30,
	/* So many digits of 30 bits give less than WIDTH_LIMIT decimal ones. */
	DIGIT_LIMIT = 6,
	DECIMAL_BYTES = 64,
	/* Include/cpython/longintrepr.h, of lv_tag (3.12+) */
	TAG_SIGN_MASK = 3,
	TAG_NEGATIVE = 2,
	TAG_DIGITS_SHIFT = 3,
	DOUBLE_DIGITS = 17,
	/* repr(float) writes an exponent below and from here on. */
	EXPONENT_LEAST = -4,
	EXPONENT_LARGEST = 16,
};
#define CUT "…"

struct text {
	char bytes[TEXT_BYTES];
	size_t length;
	/* In characters. */
	size_t width;
};

static void put(struct text *text, const char *piece)
{
	size_t length = strlen(piece);

	/* Callers see to the width; this is for safety only. */
	if (length >= sizeof(text->bytes) - text->length)
		return;
	memcpy(text->bytes + text->length, piece, length + 1);
	text->length += length;
	text->width += pyi_utf8_width(piece);
}

/* As ascii() does: what is not a printable ASCII character is escaped. */
static void escape(char ret_piece[PIECE_BYTES], uint32_t character, char quote)
{
	if (character == '\\' || character == (unsigned char)quote)
		snprintf(ret_piece, PIECE_BYTES, "\\%c", (char)character);
	else if (character == '\n' || character == '\r' || character == '\t')
		snprintf(ret_piece, PIECE_BYTES, "\\%c",
			 character == '\n'   ? 'n'
			 : character == '\r' ? 'r'
					     : 't');
	else if (character >= ' ' && character < 0x7f)
		snprintf(ret_piece, PIECE_BYTES, "%c", (char)character);
	else if (character < 0x100)
		snprintf(ret_piece, PIECE_BYTES, "\\x%02" PRIx32, character);
	else if (character < 0x10000)
		snprintf(ret_piece, PIECE_BYTES, "\\u%04" PRIx32, character);
	else
		snprintf(ret_piece, PIECE_BYTES, "\\U%08" PRIx32, character);
}

/* A literal of at most `room` (at least 4) characters, cut before its closing quote. */
static void put_literal(struct text *text, const char *prefix, const uint32_t *characters,
			size_t count, size_t room)
{
	const size_t end = text->width + room;
	char quote[2] = "'";
	struct text cut;
	bool quoted = false;
	bool fits = true;

	for (size_t i = 0; i < count; i++) {
		quoted |= characters[i] == '\'';
		/* One of them has to be escaped then, and Python takes the first. */
		fits &= characters[i] != '"';
	}
	if (quoted && fits)
		quote[0] = '"';
	put(text, prefix);
	put(text, quote);
	cut = *text;
	fits = true;
	for (size_t i = 0; i < count && fits; i++) {
		char piece[PIECE_BYTES];

		escape(piece, characters[i], quote[0]);
		put(text, piece);
		fits = text->width + 1 <= end;
		if (text->width + 2 <= end)
			cut = *text;
	}
	if (!fits) {
		*text = cut;
		put(text, CUT);
	}
	put(text, quote);
}

static bool put_str(const struct pyi_places *places, uint64_t addr, const char *prefix, size_t room,
		    struct text *text)
{
	char content[PYI_NAME_BYTES] = "";
	const char *at = content;
	/* One more than can be shown tells that there is more. */
	uint32_t characters[WIDTH_LIMIT + 1];
	size_t count = 0;
	uint64_t length;

	if (!pyi_objects_read_str(places->runtime, places->reader, addr, content) ||
	    !pyi_memory_try_read_u64(places->reader, addr + places->runtime->layout->str_length,
				     &length))
		return false;
	/* Counted, as a NUL does not end a str. */
	while (count < length && count <= WIDTH_LIMIT) {
		size_t size_bytes = pyi_utf8_decode(at, PYI_UTF8_LIMIT, &characters[count]);

		/* The str has changed in between. */
		if (!size_bytes)
			break;
		at += size_bytes;
		count++;
	}
	put_literal(text, prefix, characters, count, room);
	return true;
}

static bool put_bytes(const struct pyi_places *places, uint64_t addr, const char *prefix,
		      size_t room, struct text *text)
{
	const struct pyi_layout *layout = places->runtime->layout;
	uint32_t characters[WIDTH_LIMIT + 1];
	unsigned char content[WIDTH_LIMIT + 1];
	uint64_t length;

	if (!pyi_memory_try_read_u64(places->reader, addr + layout->var_size, &length))
		return false;
	if (length > sizeof(content))
		length = sizeof(content);
	if (!pyi_memory_try_read(places->reader, addr + layout->bytes_value, content,
				 (size_t)length))
		return false;
	for (size_t i = 0; i < length; i++)
		characters[i] = content[i];
	put_literal(text, prefix, characters, (size_t)length, room);
	return true;
}

static bool read_int(const struct pyi_places *places, uint64_t addr, uint32_t digits[DIGIT_LIMIT],
		     bool *ret_negative, size_t *ret_count)
{
	const struct pyi_layout *layout = places->runtime->layout;
	uint64_t count;

	if (layout->int_tag != PYI_ABSENT) {
		if (!pyi_memory_try_read_u64(places->reader, addr + layout->int_tag, &count))
			return false;
		*ret_negative = (count & TAG_SIGN_MASK) == TAG_NEGATIVE;
		count >>= TAG_DIGITS_SHIFT;
		/* The 0 of 3.12 and later has a digit, but no count. */
	} else {
		if (!pyi_memory_try_read_u64(places->reader, addr + layout->var_size, &count))
			return false;
		*ret_negative = count > INT64_MAX;
		count = *ret_negative ? -count : count;
	}
	if (count > DIGIT_LIMIT || !pyi_memory_try_read(places->reader, addr + layout->int_digits,
							digits, (size_t)count * sizeof(digits[0])))
		return false;
	*ret_count = (size_t)count;
	return true;
}

static bool put_int(const struct pyi_places *places, uint64_t addr, struct text *text)
{
	uint32_t digits[DIGIT_LIMIT];
	char decimal[DECIMAL_BYTES] = { 0 };
	char *at = decimal + sizeof(decimal) - 1;
	bool negative;
	size_t count;

	if (!read_int(places, addr, digits, &negative, &count))
		return false;
	do {
		uint64_t rest = 0;

		for (size_t i = count; i--;) {
			rest = rest << DIGIT_BITS | (digits[i] & ((1u << DIGIT_BITS) - 1));
			digits[i] = (uint32_t)(rest / 10);
			rest %= 10;
		}
		*--at = (char)('0' + rest);
		while (count && !digits[count - 1])
			count--;
	} while (count);
	if (negative)
		*--at = '-';
	put(text, at);
	return true;
}

static bool put_bool(const struct pyi_places *places, uint64_t addr, struct text *text)
{
	uint32_t digits[DIGIT_LIMIT];
	bool negative;
	size_t count;

	if (!read_int(places, addr, digits, &negative, &count))
		return false;
	put(text, count && digits[0] ? "True" : "False");
	return true;
}

static bool put_float(const struct pyi_places *places, uint64_t addr, struct text *text)
{
	char shown[2 * DOUBLE_DIGITS + 16];
	int precision = 0;
	int exponent;
	double value;

	if (!pyi_memory_try_read(places->reader, addr + places->runtime->layout->float_value,
				 &value, sizeof(value)))
		return false;
	if (isnan(value) || isinf(value)) {
		put(text, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
		return true;
	}
	/* The shortest that means the same number. */
	do
		snprintf(shown, sizeof(shown), "%.*e", precision, value);
	while (strtod(shown, NULL) != value && ++precision < DOUBLE_DIGITS);
	exponent = atoi(strchr(shown, 'e') + 1);
	if (exponent >= EXPONENT_LEAST && exponent < EXPONENT_LARGEST)
		snprintf(shown, sizeof(shown), "%.*f",
			 precision - exponent > 1 ? precision - exponent : 1, value);
	put(text, shown);
	return true;
}

/* Those of 2.7 that are written in another way. False: it is none of them. */
static bool put_old_plain(const struct pyi_places *places, uint64_t addr, const char *type,
			  size_t room, struct text *text, bool *ret_done)
{
	char decimal[DECIMAL_BYTES];
	uint64_t value;

	if (strcmp(type, "str") == 0) {
		*ret_done = put_bytes(places, addr, "", room, text);
	} else if (strcmp(type, "unicode") == 0) {
		*ret_done = put_str(places, addr, "u", room, text);
	} else if (strcmp(type, "long") == 0) {
		*ret_done = put_int(places, addr, text);
		put(text, *ret_done ? "L" : "");
	} else if (strcmp(type, "int") == 0 || strcmp(type, "bool") == 0) {
		*ret_done = pyi_memory_try_read_u64(
			places->reader, addr + places->runtime->layout->int_value, &value);
		snprintf(decimal, sizeof(decimal), "%" PRId64, (int64_t)value);
		if (*ret_done)
			put(text, *type == 'i' ? decimal : value ? "True" : "False");
	} else {
		return false;
	}
	return true;
}

/* False if the object is not of a type that is shown. */
static bool put_plain(const struct pyi_places *places, uint64_t addr, const char *type, size_t room,
		      struct text *text)
{
	bool done;

	if (places->runtime->layout->features & PYI_FEATURE_BYTES_NAMES &&
	    put_old_plain(places, addr, type, room, text, &done))
		return done;
	if (strcmp(type, "str") == 0)
		return put_str(places, addr, "", room, text);
	if (strcmp(type, "bytes") == 0)
		return put_bytes(places, addr, "b", room, text);
	if (strcmp(type, "int") == 0)
		return put_int(places, addr, text);
	if (strcmp(type, "bool") == 0)
		return put_bool(places, addr, text);
	if (strcmp(type, "float") == 0)
		return put_float(places, addr, text);
	if (strcmp(type, "NoneType") != 0)
		return false;
	put(text, "None");
	return true;
}

char *pyi_places_type_name(const struct pyi_places *places, uint64_t type_addr, bool *ret_builtin)
{
	uint64_t flags = PYI_TPFLAG_HEAP_TYPE;

	if (type_addr)
		(void)pyi_memory_try_read_u64(
			places->reader, type_addr + places->runtime->layout->type_flags, &flags);
	*ret_builtin = !(flags & PYI_TPFLAG_HEAP_TYPE);
	return pyi_objects_type_name(places->runtime, places->reader, type_addr);
}

static char *name_type(const struct pyi_places *places, uint64_t addr, bool *ret_builtin)
{
	uint64_t type = 0;

	if (addr)
		(void)pyi_memory_try_read_u64(places->reader,
					      addr + places->runtime->layout->object_type, &type);
	return pyi_places_type_name(places, type, ret_builtin);
}

/* A tuple's item as it stands in the tuple; malloc'ed, NULL without memory. */
static char *describe_item(const struct pyi_places *places, uint64_t addr, size_t room)
{
	struct text text = { 0 };
	char *typed;
	bool builtin;
	PYI_CLEANUP(pyi_guard_free) char *type = name_type(places, addr, &builtin);

	if (!type)
		return NULL;
	if (builtin && put_plain(places, addr, type, room, &text))
		return strdup(text.bytes);
	return asprintf(&typed, "<%s>", type) < 0 ? NULL : typed;
}

/* False if it cannot be read, or without memory. */
static bool put_tuple(const struct pyi_places *places, uint64_t addr, struct text *text)
{
	const struct pyi_layout *layout = places->runtime->layout;
	/* Behind an item that is not the last must be room for ", …)". */
	const size_t cut_width = 4;
	bool cut = false;
	uint64_t count;

	if (!pyi_memory_try_read_u64(places->reader, addr + layout->var_size, &count))
		return false;
	put(text, "(");
	for (uint64_t i = 0; i < count && !cut; i++) {
		const char *separator = i ? ", " : "";
		size_t left = WIDTH_LIMIT - text->width - strlen(separator);
		PYI_CLEANUP(pyi_guard_free) char *item = NULL;
		uint64_t item_addr;

		if (!pyi_memory_try_read_u64(places->reader,
					     addr + layout->tuple_items + i * sizeof(item_addr),
					     &item_addr))
			return false;
		/* The first may be cut, so that something is seen; others come whole. */
		item = describe_item(places, item_addr, i ? WIDTH_LIMIT : left - cut_width);
		if (!item)
			return false;
		cut = pyi_utf8_width(item) + (i + 1 < count ? cut_width : 2) > left;
		put(text, separator);
		put(text, cut ? CUT : item);
	}
	put(text, count == 1 && !cut ? ",)" : ")");
	return true;
}

bool pyi_places_value(const struct pyi_places *places, uint64_t object_addr, const char *type,
		      char **ret_text)
{
	struct text text = { 0 };

	if (strcmp(type, "tuple") == 0 ? !put_tuple(places, object_addr, &text)
				       : !put_plain(places, object_addr, type, WIDTH_LIMIT, &text))
		return false;
	*ret_text = strdup(text.bytes);
	return true;
}

char *pyi_places_describe(const struct pyi_places *places, uint64_t object_addr)
{
	const struct pyi_made_memory *made = pyi_memory_reader_made(places->reader);
	const char *known =
		made && places->values ? made->value(made->argument, object_addr) : NULL;
	char *text;
	bool builtin;
	PYI_CLEANUP(pyi_guard_free) char *type = NULL;

	if (known)
		return strdup(known);
	type = name_type(places, object_addr, &builtin);
	if (!type)
		return NULL;
	if (places->values && builtin && pyi_places_value(places, object_addr, type, &text))
		return text;
	return asprintf(&text, "<%s>", type) < 0 ? NULL : text;
}
