/*
 * A hash table of what has been met, in order of arrival.
 */
#include "heap/reference_groups.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/array.h"
#include "graph/graph.h"

enum {
	SLOTS = 4 * PYI_REFERENCE_GROUP_LIMIT,
};

struct pyi_error *pyi_reference_groups_init(struct pyi_reference_groups *groups, uint32_t branches)
{
	struct pyi_reference_group other = { .type = PYI_GRAPH_NONE,
					     .owner = { .holder = PYI_HOLDER_OTHER },
					     .example = PYI_GRAPH_NONE,
					     .last = PYI_GRAPH_NONE };

	*groups = (struct pyi_reference_groups){ .slots = calloc(SLOTS, sizeof(*groups->slots)) };
	for (; groups->slots && other.branch < branches; other.branch++) {
		if (!pyi_array_reserve(&groups->items, groups->count, &groups->capacity,
				       sizeof(*groups->items)))
			break;
		groups->items[groups->count++] = other;
	}
	if (groups->count == branches)
		return NULL;
	pyi_reference_groups_deinit(groups);
	return pyi_error_no_memory();
}

void pyi_reference_groups_deinit(struct pyi_reference_groups *groups)
{
	free(groups->items);
	free(groups->slots);
	*groups = (struct pyi_reference_groups){ 0 };
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

static bool is_like(const struct pyi_reference_group *one, const struct pyi_reference_group *other)
{
	return one->type == other->type && one->referent_type == other->referent_type &&
	       one->branch == other->branch && one->owner.holder == other->owner.holder &&
	       one->owner.holder_addr == other->owner.holder_addr &&
	       same_edge(&one->edge, &other->edge) &&
	       same_edge(&one->owner.edge, &other->owner.edge);
}

struct pyi_error *pyi_reference_groups_find(struct pyi_reference_groups *groups,
					    const struct pyi_reference_group *like,
					    uint32_t *ret_number)
{
	uint64_t hash;
	uint32_t slot;

	/* Most come one after the other. */
	if (groups->found && is_like(&groups->items[groups->found], like)) {
		*ret_number = groups->found;
		return NULL;
	}
	hash = mix(mix(like->branch, (uint64_t)like->type << 32 | like->referent_type),
		   like->owner.holder_addr ^ like->owner.holder);
	slot = (uint32_t)(hash_edge(hash_edge(hash, &like->edge), &like->owner.edge) >> 20) % SLOTS;

	for (; groups->slots[slot]; slot = (slot + 1) % SLOTS) {
		if (!is_like(&groups->items[groups->slots[slot]], like))
			continue;
		*ret_number = groups->found = groups->slots[slot];
		return NULL;
	}
	*ret_number = like->branch;
	if (groups->count == PYI_REFERENCE_GROUP_LIMIT ||
	    (like->edge.kind == PYI_EDGE_ITEM && groups->count >= PYI_REFERENCE_GROUP_ITEM_LIMIT))
		return NULL;
	if (!pyi_array_reserve(&groups->items, groups->count, &groups->capacity,
			       sizeof(*groups->items)))
		return pyi_error_no_memory();
	groups->items[groups->count] = *like;
	groups->slots[slot] = (uint32_t)groups->count++;
	*ret_number = groups->slots[slot];
	return NULL;
}
