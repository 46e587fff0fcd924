/*
 * Goes through the tokens of a JSON text. Does not build anything of them.
 */
#include "rules/json_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

void pyi_json_text_place(const char *text, size_t at, size_t *ret_line, size_t *ret_column)
{
	*ret_line = 1;
	*ret_column = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			++*ret_line;
			*ret_column = 1;
		} else {
			++*ret_column;
		}
	}
}

static struct pyi_error *wrong(const char *text, size_t at, const char *what)
{
	size_t line;
	size_t column;

	pyi_json_text_place(text, at, &line, &column);
	return pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES, "line %zu, column %zu: %s",
				line, column, what);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t skip_digits(const char *text, size_t length, size_t at)
{
	while (at < length && is_digit(text[at]))
		at++;
	return at;
}

/* The end of the number at `at`; `at` itself: it is none. */
static size_t end_of_number(const char *text, size_t length, size_t at)
{
	size_t start = at;
	size_t digits;

	if (at < length && text[at] == '-')
		at++;
	digits = at;
	at = skip_digits(text, length, at);
	if (at == digits || (text[digits] == '0' && at > digits + 1))
		return start;
	if (at < length && text[at] == '.') {
		digits = ++at;
		at = skip_digits(text, length, at);
		if (at == digits)
			return start;
	}
	if (at < length && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		if (at < length && (text[at] == '+' || text[at] == '-'))
			at++;
		digits = at;
		at = skip_digits(text, length, at);
		if (at == digits)
			return start;
	}
	return at;
}

/* The byte behind the string that begins at `at`. */
static struct pyi_error *check_string(const char *text, size_t length, size_t at, size_t *ret_end)
{
	size_t start = at++;

	while (at < length && text[at] != '"') {
		uint32_t character;
		size_t step = pyi_utf8_decode(text + at, length - at, &character);

		if (!step)
			return wrong(text, at, "not UTF-8");
		if ((unsigned char)text[at] < 0x20)
			return wrong(text, at, "a control character in a string");
		if (text[at] == '\\') {
			if (length - at > 5 && memcmp(text + at + 1, "u0000", 5) == 0)
				return wrong(text, at, "NUL in a string");
			step = length - at > 1 && text[at + 1] > 0x20 && text[at + 1] < 0x7f ? 2
											     : 1;
		}
		at += step;
	}
	if (at >= length)
		return wrong(text, start, "a string without an end");
	*ret_end = at + 1;
	return NULL;
}

static size_t end_of_word(const char *text, size_t length, size_t at)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		size_t size = strlen(words[w]);

		if (length - at >= size && memcmp(text + at, words[w], size) == 0)
			return at + size;
	}
	return at;
}

struct pyi_error *pyi_json_text_check(const char *text, size_t length)
{
	static const char mark[] = "\xef\xbb\xbf";
	unsigned depth = 0;
	size_t at = 0;

	if (length >= sizeof(mark) - 1 && memcmp(text, mark, sizeof(mark) - 1) == 0)
		return pyi_error_hint(wrong(text, 0, "a byte order mark, which JSON has none of"),
				      "save it as UTF-8 without one");
	while (at < length) {
		struct pyi_error *error;
		size_t end = at + 1;

		switch (text[at]) {
		case ' ':
		case '\t':
		case '\n':
		case '\r':
		case ',':
		case ':':
			break;
		case '[':
		case '{':
			if (++depth > PYI_JSON_DEPTH_LIMIT)
				return wrong(text, at, "too many levels of brackets");
			break;
		case ']':
		case '}':
			depth -= depth > 0;
			break;
		case '"':
			error = check_string(text, length, at, &end);
			if (error)
				return error;
			break;
		case 't':
		case 'f':
		case 'n':
			end = end_of_word(text, length, at);
			break;
		default:
			end = end_of_number(text, length, at);
		}
		if (end == at)
			return wrong(text, at, "not JSON");
		at = end;
	}
	return NULL;
}
