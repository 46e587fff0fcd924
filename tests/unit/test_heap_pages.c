/*
 * Tests of src/python/heap_pages.c: pages of objects are found where thread states and segments
 * say, and whatever they say, the search ends, and says what it could not believe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "python/heap_pages.h"
#include "python/layouts.h"

enum {
	SEGMENT_BYTES = 32 << 20,
	SLICE_BYTES = 64 << 10,
	MEMORY_BYTES = 4 * SEGMENT_BYTES,
	/* In the first of these parts; the others are segments. */
	RUNTIME_AT = 0,
	INTERPRETER_AT = 1 << 20,
	THREAD_AT = 2 << 20,
	OTHER_THREAD_AT = 3 << 20,
	POOL_AT = 4096,
	TAG_SHIFT = 3,
	BLOCK_BYTES = 48,
};
#define MEMORY_ADDR UINT64_C(0x7f0000000000)
#define INTERPRETER (MEMORY_ADDR + INTERPRETER_AT)
#define THREAD (MEMORY_ADDR + THREAD_AT)
#define OTHER_THREAD (MEMORY_ADDR + OTHER_THREAD_AT)

struct fixture {
	struct pyi_runtime runtime;
	struct pyi_memory_reader *reader;
	struct pyi_interpreters interpreters;
	uint8_t *memory;
	struct pyi_gc_list *pages;
	size_t count;
	size_t broken;
};

static const struct pyi_layout *find_layout(void)
{
	for (size_t i = 0; i < pyi_known_layout_count; i++)
		if (pyi_known_layouts[i].layout.object_gc_bits != PYI_ABSENT)
			return &pyi_known_layouts[i].layout;
	return NULL;
}

static void put(struct fixture *fixture, uint64_t addr, uint64_t value, size_t size_bytes)
{
	assert_true(addr - MEMORY_ADDR <= MEMORY_BYTES - size_bytes);
	memcpy(fixture->memory + (addr - MEMORY_ADDR), &value, size_bytes);
}

static void put64(struct fixture *fixture, uint64_t addr, uint64_t value)
{
	put(fixture, addr, value, sizeof(value));
}

static uint64_t segment(int number)
{
	return MEMORY_ADDR + (uint64_t)number * SEGMENT_BYTES;
}

static uint64_t page_in(const struct fixture *fixture, int number, uint64_t slice)
{
	const struct pyi_layout *layout = fixture->runtime.layout;

	return segment(number) + layout->mi_segment_slices + slice * layout->mi_page_size;
}

static uint64_t heap_of(const struct fixture *fixture, uint64_t thread, int tag)
{
	const struct pyi_layout *layout = fixture->runtime.layout;

	return thread + layout->thread_heaps + (uint64_t)tag * layout->mi_heap_size;
}

static void make_page(struct fixture *fixture, uint64_t page, int tag, uint64_t block_bytes)
{
	const struct pyi_layout *layout = fixture->runtime.layout;

	put(fixture, page + layout->mi_page_slices, 1, 4);
	put(fixture, page + layout->mi_page_tag - 1, (uint64_t)tag << TAG_SHIFT | 7, 1);
	put(fixture, page + layout->mi_page_capacity, 100, 2);
	put(fixture, page + layout->mi_page_reserved, 200, 2);
	put(fixture, page + layout->mi_page_block_size, block_bytes, 4);
	put64(fixture, page + layout->mi_page_free, 0x1110);
	put64(fixture, page + layout->mi_page_local_free, 0x2220);
	put64(fixture, page + layout->mi_page_thread_free, 0x3330 | 2);
}

/* The only page of a queue. */
static void put_in_queue(struct fixture *fixture, uint64_t page, uint64_t heap, uint64_t queue)
{
	const struct pyi_layout *layout = fixture->runtime.layout;

	put64(fixture, page + layout->mi_page_heap, heap);
	put64(fixture,
	      heap + layout->mi_heap_pages + queue * layout->mi_queue_size + layout->mi_queue_first,
	      page);
	put64(fixture, heap + layout->mi_heap_page_count, 1);
}

static void make_thread(struct fixture *fixture, uint64_t thread)
{
	const struct pyi_layout *layout = fixture->runtime.layout;

	put(fixture, thread + layout->thread_heaps_ready, 1, 4);
	put64(fixture, thread + layout->thread_abandoned, INTERPRETER + POOL_AT);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct pyi_layout *layout = find_layout();

	if (!layout) {
		*state = NULL;
		free(fixture);
		return 0;
	}
	fixture->runtime.layout = layout;
	fixture->runtime.addr = MEMORY_ADDR + RUNTIME_AT;
	fixture->memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(fixture->memory != MAP_FAILED);
	assert_null(pyi_memory_reader_create_mock(fixture->memory, MEMORY_BYTES, MEMORY_ADDR,
						  &fixture->reader));
	put64(fixture, fixture->runtime.addr + layout->runtime_interpreters_head, INTERPRETER);
	put64(fixture, INTERPRETER + layout->interp_threads_head, THREAD);
	fixture->interpreters.addr[0] = INTERPRETER;
	fixture->interpreters.count = 1;
	make_thread(fixture, THREAD);
	make_page(fixture, page_in(fixture, 1, 2), 2, BLOCK_BYTES);
	put_in_queue(fixture, page_in(fixture, 1, 2), heap_of(fixture, THREAD, 2), 6);
	make_page(fixture, page_in(fixture, 1, 5), 3, 128);
	put_in_queue(fixture, page_in(fixture, 1, 5), heap_of(fixture, THREAD, 3), 74);
	/* Of a thread that has ended: itself, memory that is not of objects, a free slice, objects.
	 */
	put64(fixture, INTERPRETER + POOL_AT + layout->mi_pool_abandoned, segment(2) | 5);
	put64(fixture, segment(2) + layout->mi_segment_slice_count, 4);
	put64(fixture, segment(2) + layout->mi_segment_abandoned, 2);
	make_page(fixture, page_in(fixture, 2, 0), 0, 0);
	make_page(fixture, page_in(fixture, 2, 1), 0, 1024);
	make_page(fixture, page_in(fixture, 2, 2), 0, 0);
	make_page(fixture, page_in(fixture, 2, 3), 3, 2048);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (!fixture)
		return 0;
	pyi_memory_reader_destroy(fixture->reader);
	munmap(fixture->memory, MEMORY_BYTES);
	free(fixture->pages);
	free(fixture);
	return 0;
}

/* Skips where no such row is known. */
static struct fixture *fixture_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void find(struct fixture *fixture)
{
	free(fixture->pages);
	fixture->pages = NULL;
	assert_null(pyi_heap_pages_find(&fixture->runtime, fixture->reader, &fixture->interpreters,
					&fixture->pages, &fixture->count));
	fixture->broken = 0;
	for (size_t p = 0; p < fixture->count; p++)
		fixture->broken += pyi_heap_pages_is_broken(&fixture->pages[p]);
}

static void expect(struct fixture *fixture, size_t sound, size_t broken)
{
	find(fixture);
	assert_int_equal(fixture->broken, broken);
	assert_int_equal(fixture->count - fixture->broken, sound);
}

static void expect_page(const struct pyi_gc_list *page, uint64_t first, uint64_t block_bytes,
			uint64_t object_offset)
{
	assert_int_equal(page->head_addr, first);
	assert_int_equal(page->block_bytes, block_bytes);
	assert_int_equal(page->block_count, 100);
	assert_int_equal(page->reserved_count, 200);
	assert_int_equal(page->object_offset, object_offset);
	assert_int_equal(page->free_addrs[0], 0x1110);
	assert_int_equal(page->free_addrs[1], 0x2220);
	assert_int_equal(page->free_addrs[2], 0x3330);
}

static void test_found(void **state)
{
	struct fixture *fixture = fixture_of(state);
	const struct pyi_layout *layout = fixture->runtime.layout;

	expect(fixture, 3, 0);
	expect_page(&fixture->pages[0], segment(1) + 2 * SLICE_BYTES + 3 * BLOCK_BYTES, BLOCK_BYTES,
		    0);
	expect_page(&fixture->pages[1], segment(1) + 5 * SLICE_BYTES + 128, 128, 16);
	expect_page(&fixture->pages[2], segment(2) + 3 * SLICE_BYTES, 2048, 16);
	/* One that is as large as its page; two words in front of each block. */
	put(fixture, page_in(fixture, 2, 3) + layout->mi_page_block_size, UINT32_C(1) << 31, 4);
	put(fixture, fixture->runtime.addr + layout->runtime_debug_allocator, 1, 4);
	expect(fixture, 3, 0);
	expect_page(&fixture->pages[0], segment(1) + 2 * SLICE_BYTES + 3 * BLOCK_BYTES, BLOCK_BYTES,
		    16);
	expect_page(&fixture->pages[2], segment(2) + 3 * SLICE_BYTES, SLICE_BYTES, 32);
}

/* An interpreter whose threads have all ended: where its pool is another one says. */
static void test_no_thread(void **state)
{
	struct fixture *fixture = fixture_of(state);
	const struct pyi_layout *layout = fixture->runtime.layout;
	const uint64_t other = MEMORY_ADDR + 8 * (UINT64_C(1) << 20);

	put64(fixture, INTERPRETER + layout->interp_next, other);
	put64(fixture, other + layout->interp_threads_head, THREAD);
	put64(fixture, THREAD + layout->thread_abandoned, other + POOL_AT);
	put64(fixture, INTERPRETER + layout->interp_threads_head, 0);
	expect(fixture, 1, 0);
	put64(fixture, other + layout->interp_threads_head, 0);
	expect(fixture, 0, 1);
}

/* One that has just been made has no heaps. */
static void test_thread_begins(void **state)
{
	struct fixture *fixture = fixture_of(state);
	const struct pyi_layout *layout = fixture->runtime.layout;

	put64(fixture, THREAD + layout->thread_next, OTHER_THREAD);
	expect(fixture, 3, 0);
	put(fixture, OTHER_THREAD + layout->thread_heaps_ready, 1, 4);
	put64(fixture,
	      heap_of(fixture, OTHER_THREAD, 2) + layout->mi_heap_pages + layout->mi_queue_first,
	      page_in(fixture, 1, 2));
	put64(fixture, heap_of(fixture, OTHER_THREAD, 2) + layout->mi_heap_page_count, 1);
	/* A page of another thread, and so none of this one. */
	expect(fixture, 3, 2);
}

/* Changes one word, and puts it back. */
static void expect_with(struct fixture *fixture, uint64_t addr, uint64_t value, size_t sound,
			size_t broken)
{
	uint64_t before;

	memcpy(&before, fixture->memory + (addr - MEMORY_ADDR), sizeof(before));
	put64(fixture, addr, value);
	expect(fixture, sound, broken);
	put64(fixture, addr, before);
}

static void test_broken_queues(void **state)
{
	struct fixture *fixture = fixture_of(state);
	const struct pyi_layout *layout = fixture->runtime.layout;
	uint64_t heap = heap_of(fixture, THREAD, 2);
	uint64_t first =
		heap + layout->mi_heap_pages + 6 * layout->mi_queue_size + layout->mi_queue_first;
	uint64_t page = page_in(fixture, 1, 2);

	expect_with(fixture, heap + layout->mi_heap_page_count, 2, 3, 1);
	expect_with(fixture, first, 0, 2, 1);
	/* Not mapped; not in the table of its segment; not at the beginning of an entry. */
	expect_with(fixture, first, 0x1000, 2, 2);
	expect_with(fixture, first, segment(1), 2, 2);
	expect_with(fixture, first, page + 8, 2, 2);
	expect_with(fixture, page + layout->mi_page_prev, page, 2, 2);
	expect_with(fixture, page + layout->mi_page_heap, heap + 8, 2, 2);
	/* To itself, which does not link back. */
	expect_with(fixture, page + layout->mi_page_next, page, 3, 1);
	/* On its way from one heap to another. */
	expect_with(fixture, segment(1) + layout->mi_segment_abandoned, 1, 3, 2);
	expect(fixture, 3, 0);
}

static void test_circles(void **state)
{
	struct fixture *fixture = fixture_of(state);
	const struct pyi_layout *layout = fixture->runtime.layout;

	put64(fixture, THREAD + layout->thread_next, OTHER_THREAD);
	make_thread(fixture, OTHER_THREAD);
	put64(fixture, OTHER_THREAD + layout->thread_next, THREAD);
	find(fixture);
	assert_int_equal(fixture->broken, 1);
	assert_true(fixture->count < 12);
	put64(fixture, THREAD + layout->thread_next, 0);
	put64(fixture, segment(2) + layout->mi_segment_next, segment(3));
	put64(fixture, segment(3) + layout->mi_segment_next, segment(2));
	find(fixture);
	assert_int_equal(fixture->broken, 1);
	assert_true(fixture->count < 12);
}

static void test_broken_segments(void **state)
{
	struct fixture *fixture = fixture_of(state);
	const struct pyi_layout *layout = fixture->runtime.layout;
	uint64_t count = segment(2) + layout->mi_segment_slice_count;
	uint64_t pool = INTERPRETER + POOL_AT;

	expect_with(fixture, count, UINT64_C(1) << 40, 2, 1);
	/* An entry without slices would be looked at for ever. */
	expect_with(fixture, page_in(fixture, 2, 1) + layout->mi_page_slices, 0, 2, 1);
	expect_with(fixture, pool + layout->mi_pool_visited, segment(3) + 64, 3, 1);
	expect_with(fixture, pool + layout->mi_pool_abandoned, UINT64_C(1) << 60, 2, 1);
	expect_with(fixture, THREAD + layout->thread_abandoned, 0x1000, 2, 1);
	expect_with(fixture, THREAD + layout->thread_abandoned, INTERPRETER + layout->interp_size,
		    2, 1);
	expect(fixture, 3, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_thread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_thread_begins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_queues, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_circles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_segments, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
