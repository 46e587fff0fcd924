/*
 * Tests of src/base/plain_text.c: what is never shown as it is, and what always is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/plain_text.h"

static void expect_hidden(uint32_t first, uint32_t last)
{
	for (uint32_t c = first; c <= last; c++)
		if (pyi_plain_text_is_shown(c))
			fail_msg("U+%04X is shown", c);
}

static void expect_shown(uint32_t first, uint32_t last)
{
	for (uint32_t c = first; c <= last; c++)
		if (!pyi_plain_text_is_shown(c))
			fail_msg("U+%04X is hidden", c);
}

static void test_hidden(void **state)
{
	static const uint32_t ranges[][2] = {
		/* control */
		{ 0x00, 0x1f },
		{ 0x7f, 0x9f },
		/* bidirectional */
		{ 0x061c, 0x061c },
		{ 0x200e, 0x200f },
		{ 0x202a, 0x202e },
		{ 0x2066, 0x2069 },
		/* blank */
		{ 0xa0, 0xa0 },
		{ 0xad, 0xad },
		{ 0x034f, 0x034f },
		{ 0x115f, 0x1160 },
		{ 0x1680, 0x1680 },
		{ 0x17b4, 0x17b5 },
		{ 0x2000, 0x200d },
		{ 0x2060, 0x206f },
		{ 0x2800, 0x2800 },
		{ 0x3000, 0x3000 },
		{ 0x3164, 0x3164 },
		{ 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },
		/* line and paragraph separators, annotations, variation selectors, tags */
		{ 0x2028, 0x2029 },
		{ 0xfff9, 0xfffb },
		{ 0x180b, 0x180f },
		{ 0xfe00, 0xfe0f },
		{ 0xe0000, 0xe0fff },
		/* surrogates, private use, noncharacters, not Unicode */
		{ 0xd800, 0xdfff },
		{ 0xe000, 0xf8ff },
		{ 0xf0000, 0x10ffff },
		{ 0xfdd0, 0xfdef },
		{ 0xfffe, 0xffff },
		{ 0x1fffe, 0x1ffff },
		{ 0x110000, 0x110010 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		expect_hidden(ranges[i][0], ranges[i][1]);
}

static void test_shown(void **state)
{
	(void)state;
	expect_shown(' ', '~');
	expect_shown(0xa1, 0xac);
	expect_shown(0xae, 0x34e);
	/* Hebrew and Arabic letters, kana, ideographs, Hangul, the sign for what is no UTF-8, emoji
	 */
	expect_shown(0x05d0, 0x05ea);
	expect_shown(0x0620, 0x064a);
	expect_shown(0x3041, 0x3096);
	expect_shown(0x4e00, 0x9fff);
	expect_shown(0xac00, 0xd7a3);
	expect_shown(0x2026, 0x2026);
	expect_shown(0xfffc, 0xfffd);
	expect_shown(0x1f300, 0x1f64f);
	expect_shown(0x20000, 0x2a6df);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests_name("plain_text", tests, NULL, NULL);
}
