/*
 * Which memory can be read, and which objects have been seen: two bitmaps a GiB. Does not
 * look into the memory itself.
 */
#include "state.h"

enum {
	CHUNK_SHIFT = PYI_CHUNK_SHIFT,
	ADDRESS_BITS = 48,
	/* No kernel has smaller pages: those of larger ones are all set. */
	PAGE_SHIFT = 12,
	GRANULE_SHIFT = 4,
	OBJECT_ALIGNMENT = 8,
	WORD_BITS = 64,
};
#define DIRECTORY_ENTRIES (UINT64_C(1) << (ADDRESS_BITS - CHUNK_SHIFT))
#define CHUNK_BYTES (UINT64_C(1) << CHUNK_SHIFT)
#define READABLE_BYTES (CHUNK_BYTES >> PAGE_SHIFT >> 3)
#define MARKS_BYTES (CHUNK_BYTES >> GRANULE_SHIFT >> 3)

void *pyi_walk_allocate(struct pyi_walk *walk, uint64_t size_bytes)
{
	uint64_t addr = (walk->arena_next + 63) & ~UINT64_C(63);

	if (addr > walk->arena_end || walk->arena_end - addr < size_bytes)
		return NULL;
	walk->arena_next = addr + size_bytes;
	return (void *)(uintptr_t)addr;
}

static struct pyi_chunk *chunk_of(const struct pyi_walk *walk, uint64_t addr)
{
	uint32_t index;

	if (addr >> ADDRESS_BITS)
		return NULL;
	index = walk->directory[addr >> CHUNK_SHIFT];
	return index ? &walk->chunks[index - 1] : NULL;
}

static void set_pages(struct pyi_chunk *chunk, uint64_t first, uint64_t end)
{
	for (uint64_t page = first; page < end;) {
		if (page % WORD_BITS == 0 && end - page >= WORD_BITS) {
			chunk->readable[page / WORD_BITS] = UINT64_MAX;
			page += WORD_BITS;
		} else {
			chunk->readable[page / WORD_BITS] |= UINT64_C(1) << page % WORD_BITS;
			page++;
		}
	}
}

PYI_SELDOM bool pyi_marks_init(struct pyi_walk *walk)
{
	const struct pyi_payload_range *ranges =
		(const struct pyi_payload_range *)(uintptr_t)walk->arguments->ranges_addr;
	uint64_t last_chunk = UINT64_MAX;
	uint64_t chunk_count = 0;

	walk->directory = pyi_walk_allocate(walk, DIRECTORY_ENTRIES * sizeof(walk->directory[0]));
	if (!walk->directory)
		return false;
	for (uint64_t r = 0; r < walk->arguments->range_count; r++) {
		if (ranges[r].end_addr >> ADDRESS_BITS ||
		    ranges[r].start_addr >= ranges[r].end_addr)
			continue;
		for (uint64_t chunk = ranges[r].start_addr >> CHUNK_SHIFT;
		     chunk <= (ranges[r].end_addr - 1) >> CHUNK_SHIFT; chunk++) {
			if (chunk == last_chunk || walk->directory[chunk])
				continue;
			walk->directory[chunk] = (uint32_t)++chunk_count;
			last_chunk = chunk;
		}
	}
	walk->chunk_count = chunk_count;
	walk->chunks = pyi_walk_allocate(walk, chunk_count * sizeof(walk->chunks[0]));
	if (!walk->chunks)
		return false;
	for (uint64_t c = 0; c < chunk_count; c++) {
		walk->chunks[c].readable = pyi_walk_allocate(walk, READABLE_BYTES);
		walk->chunks[c].marks = pyi_walk_allocate(walk, MARKS_BYTES);
		if (!walk->chunks[c].readable || !walk->chunks[c].marks)
			return false;
	}
	for (uint64_t r = 0; r < walk->arguments->range_count; r++) {
		uint64_t addr = ranges[r].start_addr;

		while (addr < ranges[r].end_addr) {
			struct pyi_chunk *chunk = chunk_of(walk, addr);
			uint64_t chunk_end = (addr | (CHUNK_BYTES - 1)) + 1;
			uint64_t end =
				ranges[r].end_addr < chunk_end ? ranges[r].end_addr : chunk_end;

			if (!chunk)
				break;
			set_pages(chunk, (addr & (CHUNK_BYTES - 1)) >> PAGE_SHIFT,
				  (((end - 1) & (CHUNK_BYTES - 1)) >> PAGE_SHIFT) + 1);
			addr = end;
		}
	}
	return true;
}

bool pyi_marks_is_readable(const struct pyi_walk *walk, uint64_t addr)
{
	const struct pyi_chunk *chunk = chunk_of(walk, addr);
	uint64_t page = (addr & (CHUNK_BYTES - 1)) >> PAGE_SHIFT;

	return chunk && addr % OBJECT_ALIGNMENT == 0 &&
	       chunk->readable[page / WORD_BITS] >> page % WORD_BITS & 1;
}

bool pyi_marks_set(struct pyi_walk *walk, uint64_t addr)
{
	uint64_t granule = (addr & (CHUNK_BYTES - 1)) >> GRANULE_SHIFT;
	uint64_t bit = UINT64_C(1) << granule % WORD_BITS;
	uint64_t *word = &chunk_of(walk, addr)->marks[granule / WORD_BITS];

	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}
