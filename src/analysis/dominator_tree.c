/*
 * The biggest group that has not been looked into is looked into next, until there are enough. Each
 * object is looked at once.
 */
#include "analysis/dominator_tree.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/heap_steps.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "graph/bits.h"

enum {
	REGIONS = 5,
	/* Groups that one group falls into; from there on only by type. */
	FOUND_LIMIT = 4096,
	SLOTS = 4 * FOUND_LIMIT,
};

/* A group with its members, while the tree is made. */
struct group {
	struct pyi_tree_group shown;
	uint32_t type;
	struct pyi_heap_step step;
	uint32_t first_member;
	bool open;
};

struct making {
	const struct pyi_graph *graph;
	const struct pyi_dominators *dominators;
	const struct pyi_tree_request *request;
	/* What each dominates, as a list; and the members of a group. */
	uint32_t *first;
	uint32_t *next;
	uint32_t *chain;
	uint64_t *estimated;
	uint64_t *taken;
	/* What the group that is looked into falls into. */
	struct group *found;
	size_t found_count;
	size_t found_capacity;
	uint32_t *slots;
	struct group *groups;
	size_t count;
};

static void add(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

static uint32_t type_of(const struct pyi_graph *graph, uint32_t node)
{
	/* The type of shared keys means nothing. */
	return pyi_graph_flags(graph, node) & PYI_NODE_KEYS ? UINT32_MAX
							    : pyi_graph_type(graph, node);
}

static void mark_estimates(struct making *making)
{
	const uint32_t *above = making->dominators->dominators;

	for (uint32_t node = 0; node < making->graph->node_count; node++) {
		uint32_t type = type_of(making->graph, node);

		if (type == UINT32_MAX || !making->graph->types[type].estimated)
			continue;
		for (uint32_t at = node;
		     at != PYI_GRAPH_NONE && pyi_bits_set(making->estimated, at); at = above[at])
			;
	}
}

static void list_dominated(struct making *making)
{
	const uint32_t *above = making->dominators->dominators;
	const uint32_t count = making->graph->node_count;

	memset(making->first, 0xff, (size_t)count * sizeof(*making->first));
	for (uint32_t left = count; left; left--) {
		uint32_t node = left - 1;

		making->next[node] = PYI_GRAPH_NONE;
		if (above[node] == PYI_GRAPH_NONE)
			continue;
		making->next[node] = making->first[above[node]];
		making->first[above[node]] = node;
	}
}

static uint32_t slot_of(uint32_t type, const struct pyi_heap_step *step)
{
	uint64_t hash = ((uint64_t)type << 32 | step->label) * UINT64_C(0x9e3779b97f4a7c15);

	hash ^= ((uint64_t)step->place << 32 | step->detail) + (hash >> 29);
	return (uint32_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 40) % SLOTS;
}

static bool is_like(const struct group *group, uint32_t type, const struct pyi_heap_step *step)
{
	return group->type == type && group->step.label == step->label &&
	       group->step.place == step->place && group->step.detail == step->detail;
}

/* The group of what is found now; NULL without memory. */
static struct group *find_group(struct making *making, uint32_t type,
				const struct pyi_heap_step *step)
{
	struct pyi_heap_step like = *step;
	uint32_t slot;

	if (making->found_count >= FOUND_LIMIT) {
		like = (struct pyi_heap_step){ .place = PYI_AT_ANY };
		/* There are no more types than that with something to show. */
		if (making->found_count >= 2 * (size_t)FOUND_LIMIT)
			type = UINT32_MAX;
	}
	for (slot = slot_of(type, &like); making->slots[slot]; slot = (slot + 1) % SLOTS)
		if (is_like(&making->found[making->slots[slot] - 1], type, &like))
			return &making->found[making->slots[slot] - 1];
	if (!pyi_array_reserve(&making->found, making->found_count, &making->found_capacity,
			       sizeof(*making->found)))
		return NULL;
	making->found[making->found_count++] = (struct group){
		.type = type,
		.step = like,
		.first_member = PYI_GRAPH_NONE,
		.open = true,
		.shown.example = PYI_GRAPH_NONE,
	};
	making->slots[slot] = (uint32_t)making->found_count;
	return &making->found[making->found_count - 1];
}

/* `source` PYI_GRAPH_NONE: it is not known how it is reached. */
static struct pyi_error *take(struct making *making, uint32_t node, uint32_t source, uint64_t place,
			      bool apart)
{
	struct pyi_heap_step step = { .place = PYI_AT_ENTRY, .detail = node };
	struct group *group;

	if (source != PYI_GRAPH_NONE)
		step = pyi_heap_step_of(making->graph, source, place);
	if (!apart) {
		step.place = source == PYI_GRAPH_NONE ? PYI_AT_ENTRY : PYI_AT_ANY;
		step.detail = source == PYI_GRAPH_NONE ? PYI_GRAPH_NONE : 0;
	}
	group = find_group(making, type_of(making->graph, node), &step);
	if (!group)
		return pyi_error_no_memory();
	if (group->shown.example == PYI_GRAPH_NONE) {
		group->shown.example = node;
		group->shown.source = source;
		group->shown.place = place;
		group->shown.any_place = step.place == PYI_AT_ANY;
	}
	making->chain[node] = group->first_member;
	group->first_member = node;
	group->shown.objects += !(pyi_graph_flags(making->graph, node) & PYI_NODE_KEYS);
	add(&group->shown.bytes, pyi_graph_size(making->graph, node));
	add(&group->shown.retained_bytes, making->dominators->retained_bytes[node]);
	group->shown.estimated |= pyi_bits_has(making->estimated, node);
	return NULL;
}

static bool is_big(const struct making *making, uint32_t node)
{
	return making->dominators->retained_bytes[node] >= making->request->least_bytes;
}

/* What one object dominates: first what it refers to itself. */
static struct pyi_error *look_into(struct making *making, uint32_t node)
{
	const uint32_t *above = making->dominators->dominators;
	struct pyi_graph_nodes referents = pyi_graph_referents(making->graph, node);
	struct pyi_error *error = NULL;
	uint64_t own = 0;

	for (uint64_t place = 0; place < referents.count; place++)
		own += above[referents.items[place]] == node;
	for (uint64_t place = 0; place < referents.count && own && !error; place++) {
		uint32_t target = referents.items[place];

		if (above[target] == node && pyi_bits_set(making->taken, target))
			error = take(making, target, node, place,
				     own <= PYI_STEPS_APART || is_big(making, target));
	}
	for (uint32_t target = making->first[node]; target != PYI_GRAPH_NONE && !error;
	     target = making->next[target])
		if (pyi_bits_set(making->taken, target))
			error = take(making, target, PYI_GRAPH_NONE, 0, is_big(making, target));
	return error;
}

static int compare_groups(const void *left, const void *right)
{
	const struct pyi_tree_group *one = &((const struct group *)left)->shown;
	const struct pyi_tree_group *other = &((const struct group *)right)->shown;

	if (one->retained_bytes != other->retained_bytes)
		return one->retained_bytes < other->retained_bytes ? 1 : -1;
	return (one->example > other->example) - (one->example < other->example);
}

/* Adds what was found below a group; the rest is added up. */
static void keep(struct making *making, uint32_t above, uint32_t depth, uint64_t *rest_objects,
		 uint64_t *rest_bytes)
{
	size_t kept = 0;

	if (making->found_count)
		qsort(making->found, making->found_count, sizeof(*making->found), compare_groups);
	for (size_t f = 0; f < making->found_count; f++) {
		struct group *group = &making->found[f];

		if (kept < PYI_TREE_WIDTH && making->count < making->request->limit &&
		    group->shown.retained_bytes >= making->request->least_bytes) {
			group->shown.above = above;
			group->shown.depth = depth;
			making->groups[making->count++] = *group;
			kept++;
			continue;
		}
		*rest_objects += group->shown.objects;
		add(rest_bytes, group->shown.retained_bytes);
	}
	making->found_count = 0;
	memset(making->slots, 0, SLOTS * sizeof(*making->slots));
}

/* True if one of the nodes above is in the set. What has been asked is not asked again. */
static bool is_below(const struct making *making, uint32_t node, uint64_t *known, uint64_t *below)
{
	const uint32_t *above = making->dominators->dominators;
	uint32_t at = above[node];
	bool is;

	while (at != PYI_GRAPH_NONE && !pyi_bits_has(making->request->set, at) &&
	       !pyi_bits_has(known, at))
		at = above[at];
	is = at != PYI_GRAPH_NONE &&
	     (pyi_bits_has(making->request->set, at) || pyi_bits_has(below, at));
	for (uint32_t up = above[node]; up != at; up = above[up]) {
		pyi_bits_set(known, up);
		if (is)
			pyi_bits_set(below, up);
	}
	return is;
}

static struct pyi_error *begin(struct making *making, struct pyi_dominator_tree *tree)
{
	const struct pyi_graph *graph = making->graph;
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	struct pyi_error *error;
	void *regions[2] = { NULL };

	error = pyi_graph_space_map(graph->space, bits_bytes, &regions[0]);
	if (!error)
		error = pyi_graph_space_map(graph->space, bits_bytes, &regions[1]);
	for (uint32_t node = 0; node < graph->node_count && !error; node++) {
		if (making->request->set ? !pyi_bits_has(making->request->set, node) ||
						   is_below(making, node, regions[0], regions[1])
					 : making->dominators->dominators[node] != PYI_GRAPH_NONE)
			continue;
		tree->top_objects += !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
		add(&tree->top_bytes, making->dominators->retained_bytes[node]);
		error = take(making, node, PYI_GRAPH_NONE, 0, is_big(making, node));
	}
	pyi_graph_space_unmap(graph->space, regions[0], bits_bytes);
	pyi_graph_space_unmap(graph->space, regions[1], bits_bytes);
	if (!error)
		keep(making, PYI_GRAPH_NONE, 0, &tree->rest_objects, &tree->rest_bytes);
	return error;
}

static struct group *biggest_open(const struct making *making)
{
	struct group *biggest = NULL;

	for (size_t g = 0; g < making->count; g++) {
		struct group *group = &making->groups[g];

		if (group->open && group->shown.depth + 1 < making->request->depth &&
		    (!biggest || group->shown.retained_bytes > biggest->shown.retained_bytes))
			biggest = group;
	}
	return biggest;
}

static struct pyi_error *grow(struct making *making)
{
	struct pyi_error *error = NULL;
	struct group *group;

	while (!error && making->count < making->request->limit &&
	       (group = biggest_open(making)) != NULL) {
		group->open = false;
		for (uint32_t node = group->first_member; node != PYI_GRAPH_NONE && !error;
		     node = making->chain[node])
			error = look_into(making, node);
		if (!error)
			keep(making, (uint32_t)(group - making->groups), group->shown.depth + 1,
			     &group->shown.rest_objects, &group->shown.rest_bytes);
	}
	return error;
}

/* In the order in which they are read: each before those below it. */
static struct pyi_error *put_in_order(const struct making *making, struct pyi_dominator_tree *tree)
{
	PYI_CLEANUP(pyi_guard_free)
	uint32_t *numbers = calloc(making->count + 1, sizeof(*numbers));
	/* The next one to be looked at on each level; those of one group above stand together. */
	uint32_t stack[PYI_TREE_GROUP_LIMIT];
	size_t depth = 0;

	tree->groups = calloc(making->count + 1, sizeof(*tree->groups));
	if (!numbers || !tree->groups)
		return pyi_error_no_memory();
	for (size_t g = making->count; g; g--)
		if (making->groups[g - 1].shown.above == PYI_GRAPH_NONE)
			stack[depth++] = (uint32_t)(g - 1);
	while (depth) {
		uint32_t at = stack[--depth];
		struct pyi_tree_group *group = &tree->groups[tree->count];

		*group = making->groups[at].shown;
		numbers[at] = (uint32_t)tree->count++;
		if (group->above != PYI_GRAPH_NONE)
			group->above = numbers[group->above];
		for (size_t g = making->count; g; g--)
			if (making->groups[g - 1].shown.above == at)
				stack[depth++] = (uint32_t)(g - 1);
	}
	return NULL;
}

static struct pyi_error *make(struct making *making, struct pyi_dominator_tree *tree)
{
	struct pyi_error *error;

	making->slots = calloc(SLOTS, sizeof(*making->slots));
	making->groups = calloc(making->request->limit + 1, sizeof(*making->groups));
	if (!making->slots || !making->groups)
		return pyi_error_no_memory();
	mark_estimates(making);
	list_dominated(making);
	error = begin(making, tree);
	if (!error)
		error = grow(making);
	return error ? error : put_in_order(making, tree);
}

struct pyi_error *pyi_dominator_tree_make(const struct pyi_graph *graph,
					  const struct pyi_dominators *dominators,
					  const struct pyi_tree_request *request,
					  struct pyi_dominator_tree *ret_tree)
{
	const uint64_t node_bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	const uint64_t sizes[REGIONS] = { node_bytes, node_bytes, node_bytes, bits_bytes,
					  bits_bytes };
	struct pyi_tree_request bounded = *request;
	struct pyi_dominator_tree tree = { 0 };
	struct making making = { .graph = graph, .dominators = dominators, .request = &bounded };
	void *regions[REGIONS] = { NULL };
	struct pyi_error *error = NULL;

	if (bounded.limit > PYI_TREE_GROUP_LIMIT)
		bounded.limit = PYI_TREE_GROUP_LIMIT;
	for (int r = 0; r < REGIONS && !error; r++)
		error = pyi_graph_space_map(graph->space, sizes[r], &regions[r]);
	if (!error) {
		making.first = regions[0];
		making.next = regions[1];
		making.chain = regions[2];
		making.estimated = regions[3];
		making.taken = regions[4];
		error = make(&making, &tree);
	}
	for (int r = 0; r < REGIONS; r++)
		pyi_graph_space_unmap(graph->space, regions[r], sizes[r]);
	free(making.found);
	free(making.slots);
	free(making.groups);
	if (error) {
		pyi_dominator_tree_deinit(&tree);
		return error;
	}
	*ret_tree = tree;
	return NULL;
}

void pyi_dominator_tree_deinit(struct pyi_dominator_tree *tree)
{
	free(tree->groups);
	*tree = (struct pyi_dominator_tree){ 0 };
}
