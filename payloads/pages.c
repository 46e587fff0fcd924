/*
 * Pages of mimalloc, which objects are in where there are no lists of the collector: which of their
 * blocks are in use, and hold a tracked object. Does not find the pages: the host does.
 *
 * Sources: CPython's Python/gc_free_threading.c op_from_block(), Objects/mimalloc/heap.c
 * _mi_heap_area_visit_blocks(), of 3.13.
 */
#include "state.h"

enum {
	/* uint16_t in mi_page_t */
	BLOCK_LIMIT = 1 << 16,
	WORD_BITS = 64,
	FREE_WORDS = BLOCK_LIMIT / WORD_BITS,
	/* Room for the smallest object. */
	LEAST_BYTES = 16,
};

PYI_SELDOM bool pyi_pages_init(struct pyi_walk *walk)
{
	if (!pyi_has(walk->layout->object_gc_bits))
		return true;
	walk->free_blocks = pyi_walk_allocate(walk, FREE_WORDS * sizeof(*walk->free_blocks));
	return walk->free_blocks;
}

/* The free blocks of one list; false if it leaves the page, or comes back to a block. */
static bool mark_free(struct pyi_walk *walk, const struct pyi_gc_list *page, uint64_t block)
{
	while (block) {
		uint64_t offset = block - page->head_addr;
		uint64_t index = offset / page->block_bytes;
		uint64_t bit = UINT64_C(1) << index % WORD_BITS;

		if (block < page->head_addr || offset % page->block_bytes ||
		    index >= page->reserved_count || walk->free_blocks[index / WORD_BITS] & bit)
			return false;
		walk->free_blocks[index / WORD_BITS] |= bit;
		block = pyi_load64(block);
	}
	return true;
}

bool pyi_page_begin(struct pyi_walk *walk, const struct pyi_gc_list *page)
{
	uint64_t last;

	if (!walk->free_blocks || page->block_bytes < LEAST_BYTES ||
	    page->block_bytes % PYI_POINTER_BYTES || page->block_bytes > PYI_SIZE_LIMIT ||
	    page->block_count > page->reserved_count || page->reserved_count > BLOCK_LIMIT)
		return false;
	last = page->head_addr +
	       (page->block_count ? page->block_count - 1 : 0) * page->block_bytes;
	if (!pyi_marks_is_readable(walk, page->head_addr) || last < page->head_addr ||
	    !pyi_marks_is_readable(walk, last))
		return false;
	for (uint64_t w = 0; w < FREE_WORDS && w * WORD_BITS < page->reserved_count; w++)
		walk->free_blocks[w] = 0;
	for (int f = 0; f < PYI_FREE_LISTS; f++)
		if (!mark_free(walk, page, page->free_addrs[f]))
			return false;
	walk->block = 0;
	return true;
}

uint64_t pyi_page_next(struct pyi_walk *walk, const struct pyi_gc_list *page)
{
	while (walk->block < page->block_count) {
		uint64_t index = walk->block;
		uint64_t object = page->head_addr + index * page->block_bytes + page->object_offset;
		uint8_t bits;

		/* Taken before it is looked at: a fault must not bring it back. */
		*(volatile uint64_t *)&walk->block = index + 1;
		if (walk->free_blocks[index / WORD_BITS] >> index % WORD_BITS & 1 ||
		    !pyi_marks_is_readable(walk, object))
			continue;
		bits = pyi_load8(object + walk->layout->object_gc_bits);
		if (!(bits & PYI_GC_BIT_TRACKED))
			continue;
		walk->frozen = bits & PYI_GC_BIT_FROZEN;
		walk->previous = object;
		return object;
	}
	return 0;
}
