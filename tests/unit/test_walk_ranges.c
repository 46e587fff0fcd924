/*
 * Tests of src/heap/walk_ranges.c: which parts of which maps are walked, and what they cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "heap/walk_ranges.h"

#define GIB (UINT64_C(1) << 30)

static const struct pyi_map maps_of_all_kinds[] = {
	/* A library: always whole. */
	{ .start_addr = 0x1000, .end_addr = 0x3000, .readable = true, .inode = 7, .path = "/lib" },
	{ .start_addr = 0x3000,
	  .end_addr = 0x5000,
	  .readable = true,
	  .writable = true,
	  .inode = 7,
	  .path = "/lib" },
	{ .start_addr = GIB, .end_addr = 3 * GIB, .readable = true, .writable = true, .path = "" },
	/* Next to it, and not writable. */
	{ .start_addr = 3 * GIB, .end_addr = 5 * GIB, .readable = true, .path = "" },
	{ .start_addr = 8 * GIB,
	  .end_addr = 9 * GIB,
	  .readable = true,
	  .shared = true,
	  .path = "" },
	{ .start_addr = 9 * GIB, .end_addr = 10 * GIB, .path = "" },
	/* No library is that large. */
	{ .start_addr = 20 * GIB,
	  .end_addr = 60 * GIB,
	  .readable = true,
	  .inode = 8,
	  .path = "/f" },
	{ .start_addr = 70 * GIB, .end_addr = 71 * GIB, .readable = true, .path = "[vvar]" },
};

static const struct pyi_maps maps = {
	.items = (struct pyi_map *)maps_of_all_kinds,
	.count = sizeof(maps_of_all_kinds) / sizeof(maps_of_all_kinds[0]),
};

static void expect(const struct pyi_wire_range *runs, size_t run_count,
		   const struct pyi_payload_range *wanted, size_t wanted_count, uint64_t chunks,
		   uint64_t writable_bytes)
{
	struct pyi_walk_ranges ranges = { 0 };

	assert_null(pyi_walk_ranges_of(&maps, runs, run_count, &ranges));
	assert_int_equal(ranges.count, wanted_count);
	for (size_t r = 0; r < wanted_count; r++) {
		assert_int_equal(ranges.items[r].start_addr, wanted[r].start_addr);
		assert_int_equal(ranges.items[r].end_addr, wanted[r].end_addr);
	}
	assert_int_equal(ranges.chunk_count, chunks);
	assert_int_equal(ranges.writable_bytes, writable_bytes);
	pyi_walk_ranges_deinit(&ranges);
}

static void test_all(void **state)
{
	const struct pyi_payload_range wanted[] = {
		{ 0x1000, 0x5000 },
		{ GIB, 5 * GIB },
		{ 20 * GIB, 60 * GIB },
	};

	(void)state;
	expect(NULL, 0, wanted, 3, 45, 2 * GIB + 0x2000);
}

static void test_runs(void **state)
{
	const struct pyi_wire_range runs[] = {
		{ GIB + 0x200000, GIB + 0x400000 },
		{ GIB + 0x600000, GIB + 0x800000 },
		/* Of two maps, and of a third that is none. */
		{ 3 * GIB - 0x1000, 3 * GIB + 0x1000 },
		{ 5 * GIB - 0x1000, 8 * GIB + 0x1000 },
		{ 40 * GIB, 40 * GIB + 0x200000 },
	};
	const struct pyi_payload_range wanted[] = {
		{ 0x1000, 0x5000 },
		{ GIB + 0x200000, GIB + 0x400000 },
		{ GIB + 0x600000, GIB + 0x800000 },
		{ 3 * GIB - 0x1000, 3 * GIB + 0x1000 },
		{ 5 * GIB - 0x1000, 5 * GIB },
		{ 40 * GIB, 40 * GIB + 0x200000 },
	};

	(void)state;
	expect(runs, 5, wanted, 6, 6, 0x2000 + 0x400000 + 0x1000);
	/* Nothing but the library. */
	expect(runs, 0, wanted, 1, 1, 0x2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
