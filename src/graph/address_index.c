/*
 * Adding, sealing, and the way back. The way there is inline, in the header.
 */
#include "graph/address_index.h"

#include <stdlib.h>

#include "base/array.h"

enum {
	DIRECTORY_SLOTS = 1 << (PYI_INDEX_ADDRESS_BITS - PYI_INDEX_TABLE_SHIFT),
	SLAB_CHUNKS = 512,
};

struct pyi_error *pyi_address_index_init(struct pyi_address_index *index,
					 struct pyi_graph_space *space)
{
	*index = (struct pyi_address_index){ .space = space };
	index->directory = calloc(DIRECTORY_SLOTS, sizeof(void *));
	return index->directory ? NULL : pyi_error_no_memory();
}

void pyi_address_index_deinit(struct pyi_address_index *index)
{
	const uint64_t slab_bytes = SLAB_CHUNKS * sizeof(struct pyi_index_chunk);

	for (size_t d = 0; index->directory && d < DIRECTORY_SLOTS && index->table_bytes; d++) {
		if (!index->directory[d])
			continue;
		free(index->directory[d]);
		index->table_bytes -= sizeof(struct pyi_index_table);
		index->space->held_bytes -= sizeof(struct pyi_index_table);
	}
	for (size_t s = 0; s < index->slab_count; s++)
		pyi_graph_space_unmap(index->space, index->slabs[s], slab_bytes, slab_bytes);
	free(index->directory);
	free(index->slabs);
	free(index->ordered);
	*index = (struct pyi_address_index){ 0 };
}

bool pyi_address_index_can_be(uint64_t addr)
{
	return addr && !(addr >> PYI_INDEX_ADDRESS_BITS) &&
	       !(addr & ((1 << PYI_INDEX_GRANULE_SHIFT) - 1));
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
	table = calloc(1, sizeof(*table));
	if (!table) {
		*ret_error = pyi_error_no_memory();
		return NULL;
	}
	space->held_bytes += sizeof(*table);
	if (space->held_bytes > space->peak_bytes)
		space->peak_bytes = space->held_bytes;
	index->table_bytes += sizeof(*table);
	index->directory[addr >> PYI_INDEX_TABLE_SHIFT] = table;
	return table;
}

/* NULL and an error if there is no room for it. */
static struct pyi_index_chunk *make_chunk(struct pyi_address_index *index, uint64_t addr,
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

struct pyi_error *pyi_address_index_add(struct pyi_address_index *index, uint64_t addr,
					bool *ret_new)
{
	struct pyi_index_chunk *chunk = pyi_address_index_chunk(index, addr);
	unsigned bit = pyi_address_index_bit(addr);
	uint64_t mask = UINT64_C(1) << bit % 64;

	if (!chunk) {
		struct pyi_error *error = NULL;

		chunk = make_chunk(index, addr, &error);
		if (!chunk)
			return error;
	}
	*ret_new = !(chunk->bits[bit / 64] & mask);
	chunk->bits[bit / 64] |= mask;
	return NULL;
}

static bool rank_chunk(struct pyi_index_chunk *chunk, uint64_t *count)
{
	unsigned within = 0;

	chunk->first_number = (uint32_t)*count;
	for (int w = 0; w < PYI_INDEX_CHUNK_WORDS; w++) {
		chunk->ranks[w] = (uint16_t)within;
		within += (unsigned)__builtin_popcountll(chunk->bits[w]);
	}
	*count += within;
	return *count < PYI_GRAPH_NONE;
}

struct pyi_error *pyi_address_index_seal(struct pyi_address_index *index)
{
	uint64_t count = 0;
	uint64_t at = 0;

	index->ordered = calloc(index->chunk_count + 1, sizeof(void *));
	if (!index->ordered)
		return pyi_error_no_memory();
	for (size_t d = 0; d < DIRECTORY_SLOTS && at < index->chunk_count; d++) {
		const struct pyi_index_table *table = index->directory[d];

		for (int t = 0; table && t < PYI_INDEX_TABLE_SLOTS; t++) {
			if (!table->chunks[t])
				continue;
			if (!rank_chunk(table->chunks[t], &count))
				return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
							"there are too many objects for a graph");
			index->ordered[at++] = table->chunks[t];
		}
	}
	index->count = (uint32_t)count;
	return NULL;
}

uint64_t pyi_address_index_address(const struct pyi_address_index *index, uint32_t number)
{
	const struct pyi_index_chunk *chunk;
	uint64_t low = 0;
	uint64_t high = index->chunk_count;
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
