/*
 * How the decoder (pyinspect/memory.h) reads in a payload: by itself. A fault ends the visit.
 */
#ifndef PYI_PAYLOADS_READER_H
#define PYI_PAYLOADS_READER_H

#include <pyinspect/dict_table.h>
#include <pyinspect/memory.h>

#include "state.h"

struct pyi_memory_reader {
	const struct pyi_walk *walk;
};

static inline bool pyi_memory_can_hold(struct pyi_memory_reader *reader, uint64_t addr)
{
	return pyi_marks_is_readable(reader->walk, addr);
}

static inline uint64_t pyi_memory_u64(struct pyi_memory_reader *reader, uint64_t addr)
{
	(void)reader;
	return pyi_load64(addr);
}

static inline uint32_t pyi_memory_u32(struct pyi_memory_reader *reader, uint64_t addr)
{
	(void)reader;
	return pyi_load32(addr);
}

static inline uint8_t pyi_memory_u8(struct pyi_memory_reader *reader, uint64_t addr)
{
	(void)reader;
	return pyi_load8(addr);
}

static inline uint64_t pyi_dict_keys(const struct pyi_walk *walk, uint64_t dict)
{
	return pyi_dict_table_keys(&(struct pyi_memory_reader){ walk }, walk->layout, dict);
}

static inline uint64_t pyi_dict_values(const struct pyi_walk *walk, uint64_t dict)
{
	return pyi_dict_table_values(&(struct pyi_memory_reader){ walk }, walk->layout, dict);
}

#endif
