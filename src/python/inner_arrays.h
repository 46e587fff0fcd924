/*
 * Types whose instances keep references in an array of C, where a field is: what is there is an
 * item or a value, not a field with a name.
 *
 * Sources: Include/internal/pycore_hamt.h (3.7 to 3.15), teedataobject in Modules/itertoolsmodule.c
 * (3.6 to 3.15).
 */
#ifndef PYI_PYTHON_INNER_ARRAYS_H
#define PYI_PYTHON_INNER_ARRAYS_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "process/memory_reader.h"
#include "python/runtime.h"

struct pyi_inner_array {
	/* From here on to the end of the object; 0: there is none. */
	uint64_t offset;
	/* Keys and values in turn. Where a key is missing, the value is another node. */
	bool pairs;
};

/* By the name of a type; for types of C only. */
struct pyi_inner_array pyi_inner_array_find(const struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader, uint64_t type_addr);

/* True of an lru_cache, which reports keys and results that its links have. */
bool pyi_inner_array_is_cache(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t type_addr);

/* What a reference at that offset of an object is: INDEX, ITEM or KEY; FIELD before the array. */
struct pyi_edge pyi_inner_array_edge(const struct pyi_inner_array *array,
				     struct pyi_memory_reader *reader, uint64_t object_addr,
				     uint64_t offset);

#endif
