/*
 * What a reference is called: the attribute, item, field or variable of an object that holds
 * another one. Found by looking for the referent where CPython keeps such things.
 *
 * Everything is untrusted, as in objects.h: what is not found is PYI_EDGE_ELSEWHERE. Turns nothing
 * into text: places.h does.
 */
#ifndef PYI_PYTHON_REFERENCES_H
#define PYI_PYTHON_REFERENCES_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "process/memory_reader.h"
#include "python/inner_arrays.h"
#include "python/runtime.h"

/* What has to be known of a type to find the references of its instances. */
struct pyi_referring_type {
	uint64_t addr;
	/* enum pyi_object_kind */
	uint32_t kind;
	uint64_t flags;
	uint64_t basicsize;
	uint64_t itemsize;
	/* Its instances can have a __dict__, or values without one. */
	bool has_attributes;
	/* The names of such values: so many pointers, so many bytes apart. */
	uint64_t names_addr;
	uint64_t name_count;
	uint64_t name_bytes;
	struct pyi_inner_array array;
};

struct pyi_reference {
	uint64_t source;
	uint64_t target;
	/* Of several references to the same object, which: from 0, in the order of tp_traverse. */
	uint64_t number;
	/* It is one that tp_traverse does not report. */
	bool internal;
};

/* `kind` as the payload has it. */
struct pyi_referring_type pyi_referring_type_read(const struct pyi_runtime *runtime,
						  struct pyi_memory_reader *reader, uint64_t addr,
						  uint32_t kind);

/*
 * PYI_EDGE_ATTRIBUTE for values of an object without a dict, DICT, ITEM, KEY, INDEX, ELEMENT,
 * LOCAL, FRAME (of a greenlet), FIELD, TYPE, or ELSEWHERE. If there are fewer than `number` says,
 * the last one.
 */
struct pyi_edge pyi_references_find(const struct pyi_runtime *runtime,
				    struct pyi_memory_reader *reader,
				    const struct pyi_referring_type *type,
				    const struct pyi_reference *reference);

/* The key of entry `slot` of a dict, or of one behind it that has this value; 0: not found. */
uint64_t pyi_references_split_key(const struct pyi_runtime *runtime,
				  struct pyi_memory_reader *reader, uint64_t dict, uint64_t slot,
				  uint64_t value);

/* Where the items of a list or tuple are, and how many; none if that makes no sense. */
void pyi_references_items(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  const struct pyi_referring_type *type, uint64_t source,
			  uint64_t *ret_addr, uint64_t *ret_count);

/* The code of a frame, or of a generator that carries one; 0 if there is none. */
uint64_t pyi_references_code(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			     const struct pyi_referring_type *type, uint64_t source);

/* The __dict__ of an object; 0 if there is none. */
uint64_t pyi_references_dict(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			     const struct pyi_referring_type *type, uint64_t source);

#endif
