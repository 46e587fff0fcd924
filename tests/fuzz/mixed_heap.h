/*
 * A small whole heap with one of everything, in the layout of each known version, and ways to break
 * it by what an input says.
 *
 * Built by tests/unit/invented_heap.h. Does not walk it.
 */
#ifndef PYI_TESTS_MIXED_HEAP_H
#define PYI_TESTS_MIXED_HEAP_H

#include "fuzz.h"
#include "process/memory_reader.h"
#include "python/interpreters.h"
#include "python/runtime.h"
#include "tests/unit/invented_heap.h"

enum {
	MIXED_OBJECTS = 128,
};

struct mixed_heap {
	struct invented_heap heap;
	struct pyi_known_type known_types[PYI_KNOWN_TYPES];
	struct pyi_runtime runtime;
	/* The only one; 0 without a runtime. */
	uint64_t interpreter;
	/* Of the heap's one range. */
	struct pyi_memory_reader *reader;
	/* Types are among them. */
	uint64_t objects[MIXED_OBJECTS];
	size_t object_count;
	/* One of them. */
	uint64_t code;
	/* Addresses of all words that are not 0 in the whole heap. */
	uint64_t *words;
	size_t word_count;
};

/*
 * The heap of version `number` (modulo how many there are), whole again; made at the first call.
 * With `with_runtime`, which must always be the same, a runtime with an interpreter and two threads
 * is part of it. Only the heap that was asked for last may be walked.
 */
struct mixed_heap *mixed_heap_get(unsigned number, bool with_runtime);

/* Breaks the heap: at most `limit` changes, of 8 bytes of the input each. */
void mixed_heap_break(struct mixed_heap *mixed, struct fuzz_input *input, unsigned limit);

/* Takes an address, mostly of an object; 3 bytes. */
uint64_t mixed_heap_take_address(const struct mixed_heap *mixed, struct fuzz_input *input);

#endif
