/*
 * Follows interpreter and thread states, and frames. Does not look at objects.
 */
#include "python/interpreters.h"

#include <stdlib.h>

#include <pyinspect/stack_ref.h>

#include "base/array.h"
#include "tracee/arch.h"

enum {
	GENERATIONS = 3,
	THREAD_LIMIT = 100000,
	FRAME_LIMIT = 100000,
	SLOT_LIMIT = 1 << 16,
	EXCEPTION_LIMIT = 1000,
	STATIC_TYPE_LIMIT = 1000,
	ROOT_LIMIT = 1 << 22,
	/*
	 * Include/internal/pycore_frame.h: from FRAME_OWNED_BY_CSTACK (FRAME_OWNED_BY_INTERPRETER)
	 * on, other fields are not valid
	 */
	OWNER_C_STACK = 3,
};

static bool has(uint32_t offset)
{
	return offset != PYI_ABSENT;
}

static uint64_t load(struct pyi_memory_reader *reader, uint64_t addr)
{
	uint64_t value;

	return pyi_memory_try_read_u64(reader, addr, &value) ? value : 0;
}

struct pyi_error *pyi_interpreters_list(const struct pyi_runtime *runtime,
					struct pyi_memory_reader *reader,
					struct pyi_interpreters *ret_interpreters)
{
	struct pyi_interpreters list = { 0 };
	uint64_t head_addr = runtime->statics.interpreters_addr;
	uint64_t addr;

	if (!head_addr)
		head_addr = runtime->addr + runtime->layout->runtime_interpreters_head;
	addr = load(reader, head_addr);
	while (addr) {
		if (list.count == PYI_INTERPRETER_LIMIT)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_HEAP_BROKEN,
						"the chain of Python's interpreters does not end");
		list.addr[list.count++] = addr;
		if (!pyi_memory_try_read_u64(reader, addr + runtime->layout->interp_next, &addr))
			return pyi_error_create(
				PYI_EXIT_FAILED, PYI_ERROR_HEAP_BROKEN,
				"the chain of Python's interpreters leads to 0x%llx, "
				"which is not mapped",
				(unsigned long long)addr);
	}
	if (!list.count)
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_PYTHON_NOT_STARTED,
					"Python is loaded but has no interpreter (not started, or "
					"ending)");
	*ret_interpreters = list;
	return NULL;
}

/* Address of the gc state of interpreter `i`; up to 3.8 there is one for all. */
static uint64_t gc_state(const struct pyi_runtime *runtime,
			 const struct pyi_interpreters *interpreters, size_t i)
{
	if (has(runtime->layout->runtime_gc))
		return runtime->addr + runtime->layout->runtime_gc;
	return interpreters->addr[i] + runtime->layout->interp_gc;
}

/* None where the collector's state is a number of variables. */
static size_t gc_state_count(const struct pyi_runtime *runtime,
			     const struct pyi_interpreters *interpreters)
{
	if (runtime->statics.generations_addr)
		return 0;
	return has(runtime->layout->runtime_gc) ? 1 : interpreters->count;
}

/* The youngest generation; the others follow. The interpreter's own pointer to it knows best. */
static uint64_t first_generation(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
				 uint64_t state)
{
	uint64_t generations_bytes = (uint64_t)GENERATIONS * layout->gc_generation_size;
	uint64_t first;

	if (has(layout->gc_generation0) &&
	    pyi_memory_try_read_u64(reader, state + layout->gc_generation0, &first) &&
	    first >= state && layout->gc_size >= generations_bytes &&
	    first - state <= layout->gc_size - generations_bytes)
		return first;
	return state + layout->gc_generations;
}

uint64_t pyi_interpreters_static_types(const struct pyi_runtime *runtime, uint64_t interpreter_addr)
{
	return interpreter_addr + runtime->layout->interp_static_types +
	       (uint64_t)runtime->static_types_shift;
}

struct pyi_error *pyi_interpreters_gc_lists(const struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader,
					    const struct pyi_interpreters *interpreters,
					    struct pyi_gc_list **ret_lists, size_t *ret_count)
{
	const struct pyi_layout *layout = runtime->layout;
	size_t states = gc_state_count(runtime, interpreters);
	struct pyi_gc_list *lists = calloc(states + 1, (GENERATIONS + 1) * sizeof(*lists));
	uint64_t first_static = runtime->statics.generations_addr;
	size_t count = 0;

	if (!lists)
		return pyi_error_no_memory();
	for (uint64_t g = 0; g < GENERATIONS && first_static; g++)
		lists[count++].head_addr = first_static + g * layout->gc_generation_size;
	for (size_t i = 0; i < states; i++) {
		uint64_t state = gc_state(runtime, interpreters, i);
		uint64_t first = first_generation(layout, reader, state);

		for (uint64_t g = 0; g < GENERATIONS; g++)
			lists[count++].head_addr = first + g * layout->gc_generation_size;
		lists[count++] = (struct pyi_gc_list){
			.head_addr = state + layout->gc_permanent,
			.frozen = 1,
		};
	}
	*ret_lists = lists;
	*ret_count = count;
	return NULL;
}

size_t pyi_interpreters_collecting_addrs(const struct pyi_runtime *runtime,
					 const struct pyi_interpreters *interpreters,
					 uint64_t ret_addrs[PYI_INTERPRETER_LIMIT])
{
	size_t count = gc_state_count(runtime, interpreters);

	if (runtime->statics.collecting_addr) {
		ret_addrs[0] = runtime->statics.collecting_addr;
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		ret_addrs[i] = gc_state(runtime, interpreters, i) + runtime->layout->gc_collecting;
	return count;
}

enum pyi_runtime_phase pyi_interpreters_phase(const struct pyi_runtime *runtime,
					      struct pyi_memory_reader *reader)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t finalizing;
	uint32_t initialized;

	if (has(layout->runtime_finalizing) &&
	    pyi_memory_try_read_u64(reader, runtime->addr + layout->runtime_finalizing,
				    &finalizing) &&
	    finalizing)
		return PYI_RUNTIME_ENDS;
	if (has(layout->runtime_initialized) &&
	    pyi_memory_try_read_u32(reader, runtime->addr + layout->runtime_initialized,
				    &initialized) &&
	    !initialized)
		return PYI_RUNTIME_STARTS;
	return PYI_RUNTIME_RUNS;
}

bool pyi_interpreters_collecting(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader,
				 const struct pyi_interpreters *interpreters)
{
	uint64_t addrs[PYI_INTERPRETER_LIMIT];
	size_t count = pyi_interpreters_collecting_addrs(runtime, interpreters, addrs);

	for (size_t i = 0; i < count; i++) {
		uint32_t collecting;

		if (!pyi_memory_try_read_u32(reader, addrs[i], &collecting) || collecting)
			return true;
	}
	return false;
}

bool pyi_interpreters_find_gil(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			       uint64_t interpreter_addr, struct pyi_gil_addrs *ret_addrs)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t gil;

	if (runtime->statics.current_thread_addr) {
		*ret_addrs = (struct pyi_gil_addrs){
			.holder = runtime->statics.current_thread_addr,
		};
		return true;
	}
	if (!has(layout->interp_gil)) {
		*ret_addrs = (struct pyi_gil_addrs){
			.locked = runtime->addr + layout->runtime_gil_locked,
			.holder = runtime->addr + layout->runtime_gil_last_holder,
			.switches = runtime->addr + layout->runtime_gil_switches,
		};
		return true;
	}
	gil = load(reader, interpreter_addr + layout->interp_gil);
	*ret_addrs = (struct pyi_gil_addrs){
		.locked = gil + layout->gil_locked,
		.holder = gil + layout->gil_last_holder,
		.switches = gil + layout->gil_switches,
	};
	return gil != 0;
}

struct pyi_gil_state pyi_interpreters_decode_gil(const struct pyi_gil_addrs *addrs, uint64_t locked,
						 uint64_t holder_addr, uint64_t switches)
{
	/* Who had it last, and how often it has changed hands, is then not known. */
	if (!addrs->locked)
		return (struct pyi_gil_state){ holder_addr != 0, holder_addr, 0 };
	/* -1: there is none yet, because there is one thread only. */
	return (struct pyi_gil_state){ locked == 1, holder_addr, switches };
}

bool pyi_interpreters_read_gil(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			       uint64_t interpreter_addr, struct pyi_gil_state *ret_state)
{
	struct pyi_gil_addrs addrs;
	uint64_t switches = 0;
	uint64_t holder_addr;
	uint32_t locked = 0;

	if (!pyi_interpreters_find_gil(runtime, reader, interpreter_addr, &addrs) ||
	    !pyi_memory_try_read_u64(reader, addrs.holder, &holder_addr))
		return false;
	if (addrs.locked && (!pyi_memory_try_read_u32(reader, addrs.locked, &locked) ||
			     !pyi_memory_try_read_u64(reader, addrs.switches, &switches)))
		return false;
	*ret_state = pyi_interpreters_decode_gil(&addrs, locked, holder_addr, switches);
	return true;
}

uint64_t pyi_interpreters_gil_holder(const struct pyi_runtime *runtime,
				     struct pyi_memory_reader *reader, uint64_t interpreter_addr)
{
	struct pyi_gil_state state;

	if (!pyi_interpreters_read_gil(runtime, reader, interpreter_addr, &state) || !state.locked)
		return 0;
	return state.holder_addr;
}

bool pyi_interpreters_is_gil_holder(const struct pyi_runtime *runtime,
				    struct pyi_memory_reader *reader,
				    const struct pyi_interpreters *interpreters,
				    uint64_t thread_pointer)
{
	for (size_t i = 0; i < interpreters->count; i++) {
		uint64_t holder =
			pyi_interpreters_gil_holder(runtime, reader, interpreters->addr[i]);

		if (holder && pyi_arch_is_thread(thread_pointer,
						 load(reader, holder + runtime->layout->thread_id)))
			return true;
	}
	return false;
}

/* The thread that a thread state belongs to, NULL if it is not known. */
static const struct pyi_thread_motion *
find_thread(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
	    uint64_t thread_state, const struct pyi_thread_motion *threads, size_t count)
{
	uint64_t pthread_id = load(reader, thread_state + layout->thread_id);
	uint64_t native_id = has(layout->thread_native_id)
				     ? load(reader, thread_state + layout->thread_native_id)
				     : 0;

	for (size_t t = 0; t < count; t++)
		if ((threads[t].thread_pointer &&
		     pyi_arch_is_thread(threads[t].thread_pointer, pthread_id)) ||
		    (native_id && (uint64_t)threads[t].namespace_tid == native_id))
			return &threads[t];
	return NULL;
}

bool pyi_interpreters_gil_was_still(const struct pyi_runtime *runtime,
				    struct pyi_memory_reader *reader,
				    const struct pyi_gil_state *before,
				    const struct pyi_gil_state *after,
				    const struct pyi_thread_motion *threads, size_t count)
{
	const struct pyi_thread_motion *thread;

	if (before->locked != after->locked || before->holder_addr != after->holder_addr ||
	    before->switches != after->switches)
		return false;
	if (!before->holder_addr)
		return false;
	thread = find_thread(runtime->layout, reader, before->holder_addr, threads, count);
	return thread && thread->still;
}

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

/* A chain that may lead in a circle. */
struct chain {
	uint64_t seen_addr;
	uint64_t steps;
};

/*
 * True, sooner or later, if a chain leads back to where it has been: what is met is compared with
 * one that was met before, which is another one after 1, 2, 4, 8 ... steps (R. Brent).
 */
static bool leads_back(struct chain *chain, uint64_t addr)
{
	if (addr == chain->seen_addr)
		return true;
	chain->steps++;
	if (!(chain->steps & (chain->steps - 1)))
		chain->seen_addr = addr;
	return false;
}

/* Adds the object at a field of a struct; an absent field adds nothing. */
static struct pyi_error *push_field(struct pyi_root_list *list, struct pyi_memory_reader *reader,
				    const struct pyi_edge *owner, uint64_t addr, uint32_t offset)
{
	struct pyi_edge edge = *owner;

	if (!has(offset))
		return NULL;
	if (!edge.detail)
		edge.detail = offset;
	return push(list, &edge, load(reader, addr + offset));
}

static struct pyi_error *push_fields(struct pyi_root_list *list, struct pyi_memory_reader *reader,
				     const struct pyi_edge *owner, uint64_t addr,
				     const uint32_t offsets[PYI_LAYOUT_LIST])
{
	struct pyi_error *error = NULL;

	for (int i = 0; i < PYI_LAYOUT_LIST && has(offsets[i]) && !error; i++)
		error = push_field(list, reader, owner, addr, offsets[i]);
	return error;
}

static struct pyi_error *push_locals(struct pyi_root_list *list, const struct pyi_layout *layout,
				     struct pyi_memory_reader *reader, uint64_t code, uint64_t addr,
				     uint32_t count)
{
	struct pyi_edge edge = { .kind = PYI_EDGE_LOCAL, .internal = 1, .context = code };
	struct pyi_error *error = NULL;

	for (uint32_t i = 0; i < count && i < SLOT_LIMIT && !error && !list->truncated; i++) {
		edge.detail = i;
		error = push(
			list, &edge,
			pyi_stack_ref_object(layout, load(reader, addr + i * sizeof(uint64_t))));
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

	if (!has(offset))
		return NULL;
	edge.detail = offset;
	return push(list, &edge, pyi_stack_ref_object(layout, load(reader, addr + offset)));
}

/* How many slots of a frame are in use: its locals, and what is known to be on its stack. */
static uint32_t count_slots(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			    uint64_t code, uint64_t frame)
{
	uint64_t first = frame + layout->iframe_localsplus;
	uint32_t locals = 0;
	uint32_t stack = 0;
	uint32_t top = 0;

	if (!pyi_memory_try_read_u32(reader, code + layout->code_nlocalsplus, &locals))
		return 0;
	/* The end of the stack is only known while the frame does not execute. */
	if (has(layout->iframe_stackpointer)) {
		uint64_t end = load(reader, frame + layout->iframe_stackpointer);

		if (end < first ||
		    !pyi_memory_try_read_u32(reader, code + layout->code_stacksize, &stack) ||
		    (end - first) / sizeof(uint64_t) > (uint64_t)locals + stack)
			return locals;
		top = (uint32_t)((end - first) / sizeof(uint64_t));
	} else if (!pyi_memory_try_read_u32(reader, frame + layout->iframe_stacktop, &top)) {
		return locals;
	}
	return (int32_t)top > (int32_t)locals ? top : locals;
}

/* The exceptions being handled by a thread. */
static struct pyi_error *push_exceptions(struct pyi_root_list *list,
					 const struct pyi_layout *layout,
					 struct pyi_memory_reader *reader, uint64_t thread)
{
	const struct pyi_edge edge = {
		.kind = PYI_EDGE_THREAD,
		.internal = 1,
		.detail = layout->thread_exc_info,
	};
	struct pyi_error *error = NULL;
	uint64_t item = 0;

	if (has(layout->thread_exc_info))
		item = load(reader, thread + layout->thread_exc_info);

	for (int i = 0; item && i < EXCEPTION_LIMIT && !error && !list->truncated; i++) {
		error = push_field(list, reader, &edge, item, layout->exc_item_value);
		if (!error)
			error = push_field(list, reader, &edge, item, layout->exc_item_type);
		if (!error)
			error = push_field(list, reader, &edge, item, layout->exc_item_traceback);
		item = load(reader, item + layout->exc_item_previous);
	}
	return error;
}

/* What one interpreter frame holds (3.11+): a frame is no object there. */
static struct pyi_error *push_frame(struct pyi_root_list *list, const struct pyi_layout *layout,
				    struct pyi_memory_reader *reader, uint64_t frame)
{
	uint64_t code = pyi_stack_ref_object(layout, load(reader, frame + layout->iframe_code));
	const struct pyi_edge edge = { .kind = PYI_EDGE_FRAME, .internal = 1, .context = code };
	struct pyi_error *error =
		push_stack_ref(list, layout, reader, &edge, frame, layout->iframe_code);

	if (!error)
		error = push_stack_ref(list, layout, reader, &edge, frame, layout->iframe_function);
	if (!error)
		error = push_field(list, reader, &edge, frame, layout->iframe_globals);
	if (!error)
		error = push_field(list, reader, &edge, frame, layout->iframe_builtins);
	if (!error)
		error = push_field(list, reader, &edge, frame, layout->iframe_locals);
	if (!error)
		error = push_field(list, reader, &edge, frame, layout->iframe_object);
	if (error)
		return error;
	return push_locals(list, layout, reader, code, frame + layout->iframe_localsplus,
			   count_slots(layout, reader, code, frame));
}

static struct pyi_error *push_frames(struct pyi_root_list *list, const struct pyi_layout *layout,
				     struct pyi_memory_reader *reader, uint64_t thread)
{
	const struct pyi_edge edge = { .kind = PYI_EDGE_THREAD, .internal = 1 };
	struct pyi_error *error = NULL;
	struct chain chain = { 0 };
	uint64_t frame;

	/* A frame object leads to the ones below it. */
	if (has(layout->thread_frame))
		return push_field(list, reader, &edge, thread, layout->thread_frame);
	if (has(layout->thread_current_frame))
		frame = load(reader, thread + layout->thread_current_frame);
	else
		frame = load(reader, load(reader, thread + layout->thread_cframe) +
					     layout->cframe_current_frame);
	chain.seen_addr = frame;
	for (int i = 0; frame && i < FRAME_LIMIT && !error && !list->truncated; i++) {
		uint8_t owner = OWNER_C_STACK;

		if (pyi_memory_try_read(reader, frame + layout->iframe_owner, &owner, 1) &&
		    owner < OWNER_C_STACK)
			error = push_frame(list, layout, reader, frame);
		frame = load(reader, frame + layout->iframe_previous);
		list->truncated |= frame && (i + 1 == FRAME_LIMIT || leads_back(&chain, frame));
	}
	return error;
}

static struct pyi_error *push_threads(struct pyi_root_list *list, const struct pyi_layout *layout,
				      struct pyi_memory_reader *reader, uint64_t interpreter)
{
	const struct pyi_edge edge = { .kind = PYI_EDGE_THREAD, .internal = 1 };
	uint64_t thread = load(reader, interpreter + layout->interp_threads_head);
	struct chain chain = { .seen_addr = thread };
	struct pyi_error *error = NULL;

	for (int i = 0; thread && i < THREAD_LIMIT && !error && !list->truncated; i++) {
		error = push_fields(list, reader, &edge, thread, layout->thread_roots);
		if (!error)
			error = push_exceptions(list, layout, reader, thread);
		if (!error)
			error = push_frames(list, layout, reader, thread);
		thread = load(reader, thread + layout->thread_next);
		list->truncated |= thread && (i + 1 == THREAD_LIMIT || leads_back(&chain, thread));
	}
	return error;
}

/* Static types keep their dicts in the interpreter from 3.12 on. */
static struct pyi_error *push_static_types(struct pyi_root_list *list,
					   const struct pyi_runtime *runtime,
					   struct pyi_memory_reader *reader, uint64_t interpreter)
{
	const struct pyi_layout *layout = runtime->layout;
	struct pyi_edge edge = { .kind = PYI_EDGE_STATIC_TYPE, .internal = 1 };
	struct pyi_error *error = NULL;

	if (!(layout->features & PYI_FEATURE_STATIC_TYPE_STATE))
		return NULL;
	for (uint64_t i = 0; i < STATIC_TYPE_LIMIT && !error; i++) {
		uint64_t state = pyi_interpreters_static_types(runtime, interpreter) +
				 i * layout->static_type_size;
		uint64_t type = load(reader, state + layout->static_type_type);

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

struct pyi_error *pyi_interpreters_roots(const struct pyi_runtime *runtime,
					 struct pyi_memory_reader *reader,
					 const struct pyi_interpreters *interpreters,
					 struct pyi_root_list *ret_roots)
{
	const struct pyi_layout *layout = runtime->layout;
	const struct pyi_edge edge = { .kind = PYI_EDGE_INTERPRETER, .internal = 1 };
	struct pyi_root_list list = { 0 };
	struct pyi_error *error = NULL;

	for (size_t i = 0; i < interpreters->count && !error; i++) {
		uint64_t interpreter = interpreters->addr[i];

		error = push_fields(&list, reader, &edge, interpreter, layout->interp_roots);
		if (!error)
			error = push_threads(&list, layout, reader, interpreter);
		if (!error)
			error = push_static_types(&list, runtime, reader, interpreter);
	}
	for (size_t i = 0; i < gc_state_count(runtime, interpreters) && !error; i++) {
		struct pyi_edge gc_edge = {
			.kind = PYI_EDGE_INTERPRETER,
			.internal = 1,
			.detail = PYI_EDGE_GC_GARBAGE,
		};
		uint64_t state = gc_state(runtime, interpreters, i);

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
