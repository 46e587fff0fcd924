/*
 * Checks a layout against a live runtime before it is believed. Does not choose one.
 */
#include "python/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "python/heap_pages.h"
#include "python/interpreters.h"

enum {
	LINK_BITS = 3,
	/* A thread in the middle of a change goes on in a moment, or, of a container that has used
	 * up its share of the processors, in some periods of 100 ms. */
	ATTEMPTS = 40,
	PAUSE_MS = 1,
	LONG_PAUSE_MS = 50,
	SHORT_PAUSES = 20,
	WORD_BYTES = 8,
	STATIC_TYPES_DISTANCE = 128,
	/* Py_TPFLAGS_READY: a copy of a type that nobody uses never gets it. */
	FLAG_READY = 1 << 12,
};

static struct pyi_error *mismatch(const struct pyi_runtime *runtime, const char *anchor)
{
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_LAYOUT_MISMATCH,
				 "this build of CPython %s has another layout than those known: %s",
				 runtime->version, anchor),
		"it may be built with Py_TRACE_REFS, or patched by its distributor");
}

static bool type_is_named(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t type_addr, const char *name)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t name_addr;
	uint64_t flags;
	uint64_t meta;
	char text[16];

	return pyi_memory_try_read_u64(reader, type_addr + layout->object_type, &meta) &&
	       meta == runtime->type_type_addr &&
	       pyi_memory_try_read_u64(reader, type_addr + layout->type_flags, &flags) &&
	       (flags & FLAG_READY) &&
	       pyi_memory_try_read_u64(reader, type_addr + layout->type_name, &name_addr) &&
	       pyi_memory_try_read_string(reader, name_addr, text, sizeof(text)) &&
	       strcmp(text, name) == 0;
}

/* What looks at one neighbour of a list head have shown. */
struct side {
	uint32_t there;
	uint32_t back;
	bool linked;
	bool changed;
};

/* One look. The neighbour may be another one by the time that its own link is read. */
static void look_at(struct side *side, struct pyi_memory_reader *reader, uint64_t head)
{
	uint64_t neighbour;
	uint64_t again;
	uint64_t back;

	if (!pyi_memory_try_read_u64(reader, head + side->there, &neighbour))
		return;
	if (pyi_memory_try_read_u64(reader, (neighbour & ~(uint64_t)LINK_BITS) + side->back,
				    &back) &&
	    (back & ~(uint64_t)LINK_BITS) == head)
		side->linked = true;
	else if (pyi_memory_try_read_u64(reader, head + side->there, &again))
		side->changed |= again != neighbour;
}

/* After a look that has failed; `attempt` counts them from 0. */
static void wait_before_next(int attempt)
{
	int pause_ms = attempt < SHORT_PAUSES ? PAUSE_MS : LONG_PAUSE_MS;
	const struct timespec pause = { .tv_nsec = pause_ms * 1000000L };

	nanosleep(&pause, NULL);
}

/*
 * A list head whose neighbours link back. More than one look, for a thread of the live process may
 * have lost the processor in the middle of a change. One that makes objects without end changes one
 * side of the youngest list faster than it can be looked at: then the other side decides. While a
 * collection runs, links hold counts: then they say nothing, at whichever of the looks that is.
 */
static bool is_list_head(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 const struct pyi_interpreters *interpreters, uint64_t head)
{
	const struct pyi_layout *layout = runtime->layout;
	struct side next = { .there = layout->gc_head_next, .back = layout->gc_head_prev };
	struct side previous = { .there = layout->gc_head_prev, .back = layout->gc_head_next };

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (pyi_interpreters_collecting(runtime, reader, interpreters))
			return true;
		look_at(&next, reader, head);
		look_at(&previous, reader, head);
		if ((next.linked && (previous.linked || previous.changed)) ||
		    (next.changed && previous.linked))
			return true;
		if (pyi_interpreters_collecting(runtime, reader, interpreters))
			return true;
		wait_before_next(attempt);
	}
	return false;
}

/* A static type of the interpreter's own knows its number in the table, from 1. */
static bool is_static_type(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t state, uint64_t number)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t type;
	uint64_t meta;
	uint64_t found;

	return pyi_memory_try_read_u64(reader, state + layout->static_type_type, &type) &&
	       pyi_memory_try_read_u64(reader, type + layout->object_type, &meta) &&
	       meta == runtime->type_type_addr &&
	       pyi_memory_try_read_u64(reader, type + layout->type_subclasses, &found) &&
	       found == number;
}

struct pyi_error *pyi_runtime_find_static_types(struct pyi_runtime *runtime,
						struct pyi_memory_reader *reader)
{
	const struct pyi_layout *layout = runtime->layout;
	struct pyi_interpreters interpreters;
	struct pyi_error *error;
	uint64_t expected;
	uint64_t type;

	if (!(layout->features & PYI_FEATURE_STATIC_TYPE_STATE))
		return NULL;
	error = pyi_interpreters_list(runtime, reader, &interpreters);
	if (error)
		return error;
	/* The last one is the main interpreter. */
	expected = interpreters.addr[interpreters.count - 1] + layout->interp_static_types;
	for (int64_t distance = 0; distance <= STATIC_TYPES_DISTANCE; distance += WORD_BYTES) {
		for (int sign = -1; sign <= 1; sign += 2) {
			uint64_t state = expected + (uint64_t)(sign * distance);

			if (!is_static_type(runtime, reader, state, 1) ||
			    !is_static_type(runtime, reader, state + layout->static_type_size, 2))
				continue;
			runtime->static_types_shift = sign * distance;
			return NULL;
		}
	}
	/* Of an interpreter that ends, the table is empty. */
	if (pyi_memory_try_read_u64(reader, expected + layout->static_type_type, &type) && !type)
		return NULL;
	return mismatch(runtime, "static types are not in their table");
}

/* As many looks as a list gets: threads of the live process move their pages all the time. */
static struct pyi_error *check_pages(const struct pyi_runtime *runtime,
				     struct pyi_memory_reader *reader,
				     const struct pyi_interpreters *interpreters)
{
	bool sound = false;

	for (int attempt = 0; attempt < ATTEMPTS && !sound; attempt++) {
		struct pyi_gc_list *pages;
		size_t count;
		struct pyi_error *error =
			pyi_heap_pages_find(runtime, reader, interpreters, &pages, &count);

		if (error)
			return error;
		sound = count > 0;
		for (size_t p = 0; p < count && sound; p++)
			sound = !pyi_heap_pages_is_broken(&pages[p]);
		free(pages);
		if (!sound)
			wait_before_next(attempt);
	}
	return sound ? NULL : mismatch(runtime, "pages of objects are not linked to their heaps");
}

struct pyi_error *pyi_runtime_check_anchors(const struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader)
{
	const struct pyi_layout *layout = runtime->layout;
	struct pyi_interpreters interpreters;
	struct pyi_gc_list *lists;
	struct pyi_error *error;
	bool lists_agree = true;
	size_t list_count;

	if (!type_is_named(runtime, reader, runtime->type_type_addr, "type") ||
	    !type_is_named(runtime, reader, runtime->dict_type_addr, "dict") ||
	    !type_is_named(runtime, reader, runtime->str_type_addr,
			   layout->features & PYI_FEATURE_BYTES_NAMES ? "unicode" : "str"))
		return mismatch(runtime, "types are not where they should be");
	error = pyi_interpreters_list(runtime, reader, &interpreters);
	if (error)
		return error;
	for (size_t i = 0; i < interpreters.count; i++) {
		uint64_t interpreter = interpreters.addr[i];
		uint64_t thread;
		uint64_t owner;
		uint64_t modules;
		uint64_t type;

		if (!pyi_memory_try_read_u64(reader, interpreter + layout->interp_threads_head,
					     &thread) ||
		    (thread &&
		     (!pyi_memory_try_read_u64(reader, thread + layout->thread_interp, &owner) ||
		      owner != interpreter)))
			return mismatch(runtime, "threads do not belong to their interpreter");
		if (!pyi_memory_try_read_u64(reader, interpreter + layout->interp_modules,
					     &modules) ||
		    (modules &&
		     (!pyi_memory_try_read_u64(reader, modules + layout->object_type, &type) ||
		      type != runtime->dict_type_addr)))
			return mismatch(runtime, "sys.modules is no dict");
	}
	if (pyi_heap_pages_are_used(runtime))
		return check_pages(runtime, reader, &interpreters);
	error = pyi_interpreters_gc_lists(runtime, reader, &interpreters, &lists, &list_count);
	if (error)
		return error;
	for (size_t i = 0; i < list_count && lists_agree; i++)
		lists_agree = is_list_head(runtime, reader, &interpreters, lists[i].head_addr);
	free(lists);
	return lists_agree ? NULL : mismatch(runtime, "the collector's lists do not link back");
}
