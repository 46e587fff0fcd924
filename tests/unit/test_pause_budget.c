/*
 * Tests of src/heap/pause_budget.c: how often a target may still be stopped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "heap/pause_budget.h"

#define MIB (UINT64_C(1) << 20)

static struct pyi_pause_budget make(double expected_ms)
{
	return (struct pyi_pause_budget){ .max_pause_ms = 100,
					  .max_total_ms = 400,
					  .expected_ms = expected_ms,
					  .memory_bytes = 100 * MIB };
}

/* How many tries there are if each takes so long, and what all of them take. */
static unsigned count_tries(struct pyi_pause_budget *budget, double took_ms)
{
	unsigned tries = 0;

	while (tries < 10000 && pyi_pause_budget_has(budget, 1)) {
		pyi_pause_budget_spend(budget, took_ms, true);
		tries++;
	}
	return tries;
}

static void test_sum(void **state)
{
	struct pyi_pause_budget budget = make(20);

	(void)state;
	assert_int_equal(count_tries(&budget, 20), 20);
	assert_true(budget.paused_ms <= 400);
}

/* Stops that were refused at the gate are short: what a clone takes is not expected to be so. */
static void test_no_snapshot(void **state)
{
	struct pyi_pause_budget budget = make(20);

	(void)state;
	for (unsigned stop = 0; stop < 50; stop++)
		pyi_pause_budget_spend(&budget, 0.2, false);
	assert_true(fabs(budget.paused_ms - 10) < 0.001);
	assert_true(fabs(budget.expected_ms - 20) < 0.001);
	assert_int_equal(count_tries(&budget, 20), 19);
}

/* Whatever was expected: the sum is exceeded by less than one try. */
static void test_wrong_expectation(void **state)
{
	static const double took_ms[] = { 0.1, 1, 7, 33, 90 };
	static const double expected_ms[] = { 0, 1, 50, 100 };

	(void)state;
	for (size_t t = 0; t < sizeof(took_ms) / sizeof(took_ms[0]); t++)
		for (size_t e = 0; e < sizeof(expected_ms) / sizeof(expected_ms[0]); e++) {
			struct pyi_pause_budget budget = make(expected_ms[e]);

			assert_true(count_tries(&budget, took_ms[t]) >= 4);
			assert_true(budget.paused_ms < 400 + took_ms[t]);
		}
}

static void test_corrected(void **state)
{
	struct pyi_pause_budget budget = make(10);

	(void)state;
	/* One that was held up once is tried again, one that always is not. */
	pyi_pause_budget_spend(&budget, 150, true);
	assert_true(pyi_pause_budget_has(&budget, 1));
	pyi_pause_budget_spend(&budget, 150, true);
	assert_true(budget.expected_ms > 100);
	assert_false(pyi_pause_budget_has(&budget, 1));
}

static void test_grows(void **state)
{
	struct pyi_pause_budget budget = make(40);

	(void)state;
	pyi_pause_budget_spend(&budget, 40, true);
	pyi_pause_budget_grow(&budget, 200 * MIB);
	assert_true(fabs(budget.expected_ms - 80) < 0.001);
	assert_true(pyi_pause_budget_has(&budget, 4));
	assert_false(pyi_pause_budget_has(&budget, 5));
	/* Too large for one stop. */
	pyi_pause_budget_grow(&budget, 300 * MIB);
	assert_false(pyi_pause_budget_has(&budget, 1));
	assert_true(pyi_pause_budget_is_too_long(&budget));
	/* And for all of them. */
	pyi_pause_budget_grow(&budget, 2000 * MIB);
	assert_false(pyi_pause_budget_is_too_long(&budget));
	pyi_pause_budget_grow(&budget, 200 * MIB);
	assert_true(pyi_pause_budget_has(&budget, 1));
	assert_false(pyi_pause_budget_is_too_long(&budget));
	/* What is not known changes nothing. */
	pyi_pause_budget_grow(&budget, 0);
	assert_true(fabs(budget.expected_ms - 80) < 0.001);
}

static void test_first(void **state)
{
	struct pyi_pause_budget budget = { .max_pause_ms = 0.5, .max_total_ms = 2 };

	(void)state;
	/* Nothing is known of it yet. */
	pyi_pause_budget_grow(&budget, MIB);
	assert_true(pyi_pause_budget_has(&budget, 1));
	budget.expected_ms = 3;
	assert_false(pyi_pause_budget_has(&budget, 1));
	/* Earlier looks of the same run have taken all. */
	budget = (struct pyi_pause_budget){ .max_pause_ms = 1, .max_total_ms = 2, .paused_ms = 2 };
	assert_false(pyi_pause_budget_has(&budget, 1));
}

static void test_rest(void **state)
{
	(void)state;
	assert_int_equal(pyi_pause_budget_rest_us(10, 1), 40000);
	assert_int_equal(pyi_pause_budget_rest_us(10, 8), 80000);
	assert_int_equal(pyi_pause_budget_rest_us(10, 1000), 320000);
	assert_int_equal(pyi_pause_budget_rest_us(0, 1), 1000);
	assert_int_equal(pyi_pause_budget_rest_us(-1, 1), 1000);
	assert_int_equal(pyi_pause_budget_rest_us(NAN, 1), 1000);
	assert_int_equal(pyi_pause_budget_rest_us(1e18, 40), 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_no_snapshot),
		cmocka_unit_test(test_wrong_expectation),
		cmocka_unit_test(test_corrected),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
