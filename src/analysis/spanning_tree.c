/*
 * A queue that is kept whole.
 */
#include "analysis/spanning_tree.h"

#include "graph/bits.h"

static uint64_t nodes_bytes(const struct pyi_graph *graph)
{
	return (uint64_t)graph->node_count * sizeof(uint32_t);
}

struct pyi_error *pyi_spanning_tree_init(const struct pyi_graph *graph,
					 struct pyi_spanning_tree *ret_tree)
{
	struct pyi_spanning_tree tree = { .graph = graph };
	uint32_t **columns[] = { &tree.order, &tree.above, &tree.places, &tree.held };
	struct pyi_error *error = NULL;
	void *region;

	for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]) && !error; c++) {
		error = pyi_graph_space_map(graph->space, nodes_bytes(graph), &region);
		if (!error)
			*columns[c] = region;
	}
	if (!error)
		error = pyi_graph_space_map(graph->space, pyi_bits_bytes(graph->node_count),
					    &region);
	if (error) {
		pyi_spanning_tree_deinit(&tree);
		return error;
	}
	tree.reached = region;
	*ret_tree = tree;
	return NULL;
}

static void unmap(const struct pyi_spanning_tree *tree, void *region, uint64_t bytes)
{
	pyi_graph_space_unmap(tree->graph->space, region, bytes);
}

void pyi_spanning_tree_deinit(struct pyi_spanning_tree *tree)
{
	if (!tree->graph)
		return;
	unmap(tree, tree->order, nodes_bytes(tree->graph));
	unmap(tree, tree->above, nodes_bytes(tree->graph));
	unmap(tree, tree->places, nodes_bytes(tree->graph));
	unmap(tree, tree->held, nodes_bytes(tree->graph));
	unmap(tree, tree->reached, pyi_bits_bytes(tree->graph->node_count));
	*tree = (struct pyi_spanning_tree){ 0 };
}

static void reach(struct pyi_spanning_tree *tree, uint32_t node, uint32_t above, uint32_t place)
{
	tree->order[tree->count++] = node;
	tree->above[node] = above;
	tree->places[node] = place;
}

bool pyi_spanning_tree_start(struct pyi_spanning_tree *tree, uint32_t node, uint32_t number)
{
	if (!pyi_bits_set(tree->reached, node))
		return false;
	reach(tree, node, PYI_GRAPH_NONE, number);
	return true;
}

static void expand(struct pyi_spanning_tree *tree, uint32_t node)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(tree->graph, node);

	/* Places of more than 32 bits are those of no object. */
	for (uint64_t e = 0; e < referents.count && e < UINT32_MAX; e++)
		if (pyi_bits_set(tree->reached, referents.items[e]))
			reach(tree, referents.items[e], node, (uint32_t)e);
}

void pyi_spanning_tree_grow(struct pyi_spanning_tree *tree, uint64_t put_off)
{
	const struct pyi_graph *graph = tree->graph;

	while (!put_off && tree->held_taken < tree->held_count)
		expand(tree, tree->held[tree->held_taken++]);
	while (tree->grown < tree->count) {
		uint32_t node = tree->order[tree->grown++];
		uint32_t kind = graph->types[pyi_graph_type(graph, node)].kind;

		if (kind < 64 && put_off >> kind & 1)
			tree->held[tree->held_count++] = node;
		else
			expand(tree, node);
	}
}
