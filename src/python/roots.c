/*
 * Follows interpreter and thread states, and frames. Does not look at objects but interned strings.
 */
#include "python/roots.h"

#include <stdlib.h>

#include <pyinspect/frame_slots.h>
#include <pyinspect/stack_ref.h>

#include "base/array.h"
#include "python/chain.h"
#include "python/objects_private.h"

enum {
	THREAD_LIMIT = 100000,
	FRAME_LIMIT = 100000,
	SLOT_LIMIT = 1 << 16,
	EXCEPTION_LIMIT = 1000,
	STATIC_TYPE_LIMIT = 1000,
	ROOT_LIMIT = 1 << 22,
	ATEXIT_LIMIT = 1 << 20,
	/* So many interned strings are looked at. */
	INTERNED_LIMIT = 4096,
	/* PEP 683: an object with as many references, by the lower half of the count, is immortal.
	 */
	IMMORTAL_REFERENCES = 1 << 30,
	/* Include/internal/pycore_frame.h, FRAME_OWNED_BY_GENERATOR: it is part of a generator,
	 * whose tp_traverse reports it, too.
	 */
	OWNER_GENERATOR = 1,
	/* `internal` of a root that is a reference of its own, and of one that is not. */
	COUNTED = 1,
	UNCOUNTED = 1 | PYI_ROOT_UNCOUNTED,
	WEAK = 1 | PYI_ROOT_WEAK,
};

static struct pyi_error *push(struct pyi_root_list *list, const struct pyi_edge *edge,
			      uint64_t addr)
{
	/* Chains are bounded one by one; this bounds what they multiply to. */
	if (list->count == ROOT_LIMIT)
		list->truncated = true;
	if (list->truncated)
		return NULL;
	if (!pyi_array_reserve(&list->items, list->count, &list->capacity, sizeof(*list->items)))
		return pyi_error_no_memory();
	list->items[list->count++] = (struct pyi_payload_root){ addr, *edge };
	return NULL;
}

/* Adds the object at a field of a struct; an absent field adds nothing. */
static struct pyi_error *push_field(struct pyi_root_list *list, struct pyi_memory_reader *reader,
				    const struct pyi_edge *owner, uint64_t addr, uint32_t offset)
{
	struct pyi_edge edge = *owner;

	if (!pyi_has(offset))
		return NULL;
	if (!edge.detail)
		edge.detail = offset;
	return push(list, &edge, pyi_memory_u64(reader, addr + offset));
}

static struct pyi_error *push_fields(struct pyi_root_list *list, struct pyi_memory_reader *reader,
				     const struct pyi_edge *owner, uint64_t addr,
				     const uint32_t offsets[PYI_LAYOUT_LIST])
{
	struct pyi_error *error = NULL;

	for (int i = 0; i < PYI_LAYOUT_LIST && pyi_has(offsets[i]) && !error; i++)
		error = push_field(list, reader, owner, addr, offsets[i]);
	return error;
}

/* Of what a word of a frame refers to; that may be a tagged reference. */
static struct pyi_error *push_word(struct pyi_root_list *list, const struct pyi_layout *layout,
				   const struct pyi_edge *owner, uint64_t word)
{
	struct pyi_edge edge = *owner;

	if (pyi_stack_ref_is_borrowed(layout, word))
		edge.internal = UNCOUNTED;
	return push(list, &edge, pyi_stack_ref_object(layout, word));
}

/* Variables and stack of a frame; the generator that the frame is part of reports the first ones.
 */
static struct pyi_error *push_slots(struct pyi_root_list *list, const struct pyi_layout *layout,
				    struct pyi_memory_reader *reader, uint64_t code, uint64_t addr,
				    uint64_t count, uint64_t reported_count)
{
	struct pyi_edge edge = { .kind = PYI_EDGE_LOCAL, .context = code };
	struct pyi_error *error = NULL;

	for (uint32_t i = 0; i < count && i < SLOT_LIMIT && !error && !list->truncated; i++) {
		edge.detail = i;
		edge.internal = i < reported_count ? UNCOUNTED : COUNTED;
		error = push_word(list, layout, &edge,
				  pyi_memory_u64(reader, addr + i * sizeof(uint64_t)));
	}
	return error;
}

/* As push_field(), for what may be a tagged reference. */
static struct pyi_error *push_stack_ref(struct pyi_root_list *list, const struct pyi_layout *layout,
					struct pyi_memory_reader *reader,
					const struct pyi_edge *owner, uint64_t addr,
					uint32_t offset)
{
	struct pyi_edge edge = *owner;

	if (!pyi_has(offset))
		return NULL;
	edge.detail = offset;
	return push_word(list, layout, &edge, pyi_memory_u64(reader, addr + offset));
}

/* The exceptions being handled by a thread. */
static struct pyi_error *push_exceptions(struct pyi_root_list *list,
					 const struct pyi_layout *layout,
					 struct pyi_memory_reader *reader, uint64_t thread)
{
	struct pyi_edge edge = { .kind = PYI_EDGE_THREAD, .detail = layout->thread_exc_info };
	struct pyi_error *error = NULL;
	uint64_t item = 0;

	if (pyi_has(layout->thread_exc_info))
		item = pyi_memory_u64(reader, thread + layout->thread_exc_info);

	for (int i = 0; item && i < EXCEPTION_LIMIT && !error && !list->truncated; i++) {
		uint64_t previous = pyi_memory_u64(reader, item + layout->exc_item_previous);

		/* The last one is the thread's own, the others are those of generators that run. */
		edge.internal = previous ? UNCOUNTED : COUNTED;
		error = push_field(list, reader, &edge, item, layout->exc_item_value);
		if (!error)
			error = push_field(list, reader, &edge, item, layout->exc_item_type);
		if (!error)
			error = push_field(list, reader, &edge, item, layout->exc_item_traceback);
		item = previous;
	}
	return error;
}

/*
 * What one interpreter frame holds (3.11+): a frame is no object there. Which references are its
 * own, struct _PyInterpreterFrame in Include/internal/pycore_frame.h says (3.14:
 * pycore_interpframe_structs.h).
 */
static struct pyi_error *push_frame(struct pyi_root_list *list, const struct pyi_layout *layout,
				    struct pyi_memory_reader *reader, uint64_t frame, uint8_t owner)
{
	uint64_t code = pyi_frame_code(reader, layout, frame);
	const struct pyi_edge borrowed = { .kind = PYI_EDGE_FRAME,
					   .internal = UNCOUNTED,
					   .context = code };
	struct pyi_edge edge = borrowed;
	struct pyi_error *error;
	/* Those that the frame knows of: tp_traverse of a generator reports no others. */
	uint64_t known = pyi_frame_known_slots(reader, layout, frame, code);
	uint64_t count = pyi_frame_slots(reader, layout, frame, code);

	if (owner != OWNER_GENERATOR) {
		edge.internal = COUNTED;
		known = 0;
	}
	error = push_stack_ref(list, layout, reader, &edge, frame, layout->iframe_code);
	if (!error)
		error = push_stack_ref(list, layout, reader, &edge, frame, layout->iframe_function);
	if (!error)
		error = push_field(list, reader, &borrowed, frame, layout->iframe_globals);
	if (!error)
		error = push_field(list, reader, &borrowed, frame, layout->iframe_builtins);
	if (!error)
		error = push_field(list, reader, &edge, frame, layout->iframe_locals);
	if (!error)
		error = push_field(list, reader, &edge, frame, layout->iframe_object);
	if (error)
		return error;
	return push_slots(list, layout, reader, code, frame + layout->iframe_localsplus, count,
			  known);
}

static struct pyi_error *push_frames(struct pyi_root_list *list, const struct pyi_layout *layout,
				     struct pyi_memory_reader *reader, uint64_t thread)
{
	const struct pyi_edge edge = { .kind = PYI_EDGE_THREAD, .internal = COUNTED };
	struct pyi_error *error = NULL;
	struct pyi_chain chain = { 0 };
	uint64_t frame;

	/* A frame object leads to the ones below it. */
	if (pyi_has(layout->thread_frame))
		return push_field(list, reader, &edge, thread, layout->thread_frame);
	if (pyi_has(layout->thread_current_frame))
		frame = pyi_memory_u64(reader, thread + layout->thread_current_frame);
	else
		frame = pyi_memory_u64(reader,
				       pyi_memory_u64(reader, thread + layout->thread_cframe) +
					       layout->cframe_current_frame);
	chain.seen_addr = frame;
	for (int i = 0; frame && i < FRAME_LIMIT && !error && !list->truncated; i++) {
		uint8_t owner = PYI_FRAME_OWNER_C_STACK;

		if (pyi_memory_try_read(reader, frame + layout->iframe_owner, &owner, 1) &&
		    owner < PYI_FRAME_OWNER_C_STACK)
			error = push_frame(list, layout, reader, frame, owner);
		frame = pyi_memory_u64(reader, frame + layout->iframe_previous);
		list->truncated |=
			frame && (i + 1 == FRAME_LIMIT || pyi_chain_leads_back(&chain, frame));
	}
	return error;
}

static struct pyi_error *push_threads(struct pyi_root_list *list, const struct pyi_layout *layout,
				      struct pyi_memory_reader *reader, uint64_t interpreter)
{
	const struct pyi_edge edge = { .kind = PYI_EDGE_THREAD, .internal = COUNTED };
	uint64_t thread = pyi_memory_u64(reader, interpreter + layout->interp_threads_head);
	struct pyi_chain chain = { .seen_addr = thread };
	struct pyi_error *error = NULL;

	for (int i = 0; thread && i < THREAD_LIMIT && !error && !list->truncated; i++) {
		error = push_fields(list, reader, &edge, thread, layout->thread_roots);
		if (!error)
			error = push_exceptions(list, layout, reader, thread);
		if (!error)
			error = push_frames(list, layout, reader, thread);
		thread = pyi_memory_u64(reader, thread + layout->thread_next);
		list->truncated |=
			thread && (i + 1 == THREAD_LIMIT || pyi_chain_leads_back(&chain, thread));
	}
	return error;
}

/* Static types keep their dicts in the interpreter from 3.12 on. */
static struct pyi_error *push_static_types(struct pyi_root_list *list,
					   const struct pyi_runtime *runtime,
					   struct pyi_memory_reader *reader, uint64_t interpreter)
{
	const struct pyi_layout *layout = runtime->layout;
	struct pyi_edge edge = { .kind = PYI_EDGE_STATIC_TYPE, .internal = COUNTED };
	struct pyi_error *error = NULL;

	if (!(layout->features & PYI_FEATURE_STATIC_TYPE_STATE))
		return NULL;
	for (uint64_t i = 0; i < STATIC_TYPE_LIMIT && !error; i++) {
		uint64_t state = pyi_interpreters_static_types(runtime, interpreter) +
				 i * layout->static_type_size;
		uint64_t type = pyi_memory_u64(reader, state + layout->static_type_type);

		if (!type)
			break;
		edge.detail = type;
		error = push(list, &edge, type);
		if (!error)
			error = push_field(list, reader, &edge, state, layout->static_type_dict);
		if (!error)
			error = push_field(list, reader, &edge, state,
					   layout->static_type_subclasses);
	}
	return error;
}

/* In an array of C, or in a list that nothing else leads to. */
static struct pyi_error *push_atexit(struct pyi_root_list *list, const struct pyi_layout *layout,
				     struct pyi_memory_reader *reader, uint64_t interpreter)
{
	const struct pyi_edge edge = {
		.kind = PYI_EDGE_INTERPRETER,
		.internal = COUNTED,
		.detail = PYI_EDGE_ATEXIT,
	};
	struct pyi_error *error = NULL;
	uint64_t callbacks;
	uint32_t count = 0;

	if (!pyi_has(layout->interp_atexit_count))
		return push_field(list, reader, &edge, interpreter, layout->interp_atexit);
	callbacks = pyi_memory_u64(reader, interpreter + layout->interp_atexit);
	(void)pyi_memory_try_read_u32(reader, interpreter + layout->interp_atexit_count, &count);
	list->truncated |= count > ATEXIT_LIMIT;
	for (uint32_t i = 0; i < count && !error && !list->truncated; i++) {
		uint64_t callback = pyi_memory_u64(reader, callbacks + i * sizeof(uint64_t));

		/* One that was unregistered leaves its place empty. */
		if (!callback)
			continue;
		error = push_field(list, reader, &edge, callback, layout->atexit_function);
		if (!error)
			error = push_field(list, reader, &edge, callback, layout->atexit_arguments);
		if (!error)
			error = push_field(list, reader, &edge, callback, layout->atexit_keywords);
	}
	return error;
}

/* Where the count of references begins: in front of the type, or that of the object's own thread.
 */
static uint32_t references_of(const struct pyi_layout *layout)
{
	return pyi_has(layout->object_ref_local) ? layout->object_ref_local
						 : layout->object_type - (uint32_t)sizeof(uint64_t);
}

/*
 * Interned strings die with the last other reference to them, which the table does not count as one
 * of its own; but where all are immortal, it is what keeps them (3.12.0 to 3.12.4; gh-113993).
 */
static bool keeps_interned(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			   uint64_t dict)
{
	uint64_t keys = pyi_memory_u64(reader, dict + layout->dict_keys);
	struct pyi_dict_entries entries;

	if (!pyi_dict_table_entries(reader, layout, keys, &entries))
		return false;
	for (uint64_t i = 0; i < entries.count && i < INTERNED_LIMIT; i++) {
		uint64_t key =
			pyi_memory_u64(reader, entries.addr + i * entries.bytes + entries.key);
		uint32_t references = 0;

		if (key &&
		    (!pyi_memory_try_read_u32(reader, key + references_of(layout), &references) ||
		     references < IMMORTAL_REFERENCES))
			return false;
	}
	return entries.count > 0;
}

/* Objects without a GIL have no head in front of them, and are never tracked by this rule. */
static bool is_in_gc_list(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			  uint64_t object)
{
	return !pyi_has(layout->object_gc_bits) && object > layout->gc_head_size &&
	       pyi_memory_u64(reader, object - layout->gc_head_size + layout->gc_head_next);
}

/*
 * From 3.14 on the collector tracks every dict (gh-127010), this one too: without a root it would
 * be one that only C code holds, and what is in it would be kept by it.
 */
static struct pyi_error *push_interned(struct pyi_root_list *list, const struct pyi_layout *layout,
				       struct pyi_memory_reader *reader, uint64_t interpreter)
{
	struct pyi_edge edge = { .kind = PYI_EDGE_INTERPRETER, .internal = COUNTED };
	uint64_t dict;

	if (!pyi_has(layout->interp_interned))
		return NULL;
	dict = pyi_memory_u64(reader, interpreter + layout->interp_interned);
	if (!keeps_interned(layout, reader, dict)) {
		if (!is_in_gc_list(layout, reader, dict))
			return NULL;
		edge.internal = WEAK;
	}
	return push_field(list, reader, &edge, interpreter, layout->interp_interned);
}

struct pyi_error *pyi_roots_find(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader,
				 const struct pyi_interpreters *interpreters,
				 struct pyi_root_list *ret_roots)
{
	const struct pyi_layout *layout = runtime->layout;
	const struct pyi_edge edge = { .kind = PYI_EDGE_INTERPRETER, .internal = COUNTED };
	struct pyi_root_list list = { 0 };
	struct pyi_error *error = NULL;

	for (size_t i = 0; i < interpreters->count && !error; i++) {
		uint64_t interpreter = interpreters->addr[i];

		error = push_fields(&list, reader, &edge, interpreter, layout->interp_roots);
		if (!error)
			error = push_threads(&list, layout, reader, interpreter);
		if (!error)
			error = push_static_types(&list, runtime, reader, interpreter);
		if (!error)
			error = push_atexit(&list, layout, reader, interpreter);
		if (!error)
			error = push_interned(&list, layout, reader, interpreter);
	}
	for (size_t i = 0; i < pyi_interpreters_gc_state_count(runtime, interpreters) && !error;
	     i++) {
		struct pyi_edge gc_edge = {
			.kind = PYI_EDGE_INTERPRETER,
			.internal = COUNTED,
			.detail = PYI_EDGE_GC_GARBAGE,
		};
		uint64_t state = pyi_interpreters_gc_state(runtime, interpreters, i);

		error = push_field(&list, reader, &gc_edge, state, layout->gc_garbage);
		gc_edge.detail = PYI_EDGE_GC_CALLBACKS;
		if (!error)
			error = push_field(&list, reader, &gc_edge, state, layout->gc_callbacks);
	}
	if (error) {
		pyi_root_list_deinit(&list);
		return error;
	}
	*ret_roots = list;
	return NULL;
}

void pyi_root_list_deinit(struct pyi_root_list *list)
{
	free(list->items);
	*list = (struct pyi_root_list){ 0 };
}
