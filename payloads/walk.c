/*
 * The walk: follows the gc lists, checks every link (or looks through pages), counts, and (for
 * scope "all") everything that can be reached. Does not name types and does not sort; what it meets
 * is said by stream.c.
 *
 * All progress is kept in `struct pyi_walk`, never only in registers: after a fault the walk
 * goes on from there at the mark, one object or one list poorer.
 */
#include "walk.h"

#include <pyinspect/graph_stream.h>

#include "state.h"

enum {
	PROGRESS_OBJECTS = 1 << 20,
	/* The smallest untracked container (a tuple of none) is larger than this: bounds the work
	   list. */
	CONTAINER_BYTES = 40,
};

void pyi_walk_trouble(struct pyi_walk *walk, enum pyi_trouble trouble, uint64_t addr)
{
	if (walk->summary.trouble == PYI_TROUBLE_NONE) {
		walk->summary.trouble = trouble;
		walk->summary.trouble_addr = addr;
	}
}

void pyi_walk_flush(struct pyi_walk *walk)
{
	if (walk->records_used)
		walk->send(walk->send_context, PYI_MESSAGE_RECORDS, walk->arguments->records_addr,
			   walk->records_used);
	walk->records_used = 0;
}

void pyi_walk_put(struct pyi_walk *walk, const void *record, uint64_t size_bytes)
{
	if (walk->arguments->records_bytes - walk->records_used < size_bytes)
		pyi_walk_flush(walk);
	__builtin_memcpy((void *)(uintptr_t)(walk->arguments->records_addr + walk->records_used),
			 record, size_bytes);
	walk->records_used += size_bytes;
}

/* With a sign of life now and then. */
static void progress(struct pyi_walk *walk)
{
	if (++walk->objects < walk->next_progress)
		return;
	walk->next_progress += PROGRESS_OBJECTS;
	walk->send(walk->send_context, PYI_MESSAGE_PROGRESS, walk->objects, 0);
}

/* Counts one object; `flags` (pyinspect/graph_stream.h): which list it is on, if any. */
static void count(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type,
		  uint32_t flags)
{
	uint64_t bytes = pyi_size_of(walk, object, type);

	if (flags & PYI_NODE_FROZEN) {
		walk->summary.frozen_objects++;
		walk->summary.frozen_bytes += bytes;
		/* gc.get_objects() does not list them. */
		if (!(walk->arguments->flags & PYI_CENSUS_ALL))
			return;
	}
	type->count++;
	type->bytes += bytes;
	if (walk->stream)
		pyi_stream_node(walk, object, type, bytes, flags);
	/* Of old-style classes nothing else knows all. */
	if (walk->arguments->flags & PYI_CENSUS_OBJECTS ||
	    (type->kind == PYI_KIND_CLASS && !walk->stream)) {
		struct pyi_record_object record = {
			.kind = PYI_RECORD_OBJECT,
			.size_bytes = sizeof(record),
			.addr = object,
			.type_addr = type->addr,
			.bytes = bytes,
		};

		pyi_walk_put(walk, &record, sizeof(record));
	}
	progress(walk);
}

void pyi_walk_skip(struct pyi_walk *walk, enum pyi_trouble trouble, uint64_t addr)
{
	walk->summary.skipped_objects++;
	pyi_walk_trouble(walk, trouble, addr);
}

/* True if there is something behind such an object that only it may lead to. */
static bool is_container(const struct pyi_walk_type *type)
{
	return type->traverse || type->kind == PYI_KIND_CODE || type->kind == PYI_KIND_RANGE ||
	       type->kind == PYI_KIND_TYPE || type->rule;
}

/* An object met for the first time, by a reference. Tracked ones are counted by their list. */
static void meet(struct pyi_walk *walk, uint64_t object)
{
	struct pyi_walk_type *type = pyi_type_of(walk, object);

	if (!type) {
		pyi_walk_skip(walk, PYI_TROUBLE_OBJECT, object);
		return;
	}
	if (pyi_object_is_tracked(walk, object, type))
		return;
	count(walk, object, type, 0);
	if (!is_container(type)) {
		/* Its type may be known from nowhere else. */
		if (pyi_marks_is_readable(walk, type->addr) && pyi_marks_set(walk, type->addr))
			meet(walk, type->addr);
		return;
	}
	if (walk->work_count == walk->work_capacity) {
		pyi_walk_skip(walk, PYI_TROUBLE_MEMORY, object);
		return;
	}
	walk->work[walk->work_count++] = object;
}

/* Looks at the referents gathered: first all marks, while the headers are being fetched. */
static void take_referents(struct pyi_walk *walk)
{
	uint64_t fresh = 0;

	/* After a fault the rest of the batch is marked already, but was not looked at. */
	for (uint64_t i = 0; !walk->referents_marked && i < walk->referent_count; i++) {
		uint64_t object = walk->referents[i];

		if (!pyi_marks_is_readable(walk, object)) {
			pyi_walk_skip(walk, PYI_TROUBLE_OBJECT, object);
			continue;
		}
		if (!pyi_marks_set(walk, object))
			continue;
		__builtin_prefetch((const void *)(uintptr_t)object);
		walk->referents[fresh++] = object;
	}
	if (!walk->referents_marked) {
		walk->referent_count = fresh;
		*(volatile bool *)&walk->referents_marked = true;
	}
	while (walk->referent_taken < walk->referent_count) {
		/* Taken before it is looked at: a fault must not bring it back. */
		uint64_t object = walk->referents[walk->referent_taken];

		*(volatile uint64_t *)&walk->referent_taken = walk->referent_taken + 1;
		meet(walk, object);
	}
	walk->referent_count = 0;
	walk->referent_taken = 0;
	walk->referents_marked = false;
}

void pyi_walk_refer(struct pyi_walk *walk, uint64_t object)
{
	if (!object)
		return;
	if (walk->stream)
		pyi_stream_refer(walk, object);
	if (walk->referent_count == PYI_REFERENT_BATCH)
		take_referents(walk);
	walk->referents[walk->referent_count++] = object;
}

static void break_list(struct pyi_walk *walk)
{
	walk->summary.broken_lists++;
	pyi_walk_trouble(walk, PYI_TROUBLE_LIST, walk->node ? walk->node : walk->previous);
	walk->node = 0;
}

/* The next list, or false when there is none. */
static bool next_list(struct pyi_walk *walk)
{
	const struct pyi_gc_list *list =
		(const struct pyi_gc_list *)(uintptr_t)walk->arguments->lists_addr +
		walk->list_index;

	if (walk->list_index == walk->arguments->list_count)
		return false;
	walk->list_index++;
	walk->frozen = list->frozen;
	walk->previous = list->head_addr;
	walk->following = 1;
	if (list->block_bytes)
		walk->node = pyi_page_begin(walk, list) ? list->head_addr : 0;
	else
		walk->node = pyi_field(list->head_addr, walk->layout->gc_head_next) & ~UINT64_C(3);
	if (!walk->node)
		break_list(walk);
	walk->following = 0;
	return true;
}

/*
 * The next tracked object; 0 at the end of a list. A link is believed when the node it leads to
 * links back: so no list, however broken, is followed in a circle, and none is cut short unseen.
 */
static uint64_t next_tracked(struct pyi_walk *walk)
{
	const struct pyi_layout *layout = walk->layout;
	const struct pyi_gc_list *lists =
		(const struct pyi_gc_list *)(uintptr_t)walk->arguments->lists_addr;
	uint64_t head = lists[walk->list_index - 1].head_addr;
	uint64_t node = walk->node;
	uint64_t object;

	if (!node)
		return 0;
	if (lists[walk->list_index - 1].block_bytes) {
		object = pyi_page_next(walk, &lists[walk->list_index - 1]);
		if (!object)
			walk->node = 0;
		return object;
	}
	*(volatile uint64_t *)&walk->following = 1;
	/*
	 * Low bits of the links are the collector's own. The head is in no object: it may be
	 * aligned to less than one.
	 */
	if (!pyi_marks_is_readable(walk, node == head ? head & ~UINT64_C(7) : node) ||
	    (pyi_field(node, layout->gc_head_prev) & ~UINT64_C(3)) != walk->previous) {
		break_list(walk);
		walk->following = 0;
		return 0;
	}
	if (node == head) {
		walk->node = 0;
		walk->following = 0;
		return 0;
	}
	walk->previous = node;
	walk->node = pyi_field(node, layout->gc_head_next) & ~UINT64_C(3);
	/* 0 says "no list": a link to nowhere must not look like the end. */
	if (!walk->node)
		break_list(walk);
	__builtin_prefetch((const void *)(uintptr_t)walk->node);
	*(volatile uint64_t *)&walk->following = 0;
	return node + layout->gc_head_size;
}

static void visit(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	if (!walk->stream) {
		pyi_references_visit(walk, object, type);
		return;
	}
	pyi_stream_begin(walk, object, type);
	pyi_references_visit(walk, object, type);
	pyi_stream_end(walk, true);
}

static void count_tracked(struct pyi_walk *walk, uint64_t object)
{
	struct pyi_walk_type *type = pyi_type_of(walk, object);

	if (!type) {
		pyi_walk_skip(walk, PYI_TROUBLE_OBJECT, object);
		return;
	}
	count(walk, object, type, walk->frozen ? PYI_NODE_FROZEN : PYI_NODE_TRACKED);
	walk->summary.tracked_objects += !walk->frozen;
	if (walk->arguments->flags & PYI_CENSUS_ALL)
		visit(walk, object, type);
}

static void visit_work(struct pyi_walk *walk)
{
	uint64_t object = walk->work[walk->work_count - 1];
	struct pyi_walk_type *type;

	*(volatile uint64_t *)&walk->work_count = walk->work_count - 1;
	type = pyi_type_of(walk, object);
	if (type)
		visit(walk, object, type);
}

static void walk_all(struct pyi_walk *walk)
{
	const struct pyi_payload_root *roots =
		(const struct pyi_payload_root *)(uintptr_t)walk->arguments->roots_addr;

	for (;;) {
		uint64_t object;

		if (walk->referent_count) {
			take_referents(walk);
		} else if (walk->work_count) {
			visit_work(walk);
		} else if (walk->node) {
			object = next_tracked(walk);
			if (object)
				count_tracked(walk, object);
		} else if (next_list(walk)) {
			continue;
		} else if (walk->arguments->flags & PYI_CENSUS_ALL &&
			   walk->root_index < walk->arguments->root_count) {
			pyi_walk_refer(walk, roots[walk->root_index++].object_addr);
		} else {
			return;
		}
	}
}

/* Everything that is left of the arena becomes the work list, but no more than can be needed. */
static bool make_work_list(struct pyi_walk *walk)
{
	const struct pyi_payload_range *ranges =
		(const struct pyi_payload_range *)(uintptr_t)walk->arguments->ranges_addr;
	uint64_t heap_bytes = 0;
	uint64_t left;

	for (uint64_t r = 0; r < walk->arguments->range_count; r++)
		heap_bytes += ranges[r].end_addr - ranges[r].start_addr;
	left = (walk->arena_end - walk->arena_next) / PYI_POINTER_BYTES - 64;
	walk->work_capacity = heap_bytes / CONTAINER_BYTES;
	if (walk->work_capacity > left)
		walk->work_capacity = left;
	walk->work = pyi_walk_allocate(walk, walk->work_capacity * PYI_POINTER_BYTES);
	return walk->work;
}

static void send_result(struct pyi_walk *walk)
{
	walk->summary.objects = 0;
	walk->summary.bytes = 0;
	if (walk->stream)
		pyi_stream_send_tables(walk);
	for (uint64_t t = 0; t < walk->type_count; t++) {
		const struct pyi_walk_type *type = &walk->types[t];
		struct pyi_record_type record = {
			.kind = PYI_RECORD_TYPE,
			.size_bytes = sizeof(record),
			.type_addr = type->addr,
			.count = type->count,
			.bytes = type->bytes,
			.object_kind = type->kind,
		};

		if (!type->count)
			continue;
		walk->summary.objects += type->count;
		walk->summary.bytes += type->bytes;
		pyi_walk_put(walk, &record, sizeof(record));
	}
	walk->summary.kind = PYI_RECORD_SUMMARY;
	walk->summary.size_bytes = sizeof(walk->summary);
	pyi_walk_put(walk, &walk->summary, sizeof(walk->summary));
	pyi_walk_flush(walk);
}

/* After a fault, or after the host took an object away from us: says what is lost. */
static void account_for_fault(struct pyi_walk *walk)
{
	if (walk->following) {
		walk->following = 0;
		break_list(walk);
	} else {
		pyi_walk_skip(walk, PYI_TROUBLE_FAULT, walk->previous);
	}
	if (walk->stream)
		pyi_stream_end(walk, false);
}

static enum pyi_payload_status prepare(struct pyi_payload_arguments *arguments,
				       pyi_send_function *send, void *send_context,
				       struct pyi_walk **ret_walk)
{
	struct pyi_walk start = {
		.arguments = arguments,
		.layout = &arguments->layout,
		.send = send,
		.send_context = send_context,
		.arena_next = arguments->arena_addr,
		.arena_end = arguments->arena_addr + arguments->arena_bytes,
		.next_progress = PROGRESS_OBJECTS,
	};
	struct pyi_walk *walk = pyi_walk_allocate(&start, sizeof(start));

	if (!walk)
		return PYI_PAYLOAD_NO_MEMORY;
	*walk = start;
	if (!pyi_types_init(walk) || !pyi_marks_init(walk) || !pyi_pages_init(walk))
		return PYI_PAYLOAD_NO_MEMORY;
	if (arguments->job == PYI_JOB_GRAPH && !pyi_stream_init(walk))
		return PYI_PAYLOAD_NO_MEMORY;
	if (!make_work_list(walk))
		return PYI_PAYLOAD_NO_MEMORY;
	*ret_walk = walk;
	return PYI_PAYLOAD_OK;
}

/* A failure is no harm: a few objects will then not be visited, and be reported. */
static void attach(struct pyi_payload_arguments *arguments)
{
	if (arguments->attach_addr && !pyi_payload_mark(arguments))
		((void *(*)(void *))(uintptr_t)arguments->attach_addr)(
			(void *)(uintptr_t)arguments->attach_argument);
}

enum pyi_payload_status pyi_walk_do(struct pyi_payload_arguments *arguments,
				    pyi_send_function *send, void *send_context)
{
	struct pyi_walk *volatile walk = NULL;
	struct pyi_walk *prepared;
	enum pyi_payload_status status = prepare(arguments, send, send_context, &prepared);

	if (status == PYI_PAYLOAD_OK) {
		walk = prepared;
		attach(arguments);
		if (pyi_payload_mark(arguments))
			account_for_fault(walk);
		walk_all(walk);
		send_result(walk);
	}
	send(send_context, PYI_MESSAGE_DONE, status, 0);
	return status;
}
