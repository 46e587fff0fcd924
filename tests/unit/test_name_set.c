/*
 * Tests of sets of bus names: what is one name and what is two, order, and comparing sets.
 *
 * Does not test what a set of names proves; test_slip.c does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/name_set.h"

static void add(struct pyi_name_set *set, const char *name)
{
	assert_null(pyi_name_set_add(set, name));
}

/* Names in `text` are separated by spaces. */
static struct pyi_name_set make_set(const char *text)
{
	struct pyi_name_set set = { 0 };
	char *names = strdup(text);
	char *rest = NULL;

	assert_non_null(names);
	for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		add(&set, name);
	free(names);
	pyi_name_set_sort(&set);
	return set;
}

/* The names in order, each with a space behind it. */
static void assert_names(const struct pyi_name_set *set, const char *expected)
{
	char buffer[PYI_NAME_SET_TEXT];
	char names[512] = "";

	for (size_t i = 0; i < set->count; i++) {
		strcat(names, pyi_name_set_get(set, i, buffer));
		strcat(names, " ");
	}
	assert_string_equal(names, expected);
}

static void test_empty(void **state)
{
	struct pyi_name_set set = { 0 };
	struct pyi_name_set other = { 0 };

	(void)state;
	assert_false(pyi_name_set_has(&set, ":1.1"));
	assert_false(pyi_name_set_has(&set, "a.b"));
	pyi_name_set_sort(&set);
	assert_int_equal(set.count, 0);
	assert_int_equal(pyi_name_set_count_common(&set, &other), 0);
	pyi_name_set_remove(&set, &other);
	pyi_name_set_keep(&set, &other);
	assert_null(pyi_name_set_add_unique(&set, &other));
	pyi_name_set_deinit(&set);
	pyi_name_set_deinit(&set);
}

static void test_order_and_doubles(void **state)
{
	struct pyi_name_set set = make_set(":1.100 org.b :1.9 :1.100 org.a :1.10 org.b :1.9 :1.0");

	(void)state;
	assert_names(&set, ":1.0 :1.9 :1.10 :1.100 org.a org.b ");
	assert_int_equal(set.count, 6);
	/* Adding once more after sorting. */
	add(&set, ":1.5");
	add(&set, ":1.9");
	add(&set, "org.a");
	assert_int_equal(set.count, 9);
	pyi_name_set_sort(&set);
	assert_names(&set, ":1.0 :1.5 :1.9 :1.10 :1.100 org.a org.b ");
	pyi_name_set_deinit(&set);
	assert_int_equal(set.count, 0);
}

/* Each of these is a name of its own, whatever number could be made of it. */
static void test_texts_stay_apart(void **state)
{
	static const char *const names[] = {
		":1.7",
		":1.07",
		":1.007",
		":1.+7",
		":1. 7",
		":1.-7",
		":1.7 ",
		":1.7.7",
		":1.",
		":1",
		":",
		"",
		"1.7",
		":2.7",
		":1.0",
		":1.00",
		":1.18446744073709551615",
		":1.18446744073709551616",
		":1.18446744073709551623",
		":1.99999999999999999999999999999999999999999999",
	};
	enum { COUNT = sizeof(names) / sizeof(names[0]) };
	struct pyi_name_set set = { 0 };
	char buffer[PYI_NAME_SET_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		/* Every second one is left out: is not found then. */
		if (i % 2 == 0)
			add(&set, names[i]);
	}
	pyi_name_set_sort(&set);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(pyi_name_set_has(&set, names[i]), i % 2 == 0);
	for (size_t i = 1; i < COUNT; i += 2)
		add(&set, names[i]);
	pyi_name_set_sort(&set);
	assert_int_equal(set.count, COUNT);
	/* Each comes back as it went in. */
	for (size_t i = 0; i < COUNT; i++) {
		bool found = false;

		for (size_t j = 0; j < COUNT; j++)
			found |= !strcmp(pyi_name_set_get(&set, j, buffer), names[i]);
		assert_true(found);
	}
	pyi_name_set_deinit(&set);
}

static void test_compare(void **state)
{
	struct pyi_name_set set = make_set(":1.1 :1.2 :1.3 :1.4 a b c d");
	struct pyi_name_set other = make_set(":1.0 :1.2 :1.4 :1.5 A b d e");
	struct pyi_name_set ends = make_set(":1.1 a");
	struct pyi_name_set empty = { 0 };

	(void)state;
	assert_int_equal(pyi_name_set_count_common(&set, &other), 4);
	assert_int_equal(pyi_name_set_count_common(&other, &set), 4);
	assert_int_equal(pyi_name_set_count_common(&set, &empty), 0);
	pyi_name_set_remove(&set, &empty);
	assert_int_equal(set.count, 8);
	pyi_name_set_remove(&set, &ends);
	assert_names(&set, ":1.2 :1.3 :1.4 b c d ");
	pyi_name_set_keep(&set, &other);
	assert_names(&set, ":1.2 :1.4 b d ");
	pyi_name_set_remove(&set, &other);
	assert_names(&set, "");
	pyi_name_set_keep(&other, &empty);
	assert_names(&other, "");
	pyi_name_set_deinit(&set);
	pyi_name_set_deinit(&other);
	pyi_name_set_deinit(&ends);
}

static void test_add_unique(void **state)
{
	struct pyi_name_set set = make_set(":1.5");
	struct pyi_name_set from = { 0 };

	(void)state;
	add(&from, "org.a");
	add(&from, ":1.9");
	add(&from, ":1.x");
	add(&from, "org.freedesktop.DBus");
	add(&from, ":1.4");
	assert_null(pyi_name_set_add_unique(&set, &from));
	pyi_name_set_sort(&set);
	assert_names(&set, ":1.4 :1.5 :1.9 :1.x ");
	pyi_name_set_deinit(&set);
	pyi_name_set_deinit(&from);
}

/* Enough of them, and far enough apart, for every way of sorting. */
static void sort_many(size_t count, uint64_t step)
{
	struct pyi_name_set set = { 0 };
	uint64_t at = 0;
	char name[PYI_NAME_SET_TEXT];

	/* 7919 is a prime that does not divide `count`: each index comes once, in no order. */
	for (size_t i = 0; i < count; i++) {
		at = (at + 7919) % count;
		snprintf(name, sizeof(name), ":1.%llu", (unsigned long long)(at * step));
		add(&set, name);
		if (i % 3 == 0)
			add(&set, name);
	}
	assert_true(set.count > count);
	pyi_name_set_sort(&set);
	assert_int_equal(set.count, count);
	for (size_t i = 0; i < count; i++) {
		char text[PYI_NAME_SET_TEXT];

		snprintf(name, sizeof(name), ":1.%llu", (unsigned long long)(i * step));
		assert_string_equal(pyi_name_set_get(&set, i, text), name);
		assert_true(pyi_name_set_has(&set, name));
	}
	snprintf(name, sizeof(name), ":1.%llu", (unsigned long long)(count * step));
	assert_false(pyi_name_set_has(&set, name));
	pyi_name_set_deinit(&set);
}

static void test_sort_many(void **state)
{
	(void)state;
	sort_many(1, 1);
	sort_many(100, 1);
	sort_many(100, UINT64_MAX / 101);
	sort_many(10000, 1);
	sort_many(10000, 1000003);
	sort_many(10000, UINT64_MAX / 10001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_order_and_doubles),
		cmocka_unit_test(test_texts_stay_apart),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_add_unique),
		cmocka_unit_test(test_sort_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
