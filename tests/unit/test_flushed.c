/*
 * Which mounts have file systems that hear of a descriptor being closed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "snapshot/mounts.h"

static const char mounts[] =
	"21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
	"22 21 0:20 / /proc rw - proc proc rw\n"
	"210 21 0:44 / /mnt/nfs4 rw,relatime shared:9 master:3 - nfs4 host:/export rw,vers=4.2\n"
	"211 21 0:45 / /mnt/a\\040-\\040b rw - fuse.sshfs host: rw,user_id=0\n"
	"212 21 8:1 / /mnt/windows rw - fuseblk /dev/sda1 rw\n"
	"213 21 0:46 / /mnt/fuse rw - fusectl fusectl rw\n"
	"214 21 0:47 / /mnt/last rw - cifs //host/share rw\n";

static bool is_flushed(const char *text, uint32_t id)
{
	struct pyi_mounts list = { 0 };
	bool flushed;

	assert_null(pyi_mounts_add(text, true, &list));
	flushed = pyi_mounts_is_flushed(&list, id);
	pyi_mounts_deinit(&list);
	return flushed;
}

static void test_types(void **state)
{
	(void)state;
	assert_false(is_flushed(mounts, 21));
	assert_false(is_flushed(mounts, 22));
	assert_true(is_flushed(mounts, 210));
	assert_true(is_flushed(mounts, 211));
	assert_true(is_flushed(mounts, 212));
	assert_false(is_flushed(mounts, 213));
	assert_true(is_flushed(mounts, 214));
}

/* A mount that was taken away, or one of another namespace: nobody knows what it is. */
static void test_unknown(void **state)
{
	(void)state;
	assert_true(is_flushed(mounts, 2));
	assert_true(is_flushed(mounts, 1));
	assert_true(is_flushed("", 21));
}

static void test_broken(void **state)
{
	(void)state;
	assert_true(is_flushed("21", 21));
	assert_true(is_flushed("21 1 254:0 / / rw\n22 1 0:1 / / rw - ext4 a b\n", 21));
	assert_true(is_flushed("21 1 254:0 / / rw -", 21));
	/* A line that is cut off may have been about to say so. */
	assert_true(is_flushed("21 1 254:0 / / rw - ", 21));
	assert_true(is_flushed("21 1 254:0 / / rw - ext4", 21));
	assert_true(is_flushed("21 1 254:0 / / rw - nfs", 21));
	assert_false(is_flushed("21 1 254:0 / / rw - \n", 21));
	assert_false(is_flushed("\n\nx\n21 1 254:0 / / rw - ext4\n", 21));
	assert_true(is_flushed("21 1 254:0 / / rw - nfs\n", 21));
}

/* Of a process and us: who knows it as one that hears of nothing is believed. */
static void test_two_lists(void **state)
{
	struct pyi_mounts list = { 0 };

	(void)state;
	assert_null(pyi_mounts_add(mounts, true, &list));
	assert_null(pyi_mounts_add("30 1 0:50 / / rw - nfs a b\n"
				   "214 1 0:51 / / rw - tmpfs a b\n",
				   false, &list));
	assert_false(pyi_mounts_is_flushed(&list, 21));
	assert_true(pyi_mounts_is_flushed(&list, 30));
	assert_true(pyi_mounts_is_flushed(&list, 210));
	assert_false(pyi_mounts_is_flushed(&list, 214));
	pyi_mounts_deinit(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_two_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
