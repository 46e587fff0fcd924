/*
 * Tests of src/broker/allowance.c: what a worker may do to a target ends.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/allowance.h"

#define GIB (UINT64_C(1) << 30)

static void test_stops(void **state)
{
	struct pyi_allowance allowance = { .max_pause_ms = 20 };

	(void)state;
	assert_true(pyi_allowance_has_stop(&allowance));
	assert_false(pyi_allowance_is_low(&allowance));
	allowance.stop_count = 2000;
	assert_true(pyi_allowance_has_stop(&allowance));
	assert_true(pyi_allowance_is_low(&allowance));
	allowance.stop_count = 4000;
	assert_false(pyi_allowance_has_stop(&allowance));
}

static void test_time(void **state)
{
	struct pyi_allowance allowance = { .max_pause_ms = 100, .stop_count = 40 };

	(void)state;
	allowance.paused_ms = 2400;
	assert_true(pyi_allowance_has_stop(&allowance));
	assert_false(pyi_allowance_is_low(&allowance));
	allowance.paused_ms = 2600;
	assert_true(pyi_allowance_has_stop(&allowance));
	assert_true(pyi_allowance_is_low(&allowance));
	allowance.paused_ms = 5000;
	assert_false(pyi_allowance_has_stop(&allowance));
	/* For a program that is its own worker. */
	allowance.max_pause_ms = HUGE_VAL;
	assert_true(pyi_allowance_has_stop(&allowance));
	assert_false(pyi_allowance_is_low(&allowance));
}

static void test_addresses(void **state)
{
	struct pyi_allowance allowance = { 0 };

	(void)state;
	assert_true(pyi_allowance_take_addresses(&allowance, GIB, 200 * GIB));
	assert_true(pyi_allowance_take_addresses(&allowance, GIB, 60 * GIB));
	assert_false(pyi_allowance_take_addresses(&allowance, GIB, 1));
	assert_false(pyi_allowance_take_addresses(&allowance, GIB, UINT64_MAX));
	/* A larger target needs more. */
	assert_true(pyi_allowance_take_addresses(&allowance, 2 * GIB, 4 * GIB));
	assert_int_equal(allowance.mapped_bytes, 264 * GIB);
	assert_true(pyi_allowance_take_addresses(&allowance, UINT64_MAX, GIB));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
