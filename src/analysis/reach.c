/*
 * In breadth: the queue says early whose references are needed next.
 */
#include "analysis/reach.h"

#include <string.h>

#include "graph/bits.h"

static void reach(const struct pyi_graph *graph, uint64_t count, uint64_t *marks, uint32_t *queue)
{
	for (uint64_t at = 0; at < count; at++) {
		struct pyi_graph_nodes referents;

		pyi_graph_prefetch_queue(graph, queue, at, count);
		referents = pyi_graph_referents(graph, queue[at]);
		for (uint64_t e = 0; e < referents.count; e++)
			if (pyi_bits_set(marks, referents.items[e]))
				queue[count++] = referents.items[e];
	}
}

void pyi_reach_from(const struct pyi_graph *graph, uint32_t node, uint64_t *marks, uint32_t *queue)
{
	if (!pyi_bits_set(marks, node))
		return;
	queue[0] = node;
	reach(graph, 1, marks, queue);
}

struct pyi_error *pyi_reach_without(const struct pyi_graph *graph,
				    const struct pyi_graph_entries *entries, const uint64_t *set,
				    uint64_t **ret_marks)
{
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	const uint64_t queue_bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
	uint64_t count = 0;
	uint64_t *marks;
	uint32_t *queue;
	void *region;
	struct pyi_error *error = pyi_graph_space_map(graph->space, bits_bytes, &region);

	if (error)
		return error;
	marks = region;
	error = pyi_graph_space_map(graph->space, queue_bytes, &region);
	if (error) {
		pyi_graph_space_unmap(graph->space, marks, bits_bytes);
		return error;
	}
	queue = region;
	memcpy(marks, set, bits_bytes);
	for (uint64_t e = 0; e < entries->count; e++)
		if (pyi_bits_set(marks, entries->nodes[e]))
			queue[count++] = entries->nodes[e];
	reach(graph, count, marks, queue);
	for (uint64_t word = 0; word < bits_bytes / sizeof(*marks); word++)
		marks[word] &= ~set[word];
	pyi_graph_space_unmap(graph->space, queue, queue_bytes);
	*ret_marks = marks;
	return NULL;
}
