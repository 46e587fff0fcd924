/*
 * Tests how often check is wrong, on made-up histories: no false alarm of any healthy load in
 * weeks, a leak of one a minute found within a day on all loads that move no faster than it, and
 * one of a tenth of memory an hour within hours.
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

enum {
	/* Of each load. */
	FAST_LEAKS = 10,
};

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
			print_message("# %s: %s\n", invented_loads[l].name, run.message);
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
			print_message("# %s, leak %u: %.1f h: %s\n", invented_loads[l].name, n,
				      hours, message);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	pyi_rules_deinit(&rules);
}

/* Memory that grows by a tenth an hour is not waited for, where nothing else moves much. */
static void test_fast_leaks_are_found_soon(void **state)
{
	static const char *const quiet[] = { "flat", "day and night, small",
					     "cache of 1,000, slowly", "warm-up of minutes" };
	struct pyi_rules rules;
	unsigned found = 0;

	(void)state;
	load_rules(&rules);
	for (size_t l = 0; l < invented_load_count; l++) {
		bool is_quiet = false;

		for (size_t q = 0; q < sizeof(quiet) / sizeof(quiet[0]); q++)
			is_quiet |= strcmp(invented_loads[l].name, quiet[q]) == 0;
		for (unsigned n = 0; n < FAST_LEAKS && is_quiet; n++) {
			char message[300];
			double hours = load_run_leak(&invented_loads[l], &rules, 100 * l + n,
						     load_leak_start(100 * l + n),
						     load_part_an_hour(&invented_loads[l], 0.1), 24,
						     message);

			if (hours > 3.25)
				print_message("# %s, fast leak %u: %.1f h: %s\n",
					      invented_loads[l].name, n, hours, message);
			found += hours <= 3.25;
		}
	}
	/* What happens by chance may hide one for a while. */
	assert_in_range(found, sizeof(quiet) / sizeof(quiet[0]) * FAST_LEAKS * 4 / 5, UINT32_MAX);
	pyi_rules_deinit(&rules);
}

/*
 * Of a process that was healthy for a day or more, whatever its load is, as long as that moves no
 * faster than a leak of one a minute: what it has done before tells load from a leak.
 */
static void test_fast_leaks_are_known_by_the_past(void **state)
{
	unsigned of_load = is_long() ? 8 : 2;
	struct pyi_rules rules;
	unsigned leaks = 0;
	unsigned found = 0;

	(void)state;
	load_rules(&rules);
	for (size_t l = 0; l < invented_load_count; l++) {
		for (unsigned n = 0; n < of_load && invented_loads[l].leak_is_found; n++) {
			/* load_leak_start() of these: 24 hours and more. */
			uint64_t seed = 3 * (100 * l + n) + 2;
			char message[300];
			double hours = load_run_leak(
				&invented_loads[l], &rules, seed, load_leak_start(seed),
				load_part_an_hour(&invented_loads[l], 0.1), 4, message);

			leaks++;
			found += hours <= 3;
		}
	}
	print_message("%u of %u within 3 hours\n", found, leaks);
	assert_in_range(found, leaks * 2 / 3, leaks);
	pyi_rules_deinit(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_false_alarms),
		cmocka_unit_test(test_leaks_are_found),
		cmocka_unit_test(test_fast_leaks_are_found_soon),
		cmocka_unit_test(test_fast_leaks_are_known_by_the_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
