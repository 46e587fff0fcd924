/*
 * Places and groups: two hash tables of what has been met, in order of arrival. Does not look at
 * objects.
 */
#include "graph.h"

PYI_SELDOM bool pyi_groups_init(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	graph->place_slots =
		pyi_walk_allocate(walk, PYI_PLACE_SLOTS * sizeof(graph->place_slots[0]));
	graph->places = pyi_walk_allocate(walk, PYI_PLACE_LIMIT * sizeof(graph->places[0]));
	graph->group_slots =
		pyi_walk_allocate(walk, PYI_GROUP_SLOTS * sizeof(graph->group_slots[0]));
	graph->groups = pyi_walk_allocate(walk, PYI_GROUP_LIMIT * sizeof(graph->groups[0]));
	graph->group_last = pyi_walk_allocate(walk, PYI_GROUP_LIMIT * sizeof(graph->group_last[0]));
	graph->selected = pyi_walk_allocate(walk, PYI_GROUP_LIMIT);
	if (!graph->place_slots || !graph->places || !graph->group_slots || !graph->groups ||
	    !graph->group_last || !graph->selected)
		return false;
	/* Number 0 of the places is "none", and of the groups "any other". */
	graph->place_count = 1;
	graph->group_count = 1;
	graph->groups[0].owner.holder = PYI_HOLDER_OTHER;
	return true;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t hash_edge(uint64_t hash, const struct pyi_edge *edge)
{
	hash = mix(hash, (uint64_t)edge->kind << 32 | edge->internal);
	return mix(mix(hash, edge->detail), edge->context);
}

static bool same_edge(const struct pyi_edge *one, const struct pyi_edge *other)
{
	return one->kind == other->kind && one->internal == other->internal &&
	       one->detail == other->detail && one->context == other->context;
}

static bool same_place(const struct pyi_place *one, const struct pyi_place *other)
{
	return one->holder == other->holder && one->holder_addr == other->holder_addr &&
	       same_edge(&one->edge, &other->edge);
}

static uint64_t hash_place(uint64_t hash, const struct pyi_place *place)
{
	return hash_edge(mix(mix(hash, place->holder), place->holder_addr), &place->edge);
}

uint32_t pyi_place_find(struct pyi_walk *walk, const struct pyi_place *place)
{
	struct pyi_graph *graph = walk->graph;
	uint64_t slot = hash_place(0, place) >> 20 & (PYI_PLACE_SLOTS - 1);

	while (graph->place_slots[slot]) {
		if (same_place(&graph->places[graph->place_slots[slot]], place))
			return graph->place_slots[slot];
		slot = (slot + 1) & (PYI_PLACE_SLOTS - 1);
	}
	if (graph->place_count == PYI_PLACE_LIMIT)
		return 0;
	graph->places[graph->place_count] = *place;
	graph->place_slots[slot] = (uint32_t)graph->place_count++;
	return graph->place_slots[slot];
}

struct pyi_record_group *pyi_group_find(struct pyi_walk *walk, const struct pyi_record_group *like)
{
	struct pyi_graph *graph = walk->graph;
	uint64_t hash = mix(mix(0, like->type_addr), like->referent_type_addr);
	struct pyi_record_group *group;
	uint64_t slot;

	slot = hash_place(hash_edge(hash, &like->edge), &like->owner) >> 20 & (PYI_GROUP_SLOTS - 1);
	while (graph->group_slots[slot]) {
		group = &graph->groups[graph->group_slots[slot]];
		if (group->type_addr == like->type_addr &&
		    group->referent_type_addr == like->referent_type_addr &&
		    same_edge(&group->edge, &like->edge) && same_place(&group->owner, &like->owner))
			return group;
		slot = (slot + 1) & (PYI_GROUP_SLOTS - 1);
	}
	if (graph->group_count == PYI_GROUP_LIMIT ||
	    (like->edge.kind == PYI_EDGE_ITEM && graph->group_count >= PYI_GROUP_ITEM_LIMIT))
		return &graph->groups[0];
	group = &graph->groups[graph->group_count];
	*group = *like;
	group->number = graph->group_count;
	graph->group_slots[slot] = (uint32_t)graph->group_count++;
	return group;
}

PYI_SELDOM void pyi_groups_send(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	for (uint64_t g = 0; g < graph->group_count; g++) {
		struct pyi_record_group *group = &graph->groups[g];

		if (!group->references)
			continue;
		group->kind = PYI_RECORD_GROUP;
		group->size_bytes = sizeof(*group);
		pyi_walk_put(walk, group, sizeof(*group));
	}
}

PYI_SELDOM void pyi_groups_clear(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	for (uint64_t g = 0; g < graph->group_count; g++) {
		graph->groups[g].objects = 0;
		graph->groups[g].references = 0;
		graph->groups[g].bytes = 0;
		graph->groups[g].example_addr = 0;
		graph->groups[g].example_referent_addr = 0;
		graph->group_last[g] = 0;
		graph->selected[g] = 0;
	}
}
