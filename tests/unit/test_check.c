/*
 * Tests of judging: which rule says what of which figures, in what order, and in what words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "check_fixture.h"

#define SENDERS "slip.dbus.service.Object.senders"

static void test_container(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_CONTAINER, SENDERS, 5000, 100000);
	fixture->seen = SENDERS;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK, SENDERS " has 0 entries, no more than 5,000");
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, SENDERS, 20001, 0);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_WARNING, SENDERS " has 20,001 entries, more than 5,000");
	assert_string_equal(fixture->check.findings[0].rule, "max-container " SENDERS);
	assert_string_equal(fixture->check.findings[0].subject, SENDERS);
	assert_true(fixture->check.findings[0].value_known);
	assert_true(fixture->check.findings[0].value == 20001);
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_COUNT);
	assert_int_equal(fixture->check.status, PYI_CHECK_WARNING);
	fixture->sample.figures[0].count = 100001;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_CRITICAL,
		     SENDERS " has 100,001 entries, more than 100,000");
	/* A limit itself is not above the limit. */
	fixture->sample.figures[0].count = 5000;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK, SENDERS " has 5,000 entries, no more than 5,000");
}

static void test_type(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "foo.Session", INFINITY, 0);
	check_add_rule(fixture, PYI_RULE_MAX_BYTES, "Session", 1048576, INFINITY);
	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "ssion", 0, INFINITY);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "foo.Session", 1, 1572864);
	/* Of exactly this type there are fewer: it is the tree that counts. */
	check_add_figure(fixture, PYI_FIGURE_TYPE, "foo.Session", 0, 0);
	fixture->seen = "ssion";
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_CRITICAL, "foo.Session has 1 object, more than 0");
	check_expect(fixture, 1, PYI_CHECK_WARNING,
		     "objects of Session take 1.5 MiB, more than 1 MiB");
	check_expect(fixture, 2, PYI_CHECK_OK, "ssion has 0 objects, no more than 0");
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "bar.Session", 1, 1);
	check_judge(fixture);
	check_expect(
		fixture, 1, PYI_CHECK_UNKNOWN,
		"Session: bar.Session and foo.Session have this name; give it with its module, or "
		"package");
	assert_false(fixture->check.findings[1].value_known);
	/* The other rules are judged. */
	check_expect(fixture, 0, PYI_CHECK_CRITICAL, "foo.Session has 1 object, more than 0");
}

/* A package may be missing, too. */
static void test_type_of_two_packages(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "models.User", INFINITY, 0);
	check_add_rule(fixture, PYI_RULE_MAX_GROWTH, "models.User", INFINITY, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "shop.models.User", 1, 1);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_CRITICAL, "models.User has 1 object, more than 0");
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "blog.models.User", 1, 1);
	check_judge(fixture);
	for (size_t f = 0; f < 2; f++)
		check_expect(fixture, f, PYI_CHECK_UNKNOWN,
			     "models.User: blog.models.User and shop.models.User have this name; "
			     "give it "
			     "with its module, or package");
}

/* The master of a service need not have what its workers have. */
static void test_absent_in_one_of_many(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "app.Session", INFINITY, 5);
	check_add_rule(fixture, PYI_RULE_MAX_CONTAINER, "app.CACHE", INFINITY, 5);
	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "app.Other", 5, INFINITY);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "app.Other", 9, 9);
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_WARNING);
	assert_true(fixture->check.findings[1].absent && fixture->check.findings[2].absent);
	assert_int_equal(fixture->check.findings[1].status, PYI_CHECK_UNKNOWN);
	assert_null(pyi_check_excuse_absent(&fixture->check));
	assert_int_equal(fixture->check.status, PYI_CHECK_WARNING);
	assert_int_equal(fixture->check.findings[1].status, PYI_CHECK_OK);
	/* That not all was looked at is another thing. */
	fixture->sample.incomplete = true;
	check_judge(fixture);
	assert_null(pyi_check_excuse_absent(&fixture->check));
	for (size_t f = 0; f < fixture->check.count; f++)
		assert_false(fixture->check.findings[f].absent);
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN, "app.Session: the look was not complete");
}

/* A name with a mistake in it must not be OK for ever. */
static void test_absent(void **state)
{
	static const enum pyi_rule_kind kinds[] = { PYI_RULE_MAX_COUNT, PYI_RULE_MAX_BYTES,
						    PYI_RULE_MAX_GROWTH, PYI_RULE_MAX_CONTAINER };
	struct check_fixture *fixture = *state;

	fixture->hours = 30;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		check_add_rule(fixture, kinds[k], "app.Sesion", INFINITY, 5);
	check_judge(fixture);
	for (size_t k = 0; k < 3; k++)
		check_expect(
			fixture, k, PYI_CHECK_UNKNOWN,
			"app.Sesion: there is no such type, and none was seen before; is the name "
			"right?");
	check_expect(
		fixture, 3, PYI_CHECK_UNKNOWN,
		"app.Sesion: there is no such container, and none was seen before; is the name "
		"right?");
	assert_false(fixture->check.findings[0].value_known);
	/* What was meant is said, if something is called nearly so. */
	check_add_figure(fixture, PYI_FIGURE_TYPE, "app.Other", 9, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE, "app.Session", 9, 0);
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, "app.sessions", 9, 0);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "app.Sesion: there is no such type, and none was seen before; there is "
		     "app.Session");
	check_expect(fixture, 3, PYI_CHECK_UNKNOWN,
		     "app.Sesion: there is no such container, and none was seen before; there is "
		     "app.sessions");
	/* It was there before: there is none of it now. */
	fixture->seen = "app.Sesion";
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
	check_expect(fixture, 0, PYI_CHECK_OK, "app.Sesion has 0 objects, no more than 5");
	/* But it may be in what could not be read. */
	fixture->sample.incomplete = true;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN, "app.Sesion: the look was not complete");
	/* Or the rule says so; without a history, too. */
	fixture->sample.incomplete = false;
	fixture->seen = NULL;
	for (size_t r = 0; r < fixture->rules.count; r++)
		fixture->rules.items[r].may_be_absent = true;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
	fixture->history.unavailable = "none is wanted";
	check_judge(fixture);
	check_expect(fixture, 1, PYI_CHECK_OK, "app.Sesion has 0 objects, no more than 5");
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN, "app.Sesion: none is wanted");
}

static void test_absent_key(void **state)
{
	struct check_fixture *fixture = *state;

	fixture->hours = 30;
	check_add_rule(fixture, PYI_RULE_MAX_CONTAINER, "app.ROOMS['all'].who", INFINITY, 5);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "app.ROOMS['all'].who: there is no such container, and none was seen before; "
		     "names of containers have [*] for any key");
}

/* Of several types of a name none has objects now; one of them had, so it is known what is meant.
 */
static void test_ambiguous_without_objects(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "Task", INFINITY, 5);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "_asyncio.Task", 0, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "app.Task", 0, 0);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "Task: _asyncio.Task and app.Task have this name; give it with its module, or "
		     "package");
	fixture->seen = "Task";
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK, "Task has 0 objects, no more than 5");
}

/* Containers of instances: their sum is judged, and the longest is said. */
static void test_container_of_instances(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_CONTAINER, "app.Cache.entries", 1000, INFINITY);
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, "app.Cache.entries", 1200, 0);
	check_add_figure(fixture, PYI_FIGURE_LONGEST, "app.Cache.entries", 900, 0);
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_WARNING,
		"app.Cache.entries has 1,200 entries in all instances (the longest 900), more than "
		"1,000");
	fixture->sample.figures[1].count = 1200;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_WARNING,
		     "app.Cache.entries has 1,200 entries, more than 1,000");
}

static void test_process(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_RSS, NULL, 1073741824, 2147483648.0);
	check_add_rule(fixture, PYI_RULE_MAX_TRACKED, NULL, 1e6, INFINITY);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN, "resident memory: not measured");
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN, "tracked objects: not measured");
	fixture->history.unavailable = "a core is of one moment";
	fixture->history.no_rss = "a core does not say it";
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN, "resident memory: a core does not say it");
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN, "tracked objects: not measured");
	fixture->history.unavailable = NULL;
	check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 9663676416u, 0);
	check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_TRACKED, 40000, 0);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_CRITICAL,
		     "the process has 9 GiB of resident memory, more than 2 GiB");
	check_expect(fixture, 1, PYI_CHECK_OK,
		     "the process has 40,000 tracked objects, no more than 1,000,000");
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_BYTES);
	assert_null(fixture->check.findings[0].subject);
}

static void test_slip(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_SLIP_STALE, NULL, 4, 1000);
	check_add_rule(fixture, PYI_RULE_SLIP_DEAD_MATCH, NULL, 1, 100);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK, "python-slip keeps nothing in this process");
	check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_SENDERS, 3, 0);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "python-slip: the bus could not be asked which senders are gone");
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN,
		     "python-slip: the bus could not be asked which senders are gone");
	check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_STALE, 1, 0);
	check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_DEAD_MATCHES, 0, 0);
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK, "python-slip keeps 1 that is gone, no more than 4");
	check_expect(fixture, 1, PYI_CHECK_OK, "python-slip notices when senders go");
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
}

/* One name may be the one that was watched, a moment ago; many are the leak. */
static void test_dead_match(void **state)
{
	static const struct {
		uint64_t stale;
		enum pyi_check_status status;
	} cases[] = { { 1, PYI_CHECK_OK }, { 2, PYI_CHECK_WARNING }, { 501, PYI_CHECK_CRITICAL } };
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_SLIP_DEAD_MATCH, NULL, 1, 100);
	for (size_t c = 0; c < 3; c++) {
		pyi_sample_deinit(&fixture->sample);
		check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_SENDERS, 600, 0);
		check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_STALE, cases[c].stale,
				 0);
		check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_DEAD_MATCHES, 1, 0);
		check_judge(fixture);
		assert_int_equal(fixture->check.status, cases[c].status);
	}
	check_expect(
		fixture, 0, PYI_CHECK_CRITICAL,
		"python-slip no longer notices when senders go, and keeps 501 that are gone, more "
		"than 100");
}

static void test_no_history(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_RSS, NULL, 10, 20);
	check_add_rule(fixture, PYI_RULE_MAX_TRACKED_GROWTH, NULL, 10, 20);
	check_add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 10, 20);
	check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 5, 0);
	fixture->history.unavailable = "/x cannot be opened";
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "the number of tracked objects: /x cannot be opened");
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN, "growing containers: /x cannot be opened");
	assert_int_equal(fixture->check.findings[2].status, PYI_CHECK_OK);
	pyi_check_deinit(&fixture->check);
	assert_null(pyi_check_judge(&fixture->rules, &fixture->sample, NULL, &fixture->check));
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN, "growing containers: there is no history");
}

static void test_broken_history(void **state)
{
	struct check_fixture *fixture = *state;
	struct pyi_error *error;

	check_add_rule(fixture, PYI_RULE_MAX_TRACKED_GROWTH, NULL, 10, 20);
	fixture->history =
		(struct pyi_check_history){ .series = check_give_series, .argument = fixture };
	fixture->broken = true;
	error = pyi_check_judge(&fixture->rules, &fixture->sample, &fixture->history,
				&fixture->check);
	assert_string_equal(error->message, "the disk is gone");
	pyi_error_destroy(error);
	assert_null(fixture->check.findings);
}

static void test_incomplete(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "a.B", INFINITY, 5);
	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "a.C", INFINITY, 5);
	check_add_rule(fixture, PYI_RULE_MAX_RSS, NULL, 5, INFINITY);
	check_add_rule(fixture, PYI_RULE_MAX_SLIP_STALE, NULL, 5, INFINITY);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.B", 3, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.C", 6, 0);
	check_add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 5, 0);
	fixture->sample.incomplete = true;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_CRITICAL, "a.C has 6 objects, more than 5");
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN,
		     "a.B has at least 3 objects; the look was not complete");
	check_expect(fixture, 2, PYI_CHECK_UNKNOWN, "python-slip: the look was not complete");
	assert_int_equal(fixture->check.findings[3].status, PYI_CHECK_OK);
	assert_int_equal(fixture->check.status, PYI_CHECK_CRITICAL);
}

static void test_order(void **state)
{
	struct check_fixture *fixture = *state;

	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_UNKNOWN);
	assert_int_equal(fixture->check.count, 0);
	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "a.ok", 9, 9);
	check_add_rule(fixture, PYI_RULE_MAX_RSS, NULL, 9, 9);
	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "a.warning", 1, 9);
	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "a.critical", 1, 1);
	check_add_rule(fixture, PYI_RULE_MAX_COUNT, "a.ok2", 9, 9);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.ok", 5, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.ok2", 0, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.warning", 5, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.critical", 5, 0);
	check_judge(fixture);
	assert_string_equal(fixture->check.findings[0].rule, "max-count a.critical");
	assert_string_equal(fixture->check.findings[1].rule, "max-count a.warning");
	assert_string_equal(fixture->check.findings[2].rule, "max-rss");
	assert_string_equal(fixture->check.findings[3].rule, "max-count a.ok");
	assert_string_equal(fixture->check.findings[4].rule, "max-count a.ok2");
	assert_string_equal(pyi_check_status_name(fixture->check.status), "critical");
	assert_string_equal(pyi_check_status_name(PYI_CHECK_UNKNOWN), "unknown");
}

/* Names are what the target says. */
static void test_long_name(void **state)
{
	struct check_fixture *fixture = *state;
	char name[5000];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	check_add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 100, INFINITY);
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, name, 7000, 0);
	fixture->hours = 30;
	fixture->an_hour = 10;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_WARNING);
	assert_string_equal(fixture->check.findings[0].subject, name);
	assert_true(strlen(fixture->check.findings[0].message) < 1000);
	assert_non_null(strstr(fixture->check.findings[0].message, "7,000 entries"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, check_set_up, check_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_container),
		TEST(test_type),
		TEST(test_type_of_two_packages),
		TEST(test_absent_in_one_of_many),
		TEST(test_absent),
		TEST(test_absent_key),
		TEST(test_ambiguous_without_objects),
		TEST(test_container_of_instances),
		TEST(test_process),
		TEST(test_slip),
		TEST(test_dead_match),
		TEST(test_no_history),
		TEST(test_broken_history),
		TEST(test_incomplete),
		TEST(test_order),
		TEST(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
