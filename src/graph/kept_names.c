/*
 * Columns by node, and patterns one behind the other.
 */
#include "graph/kept_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "graph/graph.h"

struct pyi_error *pyi_kept_names_create(struct pyi_graph_space *space, uint32_t node_count,
					struct pyi_kept_names **ret_names)
{
	const uint64_t column_bytes = (uint64_t)node_count * sizeof(uint32_t);
	struct pyi_kept_names *names = calloc(1, sizeof(*names));
	struct pyi_error *error;
	void *column = NULL;

	if (!names)
		return pyi_error_no_memory();
	names->space = space;
	names->node_count = node_count;
	names->image = pyi_memory_image_create();
	error = names->image ? pyi_graph_space_map(space, column_bytes, &column)
			     : pyi_error_no_memory();
	if (!error) {
		names->patterns = column;
		error = pyi_graph_space_map(space, column_bytes, &column);
	}
	if (error) {
		pyi_kept_names_destroy(names);
		return error;
	}
	names->lengths = column;
	*ret_names = names;
	return NULL;
}

void pyi_kept_names_destroy(struct pyi_kept_names *names)
{
	uint64_t column_bytes;

	if (!names)
		return;
	column_bytes = (uint64_t)names->node_count * sizeof(uint32_t);
	/* The least that there is, is one unit. */
	pyi_graph_space_unmap(names->space, names->patterns, column_bytes);
	pyi_graph_space_unmap(names->space, names->lengths, column_bytes);
	for (size_t v = 0; v < names->value_count; v++)
		free(names->values[v].text);
	free(names->values);
	free(names->bytes);
	free(names->ends);
	pyi_memory_image_destroy(names->image);
	free(names);
}

bool pyi_kept_names_add_pattern(struct pyi_kept_names *names, const uint8_t *bytes,
				size_t size_bytes)
{
	size_t needed = names->byte_count + size_bytes;

	if (size_bytes > PYI_PATTERN_BYTES || names->pattern_count == PYI_PATTERN_LIMIT ||
	    needed > PYI_PATTERN_ALL_BYTES)
		return false;
	if (needed > names->byte_capacity) {
		size_t capacity = 2 * needed + PYI_PATTERN_BYTES;
		uint8_t *grown = realloc(names->bytes, capacity);

		if (!grown)
			return false;
		names->bytes = grown;
		names->byte_capacity = capacity;
	}
	if (!pyi_array_reserve(&names->ends, names->pattern_count, &names->pattern_capacity,
			       sizeof(*names->ends)))
		return false;
	if (size_bytes)
		memcpy(names->bytes + names->byte_count, bytes, size_bytes);
	names->byte_count = needed;
	names->ends[names->pattern_count++] = needed;
	return true;
}

struct pyi_pattern pyi_kept_names_pattern(const struct pyi_kept_names *names, uint32_t number)
{
	size_t start;

	if (!number || number > names->pattern_count)
		return (struct pyi_pattern){ 0 };
	start = number > 1 ? names->ends[number - 2] : 0;
	return (struct pyi_pattern){ names->bytes + start, names->ends[number - 1] - start };
}
