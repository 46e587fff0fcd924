/*
 * Tests of growth: what is one, what is none, how fast, and when nothing can be said.
 *
 * Many kinds of load over a year are in test_alarms.c; here is one case for each reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "analysis/trend.h"
#include "history/levels.h"

enum {
	HOUR_S = 3600,
	QUARTER_S = 900,
	POINT_LIMIT = 30000,
};

static struct pyi_point points[POINT_LIMIT];

/* A look each `step_s` for `hours` of a process' life; `value` of the hour. */
static struct pyi_series make_series(double hours, int64_t step_s, double (*value)(double hour))
{
	struct pyi_series series = { .points = points };

	for (int64_t at_s = 0; (double)at_s <= hours * HOUR_S; at_s += step_s) {
		double of = floor(value((double)at_s / HOUR_S));

		assert_true(series.point_count < POINT_LIMIT);
		points[series.point_count++] = (struct pyi_point){
			.time_s = 1700000000 + at_s,
			.age_s = (uint64_t)at_s,
			.count = (uint64_t)of,
			.bytes = 100 * (uint64_t)of,
		};
	}
	return series;
}

static double leak(double hour)
{
	return 1000 + 60 * hour;
}

static double flat(double hour)
{
	(void)hour;
	return 1000;
}

static double shrinking(double hour)
{
	return 100000 - 60 * hour;
}

static double cycle(double hour)
{
	return 5000 - 4000 * cos(hour * M_PI / 12);
}

static double leak_and_cycle(double hour)
{
	return leak(hour) + 100 * cos(hour * M_PI / 12);
}

static double step(double hour)
{
	return hour < 12 ? 1000 : 9000;
}

static double full_cache(double hour)
{
	return fmin(1000 * hour, 10000);
}

static double emptied_daily(double hour)
{
	return 100 * fmod(hour, 24);
}

static double leak_and_bursts(double hour)
{
	return leak(hour) + (fmod(hour, 5) < 1 ? 30000 : 0);
}

static double warm_up(double hour)
{
	return 5000 * (1 - exp(-hour));
}

static double slow_leak_of_days(double hour)
{
	return 10000 + 2 * hour + 300 * cos(hour * M_PI / 12);
}

/* A tenth an hour: of what it was, and of what it is; from the first look, and after 30 h. */
static double tenth(double hour)
{
	return 1e6 * (1 + 0.1 * hour);
}

static double tenth_of_each(double hour)
{
	return 1e6 * pow(1.1, hour);
}

static double late_tenth(double hour)
{
	return 1e6 * (1 + 0.1 * fmax(hour - 30.1, 0));
}

static double late_tenth_of_each(double hour)
{
	return 1e6 * pow(1.1, fmax(hour - 30.1, 0));
}

/* With a little of what comes and goes. */
static double late_tenth_with_noise(double hour)
{
	return late_tenth(hour) + 2000 * sin(40 * hour);
}

static double twentieth(double hour)
{
	return 1e6 * (1 + 0.05 * hour);
}

static double nine_hundredths(double hour)
{
	return 1e6 * (1 + 0.09 * hour);
}

static double warm_up_of_hours(double hour)
{
	return 1e6 * (2 - exp(-hour / 2));
}

/* From 7 to 10 o'clock by half, and back from 17 on. */
static double office(double hour)
{
	double of_day = fmod(hour + 6, 24);
	double up = fmin(fmax((of_day - 7) / 3, 0), 1);
	double down = fmin(fmax((of_day - 17) / 3, 0), 1);

	return 1e6 * (1 + up * up * (3 - 2 * up) / 2 - down * down * (3 - 2 * down) / 2);
}

/* Evenly, each morning for three hours, and back. */
static double even_mornings(double hour)
{
	double of_day = fmod(hour + 6, 24);

	return 1e6 *
	       (1 + 0.15 * fmin(fmax(of_day - 7, 0), 4) - 0.3 * fmin(fmax(of_day - 17, 0), 2));
}

static double steps_of_two_hours(double hour)
{
	return 1e6 * (1 + 0.2 * floor(hour / 2));
}

/* Nights and days of 40,000 about a million, and then 8 hundredths an hour from hour 30.1 on. */
static double late_on_days(double hour)
{
	return 1e6 * (1 + 0.08 * fmax(hour - 30.1, 0)) + 2e4 * sin(hour * M_PI / 12);
}

/* The same growth from hour 10.1 on, a little faster; and before anything was seen for long. */
static double late_on_first_day(double hour)
{
	return 1e6 * (1 + 0.092 * fmax(hour - 10.1, 0)) + 3000 * sin(40 * hour);
}

static double early_on_first_day(double hour)
{
	return 1e6 * (1 + 0.092 * fmax(hour - 5.1, 0)) + 3000 * sin(40 * hour);
}

/* On the third day twice as high as on those before, and evenly: all has been seen by half. */
static double higher_day(double hour)
{
	double of_day = fmod(hour, 24);

	return 1e6 * (1 + (hour < 48 ? 0.25 : 0.45) * fmin(of_day, 24 - of_day) / 4);
}

/* Of which little is left, but for memory that was not given back. */
static double burst_and_leak(double hour)
{
	return 2e5 + 9e4 * fmax(hour - 30.1, 0) + (hour >= 20 && hour < 21 ? 4e5 : 0);
}

static double memory_of_burst_and_leak(double hour)
{
	return 8e5 + (hour < 20 ? burst_and_leak(hour) : fmax(6e5, burst_and_leak(hour)));
}

/* The first quarter of an hour of `from` to `to` at whose end it has grown for hours; else -1. */
static double first_growth(double (*value)(double hour), double from, double to)
{
	for (double hours = from; hours <= to; hours += 0.25) {
		struct pyi_series series = make_series(hours, QUARTER_S, value);
		struct pyi_trend trend = pyi_trend_of_hours(&series, NULL, INFINITY);

		assert_true(trend.known || !trend.grows);
		if (trend.grows)
			return hours;
	}
	return -1;
}

static void test_growth_of_hours(void **state)
{
	struct pyi_series series = make_series(40, QUARTER_S, late_tenth);
	struct pyi_trend trend;

	(void)state;
	assert_in_range((uintmax_t)(100 * first_growth(tenth, 0, 5)), 225, 300);
	assert_in_range((uintmax_t)(100 * first_growth(tenth_of_each, 0, 5)), 225, 300);
	assert_in_range((uintmax_t)(100 * (first_growth(late_tenth, 24, 40) - 30.1)), 225, 300);
	assert_in_range((uintmax_t)(100 * (first_growth(late_tenth_of_each, 24, 40) - 30.1)), 225,
			300);
	assert_in_range((uintmax_t)(100 * (first_growth(late_tenth_with_noise, 24, 40) - 30.1)),
			225, 300);
	series = make_series(32.75, QUARTER_S, late_tenth);
	trend = pyi_trend_of_hours(&series, NULL, INFINITY);
	assert_true(trend.known && trend.grows && fabs(trend.slope - 1e5) < 1e3);
	assert_in_range((uintmax_t)trend.span_s, PYI_TREND_HOURS_S - 300, PYI_TREND_HOURS_S + 900);
	/* A little less, but much. */
	series = make_series(3, QUARTER_S, nine_hundredths);
	assert_true(pyi_trend_of_hours(&series, NULL, 80000).grows);
	assert_false(pyi_trend_of_hours(&series, NULL, 95000).grows);
	/* Not yet. */
	series = make_series(2.25, QUARTER_S, tenth);
	assert_false(pyi_trend_of_hours(&series, NULL, INFINITY).known);
	series = make_series(24, HOUR_S, tenth);
	assert_false(pyi_trend_of_hours(&series, NULL, INFINITY).known);
}

static void test_no_growth_of_hours(void **state)
{
	(void)state;
	assert_true(first_growth(flat, 0, 40) < 0);
	assert_true(first_growth(twentieth, 0, 40) < 0);
	assert_true(first_growth(nine_hundredths, 0, 40) < 0);
	assert_true(first_growth(warm_up_of_hours, 0, 40) < 0);
	assert_true(first_growth(office, 0, 100) < 0);
	assert_true(first_growth(step, 0, 40) < 0);
	assert_true(first_growth(steps_of_two_hours, 0, 40) < 0);
	assert_true(first_growth(cycle, 24, 100) < 0);
	/* On the first day it cannot be known; afterwards it is nothing new. */
	assert_true(first_growth(even_mornings, 0, 10) > 0);
	assert_true(first_growth(even_mornings, 12, 100) < 0);
}

/* What is more than the process has ever done need not be a whole tenth. */
static void test_growth_beyond_the_past(void **state)
{
	static struct pyi_point of_memory[400];
	struct pyi_series memory = { .points = of_memory };
	struct pyi_series objects;

	(void)state;
	assert_in_range((uintmax_t)(100 * (first_growth(late_on_days, 24, 40) - 30.1)), 225, 300);
	assert_in_range((uintmax_t)(100 * (first_growth(late_on_first_day, 8, 20) - 10.1)), 225,
			300);
	assert_true(first_growth(early_on_first_day, 0, 10) < 0);
	assert_true(first_growth(higher_day, 24, 56) < 0);
	/* Objects show it, as part of the memory, which has been higher before. */
	objects = make_series(33, QUARTER_S, memory_of_burst_and_leak);
	assert_false(pyi_trend_of_hours(&objects, NULL, INFINITY).grows);
	memcpy(of_memory, objects.points, objects.point_count * sizeof(*of_memory));
	memory.point_count = objects.point_count;
	objects = make_series(33, QUARTER_S, burst_and_leak);
	/* The burst is an hour, which is less than what it falls back to is looked for in. */
	assert_true(pyi_trend_of_hours(&objects, NULL, INFINITY).grows);
	assert_false(pyi_trend_of_hours(&objects, &memory, INFINITY).grows);
	for (size_t p = 0; p < memory.point_count; p++)
		of_memory[p].count -= of_memory[p].count / 6;
	assert_true(pyi_trend_of_hours(&objects, &memory, INFINITY).grows);
	/* Of nothing no part can be said. */
	for (size_t p = 0; p < memory.point_count; p++)
		of_memory[p].count = 0;
	assert_false(pyi_trend_of_hours(&objects, &memory, INFINITY).grows);
	memory.point_count = 0;
	assert_false(pyi_trend_of_hours(&objects, &memory, INFINITY).grows);
}

static void test_leak(void **state)
{
	struct pyi_series series = make_series(40, QUARTER_S, leak);
	struct pyi_trend trend = pyi_trend_of(&series, false);

	(void)state;
	assert_true(trend.known && trend.grows);
	assert_true(fabs(trend.slope - 60) < 0.01);
	assert_true(trend.slope_low > 59 && trend.slope_low <= trend.slope);
	assert_true(trend.slope_high < 61 && trend.slope_high >= trend.slope);
	assert_int_equal(trend.span_s, 22 * HOUR_S);
	assert_int_equal(trend.points, 89);
	trend = pyi_trend_of(&series, true);
	assert_true(trend.grows && fabs(trend.slope - 6000) < 1);
}

static void test_too_short(void **state)
{
	struct pyi_series series = { 0 };
	struct pyi_trend trend = pyi_trend_of(&series, false);

	(void)state;
	assert_false(trend.known || trend.grows || trend.points);
	series = make_series(0.4, 60, leak);
	assert_false(pyi_trend_of(&series, false).known);
	series = make_series(20.9, QUARTER_S, leak);
	trend = pyi_trend_of(&series, false);
	assert_false(trend.known || trend.grows);
	assert_true(trend.slope == 0);
	series = make_series(21.1, QUARTER_S, leak);
	assert_true(pyi_trend_of(&series, false).grows);
	/* A day, but with too few looks. */
	series = make_series(48, INT64_C(6) * HOUR_S, leak);
	assert_false(pyi_trend_of(&series, false).known);
	series = make_series(48, INT64_C(4) * HOUR_S, leak);
	assert_false(pyi_trend_of(&series, false).known);
	series = make_series(48, INT64_C(2) * HOUR_S, leak);
	assert_true(pyi_trend_of(&series, false).grows);
}

static void expect_growth(double from_hours, double to_hours, double (*value)(double hour),
			  bool grows)
{
	for (unsigned n = 0; from_hours + 0.75 * n <= to_hours; n++) {
		double hours = from_hours + 0.75 * n;
		struct pyi_series series = make_series(hours, QUARTER_S, value);
		struct pyi_trend trend = pyi_trend_of(&series, false);

		if (trend.grows != grows)
			print_message("after %.2f hours\n", hours);
		assert_int_equal(trend.grows, grows);
		assert_true(trend.slope_low <= trend.slope && trend.slope <= trend.slope_high);
		assert_true(trend.slope_sure <= trend.slope_low);
	}
}

static void test_no_growth(void **state)
{
	(void)state;
	expect_growth(1, 60, flat, false);
	expect_growth(1, 60, shrinking, false);
	expect_growth(1, 200, cycle, false);
	expect_growth(1, 60, step, false);
	expect_growth(1, 60, full_cache, false);
	expect_growth(1, 60, warm_up, false);
	/* On its first day it is the same as a leak. */
	expect_growth(25, 200, emptied_daily, false);
}

static void test_growth(void **state)
{
	(void)state;
	expect_growth(21.25, 200, leak, true);
	expect_growth(22, 200, leak_and_cycle, true);
	expect_growth(22, 200, leak_and_bursts, true);
}

static double started_at;

static double warm_up_and_cycle(double hour)
{
	return 5000 - 2000 * exp(-hour / 3) - 150 * cos((started_at + hour) * M_PI / 12);
}

/* Whenever it was started: the end of the warm-up and the rise of the day look like one growth. */
static void test_warm_up_and_cycle(void **state)
{
	(void)state;
	for (int start = 0; start < 24; start++) {
		started_at = start;
		for (int quarters = 80; quarters < 160; quarters++) {
			struct pyi_series series =
				make_series(0.25 * quarters, QUARTER_S, warm_up_and_cycle);
			struct pyi_trend trend = pyi_trend_of(&series, false);

			assert_false(trend.grows && trend.slope_sure > 30);
		}
	}
}

/* Too slow to be seen behind the cycle of a day, but not over days. */
static void test_slow_growth(void **state)
{
	struct pyi_series series = make_series(100, QUARTER_S, slow_leak_of_days);
	struct pyi_trend trend;

	(void)state;
	assert_false(pyi_trend_of(&series, false).grows);
	series = make_series(12 * 24, QUARTER_S, slow_leak_of_days);
	trend = pyi_trend_of(&series, false);
	assert_true(trend.grows);
	assert_true(trend.slope_low > 1.5 && trend.slope_high < 2.5);
	assert_true(trend.span_s > INT64_C(8) * 24 * HOUR_S);
}

/* A number between 0 and 500 that is the same for the same hour. */
static double garbage(double hour)
{
	uint32_t hash = (uint32_t)(hour * HOUR_S) * 2654435761u;

	return (double)(hash >> 16) * 500 / 65536;
}

static double cycle_and_garbage(double hour)
{
	return cycle(hour) + garbage(hour);
}

static double late_leak_and_garbage(double hour)
{
	return 5000 + 60 * fmax(hour - 17 * 24, 0) + garbage(hour);
}

/* Looked at each minute, and thinned as the history is: dense at the end. */
static struct pyi_series make_thinned(double hours, double (*value)(double hour))
{
	struct pyi_series series = make_series(hours, 60, value);
	struct pyi_history_levels walk = { 0 };
	size_t kept = 0;

	for (size_t p = 0; p < series.point_count; p++) {
		if (pyi_history_levels_keep(&walk, (int64_t)points[series.point_count - 1].age_s,
					    (int64_t)points[p].age_s))
			points[kept++] = points[p];
	}
	series.point_count = kept;
	return series;
}

static void test_thinned(void **state)
{
	struct pyi_series series;

	(void)state;
	for (int hours = 18 * 24; hours < 19 * 24; hours++) {
		series = make_thinned(hours, cycle_and_garbage);
		assert_true(series.point_count < 800);
		assert_true(pyi_trend_of(&series, false).known);
		assert_false(pyi_trend_of(&series, false).grows);
	}
	for (int hours = 17 * 24 + 22; hours < 19 * 24; hours++) {
		series = make_thinned(hours, late_leak_and_garbage);
		assert_true(pyi_trend_of(&series, false).grows);
		assert_true(pyi_trend_of(&series, false).slope_low > 30);
	}
	/* All of the last 25 hours, dense enough for each of the 12 parts; and what was before. */
	series = make_thinned(18 * 24, leak);
	assert_true(pyi_trend_never_shrinks(&series, 12));
	points[10].count = 100000;
	assert_false(pyi_trend_never_shrinks(&series, 12));
}

static void test_extreme_values(void **state)
{
	struct pyi_series series = make_series(30, QUARTER_S, leak);

	(void)state;
	for (size_t p = 0; p < series.point_count; p++)
		points[p].count = p % 2 ? UINT64_MAX : 0;
	assert_false(pyi_trend_of(&series, false).grows);
	for (size_t p = 0; p < series.point_count; p++)
		points[p].count = UINT64_MAX - 1000000 + 10000 * p;
	assert_true(isfinite(pyi_trend_of(&series, false).slope));
	/* All at one moment, and backwards in time, which a history must not have. */
	for (size_t p = 0; p < series.point_count; p++)
		points[p].age_s = 200000;
	assert_false(pyi_trend_of(&series, false).known);
	for (size_t p = 0; p < series.point_count; p++)
		points[p].age_s = UINT64_MAX - p * 1000;
	assert_false(pyi_trend_of(&series, false).grows);
	for (size_t p = 0; p < series.point_count; p++)
		points[p].age_s = 10000000 - p * 1000;
	assert_false(pyi_trend_of(&series, false).grows);
	assert_false(pyi_trend_never_shrinks(&series, 12));
}

static void test_never_shrinks(void **state)
{
	struct pyi_series series = make_series(30, QUARTER_S, leak);

	(void)state;
	assert_true(pyi_trend_never_shrinks(&series, 12));
	assert_true(pyi_trend_never_shrinks(&series, 1));
	assert_false(pyi_trend_never_shrinks(&series, 0));
	assert_false(pyi_trend_never_shrinks(&series, 1000));
	/* Once a bit less. */
	points[60].count -= 40;
	assert_false(pyi_trend_never_shrinks(&series, 12));
	/* That was more than a day ago. */
	series = make_series(60, QUARTER_S, leak);
	points[60].count -= 40;
	assert_true(pyi_trend_never_shrinks(&series, 12));
	/* But it has been higher. */
	points[60].count += 10000;
	assert_false(pyi_trend_never_shrinks(&series, 12));
}

static double steps_of_hours(double hour)
{
	return 100 * floor(hour / 4);
}

static void test_never_shrinks_time(void **state)
{
	struct pyi_series series = make_series(24.9, QUARTER_S, leak);

	(void)state;
	assert_false(pyi_trend_never_shrinks(&series, 12));
	series = make_series(25.1, QUARTER_S, leak);
	assert_true(pyi_trend_never_shrinks(&series, 12));
	/* Looked at once a day: 12 looks are 12 days. */
	series = make_series(11 * 24, INT64_C(24) * HOUR_S, leak);
	assert_false(pyi_trend_never_shrinks(&series, 12));
	series = make_series(12 * 24, INT64_C(24) * HOUR_S, leak);
	assert_true(pyi_trend_never_shrinks(&series, 12));
	/* It rises, but not in each part. */
	series = make_series(40, QUARTER_S, steps_of_hours);
	assert_true(pyi_trend_never_shrinks(&series, 6));
	assert_false(pyi_trend_never_shrinks(&series, 12));
	series = make_series(40, QUARTER_S, full_cache);
	assert_false(pyi_trend_never_shrinks(&series, 12));
	for (int quarters = 4; quarters < 400; quarters++) {
		series = make_series(0.25 * quarters, QUARTER_S, emptied_daily);
		assert_false(pyi_trend_never_shrinks(&series, 12));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leak),
		cmocka_unit_test(test_growth_of_hours),
		cmocka_unit_test(test_no_growth_of_hours),
		cmocka_unit_test(test_growth_beyond_the_past),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_no_growth),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_warm_up_and_cycle),
		cmocka_unit_test(test_slow_growth),
		cmocka_unit_test(test_thinned),
		cmocka_unit_test(test_extreme_values),
		cmocka_unit_test(test_never_shrinks),
		cmocka_unit_test(test_never_shrinks_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
