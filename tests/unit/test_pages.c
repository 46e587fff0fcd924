/*
 * Pages in use, by an invented /proc/PID/pagemap of a kernel with pages of any size; and what the
 * size makes of an estimate.
 */
#include "snapshot/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/page.h"
#include "snapshot/preflight.h"

enum {
	RUN_LIMIT = 16,
};

#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
/* Soft-dirty and file-mapped: nothing that says that it is there. */
#define NOT_THERE (UINT64_C(1) << 55 | UINT64_C(1) << 61)

static const uint64_t page_sizes[] = { 4096, 16384, 65536 };

struct run {
	uint64_t addr;
	uint64_t size_bytes;
};

struct runs {
	struct run items[RUN_LIMIT];
	size_t count;
};

static void add(void *argument, uint64_t addr, uint64_t size_bytes)
{
	struct runs *runs = argument;

	assert_true(runs->count < RUN_LIMIT);
	runs->items[runs->count++] = (struct run){ addr, size_bytes };
}

/* A file in which page `first` has the first of these entries; all others are 0. */
static FILE *invent_pagemap(uint64_t first, const uint64_t *entries, size_t count)
{
	FILE *file = tmpfile();
	size_t bytes = count * sizeof(entries[0]);

	assert_non_null(file);
	assert_int_equal(pwrite(fileno(file), entries, bytes, (off_t)(first * sizeof(entries[0]))),
			 bytes);
	return file;
}

static void list(FILE *file, uint64_t page_bytes, uint64_t first, uint64_t count, struct runs *runs)
{
	struct pyi_pages pages = {
		.page_bytes = page_bytes,
		.entries = malloc(PYI_PAGES_ENTRIES * sizeof(uint64_t)),
	};

	assert_non_null(pages.entries);
	*runs = (struct runs){ 0 };
	assert_true(pyi_pages_each(&pages, fileno(file), first * page_bytes,
				   (first + count) * page_bytes, add, runs));
	free(pages.entries);
}

static void test_runs(void **state)
{
	static const uint64_t entries[] = { 0, PRESENT | 7,	    SWAPPED, NOT_THERE,
					    0, PRESENT | NOT_THERE, 0,	     PRESENT };
	const uint64_t first = 0x1000;

	(void)state;
	for (size_t p = 0; p < sizeof(page_sizes) / sizeof(page_sizes[0]); p++) {
		uint64_t page_bytes = page_sizes[p];
		FILE *file = invent_pagemap(first, entries, sizeof(entries) / sizeof(entries[0]));
		struct runs runs;

		list(file, page_bytes, first, sizeof(entries) / sizeof(entries[0]), &runs);
		assert_int_equal(runs.count, 3);
		assert_int_equal(runs.items[0].addr, (first + 1) * page_bytes);
		assert_int_equal(runs.items[0].size_bytes, 2 * page_bytes);
		assert_int_equal(runs.items[1].addr, (first + 5) * page_bytes);
		assert_int_equal(runs.items[1].size_bytes, page_bytes);
		/* Up to the end of what was asked about. */
		assert_int_equal(runs.items[2].addr, (first + 7) * page_bytes);
		assert_int_equal(runs.items[2].size_bytes, page_bytes);
		fclose(file);
	}
}

/* More entries than are read at a time: a run goes on. */
static void test_long_run(void **state)
{
	const size_t count = PYI_PAGES_ENTRIES + 100;
	uint64_t *entries = calloc(count, sizeof(*entries));
	struct runs runs;
	FILE *file;

	(void)state;
	assert_non_null(entries);
	for (size_t e = 10; e < count - 10; e++)
		entries[e] = PRESENT;
	file = invent_pagemap(1, entries, count);
	list(file, 65536, 1, count, &runs);
	assert_int_equal(runs.count, 1);
	assert_int_equal(runs.items[0].addr, 11 * 65536);
	assert_int_equal(runs.items[0].size_bytes, (count - 20) * 65536);
	fclose(file);
	free(entries);
}

/* Where the file ends there is no process any more, or it was indexed wrongly. */
static void test_end(void **state)
{
	static const uint64_t entry = PRESENT;
	FILE *file = invent_pagemap(1, &entry, 1);
	uint64_t entries[PYI_PAGES_ENTRIES];
	struct pyi_pages pages = { 16384, entries };
	struct runs runs = { 0 };

	(void)state;
	assert_false(pyi_pages_list(&pages, fileno(file), 16384, 4 * UINT64_C(16384), add, &runs));
	fclose(file);
}

static void test_own_size(void **state)
{
	(void)state;
	assert_int_equal(pyi_page_bytes(), sysconf(_SC_PAGESIZE));
	assert_int_equal(pyi_page_bytes() % PYI_PAGE_LEAST_BYTES, 0);
	assert_int_equal(PYI_PAGE_MOST_BYTES % pyi_page_bytes(), 0);
}

/* A clone copies a word for each page. */
static void test_estimate(void **state)
{
	const uint64_t bytes = UINT64_C(8) << 30;
	double least = pyi_preflight_estimate_pause(0, 0, 4096);
	double small = pyi_preflight_estimate_pause(bytes, 0, 4096) - least;
	double large = pyi_preflight_estimate_pause(bytes, 0, 65536) - least;
	double huge = pyi_preflight_estimate_pause(bytes, bytes, 4096) - least;

	(void)state;
	assert_float_equal(small, 8 * 20.0, 0.001);
	assert_float_equal(large, small / 16, 0.001);
	assert_float_equal(huge, 8 * 0.4, 0.001);
	/* Huge pages that are not of the process's anonymous memory make nothing negative. */
	assert_true(pyi_preflight_estimate_pause(bytes, 2 * bytes, 65536) > least);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),	 cmocka_unit_test(test_long_run),
		cmocka_unit_test(test_end),	 cmocka_unit_test(test_own_size),
		cmocka_unit_test(test_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
