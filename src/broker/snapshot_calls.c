/*
 * What a worker asks of a snapshot. How the snapshot came about is nothing to it.
 */
#include "broker/snapshot_calls.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/clock.h"

void pyi_snapshot_calls_begin(struct pyi_snapshot_calls *calls, struct pyi_snapshot *snapshot)
{
	calls->snapshot = snapshot;
	calls->allowance->mapped_bytes = 0;
	calls->mapped_size_bytes = 0;
}

void pyi_snapshot_calls_describe_threads(const struct pyi_snapshot *snapshot,
					 struct pyi_wire_thread *threads)
{
	for (size_t t = 0; t < snapshot->thread_count; t++)
		threads[t] = (struct pyi_wire_thread){
			.namespace_tid = snapshot->threads[t].namespace_tid,
			.held = snapshot->threads[t].held,
			.moved = snapshot->threads[t].moved,
			.thread_pointer = snapshot->threads[t].thread_pointer,
			.registers = snapshot->threads[t].registers,
		};
}

static struct pyi_error *no_memory_in_snapshot(int64_t result, uint64_t size_bytes)
{
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_MEMORY_IN_SNAPSHOT,
				      (int)-result, "cannot map %llu MB in the snapshot",
				      (unsigned long long)size_bytes >> 20);
}

static struct pyi_error *map(struct pyi_snapshot_calls *calls, const struct pyi_request *request,
			     struct pyi_reply *reply)
{
	uint64_t size_bytes = request->map.size_bytes;
	const uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = {
		0,
		size_bytes,
		PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		UINT64_MAX,
		0,
	};
	uint64_t guard[PYI_SYSCALL_ARGUMENTS] = { 0, request->map.guard_bytes, PROT_NONE };
	struct pyi_error *error;
	int64_t result;

	if (!pyi_allowance_take_addresses(calls->allowance, calls->heap_bytes, size_bytes))
		return no_memory_in_snapshot(-ENOMEM, size_bytes);
	error = pyi_snapshot_syscall(calls->snapshot, SYS_mmap, arguments, &result);
	if (error || result < 0)
		calls->allowance->mapped_bytes -= size_bytes;
	if (error)
		return error;
	if (result < 0)
		return no_memory_in_snapshot(result, size_bytes);
	reply->map.addr = (uint64_t)result;
	calls->mapped_addr = (uint64_t)result;
	calls->mapped_size_bytes = size_bytes;
	if (!request->map.guard_bytes)
		return NULL;
	guard[0] = (uint64_t)result + request->map.guard_offset;
	error = pyi_snapshot_syscall(calls->snapshot, SYS_mprotect, guard, &result);
	if (!error && result != 0)
		error = no_memory_in_snapshot(result, size_bytes);
	return error;
}

static struct pyi_error *unmap(struct pyi_snapshot_calls *calls, const struct pyi_request *request)
{
	const uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = { request->unmap.addr,
							    request->unmap.size_bytes };
	int64_t result;
	struct pyi_error *error =
		pyi_snapshot_syscall(calls->snapshot, SYS_munmap, arguments, &result);

	if (!error && result != 0)
		error = pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
					       (int)-result, "cannot unmap the payload's memory");
	/* Whoever unmaps what was not mapped for it has no more room for that. */
	if (!error && request->unmap.addr == calls->mapped_addr &&
	    request->unmap.size_bytes == calls->mapped_size_bytes) {
		calls->allowance->mapped_bytes -= calls->mapped_size_bytes;
		calls->mapped_size_bytes = 0;
	}
	return error;
}

static struct pyi_error *run(struct pyi_snapshot_calls *calls, const struct pyi_request *request,
			     struct pyi_reply *reply)
{
	struct pyi_snapshot_event event;
	struct pyi_error *error = NULL;

	if (request->run.reply)
		error = pyi_snapshot_reply(calls->snapshot, request->run.value);
	if (!error)
		error = pyi_snapshot_resume(calls->snapshot, request->run.deadline_ns, &event);
	if (error)
		return error;
	reply->run.event = event.kind;
	reply->run.signal = event.signal;
	reply->run.number = event.number;
	reply->run.pc = event.pc;
	memcpy(reply->run.arguments, event.arguments, sizeof(event.arguments));
	return NULL;
}

bool pyi_snapshot_calls_are_right(const struct pyi_snapshot_calls *calls,
				  const struct pyi_request *request)
{
	uint32_t data_bytes = request->data_bytes;

	if (!calls->snapshot)
		return false;
	switch (request->kind) {
	case PYI_REQUEST_MAP:
		return !data_bytes && request->map.size_bytes &&
		       request->map.size_bytes >> PYI_MAP_LIMIT_SHIFT == 0 &&
		       request->map.guard_offset <= request->map.size_bytes &&
		       request->map.guard_bytes <=
			       request->map.size_bytes - request->map.guard_offset;
	case PYI_REQUEST_WRITE:
		return data_bytes;
	case PYI_REQUEST_PAGES:
		return data_bytes % sizeof(struct pyi_wire_range) == 0;
	case PYI_REQUEST_UNMAP:
	case PYI_REQUEST_BECOME:
	case PYI_REQUEST_CALL:
	case PYI_REQUEST_CONFIRM:
		return !data_bytes;
	case PYI_REQUEST_RUN:
		return !data_bytes && request->run.reply <= 1;
	default:
		return false;
	}
}

struct pyi_error *pyi_snapshot_calls_serve(struct pyi_snapshot_calls *calls,
					   const struct pyi_request *request, const void *data,
					   struct pyi_reply *reply)
{
	switch (request->kind) {
	case PYI_REQUEST_MAP:
		return map(calls, request, reply);
	case PYI_REQUEST_UNMAP:
		return unmap(calls, request);
	case PYI_REQUEST_WRITE:
		return pyi_snapshot_write(calls->snapshot, request->write.addr, data,
					  request->data_bytes);
	case PYI_REQUEST_BECOME:
		return pyi_snapshot_become_thread(calls->snapshot, request->become.pthread_id);
	case PYI_REQUEST_CALL:
		return pyi_snapshot_call(calls->snapshot, request->call.pc,
					 request->call.stack_end_addr, request->call.argument);
	case PYI_REQUEST_RUN:
		return run(calls, request, reply);
	default:
		return pyi_snapshot_confirm(calls->snapshot, NULL);
	}
}
