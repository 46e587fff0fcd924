/*
 * A table of types, by name.
 */
#include "python/inner_arrays.h"

#include <string.h>

#include "base/cleanup.h"
#include "python/objects.h"

enum {
	WORD_BYTES = 8,
	TWO_WORDS = 16,
	THREE_WORDS = 24,
};

static const struct {
	const char *type;
	/* Behind the header of an object. */
	uint64_t offset;
	bool pairs;
} arrays[] = {
	/* ob_size, b_bitmap; ob_size, c_hash */
	{ "hamt_bitmap_node", TWO_WORDS, true },
	{ "hamt_collision_node", TWO_WORDS, true },
	{ "hamt_array_node", 0, false },
	/* it, numread and running, nextlink */
	{ "itertools._tee_dataobject", THREE_WORDS, false },
};

struct pyi_inner_array pyi_inner_array_find(const struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader, uint64_t type_addr)
{
	PYI_CLEANUP(pyi_guard_free) char *name = pyi_objects_type_name(runtime, reader, type_addr);

	for (size_t a = 0; name && a < sizeof(arrays) / sizeof(arrays[0]); a++)
		if (strcmp(arrays[a].type, name) == 0)
			return (struct pyi_inner_array){
				runtime->layout->object_size + arrays[a].offset, arrays[a].pairs
			};
	return (struct pyi_inner_array){ 0 };
}

bool pyi_inner_array_is_cache(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t type_addr)
{
	PYI_CLEANUP(pyi_guard_free) char *name = pyi_objects_type_name(runtime, reader, type_addr);

	return name && strcmp(name, "functools._lru_cache_wrapper") == 0;
}

struct pyi_edge pyi_inner_array_edge(const struct pyi_inner_array *array,
				     struct pyi_memory_reader *reader, uint64_t object_addr,
				     uint64_t offset)
{
	uint64_t index = (offset - array->offset) / WORD_BYTES;
	uint64_t key;

	if (!array->offset || offset < array->offset)
		return (struct pyi_edge){ .kind = PYI_EDGE_FIELD, .detail = offset };
	if (!array->pairs)
		return (struct pyi_edge){ .kind = PYI_EDGE_INDEX, .detail = index };
	if (index % 2 == 0)
		return (struct pyi_edge){ .kind = PYI_EDGE_KEY };
	if (pyi_memory_try_read_u64(reader, object_addr + offset - WORD_BYTES, &key) && key)
		return (struct pyi_edge){ .kind = PYI_EDGE_ITEM, .detail = key };
	return (struct pyi_edge){ .kind = PYI_EDGE_INDEX, .detail = index / 2 };
}
