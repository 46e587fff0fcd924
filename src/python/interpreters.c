/*
 * Follows interpreter and thread states, and frames. Does not look at objects.
 */
#include "python/interpreters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <pyinspect/stack_ref.h>

#include "base/array.h"
#include "tracee/arch.h"

enum {
	/* Include/internal/pycore_pystate.h: _Py_THREAD_ATTACHED */
	ATTACHED = 1,
	THREAD_LIMIT = 100000,
	GENERATIONS = 3,
	LISTED_LIMIT = 16,
};

struct pyi_error *pyi_interpreters_list(const struct pyi_runtime *runtime,
					struct pyi_memory_reader *reader,
					struct pyi_interpreters *ret_interpreters)
{
	struct pyi_interpreters list = { 0 };
	uint64_t head_addr = runtime->statics.interpreters_addr;
	uint64_t addr;

	if (!head_addr)
		head_addr = runtime->addr + runtime->layout->runtime_interpreters_head;
	addr = pyi_memory_u64(reader, head_addr);
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

uint64_t pyi_interpreters_gc_state(const struct pyi_runtime *runtime,
				   const struct pyi_interpreters *interpreters, size_t i)
{
	if (pyi_has(runtime->layout->runtime_gc))
		return runtime->addr + runtime->layout->runtime_gc;
	return interpreters->addr[i] + runtime->layout->interp_gc;
}

/* They are listed from the newest to the main one. */
static uint64_t number_of(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  const struct pyi_interpreters *interpreters, size_t i)
{
	if (!pyi_has(runtime->layout->interp_id))
		return interpreters->count - 1 - i;
	return pyi_memory_u64(reader, interpreters->addr[i] + runtime->layout->interp_id);
}

static struct pyi_error *unknown(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader,
				 const struct pyi_interpreters *interpreters, uint64_t number)
{
	char numbers[LISTED_LIMIT * 24] = "";
	size_t length = 0;

	for (size_t i = interpreters->count; i-- && interpreters->count - i <= LISTED_LIMIT;)
		length += (size_t)snprintf(numbers + length, sizeof(numbers) - length, "%s%" PRIu64,
					   length ? ", " : "",
					   number_of(runtime, reader, interpreters, i));
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_INTERPRETER_UNKNOWN,
					       "there is no interpreter with the number %" PRIu64,
					       number),
			      "there are %zu: %s%s", interpreters->count, numbers,
			      interpreters->count > LISTED_LIMIT ? ", ..." : "");
}

struct pyi_error *pyi_interpreters_keep(const struct pyi_runtime *runtime,
					struct pyi_memory_reader *reader, uint64_t number,
					struct pyi_interpreters *interpreters)
{
	if (!number)
		return NULL;
	for (size_t i = 0; i < interpreters->count; i++) {
		if (number_of(runtime, reader, interpreters, i) != number - 1)
			continue;
		if (interpreters->count > 1 &&
		    (runtime->statics.generations_addr || pyi_has(runtime->layout->runtime_gc)))
			return pyi_error_hint(
				pyi_error_create(
					PYI_EXIT_USAGE, PYI_ERROR_INTERPRETER_UNKNOWN,
					"the interpreters of CPython %s have one collector",
					runtime->version),
				"without --interpreter a report is of all of them");
		interpreters->addr[0] = interpreters->addr[i];
		interpreters->count = 1;
		return NULL;
	}
	return unknown(runtime, reader, interpreters, number - 1);
}

size_t pyi_interpreters_gc_state_count(const struct pyi_runtime *runtime,
				       const struct pyi_interpreters *interpreters)
{
	if (runtime->statics.generations_addr)
		return 0;
	return pyi_has(runtime->layout->runtime_gc) ? 1 : interpreters->count;
}

/* The youngest generation; the others follow. The interpreter's own pointer to it knows best. */
static uint64_t first_generation(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
				 uint64_t state)
{
	uint64_t generations_bytes = (uint64_t)GENERATIONS * layout->gc_generation_size;
	uint64_t first;

	if (pyi_has(layout->gc_generation0) &&
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
	size_t states = pyi_interpreters_gc_state_count(runtime, interpreters);
	struct pyi_gc_list *lists = calloc(states + 1, (GENERATIONS + 1) * sizeof(*lists));
	uint64_t first_static = runtime->statics.generations_addr;
	size_t count = 0;

	if (!lists)
		return pyi_error_no_memory();
	for (uint64_t g = 0; g < GENERATIONS && first_static; g++)
		lists[count++].head_addr = first_static + g * layout->gc_generation_size;
	for (size_t i = 0; i < states; i++) {
		uint64_t state = pyi_interpreters_gc_state(runtime, interpreters, i);
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
	size_t count = pyi_interpreters_gc_state_count(runtime, interpreters);

	if (runtime->statics.collecting_addr) {
		ret_addrs[0] = runtime->statics.collecting_addr;
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		ret_addrs[i] = pyi_interpreters_gc_state(runtime, interpreters, i) +
			       runtime->layout->gc_collecting;
	return count;
}

enum pyi_runtime_phase pyi_interpreters_phase(const struct pyi_runtime *runtime,
					      struct pyi_memory_reader *reader)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t finalizing;
	uint32_t initialized;

	if (pyi_has(layout->runtime_finalizing) &&
	    pyi_memory_try_read_u64(reader, runtime->addr + layout->runtime_finalizing,
				    &finalizing) &&
	    finalizing)
		return PYI_RUNTIME_ENDS;
	if (pyi_has(layout->runtime_initialized) &&
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
	if (!pyi_has(layout->interp_gil)) {
		*ret_addrs = (struct pyi_gil_addrs){
			.locked = runtime->addr + layout->runtime_gil_locked,
			.holder = runtime->addr + layout->runtime_gil_last_holder,
			.switches = runtime->addr + layout->runtime_gil_switches,
		};
		return true;
	}
	gil = pyi_memory_u64(reader, interpreter_addr + layout->interp_gil);
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

bool pyi_interpreters_have_no_gil(const struct pyi_runtime *runtime)
{
	return pyi_has(runtime->layout->thread_attached);
}

/* The first thread state that is attached, of a thread with this thread pointer if it is not 0. */
static uint64_t find_attached(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t interpreter_addr, uint64_t thread_pointer)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t thread = pyi_memory_u64(reader, interpreter_addr + layout->interp_threads_head);

	for (int i = 0; thread && i < THREAD_LIMIT; i++) {
		uint32_t attached;

		if (pyi_memory_try_read_u32(reader, thread + layout->thread_attached, &attached) &&
		    attached == ATTACHED &&
		    (!thread_pointer ||
		     pyi_arch_is_thread(thread_pointer,
					pyi_memory_u64(reader, thread + layout->thread_id))))
			return thread;
		thread = pyi_memory_u64(reader, thread + layout->thread_next);
	}
	return 0;
}

uint64_t pyi_interpreters_gil_holder(const struct pyi_runtime *runtime,
				     struct pyi_memory_reader *reader, uint64_t interpreter_addr)
{
	struct pyi_gil_state state;

	if (pyi_interpreters_have_no_gil(runtime))
		return find_attached(runtime, reader, interpreter_addr, 0);
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
		uint64_t holder;

		if (pyi_interpreters_have_no_gil(runtime)) {
			if (thread_pointer &&
			    find_attached(runtime, reader, interpreters->addr[i], thread_pointer))
				return true;
			continue;
		}
		holder = pyi_interpreters_gil_holder(runtime, reader, interpreters->addr[i]);
		if (holder &&
		    pyi_arch_is_thread(thread_pointer,
				       pyi_memory_u64(reader, holder + runtime->layout->thread_id)))
			return true;
	}
	return false;
}

/* The thread that a thread state belongs to, NULL if it is not known. */
static const struct pyi_thread_motion *
find_thread(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
	    uint64_t thread_state, const struct pyi_thread_motion *threads, size_t count)
{
	uint64_t pthread_id = pyi_memory_u64(reader, thread_state + layout->thread_id);
	uint64_t native_id =
		pyi_has(layout->thread_native_id)
			? pyi_memory_u64(reader, thread_state + layout->thread_native_id)
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

bool pyi_interpreters_threads_were_still(const struct pyi_runtime *runtime,
					 struct pyi_memory_reader *reader,
					 const struct pyi_interpreters *interpreters,
					 const struct pyi_thread_motion *threads, size_t count)
{
	const struct pyi_layout *layout = runtime->layout;

	for (size_t i = 0; i < interpreters->count; i++) {
		uint64_t state =
			pyi_memory_u64(reader, interpreters->addr[i] + layout->interp_threads_head);

		for (int t = 0; state; t++) {
			const struct pyi_thread_motion *thread =
				find_thread(layout, reader, state, threads, count);
			uint32_t attached = 0;

			if (t == THREAD_LIMIT ||
			    !pyi_memory_try_read_u32(reader, state + layout->thread_attached,
						     &attached) ||
			    (thread ? !thread->still : attached == ATTACHED))
				return false;
			state = pyi_memory_u64(reader, state + layout->thread_next);
		}
	}
	return true;
}
