/*
 * A history in which all figures grow alike.
 */
#include "check_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int check_set_up(void **state)
{
	*state = calloc(1, sizeof(struct check_fixture));
	return *state ? 0 : -1;
}

int check_tear_down(void **state)
{
	struct check_fixture *fixture = *state;

	pyi_check_deinit(&fixture->check);
	pyi_sample_deinit(&fixture->sample);
	pyi_rules_deinit(&fixture->rules);
	free(fixture);
	return 0;
}

struct pyi_error *check_give_series(void *argument, enum pyi_figure_kind kind, const char *name,
				    struct pyi_series *ret_series)
{
	struct check_fixture *fixture = argument;
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
	const struct check_fixture *fixture = argument;

	assert_true(kind == PYI_FIGURE_TYPE_TREE || kind == PYI_FIGURE_CONTAINER);
	*ret_seen = fixture->seen && strcmp(fixture->seen, name) == 0;
	return NULL;
}

void check_add_rule(struct check_fixture *fixture, enum pyi_rule_kind kind, const char *subject,
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

void check_add_figure(struct check_fixture *fixture, enum pyi_figure_kind kind, const char *name,
		      uint64_t count, uint64_t bytes)
{
	assert_null(pyi_sample_add(&fixture->sample, kind, name, count, bytes));
}

void check_judge(struct check_fixture *fixture)
{
	pyi_check_deinit(&fixture->check);
	pyi_sample_sort(&fixture->sample);
	if (!fixture->history.unavailable)
		fixture->history = (struct pyi_check_history){
			.series = check_give_series,
			.seen = look_whether_seen,
			.argument = fixture,
		};
	fixture->history.unwritten = fixture->unwritten;
	assert_null(pyi_check_judge(&fixture->rules, &fixture->sample, &fixture->history,
				    &fixture->check));
}

void check_expect(const struct check_fixture *fixture, size_t index, enum pyi_check_status status,
		  const char *message)
{
	assert_true(index < fixture->check.count);
	assert_string_equal(fixture->check.findings[index].message, message);
	assert_int_equal(fixture->check.findings[index].status, status);
}
