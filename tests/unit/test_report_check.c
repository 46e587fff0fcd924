/*
 * Tests of the report of check in all its forms, rendered into memory.
 *
 * Does not judge: findings are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/check.h"
#include "report_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* For data that nobody frees. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

/* All that could end a line, begin performance data, close a label, or drive a terminal. */
#define EVIL "a|b'c\"d\\e=f\ng\x1b[2J{h}\xff;"

struct fixture {
	struct pyi_envelope envelope;
	struct pyi_check_finding findings[3];
	struct pyi_check check;
	struct pyi_sample sample;
	struct pyi_check_report report;
	char *text;
};

static void add_figure(struct fixture *fixture, enum pyi_figure_kind kind, const char *name,
		       uint64_t count, uint64_t bytes)
{
	assert_null(pyi_sample_add(&fixture->sample, kind, name, count, bytes));
	pyi_sample_sort(&fixture->sample);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->envelope = report_envelope("check");
	fixture->findings[0] = (struct pyi_check_finding){
		.rule = TEXT("max-count foo.Session"),
		.kind = PYI_RULE_MAX_COUNT,
		.subject = TEXT("foo.Session"),
		.status = PYI_CHECK_CRITICAL,
		.value_known = true,
		.value = 200000,
		.warning = 1000,
		.critical = 50000,
		.message = TEXT("foo.Session has 200,000 objects, more than 50,000"),
	};
	fixture->findings[1] = (struct pyi_check_finding){
		.rule = TEXT("max-rss-growth"),
		.kind = PYI_RULE_MAX_RSS_GROWTH,
		.value_known = true,
		.value = -12.25,
		.unit = PYI_CHECK_BYTES_PER_HOUR,
		.warning = INFINITY,
		.critical = 1048576,
		.message = TEXT("resident memory does not grow, over 2 days"),
	};
	fixture->findings[2] = (struct pyi_check_finding){
		.rule = TEXT("max-growth foo.Session"),
		.kind = PYI_RULE_MAX_GROWTH,
		.subject = TEXT("foo.Session"),
		.unit = PYI_CHECK_COUNT_PER_HOUR,
		.warning = INFINITY,
		.critical = 10,
		.message = TEXT("foo.Session: whether it grows is known after 23 h"),
	};
	fixture->check = (struct pyi_check){ PYI_CHECK_CRITICAL, fixture->findings, 3 };
	fixture->sample.time_s = 1700000000;
	fixture->sample.age_s = 3600;
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 4000000, 0);
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_TRACKED, UINT64_MAX, 0);
	add_figure(fixture, PYI_FIGURE_TYPE, "foo.Session", 200000, 9600000);
	add_figure(fixture, PYI_FIGURE_TYPE, "str", 500, 30000);
	add_figure(fixture, PYI_FIGURE_TYPE, "dict", 400, 90000);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "foo.Session", 200001, 9600048);
	add_figure(fixture, PYI_FIGURE_CONTAINER, "foo.cache", 7, 0);
	fixture->report = (struct pyi_check_report){
		.target = "unit:foo",
		.check = &fixture->check,
		.sample = &fixture->sample,
		.limit = 1,
		.history = "/var/lib/pyinspect/history.sqlite",
		.history_wanted = true,
		.history_kept = true,
	};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_sample_deinit(&fixture->sample);
	free(fixture->text);
	free(fixture);
	return 0;
}

static struct pyi_error *report_check(FILE *stream, enum pyi_format format, unsigned columns,
				      const struct pyi_envelope *envelope, const void *data)
{
	return pyi_report_check(stream, format, columns, envelope, data);
}

static void render(struct fixture *fixture, enum pyi_format format, unsigned columns)
{
	free(fixture->text);
	fixture->text =
		report_render(report_check, format, columns, &fixture->envelope, &fixture->report);
}

static void test_table(void **state)
{
	struct fixture *fixture = *state;

	fixture->report.evidence = "/var/lib/pyinspect/evidence/unit_foo-871-20231114T221320Z";
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_string_equal(
		fixture->text,
		"PID 871, Python 3.11.2, /usr/bin/python3.11\n"
		"CRITICAL: foo.Session has 200,000 objects, more than 50,000\n"
		"\n"
		"    VALUE  WARNING       CRITICAL  STATUS    RULE\n"
		"  200,000    1,000         50,000  CRITICAL  max-count foo.Session\n"
		"-12.2 B/h        -  1,048,576 B/h  OK        max-rss-growth\n"
		"        -        -           10/h  OK        max-growth foo.Session\n"
		"\n"
		"- foo.Session has 200,000 objects, more than 50,000\n"
		"- foo.Session: whether it grows is known after 23 h\n"
		"evidence: /var/lib/pyinspect/evidence/unit_foo-871-20231114T221320Z\n"
		"paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target "
		"unchanged\n");
	fixture->findings[0].rule =
		TEXT("max-count a.very.long.module.of.some.package.with.a.Class.in.it.Session");
	fixture->findings[0].message = fixture->findings[0].rule;
	render(fixture, PYI_FORMAT_TABLE, 81);
	assert_narrow(fixture->text, 81);
}

static void test_long_figures(void **state)
{
	struct fixture *fixture = *state;

	fixture->findings[0].value = 1e15;
	fixture->findings[1].value = -8999999999999999.0;
	fixture->findings[1].critical = 6e16;
	render(fixture, PYI_FORMAT_TABLE, 0);
	/* Whole, or with an exponent: never the first digits of one that is longer. */
	assert_non_null(strstr(fixture->text, " 1,000,000,000,000,000 "));
	assert_non_null(strstr(fixture->text, "-8,999,999,999,999,999 B/h"));
	assert_non_null(strstr(fixture->text, " 6e+16 B/h"));
}

static void test_json(void **state)
{
	struct fixture *fixture = *state;
	cJSON *json;
	const cJSON *rule;

	render(fixture, PYI_FORMAT_JSON, 0);
	json = parse(fixture->text);
	assert_text(at(json, "result", "status"), "critical");
	assert_number(at(at(json, "result", "figures"), "rss", NULL), 4000000);
	/* More digits than a double has. */
	assert_has(fixture->text, "18446744073709551615");
	rule = nth(at(json, "result", "rules"), 0);
	assert_number(at(rule, "value", NULL), 200000);
	assert_number(at(rule, "threshold", NULL), 50000);
	rule = nth(at(json, "result", "rules"), 1);
	assert_number(at(rule, "value", NULL), -12.25);
	assert_number(at(rule, "threshold", NULL), 1048576);
	assert_true(cJSON_IsNull(at(rule, "warning", NULL)));
	rule = nth(at(json, "result", "rules"), 2);
	assert_true(cJSON_IsNull(at(rule, "value", NULL)));
	assert_text(at(rule, "unit", NULL), "count-per-hour");
	cJSON_Delete(json);
	assert_schema(report_check, &fixture->envelope, &fixture->report);
}

static void test_summaries(void **state)
{
	struct fixture *fixture = *state;

	fixture->findings[1].status = PYI_CHECK_CRITICAL;
	render(fixture, PYI_FORMAT_NAGIOS, 0);
	assert_has(fixture->text, "more than 50,000 (and 1 more) |");
	fixture->sample.incomplete = true;
	render(fixture, PYI_FORMAT_NAGIOS, 0);
	assert_has(fixture->text, "the measurement is incomplete");
	fixture->findings[0].status = PYI_CHECK_OK;
	fixture->findings[1].status = PYI_CHECK_OK;
	fixture->check.status = PYI_CHECK_OK;
	render(fixture, PYI_FORMAT_NAGIOS, 0);
	/* Never a silent ok. */
	assert_has(fixture->text, "PYINSPECT OK - 3 rules ok; the measurement is incomplete");
	render(fixture, PYI_FORMAT_PROMETHEUS, 0);
	assert_has(fixture->text, "pyinspect_check_incomplete{target=\"unit:foo\"} 1\n");
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, "OK: 3 rules ok; the measurement is incomplete");
}

static void test_nagios(void **state)
{
	struct fixture *fixture = *state;

	pyi_envelope_warn(&fixture->envelope, "no-history", "the disk is | full");
	render(fixture, PYI_FORMAT_NAGIOS, 0);
	assert_string_equal(
		fixture->text,
		"PYINSPECT CRITICAL - foo.Session has 200,000 objects, more than 50,000 | "
		"'rss'=4000000B;;;0 'tracked'=18446744073709551615;;;0 "
		"'max-count foo.Session'=200000;1000;50000;0 "
		"'max-rss-growth'=-12.25;;~:1048576 "
		"'max-growth foo.Session'=U;;~:10\n"
		"CRITICAL: foo.Session has 200,000 objects, more than 50,000\n"
		"OK: resident memory does not grow, over 2 days\n"
		"OK: foo.Session: whether it grows is known after 23 h\n"
		"warning: the disk is ! full\n");
	free(fixture->envelope.warnings[0].message);
	free(fixture->envelope.warnings);
	fixture->envelope.warnings = NULL;
	fixture->envelope.warning_count = 0;
}

static size_t count_of(const char *text, char letter)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == letter;
	return count;
}

static void test_nagios_is_not_broken_by_names(void **state)
{
	struct fixture *fixture = *state;

	fixture->check.count = 2;
	for (size_t f = 0; f < 2; f++) {
		fixture->findings[f].rule = TEXT("growing-containers");
		fixture->findings[f].subject = TEXT(EVIL);
		fixture->findings[f].message = TEXT(EVIL);
	}
	render(fixture, PYI_FORMAT_NAGIOS, 0);
	assert_int_equal(count_of(fixture->text, '|'), 1);
	/* The line of the status, and one for each finding. */
	assert_int_equal(count_of(fixture->text, '\n'), 3);
	assert_lacks(fixture->text, "\x1b");
	/* Two of the same name are one series. */
	assert_has(fixture->text,
		   " 'growing-containers a_b_c_d\\x5ce_f\\x0ag\\x1b[2J{h}\\xff;'=200000;");
	assert_null(
		strstr(strstr(fixture->text, "'growing-containers") + 1, "'growing-containers"));
	/* Two quotes for each of rss, tracked, and the rule; and one in each message. */
	assert_int_equal(count_of(strchr(fixture->text, '|'), '\''), 6 + 2);
}

static void test_nagios_is_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_check_finding *many = calloc(500, sizeof(*many));
	char(*names)[32] = calloc(500, sizeof(*names));
	char *long_name = calloc(1, 100001);

	memset(long_name, 'x', 100000);
	for (size_t f = 0; f < 500; f++) {
		many[f] = fixture->findings[0];
		snprintf(names[f], sizeof(names[f]), "rule %zu", f);
		many[f].rule = names[f];
		many[f].subject = NULL;
		many[f].message = long_name;
	}
	fixture->check = (struct pyi_check){ PYI_CHECK_CRITICAL, many, 500 };
	render(fixture, PYI_FORMAT_NAGIOS, 0);
	assert_has(fixture->text, "\nand 450 more\n");
	assert_true(strlen(fixture->text) < 32768);
	free(long_name);
	free(names);
	free(many);
}

static void test_prometheus(void **state)
{
	struct fixture *fixture = *state;

	render(fixture, PYI_FORMAT_PROMETHEUS, 0);
	assert_has(fixture->text,
		   "# HELP pyinspect_check_status What came of the last check: 0 ok, 1 warning, 2 "
		   "critical, 3 unknown.\n"
		   "# TYPE pyinspect_check_status gauge\n"
		   "pyinspect_check_status{target=\"unit:foo\"} 2\n"
		   "# HELP pyinspect_last_run_timestamp_seconds When the last check was, since the "
		   "epoch.\n"
		   "# TYPE pyinspect_last_run_timestamp_seconds gauge\n"
		   "pyinspect_last_run_timestamp_seconds{target=\"unit:foo\"} 1700000000\n");
	assert_has(fixture->text,
		   "\npyinspect_target_resident_memory_bytes{target=\"unit:foo\"} 4000000\n");
	assert_has(fixture->text, "\npyinspect_target_tracked_objects{target=\"unit:foo\"} "
				  "18446744073709551615\n");
	assert_has(fixture->text,
		   "\npyinspect_rule_status{target=\"unit:foo\",rule=\"max-count foo.Session\","
		   "subject=\"foo.Session\"} 2\n");
	assert_has(fixture->text,
		   "\npyinspect_rule_value{target=\"unit:foo\",rule=\"max-rss-growth\","
		   "subject=\"\"} -12.25\n");
	/* What is not known, and limits that are not there, have no series. */
	assert_lacks(fixture->text, "pyinspect_rule_value{target=\"unit:foo\",rule=\"max-growth");
	assert_lacks(fixture->text, "Inf");
	assert_lacks(fixture->text, "NaN");
	/* That of a rule, and the biggest one of the others. */
	assert_has(fixture->text,
		   "\npyinspect_type_objects{target=\"unit:foo\",type=\"foo.Session\"} 200000\n"
		   "pyinspect_type_objects{target=\"unit:foo\",type=\"dict\"} 400\n"
		   "# HELP pyinspect_type_bytes");
	assert_has(
		fixture->text,
		"\npyinspect_type_tree_bytes{target=\"unit:foo\",type=\"foo.Session\"} 9600048\n");
	assert_has(fixture->text,
		   "\npyinspect_container_length{target=\"unit:foo\",container=\"foo.cache\"} 7\n");
}

static void test_prometheus_of_own_types(void **state)
{
	struct fixture *fixture = *state;

	add_figure(fixture, PYI_FIGURE_TYPE, "foo.Small", 3, 100);
	add_figure(fixture, PYI_FIGURE_TYPE, "foo.Smaller", 2, 99);
	pyi_sample_sort(&fixture->sample);
	/* Builtins are half of them, however big they are. */
	fixture->report.limit = 2;
	render(fixture, PYI_FORMAT_PROMETHEUS, 0);
	assert_has(fixture->text,
		   "pyinspect_type_objects{target=\"unit:foo\",type=\"dict\"} 400\n"
		   "pyinspect_type_objects{target=\"unit:foo\",type=\"foo.Small\"} 3\n"
		   "# HELP");
	/* The smaller half, and nothing if that is all. */
	fixture->report.limit = 1;
	render(fixture, PYI_FORMAT_PROMETHEUS, 0);
	assert_has(fixture->text, "type=\"foo.Small\"}");
	assert_lacks(fixture->text, "type=\"dict\"}");
	fixture->report.limit = 0;
	render(fixture, PYI_FORMAT_PROMETHEUS, 0);
	assert_has(fixture->text,
		   "pyinspect_type_objects{target=\"unit:foo\",type=\"foo.Session\"} 200000\n"
		   "# HELP");
	/* What others leave is for builtins. */
	fixture->report.limit = 100;
	render(fixture, PYI_FORMAT_PROMETHEUS, 0);
	assert_has(fixture->text, "type=\"str\"} 500\n");
	assert_has(fixture->text, "type=\"foo.Smaller\"} 2\n");
}

/* What Prometheus' own tool says of it; false if that is not installed. */
static bool promtool(const char *text)
{
	FILE *tool;

	if (system("command -v promtool >/dev/null 2>&1") != 0)
		return false;
	tool = popen("promtool check metrics", "w");
	assert_non_null(tool);
	fputs(text, tool);
	if (pclose(tool) != 0)
		fail_msg("promtool does not like:\n%s", text);
	return true;
}

static void test_prometheus_is_not_broken_by_names(void **state)
{
	struct fixture *fixture = *state;
	/* They differ in what is cut out of their middles. */
	char *names[2];
	size_t lines = 0;

	for (size_t n = 0; n < COUNT(names); n++) {
		names[n] = calloc(1, 1001);
		memset(names[n], 'x', 1000);
		names[n][500] = (char)('a' + n);
		add_figure(fixture, PYI_FIGURE_CONTAINER, names[n], 5, 0);
	}
	add_figure(fixture, PYI_FIGURE_CONTAINER, EVIL, 9, 0);
	fixture->report.limit = 100;
	fixture->report.target = "unit:\"\\\n}";
	for (size_t f = 0; f < 3; f++) {
		fixture->findings[f].rule = TEXT("growing-containers");
		fixture->findings[f].subject = TEXT(EVIL);
	}
	render(fixture, PYI_FORMAT_PROMETHEUS, 0);
	assert_has(fixture->text,
		   "{target=\"unit:\\\"\\\\x5c\\\\x0a}\",container=\"a|b'c\\\"d\\\\x5ce=f"
		   "\\\\x0ag\\\\x1b[2J{h}\\\\xff;\"} 9\n");
	/* foo.cache, the evil one, and the two that read the same once. */
	for (const char *at = fixture->text; (at = strstr(at, "\npyinspect_container_length{"));
	     at++)
		lines++;
	assert_int_equal(lines, 3);
	for (size_t n = 0; n < COUNT(names); n++)
		free(names[n]);
	if (!promtool(fixture->text))
		print_message("# promtool is not installed\n");
}

static void test_prometheus_by_its_own_tool(void **state)
{
	struct fixture *fixture = *state;

	render(fixture, PYI_FORMAT_PROMETHEUS, 0);
	if (promtool(fixture->text))
		return;
	/* What cmocka's skip() prints is a failure for meson. */
	if (getenv("CI") && strcmp(getenv("CI"), "true") == 0)
		fail_msg("promtool is not installed");
}

static void assert_failure(enum pyi_format format, const char *expected)
{
	struct pyi_error *error =
		pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
						"there is no process 7 | 'x'\n"),
			       "look\nagain");
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_null(pyi_report_check_failure(stream, format, "7", PYI_CHECK_UNKNOWN, 1700000000,
					     error));
	fclose(stream);
	assert_string_equal(text, expected);
	if (format == PYI_FORMAT_PROMETHEUS)
		promtool(text);
	free(text);
	pyi_error_destroy(error);
}

static void test_failures(void **state)
{
	(void)state;
	assert_failure(PYI_FORMAT_NAGIOS, "PYINSPECT UNKNOWN - there is no process 7 ! 'x'\\x0a\n"
					  "look\\x0aagain\n");
	assert_failure(PYI_FORMAT_PROMETHEUS,
		       "# HELP pyinspect_check_status What came of the last check: 0 ok, 1 "
		       "warning, 2 critical, 3 unknown.\n"
		       "# TYPE pyinspect_check_status gauge\n"
		       "pyinspect_check_status{target=\"7\"} 3\n"
		       "# HELP pyinspect_last_run_timestamp_seconds When the last check was, since "
		       "the epoch.\n"
		       "# TYPE pyinspect_last_run_timestamp_seconds gauge\n"
		       "pyinspect_last_run_timestamp_seconds{target=\"7\"} 1700000000\n");
	/* Those of all commands. */
	assert_failure(PYI_FORMAT_TABLE, "");
	assert_failure(PYI_FORMAT_JSON, "");
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	static const enum pyi_format formats[] = { PYI_FORMAT_NAGIOS, PYI_FORMAT_PROMETHEUS };

	assert_full_disk(report_check, &fixture->envelope, &fixture->report);
	for (size_t f = 0; f < COUNT(formats); f++) {
		FILE *full = fopen("/dev/full", "w");
		struct pyi_error *error =
			report_check(full, formats[f], 0, &fixture->envelope, &fixture->report);

		assert_non_null(error);
		assert_string_equal(pyi_error_code_name(error->code), "output-failed");
		pyi_error_destroy(error);
		fclose(full);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_figures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_summaries, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nagios, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nagios_is_not_broken_by_names, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_nagios_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prometheus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prometheus_of_own_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prometheus_is_not_broken_by_names, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_prometheus_by_its_own_tool, set_up, tear_down),
		cmocka_unit_test(test_failures),
		cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
