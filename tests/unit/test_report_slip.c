/*
 * Tests of the report of slip-dbus, rendered into memory.
 *
 * Does not judge: verdicts and evidence are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/slip.h"
#include "report_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* For data that nobody frees. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

struct fixture {
	struct pyi_envelope envelope;
	struct pyi_slip slip;
	struct pyi_slip_report report;
	struct pyi_slip_connection connections[25];
	struct pyi_class_count classes[14];
	char *evidence[2];
	char *text;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->envelope = report_envelope("slip-dbus");
	for (size_t i = 0; i < COUNT(fixture->connections); i++)
		fixture->connections[i] = (struct pyi_slip_connection){
			.name = TEXT("dbus._dbus.SystemBus at 0x7f3c5a10"),
			.bus = "system",
			.senders.count = 501,
			.match_arg1 = TEXT(":1.7"),
			.has_match = true,
			.stale_known = true,
			.stale = 500,
		};
	for (size_t i = 0; i < COUNT(fixture->classes); i++)
		fixture->classes[i] = (struct pyi_class_count){ TEXT("firewall.Other"), 1 };
	fixture->classes[0] = (struct pyi_class_count){ TEXT("firewall.Zone"), 1200 };
	fixture->evidence[0] = TEXT("500 of 501 names in slip.dbus.service.Object.senders are not "
				    "on the bus (looked up twice, 12 unique names on the bus)");
	fixture->evidence[1] = TEXT("the only match watches :1.7, which is gone");
	fixture->slip = (struct pyi_slip){
		.holder = TEXT("slip.dbus.service.Object"),
		.instances = 1201,
		.classes = fixture->classes,
		.class_count = 2,
		.senders = 501,
		.connections = fixture->connections,
		.connection_count = 1,
		.objects = 1506,
		.bytes = 120000,
		.verdict = PYI_SLIP_LEAK,
		.stale_known = true,
		.stale = 500,
		.evidence = fixture->evidence,
		.evidence_count = 2,
	};
	fixture->report = (struct pyi_slip_report){
		.slip = &fixture->slip,
		.bus_reached = true,
		.bus_address = "unix:path=/run/dbus/system_bus_socket",
		.bus_names = 1023,
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

static struct pyi_error *report_slip(FILE *stream, enum pyi_format format, unsigned columns,
				     const struct pyi_envelope *envelope, const void *data)
{
	return pyi_report_slip(stream, format, columns, envelope, data);
}

static void render(struct fixture *fixture, enum pyi_format format, unsigned columns)
{
	free(fixture->text);
	fixture->text =
		report_render(report_slip, format, columns, &fixture->envelope, &fixture->report);
}

static void test_table(void **state)
{
	struct fixture *fixture = *state;

	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_string_equal(
		fixture->text,
		"PID 871, Python 3.11.2, /usr/bin/python3.11\n"
		"LEAK: 500 of 501 senders are gone\n"
		"- 500 of 501 names in slip.dbus.service.Object.senders are not on the bus\n"
		"  (looked up twice, 12 unique names on the bus)\n"
		"- the only match watches :1.7, which is gone\n"
		"\n"
		"    501  senders\n"
		"    500  names that are gone (stale)\n"
		"  1,506  objects: sets, tuples, names, each once\n"
		"120,000  bytes of these objects\n"
		"  1,201  instances of slip.dbus.service.Object\n"
		"\n"
		"INSTANCES  CLASS\n"
		"    1,200  firewall.Zone\n"
		"        1  firewall.Other\n"
		"\n"
		"SENDERS  STALE  CONNECTION\n"
		"    501    500  dbus._dbus.SystemBus at 0x7f3c5a10 (system bus)\n"
		"                  only the end of this one is watched: :1.7\n"
		"\n"
		"bus: unix:path=/run/dbus/system_bus_socket, 1,023 names on it\n"
		"these objects: 3.0% of 4,000,000 bytes resident (RSS); the rest is something\n"
		"  else\n"
		"paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target "
		"unchanged\n");
}

static void assert_verdict(struct fixture *fixture, const char *expected)
{
	char *line;

	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_true(asprintf(&line, "python3.11\n%s\n", expected) > 0);
	assert_has(fixture->text, line);
	free(line);
	assert_schema(report_slip, &fixture->envelope, &fixture->report);
}

static void test_verdicts(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_slip *slip = &fixture->slip;

	slip->stale = 1;
	assert_verdict(fixture, "LEAK: 1 of 501 senders is gone");
	slip->stale = 502;
	assert_verdict(fixture, "LEAK: 502 senders that are gone are kept");
	slip->verdict = PYI_SLIP_SUSPECT;
	slip->stale = 0;
	assert_verdict(fixture, "SUSPECT: 501 senders kept, none of them is gone");
	slip->stale_known = false;
	fixture->connections[0].stale_known = false;
	fixture->report.bus_reached = false;
	fixture->report.bus_address = NULL;
	assert_verdict(fixture,
		       "SUSPECT: 501 senders kept; how many of them are gone is not known");
	assert_has(fixture->text, "\n    501      ?  dbus");
	assert_lacks(fixture->text, "(stale)");
	assert_lacks(fixture->text, "bus: ");
	slip->verdict = PYI_SLIP_OK;
	slip->senders = 1;
	assert_verdict(fixture, "OK: 1 sender kept; how many of them are gone is not known");
	slip->stale_known = true;
	slip->senders = 3;
	assert_verdict(fixture, "OK: 3 senders kept, none of them is gone");
	slip->senders = 0;
	assert_verdict(fixture, "OK: no senders are kept");
}

static void test_absent(void **state)
{
	struct fixture *fixture = *state;
	char *evidence = TEXT("no class of this process keeps senders");

	fixture->slip = (struct pyi_slip){ .evidence = &evidence, .evidence_count = 1 };
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_string_equal(
		fixture->text,
		"PID 871, Python 3.11.2, /usr/bin/python3.11\n"
		"ABSENT: python-slip keeps nothing here\n"
		"- no class of this process keeps senders\n"
		"\n"
		"paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target "
		"unchanged\n");
	assert_schema(report_slip, &fixture->envelope, &fixture->report);
	render(fixture, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text, "\"verdict\":\"absent\",");
	assert_has(fixture->text, "\"holder\":null,");
	assert_has(fixture->text, "\"connections\":[],\"stale\":null,");
}

static void test_matches(void **state)
{
	struct fixture *fixture = *state;

	fixture->connections[0].match_arg1 = NULL;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\n                  it is not known whose end is watched\n");
	fixture->connections[0].has_match = false;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\n                  nobody's end is watched\n");
	render(fixture, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text, "\"match\":false,\"match_arg1\":null,\"stale\":500}");
}

static void test_table_limits(void **state)
{
	struct fixture *fixture = *state;
	cJSON *json;

	fixture->slip.class_count = COUNT(fixture->classes);
	fixture->slip.connection_count = COUNT(fixture->connections);
	fixture->slip.unreadable = 2;
	fixture->report.skipped_objects = 1;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\n           … 4 other classes\n");
	assert_has(fixture->text, "\n                … 5 other connections\n");
	assert_has(fixture->text, "\n      2  entries that are no names\n");
	assert_has(fixture->text, "\nwarning: objects that could not be visited: 1\n");
	assert_schema(report_slip, &fixture->envelope, &fixture->report);
	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	assert_int_equal(cJSON_GetArraySize(at(json, "result", "classes")), 14);
	assert_int_equal(cJSON_GetArraySize(at(json, "result", "connections")), 25);
	cJSON_Delete(json);
}

static void test_table_narrow(void **state)
{
	struct fixture *fixture = *state;

	fixture->slip.holder = TEXT("subscription_manager.a.very.long.name.indeed.service.Object");
	fixture->classes[0].type = fixture->slip.holder;
	fixture->connections[0].name = fixture->slip.holder;
	fixture->connections[0].match_arg1 = fixture->slip.holder;
	fixture->envelope.rss_bytes = 0;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_narrow(fixture->text, 80);
	assert_has(fixture->text, fixture->slip.holder);
	assert_lacks(fixture->text, "RSS");
	for (unsigned columns = 1; columns < 80; columns++)
		render(fixture, PYI_FORMAT_TABLE, columns);
}

static void test_escapes(void **state)
{
	struct fixture *fixture = *state;

	fixture->slip.holder = TEXT("a\n");
	fixture->classes[0].type = TEXT("b\x1b[2J");
	fixture->connections[0].name = TEXT("c\r");
	fixture->connections[0].match_arg1 = TEXT("d\xff");
	fixture->evidence[0] = TEXT("e\xe2\x80\xae says f\xfe");
	fixture->report.bus_address = "unix:path=/g\x7f";
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, " a\\x0a\n");
	assert_has(fixture->text, " b\\x1b[2J\n");
	assert_has(fixture->text, " c\\x0d (system bus)\n");
	assert_has(fixture->text, " d\\xff\n");
	assert_has(fixture->text, "\n- e\\xe2\\x80\\xae says f\\xfe\n");
	assert_has(fixture->text, "/g\\x7f, ");
	assert_schema(report_slip, &fixture->envelope, &fixture->report);
}

static void test_json(void **state)
{
	struct fixture *fixture = *state;
	const cJSON *connection;
	const cJSON *result;
	cJSON *json;

	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	result = at(json, "result", NULL);
	assert_text(at(result, "verdict", NULL), "leak");
	assert_int_equal(cJSON_GetArraySize(at(result, "evidence", NULL)), 2);
	assert_text(nth(at(result, "evidence", NULL), 1), fixture->evidence[1]);
	assert_text(at(result, "holder", NULL), "slip.dbus.service.Object");
	assert_number(at(result, "instances", NULL), 1201);
	assert_text(at(nth(at(result, "classes", NULL), 0), "type", NULL), "firewall.Zone");
	assert_number(at(nth(at(result, "classes", NULL), 0), "count", NULL), 1200);
	assert_number(at(result, "senders", NULL), 501);
	assert_number(at(result, "stale", NULL), 500);
	assert_number(at(result, "objects", NULL), 1506);
	assert_number(at(result, "bytes", NULL), 120000);
	assert_number(at(result, "unreadable", NULL), 0);
	assert_true(cJSON_IsTrue(at(result, "bus", "reached")));
	assert_text(at(result, "bus", "address"), "unix:path=/run/dbus/system_bus_socket");
	assert_number(at(result, "bus", "names"), 1023);
	connection = nth(at(result, "connections", NULL), 0);
	assert_text(at(connection, "connection", NULL), "dbus._dbus.SystemBus at 0x7f3c5a10");
	assert_text(at(connection, "bus", NULL), "system");
	assert_number(at(connection, "senders", NULL), 501);
	assert_true(cJSON_IsTrue(at(connection, "match", NULL)));
	assert_text(at(connection, "match_arg1", NULL), ":1.7");
	assert_number(at(connection, "stale", NULL), 500);
	assert_true(cJSON_IsTrue(at(result, "names_known", NULL)));
	cJSON_Delete(json);
	assert_schema(report_slip, &fixture->envelope, &fixture->report);
}

/* Of a dump that keeps no names. */
static void test_redacted(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_slip_connection *connection = &fixture->slip.connections[0];
	const cJSON *result;
	cJSON *json;

	fixture->slip.redacted = true;
	connection->unnamed = 4321;
	connection->senders.count = 0;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_non_null(strstr(fixture->text, "  4,321"));
	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	result = at(json, "result", NULL);
	assert_true(cJSON_IsFalse(at(result, "names_known", NULL)));
	assert_true(cJSON_IsNull(at(result, "unreadable", NULL)));
	assert_number(at(nth(at(result, "connections", NULL), 0), "senders", NULL), 4321);
	cJSON_Delete(json);
	assert_schema(report_slip, &fixture->envelope, &fixture->report);
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;

	assert_full_disk(report_slip, &fixture->envelope, &fixture->report);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_table),	 WITH_FIXTURE(test_verdicts),
		WITH_FIXTURE(test_absent),	 WITH_FIXTURE(test_matches),
		WITH_FIXTURE(test_table_limits), WITH_FIXTURE(test_table_narrow),
		WITH_FIXTURE(test_escapes),	 WITH_FIXTURE(test_json),
		WITH_FIXTURE(test_full_disk),	 WITH_FIXTURE(test_redacted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
