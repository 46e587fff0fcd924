/*
 * See the header.
 */
#include "graph/offsets.h"

#include <stddef.h>

static uint64_t block_bytes(uint64_t count)
{
	return ((count >> PYI_OFFSETS_SHIFT) + 1) * sizeof(uint64_t);
}

static uint64_t inner_bytes(uint64_t count)
{
	return (count + 1) * sizeof(uint32_t);
}

struct pyi_error *pyi_graph_offsets_init(struct pyi_graph_offsets *offsets,
					 struct pyi_graph_space *space, uint64_t count)
{
	struct pyi_error *error;
	void *region;

	*offsets = (struct pyi_graph_offsets){ .count = count };
	error = pyi_graph_space_map(space, block_bytes(count), &region);
	if (error)
		return error;
	offsets->blocks = region;
	error = pyi_graph_space_map(space, inner_bytes(count), &region);
	if (error)
		return error;
	offsets->inner = region;
	return NULL;
}

void pyi_graph_offsets_deinit(struct pyi_graph_offsets *offsets, struct pyi_graph_space *space)
{
	pyi_graph_space_unmap(space, offsets->blocks, block_bytes(offsets->count));
	pyi_graph_space_unmap(space, offsets->inner, inner_bytes(offsets->count));
	*offsets = (struct pyi_graph_offsets){ 0 };
}

struct pyi_error *pyi_graph_offsets_sum(struct pyi_graph_offsets *offsets, uint64_t count)
{
	const uint64_t block_nodes = UINT64_C(1) << PYI_OFFSETS_SHIFT;
	uint64_t total = 0;
	uint64_t inner = 0;

	offsets->inner[count] = 0;
	for (uint64_t node = 0; node <= count; node++) {
		uint64_t degree = offsets->inner[node];

		if (node % block_nodes == 0) {
			total += inner;
			inner = 0;
			offsets->blocks[node / block_nodes] = total;
		}
		offsets->inner[node] = (uint32_t)inner;
		inner += degree;
		if (inner > UINT32_MAX)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
						"there are too many references for a graph");
	}
	return NULL;
}
