/*
 * Tests of src/cli/time_share.c: that everybody has some time, and all of it is used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/time_share.h"

#define SECOND UINT64_C(1000000000)
#define NOW (1000 * SECOND)
#define LEFT (80 * SECOND)

static void test_alike(void **state)
{
	static const uint64_t bytes[4] = { 7, 7, 7, 7 };
	static const uint64_t nothing[4];

	(void)state;
	assert_int_equal(pyi_time_share(NOW, NOW + LEFT, bytes, 4), NOW + LEFT / 4);
	assert_int_equal(pyi_time_share(NOW, NOW + LEFT, nothing, 4), NOW + LEFT / 4);
	/* The last one has all that is left. */
	assert_int_equal(pyi_time_share(NOW, NOW + LEFT, bytes, 1), NOW + LEFT);
}

/* The largest has the most, and the smallest as much as half of what all would have alike. */
static void test_by_memory(void **state)
{
	static const uint64_t large_first[4] = { 1000, 0, 0, 0 };
	static const uint64_t small_first[4] = { 0, 1000, 0, 0 };

	(void)state;
	assert_int_equal(pyi_time_share(NOW, NOW + LEFT, large_first, 4),
			 NOW + LEFT / 2 + LEFT / 8);
	assert_int_equal(pyi_time_share(NOW, NOW + LEFT, small_first, 4), NOW + LEFT / 8);
}

/* However long each takes of what it has, there is time for the next, and in the end none is left
   over. */
static void test_all_use_all(void **state)
{
	static const uint64_t bytes[] = { UINT64_MAX, 1, UINT64_MAX, 5, 0, 1000000 };
	const size_t count = sizeof(bytes) / sizeof(bytes[0]);
	uint64_t now = NOW;

	(void)state;
	for (size_t p = 0; p < count; p++) {
		uint64_t until = pyi_time_share(now, NOW + LEFT, bytes + p, count - p);

		assert_true(until > now && until <= NOW + LEFT);
		now = until;
	}
	assert_int_equal(now, NOW + LEFT);
}

static void test_bounds(void **state)
{
	static const uint64_t bytes[2] = { 1, 2 };
	static const uint64_t many[1000] = { 0, 1, 2 };

	(void)state;
	/* A second at least, if there is one. */
	assert_int_equal(pyi_time_share(NOW, NOW + LEFT, many, 1000), NOW + SECOND);
	assert_int_equal(pyi_time_share(NOW, NOW + SECOND / 2, many, 1000), NOW + SECOND / 2);
	assert_true(pyi_time_share(NOW, PYI_CLOCK_NEVER, bytes, 2) == PYI_CLOCK_NEVER);
	/* It is over already. */
	assert_int_equal(pyi_time_share(NOW, NOW - 1, bytes, 2), NOW - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_by_memory),
		cmocka_unit_test(test_all_use_all),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
