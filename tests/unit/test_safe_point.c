/*
 * Tests of src/python/safe_point.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "python/safe_point.h"

static void test_at_rest(void **state)
{
	static const char *const names[] = {
		"",
		"_PyEval_EvalFrameDefault",
		"PyObject_Call",
		"poll",
		"list_append",
		"PyList_Append",
		"mallocx",
		"xmalloc",
		"dict",
	};

	(void)state;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		assert_null(pyi_safe_point_problem(names[n]));
}

static void test_in_a_change(void **state)
{
	(void)state;
	assert_string_equal(pyi_safe_point_problem("realloc"),
			    "memory was being allocated or freed");
	assert_string_equal(pyi_safe_point_problem("mi_segment_reclaim"),
			    "memory was being allocated or freed");
	assert_string_equal(pyi_safe_point_problem("_PyObject_Free"),
			    "memory was being allocated or freed");
	assert_string_equal(pyi_safe_point_problem("gc_collect_main"),
			    "a garbage collection was running");
	assert_string_equal(pyi_safe_point_problem("list_resize"), "a container was being resized");
	assert_string_equal(pyi_safe_point_problem("insertion_resize"),
			    "a container was being resized");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_rest),
		cmocka_unit_test(test_in_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
