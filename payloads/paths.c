/*
 * PYI_JOB_PATH: a breadth-first search from the roots, so that the first path found to an object is
 * a shortest one. A reference to an attribute counts as one step, though a __dict__ lies between.
 *
 * The queue is kept whole: each of its objects knows which one led to it.
 */
#include "graph.h"

enum {
	VIA_BITS = 8,
};

/* A tag of the queue: what led to the object (its number in the queue, or that of a root), and how.
 */
static uint64_t make_tag(const struct pyi_reference *reference)
{
	uint64_t parent =
		reference->via == PYI_VIA_ROOT ? reference->holder : (uint64_t)reference->tag;

	return parent << VIA_BITS | reference->via;
}

static void send_step(struct pyi_walk *walk, struct pyi_reference *reference, uint64_t number)
{
	struct pyi_record_step record = {
		.kind = PYI_RECORD_STEP,
		.size_bytes = sizeof(record),
		.path = number,
		.addr = reference->target,
		.type_addr = pyi_field(reference->target, walk->layout->object_type),
	};
	struct pyi_label_cursor cursor = { 0 };
	struct pyi_edge own;
	uint64_t items;
	uint64_t dict;

	dict = reference->holder_type
		       ? pyi_instance_dict(walk, reference->holder, reference->holder_type)
		       : 0;
	/* An attribute if it is one: the object itself may not be able to tell (a set is not). */
	if (dict) {
		reference->source = dict;
		pyi_label_find(walk, &cursor, reference, &record.edge, &items);
		reference->source = reference->holder;
	}
	if (record.edge.kind != PYI_EDGE_ATTRIBUTE) {
		pyi_label_find(walk, &cursor, reference, &own, &items);
		if (!dict || own.kind != PYI_EDGE_ELSEWHERE)
			record.edge = own;
	}
	pyi_walk_put(walk, &record, sizeof(record));
}

/* The path to the target of a reference, from the root on. */
PYI_SELDOM static void send_path(struct pyi_walk *walk, const struct pyi_reference *last)
{
	struct pyi_graph *graph = walk->graph;
	struct pyi_reference reference = { 0 };
	uint64_t tag = make_tag(last);
	uint64_t number = graph->path_number;
	uint64_t count = 0;

	for (uint64_t up = tag; (up & ((1 << VIA_BITS) - 1)) != PYI_VIA_ROOT;
	     up = walk->work_tags[up >> VIA_BITS]) {
		if (count == PYI_PATH_LIMIT) {
			pyi_walk_skip(walk, PYI_TROUBLE_MEMORY, last->target);
			return;
		}
		graph->steps[count++] = up >> VIA_BITS;
	}
	/* Should a fault cut it off, the next one must not be taken for the rest of it. */
	*(volatile uint64_t *)&graph->path_number = number + 1;
	for (uint64_t s = 0; s <= count; s++) {
		bool at_end = s == count;
		uint64_t step_tag = at_end ? tag : walk->work_tags[graph->steps[count - 1 - s]];

		reference.target = at_end ? last->target : walk->work[graph->steps[count - 1 - s]];
		reference.via = step_tag & ((1 << VIA_BITS) - 1);
		if (reference.via == PYI_VIA_ROOT)
			reference.holder = step_tag >> VIA_BITS;
		send_step(walk, &reference, number);
		reference.holder = reference.target;
		reference.source = reference.target;
		reference.holder_type = pyi_graph_type(walk, reference.target);
		if (!reference.holder_type)
			return;
	}
	graph->path_count++;
}

void pyi_paths_take(struct pyi_walk *walk, const struct pyi_reference *reference,
		    const struct pyi_walk_type *type)
{
	if (walk->graph->path_count >= walk->arguments->limit ||
	    !pyi_marks_set(walk, reference->target))
		return;
	pyi_walk_progress(walk);
	if (pyi_graph_is_meant(walk, reference->target, type))
		send_path(walk, reference);
	if (!pyi_walk_is_container(type))
		return;
	if (walk->work_count == walk->work_capacity || walk->work_count > UINT32_MAX) {
		pyi_walk_skip(walk, PYI_TROUBLE_MEMORY, reference->target);
		return;
	}
	walk->work_tags[walk->work_count] = make_tag(reference);
	walk->work[walk->work_count] = reference->target;
	walk->work_count++;
}

static void visit_next(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;
	uint32_t number = (uint32_t)graph->queue_taken;
	uint64_t object = walk->work[number];
	struct pyi_walk_type *type;
	uint64_t dict;

	*(volatile uint64_t *)&graph->queue_taken = graph->queue_taken + 1;
	type = pyi_graph_type(walk, object);
	if (!type)
		return;
	pyi_graph_visit(walk, object, type, object, number);
	dict = pyi_instance_dict(walk, object, type);
	if (!dict)
		return;
	/* Where values are kept in the object, its tp_traverse does not report the dict. */
	walk->visiting.via = PYI_VIA_FIELD;
	pyi_walk_refer(walk, dict);
	pyi_graph_visit(walk, object, type, dict, number);
}

/*
 * What a frame has only because of its function comes last: its globals, which would hide that a
 * module holds them.
 */
static void refer_root(struct pyi_walk *walk)
{
	const struct pyi_payload_root *roots =
		(const struct pyi_payload_root *)(uintptr_t)walk->arguments->roots_addr;

	if (roots[walk->root_index].edge.kind == PYI_EDGE_FRAME && !walk->graph->last_roots)
		walk->root_index++;
	else
		pyi_graph_refer_root(walk);
}

/* The others are known by then, and not taken again. */
static void begin_last_roots(struct pyi_walk *walk)
{
	walk->graph->last_roots = true;
	walk->root_index = 0;
}

void pyi_paths_run(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	for (;;) {
		if (graph->reference_count >= PYI_REFERENCE_BATCH / 2)
			pyi_graph_take(walk);
		else if (graph->path_count >= walk->arguments->limit)
			return;
		else if (walk->root_index < walk->arguments->root_count)
			refer_root(walk);
		else if (graph->queue_taken < walk->work_count)
			visit_next(walk);
		else if (graph->reference_count)
			pyi_graph_take(walk);
		else if (!graph->last_roots)
			begin_last_roots(walk);
		else
			return;
	}
}
