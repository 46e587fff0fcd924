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

static bool add_bit(uint64_t *bits, uint64_t addr)
{
	uint64_t granule = (addr & (CHUNK_BYTES - 1)) >> GRANULE_SHIFT;
	uint64_t bit = UINT64_C(1) << granule % WORD_BITS;
	uint64_t *word = &bits[granule / WORD_BITS];

	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

bool pyi_marks_set(struct pyi_walk *walk, uint64_t addr)
{
	return add_bit(chunk_of(walk, addr)->marks, addr);
}

/* Without touching pages that were never written. */
static void clear(uint64_t *bits)
{
	for (uint64_t w = 0; w < MARKS_BYTES / sizeof(*bits); w++)
		if (bits[w])
			bits[w] = 0;
}

void pyi_marks_clear(struct pyi_walk *walk)
{
	for (uint64_t c = 0; c < walk->chunk_count; c++)
		clear(walk->chunks[c].marks);
}

bool pyi_sets_init(struct pyi_walk *walk, int count)
{
	for (uint64_t c = 0; c < walk->chunk_count; c++) {
		for (int s = 0; s < count; s++) {
			walk->chunks[c].sets[s] = pyi_walk_allocate(walk, MARKS_BYTES);
			if (!walk->chunks[c].sets[s])
				return false;
		}
	}
	return true;
}

bool pyi_set_has(const struct pyi_walk *walk, int set, uint64_t addr)
{
	const struct pyi_chunk *chunk = chunk_of(walk, addr);
	uint64_t granule = (addr & (CHUNK_BYTES - 1)) >> GRANULE_SHIFT;

	return chunk && chunk->sets[set][granule / WORD_BITS] >> granule % WORD_BITS & 1;
}

bool pyi_set_add(struct pyi_walk *walk, int set, uint64_t addr)
{
	return add_bit(chunk_of(walk, addr)->sets[set], addr);
}

void pyi_sets_shift(struct pyi_walk *walk)
{
	for (uint64_t c = 0; c < walk->chunk_count; c++) {
		uint64_t *old = walk->chunks[c].sets[0];

		walk->chunks[c].sets[0] = walk->chunks[c].sets[1];
		walk->chunks[c].sets[1] = old;
		clear(old);
	}
}
