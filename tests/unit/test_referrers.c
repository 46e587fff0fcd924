/*
 * Tests of referrers: adding, merging by names, folding of item edges, ordering; classes.
 *
 * Does not test how referrers are found or printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/referrers.h"

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

/* `references` are also the number of the payload's group; bytes are ten times as many. */
static void add(struct pyi_referrer_list *list, const char *type, const char *edge,
		const char *owner, uint64_t references)
{
	struct pyi_referrer_group group = {
		.type = copy(type),
		.edge = copy(edge),
		.owner = copy(owner),
		.objects = 1,
		.references = references,
		.bytes = references * 10,
		.example_addr = 0x1000 + references,
		.numbers = malloc(sizeof(uint64_t)),
		.number_count = 1,
	};

	assert_non_null(group.numbers);
	group.numbers[0] = references;
	assert_null(pyi_referrers_add(list, group));
}

static void merge(struct pyi_referrer_list *list)
{
	assert_null(pyi_referrers_merge(list));
}

static void assert_group(const struct pyi_referrer_list *list, size_t index, const char *type,
			 const char *edge, const char *owner, uint64_t references)
{
	const struct pyi_referrer_group *group;

	assert_true(index < list->count);
	group = &list->groups[index];
	assert_string_equal(group->type, type);
	assert_string_equal(group->edge, edge);
	if (owner)
		assert_string_equal(group->owner, owner);
	else
		assert_null(group->owner);
	assert_int_equal(group->references, references);
}

static void test_empty(void **state)
{
	struct pyi_referrers referrers = { 0 };

	(void)state;
	merge(&referrers.list);
	pyi_referrers_sort_classes(&referrers);
	assert_int_equal(referrers.list.count, 0);
	pyi_referrers_deinit(&referrers);
	pyi_referrers_deinit(&referrers);
}

static void test_add_without_a_name(void **state)
{
	struct pyi_referrer_group no_type = { .edge = copy(".a"), .owner = copy("module m") };
	struct pyi_referrer_group no_edge = { .type = copy("list") };
	struct pyi_referrers referrers = { 0 };
	struct pyi_error *error;

	(void)state;
	no_edge.numbers = calloc(1, sizeof(uint64_t));
	no_edge.referrers = calloc(1, sizeof(*no_edge.referrers));
	assert_non_null(no_edge.referrers);
	add(no_edge.referrers, "dict", "[*]", NULL, 1);
	/* What they own is theirs no longer: a sanitizer would see it. */
	error = pyi_referrers_add(&referrers.list, no_type);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "no-memory");
	pyi_error_destroy(error);
	error = pyi_referrers_add(&referrers.list, no_edge);
	assert_non_null(error);
	pyi_error_destroy(error);
	error = pyi_referrers_add_class(&referrers, NULL, 1);
	assert_non_null(error);
	pyi_error_destroy(error);
	assert_int_equal(referrers.list.count, 0);
	assert_int_equal(referrers.class_count, 0);
	pyi_referrers_deinit(&referrers);
}

static void test_merge(void **state)
{
	struct pyi_referrer_list list = { 0 };
	uint64_t sum = 0;

	(void)state;
	add(&list, "list", "[*]", "module m.cache", 5);
	add(&list, "list", "[*]", "module m.other", 4);
	add(&list, "list", "[*]", NULL, 3);
	add(&list, "list", "[*]", "module m.cache", 20);
	add(&list, "list", "[*]", "", 2);
	add(&list, "tuple", "[*]", "module m.cache", 1);
	add(&list, "list", "[*]", NULL, 30);
	add(&list, "list", "[*]", "module m.cache", 7);
	add(&list, "", "sys.modules", NULL, 1);
	list.groups[7].estimated = true;
	merge(&list);
	assert_int_equal(list.count, 6);
	assert_group(&list, 0, "list", "[*]", NULL, 33);
	assert_group(&list, 1, "list", "[*]", "module m.cache", 32);
	assert_group(&list, 2, "list", "[*]", "module m.other", 4);
	assert_group(&list, 3, "list", "[*]", "", 2);
	assert_group(&list, 4, "", "sys.modules", NULL, 1);
	assert_group(&list, 5, "tuple", "[*]", "module m.cache", 1);
	assert_int_equal(list.groups[1].objects, 3);
	assert_int_equal(list.groups[1].bytes, 320);
	/* One estimate makes the sum one. */
	assert_true(list.groups[1].estimated);
	assert_false(list.groups[0].estimated);
	/* Of the biggest of those that were merged. */
	assert_int_equal(list.groups[1].example_addr, 0x1000 + 20);
	assert_int_equal(list.groups[1].number_count, 3);
	for (size_t i = 0; i < 3; i++)
		sum += list.groups[1].numbers[i];
	assert_int_equal(sum, 32);
	assert_int_equal(list.groups[2].number_count, 1);

	/* Once more, with one that came later. */
	add(&list, "list", "[*]", "module m.other", 100);
	merge(&list);
	assert_int_equal(list.count, 6);
	assert_group(&list, 0, "list", "[*]", "module m.other", 104);
	assert_int_equal(list.groups[0].number_count, 2);
	pyi_referrer_list_deinit(&list);
	assert_int_equal(list.count, 0);
}

static void test_internal_stays_apart(void **state)
{
	struct pyi_referrer_list list = { 0 };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		add(&list, "dict", "key", NULL, 1 + i);
		list.groups[i].internal = i % 2;
	}
	merge(&list);
	assert_int_equal(list.count, 2);
	assert_group(&list, 0, "dict", "key", NULL, 6);
	assert_true(list.groups[0].internal);
	assert_group(&list, 1, "dict", "key", NULL, 4);
	assert_false(list.groups[1].internal);
	pyi_referrer_list_deinit(&list);
}

static void test_order(void **state)
{
	struct pyi_referrer_list list = { 0 };

	(void)state;
	add(&list, "b", ".y", NULL, 5);
	add(&list, "b", ".x", NULL, 5);
	add(&list, "a", ".z", "module m", 5);
	add(&list, "c", ".z", NULL, 5);
	list.groups[3].objects = 2;
	/* A difference that does not fit an int must not turn the order round. */
	add(&list, "huge", ".z", NULL, UINT64_C(1) << 40);
	merge(&list);
	assert_group(&list, 0, "huge", ".z", NULL, UINT64_C(1) << 40);
	assert_group(&list, 1, "c", ".z", NULL, 5);
	assert_group(&list, 2, "a", ".z", "module m", 5);
	assert_group(&list, 3, "b", ".x", NULL, 5);
	assert_group(&list, 4, "b", ".y", NULL, 5);
	pyi_referrer_list_deinit(&list);
}

static void test_sums_do_not_wrap(void **state)
{
	struct pyi_referrer_list list = { 0 };

	(void)state;
	add(&list, "a", ".x", NULL, UINT64_MAX);
	add(&list, "a", ".x", NULL, 2);
	list.groups[0].bytes = UINT64_MAX - 5;
	list.groups[0].objects = UINT64_MAX;
	merge(&list);
	assert_int_equal(list.count, 1);
	assert_true(list.groups[0].references == UINT64_MAX);
	assert_true(list.groups[0].objects == UINT64_MAX);
	assert_true(list.groups[0].bytes == UINT64_MAX);
	pyi_referrer_list_deinit(&list);
}

static void add_items(struct pyi_referrer_list *list, const char *owner, unsigned count)
{
	char edge[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(edge, sizeof(edge), i % 2 ? "['key%u']" : "[%u]", i);
		add(list, "dict", edge, owner, 1);
	}
}

static void test_few_items_stay(void **state)
{
	struct pyi_referrer_list list = { 0 };

	(void)state;
	add_items(&list, "module m.a", 16);
	/* The same edges again, and "[*]", are no further edges. */
	add_items(&list, "module m.a", 16);
	add(&list, "dict", "[*]", "module m.a", 100);
	/* Others of another owner, type, or no item edges. */
	add_items(&list, "module m.b", 9);
	add_items(&list, NULL, 16);
	add(&list, "list", "[77]", "module m.a", 1);
	add(&list, "dict", ".x", "module m.a", 1);
	add(&list, "dict", "[]", "module m.a", 1);
	add(&list, "dict", "[broken", "module m.a", 1);
	merge(&list);
	assert_int_equal(list.count, 16 + 1 + 9 + 16 + 4);
	assert_group(&list, 0, "dict", "[*]", "module m.a", 100);
	for (size_t i = 1; i <= 16; i++)
		assert_int_equal(list.groups[i].references, 2);
	pyi_referrer_list_deinit(&list);
}

/* Asked about types, what is of a type is one group; of few types it is not. */
static void test_classes_become_one(void **state)
{
	char name[16];

	(void)state;
	for (unsigned types = 16; types <= 17; types++) {
		struct pyi_referrer_list list = { 0 };

		add(&list, "module", ".Row", "module app", 3);
		for (unsigned t = 0; t < types; t++) {
			snprintf(name, sizeof(name), "type%02u", t);
			add(&list, name, ".__class__", t % 2 ? "module app" : NULL, 100 + t);
			add(&list, name, ".other", NULL, 1);
		}
		/* The same type by another owner is no further type. */
		add(&list, "type00", ".__class__", "module other", 50);
		assert_null(pyi_referrers_merge(&list));
		if (types == 16) {
			assert_int_equal(list.count, 1 + 2 * 16 + 1);
			assert_group(&list, 0, "type15", ".__class__", "module app", 115);
		} else {
			assert_int_equal(list.count, 1 + 1 + 17);
			assert_group(&list, 0, "(instances)", ".__class__", NULL,
				     17 * 100 + 16 * 17 / 2 + 50);
			assert_group(&list, 1, "module", ".Row", "module app", 3);
		}
		pyi_referrer_list_deinit(&list);
	}
}

static void test_many_items_become_one(void **state)
{
	struct pyi_referrer_list list = { 0 };

	(void)state;
	add(&list, "dict", "[<str>]", "module m.a", 3);
	add(&list, "dict", "[*]", "module m.a", 100);
	add_items(&list, "module m.a", 16);
	add_items(&list, "module m.b", 16);
	add(&list, "dict", ".x", "module m.a", 1);
	add(&list, "dict", "[", "module m.a", 1);
	add(&list, "dict", "key", "module m.a", 2);
	add(&list, "dict", "[5]", "module m.a", 4);
	list.groups[list.count - 1].internal = true;
	merge(&list);
	assert_int_equal(list.count, 1 + 1 + 16 + 3);
	assert_group(&list, 0, "dict", "[*]", "module m.a", 119);
	assert_int_equal(list.groups[0].number_count, 18);
	assert_int_equal(list.groups[0].objects, 18);
	assert_false(list.groups[0].internal);
	assert_group(&list, 1, "dict", "[*]", "module m.a", 4);
	assert_true(list.groups[1].internal);
	assert_group(&list, 2, "dict", "key", "module m.a", 2);
	assert_group(&list, 3, "dict", ".x", "module m.a", 1);
	assert_group(&list, 4, "dict", "[", "module m.a", 1);
	assert_group(&list, 5, "dict", "['key1']", "module m.b", 1);
	pyi_referrer_list_deinit(&list);
}

static void test_levels_are_freed(void **state)
{
	struct pyi_referrers referrers = { .type = copy("x") };
	struct pyi_referrer_list *list = &referrers.list;

	(void)state;
	for (unsigned level = 0; level < 5; level++) {
		add(list, "a", ".x", "module m", 2);
		add(list, "b", ".x", NULL, 1);
		list->groups[0].referrers = calloc(1, sizeof(*list));
		list = list->groups[0].referrers;
		assert_non_null(list);
	}
	/* A sanitizer sees what is left over. */
	pyi_referrers_deinit(&referrers);
	assert_null(referrers.type);
	assert_null(referrers.list.groups);
}

static void test_classes(void **state)
{
	struct pyi_referrers referrers = { 0 };
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "type%02u", i);
		assert_null(pyi_referrers_add_class(&referrers, copy(name), i / 2));
	}
	assert_null(pyi_referrers_add_class(&referrers, copy("type07"), 1000));
	pyi_referrers_sort_classes(&referrers);
	assert_int_equal(referrers.class_count, 100);
	assert_string_equal(referrers.classes[0].type, "type07");
	assert_int_equal(referrers.classes[0].count, 1003);
	assert_string_equal(referrers.classes[1].type, "type98");
	assert_string_equal(referrers.classes[2].type, "type99");
	assert_string_equal(referrers.classes[99].type, "type01");
	/* There is room after classes were added up, too. */
	for (unsigned i = 0; i < 200; i++)
		assert_null(pyi_referrers_add_class(&referrers, copy("more"), UINT64_MAX / 4));
	pyi_referrers_sort_classes(&referrers);
	assert_int_equal(referrers.class_count, 101);
	assert_string_equal(referrers.classes[0].type, "more");
	assert_true(referrers.classes[0].count == UINT64_MAX);
	pyi_referrers_deinit(&referrers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_add_without_a_name),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_internal_stays_apart),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_sums_do_not_wrap),
		cmocka_unit_test(test_few_items_stay),
		cmocka_unit_test(test_classes_become_one),
		cmocka_unit_test(test_many_items_become_one),
		cmocka_unit_test(test_levels_are_freed),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
