/*
 * Tests of the report of history: order, table, plots, machine forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/history.h"
#include "report/plot.h"
#include "report_fixture.h"

enum {
	/* 2023-11-14 22:13:20 UTC */
	START = 1700000000,
};

static char exe[] = "/usr/bin/python3";
static char target[] = "unit:firewalld";
static char rss[] = "rss";
static char session[] = "foo.Session";
static char senders[] = "foo.Object.senders";

static struct pyi_point points[3][3] = {
	{ { START, 60, 1000, 0 }, { START + 3600, 3660, 1500, 0 }, { START + 7200, 7260, 900, 0 } },
	{ { START, 60, 10, 700 },
	  { START + 3600, 3660, 20, 1400 },
	  { START + 7200, 7260, 30, 2100 } },
	{ { START, 60, 5, 0 }, { START + 3600, 3660, 5, 0 }, { START + 7200, 7260, 5, 0 } },
};

static const struct pyi_series series[3] = {
	{ PYI_FIGURE_PROCESS, rss, points[0], 3 },
	{ PYI_FIGURE_TYPE, session, points[1], 3 },
	{ PYI_FIGURE_CONTAINER, senders, points[2], 3 },
};

static const struct pyi_history_process process = {
	.boot_id = "11111111-2222-4333-8444-555555555555",
	.pid = 871,
	.start_ticks = 99,
	.exe = exe,
	.target = target,
	.first_s = START,
	.last_s = START + 7200,
	.samples = 12,
	.kept = 3,
};

struct fixture {
	struct pyi_history_row rows[3];
	struct pyi_history_report report;
	struct pyi_envelope envelope;
	char *text;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	setenv("TZ", "UTC0", 1);
	fixture->envelope = report_envelope("history");
	fixture->envelope.source = "history";
	for (int r = 0; r < 3; r++)
		fixture->rows[r].series = &series[r];
	fixture->rows[1].count = (struct pyi_trend){ .points = 3,
						     .span_s = 7200,
						     .slope = 10,
						     .slope_low = 9.5,
						     .slope_high = 12345,
						     .known = true,
						     .grows = true };
	fixture->report = (struct pyi_history_report){
		.file = "/var/lib/pyinspect/history.sqlite",
		.process = &process,
		.rows = fixture->rows,
		.row_count = 3,
	};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	free(fixture->text);
	free(fixture);
	return 0;
}

static struct pyi_error *report_history(FILE *stream, enum pyi_format format, unsigned columns,
					const struct pyi_envelope *envelope, const void *data)
{
	return pyi_report_history(stream, format, columns, envelope, data);
}

static const char *render(struct fixture *fixture, enum pyi_format format, unsigned columns)
{
	free(fixture->text);
	fixture->text = report_render(report_history, format, columns, &fixture->envelope,
				      &fixture->report);
	return fixture->text;
}

static void test_table(void **state)
{
	struct fixture *fixture = *state;

	pyi_report_history_sort(fixture->rows, 3, false);
	assert_string_equal(
		render(fixture, PYI_FORMAT_TABLE, 0),
		"PID 871 (has exited), /usr/bin/python3, unit:firewalld\n"
		"12 samples from 2023-11-14 22:13 to 2023-11-15 00:13, 3 of them kept\n"
		"\n"
		"FIRST  LAST  CHANGE               PER HOUR  TREND       FIGURE\n"
		"   10    30     +20  +10.0 (+9.50..+12.3k)  ▁▁▁▁▅▅▅▅▅█  foo.Session  GROWS\n"
		"1,000   900    -100                      -  ▂▂▂▂█████▁  rss\n"
		"    5     5       0                      -  ▁▁▁▁▁▁▁▁▁▁  "
		"len(foo.Object.senders)\n");
	fixture->report.running = true;
	fixture->report.by_bytes = true;
	fixture->report.limit = 1;
	fixture->report.notes.incomplete = 2;
	fixture->report.notes.damaged = 4;
	pyi_report_history_sort(fixture->rows, 3, true);
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_narrow(fixture->text, 80);
	assert_has(fixture->text, "PID 871, ");
	assert_has(fixture->text, "1,000   900    -100");
	assert_has(fixture->text, "and 2 other figures (see --limit)\n");
	assert_has(fixture->text, "samples of incomplete looks, not shown: 2\n");
	assert_has(fixture->text, "warning: damaged samples, not shown: 4\n");
	assert_lacks(fixture->text, "GROWS");
}

static void test_plot(void **state)
{
	struct fixture *fixture = *state;

	fixture->report.single = true;
	fixture->report.rows = &fixture->rows[1];
	fixture->report.row_count = 1;
	fixture->report.plain = true;
	render(fixture, PYI_FORMAT_TABLE, 40);
	assert_narrow(fixture->text, 40);
	for (const char *at = fixture->text; *at; at++)
		assert_true((unsigned char)*at < 0x80);
	/* From the lowest on the left to the highest on the right. */
	assert_has(fixture->text, "30 |                                 ***\n");
	assert_has(fixture->text, "10 |**");
	assert_has(fixture->text, "\n20 |");
	assert_has(fixture->text, "2023-11-14 22:13");
	assert_has(fixture->text, "2023-11-15 00:13\n");
	assert_has(fixture->text, "grows\n");
	fixture->report.plain = false;
	fixture->report.by_bytes = true;
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_narrow(fixture->text, 80);
	assert_has(fixture->text, "2,100 │");
	assert_has(fixture->text, "⠉\n");
	assert_has(fixture->text, "from 700 to 2,100 (+1,400), 3 points\n");
	assert_has(fixture->text, "not enough history yet");
}

/* A peak between two columns is seen; what does not change is a line; one point is no plot. */
static void test_plots_of_little(void **state)
{
	struct pyi_point peak[200];
	struct pyi_series many = { PYI_FIGURE_TYPE, session, peak, 200 };
	struct fixture *fixture = *state;
	struct pyi_series one = series[1];

	for (int p = 0; p < 200; p++)
		peak[p] = (struct pyi_point){ START + p, 1, p == 101 ? UINT64_MAX : 0, 0 };
	fixture->report.single = true;
	fixture->report.row_count = 1;
	fixture->report.plain = true;
	fixture->rows[0].series = &many;
	render(fixture, PYI_FORMAT_TABLE, 60);
	assert_has(fixture->text, "18,446,744,073,709,551,615 |                *");
	fixture->rows[0].series = &series[2];
	render(fixture, PYI_FORMAT_TABLE, 30);
	assert_has(fixture->text, "5 |***************************");
	one.point_count = 1;
	fixture->rows[0].series = &one;
	render(fixture, PYI_FORMAT_TABLE, 60);
	assert_lacks(fixture->text, "|");
	assert_has(fixture->text, "from 10 to 10 (0), 1 points\n");
}

static void test_hostile_names(void **state)
{
	static char evil[] = "a\x1b[2J\nb";
	struct pyi_series bad = series[1];
	struct fixture *fixture = *state;

	bad.name = evil;
	fixture->rows[1].series = &bad;
	render(fixture, PYI_FORMAT_TABLE, 120);
	assert_lacks(fixture->text, "\x1b");
	assert_has(fixture->text, "a\\x1b[2J\\x0ab");
	fixture->report.single = true;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_lacks(fixture->text, "\x1b");
}

static void test_processes(void **state)
{
	struct fixture *fixture = *state;

	fixture->report.process = NULL;
	fixture->report.processes = &process;
	fixture->report.process_count = 1;
	assert_string_equal(render(fixture, PYI_FORMAT_TABLE, 0),
			    "PID  SAMPLES  FIRST             LAST              TARGET\n"
			    "871       12  2023-11-14 22:13  2023-11-15 00:13  unit:firewalld  in "
			    "/usr/bin/python3\n");
	assert_schema(report_history, &fixture->envelope, &fixture->report);
}

static void test_machine_forms(void **state)
{
	struct fixture *fixture = *state;
	cJSON *json;

	fixture->report.limit = 2;
	pyi_report_history_sort(fixture->rows, 3, false);
	json = parse(render(fixture, PYI_FORMAT_JSON, 0));
	assert_number(at(json, "result", "other"), 1);
	assert_text(at(nth(at(json, "result", "figures"), 0), "name", NULL), "foo.Session");
	assert_number(at(nth(at(json, "result", "figures"), 0), "count", "per_hour_low"), 9.5);
	assert_true(cJSON_IsNull(at(nth(at(json, "result", "figures"), 1), "count", "per_hour")));
	cJSON_Delete(json);
	assert_schema(report_history, &fixture->envelope, &fixture->report);
	fixture->report.single = true;
	fixture->report.since_s = 3600;
	json = parse(render(fixture, PYI_FORMAT_JSON, 0));
	assert_int_equal(
		cJSON_GetArraySize(at(nth(at(json, "result", "figures"), 0), "points", NULL)), 3);
	cJSON_Delete(json);
	assert_schema(report_history, &fixture->envelope, &fixture->report);
	assert_full_disk(report_history, &fixture->envelope, &fixture->report);
}

int main(void)
{
#define REPORT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		REPORT_TEST(test_table),	   REPORT_TEST(test_plot),
		REPORT_TEST(test_plots_of_little), REPORT_TEST(test_hostile_names),
		REPORT_TEST(test_processes),	   REPORT_TEST(test_machine_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
