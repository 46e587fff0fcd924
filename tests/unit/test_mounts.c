/*
 * Which files have pages that the kernel brings, from the text of mountinfo.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "snapshot/mounts.h"

static const char OURS[] = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
			   "23 22 0:30 / /container rw - overlay overlay rw,lowerdir=/a:/b\n"
			   "24 22 0:31 / /a\\040-\\040b rw master:2 - fuse.sshfs host:/ - ext4\n"
			   "25 22 254:1 / /windows rw - fuseblk /dev/x rw\n";
static const char THEIRS[] = "50 49 0:40 / / rw - overlay none rw\n"
			     "51 50 0:41 / /tmp rw - tmpfs tmpfs rw\n"
			     "52 50 0:42 / /fuse rw - fuse x rw\n"
			     "53 50 0:43 / /fuses rw - fusectl x rw\n"
			     "nonsense\n"
			     "54 50 0:41 / /bound rw - tmpfs tmpfs rw\n"
			     "55 50 0:44 / /no-end rw - tmpfs tmpfs rw";

static bool is_kept(const struct pyi_mounts *mounts, uint32_t major, uint32_t minor)
{
	const struct pyi_map map = { .device_major = major, .device_minor = minor, .inode = 1 };

	return pyi_mounts_is_kept_by_kernel(mounts, &map);
}

static void test_devices(void **state)
{
	struct pyi_mounts mounts = { 0 };

	(void)state;
	assert_null(pyi_mounts_add(OURS, true, &mounts));
	assert_null(pyi_mounts_add(THEIRS, false, &mounts));
	assert_true(is_kept(&mounts, 254, 0));
	assert_true(is_kept(&mounts, 0, 30));
	assert_false(is_kept(&mounts, 0, 31));
	assert_false(is_kept(&mounts, 254, 1));
	/* A user's own overlay may be one over FUSE. */
	assert_false(is_kept(&mounts, 0, 40));
	assert_true(is_kept(&mounts, 0, 41));
	assert_false(is_kept(&mounts, 0, 42));
	assert_true(is_kept(&mounts, 0, 43));
	assert_false(is_kept(&mounts, 0, 44));
	/* Mounted nowhere: a disk is a disk. */
	assert_true(is_kept(&mounts, 8, 1));
	assert_false(is_kept(&mounts, 0, 99));
	pyi_mounts_deinit(&mounts);
}

static void test_same_namespace(void **state)
{
	struct pyi_mounts mounts = { 0 };

	(void)state;
	assert_null(pyi_mounts_add(THEIRS, true, &mounts));
	assert_true(is_kept(&mounts, 0, 40));
	/* If one says that it is served, it is. */
	assert_null(pyi_mounts_add("1 1 0:41 / / rw - fuse x rw\n", true, &mounts));
	assert_false(is_kept(&mounts, 0, 41));
	pyi_mounts_deinit(&mounts);
}

static void test_own(void **state)
{
	struct pyi_process self = { .proc_fd = -1 };
	struct pyi_mounts mounts = { 0 };

	(void)state;
	assert_null(pyi_process_open(getpid(), &self));
	assert_null(pyi_mounts_read(&self, &mounts));
	assert_true(mounts.count > 0);
	pyi_mounts_deinit(&mounts);
	pyi_process_close(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_same_namespace),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
