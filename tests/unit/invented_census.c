/*
 * The host's half of a walk: arguments, messages, faults. Does not judge the results.
 */
#include "invented_census.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum {
	RECORDS_BYTES = 8192,
	/* Directory, types, two chunks. */
	FIXED_ARENA_BYTES = 64 << 20,
	FAULT_LIMIT = 1000000,
	SIGNAL_STACK_BYTES = 1 << 17,
};

/* What the signal handler knows. */
static struct pyi_payload_arguments *volatile running;
static volatile unsigned faults;

struct context {
	const struct pyi_payload_arguments *arguments;
	struct invented_run *run;
	struct pyi_walk_request request;
	unsigned done_messages;
	uint64_t done_status;
};

size_t invented_arena_bytes(size_t heap_bytes)
{
	return FIXED_ARENA_BYTES + heap_bytes / 5;
}

static void handle_fault(int signal)
{
	struct pyi_payload_arguments *arguments = running;

	/* Not the walk's, or before the walk can be brought back: die of it. */
	if (!arguments || !arguments->mark[0] || ++faults > FAULT_LIMIT) {
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
		return;
	}
	pyi_payload_recover(arguments);
}

static void take_object(void *argument, const struct pyi_record_object *record)
{
	struct invented_run *run = argument;

	if (run->object_count == run->object_capacity) {
		run->object_capacity = run->object_capacity ? 2 * run->object_capacity : 256;
		run->objects = realloc(run->objects, run->object_capacity * sizeof(*run->objects));
		assert_non_null(run->objects);
	}
	run->objects[run->object_count++] = *record;
}

static uint64_t take_message(void *argument, uint64_t number, uint64_t first, uint64_t second)
{
	struct context *context = argument;
	struct invented_run *run = context->run;
	struct pyi_error *error;

	/* Nothing after the end. */
	assert_int_equal(context->done_messages, 0);
	switch (number) {
	case PYI_MESSAGE_RECORDS:
		assert_true(first == context->arguments->records_addr);
		assert_true(second && second <= context->arguments->records_bytes);
		/* The summary comes last. */
		assert_int_equal(run->result.summary.kind, 0);
		run->record_messages++;
		error = pyi_walk_decode((const uint8_t *)(uintptr_t)first, (size_t)second,
					&context->request, &run->result);
		if (error)
			fail_msg("%s", error->message);
		break;
	case PYI_MESSAGE_PROGRESS:
		run->progress_messages++;
		assert_true(first > run->last_progress);
		run->last_progress = first;
		break;
	case PYI_MESSAGE_DONE:
		context->done_messages++;
		context->done_status = first;
		break;
	default:
		fail_msg("a message 0x%llx", (unsigned long long)number);
	}
	return 0;
}

/* Zeroed memory of which the last byte stands before a page that cannot be accessed. */
static uint8_t *create_arena(size_t size_bytes, size_t *ret_mapped_bytes)
{
	size_t room =
		(size_bytes + INVENTED_PAGE_BYTES - 1) / INVENTED_PAGE_BYTES * INVENTED_PAGE_BYTES;
	uint8_t *bytes = mmap(NULL, room + INVENTED_PAGE_BYTES, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(bytes != MAP_FAILED);
	if (room)
		assert_int_equal(mprotect(bytes, room, PROT_READ | PROT_WRITE), 0);
	*ret_mapped_bytes = room + INVENTED_PAGE_BYTES;
	return bytes;
}

static enum pyi_payload_status walk_guarded(struct pyi_payload_arguments *arguments,
					    pyi_send_function *send, void *context)
{
	static uint8_t stack[SIGNAL_STACK_BYTES];
	const stack_t own_stack = { .ss_sp = stack, .ss_size = sizeof(stack) };
	/* The handler is left by a jump: the signal must not stay blocked. */
	struct sigaction action = { .sa_handler = handle_fault,
				    .sa_flags = SA_ONSTACK | SA_NODEFER };
	struct sigaction before[2];
	enum pyi_payload_status status;
	stack_t stack_before;

	assert_int_equal(sigaltstack(&own_stack, &stack_before), 0);
	sigaction(SIGSEGV, &action, &before[0]);
	sigaction(SIGBUS, &action, &before[1]);
	faults = 0;
	running = arguments;
	status = pyi_walk_do(arguments, send, context);
	running = NULL;
	sigaction(SIGSEGV, &before[0], NULL);
	sigaction(SIGBUS, &before[1], NULL);
	sigaltstack(&stack_before, NULL);
	return status;
}

struct pyi_payload_arguments invented_arguments(const struct invented_heap *heap)
{
	struct pyi_payload_arguments arguments = {
		.abi = PYI_PAYLOAD_ABI,
		.size_bytes = sizeof(arguments),
		.arena_bytes = invented_arena_bytes(
			(size_t)(heap->range.end_addr - heap->range.start_addr)),
		.records_bytes = RECORDS_BYTES,
		.ranges_addr = (uintptr_t)&heap->range,
		.range_count = 1,
		.lists_addr = (uintptr_t)heap->lists,
		.list_count = INVENTED_LISTS,
		.mapped_bytes = (UINT64_C(1) << 47) - 1,
		.layout = heap->layout,
	};

	memcpy(arguments.known_types, heap->known_types, sizeof(heap->known_types));
	return arguments;
}

enum pyi_payload_status invented_walk(struct pyi_payload_arguments *arguments,
				      pyi_send_function *send, void *context, unsigned *ret_faults)
{
	size_t mapped_bytes;
	uint8_t *records = malloc(arguments->records_bytes);
	uint8_t *arena = create_arena(arguments->arena_bytes, &mapped_bytes);
	enum pyi_payload_status status;

	assert_non_null(records);
	arguments->arena_addr =
		(uintptr_t)arena + mapped_bytes - INVENTED_PAGE_BYTES - arguments->arena_bytes;
	arguments->records_addr = (uintptr_t)records;
	status = walk_guarded(arguments, send, context);
	*ret_faults = faults;
	munmap(arena, mapped_bytes);
	free(records);
	return status;
}

void invented_census(const struct invented_heap *heap, const struct invented_request *request,
		     struct invented_run *ret_run)
{
	struct pyi_payload_root *roots = calloc(request->root_count + 1, sizeof(*roots));
	struct pyi_payload_arguments arguments = invented_arguments(heap);
	struct context context = {
		.arguments = &arguments,
		.run = ret_run,
		.request = { .object = take_object, .object_argument = ret_run },
	};

	assert_non_null(roots);
	for (size_t r = 0; r < request->root_count; r++)
		roots[r].object_addr = request->roots[r];
	if (request->arena_bytes)
		arguments.arena_bytes = request->arena_bytes;
	if (request->records_bytes)
		arguments.records_bytes = request->records_bytes;
	if (request->ranges) {
		arguments.ranges_addr = (uintptr_t)request->ranges;
		arguments.range_count = request->range_count;
	}
	if (request->lists) {
		arguments.lists_addr = (uintptr_t)request->lists;
		arguments.list_count = request->list_count;
	}
	arguments.roots_addr = (uintptr_t)roots;
	arguments.root_count = request->root_count;
	arguments.attach_addr = request->attach_addr;
	arguments.attach_argument = request->attach_argument;
	arguments.flags = request->flags;
	if (request->mapped_bytes)
		arguments.mapped_bytes = request->mapped_bytes;
	if (request->rule_count)
		memcpy(arguments.rules, request->rules,
		       request->rule_count * sizeof(arguments.rules[0]));
	*ret_run = (struct invented_run){ 0 };
	ret_run->status = invented_walk(&arguments, take_message, &context, &ret_run->faults);
	free(roots);

	assert_int_equal(context.done_messages, 1);
	assert_int_equal(context.done_status, ret_run->status);
	/* Complete and agreeing with itself, or not there at all. */
	assert_int_equal(ret_run->result.summary.kind,
			 ret_run->status == PYI_PAYLOAD_OK ? PYI_RECORD_SUMMARY : 0);
	if (ret_run->status == PYI_PAYLOAD_OK) {
		uint64_t objects = 0;
		uint64_t bytes = 0;

		for (size_t i = 0; i < ret_run->result.type_count; i++) {
			objects += ret_run->result.types[i].count;
			bytes += ret_run->result.types[i].bytes;
		}
		assert_true(objects == ret_run->result.summary.objects);
		assert_true(bytes == ret_run->result.summary.bytes);
		if (request->flags & PYI_CENSUS_OBJECTS)
			assert_int_equal(ret_run->object_count, objects);
	}
}

void invented_run_deinit(struct invented_run *run)
{
	pyi_walk_result_deinit(&run->result);
	free(run->objects);
	*run = (struct invented_run){ 0 };
}

struct pyi_record_type invented_run_find(const struct invented_run *run, uint64_t type_addr)
{
	for (size_t i = 0; i < run->result.type_count; i++)
		if (run->result.types[i].type_addr == type_addr)
			return run->result.types[i];
	return (struct pyi_record_type){ 0 };
}
