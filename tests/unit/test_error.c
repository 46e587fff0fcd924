/*
 * Tests of src/base/error.c: messages, hints, contexts.
 *
 * Does not provoke a real lack of memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

static void test_create(void **state)
{
	struct pyi_error *error =
		pyi_error_create(PYI_EXIT_USAGE, "bad-thing", "%s %d", "thing", 7);

	(void)state;
	assert_int_equal(error->exit, PYI_EXIT_USAGE);
	assert_string_equal(error->code, "bad-thing");
	assert_string_equal(error->message, "thing 7");
	assert_null(error->hint);
	pyi_error_destroy(error);
}

static void test_create_errno(void **state)
{
	struct pyi_error *error = pyi_error_create_errno(PYI_EXIT_ACCESS, "denied", EACCES, "x%%");
	char expected[256];

	(void)state;
	snprintf(expected, sizeof(expected), "x%%: %s", strerror(EACCES));
	assert_int_equal(error->exit, PYI_EXIT_ACCESS);
	assert_string_equal(error->message, expected);
	pyi_error_destroy(error);
}

static void test_hint_is_replaced(void **state)
{
	struct pyi_error *error = pyi_error_create(PYI_EXIT_FAILED, "code", "message");
	struct pyi_error *same;

	(void)state;
	same = pyi_error_hint(error, "first %d", 1);
	assert_ptr_equal(same, error);
	same = pyi_error_hint(error, "second");
	assert_ptr_equal(same, error);
	assert_string_equal(error->hint, "second");
	assert_string_equal(error->message, "message");
	pyi_error_destroy(error);
}

static void test_contexts_nest(void **state)
{
	struct pyi_error *error = pyi_error_create(PYI_EXIT_FAILED, "code", "inner %s", "%s");

	(void)state;
	error = pyi_error_context(error, "middle");
	error = pyi_error_context(error, "outer %d", 2);
	assert_string_equal(error->message, "outer 2: middle: inner %s");
	assert_string_equal(error->code, "code");
	pyi_error_destroy(error);
}

static void test_success_stays_success(void **state)
{
	(void)state;
	assert_null(pyi_error_hint(NULL, "hint"));
	assert_null(pyi_error_context(NULL, "context"));
	pyi_error_destroy(NULL);
}

static void test_no_memory_is_static(void **state)
{
	struct pyi_error *error = pyi_error_no_memory();

	(void)state;
	assert_string_equal(error->code, "no-memory");
	assert_ptr_equal(pyi_error_hint(error, "hint"), error);
	assert_ptr_equal(pyi_error_context(error, "context"), error);
	assert_string_equal(error->message, "out of memory");
	assert_null(error->hint);
	pyi_error_destroy(error);
	pyi_error_destroy(error);
	assert_string_equal(error->message, "out of memory");
}

static char *hand_over(void)
{
	PYI_CLEANUP(pyi_guard_free) char *text = strdup("kept");

	return pyi_return_ptr(text);
}

static void test_return_ptr_disarms_the_guard(void **state)
{
	char *text = hand_over();

	(void)state;
	assert_string_equal(text, "kept");
	free(text);
}

static void test_guard_fd_keeps_errno(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	errno = ENOTTY;
	{
		PYI_CLEANUP(pyi_guard_fd) int fd = ends[0];
		PYI_CLEANUP(pyi_guard_fd) int none = -1;
		PYI_CLEANUP(pyi_guard_fd) int other = ends[1];

		(void)fd;
		(void)none;
		(void)other;
	}
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(close(ends[1]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_create_errno),
		cmocka_unit_test(test_hint_is_replaced),
		cmocka_unit_test(test_contexts_nest),
		cmocka_unit_test(test_success_stays_success),
		cmocka_unit_test(test_no_memory_is_static),
		cmocka_unit_test(test_return_ptr_disarms_the_guard),
		cmocka_unit_test(test_guard_fd_keeps_errno),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
