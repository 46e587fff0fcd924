/*
 * One walk of the tree of dominators, which says which objects retain estimates, and of each type
 * the sum of those instances that no other instance dominates. Then what each type retains that may
 * be in the list.
 */
#include "analysis/retained.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/heap_types.h"
#include "analysis/largest_nodes.h"
#include "base/cleanup.h"
#include "graph/bits.h"

enum {
	/* How many are computed for each type that is wanted. */
	CANDIDATES = 2,
};

/* The tree, from above: who is dominated by whom. */
struct tree {
	const struct pyi_graph *graph;
	const struct pyi_dominators *dominators;
	uint32_t *first;
	uint32_t *next;
	/* Bits of nodes that retain an estimate. */
	uint64_t *estimated;
	/* Of rows of types; NULL: not asked. How many instances the node is below; their sums. */
	const uint32_t *rows;
	uint32_t *depths;
	uint64_t *sums;
};

static void add(uint64_t *sum, uint64_t bytes)
{
	if (__builtin_add_overflow(*sum, bytes, sum))
		*sum = UINT64_MAX;
}

static bool is_object(const struct pyi_graph *graph, uint32_t node)
{
	return !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
}

static void enter(struct tree *tree, uint32_t node)
{
	const uint32_t type = pyi_graph_type(tree->graph, node);

	if (!is_object(tree->graph, node))
		return;
	if (tree->graph->types[type].estimated)
		pyi_bits_set(tree->estimated, node);
	if (tree->rows && !tree->depths[tree->rows[type]]++)
		add(&tree->sums[tree->rows[type]], tree->dominators->retained_bytes[node]);
}

static void leave(struct tree *tree, uint32_t node)
{
	const uint32_t above = tree->dominators->dominators[node];

	if (above != PYI_GRAPH_NONE && pyi_bits_has(tree->estimated, node))
		pyi_bits_set(tree->estimated, above);
	if (tree->rows && is_object(tree->graph, node))
		tree->depths[tree->rows[pyi_graph_type(tree->graph, node)]]--;
}

static void walk_from(struct tree *tree, uint32_t root)
{
	uint32_t node = root;

	for (;;) {
		enter(tree, node);
		if (tree->first[node] != PYI_GRAPH_NONE) {
			node = tree->first[node];
			continue;
		}
		leave(tree, node);
		while (node != root && tree->next[node] == PYI_GRAPH_NONE) {
			node = tree->dominators->dominators[node];
			leave(tree, node);
		}
		if (node == root)
			return;
		node = tree->next[node];
	}
}

static void walk(struct tree *tree)
{
	const uint32_t *above = tree->dominators->dominators;
	const uint32_t count = tree->graph->node_count;

	memset(tree->first, 0xff, (size_t)count * sizeof(*tree->first));
	for (uint32_t node = 0; node < count; node++) {
		tree->next[node] = PYI_GRAPH_NONE;
		if (above[node] == PYI_GRAPH_NONE)
			continue;
		tree->next[node] = tree->first[above[node]];
		tree->first[above[node]] = node;
	}
	for (uint32_t node = 0; node < count; node++)
		if (above[node] == PYI_GRAPH_NONE)
			walk_from(tree, node);
}

/* `ret_estimated`: pyi_bits_bytes(), in the space of the graph. */
static struct pyi_error *walk_tree(struct tree *tree, uint64_t **ret_estimated)
{
	struct pyi_graph_space *space = tree->graph->space;
	const uint64_t node_bytes = (uint64_t)tree->graph->node_count * sizeof(uint32_t);
	const uint64_t sizes[3] = { node_bytes, node_bytes,
				    pyi_bits_bytes(tree->graph->node_count) };
	void *regions[3] = { NULL };
	struct pyi_error *error = NULL;

	for (int r = 0; r < 3 && !error; r++)
		error = pyi_graph_space_map(space, sizes[r], &regions[r]);
	if (!error) {
		tree->first = regions[0];
		tree->next = regions[1];
		tree->estimated = regions[2];
		walk(tree);
		*ret_estimated = regions[2];
	}
	for (int r = 0; r < (error ? 3 : 2); r++)
		pyi_graph_space_unmap(space, regions[r], sizes[r]);
	return error;
}

struct pyi_error *pyi_retained_find_objects(const struct pyi_graph *graph,
					    const struct pyi_dominators *dominators, size_t limit,
					    struct pyi_retained_objects *ret_objects)
{
	PYI_CLEANUP(pyi_largest_nodes_deinit) struct pyi_largest_nodes largest = { 0 };
	struct tree tree = { .graph = graph, .dominators = dominators };
	struct pyi_retained_objects objects = { 0 };
	uint64_t *estimated;
	struct pyi_error *error;

	error = pyi_largest_nodes_init(&largest,
				       limit < graph->node_count ? limit : graph->node_count);
	if (error)
		return error;
	objects.items = calloc(largest.limit + 1, sizeof(*objects.items));
	if (!objects.items)
		return pyi_error_no_memory();
	error = walk_tree(&tree, &estimated);
	if (error) {
		free(objects.items);
		return error;
	}
	for (uint32_t node = 0; node < graph->node_count; node++)
		if (is_object(graph, node))
			pyi_largest_nodes_offer(&largest, node, dominators->retained_bytes[node]);
	pyi_largest_nodes_sort(&largest);
	for (; objects.count < largest.count; objects.count++) {
		const struct pyi_largest_node *found = &largest.items[objects.count];

		objects.items[objects.count] = (struct pyi_retained_object){
			.node = found->node,
			.retained_bytes = found->figure,
			.estimated = pyi_bits_has(estimated, found->node),
		};
	}
	pyi_graph_space_unmap(graph->space, estimated, pyi_bits_bytes(graph->node_count));
	*ret_objects = objects;
	return NULL;
}

static int compare_name(const void *name, const void *type)
{
	return strcmp(name, ((const struct pyi_census_type *)type)->name);
}

/* Rows of the census, which is ordered by name, by number of type. What has no instances gets the
   one behind the last. */
static uint32_t *find_rows(const struct pyi_graph *graph, const struct pyi_census *census)
{
	uint32_t *rows = calloc((size_t)graph->type_count + 1, sizeof(*rows));

	for (uint32_t t = 0; rows && t < graph->type_count; t++) {
		const char *name = graph->types[t].name ? graph->types[t].name : "?";
		const struct pyi_census_type *row =
			census->type_count ? bsearch(name, census->types, census->type_count,
						     sizeof(*census->types), compare_name)
					   : NULL;

		rows[t] = (uint32_t)(row ? row - census->types : (ptrdiff_t)census->type_count);
	}
	return rows;
}

static struct pyi_error *sum_by_instance(const struct pyi_graph *graph,
					 const struct pyi_dominators *dominators,
					 const uint32_t *rows, size_t row_count, uint64_t *sums)
{
	PYI_CLEANUP(pyi_guard_free) uint32_t *depths = calloc(row_count + 1, sizeof(*depths));
	struct tree tree = {
		.graph = graph,
		.dominators = dominators,
		.rows = rows,
		.depths = depths,
		.sums = sums,
	};
	uint64_t *estimated;
	struct pyi_error *error;

	if (!depths)
		return pyi_error_no_memory();
	error = walk_tree(&tree, &estimated);
	if (!error)
		pyi_graph_space_unmap(graph->space, estimated, pyi_bits_bytes(graph->node_count));
	return error;
}

/* Most first; ties by what else is known, so that the order is always the same. */
static int compare_types(const void *left, const void *right)
{
	const struct pyi_retained_type *one = left;
	const struct pyi_retained_type *other = right;

	if (one->retained_bytes != other->retained_bytes)
		return one->retained_bytes < other->retained_bytes ? 1 : -1;
	return strcmp(one->type.name, other->type.name);
}

struct run {
	const struct pyi_graph *graph;
	const struct pyi_graph_entries *entries;
	const struct pyi_retained_check *check;
	struct pyi_census census;
	uint32_t *rows;
};

/* What the filter wants, by the sums of its rows. */
static struct pyi_error *choose(struct run *run, const struct pyi_census_filter *filter,
				const uint64_t *sums, struct pyi_retained_types *types)
{
	const struct pyi_census *census = &run->census;

	types->items = calloc(census->type_count + 1, sizeof(*types->items));
	if (!types->items)
		return pyi_error_no_memory();
	for (size_t row = 0; row < census->type_count; row++) {
		struct pyi_retained_type *type = &types->items[types->count];

		if (!pyi_census_wants(filter, census->types[row].name))
			continue;
		type->type = census->types[row];
		type->type.name = strdup(census->types[row].name);
		if (!type->type.name)
			return pyi_error_no_memory();
		type->retained_bytes = sums[row];
		types->count++;
	}
	types->all_count = types->count;
	if (types->count)
		qsort(types->items, types->count, sizeof(*types->items), compare_types);
	return NULL;
}

static void cut(struct pyi_retained_types *types, size_t limit)
{
	while (types->count > limit)
		free(types->items[--types->count].type.name);
}

static struct pyi_error *measure(const struct run *run, struct pyi_retained_types *types)
{
	PYI_CLEANUP(pyi_guard_free)
	const char **names = calloc(types->count + 1, sizeof(*names));
	PYI_CLEANUP(pyi_guard_free)
	struct pyi_retained *retained = calloc(types->count + 1, sizeof(*retained));
	struct pyi_error *error;

	if (!names || !retained)
		return pyi_error_no_memory();
	for (size_t t = 0; t < types->count; t++)
		names[t] = types->items[t].type.name;
	error = pyi_retained_by_types(run->graph, run->entries, names, types->count, run->check,
				      retained);
	for (size_t t = 0; t < types->count && !error; t++) {
		types->items[t].retained_bytes = retained[t].bytes;
		types->items[t].retained_estimated = retained[t].estimated;
	}
	return error;
}

static struct pyi_error *find_types(struct run *run, const struct pyi_dominators *dominators,
				    const struct pyi_census_filter *filter, size_t limit,
				    struct pyi_retained_types *types)
{
	PYI_CLEANUP(pyi_guard_free) uint64_t *sums = NULL;
	struct pyi_error *error = pyi_heap_types(run->graph, NULL, &run->census);

	if (error)
		return error;
	sums = calloc(run->census.type_count + 1, sizeof(*sums));
	run->rows = find_rows(run->graph, &run->census);
	if (!sums || !run->rows)
		return pyi_error_no_memory();
	error = sum_by_instance(run->graph, dominators, run->rows, run->census.type_count, sums);
	if (!error)
		error = choose(run, filter, sums, types);
	if (error)
		return error;
	if (limit)
		cut(types, limit > SIZE_MAX / CANDIDATES ? limit : limit * CANDIDATES);
	error = measure(run, types);
	if (error)
		return error;
	if (types->count)
		qsort(types->items, types->count, sizeof(*types->items), compare_types);
	if (limit)
		cut(types, limit);
	return NULL;
}

struct pyi_error *pyi_retained_find_types(const struct pyi_graph *graph,
					  const struct pyi_graph_entries *entries,
					  const struct pyi_dominators *dominators,
					  const struct pyi_census_filter *filter, size_t limit,
					  const struct pyi_retained_check *check,
					  struct pyi_retained_types *ret_types)
{
	struct run run = { .graph = graph, .entries = entries, .check = check };
	struct pyi_retained_types types = { 0 };
	struct pyi_error *error = find_types(&run, dominators, filter, limit, &types);

	pyi_census_deinit(&run.census);
	free(run.rows);
	if (error) {
		pyi_retained_types_deinit(&types);
		return error;
	}
	*ret_types = types;
	return NULL;
}

void pyi_retained_objects_deinit(struct pyi_retained_objects *objects)
{
	free(objects->items);
	*objects = (struct pyi_retained_objects){ 0 };
}

void pyi_retained_types_deinit(struct pyi_retained_types *types)
{
	cut(types, 0);
	free(types->items);
	*types = (struct pyi_retained_types){ 0 };
}
