/*
 * Tests of src/base/error.c and its codes: messages, hints, contexts, the table of names.
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
		pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_BAD_TARGET, "%s %d", "thing", 7);

	(void)state;
	assert_int_equal(error->exit, PYI_EXIT_USAGE);
	assert_string_equal(pyi_error_code_name(error->code), "bad-target");
	assert_string_equal(error->message, "thing 7");
	assert_null(error->hint);
	pyi_error_destroy(error);
}

static void test_create_errno(void **state)
{
	struct pyi_error *error =
		pyi_error_create_errno(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, EACCES, "x%%");
	char expected[256];

	(void)state;
	snprintf(expected, sizeof(expected), "x%%: %s", strerror(EACCES));
	assert_int_equal(error->exit, PYI_EXIT_ACCESS);
	assert_string_equal(error->message, expected);
	pyi_error_destroy(error);
}

static void test_timeout(void **state)
{
	struct pyi_error *error = pyi_error_timeout("%d things in time", 7);

	(void)state;
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	assert_int_equal(error->code, PYI_ERROR_TIMEOUT);
	assert_string_equal(error->message, "7 things in time");
	assert_string_equal(error->hint, "allow more with --timeout");
	pyi_error_destroy(error);
}

static void test_hint_is_replaced(void **state)
{
	struct pyi_error *error = pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_USAGE, "message");
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
	struct pyi_error *error =
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_USAGE, "inner %s", "%s");

	(void)state;
	error = pyi_error_context(error, "middle");
	error = pyi_error_context(error, "outer %d", 2);
	assert_string_equal(error->message, "outer 2: middle: inner %s");
	assert_string_equal(pyi_error_code_name(error->code), "usage");
	pyi_error_destroy(error);
}

/* The code of that name; PYI_ERROR_CODE_COUNT if there is none. */
static enum pyi_error_code find_code(const char *name)
{
	for (enum pyi_error_code code = 0; code < PYI_ERROR_CODE_COUNT; code++)
		if (!strcmp(pyi_error_code_name(code), name))
			return code;
	return PYI_ERROR_CODE_COUNT;
}

/* Words of small letters and digits with one hyphen between each two. */
static bool is_kebab_case(const char *name)
{
	size_t length = strlen(name);

	return length && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
	       name[0] != '-' && name[length - 1] != '-' && !strstr(name, "--");
}

static void test_names_of_codes(void **state)
{
	(void)state;
	for (enum pyi_error_code code = 0; code < PYI_ERROR_CODE_COUNT; code++) {
		if (!pyi_error_code_name(code))
			fail_msg("code %d has no row in the table", (int)code);
		if (!is_kebab_case(pyi_error_code_name(code)))
			fail_msg("\"%s\" is no name", pyi_error_code_name(code));
	}
	/* The first of that name: so names are unique. */
	for (enum pyi_error_code code = 0; code < PYI_ERROR_CODE_COUNT; code++)
		assert_int_equal(find_code(pyi_error_code_name(code)), code);
	/* Programs know these. */
	assert_int_equal(find_code("no-such-process"), PYI_ERROR_NO_SUCH_PROCESS);
	assert_int_equal(find_code("elf-32-bit"), PYI_ERROR_ELF_32_BIT);
	assert_int_equal(find_code("of-no-code"), PYI_ERROR_CODE_COUNT);
}

static void test_flags_of_codes(void **state)
{
	struct pyi_error *error = pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_CLONE_REFUSED, "x");

	(void)state;
	assert_true(pyi_error_has(error, PYI_ERROR_MIRROR_MAY_DO));
	assert_true(pyi_error_has(error, PYI_ERROR_ABOUT_CLONE));
	assert_false(pyi_error_has(error, PYI_ERROR_TARGET_MAY_BE_GONE));
	assert_false(pyi_error_has(NULL, PYI_ERROR_MIRROR_MAY_DO));
	/* What has nothing to do with the target. */
	assert_false(pyi_error_has(pyi_error_no_memory(), PYI_ERROR_TARGET_MAY_BE_GONE));
	assert_true(pyi_error_code_has(PYI_ERROR_RESIDUE, PYI_ERROR_TARGET_MAY_BE_GONE));
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
	assert_string_equal(pyi_error_code_name(error->code), "no-memory");
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
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_hint_is_replaced),
		cmocka_unit_test(test_contexts_nest),
		cmocka_unit_test(test_names_of_codes),
		cmocka_unit_test(test_flags_of_codes),
		cmocka_unit_test(test_success_stays_success),
		cmocka_unit_test(test_no_memory_is_static),
		cmocka_unit_test(test_return_ptr_disarms_the_guard),
		cmocka_unit_test(test_guard_fd_keeps_errno),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
