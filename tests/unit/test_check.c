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

#include "analysis/check.h"

#define SENDERS "slip.dbus.service.Object.senders"

/* What there is to judge, and the answer. */
struct fixture {
	struct pyi_rules rules;
	struct pyi_sample sample;
	struct pyi_check_history history;
	struct pyi_check check;
	/* Of every series: entries an hour, and for how many hours. */
	double an_hour;
	unsigned hours;
	bool broken;
	/* The last point is of now. */
	bool with_now;
	const char *unwritten;
	/* What the history has seen: a type or container of this name. */
	const char *seen;
	/* Of object_bytes alone, if that is not as all others; bytes an hour. */
	bool objects_apart;
	double objects_an_hour;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	pyi_check_deinit(&fixture->check);
	pyi_sample_deinit(&fixture->sample);
	pyi_rules_deinit(&fixture->rules);
	free(fixture);
	return 0;
}

static struct pyi_error *give_series(void *argument, enum pyi_figure_kind kind, const char *name,
				     struct pyi_series *ret_series)
{
	struct fixture *fixture = argument;
	size_t count = fixture->hours * 4 + 1;
	double an_hour = fixture->objects_apart && strcmp(name, PYI_FIGURE_OBJECT_BYTES) == 0
				 ? fixture->objects_an_hour
				 : fixture->an_hour;

	if (fixture->broken)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, "the disk is gone");
	*ret_series = (struct pyi_series){
		.kind = kind,
		.name = strdup(name),
		.points = calloc(count, sizeof(struct pyi_point)),
		.point_count = count,
	};
	for (size_t p = 0; p < count; p++)
		ret_series->points[p] = (struct pyi_point){
			.time_s = 1700000000 + (int64_t)p * 900,
			.age_s = p * 900,
			.count = 1000 + (uint64_t)(an_hour * (double)p / 4),
		};
	if (fixture->with_now)
		ret_series->points[count - 1].age_s = fixture->sample.age_s;
	return NULL;
}

static struct pyi_error *look_whether_seen(void *argument, enum pyi_figure_kind kind,
					   const char *name, bool *ret_seen)
{
	const struct fixture *fixture = argument;

	assert_true(kind == PYI_FIGURE_TYPE_TREE || kind == PYI_FIGURE_CONTAINER);
	*ret_seen = fixture->seen && strcmp(fixture->seen, name) == 0;
	return NULL;
}

static void add_rule(struct fixture *fixture, enum pyi_rule_kind kind, const char *subject,
		     double warning, double critical)
{
	const struct pyi_rule rule = {
		.kind = kind,
		.subject = (char *)(uintptr_t)subject,
		.warning = warning,
		.critical = critical,
		.runs = kind == PYI_RULE_GROWING_CONTAINERS ? 12 : 0,
	};

	assert_null(pyi_rules_add(&fixture->rules, &rule));
}

static void add_figure(struct fixture *fixture, enum pyi_figure_kind kind, const char *name,
		       uint64_t count, uint64_t bytes)
{
	assert_null(pyi_sample_add(&fixture->sample, kind, name, count, bytes));
}

static void judge(struct fixture *fixture)
{
	pyi_check_deinit(&fixture->check);
	pyi_sample_sort(&fixture->sample);
	if (!fixture->history.unavailable)
		fixture->history = (struct pyi_check_history){
			.series = give_series,
			.seen = look_whether_seen,
			.argument = fixture,
		};
	fixture->history.unwritten = fixture->unwritten;
	assert_null(pyi_check_judge(&fixture->rules, &fixture->sample, &fixture->history,
				    &fixture->check));
}

static void expect(const struct fixture *fixture, size_t index, enum pyi_check_status status,
		   const char *message)
{
	assert_true(index < fixture->check.count);
	assert_string_equal(fixture->check.findings[index].message, message);
	assert_int_equal(fixture->check.findings[index].status, status);
}

static void test_container(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_CONTAINER, SENDERS, 5000, 100000);
	fixture->seen = SENDERS;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, SENDERS " has 0 entries, no more than 5,000");
	add_figure(fixture, PYI_FIGURE_CONTAINER, SENDERS, 20001, 0);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_WARNING, SENDERS " has 20,001 entries, more than 5,000");
	assert_string_equal(fixture->check.findings[0].rule, "max-container " SENDERS);
	assert_string_equal(fixture->check.findings[0].subject, SENDERS);
	assert_true(fixture->check.findings[0].value_known);
	assert_true(fixture->check.findings[0].value == 20001);
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_COUNT);
	assert_int_equal(fixture->check.status, PYI_CHECK_WARNING);
	fixture->sample.figures[0].count = 100001;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_CRITICAL, SENDERS " has 100,001 entries, more than 100,000");
	/* A limit itself is not above the limit. */
	fixture->sample.figures[0].count = 5000;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, SENDERS " has 5,000 entries, no more than 5,000");
}

static void test_type(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_COUNT, "foo.Session", INFINITY, 0);
	add_rule(fixture, PYI_RULE_MAX_BYTES, "Session", 1048576, INFINITY);
	add_rule(fixture, PYI_RULE_MAX_COUNT, "ssion", 0, INFINITY);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "foo.Session", 1, 1572864);
	/* Of exactly this type there are fewer: it is the tree that counts. */
	add_figure(fixture, PYI_FIGURE_TYPE, "foo.Session", 0, 0);
	fixture->seen = "ssion";
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_CRITICAL, "foo.Session has 1 object, more than 0");
	expect(fixture, 1, PYI_CHECK_WARNING, "objects of Session take 1.5 MiB, more than 1 MiB");
	expect(fixture, 2, PYI_CHECK_OK, "ssion has 0 objects, no more than 0");
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "bar.Session", 1, 1);
	judge(fixture);
	expect(fixture, 1, PYI_CHECK_UNKNOWN,
	       "Session: bar.Session and foo.Session have this name; give it with its module, or "
	       "package");
	assert_false(fixture->check.findings[1].value_known);
	/* The other rules are judged. */
	expect(fixture, 0, PYI_CHECK_CRITICAL, "foo.Session has 1 object, more than 0");
}

/* A package may be missing, too. */
static void test_type_of_two_packages(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_COUNT, "models.User", INFINITY, 0);
	add_rule(fixture, PYI_RULE_MAX_GROWTH, "models.User", INFINITY, 0);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "shop.models.User", 1, 1);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_CRITICAL, "models.User has 1 object, more than 0");
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "blog.models.User", 1, 1);
	judge(fixture);
	for (size_t f = 0; f < 2; f++)
		expect(fixture, f, PYI_CHECK_UNKNOWN,
		       "models.User: blog.models.User and shop.models.User have this name; give it "
		       "with its module, or package");
}

/* A name with a mistake in it must not be OK for ever. */
static void test_absent(void **state)
{
	static const enum pyi_rule_kind kinds[] = { PYI_RULE_MAX_COUNT, PYI_RULE_MAX_BYTES,
						    PYI_RULE_MAX_GROWTH, PYI_RULE_MAX_CONTAINER };
	struct fixture *fixture = *state;

	fixture->hours = 30;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		add_rule(fixture, kinds[k], "app.Sesion", INFINITY, 5);
	judge(fixture);
	for (size_t k = 0; k < 3; k++)
		expect(fixture, k, PYI_CHECK_UNKNOWN,
		       "app.Sesion: there is no such type, and none was seen before; is the name "
		       "right?");
	expect(fixture, 3, PYI_CHECK_UNKNOWN,
	       "app.Sesion: there is no such container, and none was seen before; is the name "
	       "right?");
	assert_false(fixture->check.findings[0].value_known);
	/* What was meant is said, if something is called nearly so. */
	add_figure(fixture, PYI_FIGURE_TYPE, "app.Other", 9, 0);
	add_figure(fixture, PYI_FIGURE_TYPE, "app.Session", 9, 0);
	add_figure(fixture, PYI_FIGURE_CONTAINER, "app.sessions", 9, 0);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN,
	       "app.Sesion: there is no such type, and none was seen before; there is "
	       "app.Session");
	expect(fixture, 3, PYI_CHECK_UNKNOWN,
	       "app.Sesion: there is no such container, and none was seen before; there is "
	       "app.sessions");
	/* It was there before: there is none of it now. */
	fixture->seen = "app.Sesion";
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
	expect(fixture, 0, PYI_CHECK_OK, "app.Sesion has 0 objects, no more than 5");
	/* But it may be in what could not be read. */
	fixture->sample.incomplete = true;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN, "app.Sesion: the look was not complete");
	/* Or the rule says so; without a history, too. */
	fixture->sample.incomplete = false;
	fixture->seen = NULL;
	for (size_t r = 0; r < fixture->rules.count; r++)
		fixture->rules.items[r].may_be_absent = true;
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
	fixture->history.unavailable = "none is wanted";
	judge(fixture);
	expect(fixture, 1, PYI_CHECK_OK, "app.Sesion has 0 objects, no more than 5");
	expect(fixture, 0, PYI_CHECK_UNKNOWN, "app.Sesion: none is wanted");
}

/* Of several types of a name none has objects now; one of them had, so it is known what is meant.
 */
static void test_ambiguous_without_objects(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_COUNT, "Task", INFINITY, 5);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "_asyncio.Task", 0, 0);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "app.Task", 0, 0);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN,
	       "Task: _asyncio.Task and app.Task have this name; give it with its module, or "
	       "package");
	fixture->seen = "Task";
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "Task has 0 objects, no more than 5");
}

/* Containers of instances: their sum is judged, and the longest is said. */
static void test_container_of_instances(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_CONTAINER, "app.Cache.entries", 1000, INFINITY);
	add_figure(fixture, PYI_FIGURE_CONTAINER, "app.Cache.entries", 1200, 0);
	add_figure(fixture, PYI_FIGURE_LONGEST, "app.Cache.entries", 900, 0);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_WARNING,
	       "app.Cache.entries has 1,200 entries in all instances (the longest 900), more than "
	       "1,000");
	fixture->sample.figures[1].count = 1200;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_WARNING,
	       "app.Cache.entries has 1,200 entries, more than 1,000");
}

static void test_process(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_RSS, NULL, 1073741824, 2147483648.0);
	add_rule(fixture, PYI_RULE_MAX_TRACKED, NULL, 1e6, INFINITY);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN, "resident memory: not measured");
	expect(fixture, 1, PYI_CHECK_UNKNOWN, "tracked objects: not measured");
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 9663676416u, 0);
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_TRACKED, 40000, 0);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_CRITICAL,
	       "the process has 9 GiB of resident memory, more than 2 GiB");
	expect(fixture, 1, PYI_CHECK_OK,
	       "the process has 40,000 tracked objects, no more than 1,000,000");
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_BYTES);
	assert_null(fixture->check.findings[0].subject);
}

static void test_slip(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_SLIP_STALE, NULL, 4, 1000);
	add_rule(fixture, PYI_RULE_SLIP_DEAD_MATCH, NULL, 1, 100);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "python-slip keeps nothing in this process");
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_SENDERS, 3, 0);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN,
	       "python-slip: the bus could not be asked which senders are gone");
	expect(fixture, 1, PYI_CHECK_UNKNOWN,
	       "python-slip: the bus could not be asked which senders are gone");
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_STALE, 1, 0);
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_DEAD_MATCHES, 0, 0);
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "python-slip keeps 1 that is gone, no more than 4");
	expect(fixture, 1, PYI_CHECK_OK, "python-slip notices when senders go");
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
}

/* One name may be the one that was watched, a moment ago; many are the leak. */
static void test_dead_match(void **state)
{
	static const struct {
		uint64_t stale;
		enum pyi_check_status status;
	} cases[] = { { 1, PYI_CHECK_OK }, { 2, PYI_CHECK_WARNING }, { 501, PYI_CHECK_CRITICAL } };
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_SLIP_DEAD_MATCH, NULL, 1, 100);
	for (size_t c = 0; c < 3; c++) {
		pyi_sample_deinit(&fixture->sample);
		add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_SENDERS, 600, 0);
		add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_STALE, cases[c].stale, 0);
		add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_DEAD_MATCHES, 1, 0);
		judge(fixture);
		assert_int_equal(fixture->check.status, cases[c].status);
	}
	expect(fixture, 0, PYI_CHECK_CRITICAL,
	       "python-slip no longer notices when senders go, and keeps 501 that are gone, more "
	       "than 100");
}

static void test_growth(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_GROWTH, "foo.Session", 30, 1000);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "foo.Session", 5, 0);
	fixture->an_hour = 60;
	fixture->hours = 3;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK,
	       "foo.Session: whether it grows is known after 20 h; the history is of 2 h");
	assert_false(fixture->check.findings[0].value_known);
	fixture->hours = 48;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_WARNING,
	       "foo.Session grows by 60 an hour (60 to 60 with 95 % confidence) over 22 h, more "
	       "than 30");
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_COUNT_PER_HOUR);
	assert_true(fabs(fixture->check.findings[0].value - 60) < 1);
	fixture->an_hour = 20;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK,
	       "foo.Session grows by 20 an hour (20 to 20 with 95 % confidence) over 22 h, not "
	       "surely more than 30");
	fixture->an_hour = 0;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "foo.Session does not grow, over 22 h");
	assert_true(fixture->check.findings[0].value_known);
}

static void test_growth_of_memory(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, INFINITY, 1048576);
	add_rule(fixture, PYI_RULE_MAX_TRACKED_GROWTH, NULL, INFINITY, 4000000);
	fixture->an_hour = 3145728;
	fixture->hours = 48;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_CRITICAL,
	       "resident memory grows by 3 MiB an hour (3 MiB to 3 MiB with 95 % confidence) over "
	       "22 h, more than 1 MiB");
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_BYTES_PER_HOUR);
	assert_int_equal(fixture->check.findings[1].status, PYI_CHECK_OK);
}

/* Memory that grows while objects do not, and memory that grows with them. */
static void test_growth_of_other_memory(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_OTHER_GROWTH, NULL, 1048576, INFINITY);
	fixture->an_hour = 6 * 1048576.0;
	fixture->objects_apart = true;
	fixture->hours = 48;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_WARNING,
	       "memory that is not objects grows by 6 MiB an hour (6 MiB to 6 MiB with 95 % "
	       "confidence) over 22 h, more than 1 MiB");
	assert_int_equal(fixture->check.findings[0].unit, PYI_CHECK_BYTES_PER_HOUR);
	/* Two thirds of it are objects: what is beside them is room between them. */
	fixture->objects_an_hour = 4 * 1048576.0;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "memory that is not objects does not grow, over 22 h");
	/* One third is. */
	fixture->objects_an_hour = 2 * 1048576.0;
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_WARNING);
	fixture->hours = 3;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK,
	       "memory that is not objects: whether it grows is known after 20 h; the history is "
	       "of 2 h");
}

/* A tenth an hour of the process is not waited for; of a single type it is little. */
static void test_growth_of_hours(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, 50, 1e6);
	add_rule(fixture, PYI_RULE_MAX_GROWTH, "foo.Session", 50, INFINITY);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "foo.Session", 5, 0);
	fixture->an_hour = 110;
	fixture->hours = 2;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK,
	       "resident memory: whether it grows by a tenth an hour is known after 3 h, by less "
	       "after 20 h; the history is of 1 h");
	fixture->hours = 3;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_WARNING,
	       "resident memory grows by 110 B an hour (110 B to 110.3 B with 95 % confidence) "
	       "over "
	       "2 h, more than 50 B");
	assert_true(fixture->check.findings[0].value_known);
	expect(fixture, 1, PYI_CHECK_OK,
	       "foo.Session: whether it grows is known after 20 h; the history is of 2 h");
	/* What has become more meanwhile, other than builtins: all had 1,027 when it began. */
	add_figure(fixture, PYI_FIGURE_CONTAINER, "a.CACHE[*]", 1300, 0);
	add_figure(fixture, PYI_FIGURE_CONTAINER, "a.less", 1299, 0);
	add_figure(fixture, PYI_FIGURE_TYPE, "foo.Session", 1200, 0);
	add_figure(fixture, PYI_FIGURE_TYPE, "dict", 9000, 0);
	fixture->sample.age_s = 3 * 3600;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_WARNING,
	       "resident memory grows by 110 B an hour (110 B to 110.3 B with 95 % confidence) "
	       "over "
	       "2 h, more than 50 B; meanwhile 273 more in a.CACHE[*]; meanwhile 173 more of "
	       "foo.Session");
	/* Half of it. */
	fixture->an_hour = 60;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK,
	       "resident memory does not grow by a tenth an hour; whether it grows by less is "
	       "known "
	       "after 20 h; the history is of 2 h");
	assert_false(fixture->check.findings[0].value_known);
	/* A rule that lets more pass. */
	pyi_rules_deinit(&fixture->rules);
	add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, 500, INFINITY);
	fixture->an_hour = 110;
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
}

/* Containers anywhere: what could not be looked at is said, and is not none. */
static void test_containers_that_were_cut(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 100, 5000);
	add_rule(fixture, PYI_RULE_MAX_CONTAINER, "a.CACHE[*].entries", INFINITY, 10);
	fixture->seen = "a.CACHE[*].entries";
	fixture->hours = 30;
	fixture->sample.containers_anywhere = true;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "no container grows all the time");
	expect(fixture, 1, PYI_CHECK_OK, "a.CACHE[*].entries has 0 entries, no more than 10");
	fixture->sample.containers_cut = true;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN,
	       "a.CACHE[*].entries: not all containers were looked at");
	expect(fixture, 1, PYI_CHECK_OK, "no container that was looked at grows all the time");
}

/* Any type that a module defines, unless it has a rule of its own. */
static void test_growing_types(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_GROWING_TYPES, NULL, 60, 5000);
	add_figure(fixture, PYI_FIGURE_TYPE, "app.Session", 7000, 0);
	add_figure(fixture, PYI_FIGURE_TYPE, "dict", 90000, 0);
	/* What has so few cannot have grown so fast for as long as that is looked at. */
	add_figure(fixture, PYI_FIGURE_TYPE, "app.Few", 1229, 0);
	add_figure(fixture, PYI_FIGURE_TYPE, "app.More", 1230, 0);
	fixture->hours = 20;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "growing types: known after 20 h; the history is of 20 h");
	assert_false(fixture->check.findings[0].value_known);
	fixture->hours = 48;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "no type of a module grows");
	assert_true(fixture->check.findings[0].value_known);
	fixture->an_hour = 100;
	judge(fixture);
	assert_int_equal(fixture->check.count, 2);
	expect(fixture, 0, PYI_CHECK_WARNING,
	       "app.Session grows by 100 an hour (100 to 100 with 95 % confidence) over 22 h, "
	       "more than 60");
	assert_string_equal(fixture->check.findings[0].rule, "growing-types");
	assert_string_equal(fixture->check.findings[0].subject, "app.Session");
	assert_string_equal(fixture->check.findings[1].subject, "app.More");
	/* Not surely more than the limit. */
	fixture->an_hour = 60;
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
	fixture->an_hour = 100;
	add_rule(fixture, PYI_RULE_MAX_GROWTH, "app.Session", 1000, INFINITY);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "app.Session", 7000, 0);
	judge(fixture);
	assert_string_equal(fixture->check.findings[0].subject, "app.More");
	assert_int_equal(fixture->check.count, 2);
	fixture->sample.incomplete = true;
	fixture->an_hour = 0;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN, "growing types: the look was not complete");
}

static void test_no_history(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_RSS, NULL, 10, 20);
	add_rule(fixture, PYI_RULE_MAX_TRACKED_GROWTH, NULL, 10, 20);
	add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 10, 20);
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 5, 0);
	fixture->history.unavailable = "/x cannot be opened";
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN, "the number of tracked objects: /x cannot be opened");
	expect(fixture, 1, PYI_CHECK_UNKNOWN, "growing containers: /x cannot be opened");
	assert_int_equal(fixture->check.findings[2].status, PYI_CHECK_OK);
	pyi_check_deinit(&fixture->check);
	assert_null(pyi_check_judge(&fixture->rules, &fixture->sample, NULL, &fixture->check));
	expect(fixture, 1, PYI_CHECK_UNKNOWN, "growing containers: there is no history");
}

static void test_broken_history(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_error *error;

	add_rule(fixture, PYI_RULE_MAX_TRACKED_GROWTH, NULL, 10, 20);
	fixture->history = (struct pyi_check_history){ .series = give_series, .argument = fixture };
	fixture->broken = true;
	error = pyi_check_judge(&fixture->rules, &fixture->sample, &fixture->history,
				&fixture->check);
	assert_string_equal(error->message, "the disk is gone");
	pyi_error_destroy(error);
	assert_null(fixture->check.findings);
}

static void test_growing_containers(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 100, 5000);
	add_rule(fixture, PYI_RULE_MAX_CONTAINER, "a.known", INFINITY, 1e6);
	add_figure(fixture, PYI_FIGURE_CONTAINER, "a.known", 7000, 0);
	add_figure(fixture, PYI_FIGURE_CONTAINER, "a.large", 6000, 0);
	add_figure(fixture, PYI_FIGURE_CONTAINER, "a.middle", 101, 0);
	add_figure(fixture, PYI_FIGURE_CONTAINER, "a.small", 100, 0);
	/* It does not say more than it can know. */
	fixture->hours = 24;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK,
	       "growing containers: known after 25 h; the history is of 24 h");
	assert_false(fixture->check.findings[0].value_known);
	fixture->hours = 30;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_OK, "no container of a module or class grows all the time");
	assert_true(fixture->check.findings[0].value_known);
	assert_int_equal(fixture->check.count, 2);
	fixture->an_hour = 10;
	judge(fixture);
	assert_int_equal(fixture->check.count, 3);
	expect(fixture, 0, PYI_CHECK_CRITICAL,
	       "a.large grows and never shrinks: it has 6,000 entries, more than 5,000");
	expect(fixture, 1, PYI_CHECK_WARNING,
	       "a.middle grows and never shrinks: it has 101 entries, more than 100");
	assert_string_equal(fixture->check.findings[0].rule, "growing-containers");
	assert_string_equal(fixture->check.findings[0].subject, "a.large");
	assert_int_equal(fixture->check.findings[2].status, PYI_CHECK_OK);
}

static void test_incomplete(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_COUNT, "a.B", INFINITY, 5);
	add_rule(fixture, PYI_RULE_MAX_COUNT, "a.C", INFINITY, 5);
	add_rule(fixture, PYI_RULE_MAX_RSS, NULL, 5, INFINITY);
	add_rule(fixture, PYI_RULE_MAX_SLIP_STALE, NULL, 5, INFINITY);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.B", 3, 0);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.C", 6, 0);
	add_figure(fixture, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 5, 0);
	fixture->sample.incomplete = true;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_CRITICAL, "a.C has 6 objects, more than 5");
	expect(fixture, 1, PYI_CHECK_UNKNOWN,
	       "a.B has at least 3 objects; the look was not complete");
	expect(fixture, 2, PYI_CHECK_UNKNOWN, "python-slip: the look was not complete");
	assert_int_equal(fixture->check.findings[3].status, PYI_CHECK_OK);
	assert_int_equal(fixture->check.status, PYI_CHECK_CRITICAL);
}

/* What would show growth is missing from a history of looks that were not complete. */
static void test_incomplete_growth(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_RSS_GROWTH, NULL, INFINITY, 30);
	add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 10, 20);
	fixture->sample.incomplete = true;
	fixture->hours = 30;
	fixture->sample.age_s = (uint64_t)fixture->hours * 3600 + 7200;
	/* One among many says nothing of growth. */
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN, "growing containers: the look was not complete");
	expect(fixture, 1, PYI_CHECK_OK, "resident memory does not grow, over 22 h");
	fixture->sample.age_s++;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN,
	       "resident memory: no look has been complete for hours");
	expect(fixture, 1, PYI_CHECK_UNKNOWN, "growing containers: the look was not complete");
	/* What has grown has grown. */
	fixture->an_hour = 60;
	judge(fixture);
	assert_int_equal(fixture->check.findings[0].status, PYI_CHECK_CRITICAL);
}

/* Nor is it in a history that nobody can add to; but others may. */
static void test_unwritten_history(void **state)
{
	struct fixture *fixture = *state;

	add_rule(fixture, PYI_RULE_MAX_TRACKED_GROWTH, NULL, INFINITY, 30);
	add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 10, 20);
	fixture->hours = 30;
	fixture->unwritten = "the disk is full";
	fixture->sample.age_s = (uint64_t)fixture->hours * 3600 + 7200;
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
	fixture->sample.age_s++;
	judge(fixture);
	expect(fixture, 0, PYI_CHECK_UNKNOWN, "the number of tracked objects: the disk is full");
	expect(fixture, 1, PYI_CHECK_UNKNOWN, "growing containers: the disk is full");
	/* With the look of now there is still nothing between. */
	fixture->with_now = true;
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_UNKNOWN);
	fixture->unwritten = NULL;
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_OK);
}

static void test_order(void **state)
{
	struct fixture *fixture = *state;

	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_UNKNOWN);
	assert_int_equal(fixture->check.count, 0);
	add_rule(fixture, PYI_RULE_MAX_COUNT, "a.ok", 9, 9);
	add_rule(fixture, PYI_RULE_MAX_RSS, NULL, 9, 9);
	add_rule(fixture, PYI_RULE_MAX_COUNT, "a.warning", 1, 9);
	add_rule(fixture, PYI_RULE_MAX_COUNT, "a.critical", 1, 1);
	add_rule(fixture, PYI_RULE_MAX_COUNT, "a.ok2", 9, 9);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.ok", 5, 0);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.ok2", 0, 0);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.warning", 5, 0);
	add_figure(fixture, PYI_FIGURE_TYPE_TREE, "a.critical", 5, 0);
	judge(fixture);
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
	struct fixture *fixture = *state;
	char name[5000];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	add_rule(fixture, PYI_RULE_GROWING_CONTAINERS, NULL, 100, INFINITY);
	add_figure(fixture, PYI_FIGURE_CONTAINER, name, 7000, 0);
	fixture->hours = 30;
	fixture->an_hour = 10;
	judge(fixture);
	assert_int_equal(fixture->check.status, PYI_CHECK_WARNING);
	assert_string_equal(fixture->check.findings[0].subject, name);
	assert_true(strlen(fixture->check.findings[0].message) < 1000);
	assert_non_null(strstr(fixture->check.findings[0].message, "7,000 entries"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_container),
		TEST(test_type),
		TEST(test_type_of_two_packages),
		TEST(test_absent),
		TEST(test_ambiguous_without_objects),
		TEST(test_container_of_instances),
		TEST(test_process),
		TEST(test_slip),
		TEST(test_dead_match),
		TEST(test_growth),
		TEST(test_growth_of_memory),
		TEST(test_growth_of_other_memory),
		TEST(test_growth_of_hours),
		TEST(test_containers_that_were_cut),
		TEST(test_growing_types),
		TEST(test_no_history),
		TEST(test_broken_history),
		TEST(test_growing_containers),
		TEST(test_incomplete),
		TEST(test_incomplete_growth),
		TEST(test_unwritten_history),
		TEST(test_order),
		TEST(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
