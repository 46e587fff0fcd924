/*
 * Tests of src/process/maps.c on invented maps files, and on our own.
 *
 * Does not test paths: they are not interpreted there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "process/elf_module.h"
#include "process/maps.h"

static const char good_text[] =
	"00400000-00401000 r-xp 00001000 fd:10 1234                               /opt/my app/py "
	"(x)\n"
	"00401000-00403000 rw-s 00002000 fd:10 1234                               /opt/my app/py "
	"(x)\n"
	"7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
	"7f0000002000-7f0000003000 rw-p 00000000 00:00 0\n"
	"7f0000003000-7f0000004000 r--p ffffffff000 103:fffff 18446744073709551615   "
	"/lib/a\\012b.so (deleted)\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static void expect_good(const char *text, struct pyi_maps *ret_maps)
{
	struct pyi_error *error = pyi_maps_parse(strdup(text), ret_maps);

	if (error)
		fail_msg("%s", error->message);
}

static void expect_bad(const char *text)
{
	struct pyi_maps maps = { 0 };
	struct pyi_error *error = pyi_maps_parse(strdup(text), &maps);

	if (!error)
		fail_msg("accepted: %s", text);
	assert_string_equal(pyi_error_code_name(error->code), "bad-maps");
	assert_null(maps.items);
	assert_null(maps.text);
	pyi_error_destroy(error);
}

static void test_good(void **state)
{
	struct pyi_maps maps;

	(void)state;
	expect_good(good_text, &maps);
	assert_int_equal(maps.count, 6);
	assert_int_equal(maps.items[0].start_addr, 0x400000);
	assert_int_equal(maps.items[0].end_addr, 0x401000);
	assert_int_equal(maps.items[0].offset, 0x1000);
	assert_int_equal(maps.items[0].device_major, 0xfd);
	assert_int_equal(maps.items[0].device_minor, 0x10);
	assert_int_equal(maps.items[0].inode, 1234);
	assert_true(maps.items[0].readable && maps.items[0].executable);
	assert_false(maps.items[0].writable || maps.items[0].shared);
	assert_string_equal(maps.items[0].path, "/opt/my app/py (x)");
	assert_true(maps.items[1].shared && maps.items[1].writable);
	assert_false(maps.items[1].executable);
	assert_string_equal(maps.items[2].path, "");
	assert_false(maps.items[2].readable);
	assert_string_equal(maps.items[3].path, "");
	assert_int_equal(maps.items[4].offset, 0xffffffff000);
	assert_int_equal(maps.items[4].device_major, 0x103);
	assert_int_equal(maps.items[4].device_minor, 0xfffff);
	assert_true(maps.items[4].inode == UINT64_MAX);
	assert_string_equal(maps.items[4].path, "/lib/a\\012b.so (deleted)");
	assert_string_equal(maps.items[5].path, "[vsyscall]");
	pyi_maps_deinit(&maps);
	assert_null(maps.items);
	pyi_maps_deinit(&maps);
}

static void test_empty(void **state)
{
	struct pyi_maps maps;

	(void)state;
	expect_good("", &maps);
	assert_int_equal(maps.count, 0);
	assert_null(pyi_maps_find(&maps, 0));
	pyi_maps_deinit(&maps);
}

static void test_malformed(void **state)
{
	static const char *const texts[] = {
		"\n",
		"garbage\n",
		"1000-2000\n",
		"1000-2000 \n",
		"1000-2000 r\n",
		"1000-2000 rw-p\n",
		"1000-2000 rwzp 0 0:0 0 \n",
		"1000-2000 wr-p 0 0:0 0 \n",
		"1000-2000 rw-q 0 0:0 0 \n",
		"1000-2000 rw-pp 0 0:0 0 \n",
		"-2000 rw-p 0 0:0 0 \n",
		"1000- rw-p 0 0:0 0 \n",
		"1000 2000 rw-p 0 0:0 0 \n",
		" 1000-2000 rw-p 0 0:0 0 \n",
		"+1000-2000 rw-p 0 0:0 0 \n",
		"0x1000-2000 rw-p 0 0:0 0 \n",
		"1000-2000 rw-p  0:0 0 \n",
		"1000-2000 rw-p 0 00 0 \n",
		"1000-2000 rw-p 0 0: 0 \n",
		"1000-2000 rw-p 0 0:0 \n",
		"1000-2000 rw-p 0 0:0 a \n",
		"1000-2000 rw-p 0 0:0 0/x\n",
		/* Empty, and upside down. */
		"1000-1000 rw-p 0 0:0 0 \n",
		"2000-1000 rw-p 0 0:0 0 \n",
		/* One too many for 64 and for 32 bits. */
		"1000-10000000000000000 rw-p 0 0:0 0 \n",
		"1000-2000 rw-p 10000000000000000 0:0 0 \n",
		"1000-2000 rw-p 0 100000000:0 0 \n",
		"1000-2000 rw-p 0 0:100000000 0 \n",
		"1000-2000 rw-p 0 0:0 18446744073709551616 \n",
		/* Overlapping, and descending. */
		"1000-3000 rw-p 0 0:0 0 \n2000-4000 rw-p 0 0:0 0 \n",
		"3000-4000 rw-p 0 0:0 0 \n1000-2000 rw-p 0 0:0 0 \n",
		"1000-2000 rw-p 0 0:0 0 \n\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_bad(texts[i]);
}

static void test_every_truncation(void **state)
{
	size_t length;

	(void)state;
	for (length = 1; length < sizeof(good_text) - 1; length++) {
		char *cut = strndup(good_text, length);

		if (cut[length - 1] == '\n') {
			struct pyi_maps maps;

			expect_good(cut, &maps);
			pyi_maps_deinit(&maps);
		} else {
			expect_bad(cut);
		}
		free(cut);
	}
}

static void test_find_and_same_file(void **state)
{
	struct pyi_maps maps;

	(void)state;
	expect_good(good_text, &maps);
	assert_null(pyi_maps_find(&maps, 0));
	assert_null(pyi_maps_find(&maps, 0x3fffff));
	assert_ptr_equal(pyi_maps_find(&maps, 0x400000), &maps.items[0]);
	assert_ptr_equal(pyi_maps_find(&maps, 0x400fff), &maps.items[0]);
	assert_ptr_equal(pyi_maps_find(&maps, 0x401000), &maps.items[1]);
	assert_null(pyi_maps_find(&maps, 0x403000));
	assert_null(pyi_maps_find(&maps, 0x7f0000001000));
	assert_ptr_equal(pyi_maps_find(&maps, 0x7f0000002001), &maps.items[3]);
	assert_ptr_equal(pyi_maps_find(&maps, 0xffffffffff600fff), &maps.items[5]);
	assert_null(pyi_maps_find(&maps, UINT64_MAX));
	assert_true(pyi_map_same_file(&maps.items[0], &maps.items[1]));
	assert_false(pyi_map_same_file(&maps.items[0], &maps.items[4]));
	/* Both anonymous: not a file. */
	assert_false(pyi_map_same_file(&maps.items[2], &maps.items[3]));
	maps.items[1].device_minor++;
	assert_false(pyi_map_same_file(&maps.items[0], &maps.items[1]));
	pyi_maps_deinit(&maps);
}

static void test_own_maps(void **state)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pyi_process process;
	const struct pyi_map *map;
	struct pyi_maps maps;

	(void)state;
	assert_true(page != MAP_FAILED);
	assert_null(pyi_process_open(getpid(), &process));
	assert_null(pyi_maps_read(&process, &maps));
	map = pyi_maps_find(&maps, (uint64_t)(uintptr_t)page);
	assert_non_null(map);
	assert_true(map->readable && map->shared);
	assert_false(map->writable || map->executable);
	map = pyi_maps_find(&maps, (uint64_t)(uintptr_t)&test_own_maps);
	assert_non_null(map);
	assert_true(map->executable && map->inode);
	assert_int_equal(map->path[0], '/');
	pyi_maps_deinit(&maps);
	pyi_process_close(&process);
	munmap(page, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_find_and_same_file),
		cmocka_unit_test(test_own_maps),
	};

	return cmocka_run_group_tests_name("maps", tests, NULL, NULL);
}
