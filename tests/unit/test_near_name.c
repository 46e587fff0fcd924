/*
 * Tests of guessing which name was meant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/near_name.h"
#include "base/edit_distance.h"

static void expect_near(const char *wanted, const char *const *names, const char *expected)
{
	struct pyi_near_name near_name = { .wanted = wanted };

	for (; *names; names++)
		pyi_near_name_offer(&near_name, *names);
	if (expected)
		assert_string_equal(near_name.best, expected);
	else
		assert_null(near_name.best);
}

static void test_near(void **state)
{
	static const char *const names[] = { "app.Session", "app.db.Session", "app.Sessions",
					     "dict",	    "a.bc",	      NULL };

	(void)state;
	expect_near("app.Sesion", names, "app.Session");
	expect_near("APP.SESSION", names, "app.Session");
	expect_near("web.Session", names, "app.Session");
	expect_near("db.Sessoin", names, "app.Session");
	expect_near("dcit", names, NULL);
	expect_near("dic", names, "dict");
	expect_near("b", names, NULL);
	expect_near("Nope", names, NULL);
}

static void test_distance(void **state)
{
	char longer[200];

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(pyi_edit_distance("", "", 3), 0);
	assert_int_equal(pyi_edit_distance("top-types", "toptypes", 3), 1);
	assert_int_equal(pyi_edit_distance("kitten", "Sitting", 3), 3);
	assert_int_equal(pyi_edit_distance("kitten", "sitting", 2), 3);
	assert_int_equal(pyi_edit_distance("abc", "xyz", 1), 2);
	assert_int_equal(pyi_edit_distance(longer, longer, 3), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
