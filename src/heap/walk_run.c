/*
 * Places the payload and its memory in a snapshot, runs it, answers its messages, and brings
 * it back from faults. Does not decode records itself.
 */
#include "heap/walk_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/page.h"
#include "heap/payload_blob.h"
#include "heap/walk_ranges.h"
#include "python/heap_pages.h"
#include "python/objects.h"
#include "python/roots.h"
#include "python/type_rules.h"
#include "tracee/wait.h"

enum {
	STACK_BYTES = 512 << 10,
	/* More than a frame that code of the target may step down by; a multiple of any page. */
	GUARD_BYTES = 1 << 20,
	/* Of what is mapped, and of its parts. */
	MAP_ALIGNMENT = PYI_PAGE_MOST_BYTES,
	PART_ALIGNMENT = 4096,
	RECORDS_BYTES = 4 << 20,
	TEXT_ALIGNMENT = 64,
	/* A GiB of address space costs 8 MiB of marks and 32 KiB of readable pages
	   (payloads/marks.c). */
	CHUNK_ARENA_BYTES = (8 << 20) + (32 << 10) + 128,
	/* Directory, types, state. */
	FIXED_ARENA_BYTES = 40 << 20,
	/* A pointer for each untracked container that could exist: payloads/walk.c. */
	CONTAINER_BYTES = 40,
	WORK_SHRINK_ROUNDS = 4,
	/* A visit of one object that makes no progress for so long is taken away from it. */
	WATCHDOG_MS = 5000,
	FAULT_LIMIT = 100000,
	WATCHDOG_LIMIT = 3,
};

/* The layout of the memory mapped into the snapshot, from its start. */
struct workspace {
	uint64_t addr;
	uint64_t size_bytes;
	uint64_t arguments_addr;
	uint64_t ranges_addr;
	uint64_t lists_addr;
	uint64_t roots_addr;
	uint64_t stack_end_addr;
	uint64_t records_addr;
	uint64_t arena_addr;
};

struct plan {
	struct pyi_walk_ranges ranges;
	struct pyi_gc_list *lists;
	size_t list_count;
	struct pyi_root_list roots;
};

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static void plan_deinit(struct plan *plan)
{
	pyi_walk_ranges_deinit(&plan->ranges);
	free(plan->lists);
	pyi_root_list_deinit(&plan->roots);
}

/* Maps memory for the payload; less of it when the kernel does not commit so much. */
static struct pyi_error *map_workspace(struct pyi_source_snapshot *snapshot,
				       const struct plan *plan, struct workspace *ret)
{
	struct workspace space = { 0 };
	uint64_t work_bytes = plan->ranges.writable_bytes / CONTAINER_BYTES * sizeof(uint64_t);
	uint64_t at = round_up(sizeof(struct pyi_payload_arguments), PART_ALIGNMENT);
	uint64_t guard_start;

	space.ranges_addr = at;
	at = round_up(at + plan->ranges.count * sizeof(plan->ranges.items[0]), PART_ALIGNMENT);
	space.lists_addr = at;
	at = round_up(at + plan->list_count * sizeof(plan->lists[0]), PART_ALIGNMENT);
	space.roots_addr = at;
	at = round_up(at + plan->roots.count * sizeof(plan->roots.items[0]), PART_ALIGNMENT);
	at = round_up(at, MAP_ALIGNMENT);
	guard_start = at;
	at += GUARD_BYTES + STACK_BYTES;
	space.stack_end_addr = at;
	space.records_addr = at;
	at += RECORDS_BYTES;
	space.arena_addr = at;
	at += FIXED_ARENA_BYTES + plan->ranges.chunk_count * CHUNK_ARENA_BYTES;
	for (int round = 0; round < WORK_SHRINK_ROUNDS; round++) {
		struct pyi_error *error;

		space.size_bytes = round_up(at + (work_bytes >> 3 * round), MAP_ALIGNMENT);
		/* Code that runs out of stack shall fault, not overwrite what lies below. */
		error = pyi_source_map(snapshot, space.size_bytes, guard_start, GUARD_BYTES,
				       &space.addr);
		if (!error)
			break;
		if (error->code != PYI_ERROR_NO_MEMORY_IN_SNAPSHOT ||
		    round == WORK_SHRINK_ROUNDS - 1)
			return error;
		pyi_error_destroy(error);
	}
	space.arguments_addr = space.addr;
	space.ranges_addr += space.addr;
	space.lists_addr += space.addr;
	space.roots_addr += space.addr;
	space.stack_end_addr += space.addr;
	space.records_addr += space.addr;
	space.arena_addr += space.addr;
	*ret = space;
	return NULL;
}

/* Text that was moved to huge pages is in several maps. */
static bool is_private_text(const struct pyi_maps *maps, uint64_t addr, uint64_t end_addr)
{
	while (addr < end_addr) {
		const struct pyi_map *map = pyi_maps_find(maps, addr);

		if (!map || map->shared || !map->executable)
			return false;
		addr = map->end_addr;
	}
	return true;
}

static struct pyi_error *no_room_for_text(uint64_t size_bytes)
{
	return pyi_error_hint(
		pyi_error_create(
			PYI_EXIT_UNSUPPORTED, PYI_ERROR_PYTHON_UNSUPPORTED,
			"the bytecode interpreter of this Python, %" PRIu64
			" bytes, has no room for the code that walks its objects, %zu bytes",
			size_bytes, pyi_payload_blob_size),
		"it was built with a tail-calling interpreter, or for size; pyinspect asks for no "
		"new executable memory, which W^X policies refuse");
}

/*
 * Over the bytecode interpreter, which no tp_traverse can need. No new executable memory is asked
 * for, ever: SELinux, MemoryDenyWriteExecute= and filters of system calls would refuse it.
 */
static struct pyi_error *place_text(struct pyi_source_snapshot *snapshot,
				    const struct pyi_runtime *runtime, uint64_t *ret_addr)
{
	uint64_t addr = round_up(runtime->evaluator.addr, TEXT_ALIGNMENT);
	uint64_t end_addr = runtime->evaluator.addr + runtime->evaluator.size_bytes;
	struct pyi_error *error;

	if (addr + pyi_payload_blob_size > end_addr ||
	    !is_private_text(&snapshot->maps, addr, addr + pyi_payload_blob_size))
		return no_room_for_text(runtime->evaluator.size_bytes);
	error = pyi_source_write(snapshot, addr, pyi_payload_blob, pyi_payload_blob_size);
	if (error)
		return error;
	*ret_addr = addr;
	return NULL;
}

/* Several interpreters share static types. */
static bool is_known(const struct pyi_known_type *types, size_t count, uint64_t type)
{
	for (size_t i = 0; i < count; i++)
		if (types[i].type_addr == type)
			return true;
	return false;
}

/* Types of the standard library with a size rule of their own that no symbol leads to. */
static size_t add_module_types(struct pyi_source_snapshot *snapshot,
			       const struct pyi_runtime *runtime,
			       const struct pyi_interpreters *interpreters,
			       struct pyi_known_type *types, size_t count)
{
	static const struct {
		const char *module;
		const char *name;
		uint32_t kind;
	} known[] = {
		{ "_collections", "deque", PYI_KIND_DEQUE },
		{ "array", "array", PYI_KIND_ARRAY },
		{ "greenlet._greenlet", "greenlet", PYI_KIND_GREENLET },
		{ "greenlet", "greenlet", PYI_KIND_GREENLET },
	};

	for (size_t i = 0; i < interpreters->count; i++) {
		uint64_t modules;

		if (!pyi_memory_try_read_u64(
			    snapshot->reader,
			    interpreters->addr[i] + runtime->layout->interp_modules, &modules))
			continue;
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
			uint64_t type;

			if (count < PYI_KNOWN_TYPES &&
			    pyi_objects_module_get(runtime, snapshot->reader, modules,
						   known[k].module, known[k].name, &type) &&
			    !is_known(types, count, type))
				types[count++] = (struct pyi_known_type){ type, known[k].kind };
		}
	}
	return count;
}

/* Rules of types that do not tell what they refer to, or how large they are. */
static size_t add_rules(struct pyi_source_snapshot *snapshot, const struct pyi_runtime *runtime,
			const struct pyi_interpreters *interpreters,
			struct pyi_type_rule rules[PYI_TYPE_RULES])
{
	size_t count = 0;

	for (size_t i = 0; i < interpreters->count; i++) {
		uint64_t modules;

		if (pyi_memory_try_read_u64(snapshot->reader,
					    interpreters->addr[i] + runtime->layout->interp_modules,
					    &modules))
			count = pyi_type_rules_add(runtime, snapshot->reader, modules, rules,
						   count);
	}
	return count;
}

/*
 * Some tp_traverse functions ask for the current thread state (those of struct sequences do), and
 * would follow a NULL pointer without one. If a thread holds the GIL, the snapshot goes on as that
 * thread; else it takes a thread state by the interpreter's own function, as a thread of Python
 * does.
 */
static struct pyi_error *choose_thread_state(struct pyi_source_snapshot *snapshot,
					     const struct pyi_runtime *runtime,
					     const struct pyi_interpreters *interpreters,
					     struct pyi_payload_arguments *arguments)
{
	const struct pyi_layout *layout = runtime->layout;
	/* New interpreters are put in front: the last one is the main interpreter. */
	uint64_t main_addr = interpreters->addr[interpreters->count - 1];
	uint64_t holder = pyi_interpreters_gil_holder(runtime, snapshot->reader, main_addr);
	uint64_t pthread_id;

	if (holder) {
		if (!pyi_memory_try_read_u64(snapshot->reader, holder + layout->thread_id,
					     &pthread_id))
			return NULL;
		return pyi_source_become_thread(snapshot, pthread_id);
	}
	if (pyi_memory_try_read_u64(snapshot->reader, main_addr + layout->interp_threads_head,
				    &arguments->attach_argument))
		arguments->attach_addr = runtime->thread_swap_addr;
	return NULL;
}

static struct pyi_error *write_array(struct pyi_source_snapshot *snapshot, uint64_t addr,
				     const void *items, size_t size_bytes)
{
	return size_bytes ? pyi_source_write(snapshot, addr, items, size_bytes) : NULL;
}

/* With what is shared or a file's: an array may own that. */
static uint64_t mapped_bytes(const struct pyi_maps *maps)
{
	uint64_t bytes = 0;

	for (size_t m = 0; m < maps->count; m++)
		if (maps->items[m].readable || maps->items[m].writable)
			bytes += maps->items[m].end_addr - maps->items[m].start_addr;
	return bytes;
}

static struct pyi_error *write_arguments(struct pyi_source_snapshot *snapshot,
					 const struct pyi_runtime *runtime,
					 const struct pyi_interpreters *interpreters,
					 const struct plan *plan, const struct workspace *space,
					 const struct pyi_walk_request *request,
					 struct pyi_walk_result *result)
{
	struct pyi_payload_arguments arguments = {
		.abi = PYI_PAYLOAD_ABI,
		.size_bytes = sizeof(arguments),
		.arena_addr = space->arena_addr,
		.arena_bytes = space->addr + space->size_bytes - space->arena_addr,
		.records_addr = space->records_addr,
		.records_bytes = RECORDS_BYTES,
		.ranges_addr = space->ranges_addr,
		.range_count = plan->ranges.count,
		.lists_addr = space->lists_addr,
		.list_count = plan->list_count,
		.roots_addr = space->roots_addr,
		.root_count = plan->roots.count,
		.job = request->job,
		.flags = request->flags,
		.mapped_bytes = mapped_bytes(&snapshot->maps),
		.layout = *runtime->layout,
	};
	struct pyi_error *error;
	size_t rule_count;
	size_t count = 0;

	for (size_t i = 0; i < runtime->builtin_type_count && count < PYI_KNOWN_TYPES; i++)
		arguments.known_types[count++] = (struct pyi_known_type){
			runtime->builtin_types[i].addr,
			runtime->builtin_types[i].kind,
		};
	count = add_module_types(snapshot, runtime, interpreters, arguments.known_types, count);
	rule_count = add_rules(snapshot, runtime, interpreters, arguments.rules);
	for (size_t i = 0; i < count; i++)
		result->modelled.addrs[i] = arguments.known_types[i].type_addr;
	for (size_t i = 0; i < rule_count; i++)
		result->modelled.addrs[count++] = arguments.rules[i].type_addr;
	result->root_count = plan->roots.count;
	/* object.__sizeof__() is the default rule. */
	result->modelled.addrs[count] = runtime->object_type_addr;
	result->modelled.count = count + 1;

	error = choose_thread_state(snapshot, runtime, interpreters, &arguments);
	if (!error)
		error = pyi_source_write(snapshot, space->arguments_addr, &arguments,
					 sizeof(arguments));
	if (!error)
		error = write_array(snapshot, space->ranges_addr, plan->ranges.items,
				    plan->ranges.count * sizeof(plan->ranges.items[0]));
	if (!error)
		error = write_array(snapshot, space->lists_addr, plan->lists,
				    plan->list_count * sizeof(plan->lists[0]));
	if (!error)
		error = write_array(snapshot, space->roots_addr, plan->roots.items,
				    plan->roots.count * sizeof(plan->roots.items[0]));
	return error;
}

struct run {
	struct pyi_source_snapshot *snapshot;
	const struct workspace *space;
	const struct pyi_walk_request *request;
	struct pyi_walk_result *result;
	/* Without a cache: the payload changes what we read. */
	struct pyi_memory_reader *reader;
	uint8_t *records;
	/* So many of them are not decoded yet. */
	size_t record_bytes;
	/* What the system call that it is stopped at returns. */
	bool replies;
	uint64_t reply;
	unsigned faults;
	unsigned stuck;
};

/* Makes the payload give up the object it is at, and go on with the next. */
static struct pyi_error *recover(struct run *run, const char *why)
{
	struct pyi_payload_arguments arguments;
	struct pyi_error *error;

	error = pyi_memory_read(run->reader, run->space->arguments_addr, &arguments,
				sizeof(arguments));
	if (error)
		return error;
	if (!arguments.recover_pc || !arguments.mark[0] || ++run->faults > FAULT_LIMIT)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
					"the walk of the snapshot cannot go on: %s", why);
	run->stuck = 0;
	return pyi_source_call(run->snapshot, arguments.recover_pc, run->space->stack_end_addr,
			       run->space->arguments_addr);
}

static struct pyi_error *take_records(struct run *run, uint64_t addr, uint64_t size_bytes)
{
	struct pyi_error *error;

	if (addr != run->space->records_addr || size_bytes > RECORDS_BYTES)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
					"the payload's answer is not where it should be");
	error = pyi_memory_read(run->reader, addr, run->records, (size_t)size_bytes);
	if (!error)
		run->record_bytes = (size_t)size_bytes;
	return error;
}

/* While the payload writes the next ones. */
static struct pyi_error *decode_records(void *argument)
{
	struct run *run = argument;
	size_t size_bytes = run->record_bytes;

	run->record_bytes = 0;
	return pyi_walk_decode(run->records, size_bytes, run->request, run->result);
}

static struct pyi_error *reply(struct run *run, uint64_t value)
{
	run->replies = true;
	run->reply = value;
	return NULL;
}

/* Answers one message, with the next resumption; `ret_done` when it was the last. */
static struct pyi_error *answer(struct run *run, const struct pyi_snapshot_event *event,
				bool *ret_done)
{
	struct pyi_error *error;

	switch (event->number) {
	case PYI_MESSAGE_RECORDS:
		run->stuck = 0;
		error = take_records(run, event->arguments[0], event->arguments[1]);
		return error ? error : reply(run, 0);
	case PYI_MESSAGE_PROGRESS:
		run->stuck = 0;
		if (run->request->progress)
			run->request->progress(run->request->progress_argument,
					       event->arguments[0]);
		return reply(run, 0);
	case PYI_MESSAGE_DONE:
		*ret_done = true;
		if (event->arguments[0] == PYI_PAYLOAD_OK)
			return NULL;
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
					"the payload ended with status %" PRIu64,
					event->arguments[0]);
	default:
		/* Code of the target wants a system call, e.g. to wait for a lock: never. */
		return recover(run, "its code makes system calls");
	}
}

static struct pyi_error *handle_deadline(struct run *run)
{
	if (pyi_clock_passed(run->request->deadline_ns))
		return pyi_error_timeout("the walk did not end in the time allowed");
	/* Between two signs of life lie a million objects, not seconds. */
	if (++run->stuck > WATCHDOG_LIMIT)
		return recover(run, "an object's code does not return");
	return NULL;
}

static struct pyi_error *serve(struct run *run)
{
	const struct pyi_source_meanwhile decode = { decode_records, run };
	bool done = false;

	while (!done) {
		struct pyi_snapshot_event event;
		struct pyi_error *error;

		error = pyi_source_run(run->snapshot, run->replies ? &run->reply : NULL,
				       pyi_clock_deadline(WATCHDOG_MS, run->request->deadline_ns),
				       run->record_bytes ? &decode : NULL, &event);
		run->replies = false;
		if (error)
			return error;
		switch (event.kind) {
		case PYI_SNAPSHOT_MESSAGE:
			error = answer(run, &event, &done);
			break;
		case PYI_SNAPSHOT_FAULT:
			error = recover(run, strsignal(event.signal));
			break;
		case PYI_SNAPSHOT_DEADLINE:
			error = handle_deadline(run);
			break;
		case PYI_SNAPSHOT_CANCELLED:
			error = pyi_wait_interrupted();
			break;
		case PYI_SNAPSHOT_DIED:
			error = pyi_error_hint(
				pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST,
						 "the snapshot was killed while it was walked"),
				"it is the first the OOM killer takes: look at the kernel log");
			break;
		}
		if (error)
			return error;
	}
	return NULL;
}

static struct pyi_error *find_lists(struct pyi_source_snapshot *snapshot,
				    const struct pyi_runtime *runtime,
				    const struct pyi_interpreters *interpreters, struct plan *plan)
{
	if (pyi_heap_pages_are_used(runtime))
		return pyi_heap_pages_find(runtime, snapshot->reader, interpreters, &plan->lists,
					   &plan->list_count);
	return pyi_interpreters_gc_lists(runtime, snapshot->reader, interpreters, &plan->lists,
					 &plan->list_count);
}

struct pyi_error *pyi_walk_run(struct pyi_source_snapshot *snapshot,
			       const struct pyi_runtime *runtime,
			       const struct pyi_interpreters *interpreters,
			       const struct pyi_walk_request *request,
			       struct pyi_walk_result *ret_result)
{
	PYI_CLEANUP(plan_deinit) struct plan plan = { 0 };
	PYI_CLEANUP(pyi_guard_free) uint8_t *records = malloc(RECORDS_BYTES);
	struct pyi_walk_result result = { 0 };
	struct pyi_memory_reader *reader = NULL;
	struct workspace space;
	struct pyi_error *error;
	uint64_t text_addr = 0;

	if (!records)
		return pyi_error_no_memory();
	error = pyi_walk_ranges_find(snapshot, request->heap_bytes, &plan.ranges);
	if (!error)
		error = find_lists(snapshot, runtime, interpreters, &plan);
	if (!error)
		error = pyi_roots_find(runtime, snapshot->reader, interpreters, &plan.roots);
	if (!error)
		error = map_workspace(snapshot, &plan, &space);
	if (!error)
		error = place_text(snapshot, runtime, &text_addr);
	if (!error)
		error = write_arguments(snapshot, runtime, interpreters, &plan, &space, request,
					&result);
	if (!error)
		error = pyi_source_open_memory(snapshot, &reader);
	if (!error)
		error = pyi_source_call(snapshot, text_addr, space.stack_end_addr,
					space.arguments_addr);
	if (!error) {
		struct run run = {
			.snapshot = snapshot,
			.space = &space,
			.request = request,
			.result = &result,
			.reader = reader,
			.records = records,
		};

		error = serve(&run);
		if (!error)
			error = pyi_source_unmap(snapshot, space.addr, space.size_bytes);
		result.arena_bytes = space.size_bytes;
		result.roots_truncated = plan.roots.truncated;
	}
	pyi_memory_reader_destroy(reader);
	if (error) {
		pyi_walk_result_deinit(&result);
		return error;
	}
	*ret_result = result;
	return NULL;
}
