/*
 * The simple algorithm of Lengauer and Tarjan (1979), with buckets. Those that need less memory
 * (SEMI-NCA, Cooper-Harvey-Kennedy) are quadratic on shapes that heaps have.
 *
 * Objects are numbered from 1 in the order of a search from all entries; 0 stands for what is
 * before the entries. An object without references that one reference leads to gets no number: the
 * object that has this reference dominates it. Arrays are shared where one use ends before
 * another one begins, which is said at each.
 */
#include "analysis/dominators.h"

#include <string.h>

#include "analysis/reach.h"
#include "graph/bits.h"

struct tree {
	const struct pyi_graph *graph;
	uint64_t *entry_marks;
	/* Nodes that get no number. */
	uint64_t *apart;
	/* Of each node; 0: it has none. */
	uint32_t *numbers;
	/* Of each number. While dominators are found, only of those that are not done: the same
	   array has the dominators of the others. */
	uint32_t *nodes;
	/* What the search came from. Of a number that is done: an ancestor, up to which the best
	   label is known. */
	uint32_t *parents;
	/* While searching: how many referents have been looked at. */
	uint32_t *semi;
	/* Of a number that is done: the number with the least `semi` up to the ancestor. Before:
	   the first one in its bucket. */
	uint32_t *labels;
	/* In a bucket: the next one. */
	uint32_t *dominators;
	uint32_t count;
	/* Numbers above it are done. */
	uint32_t current;
};

enum {
	TREE_ARRAYS = 4,
};

/* Once for each node in order: while searching, a bit is nearer than what it is made of. */
static uint64_t find_apart(struct tree *tree)
{
	uint64_t count = 0;

	for (uint32_t node = 0; node < tree->graph->node_count; node++)
		if (!pyi_graph_referents(tree->graph, node).count &&
		    pyi_graph_referrers(tree->graph, node).count == 1 &&
		    !pyi_bits_has(tree->entry_marks, node))
			count += pyi_bits_set(tree->apart, node);
	return count;
}

static uint32_t give_number(struct tree *tree, uint32_t node, uint32_t parent)
{
	uint32_t number = ++tree->count;

	tree->numbers[node] = number;
	tree->nodes[number] = node;
	tree->parents[number] = parent;
	return number;
}

static void search_from(struct tree *tree, uint32_t entry)
{
	uint32_t at;

	if (tree->numbers[entry])
		return;
	at = give_number(tree, entry, 0);
	while (at) {
		struct pyi_graph_nodes referents =
			pyi_graph_referents(tree->graph, tree->nodes[at]);
		uint32_t next = PYI_GRAPH_NONE;

		while (tree->semi[at] < referents.count && next == PYI_GRAPH_NONE) {
			uint32_t target = referents.items[tree->semi[at]++];

			if (!pyi_bits_has(tree->apart, target) && !tree->numbers[target])
				next = target;
		}
		at = next == PYI_GRAPH_NONE ? tree->parents[at] : give_number(tree, next, at);
	}
}

/* The number with the least `semi` on the way up from one that is done, as far as numbers are. */
static uint32_t best_above(struct tree *tree, uint32_t number)
{
	uint32_t *parents = tree->parents;
	uint32_t at = number;
	uint32_t below = 0;
	uint32_t best;
	uint32_t top;

	/* Up, turning pointers round, so that there is a way down without a stack. */
	while (parents[at] > tree->current) {
		uint32_t above = parents[at];

		parents[at] = below;
		below = at;
		at = above;
	}
	top = parents[at];
	best = tree->labels[at];
	while (below) {
		at = below;
		below = parents[at];
		parents[at] = top;
		if (tree->semi[best] < tree->semi[tree->labels[at]])
			tree->labels[at] = best;
		else
			best = tree->labels[at];
	}
	return tree->labels[number];
}

static void empty_bucket(struct tree *tree, uint32_t number)
{
	uint32_t next;

	for (uint32_t in = tree->labels[number]; in; in = next) {
		uint32_t best = best_above(tree, in);

		next = tree->dominators[in];
		tree->dominators[in] = tree->semi[best] < number ? best : number;
	}
	tree->labels[number] = number;
}

static uint32_t find_semi(struct tree *tree, uint32_t number)
{
	uint32_t node = tree->nodes[number];
	struct pyi_graph_nodes referrers = pyi_graph_referrers(tree->graph, node);
	uint32_t semi = tree->parents[number];

	if (pyi_bits_has(tree->entry_marks, node))
		return 0;
	for (uint64_t r = 0; r < referrers.count; r++) {
		uint32_t from = tree->numbers[referrers.items[r]];

		if (from > number)
			from = tree->semi[best_above(tree, from)];
		if (from < semi)
			semi = from;
	}
	return semi;
}

static void find_dominators(struct tree *tree)
{
	for (uint32_t number = 1; number <= tree->count; number++)
		tree->semi[number] = number;
	for (uint32_t number = tree->count; number; number--) {
		uint32_t semi;

		tree->current = number;
		empty_bucket(tree, number);
		semi = find_semi(tree, number);
		tree->semi[number] = semi;
		if (semi == tree->parents[number] || !semi) {
			tree->dominators[number] = semi;
		} else {
			tree->dominators[number] = tree->labels[semi];
			tree->labels[semi] = number;
		}
	}
	for (uint32_t number = 1; number <= tree->count; number++)
		if (tree->dominators[number] != tree->semi[number])
			tree->dominators[number] = tree->dominators[tree->dominators[number]];
}

/* In place of numbers of nodes: the nodes that dominate. */
static void name_dominators(struct tree *tree)
{
	/* Labels are not needed any more. */
	tree->nodes = tree->labels;
	for (uint32_t node = 0; node < tree->graph->node_count; node++)
		if (tree->numbers[node])
			tree->nodes[tree->numbers[node]] = node;
	for (uint32_t node = 0; node < tree->graph->node_count; node++)
		if (!tree->numbers[node])
			tree->numbers[node] = pyi_graph_referrers(tree->graph, node).items[0];
	for (uint32_t number = tree->count; number; number--) {
		uint32_t above = tree->dominators[number];

		tree->numbers[tree->nodes[number]] = above ? tree->nodes[above] : PYI_GRAPH_NONE;
	}
}

static void add_bytes(uint64_t *sum, uint64_t bytes)
{
	if (__builtin_add_overflow(*sum, bytes, sum))
		*sum = UINT64_MAX;
}

static void add_up(const struct tree *tree, uint64_t *retained)
{
	const uint32_t *above = tree->numbers;

	for (uint32_t node = 0; node < tree->graph->node_count; node++)
		add_bytes(&retained[node], pyi_graph_size(tree->graph, node));
	for (uint32_t node = 0; node < tree->graph->node_count; node++)
		if (pyi_bits_has(tree->apart, node))
			add_bytes(&retained[above[node]], retained[node]);
	/* What is dominated was found later. */
	for (uint32_t number = tree->count; number; number--) {
		uint32_t node = tree->nodes[number];

		if (above[node] != PYI_GRAPH_NONE)
			add_bytes(&retained[above[node]], retained[node]);
	}
}

static struct pyi_error *find(struct tree *tree, const struct pyi_graph_entries *entries,
			      struct pyi_dominators *result)
{
	struct pyi_graph_space *space = tree->graph->space;
	const uint64_t node_bytes = result->node_count * sizeof(uint32_t);
	uint32_t **arrays[TREE_ARRAYS] = { &tree->labels, &tree->parents, &tree->semi,
					   &tree->nodes };
	void *regions[TREE_ARRAYS] = { NULL };
	uint64_t array_bytes;
	struct pyi_error *error;
	void *region;

	error = pyi_graph_space_map(space, node_bytes, &region);
	if (error)
		return error;
	result->dominators = tree->numbers = region;
	array_bytes = (1 + result->node_count - find_apart(tree)) * sizeof(uint32_t);
	for (int a = 0; a < TREE_ARRAYS && !error; a++) {
		error = pyi_graph_space_map(space, array_bytes, &regions[a]);
		*arrays[a] = regions[a];
	}
	if (!error) {
		tree->dominators = tree->nodes;
		for (uint64_t e = 0; e < entries->count; e++)
			search_from(tree, entries->nodes[e]);
		find_dominators(tree);
		name_dominators(tree);
	}
	for (int a = 1; a < TREE_ARRAYS; a++)
		pyi_graph_space_unmap(space, regions[a], array_bytes);
	if (!error)
		error = pyi_graph_space_map(space, result->node_count * sizeof(uint64_t), &region);
	if (!error) {
		result->retained_bytes = region;
		add_up(tree, result->retained_bytes);
	}
	pyi_graph_space_unmap(space, regions[0], array_bytes);
	return error;
}

struct pyi_error *pyi_dominators_find(const struct pyi_graph *graph,
				      const struct pyi_graph_entries *entries,
				      struct pyi_dominators *ret_dominators)
{
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	struct pyi_dominators result = { .space = graph->space, .node_count = graph->node_count };
	struct tree tree = { .graph = graph };
	void *marks = NULL;
	void *apart = NULL;
	struct pyi_error *error = pyi_graph_space_map(graph->space, bits_bytes, &marks);

	if (!error)
		error = pyi_graph_space_map(graph->space, bits_bytes, &apart);
	if (!error) {
		tree.entry_marks = marks;
		tree.apart = apart;
		for (uint64_t e = 0; e < entries->count; e++)
			pyi_bits_set(tree.entry_marks, entries->nodes[e]);
		error = find(&tree, entries, &result);
	}
	pyi_graph_space_unmap(graph->space, apart, bits_bytes);
	pyi_graph_space_unmap(graph->space, marks, bits_bytes);
	if (error) {
		pyi_dominators_deinit(&result);
		return error;
	}
	*ret_dominators = result;
	return NULL;
}

void pyi_dominators_deinit(struct pyi_dominators *dominators)
{
	if (dominators->space) {
		pyi_graph_space_unmap(dominators->space, dominators->dominators,
				      dominators->node_count * sizeof(uint32_t));
		pyi_graph_space_unmap(dominators->space, dominators->retained_bytes,
				      dominators->node_count * sizeof(uint64_t));
	}
	*dominators = (struct pyi_dominators){ 0 };
}

void pyi_retained_add(struct pyi_retained *retained, const struct pyi_graph *graph, uint32_t node)
{
	retained->objects++;
	add_bytes(&retained->bytes, pyi_graph_size(graph, node));
	/* The type of shared keys means nothing. */
	if (!(pyi_graph_flags(graph, node) & PYI_NODE_KEYS))
		retained->estimated |= graph->types[pyi_graph_type(graph, node)].estimated;
}

struct pyi_retained pyi_retained_unmarked(const struct pyi_graph *graph, const uint64_t *marks)
{
	struct pyi_retained retained = { 0 };

	for (uint32_t node = 0; node < graph->node_count; node++)
		if (!pyi_bits_has(marks, node))
			pyi_retained_add(&retained, graph, node);
	return retained;
}

struct pyi_error *pyi_retained_by_set(const struct pyi_graph *graph,
				      const struct pyi_graph_entries *entries, const uint64_t *set,
				      struct pyi_retained *ret_retained)
{
	uint64_t *marks;
	struct pyi_error *error = pyi_reach_without(graph, entries, set, &marks);

	if (error)
		return error;
	*ret_retained = pyi_retained_unmarked(graph, marks);
	pyi_graph_space_unmap(graph->space, marks, pyi_bits_bytes(graph->node_count));
	return NULL;
}
