/*
 * Which mounts have file systems that hear of a descriptor being closed.
 */
#include "snapshot/flushed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char mounts[] =
	"21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
	"22 21 0:20 / /proc rw - proc proc rw\n"
	"210 21 0:44 / /mnt/nfs4 rw,relatime shared:9 master:3 - nfs4 host:/export rw,vers=4.2\n"
	"211 21 0:45 / /mnt/a\\040-\\040b rw - fuse.sshfs host: rw,user_id=0\n"
	"212 21 8:1 / /mnt/windows rw - fuseblk /dev/sda1 rw\n"
	"213 21 0:46 / /mnt/fuse rw - fusectl fusectl rw\n"
	"214 21 0:47 / /mnt/last rw - cifs //host/share rw";

static void test_types(void **state)
{
	(void)state;
	assert_false(pyi_flushed_is_mount(mounts, 21));
	assert_false(pyi_flushed_is_mount(mounts, 22));
	assert_true(pyi_flushed_is_mount(mounts, 210));
	assert_true(pyi_flushed_is_mount(mounts, 211));
	assert_true(pyi_flushed_is_mount(mounts, 212));
	assert_false(pyi_flushed_is_mount(mounts, 213));
	assert_true(pyi_flushed_is_mount(mounts, 214));
}

/* A mount that was taken away, or one of another namespace: nobody knows what it is. */
static void test_unknown(void **state)
{
	(void)state;
	assert_true(pyi_flushed_is_mount(mounts, 2));
	assert_true(pyi_flushed_is_mount(mounts, 1));
	assert_true(pyi_flushed_is_mount("", 21));
}

static void test_broken(void **state)
{
	(void)state;
	assert_true(pyi_flushed_is_mount("21", 21));
	assert_true(pyi_flushed_is_mount("21 1 254:0 / / rw\n22 1 0:1 / / rw - ext4 a b\n", 21));
	assert_true(pyi_flushed_is_mount("21 1 254:0 / / rw -", 21));
	assert_false(pyi_flushed_is_mount("21 1 254:0 / / rw - ", 21));
	assert_false(pyi_flushed_is_mount("\n\nx\n21 1 254:0 / / rw - ext4", 21));
	assert_true(pyi_flushed_is_mount("21 1 254:0 / / rw - nfs", 21));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
