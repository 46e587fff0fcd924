/*
 * Tests of src/process/memory_reader.c on our own memory, with holes in it, and on invented memory.
 *
 * Does not read other processes, but for one that is gone and one that has no process_vm_readv().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "process/memory_reader.h"

enum {
	AREA_PAGES = 40,
	/* The page that cannot be read. */
	HOLE = 37,
};

static size_t page_size;

static uint64_t addr_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static void expect_bad_address(struct pyi_memory_reader *reader, uint64_t addr, size_t size)
{
	unsigned char *bytes = malloc(size);
	struct pyi_error *error;
	size_t i;

	memset(bytes, 0x5a, size);
	error = pyi_memory_read(reader, addr, bytes, size);
	if (!error)
		fail_msg("read %zu bytes at 0x%llx", size, (unsigned long long)addr);
	assert_string_equal(pyi_error_code_name(error->code), "bad-address");
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	pyi_error_destroy(error);
	assert_false(pyi_memory_try_read(reader, addr, bytes, size));
	for (i = 0; i < size && size < 65536; i++)
		assert_int_equal(bytes[i], 0x5a);
	free(bytes);
}

/* Pages of noise, one of them unmapped, and the last one followed by nothing. */
static unsigned char *create_area(void)
{
	size_t size = (AREA_PAGES + 1) * page_size;
	unsigned char *area =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	assert_true(area != MAP_FAILED);
	for (i = 0; i < AREA_PAGES * page_size; i++)
		area[i] = (unsigned char)(i * 31 + i / 251);
	assert_int_equal(munmap(area + HOLE * page_size, page_size), 0);
	assert_int_equal(munmap(area + AREA_PAGES * page_size, page_size), 0);
	return area;
}

static void check_area(bool cached)
{
	static const size_t sizes[] = { 1, 7, 8, 4095, 4096, 4097, 8192, 65535, 65536, 100000 };
	unsigned char *area = create_area();
	size_t before_hole = HOLE * page_size;
	struct pyi_memory_reader *reader;
	unsigned char *bytes = malloc(1 << 20);
	size_t i;

	assert_null(pyi_memory_reader_create(getpid(), cached, &reader));
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i];
		const unsigned char *at = area + page_size - 3;

		memset(bytes, 0, size);
		assert_null(pyi_memory_read(reader, addr_of(at), bytes, size));
		assert_memory_equal(bytes, at, size);
		/* Up to the hole, and one byte into it, on both of its sides. */
		at = area + before_hole - size;
		assert_true(pyi_memory_try_read(reader, addr_of(at), bytes, size));
		assert_memory_equal(bytes, at, size);
		expect_bad_address(reader, addr_of(at) + 1, size);
		expect_bad_address(reader, addr_of(area + before_hole + page_size - 1), size + 1);
		assert_true(pyi_memory_try_read(reader, addr_of(at), bytes, size));
		assert_memory_equal(bytes, at, size);
	}
	/* The neighbours of the hole are as before. */
	assert_true(pyi_memory_try_read(reader, addr_of(area + before_hole + page_size), bytes,
					2 * page_size));
	assert_memory_equal(bytes, area + before_hole + page_size, 2 * page_size);
	expect_bad_address(reader, addr_of(area + before_hole), 1);
	expect_bad_address(reader, addr_of(area + AREA_PAGES * page_size), 1);
	expect_bad_address(reader, 0, 8);
	expect_bad_address(reader, UINT64_MAX - 7, 8);
	expect_bad_address(reader, UINT64_MAX, 1);
	expect_bad_address(reader, UINT64_MAX - 2, 8);
	expect_bad_address(reader, UINT64_C(1) << 63, 8);
	assert_null(pyi_memory_read(reader, 0, bytes, 0));
	pyi_memory_reader_destroy(reader);
	munmap(area, AREA_PAGES * page_size);
	free(bytes);
}

static void test_live(void **state)
{
	(void)state;
	check_area(false);
}

static void test_cached(void **state)
{
	(void)state;
	check_area(true);
}

static void test_only_the_cache_keeps_old_values(void **state)
{
	struct pyi_memory_reader *live, *cached;
	static volatile uint64_t value;
	uint64_t seen;

	(void)state;
	assert_null(pyi_memory_reader_create(getpid(), false, &live));
	assert_null(pyi_memory_reader_create(getpid(), true, &cached));
	value = 1;
	assert_true(pyi_memory_try_read_u64(live, addr_of((void *)&value), &seen));
	assert_true(pyi_memory_try_read_u64(cached, addr_of((void *)&value), &seen));
	value = 2;
	assert_true(pyi_memory_try_read_u64(live, addr_of((void *)&value), &seen));
	assert_int_equal(seen, 2);
	assert_true(pyi_memory_try_read_u64(cached, addr_of((void *)&value), &seen));
	assert_int_equal(seen, 1);
	pyi_memory_reader_destroy(live);
	pyi_memory_reader_destroy(cached);
}

/* More pages than the cache holds, twice: every value must be right before and after it is emptied.
 */
static void test_cache_overflow(void **state)
{
	size_t count = (64 << 20) / 4096 + 100;
	struct pyi_memory_reader *reader;
	unsigned char *area;
	size_t i, round;

	(void)state;
	area = mmap(NULL, count * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(area != MAP_FAILED);
	for (i = 0; i < count; i++)
		memcpy(area + i * 4096 + 8, &i, sizeof(i));
	assert_null(pyi_memory_reader_create(getpid(), true, &reader));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < count; i++) {
			uint64_t seen = 0;

			if (!pyi_memory_try_read_u64(reader, addr_of(area + i * 4096 + 8), &seen) ||
			    seen != i)
				fail_msg("page %zu reads as %llu", i, (unsigned long long)seen);
		}
	}
	pyi_memory_reader_destroy(reader);
	munmap(area, count * 4096);
}

static void test_strings(void **state)
{
	unsigned char *area = create_area();
	struct pyi_memory_reader *reader;
	char *text = (char *)area + HOLE * page_size;
	char seen[1000];

	(void)state;
	assert_null(pyi_memory_reader_create(getpid(), false, &reader));
	/* It ends with the last byte in front of the hole. */
	memcpy(text - 6, "hello", 6);
	assert_true(pyi_memory_try_read_string(reader, addr_of(text - 6), seen, sizeof(seen)));
	assert_string_equal(seen, "hello");
	assert_true(pyi_memory_try_read_string(reader, addr_of(text - 6), seen, 6));
	assert_string_equal(seen, "hello");
	assert_true(pyi_memory_try_read_string(reader, addr_of(text - 6), seen, 4));
	assert_string_equal(seen, "hel");
	assert_true(pyi_memory_try_read_string(reader, addr_of(text - 6), seen, 1));
	assert_string_equal(seen, "");
	assert_false(pyi_memory_try_read_string(reader, addr_of(text - 6), seen, 0));
	/* It runs into the hole; but not if it is cut before. */
	text[-1] = '!';
	assert_false(pyi_memory_try_read_string(reader, addr_of(text - 6), seen, sizeof(seen)));
	assert_string_equal(seen, "");
	assert_true(pyi_memory_try_read_string(reader, addr_of(text - 6), seen, 7));
	assert_string_equal(seen, "hello!");
	/* It crosses a page and several steps. */
	memset(area + page_size - 400, 'x', 900);
	area[page_size + 500] = '\0';
	assert_true(pyi_memory_try_read_string(reader, addr_of(area + page_size - 400), seen,
					       sizeof(seen)));
	assert_int_equal(strlen(seen), 900);
	assert_false(pyi_memory_try_read_string(reader, UINT64_MAX, seen, sizeof(seen)));
	pyi_memory_reader_destroy(reader);
	munmap(area, AREA_PAGES * page_size);
}

static void test_mock(void **state)
{
	static const unsigned char bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 'o', 'k', 0, 'n', 'o' };
	const uint64_t base = UINT64_C(0x7f1234567ffc);
	struct pyi_memory_reader *reader;
	struct pyi_error *error;
	uint32_t word;
	char seen[16];

	(void)state;
	assert_null(pyi_memory_reader_create_mock(bytes, sizeof(bytes), base, &reader));
	assert_true(pyi_memory_try_read_u32(reader, base + 1, &word));
	assert_memory_equal(&word, bytes + 1, sizeof(word));
	assert_true(pyi_memory_try_read(reader, base, seen, sizeof(bytes)));
	assert_memory_equal(seen, bytes, sizeof(bytes));
	expect_bad_address(reader, base - 1, 1);
	expect_bad_address(reader, base - 1, 2);
	expect_bad_address(reader, base, sizeof(bytes) + 1);
	expect_bad_address(reader, base + sizeof(bytes), 1);
	expect_bad_address(reader, UINT64_MAX, 2);
	assert_true(pyi_memory_try_read_string(reader, base + 8, seen, sizeof(seen)));
	assert_string_equal(seen, "ok");
	assert_false(pyi_memory_try_read_string(reader, base + 11, seen, sizeof(seen)));
	assert_true(pyi_memory_try_read_string(reader, base + 11, seen, 3));
	assert_string_equal(seen, "no");
	pyi_memory_reader_destroy(reader);
	error = pyi_memory_reader_create_mock(bytes, sizeof(bytes), UINT64_MAX - 3, &reader);
	assert_non_null(error);
	pyi_error_destroy(error);
	pyi_memory_reader_destroy(NULL);
}

static void test_gone(void **state)
{
	struct pyi_memory_reader *reader;
	struct pyi_error *error;
	pid_t child = fork();
	char byte;

	(void)state;
	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_null(pyi_memory_reader_create(child, false, &reader));
	error = pyi_memory_read(reader, addr_of(&byte), &byte, 1);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "no-such-process");
	assert_int_equal(error->exit, PYI_EXIT_ACCESS);
	pyi_error_destroy(error);
	pyi_memory_reader_destroy(reader);
}

/* Takes process_vm_readv() away from this process, for good. */
static bool forbid_call(int error_number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error_number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* In a child of its own; says by its exit code where it failed. */
static int read_by_file(int error_number)
{
	struct pyi_memory_reader *reader;
	static const char text[] = "through the file";
	struct pyi_error *error;
	char seen[sizeof(text)];
	char *hole;

	if (!forbid_call(error_number))
		return 1;
	if (pyi_memory_reader_create(getpid(), false, &reader))
		return 2;
	error = pyi_memory_read(reader, addr_of(text), seen, sizeof(seen));
	if (error || memcmp(seen, text, sizeof(text)))
		return 3;
	hole = mmap(NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (hole == MAP_FAILED || munmap(hole, page_size))
		return 4;
	error = pyi_memory_read(reader, addr_of(hole), seen, 1);
	if (!error || error->code != PYI_ERROR_BAD_ADDRESS)
		return 5;
	pyi_error_destroy(error);
	error = pyi_memory_read(reader, UINT64_C(1) << 63, seen, 1);
	if (!error || error->code != PYI_ERROR_BAD_ADDRESS)
		return 6;
	pyi_error_destroy(error);
	pyi_memory_reader_destroy(reader);
	return 0;
}

static void test_fallback_to_the_file(void **state)
{
	static const int error_numbers[] = { ENOSYS, EPERM };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		pid_t child = fork();
		int status;

		if (!child)
			_exit(read_by_file(error_numbers[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_cached),
		cmocka_unit_test(test_only_the_cache_keeps_old_values),
		cmocka_unit_test(test_cache_overflow),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_mock),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_fallback_to_the_file),
	};

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests_name("memory_reader", tests, NULL, NULL);
}
