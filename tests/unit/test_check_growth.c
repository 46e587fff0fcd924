/*
 * Tests of judging growth: of one figure, of any container, of any type, and what is not known.
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

static void test_growth(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_GROWTH, "foo.Session", 30, 1000);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "foo.Session", 5, 0);
	fixture->an_hour = 60;
	fixture->hours = 3;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK,
		     "foo.Session: whether it grows is known after 20 h; the history is of 2 h");
	assert_false(fixture->check.findings[0].value_known);
	fixture->hours = 48;
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_WARNING,
		"foo.Session grows by 60 an hour (60 to 60 with 95 % confidence) over 22 h, more "
		"than 30");
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_COUNT_PER_HOUR);
	assert_true(fabs(fixture->check.findings[0].value - 60) < 1);
	fixture->an_hour = 20;
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_OK,
		"foo.Session grows by 20 an hour (20 to 20 with 95 % confidence) over 22 h, not "
		"surely more than 30");
	fixture->an_hour = 0;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK, "foo.Session does not grow, over 22 h");
	assert_true(fixture->check.findings[0].value_known);
}

static void test_growth_of_memory(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, INFINITY, 1048576);
	check_add_rule(fixture, PYI_RULE_MAX_TRACKED_GROWTH, NULL, INFINITY, 4000000);
	fixture->an_hour = 3145728;
	fixture->hours = 48;
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_CRITICAL,
		"resident memory grows by 3 MiB an hour (3 MiB to 3 MiB with 95 % confidence) over "
		"22 h, more than 1 MiB");
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_BYTES_PER_HOUR);
	assert_int_equal(fixture->check.findings[1].status, PYI_CHECK_OK);
}

/* Memory that grows while objects do not, and memory that grows with them. */
static void test_growth_of_other_memory(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_OTHER_GROWTH, NULL, 1048576, INFINITY);
	fixture->an_hour = 6 * 1048576.0;
	fixture->objects_apart = true;
	fixture->hours = 48;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_WARNING,
		     "memory that is not objects grows by 6 MiB an hour (6 MiB to 6 MiB with 95 % "
		     "confidence) over 22 h, more than 1 MiB");
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_BYTES_PER_HOUR);
	/* Two thirds of it are objects: what is beside them is room between them. */
	fixture->objects_an_hour = 4 * 1048576.0;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK,
		     "memory that is not objects does not grow, over 22 h");
	/* One third is. */
	fixture->objects_an_hour = 2 * 1048576.0;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_WARNING);
	fixture->hours = 3;
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_OK,
		"memory that is not objects: whether it grows is known after 20 h; the history is "
		"of 2 h");
}

/* A tenth an hour of the process is not waited for; of a single type it is little. */
static void test_growth_of_hours(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, 50, 1e6);
	check_add_rule(fixture, PYI_RULE_MAX_GROWTH, "foo.Session", 50, INFINITY);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "foo.Session", 5, 0);
	fixture->an_hour = 110;
	fixture->hours = 2;
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_OK,
		"resident memory: whether it grows by a tenth an hour is known after 3 h, by less "
		"after 20 h; the history is of 1 h");
	fixture->hours = 3;
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_WARNING,
		"resident memory grows by 110 B an hour (110 B to 110.3 B with 95 % confidence) "
		"over "
		"2 h, more than 50 B");
	assert_true(fixture->check.findings[0].value_known);
	check_expect(fixture, 1, PYI_CHECK_OK,
		     "foo.Session: whether it grows is known after 20 h; the history is of 2 h");
	/* What has become more meanwhile, other than builtins: all had 1,027 when it began. */
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, "a.CACHE[*]", 1300, 0);
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, "a.less", 1299, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE, "foo.Session", 1200, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE, "dict", 9000, 0);
	fixture->sample.age_s = 3 * 3600;
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_WARNING,
		"resident memory grows by 110 B an hour (110 B to 110.3 B with 95 % confidence) "
		"over "
		"2 h, more than 50 B; meanwhile 273 more in a.CACHE[*]; meanwhile 173 more of "
		"foo.Session");
	/* Half of it. */
	fixture->an_hour = 60;
	check_judge(fixture);
	check_expect(
		fixture, 0, PYI_CHECK_OK,
		"resident memory does not grow by a tenth an hour; whether it grows by less is "
		"known "
		"after 20 h; the history is of 2 h");
	assert_false(fixture->check.findings[0].value_known);
	/* A rule that lets more pass. */
	pyi_rules_deinit(&fixture->rules);
	check_add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, 500, INFINITY);
	fixture->an_hour = 110;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
}

/* Objects that grow for hours while there was room for them: it is they that are named. */
static void test_growth_of_objects_for_hours(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, 50, 1e6);
	fixture->an_hour = 0;
	fixture->hours = 3;
	fixture->objects_apart = true;
	fixture->objects_an_hour = 110;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_WARNING,
		     "memory of objects grows by 110 B an hour (110 B to 110.3 B with 95 % "
		     "confidence) over 2 h, more than 50 B");
	fixture->objects_an_hour = 40;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
}

/* Containers anywhere: what could not be looked at is said, and is not none. */
static void test_containers_that_were_cut(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 100, 5000);
	check_add_rule(fixture, PYI_RULE_MAX_CONTAINER, "a.CACHE[*].entries", INFINITY, 10);
	fixture->seen = "a.CACHE[*].entries";
	fixture->hours = 30;
	fixture->sample.containers_anywhere = true;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK, "no container grows all the time");
	check_expect(fixture, 1, PYI_CHECK_OK, "a.CACHE[*].entries has 0 entries, no more than 10");
	fixture->sample.containers_cut = true;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "a.CACHE[*].entries: not all containers were looked at");
	check_expect(fixture, 1, PYI_CHECK_OK,
		     "no container that was looked at grows all the time");
}

/* Any type that a module defines, unless it has a rule of its own. */
static void test_growing_types(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_GROWING_TYPES, NULL, 60, 5000);
	check_add_figure(fixture, PYI_FIGURE_TYPE, "app.Session", 7000, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE, "dict", 90000, 0);
	/* What has so few cannot have grown so fast for as long as that is looked at. */
	check_add_figure(fixture, PYI_FIGURE_TYPE, "app.Few", 1229, 0);
	check_add_figure(fixture, PYI_FIGURE_TYPE, "app.More", 1230, 0);
	fixture->hours = 20;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK,
		     "growing types: known after 20 h; the history is of 20 h");
	assert_false(fixture->check.findings[0].value_known);
	fixture->hours = 48;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK, "no type of a module grows");
	assert_true(fixture->check.findings[0].value_known);
	fixture->an_hour = 100;
	check_judge(fixture);
	assert_int_equal(fixture->check.count, 2);
	check_expect(
		fixture, 0, PYI_CHECK_WARNING,
		"app.Session grows by 100 an hour (100 to 100 with 95 % confidence) over 22 h, "
		"more than 60");
	assert_string_equal(fixture->check.findings[0].rule, "growing-types");
	assert_string_equal(fixture->check.findings[0].subject, "app.Session");
	assert_string_equal(fixture->check.findings[1].subject, "app.More");
	/* Not surely more than the limit. */
	fixture->an_hour = 60;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
	fixture->an_hour = 100;
	check_add_rule(fixture, PYI_RULE_MAX_GROWTH, "app.Session", 1000, INFINITY);
	check_add_figure(fixture, PYI_FIGURE_TYPE_TREE, "app.Session", 7000, 0);
	check_judge(fixture);
	assert_string_equal(fixture->check.findings[0].subject, "app.More");
	assert_int_equal(fixture->check.count, 2);
	fixture->sample.incomplete = true;
	fixture->an_hour = 0;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN, "growing types: the look was not complete");
}

static void test_growing_containers(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 100, 5000);
	check_add_rule(fixture, PYI_RULE_MAX_CONTAINER, "a.known", INFINITY, 1e6);
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, "a.known", 7000, 0);
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, "a.large", 6000, 0);
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, "a.middle", 101, 0);
	check_add_figure(fixture, PYI_FIGURE_CONTAINER, "a.small", 100, 0);
	/* It does not say more than it can know. */
	fixture->hours = 24;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK,
		     "growing containers: known after 25 h; the history is of 24 h");
	assert_false(fixture->check.findings[0].value_known);
	fixture->hours = 30;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_OK,
		     "no container of a module or class grows all the time");
	assert_true(fixture->check.findings[0].value_known);
	assert_int_equal(fixture->check.count, 2);
	fixture->an_hour = 10;
	check_judge(fixture);
	assert_int_equal(fixture->check.count, 3);
	check_expect(fixture, 0, PYI_CHECK_CRITICAL,
		     "a.large grows and never shrinks: it has 6,000 entries, more than 5,000");
	check_expect(fixture, 1, PYI_CHECK_WARNING,
		     "a.middle grows and never shrinks: it has 101 entries, more than 100");
	assert_string_equal(fixture->check.findings[0].rule, "growing-containers");
	assert_string_equal(fixture->check.findings[0].subject, "a.large");
	assert_int_equal(fixture->check.findings[2].status, PYI_CHECK_OK);
}

/* What would show growth is missing from a history of looks that were not complete. */
static void test_incomplete_growth(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, INFINITY, 30);
	check_add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 10, 20);
	fixture->sample.incomplete = true;
	fixture->hours = 30;
	fixture->sample.age_s = (uint64_t)fixture->hours * 3600 + 7200;
	/* One among many says nothing of growth. */
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "growing containers: the look was not complete");
	check_expect(fixture, 1, PYI_CHECK_OK, "resident memory does not grow, over 22 h");
	fixture->sample.age_s++;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "resident memory: no look has been complete for hours");
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN,
		     "growing containers: the look was not complete");
	/* What has grown has grown. */
	fixture->an_hour = 60;
	check_judge(fixture);
	assert_int_equal(fixture->check.findings[0].status, PYI_CHECK_CRITICAL);
}

/* Nor is it in a history that nobody can add to; but others may. */
static void test_unwritten_history(void **state)
{
	struct check_fixture *fixture = *state;

	check_add_rule(fixture, PYI_RULE_MAX_TRACKED_GROWTH, NULL, INFINITY, 30);
	check_add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 10, 20);
	fixture->hours = 30;
	fixture->unwritten = "the disk is full";
	fixture->sample.age_s = (uint64_t)fixture->hours * 3600 + 7200;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
	fixture->sample.age_s++;
	check_judge(fixture);
	check_expect(fixture, 0, PYI_CHECK_UNKNOWN,
		     "the number of tracked objects: the disk is full");
	check_expect(fixture, 1, PYI_CHECK_UNKNOWN, "growing containers: the disk is full");
	/* With the look of now there is still nothing between. */
	fixture->with_now = true;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_UNKNOWN);
	fixture->unwritten = NULL;
	check_judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, check_set_up, check_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_growth),
		TEST(test_growth_of_memory),
		TEST(test_growth_of_other_memory),
		TEST(test_growth_of_hours),
		TEST(test_growth_of_objects_for_hours),
		TEST(test_containers_that_were_cut),
		TEST(test_growing_types),
		TEST(test_growing_containers),
		TEST(test_incomplete_growth),
		TEST(test_unwritten_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
