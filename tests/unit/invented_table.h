/*
 * What CPython 2.7 has in another way: dicts with a table of their own, and text that is an array
 * of units. For invented_heap.c.
 */
#ifndef PYI_TESTS_INVENTED_TABLE_H
#define PYI_TESTS_INVENTED_TABLE_H

#include "invented_heap.h"

/* The entries of dicts are in a table of their own. */
bool invented_has_table(const struct pyi_layout *layout);
/* As tp_traverse of dicts does: always with the keys. */
int invented_traverse_table(const struct pyi_layout *layout, uint64_t dict,
			    int (*visit)(void *object, void *argument), void *argument);
/* Gives an empty dict its entries. */
void invented_fill_table(struct invented_heap *heap, uint64_t dict, const uint64_t *keys,
			 const uint64_t *values, size_t count);
/* Text without a state. */
uint64_t invented_units(struct invented_heap *heap, const uint32_t *characters, size_t count);
uint64_t invented_unit_str(struct invented_heap *heap, const char *text);

#endif
