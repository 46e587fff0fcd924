/*
 * The jobs that follow references: who refers to what, what is large, what a container holds.
 *
 * Objects are visited so that what they hold can be named after them: first modules and classes,
 * then the frames that execute, then every instance; a container is visited when
 * something leads to it, and takes over the place it was found at. Each object is visited once, an
 * instance together with its __dict__. Like the census it keeps all progress in the state: a fault
 * costs one object.
 */
#include "graph.h"

enum {
	/* What is looked at of an object before anything else of it. */
	HEADER_BYTES = 40,
};

PYI_SELDOM bool pyi_graph_init(struct pyi_walk *walk)
{
	uint64_t job = walk->arguments->job;
	int sets = job == PYI_JOB_REFERRERS ? PYI_MARK_SETS : job == PYI_JOB_REFERENTS;

	walk->graph = pyi_walk_allocate(walk, sizeof(*walk->graph));
	if (!walk->graph || !pyi_groups_init(walk))
		return false;
	if (sets && !pyi_sets_init(walk, sets))
		return false;
	for (int l = 0; l < 2 && job == PYI_JOB_LARGE; l++) {
		walk->graph->large[l] =
			pyi_walk_allocate(walk, PYI_LARGE_LIMIT * sizeof(walk->graph->large[l][0]));
		if (!walk->graph->large[l])
			return false;
	}
	return true;
}

/* The same without a word about it if it is none. */
static struct pyi_walk_type *find_type(struct pyi_walk *walk, uint64_t object)
{
	if (!pyi_marks_is_readable(walk, object))
		return NULL;
	return pyi_types_find(walk, pyi_field(object, walk->layout->object_type));
}

struct pyi_walk_type *pyi_graph_type(struct pyi_walk *walk, uint64_t object)
{
	struct pyi_walk_type *type = find_type(walk, object);

	if (!type)
		pyi_walk_skip(walk, PYI_TROUBLE_OBJECT, object);
	return type;
}

bool pyi_graph_is_meant(const struct pyi_walk *walk, uint64_t object,
			const struct pyi_walk_type *type)
{
	if (walk->graph->by_set)
		return pyi_set_has(walk, 0, object);
	return type->meant || object == walk->arguments->meant_object_addr;
}

void pyi_graph_visit(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type,
		     uint64_t source, uint32_t tag)
{
	struct pyi_walk_type *source_type = type;

	if (source != object)
		source_type = pyi_types_find(walk, pyi_field(source, walk->layout->object_type));
	if (!source_type)
		return;
	walk->visiting = (struct pyi_reference){
		.holder = object,
		.source = source,
		.holder_type = type,
		.tag = tag,
	};
	pyi_references_visit(walk, source, source_type);
}

static void take(struct pyi_walk *walk, const struct pyi_reference *reference);

void pyi_graph_push(struct pyi_walk *walk, uint64_t object, uint32_t tag)
{
	if (walk->work_count == walk->work_capacity) {
		pyi_walk_skip(walk, PYI_TROUBLE_MEMORY, object);
		return;
	}
	walk->work_tags[walk->work_count] = tag;
	walk->work[walk->work_count] = object;
	walk->work_count++;
}

static bool is_type_meant(const struct pyi_walk *walk, const struct pyi_walk_type *type)
{
	return walk->graph->by_set ? pyi_set_has(walk, 0, type->addr) : type->self_meant;
}

/* An object is met for the first time: counted, and what has nothing behind it is done with. */
static void meet(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type, uint32_t tag)
{
	const struct pyi_reference to_type = {
		.target = type->addr,
		.holder = object,
		.source = object,
		.holder_type = type,
		.via = PYI_VIA_TYPE,
		.tag = tag,
	};
	bool container = pyi_walk_is_container(type);

	pyi_walk_progress(walk);
	if (walk->arguments->job == PYI_JOB_LARGE) {
		if (!container)
			pyi_large_consider(walk, object, type, tag, 0);
	} else if (!walk->graph->by_set && !walk->graph->selecting &&
		   pyi_graph_is_meant(walk, object, type)) {
		type->count++;
	}
	/*
	 * Something that leads to nothing but its type, and that is meant. A type is a container:
	 * here it ends.
	 */
	if (!container && is_type_meant(walk, type))
		take(walk, &to_type);
}

/* What a container leads to has its place; but the cells of a closure are variables. */
PYI_SELDOM static uint32_t inherit_closure(struct pyi_walk *walk,
					   const struct pyi_reference *reference)
{
	struct pyi_place place = walk->graph->places[reference->tag];
	uint64_t items;

	if (place.holder != PYI_HOLDER_FUNCTION || place.edge.kind != PYI_EDGE_FIELD ||
	    place.edge.detail != walk->layout->function_closure)
		return reference->tag;
	pyi_label_find(walk, &walk->graph->cursor, reference, &place.edge, &items);
	if (place.edge.kind != PYI_EDGE_INDEX)
		return reference->tag;
	place.edge.kind = PYI_EDGE_CLOSURE;
	place.edge.context = place.holder_addr;
	place.edge.internal = 0;
	return pyi_place_find(walk, &place);
}

/* The place that the target of a reference takes over. */
static uint32_t inherit(struct pyi_walk *walk, const struct pyi_reference *reference)
{
	struct pyi_place place = { .holder = PYI_HOLDER_ROOT };
	uint64_t items;

	if (reference->holder_type)
		place = pyi_place_of(walk, reference->holder, reference->holder_type);
	if (place.holder == PYI_HOLDER_NONE)
		return inherit_closure(walk, reference);
	pyi_label_find(walk, &walk->graph->cursor, reference, &place.edge, &items);
	/* Of a root, or of a greenlet: it is the frame that holds it. */
	if (place.edge.context) {
		place.holder = PYI_HOLDER_FRAME;
		place.holder_addr = place.edge.context;
	}
	/* A place is the same, however it is learnt of. */
	place.edge.internal = 0;
	return pyi_place_find(walk, &place);
}

static void take(struct pyi_walk *walk, const struct pyi_reference *reference)
{
	uint64_t job = walk->arguments->job;
	uint64_t target = reference->target;
	struct pyi_walk_type *type = pyi_graph_type(walk, target);
	struct pyi_label_cursor *cursor = &walk->graph->cursor;
	const struct pyi_label_cursor before = *cursor;
	struct pyi_label_cursor after;
	uint32_t tag = 0;
	bool asked;

	if (!type)
		return;
	if (job == PYI_JOB_CONTENTS) {
		pyi_contents_take(walk, target, type);
		return;
	}
	asked = (job == PYI_JOB_REFERRERS && pyi_graph_is_meant(walk, target, type)) ||
		(job == PYI_JOB_REFERENTS && reference->holder_type &&
		 pyi_graph_is_meant(walk, reference->holder, reference->holder_type));
	if (asked)
		pyi_referrers_add(walk, reference, type);
	/* Left to the lists: these name what they hold themselves. */
	if (pyi_holder_kind(type) != PYI_HOLDER_NONE && pyi_object_is_tracked(walk, target, type))
		return;
	if (!pyi_marks_set(walk, target))
		return;
	if (pyi_walk_is_container(type) || job == PYI_JOB_LARGE || is_type_meant(walk, type)) {
		/* It may have its label already: no search for the next one to the same object. */
		after = *cursor;
		*cursor = before;
		tag = inherit(walk, reference);
		if (asked)
			*cursor = after;
	}
	if (pyi_walk_is_container(type))
		pyi_graph_push(walk, target, tag);
	meet(walk, target, type, tag);
}

void pyi_graph_take(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	while (graph->reference_taken < graph->reference_count) {
		/* Taken before it is looked at: a fault must not bring it back. */
		const struct pyi_reference reference = graph->references[graph->reference_taken];

		*(volatile uint64_t *)&graph->reference_taken = graph->reference_taken + 1;
		take(walk, &reference);
	}
	graph->reference_count = 0;
	graph->reference_taken = 0;
}

static void refer(struct pyi_walk *walk, uint64_t object)
{
	struct pyi_graph *graph = walk->graph;
	struct pyi_reference *reference;

	if (graph->reference_count == PYI_REFERENCE_BATCH)
		pyi_graph_take(walk);
	reference = &graph->references[graph->reference_count];
	*reference = walk->visiting;
	reference->target = object;
	/* A __dict__ has a type of its own: no attribute of the object that has the dict. */
	if (reference->via == PYI_VIA_TYPE && reference->source != reference->holder) {
		reference->holder = reference->source;
		reference->holder_type = find_type(walk, reference->source);
	}
	if (pyi_marks_is_readable(walk, object)) {
		__builtin_prefetch((const void *)(uintptr_t)object);
		/* Of half of all objects it is another line. */
		__builtin_prefetch((const void *)(uintptr_t)(object + HEADER_BYTES));
	}
	graph->reference_count++;
}

/* What a __dict__ holds is named after the object that has it. */
static uint32_t tag_of_dict(struct pyi_walk *walk, uint64_t object,
			    const struct pyi_walk_type *type, uint32_t tag)
{
	struct pyi_place place = pyi_place_of(walk, object, type);

	if (place.holder == PYI_HOLDER_NONE || walk->arguments->job != PYI_JOB_LARGE)
		return tag;
	place.edge.kind = PYI_EDGE_DICT;
	return pyi_place_find(walk, &place);
}

/*
 * The dict of an object's attributes, unless it was met by itself: then what it holds is known as
 * its items. But of an object that is meant all referents are asked for.
 */
static void visit_attributes(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type,
			     uint64_t dict, uint32_t tag)
{
	struct pyi_walk_type *dict_type = pyi_graph_type(walk, dict);
	uint64_t job = walk->arguments->job;
	bool first;

	if (!dict_type)
		return;
	first = pyi_marks_set(walk, dict);
	if (!first && !(job == PYI_JOB_REFERENTS && pyi_graph_is_meant(walk, object, type)))
		return;
	tag = tag_of_dict(walk, object, type, tag);
	if (first)
		meet(walk, dict, dict_type, tag);
	pyi_graph_visit(walk, object, type, dict, tag);
	if (job == PYI_JOB_LARGE)
		pyi_large_consider(walk, dict, dict_type, tag, walk->reported);
}

static void visit(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type, uint32_t tag)
{
	uint64_t job = walk->arguments->job;
	uint64_t dict = job == PYI_JOB_CONTENTS ? 0 : pyi_instance_dict(walk, object, type);

	/* First of all: an object with many references would lead to its own dict too early. */
	if (dict)
		visit_attributes(walk, object, type, dict, tag);
	pyi_graph_visit(walk, object, type, object, tag);
	if (job == PYI_JOB_LARGE)
		pyi_large_consider(walk, object, type, tag, walk->reported);
	/* Where values are kept in the object, its tp_traverse does not report the dict. */
	if (dict && pyi_instance_has_values(walk, object, type)) {
		walk->visiting.via = PYI_VIA_FIELD;
		refer(walk, dict);
	}
}

static void visit_work(struct pyi_walk *walk)
{
	uint64_t object = walk->work[walk->work_count - 1];
	uint32_t tag = (uint32_t)walk->work_tags[walk->work_count - 1];
	struct pyi_walk_type *type;

	*(volatile uint64_t *)&walk->work_count = walk->work_count - 1;
	type = pyi_graph_type(walk, object);
	if (type)
		visit(walk, object, type, tag);
}

/* An object that no reference has led to. */
static void begin(struct pyi_walk *walk, uint64_t object, bool only_named)
{
	/* What is no object comes again, when the lists are followed once more. */
	struct pyi_walk_type *type =
		only_named ? find_type(walk, object) : pyi_graph_type(walk, object);

	if (!type || (only_named && pyi_holder_kind(type) == PYI_HOLDER_NONE) ||
	    !pyi_marks_set(walk, object))
		return;
	meet(walk, object, type, 0);
	if (pyi_walk_is_container(type))
		visit(walk, object, type, 0);
}

static void next_phase(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	/* The second time the lists are followed, nothing new is wrong with them. */
	if (graph->phase == PYI_PHASE_NAMED)
		graph->broken_lists = walk->summary.broken_lists;
	if (graph->phase == PYI_PHASE_REST)
		walk->summary.broken_lists = graph->broken_lists;
	pyi_walk_rewind(walk);
	graph->phase++;
}

/* Every level goes through the same heap: what is wrong with it counts once. */
static void keep_worst(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	if (walk->summary.skipped_objects > graph->worst.skipped_objects)
		graph->worst.skipped_objects = walk->summary.skipped_objects;
	if (walk->summary.broken_lists > graph->worst.broken_lists)
		graph->worst.broken_lists = walk->summary.broken_lists;
	walk->summary.skipped_objects = 0;
	walk->summary.broken_lists = 0;
}

PYI_SELDOM static void step_starts(struct pyi_walk *walk)
{
	const struct pyi_payload_arguments *arguments = walk->arguments;
	const uint64_t *starts = (const uint64_t *)(uintptr_t)arguments->starts_addr;
	struct pyi_graph *graph = walk->graph;
	bool contents = arguments->job == PYI_JOB_CONTENTS;
	struct pyi_walk_type *type;
	uint64_t object;

	if (contents && graph->start_index)
		pyi_contents_send(walk);
	if (graph->start_index == arguments->start_count) {
		if (contents)
			graph->phase = PYI_PHASE_END;
		else
			next_phase(walk);
		return;
	}
	object = starts[graph->start_index];
	*(volatile uint64_t *)&graph->start_index = graph->start_index + 1;
	if (!contents) {
		begin(walk, object, false);
		return;
	}
	type = pyi_graph_type(walk, object);
	if (type)
		pyi_contents_take(walk, object, type);
}

static void refer_root(struct pyi_walk *walk)
{
	const struct pyi_payload_root *roots =
		(const struct pyi_payload_root *)(uintptr_t)walk->arguments->roots_addr;
	uint64_t index = walk->root_index++;

	walk->visiting = (struct pyi_reference){ .holder = index, .via = PYI_VIA_ROOT };
	if (roots[index].object_addr)
		refer(walk, roots[index].object_addr);
}

/* Nothing is left to be looked at: goes on with the phase. False at the end of the last. */
static bool step(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;
	uint64_t object;

	switch (graph->phase) {
	case PYI_PHASE_STARTS:
		step_starts(walk);
		return true;
	case PYI_PHASE_ROOTS:
		if (walk->root_index < walk->arguments->root_count)
			refer_root(walk);
		else
			next_phase(walk);
		return true;
	case PYI_PHASE_NAMED:
	case PYI_PHASE_REST:
		object = pyi_walk_next_listed(walk);
		if (object)
			begin(walk, object, graph->phase == PYI_PHASE_NAMED);
		else if (graph->reference_count)
			pyi_graph_take(walk);
		else
			next_phase(walk);
		return true;
	default:
		if (walk->arguments->job != PYI_JOB_REFERRERS || !pyi_referrers_next_level(walk))
			return false;
		keep_worst(walk);
		pyi_marks_clear(walk);
		graph->phase = PYI_PHASE_STARTS;
		graph->start_index = 0;
		walk->root_index = 0;
		return true;
	}
}

static void run(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	for (;;) {
		bool listing = graph->phase == PYI_PHASE_NAMED || graph->phase == PYI_PHASE_REST;

		/* Of many small objects the references are looked at together. */
		if (graph->reference_count >= PYI_REFERENCE_BATCH / 2 ||
		    (graph->reference_count && !walk->work_count && !listing))
			pyi_graph_take(walk);
		else if (walk->work_count)
			visit_work(walk);
		else if (!step(walk))
			return;
	}
}

void pyi_graph_run(struct pyi_walk *walk)
{
	walk->refer = refer;
	run(walk);
	keep_worst(walk);
	walk->summary.skipped_objects = walk->graph->worst.skipped_objects;
	walk->summary.broken_lists = walk->graph->worst.broken_lists;
	if (walk->arguments->job == PYI_JOB_LARGE)
		pyi_large_send(walk);
	if (walk->arguments->job == PYI_JOB_REFERENTS)
		pyi_groups_send(walk);
}
