/*
 * Values in a row of bytes: there and back, and bytes that nobody of ours has written.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pack.h"

enum { TEXT_LIMIT = 64 };

static const uint64_t numbers[] = { 0, 1, 255, UINT32_MAX, INT64_MAX, UINT64_MAX };
static const double reals[] = { 0, -0.0, 1.5, -1e308, 5e-324 };
static const char *const texts[] = { "", "a", "collections.OrderedDict", NULL, "\xff\n" };

static void pack_all(struct pyi_packer *packer)
{
	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++)
		pyi_pack_number(packer, numbers[n]);
	for (size_t r = 0; r < sizeof(reals) / sizeof(reals[0]); r++)
		pyi_pack_real(packer, reals[r]);
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++)
		pyi_pack_text(packer, texts[t]);
	pyi_pack_bytes(packer, "a\0b", 3);
	pyi_pack_bytes(packer, NULL, 0);
	assert_false(packer->failed);
}

/* From memory of exactly that size: a sanitizer sees a step too far. */
static bool unpack_all(const char *bytes, size_t size_bytes, bool right)
{
	char *copy = malloc(size_bytes + !size_bytes);
	struct pyi_unpacker unpacker = { copy, copy + size_bytes, false };
	size_t size;
	char *data;

	assert_non_null(copy);
	memcpy(copy, bytes, size_bytes);
	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
		uint64_t value = pyi_unpack_number(&unpacker, UINT64_MAX);

		assert_true(!right || value == numbers[n]);
	}
	for (size_t r = 0; r < sizeof(reals) / sizeof(reals[0]); r++) {
		double value = pyi_unpack_real(&unpacker);

		assert_true(!right || memcmp(&value, &reals[r], sizeof(value)) == 0);
	}
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		char *text = pyi_unpack_text(&unpacker, TEXT_LIMIT);

		assert_true(!unpacker.failed || !text);
		if (right && texts[t])
			assert_string_equal(text, texts[t]);
		else if (right)
			assert_null(text);
		free(text);
	}
	data = pyi_unpack_bytes(&unpacker, TEXT_LIMIT, &size);
	if (right)
		assert_memory_equal(data, "a\0b", 4);
	assert_int_equal(size, right ? 3 : 0);
	free(data);
	data = pyi_unpack_bytes(&unpacker, TEXT_LIMIT, &size);
	if (right)
		assert_string_equal(data, "");
	assert_int_equal(size, 0);
	free(data);
	free(copy);
	return pyi_unpack_is_complete(&unpacker);
}

static void test_there_and_back(void **state)
{
	struct pyi_packer packer = { 0 };

	(void)state;
	pack_all(&packer);
	assert_true(unpack_all(packer.bytes, packer.size_bytes, true));
	/* A byte is left over. */
	pyi_pack_number(&packer, 0);
	assert_false(unpack_all(packer.bytes, packer.size_bytes - 7, true));
	pyi_packer_deinit(&packer);
	assert_null(packer.bytes);
}

static void test_cut_off(void **state)
{
	struct pyi_packer packer = { 0 };

	(void)state;
	pack_all(&packer);
	for (size_t size = 0; size < packer.size_bytes; size++) {
		struct pyi_unpacker unpacker = { packer.bytes, packer.bytes + size, false };

		/* What is before the cut may be right. */
		while (!unpacker.failed && unpacker.at < unpacker.end)
			pyi_unpack_number(&unpacker, UINT64_MAX);
		assert_int_equal(unpacker.failed, size % sizeof(uint64_t) != 0);
		assert_true(unpacker.at <= unpacker.end);
	}
	pyi_packer_deinit(&packer);
	/* One value, cut at each byte. */
	pyi_pack_text(&packer, "some text");
	for (size_t size = 0; size < packer.size_bytes; size++) {
		char *copy = malloc(size + !size);
		struct pyi_unpacker unpacker = { copy, copy + size, false };

		memcpy(copy, packer.bytes, size);
		assert_null(pyi_unpack_text(&unpacker, TEXT_LIMIT));
		assert_true(unpacker.failed);
		assert_false(pyi_unpack_is_complete(&unpacker));
		free(copy);
	}
	pyi_packer_deinit(&packer);
}

static struct pyi_unpacker unpacker_of(const struct pyi_packer *packer)
{
	return (struct pyi_unpacker){ packer->bytes, packer->bytes + packer->size_bytes, false };
}

static void test_lengths_that_lie(void **state)
{
	static const uint64_t lengths[] = {
		10,
		TEXT_LIMIT,
		TEXT_LIMIT + 1,
		UINT32_MAX,
		INT64_MAX,
		UINT64_MAX / 2,
		UINT64_MAX - 1,
		UINT64_MAX - 8,
		UINT64_MAX - 0x1000,
	};

	(void)state;
	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		struct pyi_packer packer = { 0 };
		struct pyi_unpacker unpacker;
		size_t size = 99;

		pyi_pack_number(&packer, lengths[l]);
		pyi_pack_number(&packer, 0x4141414141414141);
		unpacker = unpacker_of(&packer);
		assert_null(pyi_unpack_bytes(&unpacker, SIZE_MAX - 1, &size));
		assert_int_equal(size, 0);
		assert_true(unpacker.failed);
		unpacker = unpacker_of(&packer);
		assert_null(pyi_unpack_text(&unpacker, TEXT_LIMIT));
		assert_true(unpacker.failed);
		/* Everything after a failure does nothing. */
		assert_int_equal(pyi_unpack_number(&unpacker, UINT64_MAX), 0);
		assert_true(pyi_unpack_real(&unpacker) == 0);
		assert_null(pyi_unpack_text(&unpacker, TEXT_LIMIT));
		assert_false(pyi_unpack_is_complete(&unpacker));
		pyi_packer_deinit(&packer);
	}
}

static void test_limits(void **state)
{
	struct pyi_packer packer = { 0 };
	struct pyi_unpacker unpacker;
	char *text;

	(void)state;
	pyi_pack_text(&packer, "12345678");
	unpacker = unpacker_of(&packer);
	text = pyi_unpack_text(&unpacker, 8);
	assert_string_equal(text, "12345678");
	free(text);
	unpacker = unpacker_of(&packer);
	assert_null(pyi_unpack_text(&unpacker, 7));
	assert_true(unpacker.failed);
	unpacker = unpacker_of(&packer);
	assert_int_equal(pyi_unpack_number(&unpacker, 8), 8);
	unpacker = unpacker_of(&packer);
	assert_int_equal(pyi_unpack_number(&unpacker, 7), 0);
	assert_true(unpacker.failed);
	pyi_packer_deinit(&packer);
}

static void test_nul_in_a_text(void **state)
{
	static const char *const bytes[] = { "\0bc", "a\0c", "ab\0" };

	(void)state;
	for (size_t b = 0; b < sizeof(bytes) / sizeof(bytes[0]); b++) {
		struct pyi_packer packer = { 0 };
		struct pyi_unpacker unpacker;

		pyi_pack_bytes(&packer, bytes[b], 3);
		unpacker = unpacker_of(&packer);
		assert_null(pyi_unpack_text(&unpacker, TEXT_LIMIT));
		assert_true(unpacker.failed);
		pyi_packer_deinit(&packer);
	}
}

static void test_not_finite(void **state)
{
	const double values[] = { (double)NAN, -(double)NAN, (double)INFINITY, -(double)INFINITY };

	(void)state;
	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
		struct pyi_packer packer = { 0 };
		struct pyi_unpacker unpacker;

		pyi_pack_real(&packer, values[v]);
		unpacker = unpacker_of(&packer);
		assert_true(pyi_unpack_real(&unpacker) == 0);
		assert_true(unpacker.failed);
		pyi_packer_deinit(&packer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),	 cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_lengths_that_lie), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nul_in_a_text),	 cmocka_unit_test(test_not_finite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
