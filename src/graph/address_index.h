/*
 * From addresses of objects to numbers in the order of addresses, and back: a bitmap of the places
 * where an object begins, with ranks. No hash table.
 *
 * First all addresses are added, then the index is sealed, then it can be asked.
 */
#ifndef PYI_GRAPH_ADDRESS_INDEX_H
#define PYI_GRAPH_ADDRESS_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/bits.h"
#include "graph/space.h"

/* No object. */
#define PYI_GRAPH_NONE UINT32_MAX

enum {
	/* An object begins at a multiple of 8. */
	PYI_INDEX_GRANULE_SHIFT = 3,
	PYI_INDEX_CHUNK_SHIFT = 16,
	PYI_INDEX_TABLE_SHIFT = 28,
	PYI_INDEX_ADDRESS_BITS = 48,
	/* Numbers whose chunk is looked for among a few. */
	PYI_INDEX_STEP = 512,
	PYI_INDEX_CHUNK_WORDS = 1 << (PYI_INDEX_CHUNK_SHIFT - PYI_INDEX_GRANULE_SHIFT - 6),
	PYI_INDEX_TABLE_SLOTS = 1 << (PYI_INDEX_TABLE_SHIFT - PYI_INDEX_CHUNK_SHIFT),
};

/* What begins in 64 KiB of the address space. */
struct pyi_index_chunk {
	uint64_t bits[PYI_INDEX_CHUNK_WORDS];
	/* Of each word: how many begin before it in this chunk. */
	uint16_t ranks[PYI_INDEX_CHUNK_WORDS];
	/* How many begin before this chunk. */
	uint32_t first_number;
	uint32_t reserved;
	uint64_t base_addr;
};

struct pyi_index_table {
	struct pyi_index_chunk *chunks[PYI_INDEX_TABLE_SLOTS];
};

struct pyi_address_index {
	struct pyi_graph_space *space;
	/* A table for each 256 MiB of the address space, NULL without objects. */
	struct pyi_index_table **directory;
	/* Which ones there are; ascending when it is sealed. */
	uint32_t *tables;
	size_t table_count;
	size_t table_capacity;
	/* Chunks are carved out of slabs. */
	void **slabs;
	size_t slab_count;
	size_t slab_capacity;
	uint64_t chunk_count;
	/* When it is sealed: ascending; and of every PYI_INDEX_STEP numbers, which chunk the first
	   is in. */
	struct pyi_index_chunk **ordered;
	uint32_t *steps;
	uint32_t count;
};

struct pyi_error *pyi_address_index_init(struct pyi_address_index *index,
					 struct pyi_graph_space *space) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_address_index_deinit(struct pyi_address_index *index);

/* True if an object can be at this address: a multiple of 8 within 48 bits, and not 0. */
static inline bool pyi_address_index_can_be(uint64_t addr)
{
	return addr && !(addr >> PYI_INDEX_ADDRESS_BITS) &&
	       !(addr & ((1 << PYI_INDEX_GRANULE_SHIFT) - 1));
}

/* Error "too-large" (exit 1) if there are more than 2^32 - 2. */
struct pyi_error *pyi_address_index_seal(struct pyi_address_index *index) PYI_MUST_CHECK;

/* The address of a number below `count`. */
uint64_t pyi_address_index_address(const struct pyi_address_index *index, uint32_t number);

static inline struct pyi_index_chunk *pyi_address_index_chunk(const struct pyi_address_index *index,
							      uint64_t addr)
{
	const struct pyi_index_table *table;

	if (addr >> PYI_INDEX_ADDRESS_BITS)
		return NULL;
	table = index->directory[addr >> PYI_INDEX_TABLE_SHIFT];
	if (!table)
		return NULL;
	return table->chunks[addr >> PYI_INDEX_CHUNK_SHIFT & (PYI_INDEX_TABLE_SLOTS - 1)];
}

static inline unsigned pyi_address_index_bit(uint64_t addr)
{
	return addr >> PYI_INDEX_GRANULE_SHIFT & (PYI_INDEX_CHUNK_WORDS * 64 - 1);
}

/* For pyi_address_index_add(): where nothing begins yet. NULL and an error if there is no room. */
struct pyi_index_chunk *pyi_address_index_make_chunk(struct pyi_address_index *index, uint64_t addr,
						     struct pyi_error **ret_error);

/* Adds an address that can be; *ret_new is false if it was there before. */
PYI_MUST_CHECK static inline struct pyi_error *
pyi_address_index_add(struct pyi_address_index *index, uint64_t addr, bool *ret_new)
{
	struct pyi_index_chunk *chunk = pyi_address_index_chunk(index, addr);
	unsigned bit = pyi_address_index_bit(addr);
	uint64_t mask = UINT64_C(1) << bit % 64;

	if (!chunk) {
		struct pyi_error *error = NULL;

		chunk = pyi_address_index_make_chunk(index, addr, &error);
		if (!chunk)
			return error;
	}
	*ret_new = !(chunk->bits[bit / 64] & mask);
	chunk->bits[bit / 64] |= mask;
	return NULL;
}

/* Brings what the answer for any word needs on its way. */
static inline void pyi_address_index_prefetch(const struct pyi_address_index *index, uint64_t addr)
{
	const struct pyi_index_chunk *chunk = pyi_address_index_chunk(index, addr);
	unsigned word = pyi_address_index_bit(addr) / 64;

	if (chunk) {
		__builtin_prefetch(&chunk->bits[word]);
		__builtin_prefetch(&chunk->ranks[word]);
	}
}

/* The number of an address; PYI_GRAPH_NONE if it was not added. */
static inline uint32_t pyi_address_index_number(const struct pyi_address_index *index,
						uint64_t addr)
{
	const struct pyi_index_chunk *chunk = pyi_address_index_chunk(index, addr);
	unsigned bit = pyi_address_index_bit(addr);
	uint64_t word;

	if (!chunk || addr & ((1 << PYI_INDEX_GRANULE_SHIFT) - 1))
		return PYI_GRAPH_NONE;
	word = chunk->bits[bit / 64];
	if (!(word >> bit % 64 & 1))
		return PYI_GRAPH_NONE;
	word &= (UINT64_C(1) << bit % 64) - 1;
	return chunk->first_number + chunk->ranks[bit / 64] + pyi_bits_count(word);
}

#endif
