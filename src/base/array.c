/*
 * The growth of arrays: twice as large each time.
 */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ITEMS = 64 };

bool pyi_array_reserve(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
	size_t larger_capacity = *capacity ? 2 * *capacity : FIRST_ITEMS;
	void *now;
	void *larger;

	if (count < *capacity)
		return true;
	/* A pointer to any type of item: not to be read as one to void. */
	memcpy(&now, items, sizeof(now));
	larger = reallocarray(now, larger_capacity, item_bytes);
	if (!larger)
		return false;
	memcpy(items, &larger, sizeof(larger));
	*capacity = larger_capacity;
	return true;
}
