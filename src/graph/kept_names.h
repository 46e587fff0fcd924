/*
 * What a graph keeps so that its references can be named without the process (doc/graph.md): of
 * each node a pattern, which is bytes that say what its references are called, its length, and
 * parts of the memory of the process.
 *
 * Does not know what a pattern says: heap/edge_pattern.h does.
 */
#ifndef PYI_GRAPH_KEPT_NAMES_H
#define PYI_GRAPH_KEPT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/space.h"
#include "process/memory_image.h"

enum {
	/* As much as a text (graph/columns.h). */
	PYI_PATTERN_BYTES = 1 << 12,
	/* More of them, and of their bytes, is no heap. */
	PYI_PATTERN_LIMIT = 1 << 24,
	PYI_PATTERN_ALL_BYTES = 1 << 28,
};

struct pyi_pattern {
	const uint8_t *bytes;
	size_t size_bytes;
};

struct pyi_graph_text;

struct pyi_kept_names {
	struct pyi_graph_space *space;
	uint32_t node_count;
	/* By node: the number of a pattern, from 1; 0: none. */
	uint32_t *patterns;
	/* By node: one more than its len(); 0: it has none. */
	uint32_t *lengths;
	/* One behind the other; where each ends. */
	uint8_t *bytes;
	size_t byte_count;
	size_t byte_capacity;
	size_t *ends;
	size_t pattern_count;
	size_t pattern_capacity;
	struct pyi_memory_image *image;
	/* By node, ascending when the graph is complete: what the values of objects are. */
	struct pyi_graph_text *values;
	size_t value_count;
	size_t value_capacity;
};

/* For so many nodes; the space must outlive it. */
struct pyi_error *pyi_kept_names_create(struct pyi_graph_space *space, uint32_t node_count,
					struct pyi_kept_names **ret_names) PYI_MUST_CHECK;
/* Safe on NULL. */
void pyi_kept_names_destroy(struct pyi_kept_names *names);

/* False without memory, or if there are too many. */
bool pyi_kept_names_add_pattern(struct pyi_kept_names *names, const uint8_t *bytes,
				size_t size_bytes);

/* Of a number; an empty one of 0, and of a number that there is not. */
struct pyi_pattern pyi_kept_names_pattern(const struct pyi_kept_names *names, uint32_t number);

#endif
