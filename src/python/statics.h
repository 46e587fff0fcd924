/*
 * Where a CPython that has no _PyRuntime yet (2.7, 3.6) keeps its state: in static variables, found
 * through what it exports. Knows the instructions of x86_64 only.
 */
#ifndef PYI_PYTHON_STATICS_H
#define PYI_PYTHON_STATICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/memory_reader.h"
#include "python/scope.h"

/* Addresses of variables; all are 0 where the layout says where things are. */
struct pyi_statics {
	/* PyInterpreterState * */
	uint64_t interpreters_addr;
	/* struct gc_generation[3], of all interpreters */
	uint64_t generations_addr;
	/* int */
	uint64_t collecting_addr;
	/* PyThreadState *: NULL when the GIL is free */
	uint64_t current_thread_addr;
};

/* Of the code in `home` (an index in the scope). False if it is another version, or compiled in
 * another way than those known. */
bool pyi_statics_find(struct pyi_scope *scope, size_t home, struct pyi_memory_reader *reader,
		      struct pyi_statics *ret_statics);

/*
 * The variable that a function returns; the one that it sets to 1. `code` is from the function's
 * beginning, at `addr`; 0 if there is no such instruction. For tests.
 */
uint64_t pyi_statics_returned(const uint8_t *code, size_t size_bytes, uint64_t addr);
uint64_t pyi_statics_set_to_one(const uint8_t *code, size_t size_bytes, uint64_t addr);

#endif
