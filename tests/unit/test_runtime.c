/*
 * Tests of src/python: finding a version in memory, and which layout is for it.
 *
 * Finding the runtime of a process needs one; the live tests do that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invented_heap.h"
#include "python/layouts.h"
#include "python/runtime.h"
#include "python/version.h"

enum {
	NOISE_BYTES = 300,
};

/* What Py_GetVersion() returns, and what is to be read from it; NULL: nothing. */
static const struct {
	const char *text;
	const char *version;
} versions[] = {
	{ "3.7.0 (default, Jun 28 2018, 13:15:42) \n[GCC 7.2.0]", "3.7.0" },
	{ "3.7.16 (default, Dec 21 2022, 11:22:33) \n[GCC 12.2.0]", "3.7.16" },
	{ "3.8.18 (default, Sep  1 2023, 10:20:30) \n[Clang 14.0.6 ]", "3.8.18" },
	{ "3.9.2 (default, Feb 28 2021, 17:03:44) \n[GCC 10.2.1 20210110]", "3.9.2" },
	{ "3.10.13 (main, Sep  1 2023, 10:20:30) [GCC 12.2.0]", "3.10.13" },
	{ "3.11.2 (main, Mar 13 2023, 12:18:29) [GCC 12.2.0]", "3.11.2" },
	{ "3.12.1 (main, Dec  8 2023, 05:40:51) [GCC 12.2.0]", "3.12.1" },
	{ "3.13.0 (main, Oct  7 2024, 05:02:14) [Clang 18.1.8 ]", "3.13.0" },
	{ "3.14.0 (main, Oct 10 2025, 12:54:13) [Clang 20.1.4 ]", "3.14.0" },
	{ "3.13.0rc2 (main, Sep  9 2024, 22:22:22) [GCC 13.2.0]", "3.13.0rc2" },
	{ "3.12.0a7 (main, Apr  5 2023, 01:51:50) [GCC 9.4.0]", "3.12.0a7" },
	{ "3.12.0b4+ (heads/3.12:1a2b3c4, Jul 20 2023, 10:00:00) [GCC 12.2.0]", "3.12.0b4+" },
	{ "3.9.18+ (heads/3.9:0123abc, Jan  1 2024, 00:00:00) \n[GCC 12.2.0]", "3.9.18+" },
	{ "3.13.5 experimental free-threading build (main, Jun 12 2025, 12:42:35) [GCC]",
	  "3.13.5" },
	{ "3.14.0 free-threading build (main, Oct 10 2025, 12:54:13) [Clang 20.1.4 ]", "3.14.0" },
	{ "3.10.8 | packaged by conda-forge | (main, Nov 22 2022, 08:26:04) [GCC 10.4.0]",
	  "3.10.8" },
	{ "2.7.18 (default, Jul 14 2021, 08:11:37) \n[GCC 10.2.1 20210110]", "2.7.18" },
	{ "3.7 (default, Jun 28 2018)", NULL },
	{ "3.7.1.2 (default, Jun 28 2018)", NULL },
	{ "3.7.1", NULL },
	{ "3.7.1 default, Jun 28 2018", NULL },
	{ "3.7.1(default, Jun 28 2018)", NULL },
	{ "3..1 (default, Jun 28 2018)", NULL },
	{ "4.7.1 (default, Jun 28 2018)", NULL },
	{ "13.7.1 (default, Jun 28 2018)", NULL },
	{ "3,7.1 (default, Jun 28 2018)", NULL },
	{ "Python 3.7.1 (default, Jun 28 2018)", NULL },
	{ "3.111111111111111111111111111111111111111.1 (default, Jun 28 2018)", NULL },
	{ "", NULL },
};

/* Looks in memory that ends where `size_bytes` do. */
static bool find(const char *bytes, size_t size_bytes, char ret_version[32])
{
	char *copy = malloc(size_bytes ? size_bytes : 1);
	bool found;

	memcpy(copy, bytes, size_bytes);
	memset(ret_version, '?', 32);
	found = pyi_version_find(copy, size_bytes, ret_version);
	free(copy);
	if (found)
		assert_non_null(memchr(ret_version, '\0', 32));
	return found;
}

static void test_version(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		char version[32];
		bool found = find(versions[v].text, strlen(versions[v].text) + 1, version);

		if (found != (versions[v].version != NULL))
			fail_msg("\"%s\": %s", versions[v].text, found ? version : "nothing");
		if (found)
			assert_string_equal(version, versions[v].version);
	}
}

/* Bytes with texts that are nearly versions among them. */
static void make_noise(char noise[NOISE_BYTES], unsigned seed)
{
	static const char words[] = "\0"
				    "3.7.1\0GCC: (Debian) 12.2.0\0"
				    "3.\0"
				    "2.1 (\0 (default\0%d.%d.%d";

	for (size_t i = 0; i < NOISE_BYTES; i++) {
		seed = seed * 1103515245 + 12345;
		noise[i] = (char)(seed >> 16);
		if (noise[i] == ' ')
			noise[i] = '!';
	}
	for (size_t at = seed % 40; at + sizeof(words) < NOISE_BYTES; at += 90)
		memcpy(noise + at, words, sizeof(words));
	noise[NOISE_BYTES - 1] = '\0';
}

static void test_version_in_noise(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		size_t length = strlen(versions[v].text) + 1;

		for (unsigned seed = 1; seed <= 20; seed++) {
			char bytes[3 * NOISE_BYTES] = "";
			char version[32];
			bool found;

			make_noise(bytes, seed);
			memcpy(bytes + NOISE_BYTES, versions[v].text, length);
			make_noise(bytes + NOISE_BYTES + length, seed + 1);
			found = find(bytes, 2 * NOISE_BYTES + length, version);
			assert_int_equal(found, versions[v].version != NULL);
			if (found)
				assert_string_equal(version, versions[v].version);
		}
	}
}

/* A chunk that ends within it: either the whole version, or nothing. */
static void test_version_at_the_end(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		const char *text = versions[v].text;

		for (size_t size = 0; size <= strlen(text); size++) {
			char version[32];

			if (!find(text, size, version))
				continue;
			assert_non_null(versions[v].version);
			assert_string_equal(version, versions[v].version);
			assert_true(size > strlen(versions[v].version));
		}
	}
}

/* A string that ends is no version, whatever stands behind it. */
static void test_version_cut_by_zero(void **state)
{
	static const char *const expected[] = { NULL, NULL, "3.9.7", "2.7.1" };
	static const char cut[][24] = {
		"3.9.7\0 (default, Aug",
		"3.9.\0\0 (default, Aug",
		"3.9.\0x\0"
		"3.9.7 (default",
		"a\0"
		"2.7.1 (default, Aug",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		char version[32];

		assert_int_equal(find(cut[i], sizeof(cut[i]), version), expected[i] != NULL);
		if (expected[i])
			assert_string_equal(version, expected[i]);
	}
}

static const char *choose(const char *version, uint64_t size_bytes, uint64_t gc_size)
{
	static uint64_t words[256];
	struct pyi_elf_symbol symbol = { .addr = 0x10000, .size_bytes = size_bytes };
	struct pyi_memory_reader *reader;
	const struct pyi_layout *layout;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = gc_size;
	assert_null(pyi_memory_reader_create_mock(words, sizeof(words), symbol.addr, &reader));
	layout = pyi_runtime_choose_layout(version, &symbol, reader);
	pyi_memory_reader_destroy(reader);
	for (size_t i = 0; i < pyi_known_layout_count; i++)
		if (layout == &pyi_known_layouts[i].layout)
			return pyi_known_layouts[i].generated_from;
	assert_null(layout);
	return "none";
}

/* Of the layouts of a version the nearest; these are in the table for good. */
static void test_choose(void **state)
{
	const uint64_t runtime_size = invented_layout_of(0x030d)->runtime_size;
	const uint64_t gc_size = invented_layout_of(0x030d)->gc_size;

	(void)state;
	assert_string_equal(choose("3.13.18", 283408, gc_size), "3.13.18");
	/* The size says it, whatever the number is. */
	assert_string_equal(choose("3.13.18+", runtime_size, gc_size), "3.13.0");
	assert_string_equal(choose("3.13.5", 1, gc_size), "3.13.5");
	assert_string_equal(choose("3.13.17", 1, gc_size), "3.13.5");
	assert_string_equal(choose("3.13.4", 1, gc_size), "3.13.0");
	assert_string_equal(choose("3.13.0rc1", 1, gc_size), "3.13.0");
	/* With the incremental collector, or the one of before. */
	assert_string_equal(choose("3.14.2", 1, 240), "3.14.0");
	assert_string_equal(choose("3.14.7", 1, 264), "3.14.10");
	/* Older than any. */
	assert_string_equal(choose("3.7.2", 1, gc_size), "3.7.16");
	/* The build says that its collector has another state. */
	assert_string_equal(choose("3.13.5", runtime_size, gc_size + 8), "none");
	assert_string_equal(choose("3.99.0", runtime_size, gc_size), "none");
	assert_string_equal(choose("", runtime_size, gc_size), "none");
}

/* Instructions as compilers make them of these functions of 3.6. */
static void test_statics(void **state)
{
	const uint64_t addr = 0x1000;
	/* mov rax, [rip + 0x10]; ret */
	static const uint8_t returned[] = { 0x48, 0x8b, 0x05, 0x10, 0, 0, 0, 0xc3 };
	/* endbr64; mov rax, [rip - 0x10]; ret */
	static const uint8_t marked[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x8b,
					  0x05, 0xf0, 0xff, 0xff, 0xff, 0xc3 };
	/* push rbx; cmp dword [rip + ...], 0; mov dword [rip + 0x20], 1 */
	static const uint8_t set[] = { 0x53, 0x83, 0x3d, 0x2a, 0, 0, 0, 0, 0xc7,
				       0x05, 0x20, 0,	 0,    0, 1, 0, 0, 0 };
	uint8_t other[sizeof(set)];

	(void)state;
	assert_true(pyi_statics_returned(returned, sizeof(returned), addr) == addr + 7 + 0x10);
	assert_true(pyi_statics_returned(marked, sizeof(marked), addr) == addr + 11 - 0x10);
	assert_true(pyi_statics_set_to_one(set, sizeof(set), addr) == addr + 18 + 0x20);
	for (size_t size = 0; size < sizeof(returned); size++)
		assert_true(pyi_statics_returned(returned, size, addr) == 0);
	for (size_t size = 0; size < sizeof(marked); size++)
		assert_true(pyi_statics_returned(marked, size, addr) == 0);
	for (size_t size = 0; size < sizeof(set); size++)
		assert_true(pyi_statics_set_to_one(set, size, addr) == 0);
	/* Set to 2; no return. */
	memcpy(other, set, sizeof(other));
	other[14] = 2;
	assert_true(pyi_statics_set_to_one(other, sizeof(other), addr) == 0);
	memcpy(other, returned, sizeof(returned));
	other[7] = 0x90;
	assert_true(pyi_statics_returned(other, sizeof(returned), addr) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_version_in_noise),
		cmocka_unit_test(test_version_at_the_end),
		cmocka_unit_test(test_version_cut_by_zero),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_statics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
