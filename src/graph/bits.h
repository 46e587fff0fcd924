/*
 * A bit for each node of a graph.
 */
#ifndef PYI_GRAPH_BITS_H
#define PYI_GRAPH_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t pyi_bits_bytes(uint64_t count)
{
	return (count + 63) / 64 * sizeof(uint64_t);
}

static inline bool pyi_bits_has(const uint64_t *bits, uint32_t node)
{
	return bits[node / 64] >> node % 64 & 1;
}

/* How many of a word are set: where no machine can be counted on, this is a call of libgcc less. */
static inline unsigned pyi_bits_count(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* True if it was not set before. */
static inline bool pyi_bits_set(uint64_t *bits, uint32_t node)
{
	const uint64_t mask = UINT64_C(1) << node % 64;

	if (bits[node / 64] & mask)
		return false;
	bits[node / 64] |= mask;
	return true;
}

#endif
