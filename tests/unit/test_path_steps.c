/*
 * Tests of merged names of ways: what reads the same is one, chains end, too many are left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "heap/path_steps.h"

enum {
	TYPE = 7,
	OTHER_TYPE = 8,
	CHAIN = 1000,
};

static const char *const wanted[] = { "app.CACHE[*].entries", "app.X.__dict__" };

static void setup(struct pyi_path_steps *steps)
{
	assert_null(pyi_path_steps_init(steps, wanted, sizeof(wanted) / sizeof(wanted[0])));
}

static uint32_t behind(struct pyi_path_steps *steps, uint32_t above, const char *part,
		       uint32_t type, bool dict)
{
	const struct pyi_path_step like = { .above = above, .type = type, .dict = dict };
	const char *base = above == PYI_PATH_NONE ? "" : steps->items[above].name;
	uint32_t number;

	assert_null(pyi_path_steps_find(steps, &like, base, part, &number));
	return number;
}

static void test_same_names_are_one(void **state)
{
	struct pyi_path_steps steps;
	uint32_t module, dict, cache, item, entries;

	(void)state;
	setup(&steps);
	module = behind(&steps, PYI_PATH_NONE, "app", TYPE, false);
	dict = behind(&steps, module, "", TYPE, true);
	assert_int_not_equal(dict, module);
	cache = behind(&steps, dict, ".CACHE", TYPE, false);
	item = behind(&steps, cache, "[*]", TYPE, false);
	entries = behind(&steps, item, ".entries", TYPE, false);
	assert_int_equal(behind(&steps, item, ".entries", OTHER_TYPE, false), entries);
	assert_int_equal(behind(&steps, cache, "[*]", OTHER_TYPE, false), item);
	assert_int_not_equal(behind(&steps, item, ".other", TYPE, false), entries);
	assert_string_equal(steps.items[entries].name, "app.CACHE[*].entries");
	assert_true(steps.items[entries].wanted);
	assert_true(steps.items[item].leads_to_wanted && !steps.items[item].wanted);
	assert_true(steps.items[dict].leads_to_wanted);
	assert_false(steps.items[behind(&steps, dict, ".CACHES", TYPE, false)].leads_to_wanted);
	pyi_path_steps_deinit(&steps);
}

static void test_a_dict_is_named_apart(void **state)
{
	struct pyi_path_steps steps;
	uint32_t object, dict;
	char *name;

	(void)state;
	setup(&steps);
	object = behind(&steps, PYI_PATH_NONE, "app.X", TYPE, false);
	dict = behind(&steps, object, "", TYPE, true);
	assert_false(steps.items[object].wanted);
	assert_true(steps.items[dict].wanted);
	name = pyi_path_step_name(&steps.items[dict]);
	assert_string_equal(name, "app.X.__dict__");
	free(name);
	name = pyi_path_step_name(&steps.items[object]);
	assert_string_equal(name, "app.X");
	free(name);
	pyi_path_steps_deinit(&steps);
}

/* Two links are told apart, all others are the second one; what hangs on them too. */
static void test_a_chain_is_two_steps(void **state)
{
	struct pyi_path_steps steps;
	uint32_t first, second, at;
	char text[64];

	(void)state;
	setup(&steps);
	at = behind(&steps, PYI_PATH_NONE, "app.HEAD", TYPE, false);
	first = behind(&steps, at, ".next", TYPE, false);
	second = behind(&steps, first, ".next", TYPE, false);
	assert_int_not_equal(first, second);
	at = second;
	for (int link = 0; link < CHAIN; link++) {
		at = behind(&steps, at, ".next", TYPE, false);
		assert_int_equal(at, second);
	}
	/* Of another type it is no link. */
	at = behind(&steps, second, ".next", OTHER_TYPE, false);
	assert_int_not_equal(at, second);
	assert_string_equal(steps.items[at].name, "app.HEAD.next.next.next");
	/* Two kinds of links in turn. */
	at = behind(&steps, PYI_PATH_NONE, "app.RING", TYPE, false);
	for (int link = 0; link < CHAIN; link++) {
		snprintf(text, sizeof(text), ".%s", link % 2 ? "left" : "right");
		at = behind(&steps, at, text, TYPE, false);
	}
	assert_true(steps.count < 16);
	pyi_path_steps_deinit(&steps);
}

static void test_too_many(void **state)
{
	struct pyi_path_steps steps;
	char text[32];

	(void)state;
	setup(&steps);
	for (uint32_t n = 0; n < PYI_PATH_STEPS_LIMIT; n++) {
		snprintf(text, sizeof(text), "module_%u", (unsigned)n);
		assert_int_equal(behind(&steps, PYI_PATH_NONE, text, TYPE, false), n);
	}
	assert_false(steps.full);
	assert_int_equal(behind(&steps, PYI_PATH_NONE, "module_17", TYPE, false), 17);
	assert_false(steps.full);
	assert_int_equal(behind(&steps, PYI_PATH_NONE, "another", TYPE, false), PYI_PATH_NONE);
	assert_true(steps.full);
	pyi_path_steps_deinit(&steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_names_are_one),
		cmocka_unit_test(test_a_dict_is_named_apart),
		cmocka_unit_test(test_a_chain_is_two_steps),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
