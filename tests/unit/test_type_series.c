/*
 * Tests of types over several censuses: what is steady growth, and what is noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/type_series.h"

enum {
	CENSUSES = 4,
};

/* A type with so many objects of 10 bytes in each census; 0: it is not in there. */
struct line {
	const char *name;
	uint64_t counts[CENSUSES];
	/* Of each object more than 10. */
	uint64_t more_bytes[CENSUSES];
};

static void make(const struct line *lines, size_t line_count, struct pyi_census *censuses)
{
	for (size_t c = 0; c < CENSUSES; c++) {
		censuses[c] = (struct pyi_census){ 0 };
		for (size_t l = 0; l < line_count; l++)
			if (lines[l].counts[c])
				assert_null(pyi_census_add(
					&censuses[c], strdup(lines[l].name), lines[l].counts[c],
					10 * lines[l].counts[c] + lines[l].more_bytes[c],
					lines[l].name[0] == '~'));
		pyi_census_merge(&censuses[c]);
	}
}

static void destroy(struct pyi_census *censuses)
{
	for (size_t c = 0; c < CENSUSES; c++)
		pyi_census_deinit(&censuses[c]);
}

/* "name:kind:steps " of each type. */
static void assert_types(const struct pyi_type_series *series, const char *expected)
{
	char text[512] = "";

	for (size_t t = 0; t < series->type_count; t++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s:%s:%zu ",
			 series->types[t].name, pyi_series_kind_name(series->types[t].kind),
			 series->types[t].steps);
	assert_string_equal(text, expected);
}

static void kinds(void **test)
{
	const struct line lines[] = {
		{ "same", { 7, 7, 7, 7 }, { 0 } },
		{ "slow", { 1, 2, 3, 4 }, { 0 } },
		{ "fast", { 100, 200, 300, 400 }, { 0 } },
		{ "once", { 10, 10, 500, 500 }, { 0 } },
		{ "waves", { 10, 1000, 10, 2000 }, { 0 } },
		{ "less", { 9, 8, 7, 6 }, { 0 } },
		{ "new", { 0, 0, 0, 5 }, { 0 } },
		{ "gone", { 5, 0, 0, 0 }, { 0 } },
		{ "back", { 5, 9, 1, 5 }, { 0 } },
		{ "~larger", { 1, 1, 1, 1 }, { 0, 50, 60, 70 } },
	};
	struct pyi_census censuses[CENSUSES];
	struct pyi_type_series series;
	struct pyi_type_change sum;

	(void)test;
	make(lines, sizeof(lines) / sizeof(lines[0]), censuses);
	assert_null(pyi_type_series_find(censuses, CENSUSES, false, &series));
	assert_types(&series, "fast:steady:3 ~larger:steady:3 slow:steady:3 once:steps:1 "
			      "new:steps:1 waves:noise:2 back:noise:2 less:noise:0 gone:noise:0 ");
	assert_int_equal(series.same_count, 1);
	assert_int_equal(series.types[0].counts[2], 300);
	assert_int_equal(series.types[0].bytes[1], 2000);
	assert_int_equal(series.types[8].count.before, 5);
	assert_int_equal(series.types[8].count.after, 0);
	assert_true(series.types[1].estimated);
	assert_false(series.types[0].estimated);
	sum = pyi_type_series_sum(&series, 5);
	assert_int_equal(sum.count.before, 10 + 5 + 9 + 5);
	assert_int_equal(sum.count.after, 2000 + 5 + 6);
	pyi_type_series_deinit(&series);
	pyi_type_series_deinit(&series);
	/* By what it is: of one that only becomes larger, that counts. */
	assert_null(pyi_type_series_find(censuses, CENSUSES, true, &series));
	assert_types(&series, "fast:steady:3 slow:steady:3 ~larger:steady:3 once:steps:1 "
			      "new:steps:1 waves:noise:2 back:noise:2 less:noise:0 gone:noise:0 ");
	pyi_type_series_deinit(&series);
	destroy(censuses);
}

/* One interval says nothing about steadiness, and one census nothing at all. */
static void few(void **test)
{
	const struct line lines[] = { { "fast", { 100, 200, 300, 400 }, { 0 } },
				      { "less", { 5, 4, 3, 2 }, { 0 } } };
	struct pyi_census censuses[CENSUSES];
	struct pyi_type_series series;

	(void)test;
	make(lines, 2, censuses);
	assert_null(pyi_type_series_find(censuses, 2, false, &series));
	assert_types(&series, "fast:steps:1 less:noise:0 ");
	pyi_type_series_deinit(&series);
	assert_null(pyi_type_series_find(censuses, 1, false, &series));
	assert_types(&series, "");
	assert_int_equal(series.same_count, 2);
	pyi_type_series_deinit(&series);
	destroy(censuses);
}

static void empty(void **test)
{
	struct pyi_census censuses[CENSUSES];
	struct pyi_type_series series;

	(void)test;
	make(NULL, 0, censuses);
	assert_null(pyi_type_series_find(censuses, CENSUSES, false, &series));
	assert_int_equal(series.type_count, 0);
	pyi_type_series_deinit(&series);
	destroy(censuses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(few),
		cmocka_unit_test(empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
