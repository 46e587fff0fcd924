/*
 * Tests of the reports of referrers and referents, rendered into memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/referrers.h"
#include "report_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIST(array) ((struct pyi_referrer_list){ .groups = (array), .count = COUNT(array) })
/* For data that nobody frees. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

struct fixture {
	struct pyi_envelope envelope;
	struct pyi_referrers referrers;
	struct pyi_referrers_report report;
	struct pyi_referrer_group groups[4];
	struct pyi_class_count classes[7];
	char *text;
};

static const struct pyi_referrer_group usual_groups[] = {
	{
		.type = TEXT("tuple"),
		.edge = TEXT("[0]"),
		.owner = TEXT("slip.dbus.service.Object.senders"),
		.objects = 501000,
		.references = 501000,
		.bytes = 28056000,
		.example_addr = 0x7f3c5a10,
	},
	{
		.type = TEXT("set"),
		.edge = TEXT("{*}"),
		.owner = TEXT("slip.dbus.service.Object.connections_senders"),
		.objects = 1,
		.references = 501000,
		.bytes = 16777432,
		.example_addr = 0x7f3c5b10,
	},
	{
		.type = TEXT("frame"),
		.edge = TEXT("local sender"),
		.internal = true,
		.objects = 1,
		.references = 2,
		.bytes = 456,
		.example_addr = 0x7f3c5c10,
	},
	{
		.type = TEXT(""),
		.edge = TEXT("sys.modules"),
		.objects = 1,
		.references = 1,
	},
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->envelope = report_envelope("referrers");
	memcpy(fixture->groups, usual_groups, sizeof(usual_groups));
	fixture->classes[0] = (struct pyi_class_count){ TEXT("str"), 84211 };
	fixture->referrers = (struct pyi_referrers){
		.type = TEXT("str"),
		.instances = 84211,
		.classes = fixture->classes,
		.class_count = 1,
		.list = LIST(fixture->groups),
	};
	fixture->report = (struct pyi_referrers_report){ .referrers = &fixture->referrers };
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

static struct pyi_error *report_referrers(FILE *stream, enum pyi_format format, unsigned columns,
					  const struct pyi_envelope *envelope, const void *data)
{
	return pyi_report_referrers(stream, format, columns, envelope, data);
}

static void render(struct fixture *fixture, enum pyi_format format, unsigned columns)
{
	free(fixture->text);
	fixture->text = report_render(report_referrers, format, columns, &fixture->envelope,
				      &fixture->report);
}

static void test_table(void **state)
{
	struct fixture *fixture = *state;

	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_string_equal(
		fixture->text,
		"PID 871, Python 3.11.2, /usr/bin/python3.11\n"
		"Referrers of str and its subclasses: 84,211 instances\n"
		"\n"
		"REFERENCES  OBJECTS       BYTES  REFERRER\n"
		"   501,000  501,000  28,056,000  tuple[0]              in "
		"slip.dbus.service.Object.senders\n"
		"   501,000        1  16,777,432  set{*}                in "
		"slip.dbus.service.Object.connections_senders\n"
		"         2        1         456  frame local sender *\n"
		"         1        1           0  sys.modules\n"
		"\n"
		"*: real, but gc.get_referrers() does not know of it\n"
		"in: the first thing with a name that was found to hold the container; there may "
		"be others\n"
		"what keeps one of the first: pyinspect 871 path 0x7f3c5a10\n"
		"paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target "
		"unchanged\n");
}

static void test_table_narrow(void **state)
{
	struct fixture *fixture = *state;

	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_narrow(fixture->text, 80);
	/* An owner that does not fit behind its label has a line of its own, and is whole. */
	assert_has(fixture->text, "\n   501,000  501,000  28,056,000  tuple[0]  in "
				  "slip.dbus.service.Object.senders\n"
				  "   501,000        1  16,777,432  set{*}\n"
				  "                                 in "
				  "slip.dbus.service.Object.connections_senders\n");
	fixture->groups[0].owner = TEXT("module foo.cache");
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "  28,056,000  tuple[0]              in module foo.cache\n");

	/* Too narrow for anything: still a bit of everything. */
	for (unsigned columns = 1; columns < 60; columns++) {
		render(fixture, PYI_FORMAT_TABLE, columns);
		assert_has(fixture->text, "  tuple[0]\n");
	}
}

static void test_table_classes(void **state)
{
	struct fixture *fixture = *state;
	char name[200];

	for (size_t i = 0; i < COUNT(fixture->classes); i++)
		fixture->classes[i] = (struct pyi_class_count){ TEXT("foo.Bar"), 1000 * (7 - i) };
	fixture->classes[0].type = TEXT("foo.\x1b[31m");
	fixture->referrers.class_count = COUNT(fixture->classes);
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, "84,211 instances of 7 classes: foo.\\x1b[31m (7,000), "
				  "foo.Bar (6,000), foo.Bar (5,000), foo.Bar (4,000), "
				  "foo.Bar (3,000), … 2 more\n");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	fixture->classes[1].type = name;
	fixture->referrers.type = name;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_narrow(fixture->text, 80);

	/* The only class is worth a word if it is not the one that was asked for. */
	fixture->referrers.class_count = 1;
	fixture->referrers.instances = 1;
	fixture->referrers.type = TEXT("foo.Base");
	fixture->classes[0] = (struct pyi_class_count){ TEXT("foo.Bar"), 1 };
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "of foo.Base and its subclasses: 1 instance: foo.Bar (1)\n");
	fixture->referrers.exact = true;
	fixture->referrers.class_count = 0;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "of foo.Base without its subclasses: 1 instance\n");
}

static void test_table_of_an_object(void **state)
{
	struct fixture *fixture = *state;

	fixture->referrers.type = NULL;
	fixture->referrers.address = 0x7fabcdef0;
	fixture->referrers.instances = 1;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\nReferrers of the object at 0x7fabcdef0, a str\n\n");
}

static void test_table_limit(void **state)
{
	struct fixture *fixture = *state;

	fixture->report.limit = 1;
	fixture->report.skipped_objects = 3;
	fixture->referrers.truncated = true;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\n   501,003                       … 3 other groups\n");
	assert_has(fixture->text, "warning: there were too many different groups");
	assert_has(fixture->text, "warning: objects that could not be visited: 3\n");
	assert_narrow(fixture->text, 80);
	/* What is not shown needs no explanation. */
	assert_lacks(fixture->text, "*:");
	fixture->report.limit = 3;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "… 1 other group\n");
	fixture->report.limit = UINT64_MAX;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_lacks(fixture->text, " other group");
	fixture->report.limit = 1;
	fixture->groups[1].references = UINT64_MAX;
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, "\n18,446,744,073,709,551,615  ");
}

static void test_table_empty(void **state)
{
	struct fixture *fixture = *state;

	fixture->referrers.list.count = 0;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(
		fixture->text,
		"\n\nNo referrer was found: what there is is held only by C code, or by something\n"
		"  that is not visited.\n\npaused ");
	fixture->referrers.class_count = 0;
	fixture->referrers.instances = 0;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text,
		   ": 0 instances\n\nThere are no such objects in this process.\n\npaused ");
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
}

static void test_table_escapes(void **state)
{
	struct fixture *fixture = *state;

	fixture->groups[0].type = TEXT("a\nb");
	fixture->groups[0].edge = TEXT(".\x1b[2J");
	fixture->groups[0].owner = TEXT("\xff\xe2\x80\xae");
	fixture->referrers.type = TEXT("str\a");
	render(fixture, PYI_FORMAT_TABLE, 100);
	assert_has(fixture->text, "  a\\x0ab.\\x1b[2J");
	assert_has(fixture->text, "  in \\xff\\xe2\\x80\\xae\n");
	assert_has(fixture->text, "Referrers of str\\x07 and");
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
}

static void test_depth(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_referrer_group third[] = { usual_groups[3] };
	struct pyi_referrer_list third_list = LIST(third);
	struct pyi_referrer_group second[] = { usual_groups[1], usual_groups[2] };
	struct pyi_referrer_list second_list = LIST(second);
	const cJSON *inner;
	cJSON *json;

	second[0].referrers = &third_list;
	fixture->groups[0].referrers = &second_list;
	fixture->report.limit = 1;
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, "  tuple[0]           in slip.dbus.service.Object.senders\n"
				  "   501,000        1  16,777,432  ← set{*}           in "
				  "slip.dbus.service.Object.connections_senders\n"
				  "         1        1           0    ← sys.modules\n"
				  "         2                       ← … 1 other group\n"
				  "   501,003                       … 3 other groups\n");
	for (unsigned columns = 1; columns < 100; columns++)
		render(fixture, PYI_FORMAT_TABLE, columns);
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);

	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	assert_number(at(at(json, "result", "other"), "groups", NULL), 3);
	inner = nth(at(json, "result", "referrers"), 0);
	assert_text(at(inner, "type", NULL), "tuple");
	assert_number(at(inner, "other", "groups"), 1);
	assert_number(at(inner, "other", "references"), 2);
	inner = nth(at(inner, "referrers", NULL), 0);
	assert_text(at(inner, "type", NULL), "set");
	inner = nth(at(inner, "referrers", NULL), 0);
	assert_true(cJSON_IsNull(at(inner, "type", NULL)));
	assert_false(cJSON_HasObjectItem(inner, "referrers"));
	assert_false(cJSON_HasObjectItem(inner, "other"));
	cJSON_Delete(json);

	render(fixture, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text, "{\"kind\":\"group\",\"level\":2,\"type\":\"set\",");
	assert_has(fixture->text, "{\"kind\":\"group\",\"level\":3,\"type\":null,");
}

/* Shares are of each list; a branch that ends says why. */
static void test_tree(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_referrer_group second[] = { usual_groups[0], usual_groups[1], usual_groups[2] };
	struct pyi_referrer_list second_list = LIST(second);
	const cJSON *inner;
	cJSON *json;

	second[0].ends = PYI_REFERRER_AGAIN;
	second[1].ends = PYI_REFERRER_WIDTH;
	second[2].ends = PYI_REFERRER_DEPTH;
	second[2].references = 167000;
	fixture->groups[0].referrers = &second_list;
	fixture->groups[1].ends = PYI_REFERRER_MODULE;
	fixture->report.tree = true;
	fixture->report.limit = 3;
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text,
		   "\nREFERENCES  SHARE  OBJECTS       BYTES  REFERRER\n"
		   "   501,000  50.0%  501,000  28,056,000  tuple[0]                 in "
		   "slip.dbus.service.Object.senders\n"
		   "   501,000  42.9%  501,000  28,056,000  ← tuple[0] (again)       in "
		   "slip.dbus.service.Object.senders\n"
		   "   501,000  42.9%        1  16,777,432  ← set{*} (not followed)  in "
		   "slip.dbus.service.Object.connections_senders\n"
		   "   167,000  14.3%        1         456  ← frame local sender *\n");
	assert_has(fixture->text, "\n         1   0.0%                       … 1 other group\n");
	assert_has(fixture->text, "\n(again): the same group is further up");
	assert_has(fixture->text, "\n(not followed): of each level the 32 groups");
	assert_has(fixture->text, "\nThere is more above the last of 2 levels: --depth\n");
	for (unsigned columns = 1; columns < 100; columns++)
		render(fixture, PYI_FORMAT_TABLE, columns);
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	inner = nth(at(json, "result", "referrers"), 0);
	assert_false(cJSON_HasObjectItem(inner, "ends"));
	inner = nth(at(inner, "referrers", NULL), 2);
	assert_number(at(inner, "share", NULL), 14.29);
	assert_text(at(inner, "ends", NULL), "depth");
	assert_text(at(nth(at(json, "result", "referrers"), 1), "ends", NULL), "module");
	cJSON_Delete(json);
	render(fixture, PYI_FORMAT_DOT, 0);
	assert_has(fixture->text, "[label=\"set (not followed)\\nin slip.dbus");
	assert_has(fixture->text, "{*}\\n501,000 references\\n42.9%\"");

	/* Whatever a target says. */
	for (size_t g = 0; g < COUNT(fixture->groups); g++)
		fixture->groups[g].references = g % 2 ? UINT64_MAX : 0;
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
	for (size_t g = 0; g < COUNT(fixture->groups); g++)
		fixture->groups[g].references = 0;
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
}

static void test_estimated(void **state)
{
	struct fixture *fixture = *state;

	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_lacks(fixture->text, "~");
	fixture->groups[0].estimated = true;
	render(fixture, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\n   501,000  501,000  ~28,056,000  tuple[0]  in ");
	assert_has(fixture->text, "\n~: an estimate; the type has a __sizeof__ of its own\n");
	render(fixture, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text, "\"bytes\":28056000,\"estimated\":true,");
	assert_has(fixture->text, "\"bytes\":16777432,\"example\"");
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
}

/* Whatever the data say, output is bounded. */
static void test_depth_has_an_end(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_referrer_group group = usual_groups[0];
	struct pyi_referrer_list list = { .groups = &group, .count = 1 };
	unsigned levels = 0;
	const cJSON *inner;
	cJSON *json;

	group.referrers = &list;
	fixture->referrers.list = list;
	render(fixture, PYI_FORMAT_TABLE, 80);
	for (const char *from = strstr(fixture->text, "tuple[0]"); from;
	     from = strstr(from + 1, "tuple[0]"))
		levels++;
	assert_int_equal(levels, PYI_REFERRERS_LEVELS);
	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	inner = at(json, "result", NULL);
	for (levels = 0; cJSON_HasObjectItem(inner, "referrers"); levels++)
		inner = nth(at(inner, "referrers", NULL), 0);
	assert_int_equal(levels, PYI_REFERRERS_LEVELS);
	cJSON_Delete(json);
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
}

static void test_json(void **state)
{
	struct fixture *fixture = *state;
	const cJSON *group;
	cJSON *json;

	fixture->report.skipped_objects = 4;
	render(fixture, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	assert_text(at(json, "command", NULL), "referrers");
	assert_text(at(json, "result", "type"), "str");
	assert_true(cJSON_IsFalse(at(json, "result", "exact")));
	assert_true(cJSON_IsNull(at(json, "result", "address")));
	assert_number(at(json, "result", "instances"), 84211);
	assert_text(at(nth(at(json, "result", "classes"), 0), "type", NULL), "str");
	assert_number(at(nth(at(json, "result", "classes"), 0), "count", NULL), 84211);
	assert_true(cJSON_IsFalse(at(json, "result", "truncated")));
	assert_number(at(json, "result", "skipped"), 4);
	assert_number(at(at(json, "result", "other"), "groups", NULL), 0);
	assert_int_equal(cJSON_GetArraySize(at(json, "result", "referrers")), 4);
	group = nth(at(json, "result", "referrers"), 0);
	assert_text(at(group, "edge", NULL), "[0]");
	assert_text(at(group, "owner", NULL), "slip.dbus.service.Object.senders");
	assert_true(cJSON_IsFalse(at(group, "internal", NULL)));
	assert_number(at(group, "objects", NULL), 501000);
	assert_number(at(group, "references", NULL), 501000);
	assert_number(at(group, "bytes", NULL), 28056000);
	assert_text(at(group, "example", NULL), "0x7f3c5a10");
	assert_true(cJSON_IsTrue(at(nth(at(json, "result", "referrers"), 2), "internal", NULL)));
	group = nth(at(json, "result", "referrers"), 3);
	assert_true(cJSON_IsNull(at(group, "type", NULL)));
	assert_true(cJSON_IsNull(at(group, "owner", NULL)));
	assert_true(cJSON_IsNull(at(group, "example", NULL)));
	cJSON_Delete(json);
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);

	fixture->referrers.type = NULL;
	fixture->referrers.address = 0x10;
	render(fixture, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text,
		   "\"result\":{\"type\":null,\"exact\":false,\"address\":\"0x10\",");
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
}

static void test_referents(void **state)
{
	struct fixture *fixture = *state;
	cJSON *json;

	fixture->envelope = report_envelope("referents");
	fixture->report.referents = true;
	fixture->referrers.list.count = 3;
	fixture->groups[1].edge = TEXT(".senders");
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, "\nReferents of str and its subclasses: 84,211 instances\n");
	assert_has(fixture->text, "  REFERENT\n");
	assert_has(fixture->text, "  .senders: set          in ");
	assert_has(fixture->text, "  local sender: frame *\n");
	assert_has(fixture->text, "*: real, but gc.get_referents() does not know of it\n");
	assert_lacks(fixture->text, "what keeps");
	render(fixture, PYI_FORMAT_JSON, 0);
	json = parse(fixture->text);
	assert_int_equal(cJSON_GetArraySize(at(json, "result", "referents")), 3);
	cJSON_Delete(json);
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
	fixture->referrers.list.count = 0;
	render(fixture, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, "\n\nNo referent was found.\n\n");
	assert_schema(report_referrers, &fixture->envelope, &fixture->report);
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;

	assert_full_disk(report_referrers, &fixture->envelope, &fixture->report);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_table),
		WITH_FIXTURE(test_table_narrow),
		WITH_FIXTURE(test_table_classes),
		WITH_FIXTURE(test_table_of_an_object),
		WITH_FIXTURE(test_table_limit),
		WITH_FIXTURE(test_table_empty),
		WITH_FIXTURE(test_table_escapes),
		WITH_FIXTURE(test_depth),
		WITH_FIXTURE(test_tree),
		WITH_FIXTURE(test_estimated),
		WITH_FIXTURE(test_depth_has_an_end),
		WITH_FIXTURE(test_json),
		WITH_FIXTURE(test_referents),
		WITH_FIXTURE(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
