/*
 * A binary heap whose first item is the one that goes next.
 */
#include "analysis/largest_nodes.h"

#include <stdlib.h>

struct pyi_error *pyi_largest_nodes_init(struct pyi_largest_nodes *nodes, size_t limit)
{
	*nodes = (struct pyi_largest_nodes){ .limit = limit };
	nodes->items = calloc(limit < SIZE_MAX ? limit + 1 : limit, sizeof(*nodes->items));
	return nodes->items ? NULL : pyi_error_no_memory();
}

void pyi_largest_nodes_deinit(struct pyi_largest_nodes *nodes)
{
	free(nodes->items);
	*nodes = (struct pyi_largest_nodes){ 0 };
}

/* Whether `one` is to be shown behind `other`. */
static bool is_behind(const struct pyi_largest_node *one, const struct pyi_largest_node *other)
{
	if (one->figure != other->figure)
		return one->figure < other->figure;
	return one->node > other->node;
}

/* Item `at` has become another one. */
static void sink(struct pyi_largest_nodes *nodes, size_t at)
{
	for (;;) {
		struct pyi_largest_node other = nodes->items[at];
		size_t last = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < nodes->count;
		     child++)
			if (is_behind(&nodes->items[child], &nodes->items[last]))
				last = child;
		if (last == at)
			return;
		nodes->items[at] = nodes->items[last];
		nodes->items[last] = other;
		at = last;
	}
}

bool pyi_largest_nodes_admit(const struct pyi_largest_nodes *nodes, uint64_t figure)
{
	return nodes->count < nodes->limit || (nodes->limit && figure > nodes->items[0].figure);
}

void pyi_largest_nodes_offer(struct pyi_largest_nodes *nodes, uint32_t node, uint64_t figure)
{
	if (!pyi_largest_nodes_admit(nodes, figure))
		return;
	if (nodes->count == nodes->limit) {
		nodes->items[0] = (struct pyi_largest_node){ figure, node };
		sink(nodes, 0);
		return;
	}
	nodes->items[nodes->count++] = (struct pyi_largest_node){ figure, node };
	if (nodes->count == nodes->limit)
		for (size_t at = nodes->limit; at; at--)
			sink(nodes, at - 1);
}

static int compare(const void *left, const void *right)
{
	return is_behind(left, right) ? 1 : -1;
}

void pyi_largest_nodes_sort(struct pyi_largest_nodes *nodes)
{
	if (nodes->count)
		qsort(nodes->items, nodes->count, sizeof(*nodes->items), compare);
}
