/*
 * Tests of which groups of references are followed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/referrer_tree.h"

enum {
	MANY = 3 * PYI_REFERRER_TREE_BRANCHES,
};

static const struct pyi_referrer_tree_request whole = { .depth = 9, .tree = true };

static void add(struct pyi_referrer_list *list, const char *type, const char *edge,
		uint64_t references)
{
	struct pyi_referrer_group group = {
		.type = strdup(type),
		.edge = strdup(edge),
		.objects = 1,
		.references = references,
		.numbers = calloc(1, sizeof(*group.numbers)),
		.number_count = 1,
	};

	assert_null(pyi_referrers_add(list, group));
}

static struct pyi_referrer_level begin(struct pyi_referrer_list *list)
{
	return (struct pyi_referrer_level){ .branches = { { .list = list } }, .count = 1 };
}

static void test_what_leads_on(void **state)
{
	struct pyi_referrer_list list = { 0 };
	struct pyi_referrer_level level = begin(&list);
	struct pyi_referrer_level next;

	(void)state;
	add(&list, "", "sys.modules", 9);
	add(&list, "(instances)", ".__class__", 8);
	add(&list, "module", ".x", 7);
	add(&list, "list", "[*]", 6);
	add(&list, "dict", "[*]", 5);
	assert_null(pyi_referrer_tree_follow(&level, &whole, &next));
	assert_int_equal(next.level, 1);
	assert_int_equal(next.count, 2);
	assert_ptr_equal(next.branches[0].above[0], &list.groups[3]);
	assert_ptr_equal(next.branches[1].above[0], &list.groups[4]);
	assert_ptr_equal(next.branches[1].list, list.groups[4].referrers);
	assert_int_equal(list.groups[0].ends, PYI_REFERRER_GOES_ON);
	assert_int_equal(list.groups[1].ends, PYI_REFERRER_GOES_ON);
	assert_int_equal(list.groups[2].ends, PYI_REFERRER_MODULE);
	assert_int_equal(list.groups[3].ends, PYI_REFERRER_GOES_ON);
	pyi_referrer_list_deinit(&list);
}

/* Without a tree one group, also of a type that would end one, and nothing is said. */
static void test_biggest(void **state)
{
	struct pyi_referrer_tree_request request = { .depth = 2 };
	struct pyi_referrer_list list = { 0 };
	struct pyi_referrer_level level = begin(&list);
	struct pyi_referrer_level next;

	(void)state;
	add(&list, "(other)", "", 9);
	add(&list, "module", ".x", 7);
	add(&list, "list", "[*]", 6);
	assert_null(pyi_referrer_tree_follow(&level, &request, &next));
	assert_int_equal(next.count, 1);
	assert_ptr_equal(next.branches[0].above[0], &list.groups[1]);
	level = next;
	add(level.branches[0].list, "dict", "[*]", 1);
	assert_null(pyi_referrer_tree_follow(&level, &request, &next));
	assert_int_equal(next.count, 0);
	for (size_t g = 0; g < list.count; g++)
		assert_int_equal(list.groups[g].ends, PYI_REFERRER_GOES_ON);
	assert_int_equal(level.branches[0].list->groups[0].ends, PYI_REFERRER_GOES_ON);
	pyi_referrer_list_deinit(&list);
}

/* What leads to it, not what is beside it. */
static void test_again(void **state)
{
	struct pyi_referrer_list list = { 0 };
	struct pyi_referrer_level level = begin(&list);
	struct pyi_referrer_level next;
	struct pyi_referrer_list *lists[2];

	(void)state;
	add(&list, "list", "[0]", 6);
	add(&list, "dict", "[*]", 5);
	assert_null(pyi_referrer_tree_follow(&level, &whole, &next));
	for (size_t b = 0; b < 2; b++) {
		lists[b] = next.branches[b].list;
		add(lists[b], "list", "[0]", 3);
		add(lists[b], "list", "[1]", 2);
		lists[b]->groups[1].owner = strdup("x");
	}
	level = next;
	assert_null(pyi_referrer_tree_follow(&level, &whole, &next));
	assert_int_equal(lists[0]->groups[0].ends, PYI_REFERRER_AGAIN);
	assert_null(lists[0]->groups[0].referrers);
	assert_int_equal(lists[0]->groups[1].ends, PYI_REFERRER_GOES_ON);
	assert_int_equal(lists[1]->groups[0].ends, PYI_REFERRER_GOES_ON);
	assert_int_equal(next.count, 3);
	/* By references; of as many the first. */
	assert_ptr_equal(next.branches[0].above[1], &lists[1]->groups[0]);
	assert_ptr_equal(next.branches[0].above[0], &list.groups[1]);
	assert_ptr_equal(next.branches[1].above[1], &lists[0]->groups[1]);
	assert_ptr_equal(next.branches[2].above[1], &lists[1]->groups[1]);
	pyi_referrer_list_deinit(&list);
}

static void test_limits(void **state)
{
	struct pyi_referrer_tree_request request = { .depth = 2, .tree = true, .width = 2 };
	struct pyi_referrer_list list = { 0 };
	struct pyi_referrer_level level = begin(&list);
	struct pyi_referrer_level next;
	char edge[16];

	(void)state;
	/* Not in the order of their references: it makes no difference. */
	for (uint64_t g = 0; g < MANY; g++) {
		snprintf(edge, sizeof(edge), ".a%d", (int)g);
		add(&list, "foo.A", edge, g * 7 % MANY / 2);
	}
	assert_null(pyi_referrer_tree_follow(&level, &request, &next));
	assert_int_equal(next.count, 2);
	assert_int_equal(list.groups[2].ends, PYI_REFERRER_GOES_ON);
	assert_null(list.groups[2].referrers);
	pyi_referrer_list_deinit(list.groups[0].referrers);
	pyi_referrer_list_deinit(list.groups[1].referrers);
	free(list.groups[0].referrers);
	free(list.groups[1].referrers);
	list.groups[0].referrers = list.groups[1].referrers = NULL;

	request.width = 0;
	assert_null(pyi_referrer_tree_follow(&level, &request, &next));
	assert_int_equal(next.count, PYI_REFERRER_TREE_BRANCHES);
	for (size_t b = 1; b < next.count; b++) {
		const struct pyi_referrer_group *before = next.branches[b - 1].above[0];
		const struct pyi_referrer_group *group = next.branches[b].above[0];

		assert_true(before->references > group->references ||
			    (before->references == group->references && before < group));
	}
	for (size_t g = 0; g < MANY; g++) {
		const struct pyi_referrer_group *last =
			next.branches[PYI_REFERRER_TREE_BRANCHES - 1].above[0];

		assert_int_equal(list.groups[g].ends == PYI_REFERRER_WIDTH,
				 !list.groups[g].referrers);
		if (!list.groups[g].referrers)
			assert_true(list.groups[g].references <= last->references);
	}
	add(next.branches[0].list, "dict", "[*]", 1);
	level = next;
	assert_null(pyi_referrer_tree_follow(&level, &request, &next));
	assert_int_equal(next.count, 0);
	assert_int_equal(level.branches[0].list->groups[0].ends, PYI_REFERRER_DEPTH);
	pyi_referrer_list_deinit(&list);
}

static void test_names(void **state)
{
	(void)state;
	assert_null(pyi_referrer_end_name(PYI_REFERRER_GOES_ON));
	assert_string_equal(pyi_referrer_end_name(PYI_REFERRER_AGAIN), "again");
	assert_string_equal(pyi_referrer_end_name(PYI_REFERRER_DEPTH), "depth");
	assert_string_equal(pyi_referrer_end_name(PYI_REFERRER_WIDTH), "width");
	assert_string_equal(pyi_referrer_end_name(PYI_REFERRER_MODULE), "module");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_leads_on), cmocka_unit_test(test_biggest),
		cmocka_unit_test(test_again),	      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
