/*
 * Tests of what a page about a process judges: what is a suspect, what C code holds, and what
 * memory is left over; at their limits, and for figures that a hostile process may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/explanation.h"

#define MIB (UINT64_C(1) << 20)

static void a_suspect_is_much_and_many(void **test)
{
	const struct pyi_explanation heap = { .object_bytes = 100 * MIB };
	const struct pyi_explanation small = { .object_bytes = 2 * MIB };
	const struct pyi_explanation huge = { .object_bytes = UINT64_MAX };

	(void)test;
	assert_true(pyi_explanation_is_suspect(&heap, 10 * MIB, 100));
	assert_false(pyi_explanation_is_suspect(&heap, 10 * MIB, 99));
	assert_false(pyi_explanation_is_suspect(&heap, 9 * MIB, 1000000));
	/* Of a small heap even all is not much. */
	assert_false(pyi_explanation_is_suspect(&small, MIB - 1, 1000));
	assert_true(pyi_explanation_is_suspect(&small, MIB, 1000));
	assert_false(pyi_explanation_is_suspect(&huge, UINT64_MAX / 11, 1000));
	assert_true(pyi_explanation_is_suspect(&huge, UINT64_MAX, 1000));
}

/* "a.BC" has nothing to do with "a.B". */
static void one_way_is_one_cause(void **test)
{
	struct pyi_explanation facts = { .suspect_count = 3 };

	(void)test;
	facts.suspects[0] = (struct pyi_suspect){ .path = strdup("a.B[*].c"), .retained_bytes = 9 };
	facts.suspects[1] = (struct pyi_suspect){ .path = strdup("a.BC"), .retained_bytes = 9 };
	facts.suspects[2] = (struct pyi_suspect){ .path = strdup("a.B{*}"), .retained_bytes = 20 };
	assert_ptr_equal(pyi_explanation_above_way(&facts, 3, "a.B{*}"), &facts.suspects[2]);
	assert_ptr_equal(pyi_explanation_above_way(&facts, 3, "a.B{*}[*]"), &facts.suspects[2]);
	assert_ptr_equal(pyi_explanation_above_way(&facts, 3, "a.BC.y"), &facts.suspects[1]);
	assert_null(pyi_explanation_above_way(&facts, 1, "a.BC.y"));
	assert_null(pyi_explanation_above_way(&facts, 3, "a.BCy"));
	assert_null(pyi_explanation_above_way(&facts, 3, "a.B"));
	pyi_explanation_drop_behind(&facts, "a.B", 9);
	assert_int_equal(facts.suspect_count, 2);
	assert_string_equal(facts.suspects[0].path, "a.BC");
	assert_string_equal(facts.suspects[1].path, "a.B{*}");
	pyi_explanation_deinit(&facts);
}

static void a_few_are_large(void **test)
{
	const struct pyi_explanation heap = { .object_bytes = 100 * MIB };
	const struct pyi_explanation huge = { .object_bytes = UINT64_MAX };

	(void)test;
	assert_true(pyi_explanation_are_large(&heap, 25 * MIB, 2));
	assert_true(pyi_explanation_are_large(&heap, 25 * MIB, 400));
	assert_false(pyi_explanation_are_large(&heap, 25 * MIB, 401));
	assert_false(pyi_explanation_are_large(&heap, 24 * MIB, 2));
	/* One is not alike to any. */
	assert_false(pyi_explanation_are_large(&heap, 25 * MIB, 1));
	assert_false(pyi_explanation_are_large(&heap, 0, 0));
	assert_true(pyi_explanation_are_large(&huge, UINT64_MAX, 2));
}

static void some_is_always_held(void **test)
{
	struct pyi_explanation facts = { .object_bytes = 100 * MIB };

	(void)test;
	facts.held_objects = 10;
	facts.held_bytes = 9 * MIB;
	assert_false(pyi_explanation_is_much_held(&facts));
	facts.held_bytes = 10 * MIB;
	assert_true(pyi_explanation_is_much_held(&facts));
	facts.held_objects = 100;
	facts.held_bytes = MIB;
	assert_true(pyi_explanation_is_much_held(&facts));
	facts.held_bytes = MIB - 1000;
	assert_false(pyi_explanation_is_much_held(&facts));
}

static void what_is_left_is_never_less_than_nothing(void **test)
{
	struct pyi_explanation facts = { .anonymous_bytes = 10, .object_bytes = 11 };

	(void)test;
	assert_int_equal(pyi_explanation_other_bytes(&facts), 0);
	facts.swapped_bytes = 5;
	facts.huge_pool_bytes = 2;
	assert_int_equal(pyi_explanation_other_bytes(&facts), 6);
	facts.object_bytes = UINT64_MAX;
	assert_int_equal(pyi_explanation_other_bytes(&facts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_suspect_is_much_and_many),
		cmocka_unit_test(one_way_is_one_cause),
		cmocka_unit_test(a_few_are_large),
		cmocka_unit_test(some_is_always_held),
		cmocka_unit_test(what_is_left_is_never_less_than_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
