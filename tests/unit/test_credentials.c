/*
 * Whom a process belongs to, from the text of a status file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/credentials.h"

static void test_parse(void **state)
{
	struct pyi_credentials credentials = { 0 };

	(void)state;
	assert_null(pyi_credentials_parse("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
					  "FDSize:\t64\nGroups:\t10 4294967294 \nCapInh:\t0\n",
					  &credentials));
	assert_int_equal(credentials.users[0], 1);
	assert_int_equal(credentials.users[1], 2);
	assert_int_equal(credentials.users[2], 3);
	assert_int_equal(credentials.groups[0], 5);
	assert_int_equal(credentials.groups[2], 7);
	assert_int_equal(credentials.other_count, 2);
	assert_int_equal(credentials.others[1], 4294967294U);
	pyi_credentials_deinit(&credentials);
	assert_null(pyi_credentials_parse("\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t \n",
					  &credentials));
	assert_int_equal(credentials.other_count, 0);
	pyi_credentials_deinit(&credentials);
}

static void test_bad(void **state)
{
	static const char *const texts[] = {
		"",
		"\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
		"\nUid:\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\n",
		"\nUid:\t0\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\n",
		"\nUid:\t0\t0\t0\t4294967296\nGid:\t0\t0\t0\t0\nGroups:\t\n",
		"\nUid:\t0\t0\t-1\t0\nGid:\t0\t0\t0\t0\nGroups:\t\n",
		"\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t1 2",
		/* A name cannot have lines of its own. */
		"Name:\tx\\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\n",
	};
	struct pyi_credentials credentials;

	(void)state;
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		struct pyi_error *error = pyi_credentials_parse(texts[t], &credentials);

		assert_non_null(error);
		assert_int_equal(error->code, PYI_ERROR_BAD_STATUS);
		pyi_error_destroy(error);
	}
}

static void test_own(void **state)
{
	struct pyi_process self = { .proc_fd = -1 };
	struct pyi_credentials credentials;

	(void)state;
	assert_null(pyi_process_open(getpid(), &self));
	assert_null(pyi_credentials_read(&self, &credentials));
	assert_int_equal(credentials.users[0], getuid());
	assert_int_equal(credentials.users[1], geteuid());
	assert_int_equal(credentials.groups[1], getegid());
	assert_int_equal(credentials.other_count, getgroups(0, NULL));
	pyi_credentials_deinit(&credentials);
	pyi_process_close(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
