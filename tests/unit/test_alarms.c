/*
 * Tests how often check is wrong, on made-up histories: no false alarm of any healthy load in
 * weeks, and a leak of one a minute found within a day on all loads that move no faster than it.
 *
 * For a few weeks each; with PYI_LONG=1 four months and more leaks. bench/check-alarms measures
 * years.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invented_load.h"

static bool is_long(void)
{
	const char *value = getenv("PYI_LONG");

	return value && strcmp(value, "1") == 0;
}

static void test_no_false_alarms(void **state)
{
	unsigned days = is_long() ? 120 : 21;
	struct pyi_rules rules;
	uint64_t days_in_all = 0;
	uint64_t alarms = 0;

	(void)state;
	load_rules(&rules);
	for (size_t l = 0; l < invented_load_count; l++) {
		struct load_run run;

		if (invented_loads[l].beyond_limits)
			continue;
		run = load_run_healthy(&invented_loads[l], &rules, 1000 + l, days);
		assert_true(run.looks >= (uint64_t)days * 90);
		if (run.alarms)
			print_message("%s: %s\n", invented_loads[l].name, run.message);
		alarms += run.alarms;
		days_in_all += days;
	}
	/* None in weeks; over longer time, one in ten years: doc/alarms.md. */
	assert_in_range(alarms, 0, days_in_all / 3650);
	pyi_rules_deinit(&rules);
}

/* The leak begins with the process, on its first day, or in later days. */
static void test_leaks_are_found(void **state)
{
	unsigned leaks = is_long() ? 20 : 6;
	struct pyi_rules rules;
	uint64_t wrong = 0;

	(void)state;
	load_rules(&rules);
	for (size_t l = 0; l < invented_load_count; l++) {
		for (unsigned n = 0; n < leaks && invented_loads[l].leak_is_found; n++) {
			char message[300];
			double hours =
				load_run_leak(&invented_loads[l], &rules, 100 * l + n,
					      load_leak_start(100 * l + n), 60, 24.01, message);

			if (hours >= 0 && hours <= 24)
				continue;
			print_message("%s, leak %u: %.1f h: %s\n", invented_loads[l].name, n, hours,
				      message);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	pyi_rules_deinit(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_false_alarms),
		cmocka_unit_test(test_leaks_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
