/*
 * Runs the heap walk on an invented heap, in the test's own process, and plays the host: takes
 * messages, and brings the walk back after a fault.
 */
#ifndef PYI_TESTS_INVENTED_CENSUS_H
#define PYI_TESTS_INVENTED_CENSUS_H

#include "heap/walk_run.h"
#include "invented_heap.h"
#include "payloads/walk.h"

struct invented_request {
	/* enum pyi_census_flag */
	uint64_t flags;
	const uint64_t *roots;
	size_t root_count;
	/* 0: room for some; the buffer is exactly that large. */
	size_t records_bytes;
	/* 0: enough. The arena ends where memory that cannot be accessed begins. */
	size_t arena_bytes;
	/* 0: all of the heap's lists. */
	const struct pyi_gc_list *lists;
	size_t list_count;
	/* 0: the heap's one range. */
	const struct pyi_payload_range *ranges;
	size_t range_count;
	/* void *(*)(void *argument), see pyi_payload_arguments; 0: none. */
	uint64_t attach_addr;
	uint64_t attach_argument;
	/* As in pyi_payload_arguments; 0: a whole address space. */
	uint64_t mapped_bytes;
	const struct pyi_type_rule *rules;
	size_t rule_count;
};

struct invented_run {
	enum pyi_payload_status status;
	struct pyi_walk_result result;
	struct pyi_record_object *objects;
	size_t object_count;
	size_t object_capacity;
	size_t record_messages;
	/* Of progress: how many, the last figure, and whether they grew. */
	size_t progress_messages;
	uint64_t last_progress;
	unsigned faults;
};

/*
 * Fails the test if the walk breaks the contract of pyinspect/payload.h with its messages; a fault
 * outside the walk of objects ends the process. To be given back with invented_run_deinit().
 */
void invented_census(const struct invented_heap *heap, const struct invented_request *request,
		     struct invented_run *ret_run);
void invented_run_deinit(struct invented_run *run);

/* The record of a type; a zeroed one if there is none. */
struct pyi_record_type invented_run_find(const struct invented_run *run, uint64_t type_addr);

/* What any walk of an invented heap is given: a census of tracked objects, without roots. */
struct pyi_payload_arguments invented_arguments(const struct invented_heap *heap);
/*
 * Runs a walk, in an arena and with a buffer of the sizes that `arguments` say; brings it back
 * after each fault.
 */
enum pyi_payload_status invented_walk(struct pyi_payload_arguments *arguments,
				      pyi_send_function *send, void *context, unsigned *ret_faults);

/* An arena that suffices for a census of an invented heap of `heap_bytes`. */
size_t invented_arena_bytes(size_t heap_bytes);

#endif
