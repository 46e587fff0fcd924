/*
 * Tests of reports and error reports, rendered into memory.
 *
 * Does not know the reports of other commands than top-types.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/top_types.h"
#include "report_fixture.h"

struct fixture {
	struct pyi_census census;
	struct pyi_envelope envelope;
	struct pyi_top_types report;
	/* What was rendered last. */
	char *text;
	char *words;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->envelope = report_envelope("top-types");
	/* Owned: the tests put others in their place. */
	fixture->envelope.exe = strdup(fixture->envelope.exe);
	fixture->envelope.python = strdup(fixture->envelope.python);
	fixture->report = (struct pyi_top_types){
		.scope = "all",
		.order = PYI_CENSUS_BY_BYTES,
		.census = &fixture->census,
		.limit = 3,
	};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_census_deinit(&fixture->census);
	pyi_envelope_deinit(&fixture->envelope);
	free(fixture->text);
	free(fixture->words);
	free(fixture);
	return 0;
}

static void add(struct fixture *fixture, const char *name, uint64_t count, uint64_t bytes)
{
	assert_null(pyi_census_add(&fixture->census, strdup(name), count, bytes, false));
}

static void add_usual_types(struct fixture *fixture)
{
	add(fixture, "dict", 2000, 1000000);
	add(fixture, "slip.dbus.service.Object", 12345, 500000);
	add(fixture, "str", 1, 250000);
	add(fixture, "int", 100, 200000);
	add(fixture, "list", 54, 50000);
}

static struct pyi_error *report_top_types(FILE *stream, enum pyi_format format, unsigned columns,
					  const struct pyi_envelope *envelope, const void *data)
{
	return pyi_report_top_types(stream, format, columns, envelope, data);
}

static void render(struct fixture *fixture, enum pyi_format format, unsigned columns)
{
	free(fixture->text);
	fixture->text = report_render(report_top_types, format, columns, &fixture->envelope,
				      &fixture->report);
}

static void test_table(void **state)
{
	struct fixture *fixture = *state;

	add_usual_types(fixture);
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_string_equal(
		fixture->text,
		"PID 871, Python 3.11.2, /usr/bin/python3.11\n"
		"All objects by bytes, 3 of 5 types\n"
		"\n"
		" COUNT      BYTES  AVERAGE   CUM %  TYPE\n"
		" 2,000  1,000,000      500   50.0%  dict\n"
		"12,345    500,000       41   75.0%  slip.dbus.service.Object\n"
		"     1    250,000  250,000   87.5%  str\n"
		"   154    250,000    1,623  100.0%  … 2 other types\n"
		"------  ---------  -------  ------  ----\n"
		"14,500  2,000,000      138          total\n"
		"\n"
		"these objects: 50.0% of 4,000,000 bytes resident (RSS)\n"
		"paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target "
		"unchanged\n");
}

static void test_table_by_count(void **state)
{
	struct fixture *fixture = *state;
	static const char *const build[] = { "free-threaded", "debug", NULL };

	fixture->envelope.build = build;
	fixture->envelope.interpreters = 2;
	fixture->report.scope = "tracked";
	fixture->report.order = PYI_CENSUS_BY_COUNT;
	fixture->report.frozen_objects = 12345;
	fixture->report.frozen_bytes = 6789000;
	fixture->report.skipped_objects = 3;
	add(fixture, "dict", 750, 1);
	add(fixture, "list", 250, 999);
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "Python 3.11.2 free-threaded debug, 2 interpreters,");
	assert_has(fixture->text, "tracked by the garbage collector by count, 2 of 2 types\n");
	assert_has(fixture->text, "  750      1        0   75.0%  dict\n");
	assert_has(fixture->text, "  250    999        4  100.0%  list\n");
	assert_has(fixture->text,
		   "gc.freeze(), not counted above: 12,345 objects, 6,789,000 bytes");
	assert_has(fixture->text, "warning: objects that could not be visited: 3\n");
	assert_lacks(fixture->text, "other type");
	assert_narrow(fixture->text, 80);
}

/* A cumulative share of 100 % says that nothing follows. */
static void test_table_rounds_down_to_the_last(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, "dict", 1, 999999);
	add(fixture, "list", 1, 1);
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "99.9%  dict\n");
	assert_has(fixture->text, "100.0%  list\n");
}

static void test_table_limits(void **state)
{
	struct fixture *fixture = *state;

	add_usual_types(fixture);
	fixture->report.limit = 4;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "… 1 other type\n");
	fixture->report.limit = 0;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "100.0%  list\n");
	assert_lacks(fixture->text, "other type");
	fixture->report.limit = UINT64_MAX;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "5 of 5 types\n");
	assert_lacks(fixture->text, "other type");
}

static void test_table_estimates(void **state)
{
	struct fixture *fixture = *state;

	add_usual_types(fixture);
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_lacks(fixture->text, "~");

	fixture->census.types[1].estimated = true;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "    ~500,000       41   75.0%  slip");
	assert_has(fixture->text, "   1,000,000      500   50.0%  dict");
	assert_has(fixture->text, "     250,000    1,623  100.0%  … 2");
	assert_has(fixture->text, "  ~2,000,000      138          total\n");
	assert_has(fixture->text, "\n~: an estimate");

	/* Behind the limit it still makes the sums estimates. */
	fixture->census.types[1].estimated = false;
	fixture->census.types[4].estimated = true;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "     500,000       41   75.0%  slip");
	assert_has(fixture->text, "    ~250,000    1,623  100.0%  … 2");
	assert_has(fixture->text, "  ~2,000,000      138          total\n");
}

static void test_table_biggest_numbers(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, "huge", UINT64_MAX, UINT64_MAX);
	add(fixture, "nothing", 0, 0);
	fixture->census.types[0].estimated = true;
	render(fixture, PYI_FORMAT_TABLE, 40);
	assert_has(fixture->text, "\n18,446,744,073,709,551,615  ~18,446,744,073,709,551,615  ");
	assert_has(fixture->text, "  100.0%  huge\n");
	assert_has(fixture->text, " 0                            0        -  100.0%  nothing\n");
}

static void test_table_cuts_names(void **state)
{
	static const char name[] = "firewall.server.config_service.FirewallDConfigServiceOfTheZone";
	struct fixture *fixture = *state;
	char umlauts[201] = "";

	add(fixture, name, 1, 1000);
	for (unsigned i = 0; i < 100; i++)
		strcat(umlauts, "ü");
	add(fixture, umlauts, 1, 1000);
	fixture->census.types[1].classes = 12;
	render(fixture, PYI_FORMAT_TABLE, 60);
	/* Both lines are 60 columns wide. */
	assert_has(fixture->text, "    1  1,000    1,000   50.0%  firewall.…figServiceOfTheZone\n"
				  "    1  1,000    1,000  100.0%  üüüüü…üüüüüüüüüü (12 classes)\n");

	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, name);
	assert_has(fixture->text, umlauts);
	/* Too narrow for anything: still a bit of the name. */
	render(fixture, PYI_FORMAT_TABLE, 1);
	assert_has(fixture->text, "  50.0%  fir…fTheZone\n");
}

static void test_table_escapes(void **state)
{
	struct fixture *fixture = *state;

	fixture->report.limit = 0;
	add(fixture, "a\nb\tc\x1b[31m\x7f", 1, 6);
	add(fixture, "cut\xe2\x82", 1, 5);
	add(fixture, "csi\xc2\x9b", 1, 4);
	add(fixture, "rtl\xe2\x80\xae.", 1, 3);
	add(fixture, "back\\x0a", 1, 2);
	add(fixture, "schön.Größe", 1, 1);
	free(fixture->envelope.exe);
	fixture->envelope.exe = strdup("/tmp/new\nline");
	pyi_envelope_warn(&fixture->envelope, "odd", "type %s is odd", "x\ny");
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "  a\\x0ab\\x09c\\x1b[31m\\x7f\n");
	assert_has(fixture->text, "  cut\\xe2\\x82\n");
	assert_has(fixture->text, "  csi\\xc2\\x9b\n");
	assert_has(fixture->text, "  rtl\\xe2\\x80\\xae.\n");
	assert_has(fixture->text, "  back\\x5cx0a\n");
	assert_has(fixture->text, "  schön.Größe\n");
	assert_has(fixture->text, ", /tmp/new\\x0aline\n");
	assert_has(fixture->text, "warning: type x\\x0ay is odd [odd]\n");
}

static void test_table_empty(void **state)
{
	struct fixture *fixture = *state;

	free(fixture->envelope.exe);
	free(fixture->envelope.python);
	fixture->envelope.exe = NULL;
	fixture->envelope.python = NULL;
	fixture->envelope.rss_bytes = 0;
	fixture->envelope.paused_ms = 0.04;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_string_equal(
		fixture->text,
		"PID 871, Python of unknown version\n"
		"All objects by bytes, 0 of 0 types\n"
		"\n"
		"COUNT  BYTES  AVERAGE   CUM %  TYPE\n"
		"-----  -----  -------  ------  ----\n"
		"    0      0        -          total\n"
		"\n"
		"paused 0.04 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target\n"
		"  unchanged\n");
}

static void test_table_warnings(void **state)
{
	struct fixture *fixture = *state;

	add_usual_types(fixture);
	fixture->envelope.consistent = false;
	fixture->envelope.attempts = 4;
	pyi_envelope_warn(&fixture->envelope, "long", "%s %s and once more %s",
			  "words that go on for quite a while", "until the line is full",
			  "until the line is full");
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "in the middle of a change (attempts: 4)");
	assert_has(fixture->text, "\nwarning: words that go on");
	assert_has(fixture->text, "\n  ");
	assert_has(fixture->text, " [long]\n");
	assert_narrow(fixture->text, 80);
}

static void test_json(void **state)
{
	struct fixture *fixture = *state;
	const cJSON *types;
	cJSON *json;

	add_usual_types(fixture);
	fixture->census.types[0].estimated = true;
	fixture->census.types[1].classes = 2;
	fixture->report.frozen_objects = 7;
	fixture->report.skipped_objects = 8;
	pyi_envelope_warn(&fixture->envelope, "first", "number %d", 1);
	pyi_envelope_add_residue(&fixture->envelope, "tracer", "thread 872 is still traced");
	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	assert_text(at(json, "schema", NULL), "pyinspect/1");
	assert_text(at(json, "command", NULL), "top-types");
	assert_true(at(json, "target", "pid")->valuedouble == 871);
	assert_text(at(json, "target", "exe"), "/usr/bin/python3.11");
	assert_text(at(json, "target", "python"), "3.11.2");
	assert_int_equal(cJSON_GetArraySize(at(json, "target", "build")), 0);
	assert_true(at(json, "target", "rss_bytes")->valuedouble == 4000000);
	assert_text(at(json, "access", "source"), "clone");
	assert_true(cJSON_IsTrue(at(json, "access", "consistent")));
	assert_true(at(json, "access", "attempts")->valuedouble == 1);
	assert_true(at(json, "cost", "paused_ms")->valuedouble == 0.413);
	assert_true(at(json, "cost", "elapsed_ms")->valuedouble == 101.25);
	assert_true(at(json, "cost", "snapshot_bytes")->valuedouble == 1052672);
	assert_int_equal(cJSON_GetArraySize(at(json, "cost", "residue")), 1);
	assert_text(at(json, "cost", "residue")->child, "tracer");
	assert_int_equal(cJSON_GetArraySize(at(json, "warnings", NULL)), 1);
	assert_text(at(at(json, "warnings", NULL)->child, "message", NULL), "number 1");
	assert_text(at(json, "result", "scope"), "all");
	assert_text(at(json, "result", "by"), "bytes");
	assert_true(at(json, "result", "objects")->valuedouble == 14500);
	assert_true(at(json, "result", "bytes")->valuedouble == 2000000);
	assert_true(at(at(json, "result", "frozen"), "objects", NULL)->valuedouble == 7);
	assert_true(at(json, "result", "skipped")->valuedouble == 8);
	assert_true(at(at(json, "result", "other"), "types", NULL)->valuedouble == 2);
	assert_true(at(at(json, "result", "other"), "bytes", NULL)->valuedouble == 250000);

	types = at(json, "result", "types");
	assert_int_equal(cJSON_GetArraySize(types), 3);
	assert_text(at(types->child, "type", NULL), "dict");
	assert_true(cJSON_IsTrue(at(types->child, "estimated", NULL)));
	assert_false(cJSON_HasObjectItem(types->child, "classes"));
	assert_true(at(types->child->next, "classes", NULL)->valuedouble == 2);
	assert_false(cJSON_HasObjectItem(types->child->next, "estimated"));
	cJSON_Delete(json);
}

static void test_json_is_exact(void **state)
{
	struct fixture *fixture = *state;

	/* 2^53 + 1 is no double; 2^53 is one, which cJSON prints with an exponent all the same. */
	fixture->report.limit = 0;
	add(fixture, "a", 1, UINT64_C(9007199254740993));
	add(fixture, "b", UINT64_C(9007199254740992), UINT64_C(1234567890123456));
	fixture->envelope.rss_bytes = UINT64_MAX;
	render(fixture, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text, "\"bytes\":9007199254740993}");
	assert_has(fixture->text, "\"count\":9007199254740992,");
	assert_has(fixture->text, "\"bytes\":1234567890123456}");
	assert_has(fixture->text, "\"rss_bytes\":18446744073709551615}");
}

static void test_json_of_odd_values(void **state)
{
	struct fixture *fixture = *state;
	cJSON *json;

	free(fixture->envelope.exe);
	fixture->envelope.exe = strdup("/opt/\xff/python");
	free(fixture->envelope.python);
	fixture->envelope.python = NULL;
	fixture->envelope.pid = 0;
	fixture->envelope.paused_ms = __builtin_nan("");
	fixture->envelope.snapshot_ms = -1;
	/* invalid; overlong "/"; a surrogate; above U+10FFFF; cut off; valid with control
	 * characters */
	add(fixture, "\xff.\xc0\xaf.\xed\xa0\x80.\xf4\x90\x80\x80.\xe2\x82", 1, 2);
	add(fixture, "n\xc3\xa4\n\x1b\"\\", 1, 1);
	render(fixture, PYI_FORMAT_JSON, 80);
	assert_has(fixture->text, "n\xc3\xa4\\n\\u001b\\\"\\\\");
	json = parse(fixture->text);
#define R "\xef\xbf\xbd"
	assert_text(at(json, "target", "exe"), "/opt/" R "/python");
	assert_text(at(at(json, "result", "types")->child, "type", NULL),
		    R "." R R "." R R R "." R R R R "." R R);
#undef R
	assert_true(cJSON_IsNull(at(json, "target", "pid")));
	assert_true(cJSON_IsNull(at(json, "target", "python")));
	assert_true(cJSON_IsNumber(at(json, "cost", "paused_ms")));
	assert_true(at(json, "cost", "paused_ms")->valuedouble == 0);
	assert_true(at(json, "cost", "snapshot_ms")->valuedouble == 0);
	cJSON_Delete(json);
}

/* What a report may not carry as it is: 8-bit control sequences, what reorders or hides text. */
#define HIDDEN                                                                                     \
	"\x7f \xc2\x9b[2J \xc2\xad \xd8\x9c \xe1\xa0\x8e \xe2\x80\xae \xe2\x80\xa8 \xe3\x85\xa4 "  \
	"\xef\xbb\xbf \xef\xbf\xb9 \xef\xb8\x8f \xf3\xa0\x81\x81 \xf0\x9f\xbf\xbe"

static void check_hidden(struct fixture *fixture, enum pyi_format format)
{
	cJSON *json;

	render(fixture, format, 80);
	assert_has(fixture->text, "\\u007f \\u009b[2J \\u00ad \\u061c \\u180e \\u202e \\u2028 "
				  "\\u3164 \\ufeff \\ufff9 "
				  "\\ufe0f \\udb40\\udc41 \\ud83f\\udffe");
	/* Nothing else is touched. */
	assert_has(fixture->text, "sch\xc3\xb6n.\xf0\x9f\x90\x8d\\\\u0041");
	if (format != PYI_FORMAT_JSON)
		return;
	json = parse(fixture->text);
	assert_text(at(at(json, "result", "types")->child, "type", NULL), HIDDEN);
	assert_text(at(json, "target", "exe"), HIDDEN);
	cJSON_Delete(json);
}

static void test_json_shows_no_hidden_characters(void **state)
{
	struct fixture *fixture = *state;

	free(fixture->envelope.exe);
	fixture->envelope.exe = strdup(HIDDEN);
	add(fixture, HIDDEN, 1, 2);
	add(fixture, "sch\xc3\xb6n.\xf0\x9f\x90\x8d\\u0041", 1, 1);
	check_hidden(fixture, PYI_FORMAT_JSON);
	check_hidden(fixture, PYI_FORMAT_NDJSON);
}

static void test_table_shows_no_hidden_characters(void **state)
{
	struct fixture *fixture = *state;

	fixture->report.limit = 0;
	add(fixture, "\xc2\xad\xe1\xa0\x8e\xe3\x85\xa4\xef\xbf\xb9", 1, 2);
	add(fixture, "\xf3\xa0\x81\x81", 1, 1);
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "  \\xc2\\xad\\xe1\\xa0\\x8e\\xe3\\x85\\xa4\\xef\\xbf\\xb9\n");
	assert_has(fixture->text, "  \\xf3\\xa0\\x81\\x81\n");
}

static void test_ndjson(void **state)
{
	struct fixture *fixture = *state;
	unsigned lines = 0;
	char *rest = NULL;

	add_usual_types(fixture);
	render(fixture, PYI_FORMAT_NDJSON, 80);
	for (char *line = strtok_r(fixture->text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest), lines++) {
		cJSON *json = parse(line);

		assert_text(at(json, "kind", NULL), lines ? "type" : "report");
		if (lines) {
			assert_false(cJSON_HasObjectItem(json, "result"));
			assert_text(at(json, "type", NULL), fixture->census.types[lines - 1].name);
		} else {
			assert_text(at(json, "schema", NULL), "pyinspect/1");
			assert_true(at(json, "result", "objects")->valuedouble == 14500);
			assert_false(cJSON_HasObjectItem(at(json, "result", NULL), "types"));
			assert_non_null(at(json, "result", "other"));
		}
		cJSON_Delete(json);
	}
	assert_int_equal(lines, 4);
}

static void test_json_empty(void **state)
{
	struct fixture *fixture = *state;
	cJSON *json;

	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	assert_int_equal(cJSON_GetArraySize(at(json, "result", "types")), 0);
	assert_true(at(json, "result", "objects")->valuedouble == 0);
	cJSON_Delete(json);
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	char name[32];

	/* First a report that fits the stream's buffer, so that only flushing fails; then a big
	 * one. */
	assert_full_disk(report_top_types, &fixture->envelope, &fixture->report);
	fixture->report.limit = 0;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "type%u", i);
		add(fixture, name, 1, 1);
	}
	assert_full_disk(report_top_types, &fixture->envelope, &fixture->report);
}

static void test_schema(void **state)
{
	struct fixture *fixture = *state;

	assert_schema(report_top_types, &fixture->envelope, &fixture->report);
	add_usual_types(fixture);
	fixture->census.types[0].estimated = true;
	fixture->census.types[1].classes = 2;
	assert_schema(report_top_types, &fixture->envelope, &fixture->report);
}

static void report_error(struct fixture *fixture, enum pyi_format format, bool with_envelope,
			 const char *message, const char *hint)
{
	struct pyi_error *error =
		pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, "%s", message);
	size_t text_size;
	size_t words_size;
	FILE *words;
	FILE *out;

	if (hint)
		error = pyi_error_hint(error, "%s", hint);
	free(fixture->text);
	free(fixture->words);
	out = open_memstream(&fixture->text, &text_size);
	words = open_memstream(&fixture->words, &words_size);
	pyi_output_error(out, words, format, with_envelope ? &fixture->envelope : NULL, error);
	fclose(out);
	fclose(words);
	pyi_error_destroy(error);
}

static void test_error_words(void **state)
{
	struct fixture *fixture = *state;

	report_error(fixture, PYI_FORMAT_TABLE, true, "cannot trace 871\x1b[2J", "run as root");
	assert_string_equal(fixture->text, "");
	assert_string_equal(fixture->words, "pyinspect: cannot trace 871\\x1b[2J\n"
					    "  hint: run as root\n");
	report_error(fixture, PYI_FORMAT_TABLE, false, "no such process", NULL);
	assert_string_equal(fixture->words, "pyinspect: no such process\n");
}

static void test_error_json(void **state)
{
	struct fixture *fixture = *state;
	cJSON *json;

	report_error(fixture, PYI_FORMAT_JSON, true, "cannot trace 871", "run as root");
	assert_string_equal(fixture->words, "pyinspect: cannot trace 871\n  hint: run as root\n");
	json = parse(fixture->text);
	assert_int_equal(cJSON_GetArraySize(json), 7);
	assert_text(at(json, "command", NULL), "top-types");
	assert_true(cJSON_IsNull(at(json, "host", NULL)));
	assert_int_equal(strlen(at(json, "time", NULL)->valuestring),
			 strlen("2026-01-31T23:59:59Z"));
	assert_true(at(json, "target", "pid")->valuedouble == 871);
	assert_int_equal(cJSON_GetArraySize(at(json, "error", NULL)), 3);
	assert_text(at(json, "error", "code"), "no-permission");
	assert_text(at(json, "error", "message"), "cannot trace 871");
	assert_text(at(json, "error", "hint"), "run as root");
	cJSON_Delete(json);

	fixture->envelope.pid = 0;
	report_error(fixture, PYI_FORMAT_NDJSON, true, "no \xfe", NULL);
	assert_has(fixture->text,
		   "{\"schema\":\"pyinspect/1\",\"command\":\"top-types\",\"time\":\"");
	assert_has(fixture->text,
		   "Z\",\"host\":null,\"version\":null,\"error\":"
		   "{\"code\":\"no-permission\",\"message\":\"no \xef\xbf\xbd\",\"hint\":null}}\n");
	report_error(fixture, PYI_FORMAT_NDJSON, false, "none", NULL);
	assert_has(fixture->text, "\"command\":null,\"time\":");
}

/* Where a terminal has no more, and whose report it is. */
static void test_origin(void **state)
{
	const struct pyi_output_origin origin = { "web1", "9.9", true };
	struct fixture *fixture = *state;
	char *cut;

	pyi_output_set_origin(&origin);
	report_error(fixture, PYI_FORMAT_JSON, true, "caf\xc3\xa9 \xe2\x80\xa6", NULL);
	assert_string_equal(fixture->words, "pyinspect: caf\\xc3\\xa9 ...\n");
	assert_has(fixture->text, "\"host\":\t\"web1\"");
	assert_has(fixture->text, "\"version\":\t\"9.9\"");
	/* JSON is UTF-8. */
	assert_has(fixture->text, "caf\xc3\xa9");
	cut = pyi_output_fit("package.module.Class", 12);
	assert_string_equal(cut, "pac....Class");
	free(cut);
	pyi_output_set_origin(&(const struct pyi_output_origin){ 0 });
	cut = pyi_output_fit("package.module.Class", 12);
	assert_string_equal(cut, "pac…le.Class");
	free(cut);
}

static void test_error_when_output_fails(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_error *error =
		pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, "no way in");
	FILE *full = fopen("/dev/full", "w");
	size_t size;
	FILE *words;

	assert_non_null(full);
	words = open_memstream(&fixture->words, &size);
	pyi_output_error(full, words, PYI_FORMAT_JSON, &fixture->envelope, error);
	fflush(words);
	assert_has(fixture->words, "pyinspect: cannot write the report: ");
	assert_has(fixture->words, "pyinspect: no way in\n");
	/* The second time nothing is tried. */
	rewind(words);
	pyi_output_error(full, words, PYI_FORMAT_JSON, &fixture->envelope, error);
	fclose(words);
	assert_memory_equal(fixture->words, "pyinspect: no way in\n", 21);
	fclose(full);
	pyi_error_destroy(error);
}

static void test_formats(void **state)
{
	enum pyi_format format = PYI_FORMAT_NDJSON;

	(void)state;
	assert_false(pyi_format_parse("JSON", &format));
	assert_false(pyi_format_parse("", &format));
	assert_false(pyi_format_parse("tables", &format));
	assert_int_equal(format, PYI_FORMAT_NDJSON);
	assert_true(pyi_format_parse("table", &format));
	assert_int_equal(format, PYI_FORMAT_TABLE);
	assert_true(pyi_format_parse("json", &format));
	assert_int_equal(format, PYI_FORMAT_JSON);
	assert_true(pyi_format_parse("ndjson", &format));
	assert_int_equal(format, PYI_FORMAT_NDJSON);
}

static void test_envelope(void **state)
{
	struct pyi_envelope envelope = { 0 };

	(void)state;
	pyi_envelope_deinit(&envelope);
	for (int i = 0; i < 20; i++)
		pyi_envelope_warn(&envelope, "code", "message %d of %s", i, "many");
	assert_int_equal(envelope.warning_count, 20);
	assert_string_equal(envelope.warnings[0].message, "message 0 of many");
	assert_string_equal(envelope.warnings[19].message, "message 19 of many");
	assert_string_equal(envelope.warnings[19].code, "code");
	pyi_envelope_add_residue(&envelope, "snapshot", "it is still there");
	assert_int_equal(envelope.residue_count, 1);
	assert_string_equal(envelope.residue[0].code, "snapshot");
	assert_string_equal(envelope.residue[0].message, "it is still there");
	pyi_envelope_deinit(&envelope);
	assert_int_equal(envelope.warning_count, 0);
	assert_int_equal(envelope.residue_count, 0);
	pyi_envelope_deinit(&envelope);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_table),
		WITH_FIXTURE(test_table_by_count),
		WITH_FIXTURE(test_table_rounds_down_to_the_last),
		WITH_FIXTURE(test_table_limits),
		WITH_FIXTURE(test_table_estimates),
		WITH_FIXTURE(test_table_biggest_numbers),
		WITH_FIXTURE(test_table_cuts_names),
		WITH_FIXTURE(test_table_escapes),
		WITH_FIXTURE(test_table_shows_no_hidden_characters),
		WITH_FIXTURE(test_table_empty),
		WITH_FIXTURE(test_table_warnings),
		WITH_FIXTURE(test_json),
		WITH_FIXTURE(test_json_is_exact),
		WITH_FIXTURE(test_json_of_odd_values),
		WITH_FIXTURE(test_json_shows_no_hidden_characters),
		WITH_FIXTURE(test_ndjson),
		WITH_FIXTURE(test_json_empty),
		WITH_FIXTURE(test_full_disk),
		WITH_FIXTURE(test_schema),
		WITH_FIXTURE(test_error_words),
		WITH_FIXTURE(test_error_json),
		WITH_FIXTURE(test_origin),
		WITH_FIXTURE(test_error_when_output_fails),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
