/*
 * The process that has a core's memory: what it has, where the bytes come from, and which areas a
 * worker that was taken over cannot have it map.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/page.h"
#include "core/core_process.h"
#include "proc_text.h"
#include "tracee/wait.h"

enum {
	PAGES = 8,
	COPY_LIMIT = 1 << 20,
	/* Not at a whole page of the core. */
	SHIFT = 24,
};

#define BASE UINT64_C(0x10000000)

/* Pages of which each is full of its number, and then a half one. */
static int numbered_file(unsigned first)
{
	size_t page_bytes = pyi_page_bytes();
	char *page = malloc(page_bytes);
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0 && page);
	for (unsigned p = 0; p <= PAGES; p++) {
		size_t size = p < PAGES ? page_bytes : page_bytes / 2;

		memset(page, (int)(first + p), page_bytes);
		assert_int_equal(write(fd, page, size), size);
	}
	free(page);
	return fd;
}

static struct pyi_core_area area_of(uint64_t page, uint64_t count, uint64_t offset, int protection,
				    uint32_t file)
{
	return (struct pyi_core_area){
		.start_addr = BASE + page * pyi_page_bytes(),
		.end_addr = BASE + (page + count) * pyi_page_bytes(),
		.offset = offset,
		.protection = (uint32_t)protection,
		.file = file,
	};
}

static struct pyi_core_memory memory_of(int core_fd, const struct pyi_core_area *areas,
					size_t count)
{
	return (struct pyi_core_memory){
		.core_fd = core_fd,
		.copy_limit_bytes = COPY_LIMIT,
		.areas = areas,
		.area_count = count,
	};
}

static unsigned byte_at(const struct pyi_core_process *process, uint64_t addr)
{
	unsigned char byte = 0;
	int fd = -1;

	assert_null(pyi_process_open_file(&process->snapshot.process, "mem", O_RDONLY, &fd));
	assert_int_equal(pread(fd, &byte, 1, (off_t)addr), 1);
	close(fd);
	return byte;
}

static void deinit(struct pyi_core_process *process)
{
	pyi_core_process_end(process);
	for (size_t f = 0; f < process->fd_count; f++)
		if (process->fds[f] >= 0)
			close(process->fds[f]);
	free(process->fds);
	free(process->areas);
}

static void test_memory(void **state)
{
	uint64_t page_bytes = pyi_page_bytes();
	const struct pyi_core_area areas[] = {
		area_of(0, 2, 3 * page_bytes, PROT_READ | PROT_WRITE, 0),
		area_of(2, 1, 5 * page_bytes + SHIFT, PROT_READ, 0),
		area_of(4, 1, page_bytes, PROT_READ | PROT_EXEC, 0),
		/* The last page of a program is there in part. */
		area_of(5, 2, 7 * page_bytes, PROT_READ | PROT_EXEC, 1),
	};
	int core_fd = numbered_file(1);
	int program_fd = numbered_file(101);
	const struct pyi_core_memory memory = memory_of(core_fd, areas, 4);
	struct pyi_core_process process;
	char *text;

	(void)state;
	pyi_core_process_init(&process);
	assert_null(pyi_core_process_add_file(&process, program_fd));
	for (int round = 0; round < 2; round++) {
		assert_null(pyi_core_process_make(&process, &memory));
		assert_int_equal(byte_at(&process, BASE), 4);
		assert_int_equal(byte_at(&process, BASE + 2 * page_bytes - 1), 5);
		assert_int_equal(byte_at(&process, BASE + 2 * page_bytes), 6);
		assert_int_equal(byte_at(&process, BASE + 3 * page_bytes - 1), 7);
		assert_int_equal(byte_at(&process, BASE + 4 * page_bytes), 2);
		assert_int_equal(byte_at(&process, BASE + 5 * page_bytes), 108);
		assert_int_equal(byte_at(&process, BASE + 6 * page_bytes), 109);
		assert_int_equal(byte_at(&process, BASE + 7 * page_bytes - 1), 0);
		/* What is written to it is its own: the next one has the core's. */
		assert_null(pyi_snapshot_write(&process.snapshot, BASE, "\x63", 1));
		assert_int_equal(byte_at(&process, BASE), 0x63);
		text = proc_text_read(process.snapshot.process.pid, "status");
		proc_text_assert_line(text, "\nCapEff:\t0000000000000000\n");
		proc_text_assert_line(text, "\nSeccomp:\t2\n");
		if (geteuid() == 0)
			proc_text_assert_line(text, "\nUid:\t65534\t65534\t65534\t65534\n");
		free(text);
		pyi_core_process_end(&process);
	}
	deinit(&process);
	close(core_fd);
	close(program_fd);
}

static void test_pages(void **state)
{
	uint64_t page_bytes = pyi_page_bytes();
	const struct pyi_core_area areas[] = {
		area_of(0, 2, 0, PROT_READ, 0),
		area_of(4, 2, 0, PROT_READ, 0),
	};
	const struct pyi_wire_range ranges[] = {
		{ BASE + page_bytes, BASE + 3 * page_bytes },
		{ BASE + 3 * page_bytes, BASE + 5 * page_bytes },
		{ BASE + 5 * page_bytes, BASE + 9 * page_bytes },
	};
	int core_fd = numbered_file(1);
	const struct pyi_core_memory memory = memory_of(core_fd, areas, 2);
	struct pyi_wire_range *runs = NULL;
	struct pyi_core_process process;
	size_t count = 0;

	(void)state;
	pyi_core_process_init(&process);
	assert_null(pyi_core_process_make(&process, &memory));
	assert_null(pyi_core_process_list_pages(&process, ranges, 3, &runs, &count));
	assert_int_equal(count, 3);
	assert_int_equal(runs[0].start_addr, BASE + page_bytes);
	assert_int_equal(runs[0].end_addr, BASE + 2 * page_bytes);
	assert_int_equal(runs[1].start_addr, BASE + 4 * page_bytes);
	assert_int_equal(runs[1].end_addr, BASE + 5 * page_bytes);
	assert_int_equal(runs[2].end_addr, BASE + 6 * page_bytes);
	free(runs);
	deinit(&process);
	close(core_fd);
}

static void expect_refused(const struct pyi_core_area *areas, size_t count, uint64_t copy_limit,
			   enum pyi_error_code code)
{
	int core_fd = numbered_file(1);
	int program_fd = numbered_file(101);
	struct pyi_core_memory memory = memory_of(core_fd, areas, count);
	struct pyi_core_process process;
	struct pyi_error *error;

	memory.copy_limit_bytes = copy_limit;
	pyi_core_process_init(&process);
	assert_null(pyi_core_process_add_file(&process, program_fd));
	error = pyi_core_process_make(&process, &memory);
	assert_non_null(error);
	assert_int_equal(error->code, code);
	assert_int_equal(process.snapshot.process.pid, 0);
	pyi_error_destroy(error);
	/* Nor at the second try, and that has nothing of the first one. */
	error = pyi_core_process_make(&process, &memory);
	assert_non_null(error);
	assert_int_equal(process.snapshot.process.pid, 0);
	pyi_error_destroy(error);
	deinit(&process);
	close(core_fd);
	close(program_fd);
}

static void test_wrong_areas(void **state)
{
	uint64_t page_bytes = pyi_page_bytes();
	struct pyi_core_area good = area_of(1, 2, 0, PROT_READ, 0);
	struct pyi_core_area wrong[12];
	struct pyi_core_area two[2] = { good, good };

	(void)state;
	for (size_t w = 0; w < 12; w++)
		wrong[w] = good;
	wrong[0].start_addr++;
	wrong[1].end_addr--;
	wrong[2].end_addr = wrong[2].start_addr;
	wrong[3].start_addr = wrong[3].end_addr + page_bytes;
	wrong[4].offset = UINT64_MAX - page_bytes + 1;
	wrong[5].offset = (PAGES - 1) * page_bytes;
	wrong[6].offset = (PAGES + 1) * page_bytes;
	wrong[7].file = 2;
	wrong[8].file = UINT32_MAX;
	wrong[9].protection = PROT_READ | PROT_GROWSDOWN;
	wrong[10].file = 1;
	wrong[10].offset = SHIFT;
	wrong[11].file = 1;
	wrong[11].offset = (PAGES + 1) * page_bytes;
	for (size_t w = 0; w < 12; w++)
		expect_refused(&wrong[w], 1, COPY_LIMIT, PYI_ERROR_BAD_CORE);
	expect_refused(two, 2, COPY_LIMIT, PYI_ERROR_BAD_CORE);
	expect_refused(two, 0, COPY_LIMIT, PYI_ERROR_BAD_CORE);
	/* Where the kernel has its own memory nothing can be mapped. */
	two[0].start_addr = UINT64_C(1) << 62;
	two[0].end_addr = two[0].start_addr + page_bytes;
	expect_refused(two, 1, COPY_LIMIT, PYI_ERROR_MIRROR_FAILED);
	good.offset = SHIFT;
	expect_refused(&good, 1, page_bytes, PYI_ERROR_MEMORY_SHORT);
}

static void test_no_such_file(void **state)
{
	int program_fd = numbered_file(1);
	struct pyi_core_process process;
	int fd;

	(void)state;
	pyi_core_process_init(&process);
	assert_int_equal(pyi_core_process_open_file(&process, 1), -1);
	assert_null(pyi_core_process_add_file(&process, program_fd));
	assert_int_equal(pyi_core_process_open_file(&process, 0), -1);
	assert_int_equal(pyi_core_process_open_file(&process, 2), -1);
	assert_int_equal(pyi_core_process_open_file(&process, UINT32_MAX), -1);
	fd = pyi_core_process_open_file(&process, 1);
	assert_true(fd >= 0);
	close(fd);
	deinit(&process);
	close(program_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_wrong_areas),
		cmocka_unit_test(test_no_such_file),
	};

	pyi_wait_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
