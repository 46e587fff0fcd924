/*
 * Both graphs side by side, in the order of addresses.
 */
#include "analysis/heap_diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	/* A type that is in no list. */
	NOWHERE = -1,
};

/* One of the two graphs. */
struct side {
	const struct pyi_graph *graph;
	/* By type: the number of its change; NOWHERE. */
	int64_t *changes;
	/* By change: it is wanted. */
	const bool *wanted;
	/* Those that the other one does not have. */
	struct pyi_heap_diff_objects *list;
	size_t limit;
	uint32_t node;
};

static int by_name(const void *name, const void *change)
{
	return strcmp(name, ((const struct pyi_type_change *)change)->name);
}

static struct pyi_error *begin(struct side *side, const struct pyi_type_changes *changes)
{
	const struct pyi_graph *graph = side->graph;

	side->changes = calloc((size_t)graph->type_count + 1, sizeof(*side->changes));
	side->list->nodes = calloc(side->limit + 1, sizeof(*side->list->nodes));
	if (!side->changes || !side->list->nodes)
		return pyi_error_no_memory();
	for (uint32_t t = 0; t < graph->type_count; t++) {
		const char *name = graph->types[t].name ? graph->types[t].name : "?";
		const struct pyi_type_change *change =
			changes->count ? bsearch(name, changes->items, changes->count,
						 sizeof(*change), by_name)
				       : NULL;

		side->changes[t] = change ? change - changes->items : NOWHERE;
	}
	return NULL;
}

/* To the next object from `node` on. */
static void find_object(struct side *side)
{
	while (side->node < side->graph->node_count &&
	       pyi_graph_flags(side->graph, side->node) & PYI_NODE_KEYS)
		side->node++;
}

static bool has_object(const struct side *side)
{
	return side->node < side->graph->node_count;
}

static int64_t change_of(const struct side *side)
{
	return side->changes[pyi_graph_type(side->graph, side->node)];
}

/* Into the list, if it is among the largest. */
static void list_object(struct side *side)
{
	struct pyi_heap_diff_objects *list = side->list;
	uint64_t size = pyi_graph_size(side->graph, side->node);
	size_t place = list->count;

	while (place && pyi_graph_size(side->graph, list->nodes[place - 1]) < size)
		place--;
	if (place == side->limit)
		return;
	if (list->count < side->limit)
		list->count++;
	memmove(&list->nodes[place + 1], &list->nodes[place],
		(list->count - 1 - place) * sizeof(*list->nodes));
	list->nodes[place] = side->node;
}

/* The other graph does not have it. */
static void take(struct side *side, struct pyi_type_changes *changes, bool after)
{
	int64_t number = change_of(side);

	if (number != NOWHERE) {
		struct pyi_type_change *change = &changes->items[number];
		struct pyi_census_sum *sum = after ? &change->added : &change->gone;

		sum->count++;
		if (__builtin_add_overflow(sum->bytes, pyi_graph_size(side->graph, side->node),
					   &sum->bytes))
			sum->bytes = UINT64_MAX;
		if (side->wanted[number])
			list_object(side);
	}
	side->node++;
}

static void walk(struct side *before, struct side *after, struct pyi_type_changes *changes)
{
	for (;;) {
		uint64_t before_addr = UINT64_MAX;
		uint64_t after_addr = UINT64_MAX;

		find_object(before);
		find_object(after);
		if (has_object(before))
			before_addr = pyi_graph_address(before->graph, before->node);
		if (has_object(after))
			after_addr = pyi_graph_address(after->graph, after->node);
		if (before_addr == UINT64_MAX && after_addr == UINT64_MAX)
			return;
		if (before_addr == after_addr && change_of(before) == change_of(after)) {
			before->node++;
			after->node++;
			continue;
		}
		if (before_addr <= after_addr)
			take(before, changes, false);
		if (after_addr <= before_addr)
			take(after, changes, true);
	}
}

struct pyi_error *pyi_heap_diff_find(const struct pyi_graph *before, const struct pyi_graph *after,
				     const struct pyi_census_filter *filter, size_t limit,
				     struct pyi_type_changes *changes,
				     struct pyi_heap_diff *ret_diff)
{
	struct pyi_heap_diff diff = { 0 };
	PYI_CLEANUP(pyi_guard_free) bool *wanted = calloc(changes->count + 1, sizeof(*wanted));
	struct side earlier = { before, NULL, wanted, &diff.gone, limit, 0 };
	struct side later = { after, NULL, wanted, &diff.added, limit, 0 };
	struct pyi_error *error = NULL;

	if (!wanted)
		return pyi_error_no_memory();
	for (size_t c = 0; c < changes->count; c++)
		wanted[c] = pyi_census_wants(filter, changes->items[c].name);
	error = begin(&earlier, changes);
	if (!error)
		error = begin(&later, changes);
	if (!error)
		walk(&earlier, &later, changes);
	free(earlier.changes);
	free(later.changes);
	if (error) {
		pyi_heap_diff_deinit(&diff);
		return error;
	}
	*ret_diff = diff;
	return NULL;
}

void pyi_heap_diff_deinit(struct pyi_heap_diff *diff)
{
	free(diff->added.nodes);
	free(diff->gone.nodes);
	*diff = (struct pyi_heap_diff){ 0 };
}
