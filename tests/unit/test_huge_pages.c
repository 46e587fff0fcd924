/*
 * Private pages of the huge page pool, found in smaps.
 */
#include "snapshot/huge_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SMALL                                                                                      \
	"00400000-00401000 r-xp 00000000 fe:00 12    /usr/bin/python3.11\n"                        \
	"Size:                  4 kB\n"                                                            \
	"Shared_Hugetlb:        0 kB\n"                                                            \
	"Private_Hugetlb:       0 kB\n"                                                            \
	"VmFlags: rd ex mr mw me\n"
#define HUGE(permissions, shared, private)                                                         \
	"7f0000000000-7f0000200000 " permissions " 00000000 00:0f 99  /anon_hugepage (deleted)\n"  \
	"Size:               2048 kB\n"                                                            \
	"Shared_Hugetlb:     " shared " kB\n"                                                      \
	"Private_Hugetlb:    " private " kB\n"                                                     \
				       "VmFlags: rd wr mr mw me de ht\n"

static void test_private(void **state)
{
	(void)state;
	assert_true(pyi_huge_pages_are_private(SMALL HUGE("rw-p", "0", "2048") SMALL));
	/* A forked process has them in common with its parent until one of them writes. */
	assert_true(pyi_huge_pages_are_private(HUGE("rw-p", "2048", "0")));
	/* It may become writable. */
	assert_true(pyi_huge_pages_are_private(HUGE("r--p", "0", "2048")));
}

static void test_none(void **state)
{
	(void)state;
	assert_false(pyi_huge_pages_are_private(""));
	assert_false(pyi_huge_pages_are_private(SMALL SMALL));
	/* Mapped, and never touched. */
	assert_false(pyi_huge_pages_are_private(SMALL HUGE("rw-p", "0", "0")));
	assert_false(pyi_huge_pages_are_private(SMALL HUGE("rw-s", "2048", "0") SMALL));
	assert_false(pyi_huge_pages_are_private(HUGE("rw-s", "0", "2048") SMALL));
}

/* No kernel says that; it must only not be read behind its end. */
static void test_broken(void **state)
{
	(void)state;
	assert_false(pyi_huge_pages_are_private("7f00-7f01"));
	assert_false(pyi_huge_pages_are_private("7f00-7f01 "));
	assert_false(pyi_huge_pages_are_private("7f00-7f01 rw-"));
	assert_false(pyi_huge_pages_are_private("\n\n"));
	assert_false(pyi_huge_pages_are_private("Private_Hugetlb: 2048 kB\n"));
	assert_false(pyi_huge_pages_are_private("7f00-7f01 rw-p\nPrivate_Hugetlb:"));
	assert_true(pyi_huge_pages_are_private("7f00-7f01 rw-p\nPrivate_Hugetlb: 4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
