/*
 * The types and objects of a mixed heap: all kinds that the walk and the readers know. For
 * mixed_heap.c.
 */
#ifndef PYI_TESTS_MIXED_TYPES_H
#define PYI_TESTS_MIXED_TYPES_H

#include "mixed_heap.h"

/* What a runtime refers to. */
struct mixed_things {
	uint64_t dict;
	uint64_t list;
	uint64_t frame;
	/* tp_subclasses of object. */
	uint64_t subclasses;
};

void mixed_make_things(struct mixed_heap *mixed, struct invented_heap *heap,
		       struct mixed_things *ret_things);

/* An _PyInterpreterFrame with a code object, for the heap that is being made. */
uint64_t mixed_make_iframe(struct mixed_heap *mixed);

/* tp_traverse functions are not told of which layout their object is. */
void mixed_use_layout(const struct pyi_layout *layout);

/* True for a function that a type in a mixed heap may call. */
bool mixed_is_function(uint64_t addr);

/* In mixed_heap.c: appends to mixed->objects, and returns it. */
uint64_t mixed_keep(struct mixed_heap *mixed, uint64_t object);
/* Sets a field, if there is one in this layout. */
void mixed_set(uint64_t addr, uint32_t offset, uint64_t value);

#endif
