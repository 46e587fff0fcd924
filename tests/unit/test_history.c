/*
 * Tests of history: what goes in comes out, thinning, limits. What may be a history at all is in
 * test_history_place.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "history/history.h"
#include "history_fixture.h"

enum {
	START = 1000000,
	HOUR = 3600,
	DAY = 86400,
};

static struct pyi_series series_of(struct history_fixture *fixture, enum pyi_figure_kind kind,
				   const char *name)
{
	struct pyi_series series = { 0 };

	assert_null(pyi_history_series(fixture->history, &fixture->process, kind, name, &series));
	assert_string_equal(series.name, name);
	assert_int_equal(series.kind, kind);
	for (size_t p = 1; p < series.point_count; p++)
		assert_true(series.points[p - 1].time_s < series.points[p].time_s);
	return series;
}

static size_t count_points(struct history_fixture *fixture, const char *name)
{
	struct pyi_series series = series_of(fixture, PYI_FIGURE_TYPE, name);
	size_t count = series.point_count;

	pyi_series_deinit(&series);
	return count;
}

/* Changes the file behind the back of the history. */
static void change(const struct history_fixture *fixture, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_comes_out_as_it_went_in(void **state)
{
	struct history_fixture *fixture = *state;
	static const uint64_t values[] = { 0, 1, 127, 128, UINT32_MAX, INT64_MAX, UINT64_MAX };
	enum { COUNT = sizeof(values) / sizeof(values[0]) };
	struct pyi_sample sample = { .time_s = START + 7, .age_s = UINT32_MAX };
	struct pyi_series *all;
	size_t count;

	history_open(fixture, false);
	for (size_t v = 0; v < COUNT; v++) {
		char name[8];

		/* Bytes that are no text. */
		snprintf(name, sizeof(name), "\xff%c\n", 'a' + (int)v);
		assert_null(pyi_sample_add(&sample, PYI_FIGURE_CONTAINER, name, values[v],
					   values[COUNT - 1 - v]));
	}
	assert_null(pyi_sample_add(&sample, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 5, 0));
	pyi_sample_sort(&sample);
	assert_null(pyi_history_add(fixture->history, &fixture->process, &sample));
	pyi_sample_deinit(&sample);
	history_open(fixture, true);
	assert_null(pyi_history_all_series(fixture->history, &fixture->process, 0, &all, &count));
	assert_int_equal(count, COUNT + 1);
	assert_string_equal(all[0].name, PYI_FIGURE_RSS);
	for (size_t v = 0; v < COUNT; v++) {
		const struct pyi_series *series = &all[v + 1];

		assert_int_equal(series->kind, PYI_FIGURE_CONTAINER);
		assert_int_equal(series->name[1], 'a' + v);
		assert_int_equal(series->point_count, 1);
		assert_int_equal(series->points[0].time_s, START + 7);
		assert_int_equal(series->points[0].age_s, UINT32_MAX);
		assert_true(series->points[0].count == values[v]);
		assert_true(series->points[0].bytes == values[COUNT - 1 - v]);
	}
	for (size_t s = 0; s < count; s++)
		pyi_series_deinit(&all[s]);
	free(all);
}

/* A program's file may have any bytes for a name; what is kept is text. */
static void test_names_are_text(void **state)
{
	static char exe[] = "/opt/\xff\xc0\xaf/p\xc3\xa4ython\x1b";
	struct history_fixture *fixture = *state;
	struct pyi_history_process *processes;
	size_t count;

	history_open(fixture, false);
	fixture->process.exe = exe;
	fixture->process.target = NULL;
	history_add(fixture, START + 60, 1, 10);
	history_add(fixture, START + 120, 1, 10);
	history_open(fixture, true);
	assert_null(pyi_history_processes(fixture->history, &processes, &count));
	assert_int_equal(count, 1);
	assert_int_equal(processes[0].samples, 2);
	assert_string_equal(processes[0].exe,
			    "/opt/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd/p\xc3\xa4ython\x1b");
	assert_string_equal(processes[0].target, "");
	pyi_history_processes_free(processes, count);
}

/* New figures come, others go: what is not in a sample is no point, not a zero. */
static void test_figures_come_and_go(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_series series;

	history_open(fixture, false);
	history_add(fixture, START + 60, 2, 10);
	history_add(fixture, START + 120, 4, 20);
	history_add(fixture, START + 180, 1, 30);
	assert_int_equal(count_points(fixture, "t0"), 3);
	assert_int_equal(count_points(fixture, "t1"), 2);
	assert_int_equal(count_points(fixture, "t3"), 1);
	assert_int_equal(count_points(fixture, "t4"), 0);
	series = series_of(fixture, PYI_FIGURE_TYPE, "t1");
	assert_true(series.points[1].count == 20 && series.points[1].bytes == 2000);
	pyi_series_deinit(&series);
	/* Another kind is another figure. */
	series = series_of(fixture, PYI_FIGURE_TYPE_TREE, "t1");
	assert_int_equal(series.point_count, 0);
	pyi_series_deinit(&series);
}

static void test_processes(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_history_process *processes;
	size_t count;

	history_open(fixture, false);
	history_add(fixture, START + 1, 1, 1);
	history_add(fixture, START + 61, 1, 2);
	/* The number is used again; and once more, after a restart of the machine. */
	fixture->process.start_ticks++;
	history_add(fixture, START + 200, 1, 3);
	strcpy(fixture->process.boot_id, "another");
	history_add(fixture, START + 100, 1, 4);
	assert_null(pyi_history_processes(fixture->history, &processes, &count));
	assert_int_equal(count, 3);
	assert_string_equal(processes[0].boot_id, "another");
	assert_int_equal(processes[1].start_ticks, 987655);
	assert_int_equal(processes[2].start_ticks, 987654);
	assert_int_equal(processes[2].first_s, START + 1);
	assert_int_equal(processes[2].last_s, START + 61);
	assert_int_equal(processes[2].samples, 2);
	assert_int_equal(processes[2].kept, 2);
	assert_string_equal(processes[2].target, "unit:firewalld.service");
	assert_string_equal(processes[2].exe, "/usr/bin/python3.11");
	pyi_history_processes_free(processes, count);
	assert_int_equal(count_points(fixture, "t0"), 1);
}

static void test_same_second_replaces(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_series series;

	history_open(fixture, false);
	history_add(fixture, START + 60, 3, 10);
	history_add(fixture, START + 60, 2, 11);
	series = series_of(fixture, PYI_FIGURE_TYPE, "t0");
	assert_int_equal(series.point_count, 1);
	assert_int_equal(series.points[0].count, 11);
	pyi_series_deinit(&series);
	assert_int_equal(count_points(fixture, "t2"), 0);
}

/* Its figures are too low, and what comes after it would look like growth. */
static void test_incomplete_samples_give_no_points(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_sample sample = history_sample(START + 120, 1, 1);

	history_open(fixture, false);
	history_add(fixture, START + 60, 1, 10);
	sample.incomplete = true;
	assert_null(pyi_history_add(fixture->history, &fixture->process, &sample));
	pyi_sample_deinit(&sample);
	assert_int_equal(count_points(fixture, "t0"), 1);
	assert_int_equal(pyi_history_notes(fixture->history)->incomplete, 1);
}

static void test_damaged_samples_are_left_out(void **state)
{
	struct history_fixture *fixture = *state;

	history_open(fixture, false);
	for (int s = 1; s <= 5; s++)
		history_add(fixture, START + 60 * s, 3, 10);
	change(fixture, "UPDATE sample SET figures = x'0102' || substr(figures, 3) WHERE id = 2;"
			"UPDATE sample SET time = time + 1 WHERE id = 3;"
			"UPDATE sample SET flags = 1 WHERE id = 4");
	assert_int_equal(count_points(fixture, "t0"), 2);
	assert_int_equal(pyi_history_notes(fixture->history)->damaged, 3);
	assert_int_equal(pyi_history_notes(fixture->history)->incomplete, 0);
}

static void test_damaged_processes_are_left_out(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_history_process *processes;
	size_t count;

	history_open(fixture, false);
	history_add(fixture, START + 60, 1, 10);
	fixture->process.pid++;
	history_add(fixture, START + 120, 1, 10);
	change(fixture, "UPDATE process SET target = 'unit:other' WHERE id = 1");
	assert_null(pyi_history_processes(fixture->history, &processes, &count));
	assert_int_equal(count, 1);
	assert_int_equal(processes[0].pid, 4243);
	assert_int_equal(pyi_history_notes(fixture->history)->damaged, 1);
	pyi_history_processes_free(processes, count);
}

static size_t count_between(const struct pyi_series *series, int64_t from_s, int64_t to_s)
{
	size_t count = 0;

	for (size_t p = 0; p < series->point_count; p++)
		count += series->points[p].time_s > from_s && series->points[p].time_s <= to_s;
	return count;
}

/* 100 days, more samples than are kept at any age: dense at the end, and fewer the older they are.
 */
static void test_thinning(void **state)
{
	struct history_fixture *fixture = *state;
	const int64_t now = START + 100 * DAY;
	struct pyi_series series;

	history_open(fixture, false);
	for (int64_t time = START + 300; time <= now;) {
		history_add(fixture, time, 1, (uint64_t)time);
		if (time < now - 17 * DAY)
			time += 3 * HOUR;
		else
			time += time < now - 3 * DAY ? HOUR / 2 : 300;
	}
	series = series_of(fixture, PYI_FIGURE_TYPE, "t0");
	/* The first and the last sample stay. */
	assert_int_equal(series.points[0].time_s, START + 300);
	assert_int_equal(series.points[series.point_count - 1].time_s, now);
	assert_int_equal(count_between(&series, now - 2 * HOUR, now), 24);
	assert_in_range(count_between(&series, now - 2 * DAY, now - 2 * HOUR), 274, 278);
	assert_in_range(count_between(&series, now - 16 * DAY, now - 2 * DAY), 334, 338);
	assert_in_range(count_between(&series, now - 90 * DAY, now - 16 * DAY), 294, 298);
	assert_in_range(count_between(&series, START, now - 90 * DAY), 9, 12);
	/* Never moved, never mixed up. */
	for (size_t p = 0; p < series.point_count; p++) {
		assert_int_equal(series.points[p].count, series.points[p].time_s);
		assert_int_equal(series.points[p].time_s % 300, START % 300);
	}
	pyi_series_deinit(&series);
}

/* For a while the clock is a century ahead. What is kept depends on the age of the process. */
static void test_thinning_does_not_believe_the_clock(void **state)
{
	struct history_fixture *fixture = *state;

	history_open(fixture, false);
	for (int s = 1; s <= 20; s++) {
		struct pyi_sample sample = history_sample(START + 600 * s, 1, 1);

		if (s == 10)
			sample.time_s += (int64_t)100 * 365 * DAY;
		assert_null(pyi_history_add(fixture->history, &fixture->process, &sample));
		pyi_sample_deinit(&sample);
	}
	assert_int_equal(count_points(fixture, "t0"), 20);
}

/* A clock that was an hour ahead for a while: order and distances are those of the age. */
static void test_clock_that_was_set(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_series series;

	history_open(fixture, false);
	for (unsigned s = 0; s < 6; s++) {
		struct pyi_sample sample = history_sample(2000000 + s * 600, 1, s);

		if (s == 2 || s == 3)
			sample.time_s += 3600;
		assert_null(pyi_history_add(fixture->history, &fixture->process, &sample));
		pyi_sample_deinit(&sample);
	}
	series = series_of(fixture, PYI_FIGURE_TYPE, "t0");
	assert_int_equal(series.point_count, 6);
	for (unsigned s = 0; s < 6; s++) {
		assert_int_equal(series.points[s].count, s);
		assert_int_equal(series.points[s].time_s, 2000000 + s * 600);
	}
	pyi_series_deinit(&series);
}

static void test_limit_of_samples(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_history_limits limits = pyi_history_limits_default;
	struct pyi_series series;

	limits.samples = 10;
	history_open(fixture, false);
	pyi_history_set_limits(fixture->history, &limits);
	for (int s = 1; s <= 25; s++)
		history_add(fixture, START + 600 * s, 1, (uint64_t)s);
	series = series_of(fixture, PYI_FIGURE_TYPE, "t0");
	assert_int_equal(series.point_count, 10);
	assert_int_equal(series.points[0].count, 16);
	pyi_series_deinit(&series);
}

static void test_limit_of_figures(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_history_limits limits = pyi_history_limits_default;
	struct pyi_sample sample = { .time_s = START + 1, .age_s = 1 };
	PYI_CLEANUP(pyi_series_deinit) struct pyi_series big = { 0 };
	PYI_CLEANUP(pyi_series_deinit) struct pyi_series rss = { 0 };
	char long_name[2000] = "";

	memset(long_name, 'x', sizeof(long_name) - 1);
	limits.figures = 3;
	history_open(fixture, false);
	pyi_history_set_limits(fixture->history, &limits);
	assert_null(pyi_sample_add(&sample, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 1, 0));
	assert_null(pyi_sample_add(&sample, PYI_FIGURE_TYPE, "small", 900, 10));
	assert_null(pyi_sample_add(&sample, PYI_FIGURE_TYPE, "big", 1, 5000));
	assert_null(pyi_sample_add(&sample, PYI_FIGURE_TYPE, long_name, 1, 1000000));
	assert_null(pyi_sample_add(&sample, PYI_FIGURE_CONTAINER, "long", 1000, 0));
	assert_null(pyi_sample_add(&sample, PYI_FIGURE_CONTAINER, "short", 100, 0));
	pyi_sample_sort(&sample);
	assert_null(pyi_history_add(fixture->history, &fixture->process, &sample));
	pyi_sample_deinit(&sample);
	assert_int_equal(pyi_history_notes(fixture->history)->left_out, 3);
	big = series_of(fixture, PYI_FIGURE_TYPE, "big");
	rss = series_of(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS);
	assert_int_equal(big.point_count, 1);
	assert_int_equal(rss.point_count, 1);
	assert_int_equal(count_points(fixture, "small"), 0);
}

/* A program that makes new types all the time must not fill the disk with names. */
static void test_limit_of_names(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_history_limits limits = pyi_history_limits_default;

	limits.names = 5;
	history_open(fixture, false);
	pyi_history_set_limits(fixture->history, &limits);
	history_add(fixture, START + 60, 3, 1);
	history_add(fixture, START + 120, 9, 1);
	assert_int_equal(pyi_history_notes(fixture->history)->left_out, 4);
	assert_int_equal(count_points(fixture, "t4"), 1);
	assert_int_equal(count_points(fixture, "t5"), 0);
	history_add(fixture, START + 180, 9, 1);
	assert_int_equal(count_points(fixture, "t4"), 2);
}

static void test_limit_of_processes(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_history_limits limits = pyi_history_limits_default;
	struct pyi_history_process *processes;
	size_t count;

	limits.processes = 4;
	history_open(fixture, false);
	pyi_history_set_limits(fixture->history, &limits);
	for (int p = 1; p <= 10; p++) {
		/* The first one is written to again and again: it is never the stalest. */
		fixture->process.pid = 1;
		history_add(fixture, START + 600 * p, 1, 1);
		fixture->process.pid = 100 + p;
		history_add(fixture, START + 5, 1, 1);
	}
	assert_null(pyi_history_processes(fixture->history, &processes, &count));
	assert_int_equal(count, 4);
	assert_int_equal(processes[0].pid, 110);
	assert_int_equal(processes[1].pid, 1);
	assert_int_equal(processes[1].kept, 10);
	assert_int_equal(processes[3].pid, 108);
	pyi_history_processes_free(processes, count);
}

static int64_t file_bytes(const struct history_fixture *fixture)
{
	struct stat status;

	assert_int_equal(stat(fixture->path, &status), 0);
	return status.st_size;
}

static void test_limit_of_the_file(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_history_limits limits = pyi_history_limits_default;
	struct pyi_series series;

	limits.file_bytes = 512 << 10;
	history_open(fixture, false);
	pyi_history_set_limits(fixture->history, &limits);
	for (int p = 1; p <= 40; p++) {
		fixture->process.pid = p;
		history_add(fixture, START + 600, 300, UINT32_MAX);
		assert_true(file_bytes(fixture) <= 512 << 10);
	}
	fixture->process.pid = 1;
	assert_int_equal(count_points(fixture, "t0"), 0);
	fixture->process.pid = 40;
	assert_int_equal(count_points(fixture, "t0"), 1);
	/* Of one process alone the oldest samples go. */
	for (int s = 1; s <= 300; s++) {
		history_add(fixture, START + 600 * s, 300, (uint64_t)s << 32);
		assert_true(file_bytes(fixture) <= 512 << 10);
	}
	series = series_of(fixture, PYI_FIGURE_TYPE, "t299");
	assert_in_range(series.point_count, 30, 299);
	assert_true(series.points[series.point_count - 1].count == (uint64_t)300 << 32);
	pyi_series_deinit(&series);
}

static bool has_seen(struct history_fixture *fixture, const struct pyi_history_process *process,
		     enum pyi_figure_kind kind, const char *name)
{
	bool seen = false;

	assert_null(pyi_history_has_seen(fixture->history, process, kind, name, &seen));
	return seen;
}

/* What was seen in a process counts for itself and for what follows it as that unit. */
static void test_has_seen(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_history_process later = history_process(fixture->process.pid);
	char number[16];

	history_open(fixture, false);
	assert_false(has_seen(fixture, &fixture->process, PYI_FIGURE_TYPE, "t0"));
	history_add(fixture, START, 2, 5);
	assert_true(has_seen(fixture, &fixture->process, PYI_FIGURE_TYPE, "t1"));
	assert_false(has_seen(fixture, &fixture->process, PYI_FIGURE_TYPE, "t2"));
	assert_false(has_seen(fixture, &fixture->process, PYI_FIGURE_TYPE_TREE, "t1"));
	/* It was started again. */
	later.pid++;
	later.start_ticks++;
	assert_true(has_seen(fixture, &later, PYI_FIGURE_TYPE, "t1"));
	later.target = (char *)(uintptr_t) "unit:other";
	assert_false(has_seen(fixture, &later, PYI_FIGURE_TYPE, "t1"));
	/* The number of a process may have been another one's. */
	snprintf(number, sizeof(number), "%d", (int)fixture->process.pid);
	fixture->process.target = number;
	history_add(fixture, START + 60, 2, 5);
	later.target = number;
	assert_false(has_seen(fixture, &later, PYI_FIGURE_TYPE, "t1"));
}

int main(void)
{
#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, history_set_up, history_tear_down)
	const struct CMUnitTest tests[] = {
		HISTORY_TEST(test_comes_out_as_it_went_in),
		HISTORY_TEST(test_names_are_text),
		HISTORY_TEST(test_figures_come_and_go),
		HISTORY_TEST(test_processes),
		HISTORY_TEST(test_same_second_replaces),
		HISTORY_TEST(test_incomplete_samples_give_no_points),
		HISTORY_TEST(test_damaged_samples_are_left_out),
		HISTORY_TEST(test_damaged_processes_are_left_out),
		HISTORY_TEST(test_thinning),
		HISTORY_TEST(test_thinning_does_not_believe_the_clock),
		HISTORY_TEST(test_clock_that_was_set),
		HISTORY_TEST(test_limit_of_samples),
		HISTORY_TEST(test_limit_of_figures),
		HISTORY_TEST(test_limit_of_names),
		HISTORY_TEST(test_limit_of_processes),
		HISTORY_TEST(test_limit_of_the_file),
		HISTORY_TEST(test_has_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
