/*
 * Tests of the census: adding, merging, ordering, summing up.
 *
 * Does not test how a census is printed; test_report.c does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/census.h"

static void add(struct pyi_census *census, const char *name, uint64_t count, uint64_t bytes,
		bool estimated)
{
	assert_null(pyi_census_add(census, strdup(name), count, bytes, estimated));
}

/* The names in order, each with a space behind it. */
static void assert_names(const struct pyi_census *census, const char *expected)
{
	char names[256] = "";

	for (size_t i = 0; i < census->type_count; i++) {
		strcat(names, census->types[i].name);
		strcat(names, " ");
	}
	assert_string_equal(names, expected);
}

static void test_empty(void **state)
{
	struct pyi_census census = { 0 };
	struct pyi_census_sum sum;

	(void)state;
	pyi_census_merge(&census);
	pyi_census_sort(&census, PYI_CENSUS_BY_BYTES);
	pyi_census_sort(&census, PYI_CENSUS_BY_COUNT);
	sum = pyi_census_sum_from(&census, 0);
	assert_int_equal(sum.types, 0);
	assert_int_equal(sum.count, 0);
	assert_int_equal(sum.bytes, 0);
	pyi_census_deinit(&census);
	pyi_census_deinit(&census);
}

static void test_add_grows(void **state)
{
	struct pyi_census census = { 0 };
	struct pyi_census_sum sum;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "type%u", i);
		add(&census, name, i, 2 * i, i == 7);
	}
	assert_int_equal(census.type_count, 1000);
	assert_true(census.capacity >= 1000);
	assert_string_equal(census.types[999].name, "type999");
	assert_int_equal(census.types[999].bytes, 1998);
	assert_int_equal(census.types[999].classes, 1);
	assert_true(census.types[7].estimated);
	assert_false(census.types[8].estimated);
	sum = pyi_census_sum_from(&census, 0);
	assert_int_equal(sum.types, 1000);
	assert_int_equal(sum.count, 499500);
	assert_int_equal(sum.bytes, 999000);
	pyi_census_deinit(&census);
	assert_null(census.types);
	assert_int_equal(census.type_count, 0);
}

static void test_add_without_name(void **state)
{
	struct pyi_census census = { 0 };
	struct pyi_error *error;

	(void)state;
	/* A strdup() that failed in the caller. */
	error = pyi_census_add(&census, NULL, 1, 1, false);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "no-memory");
	assert_int_equal(census.type_count, 0);
	pyi_error_destroy(error);
	pyi_census_deinit(&census);
}

static void test_merge(void **state)
{
	struct pyi_census census = { 0 };

	(void)state;
	add(&census, "str", 1, 50, false);
	add(&census, "app.Row", 2, 20, false);
	add(&census, "str", 10, 500, true);
	add(&census, "dict", 3, 30, false);
	add(&census, "str", 100, 5000, false);
	pyi_census_merge(&census);
	assert_names(&census, "app.Row dict str ");
	assert_int_equal(census.types[2].count, 111);
	assert_int_equal(census.types[2].bytes, 5550);
	assert_int_equal(census.types[2].classes, 3);
	assert_true(census.types[2].estimated);
	assert_int_equal(census.types[0].classes, 1);
	assert_false(census.types[0].estimated);

	/* Once more, with a row that came later. */
	add(&census, "str", 1000, 1, false);
	pyi_census_merge(&census);
	assert_names(&census, "app.Row dict str ");
	assert_int_equal(census.types[2].count, 1111);
	assert_int_equal(census.types[2].classes, 4);
	pyi_census_deinit(&census);
}

static void test_sort(void **state)
{
	struct pyi_census census = { 0 };

	(void)state;
	add(&census, "d", 5, 100, false);
	add(&census, "b", 7, 100, false);
	add(&census, "c", 5, 100, false);
	add(&census, "a", 9, 1, false);
	/* A difference that does not fit an int must not turn the order round. */
	add(&census, "huge", 1, UINT64_C(1) << 40, false);
	add(&census, "top", 2, UINT64_MAX, false);
	pyi_census_sort(&census, PYI_CENSUS_BY_BYTES);
	assert_names(&census, "top huge b c d a ");
	pyi_census_sort(&census, PYI_CENSUS_BY_COUNT);
	assert_names(&census, "a b c d top huge ");
	pyi_census_deinit(&census);
}

static void test_sum_from(void **state)
{
	struct pyi_census census = { 0 };
	struct pyi_census_sum sum;

	(void)state;
	add(&census, "a", 1, 10, false);
	add(&census, "b", 2, 20, false);
	add(&census, "c", 4, 40, false);
	sum = pyi_census_sum_from(&census, 1);
	assert_int_equal(sum.types, 2);
	assert_int_equal(sum.count, 6);
	assert_int_equal(sum.bytes, 60);
	sum = pyi_census_sum_from(&census, 3);
	assert_int_equal(sum.types, 0);
	sum = pyi_census_sum_from(&census, SIZE_MAX);
	assert_int_equal(sum.types, 0);
	assert_int_equal(sum.bytes, 0);
	pyi_census_deinit(&census);
}

static void test_keep(void **state)
{
	static const struct {
		struct pyi_census_filter filter;
		const char *kept;
	} cases[] = {
		{ { 0 }, "dict shop.Session shop.db.Session shopping.Session str " },
		{ { .type = "Session" }, "shop.Session shop.db.Session shopping.Session " },
		{ { .type = "*d*" }, "dict shop.db.Session " },
		{ { .module = "shop" }, "shop.Session shop.db.Session " },
		{ { .module = "shop.db", .type = "*" }, "shop.db.Session " },
		{ { .module = "shop", .type = "dict" }, "" },
		{ { .no_builtins = true }, "shop.Session shop.db.Session shopping.Session " },
		{ { .no_builtins = true, .type = "str" }, "" },
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct pyi_census census = { 0 };

		add(&census, "dict", 1, 1, false);
		add(&census, "shop.Session", 1, 1, false);
		add(&census, "shop.db.Session", 1, 1, false);
		add(&census, "shopping.Session", 1, 1, false);
		add(&census, "str", 1, 1, false);
		pyi_census_keep(&census, &cases[c].filter);
		assert_names(&census, cases[c].kept);
		pyi_census_deinit(&census);
	}
}

/* A class that leaks is among the first, however much there is of strings. */
static void test_modules_first(void **state)
{
	static const struct {
		size_t limit;
		size_t front;
		const char *order;
	} cases[] = {
		{ 4, 2, "m.A m.B a b c d m.C e m.D " }, { 3, 2, "m.A m.B a b c d m.C e m.D " },
		{ 1, 0, "m.A a b c d m.B m.C e m.D " }, { 0, 0, "a b c d m.A m.B m.C e m.D " },
		{ 9, 4, "m.A m.B m.C m.D a b c d e " }, { 99, 4, "m.A m.B m.C m.D a b c d e " },
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		static const char *const names[] = { "a",   "b",   "c", "d",  "m.A",
						     "m.B", "m.C", "e", "m.D" };
		struct pyi_census census = { 0 };

		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			add(&census, names[n], 1, 1, false);
		assert_int_equal(pyi_census_put_modules_first(&census, cases[c].limit),
				 cases[c].front);
		assert_names(&census, cases[c].order);
		pyi_census_deinit(&census);
	}
}

static void test_sums_do_not_wrap(void **state)
{
	struct pyi_census census = { 0 };
	struct pyi_census_sum sum;

	(void)state;
	add(&census, "a", UINT64_MAX, 1, false);
	add(&census, "a", 1, UINT64_MAX, false);
	add(&census, "b", 1, 1, false);
	sum = pyi_census_sum_from(&census, 0);
	assert_true(sum.count == UINT64_MAX);
	assert_true(sum.bytes == UINT64_MAX);
	census.types[0].classes = UINT32_MAX;
	pyi_census_merge(&census);
	assert_names(&census, "a b ");
	assert_true(census.types[0].count == UINT64_MAX);
	assert_true(census.types[0].bytes == UINT64_MAX);
	assert_true(census.types[0].classes == UINT32_MAX);
	pyi_census_deinit(&census);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_add_grows),
		cmocka_unit_test(test_add_without_name),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sum_from),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_modules_first),
		cmocka_unit_test(test_sums_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
