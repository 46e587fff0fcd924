/*
 * Tests of src/tracee/live_memory.c on our own memory: of pages that nobody has touched nothing is
 * read, and they stay untouched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/page.h"
#include "tracee/live_memory.h"

struct fixture {
	struct pyi_process process;
	struct pyi_live_memory memory;
	/* Three pages: only the first one is there. */
	unsigned char *area;
};

static uint64_t addr_of(const void *pointer)
{
	return (uintptr_t)pointer;
}

static int setup(void **state)
{
	static struct fixture fixture;
	size_t page_bytes = pyi_page_bytes();

	assert_null(pyi_process_open(getpid(), &fixture.process));
	assert_null(pyi_live_memory_open(&fixture.process, &fixture.memory));
	fixture.area = mmap(NULL, 3 * page_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(fixture.area != MAP_FAILED);
	assert_int_equal(madvise(fixture.area, 3 * page_bytes, MADV_NOHUGEPAGE), 0);
	fixture.area[0] = 5;
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	pyi_live_memory_close(&fixture->memory);
	assert_int_equal(fixture->memory.memory_fd, -1);
	pyi_process_close(&fixture->process);
	munmap(fixture->area, 3 * pyi_page_bytes());
	return 0;
}

static void test_only_what_is_there(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_live_memory *memory = &fixture->memory;
	size_t page_bytes = pyi_page_bytes();
	unsigned char *area = fixture->area;
	unsigned char there[3];
	uint64_t word = 1;

	assert_true(pyi_live_memory_read(memory, addr_of(area), &word, sizeof(word)));
	assert_int_equal(word, 5);
	assert_false(pyi_live_memory_read(memory, addr_of(area + page_bytes), &word, sizeof(word)));
	assert_false(pyi_live_memory_read(memory, addr_of(area + page_bytes - 1), &word, 2));
	assert_false(pyi_live_memory_is_present(getpid(), addr_of(area), 3 * page_bytes));
	assert_int_equal(mincore(area, 3 * page_bytes, there), 0);
	assert_int_equal(there[1] & 1, 0);
	area[page_bytes] = 1;
	assert_true(pyi_live_memory_read(memory, addr_of(area + page_bytes - 1), &word, 2));
	assert_true(pyi_live_memory_is_present(getpid(), addr_of(area), 2 * page_bytes));
}

static void test_what_is_no_memory(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_live_memory *memory = &fixture->memory;
	uint64_t word = 7;

	assert_false(pyi_live_memory_read(memory, 0, &word, sizeof(word)));
	assert_false(pyi_live_memory_read(memory, UINT64_MAX - 3, &word, sizeof(word)));
	assert_false(pyi_live_memory_read(memory, UINT64_MAX - 64, &word, sizeof(word)));
	assert_false(pyi_live_memory_read(memory, INT64_MAX - 3, &word, sizeof(word)));
	assert_int_equal(word, 7);
	munmap(fixture->area, pyi_page_bytes());
	assert_false(pyi_live_memory_read(memory, addr_of(fixture->area), &word, sizeof(word)));
}

/* Where the kernel does not say what is there, all of it is read. */
static void test_without_a_list_of_pages(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_live_memory memory = { fixture->memory.memory_fd, -1 };
	uint64_t word = 1;

	assert_true(pyi_live_memory_read(&memory, addr_of(fixture->area + 2 * pyi_page_bytes()),
					 &word, sizeof(word)));
	assert_int_equal(word, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_what_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_a_list_of_pages, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
