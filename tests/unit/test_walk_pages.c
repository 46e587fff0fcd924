/*
 * Tests of payloads/pages.c: objects that are in pages, not on lists, of builds without a GIL.
 *
 * A block counts if it is on no list of free ones and its object is tracked; a page that makes no
 * sense is said to be broken, and the others are walked all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "walk_fixture.h"

enum {
	BLOCK_BYTES = 80,
	BLOCKS = 100,
	/* Of them the last ones were never in use. */
	CAPACITY = 90,
	IN_FRONT = 16,
	HEAP_BYTES = 1 << 18,
};

struct pages {
	struct invented_heap heap;
	struct pyi_gc_list pages[2];
	uint64_t text;
};

static void set_bits(const struct pages *fixture, uint64_t object, uint8_t bits)
{
	*(uint8_t *)pointer_to(object + fixture->heap.layout.object_gc_bits) = bits;
}

static uint64_t block_of(const struct pages *fixture, int page, uint64_t index)
{
	return fixture->pages[page].head_addr + index * BLOCK_BYTES;
}

static uint64_t object_of(const struct pages *fixture, int page, uint64_t index)
{
	return block_of(fixture, page, index) + fixture->pages[page].object_offset;
}

static void fill(struct pages *fixture, int page, uint64_t object_offset)
{
	fixture->pages[page] = (struct pyi_gc_list){
		.head_addr = invented_raw(&fixture->heap, BLOCKS * BLOCK_BYTES),
		.block_bytes = BLOCK_BYTES,
		.block_count = CAPACITY,
		.reserved_count = BLOCKS,
		.object_offset = object_offset,
	};
	for (uint64_t b = 0; b < CAPACITY; b++) {
		uint64_t object = object_of(fixture, page, b);

		invented_set(object + fixture->heap.layout.object_type, fixture->heap.node_type);
		invented_node_set(&fixture->heap, object, fixture->text);
		set_bits(fixture, object, PYI_GC_BIT_TRACKED);
	}
}

static int set_up(void **state)
{
	struct pages *fixture = calloc(1, sizeof(*fixture));
	struct pyi_layout layout;

	invented_layout_init(&layout);
	layout.gc_head_size = 0;
	layout.gc_head_next = 0;
	layout.object_gc_bits = 17;
	layout.object_ref_local = 0;
	layout.object_ref_shared = 0;
	invented_heap_create(&fixture->heap, &layout, HEAP_BYTES);
	fixture->text = invented_str(&fixture->heap, "x");
	fill(fixture, 0, 0);
	fill(fixture, 1, IN_FRONT);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct pages *fixture = *state;

	invented_heap_destroy(&fixture->heap);
	free(fixture);
	return 0;
}

/* The blocks first, first + step, ... become a list of free ones. */
static void set_free(struct pages *fixture, int page, int list, uint64_t first, uint64_t step,
		     uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		invented_set(block_of(fixture, page, first + i * step),
			     i + 1 < count ? block_of(fixture, page, first + (i + 1) * step) : 0);
	fixture->pages[page].free_addrs[list] = block_of(fixture, page, first);
}

static void expect(struct pages *fixture, uint64_t flags, uint64_t nodes, uint64_t frozen,
		   uint64_t broken)
{
	struct invented_run run;

	invented_census(&fixture->heap,
			&(struct invented_request){
				.flags = flags, .lists = fixture->pages, .list_count = 2 },
			&run);
	assert_int_equal(run.status, PYI_PAYLOAD_OK);
	assert_int_equal(run.result.summary.broken_lists, broken);
	assert_int_equal(run.result.summary.trouble, broken ? PYI_TROUBLE_LIST : PYI_TROUBLE_NONE);
	assert_int_equal(run.result.summary.skipped_objects, 0);
	assert_int_equal(run.result.summary.frozen_objects, frozen);
	assert_int_equal(run.result.summary.tracked_objects, nodes - frozen);
	assert_int_equal(invented_run_find(&run, fixture->heap.node_type).count,
			 flags & PYI_CENSUS_ALL ? nodes : nodes - frozen);
	if (flags & PYI_CENSUS_ALL)
		assert_int_equal(invented_run_find(&run, fixture->heap.str_type).count, 1);
	invented_run_deinit(&run);
}

static void expect_both(struct pages *fixture, uint64_t nodes, uint64_t frozen, uint64_t broken)
{
	expect(fixture, 0, nodes, frozen, broken);
	expect(fixture, PYI_CENSUS_ALL, nodes, frozen, broken);
}

static void test_full(void **state)
{
	expect_both(*state, UINT64_C(2) * CAPACITY, 0, 0);
}

static void test_free_lists(void **state)
{
	struct pages *fixture = *state;

	set_free(fixture, 0, 0, 3, 4, 20);
	set_free(fixture, 0, 1, 88, 1, 1);
	set_free(fixture, 1, 2, 0, 1, CAPACITY);
	expect_both(fixture, CAPACITY - 21, 0, 0);
}

/* A thread was stopped as it took more of a page into use. */
static void test_free_behind_those_in_use(void **state)
{
	struct pages *fixture = *state;

	set_free(fixture, 0, 0, CAPACITY - 1, 1, BLOCKS - CAPACITY + 1);
	expect_both(fixture, UINT64_C(2) * CAPACITY - 1, 0, 0);
}

static void test_bits(void **state)
{
	struct pages *fixture = *state;

	set_bits(fixture, object_of(fixture, 0, 5), 0);
	set_bits(fixture, object_of(fixture, 0, 6), PYI_GC_BIT_DEFERRED);
	set_bits(fixture, object_of(fixture, 1, 7), PYI_GC_BIT_TRACKED | PYI_GC_BIT_FROZEN);
	set_bits(fixture, object_of(fixture, 1, 8), PYI_GC_BIT_TRACKED | PYI_GC_BIT_DEFERRED);
	expect_both(fixture, UINT64_C(2) * CAPACITY - 2, 1, 0);
}

/* Each is refused as a whole, before anything of it is counted. */
static void test_broken(void **state)
{
	struct pages *fixture = *state;
	const struct pyi_gc_list sound = fixture->pages[0];
	struct pyi_gc_list *page = &fixture->pages[0];
	const struct pyi_gc_list broken[] = {
		{ .head_addr = sound.head_addr, .block_bytes = 1 },
		{ .head_addr = sound.head_addr,
		  .block_bytes = 20,
		  .block_count = 3,
		  .reserved_count = 3 },
		{ .head_addr = sound.head_addr,
		  .block_bytes = BLOCK_BYTES,
		  .block_count = 3,
		  .reserved_count = 2 },
		{ .head_addr = fixture->heap.range.end_addr,
		  .block_bytes = BLOCK_BYTES,
		  .block_count = 1,
		  .reserved_count = 1 },
		{ .head_addr = sound.head_addr,
		  .block_bytes = UINT64_C(1) << 62,
		  .block_count = 4,
		  .reserved_count = 4 },
		{ .head_addr = sound.head_addr,
		  .block_bytes = HEAP_BYTES,
		  .block_count = 2,
		  .reserved_count = 2 },
		{ .head_addr = sound.head_addr,
		  .block_bytes = 16,
		  .block_count = 1,
		  .reserved_count = (1 << 16) + 1 },
	};

	for (size_t b = 0; b < sizeof(broken) / sizeof(broken[0]); b++) {
		*page = broken[b];
		expect_both(fixture, CAPACITY, 0, 1);
	}
	*page = sound;
	/* A list in a circle; one into a block; out of the page; to where nothing is mapped. */
	set_free(fixture, 0, 0, 3, 4, 3);
	invented_set(block_of(fixture, 0, 11), block_of(fixture, 0, 3));
	expect_both(fixture, CAPACITY, 0, 1);
	invented_set(block_of(fixture, 0, 11), block_of(fixture, 0, 12) + 8);
	expect_both(fixture, CAPACITY, 0, 1);
	invented_set(block_of(fixture, 0, 11), block_of(fixture, 0, BLOCKS));
	expect_both(fixture, CAPACITY, 0, 1);
	invented_set(block_of(fixture, 0, 11), fixture->heap.range.end_addr);
	expect_both(fixture, CAPACITY, 0, 1);
	/* On two lists. */
	set_free(fixture, 0, 0, 3, 4, 3);
	set_free(fixture, 0, 1, 7, 4, 1);
	expect_both(fixture, CAPACITY, 0, 1);
}

/* A block that is in use, and whose object has no type: the others are counted. */
static void test_no_object(void **state)
{
	struct pages *fixture = *state;
	struct invented_run run;

	invented_set(object_of(fixture, 0, 9) + fixture->heap.layout.object_type, 0x10);
	invented_census(&fixture->heap,
			&(struct invented_request){ .lists = fixture->pages, .list_count = 2 },
			&run);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_OBJECT);
	assert_int_equal(run.result.summary.skipped_objects, 1);
	assert_int_equal(run.result.summary.tracked_objects, 2 * CAPACITY - 1);
	invented_run_deinit(&run);
}

/* Where there are no pages, none is believed. */
static void test_pages_in_another_layout(void **state)
{
	struct pages *fixture = *state;

	fixture->heap.layout.object_gc_bits = PYI_ABSENT;
	expect(fixture, 0, 0, 0, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_free_lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_free_behind_those_in_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_object, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pages_in_another_layout, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
