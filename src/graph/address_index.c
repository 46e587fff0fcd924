/*
 * Room for what is added, sealing, and the way back. Adding and the way there are inline, in the
 * header.
 */
#include "graph/address_index.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/array.h"

enum {
	DIRECTORY_SLOTS = 1 << (PYI_INDEX_ADDRESS_BITS - PYI_INDEX_TABLE_SHIFT),
	DIRECTORY_BYTES = DIRECTORY_SLOTS * sizeof(void *),
	SLAB_CHUNKS = 512,
};

struct pyi_error *pyi_address_index_init(struct pyi_address_index *index,
					 struct pyi_graph_space *space)
{
	void *directory;

	*index = (struct pyi_address_index){ .space = space };
	/* Few of its pages are touched; malloc() clears all of them once it has had some back. */
	directory = mmap(NULL, DIRECTORY_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (directory == MAP_FAILED)
		return pyi_error_no_memory();
	index->directory = directory;
	return NULL;
}

void pyi_address_index_deinit(struct pyi_address_index *index)
{
	const uint64_t slab_bytes = SLAB_CHUNKS * sizeof(struct pyi_index_chunk);

	for (size_t t = 0; t < index->table_count; t++) {
		free(index->directory[index->tables[t]]);
		index->space->held_bytes -= sizeof(struct pyi_index_table);
	}
	for (size_t s = 0; s < index->slab_count; s++)
		pyi_graph_space_unmap(index->space, index->slabs[s], slab_bytes);
	if (index->directory)
		munmap(index->directory, DIRECTORY_BYTES);
	free(index->tables);
	free(index->slabs);
	free(index->ordered);
	free(index->steps);
	*index = (struct pyi_address_index){ 0 };
}

/* Tables are small, but somebody who spreads addresses gets many: they count, too. */
static struct pyi_index_table *make_table(struct pyi_address_index *index, uint64_t addr,
					  struct pyi_error **ret_error)
{
	struct pyi_graph_space *space = index->space;
	struct pyi_index_table *table;

	if (space->held_bytes + sizeof(*table) > space->limit_bytes) {
		*ret_error =
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
					 "there is no room for addresses that lie so far apart");
		return NULL;
	}
	table = pyi_array_reserve(&index->tables, index->table_count, &index->table_capacity,
				  sizeof(*index->tables))
			? calloc(1, sizeof(*table))
			: NULL;
	if (!table) {
		*ret_error = pyi_error_no_memory();
		return NULL;
	}
	space->held_bytes += sizeof(*table);
	if (space->held_bytes > space->peak_bytes)
		space->peak_bytes = space->held_bytes;
	index->directory[addr >> PYI_INDEX_TABLE_SHIFT] = table;
	index->tables[index->table_count++] = (uint32_t)(addr >> PYI_INDEX_TABLE_SHIFT);
	return table;
}

struct pyi_index_chunk *pyi_address_index_make_chunk(struct pyi_address_index *index, uint64_t addr,
						     struct pyi_error **ret_error)
{
	struct pyi_index_table *table = index->directory[addr >> PYI_INDEX_TABLE_SHIFT];
	struct pyi_index_chunk *chunk;

	if (!table) {
		table = make_table(index, addr, ret_error);
		if (!table)
			return NULL;
	}
	if (index->chunk_count == index->slab_count * SLAB_CHUNKS) {
		if (!pyi_array_reserve(&index->slabs, index->slab_count, &index->slab_capacity,
				       sizeof(*index->slabs))) {
			*ret_error = pyi_error_no_memory();
			return NULL;
		}
		*ret_error = pyi_graph_space_map(index->space, SLAB_CHUNKS * sizeof(*chunk),
						 &index->slabs[index->slab_count]);
		if (*ret_error)
			return NULL;
		index->slab_count++;
	}
	chunk = index->slabs[index->chunk_count / SLAB_CHUNKS];
	chunk += index->chunk_count++ % SLAB_CHUNKS;
	chunk->base_addr = addr >> PYI_INDEX_CHUNK_SHIFT << PYI_INDEX_CHUNK_SHIFT;
	table->chunks[addr >> PYI_INDEX_CHUNK_SHIFT & (PYI_INDEX_TABLE_SLOTS - 1)] = chunk;
	return chunk;
}

static bool rank_chunk(struct pyi_index_chunk *chunk, uint64_t *count)
{
	unsigned within = 0;

	chunk->first_number = (uint32_t)*count;
	for (int w = 0; w < PYI_INDEX_CHUNK_WORDS; w++) {
		chunk->ranks[w] = (uint16_t)within;
		within += pyi_bits_count(chunk->bits[w]);
	}
	*count += within;
	return *count < PYI_GRAPH_NONE;
}

static struct pyi_error *make_steps(struct pyi_address_index *index)
{
	uint32_t chunk = 0;

	index->steps = calloc((size_t)index->count / PYI_INDEX_STEP + 2, sizeof(*index->steps));
	if (!index->steps)
		return pyi_error_no_memory();
	for (uint64_t number = 0; number < index->count; number += PYI_INDEX_STEP) {
		while (chunk + 1 < index->chunk_count &&
		       index->ordered[chunk + 1]->first_number <= number)
			chunk++;
		index->steps[number / PYI_INDEX_STEP] = chunk;
	}
	/* The end of the last one. */
	if (index->chunk_count)
		index->steps[((uint64_t)index->count + PYI_INDEX_STEP - 1) / PYI_INDEX_STEP] =
			(uint32_t)index->chunk_count - 1;
	return NULL;
}

static int compare_tables(const void *left, const void *right)
{
	const uint32_t one = *(const uint32_t *)left;
	const uint32_t other = *(const uint32_t *)right;

	return (one > other) - (one < other);
}

struct pyi_error *pyi_address_index_seal(struct pyi_address_index *index)
{
	uint64_t count = 0;
	uint64_t at = 0;

	index->ordered = calloc(index->chunk_count + 1, sizeof(void *));
	if (!index->ordered)
		return pyi_error_no_memory();
	if (index->table_count)
		qsort(index->tables, index->table_count, sizeof(*index->tables), compare_tables);
	for (size_t d = 0; d < index->table_count; d++) {
		const struct pyi_index_table *table = index->directory[index->tables[d]];

		for (int t = 0; t < PYI_INDEX_TABLE_SLOTS; t++) {
			if (!table->chunks[t])
				continue;
			if (!rank_chunk(table->chunks[t], &count))
				return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
							"there are too many objects for a graph");
			index->ordered[at++] = table->chunks[t];
		}
	}
	index->count = (uint32_t)count;
	return make_steps(index);
}

uint64_t pyi_address_index_address(const struct pyi_address_index *index, uint32_t number)
{
	const struct pyi_index_chunk *chunk;
	const uint32_t step = number / PYI_INDEX_STEP;
	uint64_t low = index->steps[step];
	uint64_t high = (uint64_t)index->steps[step + 1] + 1;
	unsigned w = 0;
	unsigned span = PYI_INDEX_CHUNK_WORDS;
	uint64_t word;

	/* The last chunk that begins at or before it; chunks without objects are none. */
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (index->ordered[middle]->first_number <= number)
			low = middle;
		else
			high = middle;
	}
	chunk = index->ordered[low];
	number -= chunk->first_number;
	while (span > 1) {
		span /= 2;
		if (chunk->ranks[w + span] <= number)
			w += span;
	}
	word = chunk->bits[w];
	for (number -= chunk->ranks[w]; number; number--)
		word &= word - 1;
	return chunk->base_addr +
	       ((uint64_t)(w * 64 + (unsigned)__builtin_ctzll(word)) << PYI_INDEX_GRANULE_SHIFT);
}
