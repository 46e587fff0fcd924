/*
 * How the decoder (dict_table.h, str_text.h, frame_slots.h, greenlet_frames.h,
 * ndarray.h) reads a heap. It is
 * written once; the host compiles it over a reader of another process's memory
 * (src/process/memory_reader.h), a payload over its own (payloads/reader.h).
 *
 * A file that includes one of these headers includes one of the two as well: they define what is
 * only declared here.
 */
#ifndef PYINSPECT_MEMORY_H
#define PYINSPECT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/layout.h>

struct pyi_memory_reader;

/*
 * True if something could begin at `addr`: it has to be asked before what is there is loaded, of
 * every pointer that comes from the heap. Neighbouring fields need not be asked of.
 */
static inline bool pyi_memory_can_hold(struct pyi_memory_reader *reader, uint64_t addr);

/* What is there. On the host 0 where it cannot be read; in a payload that ends the visit. */
static inline uint64_t pyi_memory_u64(struct pyi_memory_reader *reader, uint64_t addr);
static inline uint32_t pyi_memory_u32(struct pyi_memory_reader *reader, uint64_t addr);
static inline uint8_t pyi_memory_u8(struct pyi_memory_reader *reader, uint64_t addr);

#endif
