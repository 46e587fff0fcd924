/*
 * Tests of src/base/utf8.c: every character there and back, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static void test_every_character(void **state)
{
	(void)state;
	for (uint32_t character = 0; character < 0x110800; character++) {
		bool exists = character < 0xd800 || (character > 0xdfff && character < 0x110000);
		char bytes[PYI_UTF8_LIMIT + 1] = "";
		size_t length = pyi_utf8_encode(character, bytes);
		uint32_t decoded = 0;

		if (!exists) {
			assert_int_equal(length, 0);
			continue;
		}
		assert_in_range(length, 1, PYI_UTF8_LIMIT);
		assert_int_equal(pyi_utf8_decode(bytes, sizeof(bytes), &decoded), length);
		assert_int_equal(decoded, character);
		/* Exactly its bytes, and no fewer. */
		assert_int_equal(pyi_utf8_decode(bytes, length, &decoded), length);
		for (size_t less = 0; less < length; less++)
			assert_int_equal(pyi_utf8_decode(bytes, less, &decoded), 0);
	}
	assert_int_equal(pyi_utf8_encode(UINT32_MAX, (char[PYI_UTF8_LIMIT]){ 0 }), 0);
}

static void test_lengths(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		uint32_t character;
	} cases[] = {
		{ "", 1, 0 },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		uint32_t character = UINT32_MAX;

		assert_int_equal(pyi_utf8_decode(cases[c].text, SIZE_MAX, &character),
				 cases[c].length);
		assert_int_equal(character, cases[c].character);
	}
}

static void test_none(void **state)
{
	static const char *const cases[] = {
		/* A continuation, and bytes that nothing begins with. */
		"\x80",
		"\xbf",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		/* Overlong. */
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
		/* Surrogates, and above all characters. */
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf7\xbf\xbf\xbf",
		/* Cut off by the NUL, or by another character. */
		"\xc2",
		"\xe2\x80",
		"\xf0\x9f\x90",
		"\xc2x",
		"\xe2\x80x",
		"\xe2\xc2\x80",
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		uint32_t character = 7;

		assert_int_equal(pyi_utf8_decode(cases[c], SIZE_MAX, &character), 0);
		assert_int_equal(character, 7);
	}
}

static void test_width(void **state)
{
	const char *text = "a\xc3\xa4\xe2\x80\xa6\xf0\x9f\x90\x8dz";

	(void)state;
	assert_int_equal(pyi_utf8_width(""), 0);
	assert_int_equal(pyi_utf8_width(text), 5);
	assert_ptr_equal(pyi_utf8_skip(text, 0), text);
	assert_ptr_equal(pyi_utf8_skip(text, 2), text + 3);
	assert_ptr_equal(pyi_utf8_skip(text, 4), text + 10);
	assert_ptr_equal(pyi_utf8_skip(text, 5), text + strlen(text));
	assert_ptr_equal(pyi_utf8_skip(text, 99), text + strlen(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
