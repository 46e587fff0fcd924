/*
 * PYI_JOB_REFERRERS and PYI_JOB_REFERENTS: adds references up by group, level by level.
 */
#include "graph.h"

void pyi_referrers_add(struct pyi_walk *walk, const struct pyi_reference *reference,
		       struct pyi_walk_type *target_type)
{
	bool referents = walk->arguments->job == PYI_JOB_REFERENTS;
	struct pyi_graph *graph = walk->graph;
	struct pyi_record_group like = { 0 };
	struct pyi_record_group *group;
	uint64_t holder = reference->via == PYI_VIA_ROOT ? 0 : reference->holder;
	uint64_t items;

	pyi_label_find(walk, &graph->cursor, reference, &like.edge, &items);
	if (items > PYI_ITEMS_APART && like.edge.kind == PYI_EDGE_ITEM)
		like.edge.kind = PYI_EDGE_VALUES;
	if (items > PYI_ITEMS_APART && like.edge.kind == PYI_EDGE_INDEX)
		like.edge.kind = PYI_EDGE_ELEMENT;
	if (like.edge.kind == PYI_EDGE_VALUES || like.edge.kind == PYI_EDGE_ELEMENT ||
	    like.edge.kind == PYI_EDGE_KEY)
		like.edge.detail = 0;
	like.type_addr = reference->holder_type ? reference->holder_type->addr : 0;
	if (referents)
		like.referent_type_addr = target_type->addr;
	else if (like.edge.context)
		like.owner = (struct pyi_place){
			.holder = PYI_HOLDER_FRAME,
			.holder_addr = like.edge.context,
		};
	else if (reference->holder_type)
		like.owner = pyi_owner_of(walk, holder, reference->holder_type, reference->tag);
	/* Every function has these, and there are many: not a group for each. */
	if (like.owner.holder == PYI_HOLDER_FUNCTION && like.owner.edge.kind == PYI_EDGE_NONE &&
	    like.edge.kind == PYI_EDGE_FIELD)
		like.owner = (struct pyi_place){ 0 };
	group = pyi_group_find(walk, &like);
	if (!group->number && like.edge.kind == PYI_EDGE_ITEM) {
		/* No more room to tell items apart. */
		like.edge.kind = PYI_EDGE_VALUES;
		like.edge.detail = 0;
		group = pyi_group_find(walk, &like);
	}
	if (graph->selecting) {
		if (graph->selected[group->number] && holder)
			pyi_set_add(walk, 1, holder);
		return;
	}
	group->references++;
	if (!group->example_addr) {
		group->example_addr = holder;
		group->example_referent_addr = reference->target;
	}
	if (referents && pyi_set_add(walk, 0, reference->target))
		group->bytes += pyi_size_of(walk, reference->target, target_type);
	/* The references of one object come one after the other. */
	if (graph->group_last[group->number] == holder && holder)
		return;
	graph->group_last[group->number] = holder;
	group->objects++;
	if (!referents && holder)
		group->bytes += pyi_size_of(walk, holder, reference->holder_type);
}

/* The next level: objects that the host selected by their groups. False when there is none. */
PYI_SELDOM bool pyi_referrers_next_level(struct pyi_walk *walk)
{
	const struct pyi_payload_arguments *arguments = walk->arguments;
	const uint64_t *numbers = (const uint64_t *)(uintptr_t)arguments->selection_addr;
	struct pyi_graph *graph = walk->graph;
	uint64_t count;

	if (graph->selecting) {
		pyi_sets_shift(walk);
		pyi_groups_clear(walk);
		graph->by_set = true;
		graph->selecting = false;
		return true;
	}
	pyi_groups_send(walk);
	pyi_walk_flush(walk);
	count = walk->send(walk->send_context, PYI_MESSAGE_LEVEL, graph->group_count, 0);
	for (uint64_t n = 0; n < count && n < arguments->selection_limit; n++)
		if (numbers[n] < graph->group_count)
			graph->selected[numbers[n]] = 1;
	graph->selecting = count != 0;
	return graph->selecting;
}
