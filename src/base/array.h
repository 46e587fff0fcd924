/*
 * Arrays that grow by one item at a time. Does not know what is in them, and frees nothing.
 */
#ifndef PYI_BASE_ARRAY_H
#define PYI_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes room for one item more than `count` of `item_bytes` each. `items` is the address of the
 * pointer to them, which may be NULL at first and change; `capacity` counts items. False, with
 * nothing changed, if there is no memory.
 */
bool pyi_array_reserve(void *items, size_t count, size_t *capacity, size_t item_bytes);

#endif
