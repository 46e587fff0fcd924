/*
 * Tests of src/cli/room.c: how much memory a graph may take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "cli/room.h"

#define GIB (UINT64_C(1) << 30)

static void test_graph(void **state)
{
	(void)state;
	assert_int_equal(pyi_room_of_graph(GIB, 100 * GIB), 4 * GIB);
	/* Not known what is left. */
	assert_int_equal(pyi_room_of_graph(GIB, 0), 4 * GIB);
	/* The rest is for the snapshot. */
	assert_int_equal(pyi_room_of_graph(GIB, GIB), GIB / 2);
	assert_int_equal(pyi_room_of_graph(1, GIB), GIB / 16);
	assert_int_equal(pyi_room_of_graph(UINT64_MAX, GIB), GIB / 2);
}

static void test_process(void **state)
{
	(void)state;
	assert_true(pyi_room_for_graph(getpid()) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_graph),
		cmocka_unit_test(test_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
