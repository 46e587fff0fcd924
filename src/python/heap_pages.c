/*
 * Follows thread states, heaps, queues of pages and abandoned segments. Does not look into blocks.
 *
 * Sources: CPython 3.13's Python/gc_free_threading.c gc_visit_heaps_lock_held(),
 * Include/internal/pycore_mimalloc.h, and mimalloc 2.1.2 in it (types.h; segment.c
 * _mi_segment_page_start_from_slice(), mi_abandoned_pop(); heap.c mi_heap_visit_pages()).
 */
#include "python/heap_pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "python/chain.h"

enum {
	/* _Py_MIMALLOC_HEAP_GC, _Py_MIMALLOC_HEAP_GC_PRE */
	FIRST_HEAP = 2,
	HEAPS = 2,
	/* Words in front of an object of the second: its __dict__ and its weak references. */
	PRE_HEADER_BYTES = 16,
	/* ... and of each block that a debug allocator has made (Objects/obmalloc.c). */
	DEBUG_BYTES = 16,
	/* MI_BIN_FULL + 1 */
	QUEUES = 75,
	SLICE_BYTES = 64 << 10,
	SEGMENT_BYTES = 32 << 20,
	SLICES = SEGMENT_BYTES / SLICE_BYTES,
	/* MI_HUGE_BLOCK_SIZE: the block is as large as the page. */
	HUGE_BLOCK_SHIFT = 31,
	/* Small blocks do not begin where the page does. */
	SMALLEST_BYTES = 8,
	THIRD_BYTES = 64,
	SECOND_BYTES = 512,
	/* mi_page_t.tag: four bits, above three flags. */
	TAG_SHIFT = 3,
	TAG_MASK = 15,
	THREAD_FREE_BITS = 3,
	PAGE_LIMIT = 1 << 22,
	PAGE_ROOM = 256,
};

struct search {
	const struct pyi_layout *layout;
	struct pyi_memory_reader *reader;
	uint64_t debug_bytes;
	/* Where an interpreter has what its threads left. */
	uint64_t pool_offset;
	struct pyi_gc_list *pages;
	size_t count;
	size_t capacity;
	bool no_memory;
};

bool pyi_heap_pages_are_used(const struct pyi_runtime *runtime)
{
	return runtime->layout->object_gc_bits != PYI_ABSENT;
}

bool pyi_heap_pages_is_broken(const struct pyi_gc_list *page)
{
	return page->block_bytes == 1;
}

static uint64_t load(struct search *search, uint64_t addr)
{
	return pyi_memory_u64(search->reader, addr);
}

/* False if no more can be taken. */
static bool push(struct search *search, const struct pyi_gc_list *page)
{
	if (search->count >= PAGE_LIMIT ||
	    !pyi_array_reserve(&search->pages, search->count, &search->capacity,
			       sizeof(*search->pages))) {
		search->no_memory |= search->count < PAGE_LIMIT;
		return false;
	}
	search->pages[search->count++] = *page;
	return true;
}

static void push_broken(struct search *search, uint64_t addr)
{
	const struct pyi_gc_list broken = { .head_addr = addr, .block_bytes = 1 };

	/* There is one in the place of the last, too. */
	if (!push(search, &broken) && search->count)
		search->pages[search->count - 1] = broken;
}

static uint64_t segment_of(uint64_t page)
{
	return page & ~(uint64_t)(SEGMENT_BYTES - 1);
}

static uint64_t get64(const uint8_t *page, uint32_t offset)
{
	uint64_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

static uint32_t get32(const uint8_t *page, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

static uint16_t get16(const uint8_t *page, uint32_t offset)
{
	uint16_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

static bool read_page(struct search *search, uint64_t addr, uint8_t page[PAGE_ROOM])
{
	return search->layout->mi_page_size <= PAGE_ROOM &&
	       pyi_memory_try_read(search->reader, addr, page, search->layout->mi_page_size);
}

/* False if it is no page: an entry of its segment that is not in use. */
static bool push_page(struct search *search, uint64_t addr, const uint8_t page[PAGE_ROOM], int heap)
{
	const struct pyi_layout *layout = search->layout;
	uint64_t segment = segment_of(addr);
	uint64_t entry = addr - segment - layout->mi_segment_slices;
	uint64_t block_bytes = get32(page, layout->mi_page_block_size);
	uint64_t start = 0;

	if (addr - segment < layout->mi_segment_slices || entry % layout->mi_page_size ||
	    entry / layout->mi_page_size > SLICES)
		return false;
	if (block_bytes >> HUGE_BLOCK_SHIFT)
		block_bytes = (uint64_t)get32(page, layout->mi_page_slices) * SLICE_BYTES;
	if (block_bytes >= SMALLEST_BYTES && block_bytes <= SECOND_BYTES)
		start = block_bytes <= THIRD_BYTES ? 3 * block_bytes : block_bytes;
	return push(
		search,
		&(struct pyi_gc_list){
			.head_addr = segment + entry / layout->mi_page_size * SLICE_BYTES + start,
			.block_bytes = block_bytes,
			.block_count = get16(page, layout->mi_page_capacity),
			.reserved_count = get16(page, layout->mi_page_reserved),
			.object_offset = search->debug_bytes + (uint64_t)heap * PRE_HEADER_BYTES,
			.free_addrs = {
				get64(page, layout->mi_page_free),
				get64(page, layout->mi_page_local_free),
				get64(page, layout->mi_page_thread_free) &
					~(uint64_t)THREAD_FREE_BITS,
			} });
}

/* Pages of one size of blocks; how many. */
static uint64_t find_in_queue(struct search *search, uint64_t heap_addr, uint64_t queue, int heap)
{
	const struct pyi_layout *layout = search->layout;
	uint64_t addr = load(search, queue + layout->mi_queue_first);
	uint64_t previous = 0;
	uint64_t count = 0;
	uint8_t page[PAGE_ROOM];

	/* It links back, so it leads in no circle. */
	for (; addr; addr = get64(page, layout->mi_page_next)) {
		if (!read_page(search, addr, page) ||
		    get64(page, layout->mi_page_prev) != previous ||
		    get64(page, layout->mi_page_heap) != heap_addr ||
		    !push_page(search, addr, page, heap)) {
			push_broken(search, addr);
			return count;
		}
		/* A thread that ends, or one that takes over what another has left: some of these
		   pages are in neither place. */
		if (load(search, segment_of(addr) + layout->mi_segment_abandoned))
			push_broken(search, addr);
		previous = addr;
		count++;
	}
	return count;
}

static void find_in_thread(struct search *search, uint64_t thread)
{
	const struct pyi_layout *layout = search->layout;
	uint32_t ready = 0;

	if (!pyi_memory_try_read_u32(search->reader, thread + layout->thread_heaps_ready, &ready))
		push_broken(search, thread);
	for (int heap = 0; heap < HEAPS && ready; heap++) {
		uint64_t addr = thread + layout->thread_heaps +
				(uint64_t)(FIRST_HEAP + heap) * layout->mi_heap_size;
		uint64_t count = 0;

		for (uint64_t q = 0; q < QUEUES; q++)
			count += find_in_queue(
				search, addr,
				addr + layout->mi_heap_pages + q * layout->mi_queue_size, heap);
		/* One is about to go from queue to queue. */
		if (count != load(search, addr + layout->mi_heap_page_count))
			push_broken(search, addr);
	}
}

static void find_in_segment(struct search *search, uint64_t segment)
{
	const struct pyi_layout *layout = search->layout;
	uint64_t slices;
	uint64_t count;

	if (!pyi_memory_try_read_u64(search->reader, segment + layout->mi_segment_slice_count,
				     &count) ||
	    count > SLICES) {
		push_broken(search, segment);
		return;
	}
	for (uint64_t s = 0; s < count; s += slices) {
		uint64_t addr = segment + layout->mi_segment_slices + s * layout->mi_page_size;
		uint8_t page[PAGE_ROOM];
		unsigned tag;

		if (!read_page(search, addr, page)) {
			push_broken(search, addr);
			return;
		}
		slices = get32(page, layout->mi_page_slices);
		tag = page[layout->mi_page_tag - 1] >> TAG_SHIFT & TAG_MASK;
		if (!slices) {
			push_broken(search, addr);
			return;
		}
		/* In use: mi_slice_is_used() */
		if (get32(page, layout->mi_page_block_size) && tag >= FIRST_HEAP &&
		    tag < FIRST_HEAP + HEAPS &&
		    !push_page(search, addr, page, (int)tag - FIRST_HEAP))
			push_broken(search, addr);
	}
}

/* False if it leads in a circle, or too far. */
static bool may_follow(struct search *search, struct pyi_chain *chain, uint64_t addr)
{
	if (!pyi_chain_leads_back(chain, addr) && search->count < PAGE_LIMIT && !search->no_memory)
		return true;
	push_broken(search, addr);
	return false;
}

static void find_in_segments(struct search *search, uint64_t segment)
{
	struct pyi_chain chain = { 0 };

	while (segment && may_follow(search, &chain, segment)) {
		if (segment != segment_of(segment)) {
			push_broken(search, segment);
			return;
		}
		find_in_segment(search, segment);
		segment = load(search, segment + search->layout->mi_segment_next);
	}
}

static void find_in_threads(struct search *search, uint64_t interpreter)
{
	const struct pyi_layout *layout = search->layout;
	uint64_t thread = load(search, interpreter + layout->interp_threads_head);
	struct pyi_chain chain = { 0 };

	while (thread && may_follow(search, &chain, thread)) {
		find_in_thread(search, thread);
		thread = load(search, thread + layout->thread_next);
	}
}

/* The thread states of any interpreter say it: there may be none where it is asked for. */
static struct pyi_error *find_pool_offset(struct search *search, const struct pyi_runtime *runtime)
{
	const struct pyi_layout *layout = search->layout;
	struct pyi_interpreters all;
	struct pyi_error *error = pyi_interpreters_list(runtime, search->reader, &all);

	if (error)
		return error;
	/* The last one is the main interpreter. */
	for (size_t i = all.count; i-- && search->pool_offset == UINT64_MAX;) {
		uint64_t thread = load(search, all.addr[i] + layout->interp_threads_head);
		struct pyi_chain chain = { 0 };
		uint32_t ready;

		while (thread && may_follow(search, &chain, thread)) {
			if (pyi_memory_try_read_u32(search->reader,
						    thread + layout->thread_heaps_ready, &ready) &&
			    ready) {
				search->pool_offset =
					load(search, thread + layout->thread_abandoned) -
					all.addr[i];
				break;
			}
			thread = load(search, thread + layout->thread_next);
		}
	}
	return NULL;
}

/* Threads that have ended leave what they had to their interpreter, which may have no other. */
static void find_in_pool(struct search *search, uint64_t interpreter)
{
	const struct pyi_layout *layout = search->layout;
	uint64_t pool = interpreter + search->pool_offset;

	if (search->pool_offset >= layout->interp_size) {
		push_broken(search, interpreter);
		return;
	}
	find_in_segments(search, segment_of(load(search, pool + layout->mi_pool_abandoned)));
	find_in_segments(search, load(search, pool + layout->mi_pool_visited));
}

struct pyi_error *pyi_heap_pages_find(const struct pyi_runtime *runtime,
				      struct pyi_memory_reader *reader,
				      const struct pyi_interpreters *interpreters,
				      struct pyi_gc_list **ret_pages, size_t *ret_count)
{
	struct search search = {
		.layout = runtime->layout,
		.reader = reader,
		.pool_offset = UINT64_MAX,
	};
	struct pyi_error *error = find_pool_offset(&search, runtime);
	uint32_t debugs;

	if (error)
		return error;
	if (runtime->layout->runtime_debug_allocator != PYI_ABSENT &&
	    pyi_memory_try_read_u32(
		    reader, runtime->addr + runtime->layout->runtime_debug_allocator, &debugs) &&
	    debugs)
		search.debug_bytes = DEBUG_BYTES;
	for (size_t i = 0; i < interpreters->count; i++)
		find_in_threads(&search, interpreters->addr[i]);
	for (size_t i = 0; i < interpreters->count; i++)
		find_in_pool(&search, interpreters->addr[i]);
	if (search.no_memory) {
		free(search.pages);
		return pyi_error_no_memory();
	}
	*ret_pages = search.pages;
	*ret_count = search.count;
	return NULL;
}
