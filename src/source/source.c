/*
 * Asks the broker, and takes what it answers for what it is. Does nothing with rights.
 */
#include "source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/channel.h"

/* Bytes in one request to write; a larger array takes several. */
enum { WRITE_BYTES = 1 << 20 };

static PYI_NEVER_NULL struct pyi_error *broker_lost(void)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BROKER_LOST,
				"the part of pyinspect that has the rights has ended");
}

static struct pyi_error *take_error(struct pyi_wire_error *wire)
{
	struct pyi_error *error;

	if (wire->exit == PYI_EXIT_OK)
		return NULL;
	wire->message[sizeof(wire->message) - 1] = '\0';
	wire->hint[sizeof(wire->hint) - 1] = '\0';
	if (wire->code >= PYI_ERROR_CODE_COUNT || wire->exit < 0 ||
	    wire->exit > PYI_EXIT_NOT_RESTORED)
		return broker_lost();
	error = pyi_error_create((enum pyi_exit)wire->exit, (enum pyi_error_code)wire->code, "%s",
				 wire->message);
	return wire->hint[0] ? pyi_error_hint(error, "%s", wire->hint) : error;
}

/* What is said to a request. What the caller does not take of it is closed and freed. */
static struct pyi_error *take_reply(int channel_fd, struct pyi_reply *ret_reply, void **ret_data,
				    int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_free) char *answer = NULL;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error;

	if (!pyi_channel_receive(channel_fd, ret_reply, sizeof(*ret_reply), &fd) ||
	    ret_reply->data_bytes > PYI_DATA_LIMIT || ret_reply->has_fd != (uint32_t)(fd >= 0))
		return broker_lost();
	if (ret_reply->data_bytes) {
		answer = malloc((size_t)ret_reply->data_bytes + 1);
		if (!answer)
			return pyi_error_no_memory();
		if (!pyi_channel_receive_data(channel_fd, answer, ret_reply->data_bytes))
			return broker_lost();
		answer[ret_reply->data_bytes] = '\0';
	}
	error = take_error(&ret_reply->error);
	if (error)
		return error;
	if (ret_fd) {
		*ret_fd = fd;
		fd = -1;
	}
	if (ret_data)
		*ret_data = pyi_return_ptr(answer);
	return NULL;
}

/* One request. */
static struct pyi_error *ask(int channel_fd, struct pyi_request *request, const void *data,
			     size_t data_bytes, struct pyi_reply *ret_reply, void **ret_data,
			     int *ret_fd)
{
	*ret_reply = (struct pyi_reply){ 0 };
	request->data_bytes = (uint32_t)data_bytes;
	if (!pyi_channel_send(channel_fd, request, sizeof(*request), data, data_bytes, -1))
		return broker_lost();
	return take_reply(channel_fd, ret_reply, ret_data, ret_fd);
}

/* A request about the snapshot or the target that has no data, and whose cost is kept. */
static struct pyi_error *ask_simply(struct pyi_source *source, struct pyi_request *request,
				    struct pyi_reply *ret_reply)
{
	struct pyi_error *error = ask(source->channel_fd, request, NULL, 0, ret_reply, NULL, NULL);

	if (!error || error->code != PYI_ERROR_BROKER_LOST)
		source->cost = ret_reply->cost;
	return error;
}

/* A request that without an error must bring a descriptor. */
static struct pyi_error *ask_for_descriptor(int channel_fd, struct pyi_request *request,
					    const void *data, size_t data_bytes, int *ret_fd)
{
	struct pyi_reply reply;
	struct pyi_error *error;
	int fd = -1;

	error = ask(channel_fd, request, data, data_bytes, &reply, NULL, &fd);
	if (!error && fd < 0)
		return broker_lost();
	if (!error)
		*ret_fd = fd;
	return error;
}

static struct pyi_error *ask_for_file(int channel_fd, enum pyi_wire_file file, int *ret_fd)
{
	struct pyi_request request = { .kind = PYI_REQUEST_FILE, .file.file = file };

	return ask_for_descriptor(channel_fd, &request, NULL, 0, ret_fd);
}

static struct pyi_error *open_file(void *argument, const char *path, int *ret_fd)
{
	static const struct {
		const char *path;
		enum pyi_wire_file file;
	} files[] = {
		{ "stat", PYI_FILE_STAT },	     { "status", PYI_FILE_STATUS },
		{ "maps", PYI_FILE_MAPS },	     { "mem", PYI_FILE_MEMORY },
		{ "environ", PYI_FILE_ENVIRONMENT },
	};
	const struct pyi_source *source = argument;

	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++)
		if (strcmp(files[f].path, path) == 0)
			return ask_for_file(source->channel_fd, files[f].file, ret_fd);
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PROC_UNREADABLE,
				"/proc/%d/%s is none of the files that are asked for",
				source->process.pid, path);
}

static struct pyi_error *open_snapshot_file(void *argument, const char *path, int *ret_fd)
{
	const struct pyi_source *source = argument;

	return ask_for_file(source->channel_fd,
			    strcmp(path, "maps") == 0 ? PYI_FILE_SNAPSHOT_MAPS
						      : PYI_FILE_SNAPSHOT_MEMORY,
			    ret_fd);
}

static struct pyi_error *read_program(void *argument, char **ret_path)
{
	struct pyi_request request = { .kind = PYI_REQUEST_PROGRAM };
	const struct pyi_source *source = argument;
	struct pyi_reply reply;
	void *path = NULL;
	struct pyi_error *error = ask(source->channel_fd, &request, NULL, 0, &reply, &path, NULL);

	if (!error && !path)
		error = broker_lost();
	if (!error)
		*ret_path = path;
	return error;
}

static int open_mapped(void *argument, uint64_t start_addr, uint64_t end_addr, unsigned place)
{
	struct pyi_request request = {
		.kind = PYI_REQUEST_MODULE,
		.module = { start_addr, end_addr, place },
	};
	const struct pyi_source *source = argument;
	struct pyi_reply reply;
	struct pyi_error *error;
	int fd = -1;

	error = ask(source->channel_fd, &request, NULL, 0, &reply, NULL, &fd);
	errno = error || fd < 0 ? (error ? EIO : reply.module.error_number) : 0;
	pyi_error_destroy(error);
	return fd;
}

static struct pyi_error *connect_socket(void *argument, const char *name, bool is_abstract,
					uint64_t deadline_ns, int *ret_fd)
{
	struct pyi_request request = {
		.kind = PYI_REQUEST_CONNECT,
		.connect = { is_abstract, deadline_ns },
	};
	const struct pyi_source *source = argument;

	return ask_for_descriptor(source->channel_fd, &request, name, strlen(name), ret_fd);
}

static const struct pyi_process_door target_door = {
	.open_file = open_file,
	.read_program = read_program,
	.open_mapped = open_mapped,
	.connect = connect_socket,
};

static const struct pyi_process_door snapshot_door = {
	.open_file = open_snapshot_file,
};

const char *pyi_source_name(enum pyi_source_kind source)
{
	switch (source) {
	case PYI_SOURCE_CLONE:
		return "clone";
	case PYI_SOURCE_MIRROR:
		return "mirror";
	default:
		return "auto";
	}
}

struct pyi_error *pyi_source_open(int channel_fd, pid_t pid, struct pyi_source *ret_source)
{
	struct pyi_request request = { .kind = PYI_REQUEST_OPEN, .open.pid = pid };
	struct pyi_reply reply;
	struct pyi_error *error = ask(channel_fd, &request, NULL, 0, &reply, NULL, NULL);

	if (error)
		return error;
	*ret_source = (struct pyi_source){
		.channel_fd = channel_fd,
		.process = {
			.pid = reply.open.pid,
			.proc_fd = -1,
			.start_ticks = reply.open.start_ticks,
			.door = &target_door,
			.door_argument = ret_source,
		},
	};
	return NULL;
}

void pyi_source_close(struct pyi_source *source)
{
	pyi_process_close(&source->process);
}

struct pyi_error *pyi_source_prepare(struct pyi_source *source, enum pyi_source_kind kind,
				     double max_pause_ms)
{
	struct pyi_request request = {
		.kind = PYI_REQUEST_PREPARE,
		.prepare = { kind, max_pause_ms },
	};
	struct pyi_reply reply;
	struct pyi_error *error = ask_simply(source, &request, &reply);

	if (!error)
		source->kind = reply.prepare.source == PYI_SOURCE_MIRROR ? PYI_SOURCE_MIRROR
									 : PYI_SOURCE_CLONE;
	return error;
}

/* What the broker says of the moment of the snapshot. */
static struct pyi_error *describe(struct pyi_source_snapshot *snapshot,
				  const struct pyi_reply *reply, const char *data,
				  struct pyi_source_gate *gate)
{
	size_t values_bytes = gate->count * sizeof(gate->values[0]);
	size_t count = reply->take.thread_count;

	if (count > PYI_DATA_LIMIT / sizeof(struct pyi_wire_thread) ||
	    reply->data_bytes != values_bytes + count * sizeof(struct pyi_wire_thread))
		return broker_lost();
	snapshot->threads = calloc(count + 1, sizeof(*snapshot->threads));
	if (!snapshot->threads)
		return pyi_error_no_memory();
	snapshot->thread_count = count;
	snapshot->pid = reply->take.pid;
	snapshot->stranger = reply->take.stranger;
	snapshot->created_ns = reply->take.created_ns;
	/* No words were asked for, and there is no thread. */
	if (!data)
		return NULL;
	memcpy(gate->values, data, values_bytes);
	for (size_t t = 0; t < count; t++) {
		struct pyi_wire_thread thread;

		memcpy(&thread, data + values_bytes + t * sizeof(thread), sizeof(thread));
		snapshot->threads[t] = (struct pyi_source_thread){
			.namespace_tid = thread.namespace_tid,
			.held = thread.held,
			.moved = thread.moved,
			.thread_pointer = thread.thread_pointer,
			.registers = thread.registers,
		};
	}
	return NULL;
}

/* Of the snapshot; whoever opens its files is the broker. */
static struct pyi_process process_of(const struct pyi_source_snapshot *snapshot)
{
	return (struct pyi_process){
		.pid = snapshot->pid,
		.proc_fd = -1,
		.door = &snapshot_door,
		.door_argument = snapshot->source,
	};
}

static struct pyi_error *open_files(struct pyi_source_snapshot *snapshot)
{
	const struct pyi_process process = process_of(snapshot);
	struct pyi_error *error = pyi_maps_read(&process, &snapshot->maps);

	if (!error)
		error = pyi_memory_reader_open(&process, true, &snapshot->reader);
	return error;
}

struct pyi_error *pyi_source_take(struct pyi_source *source, enum pyi_stop_extent extent,
				  struct pyi_source_gate *gate,
				  struct pyi_source_snapshot **ret_snapshot)
{
	struct pyi_request request = {
		.kind = PYI_REQUEST_TAKE,
		.take = { extent, gate->anyway },
	};
	struct pyi_source_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	PYI_CLEANUP(pyi_guard_free) void *data = NULL;
	struct pyi_reply reply = { 0 };
	struct pyi_error *destroying;
	struct pyi_error *error;

	if (!snapshot)
		return pyi_error_no_memory();
	snapshot->source = source;
	error = ask(source->channel_fd, &request, gate->words, gate->count * sizeof(gate->words[0]),
		    &reply, &data, NULL);
	if (!error || error->code != PYI_ERROR_BROKER_LOST)
		source->cost = reply.cost;
	if (!error && reply.take.taken) {
		error = describe(snapshot, &reply, data, gate);
		if (!error)
			error = pyi_source_confirm(snapshot, open_files(snapshot));
	}
	if (!error && reply.take.taken) {
		*ret_snapshot = snapshot;
		return NULL;
	}
	destroying = pyi_source_destroy(snapshot);
	if (!error) {
		*ret_snapshot = NULL;
		return destroying;
	}
	if (destroying && error->exit != PYI_EXIT_NOT_RESTORED) {
		pyi_error_destroy(error);
		return destroying;
	}
	pyi_error_destroy(destroying);
	return error;
}

struct pyi_error *pyi_source_destroy(struct pyi_source_snapshot *snapshot)
{
	struct pyi_request request = { .kind = PYI_REQUEST_DESTROY };
	struct pyi_error *error;
	struct pyi_reply reply;

	if (!snapshot)
		return NULL;
	error = ask_simply(snapshot->source, &request, &reply);
	pyi_memory_reader_destroy(snapshot->reader);
	pyi_maps_deinit(&snapshot->maps);
	free(snapshot->threads);
	free(snapshot);
	return error;
}

struct pyi_error *pyi_source_confirm(const struct pyi_source_snapshot *snapshot,
				     struct pyi_error *error)
{
	struct pyi_request request = { .kind = PYI_REQUEST_CONFIRM };
	struct pyi_error *lost;
	struct pyi_reply reply;

	if (error && (error->exit == PYI_EXIT_NOT_RESTORED || error->code == PYI_ERROR_BROKER_LOST))
		return error;
	lost = ask_simply(snapshot->source, &request, &reply);
	if (!lost)
		return error;
	pyi_error_destroy(error);
	return lost;
}

struct pyi_error *pyi_source_open_memory(const struct pyi_source_snapshot *snapshot,
					 struct pyi_memory_reader **ret_reader)
{
	const struct pyi_process process = process_of(snapshot);

	return pyi_memory_reader_open(&process, false, ret_reader);
}

struct pyi_error *pyi_source_map(struct pyi_source_snapshot *snapshot, uint64_t size_bytes,
				 uint64_t guard_offset, uint64_t guard_bytes, uint64_t *ret_addr)
{
	struct pyi_request request = {
		.kind = PYI_REQUEST_MAP,
		.map = { size_bytes, guard_offset, guard_bytes },
	};
	struct pyi_reply reply;
	struct pyi_error *error = ask_simply(snapshot->source, &request, &reply);

	if (!error)
		*ret_addr = reply.map.addr;
	return error;
}

struct pyi_error *pyi_source_unmap(struct pyi_source_snapshot *snapshot, uint64_t addr,
				   uint64_t size_bytes)
{
	struct pyi_request request = {
		.kind = PYI_REQUEST_UNMAP,
		.unmap = { addr, size_bytes },
	};
	struct pyi_reply reply;

	return ask_simply(snapshot->source, &request, &reply);
}

struct pyi_error *pyi_source_write(struct pyi_source_snapshot *snapshot, uint64_t addr,
				   const void *bytes, size_t size_bytes)
{
	const char *at = bytes;

	while (size_bytes) {
		size_t step = size_bytes < WRITE_BYTES ? size_bytes : WRITE_BYTES;
		struct pyi_request request = { .kind = PYI_REQUEST_WRITE, .write.addr = addr };
		struct pyi_reply reply;
		struct pyi_error *error =
			ask(snapshot->source->channel_fd, &request, at, step, &reply, NULL, NULL);

		if (error)
			return error;
		addr += step;
		at += step;
		size_bytes -= step;
	}
	return NULL;
}

struct pyi_error *pyi_source_pages(const struct pyi_source_snapshot *snapshot,
				   const struct pyi_wire_range *ranges, size_t count,
				   struct pyi_wire_range **ret_runs, size_t *ret_count)
{
	struct pyi_request request = { .kind = PYI_REQUEST_PAGES };
	PYI_CLEANUP(pyi_guard_free) struct pyi_wire_range *runs = NULL;
	struct pyi_reply reply = { 0 };
	struct pyi_error *error;
	void *data = NULL;
	size_t run_count;

	if (count > PYI_DATA_LIMIT / sizeof(*ranges))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
					"the memory of process %d is in too many pieces: %zu",
					snapshot->source->process.pid, count);
	error = ask(snapshot->source->channel_fd, &request, ranges, count * sizeof(*ranges), &reply,
		    &data, NULL);
	if (error)
		return error;
	/* None is not the same as no answer. */
	runs = data ? data : calloc(1, sizeof(*runs));
	if (!runs)
		return pyi_error_no_memory();
	run_count = reply.data_bytes / sizeof(*runs);
	if (reply.data_bytes % sizeof(*runs))
		return broker_lost();
	for (size_t r = 0; r < run_count; r++)
		if (runs[r].start_addr >= runs[r].end_addr ||
		    (r && runs[r].start_addr < runs[r - 1].end_addr))
			return broker_lost();
	*ret_count = run_count;
	*ret_runs = pyi_return_ptr(runs);
	return NULL;
}

struct pyi_error *pyi_source_become_thread(struct pyi_source_snapshot *snapshot,
					   uint64_t pthread_id)
{
	struct pyi_request request = {
		.kind = PYI_REQUEST_BECOME,
		.become.pthread_id = pthread_id,
	};
	struct pyi_reply reply;

	return ask_simply(snapshot->source, &request, &reply);
}

struct pyi_error *pyi_source_call(struct pyi_source_snapshot *snapshot, uint64_t pc,
				  uint64_t stack_end_addr, uint64_t argument)
{
	struct pyi_request request = {
		.kind = PYI_REQUEST_CALL,
		.call = { pc, stack_end_addr, argument },
	};
	struct pyi_reply reply;

	return ask_simply(snapshot->source, &request, &reply);
}

struct pyi_error *pyi_source_run(struct pyi_source_snapshot *snapshot, const uint64_t *reply,
				 uint64_t deadline_ns, const struct pyi_source_meanwhile *meanwhile,
				 struct pyi_snapshot_event *ret_event)
{
	struct pyi_source *source = snapshot->source;
	struct pyi_error *error;
	struct pyi_error *done;
	struct pyi_request request = {
		.kind = PYI_REQUEST_RUN,
		.run = { reply != NULL, reply ? *reply : 0, deadline_ns },
	};
	struct pyi_reply answer;

	if (!pyi_channel_send(source->channel_fd, &request, sizeof(request), NULL, 0, -1))
		return broker_lost();
	done = meanwhile ? meanwhile->work(meanwhile->argument) : NULL;
	/* Whatever came of it: the next request must not get this reply. */
	error = take_reply(source->channel_fd, &answer, NULL, NULL);
	if (!error || error->code != PYI_ERROR_BROKER_LOST)
		source->cost = answer.cost;
	if (done) {
		pyi_error_destroy(error);
		return done;
	}
	if (error)
		return error;
	*ret_event = (struct pyi_snapshot_event){
		.kind = (enum pyi_snapshot_event_kind)answer.run.event,
		.number = answer.run.number,
		.signal = answer.run.signal,
		.pc = answer.run.pc,
	};
	memcpy(ret_event->arguments, answer.run.arguments, sizeof(ret_event->arguments));
	return NULL;
}

static bool is_whole(const struct pyi_residue *residue)
{
	if (residue->count > PYI_RESIDUE_LIMIT)
		return false;
	for (size_t i = 0; i < residue->count; i++) {
		uint8_t certain;

		memcpy(&certain, &residue->items[i].certain, sizeof(certain));
		if (certain > 1 ||
		    !memchr(residue->items[i].code, '\0', sizeof(residue->items[i].code)) ||
		    !memchr(residue->items[i].message, '\0', sizeof(residue->items[i].message)))
			return false;
	}
	return true;
}

struct pyi_error *pyi_source_residue(struct pyi_source *source, struct pyi_residue *ret_residue,
				     bool *ret_known)
{
	struct pyi_request request = { .kind = PYI_REQUEST_RESIDUE };
	struct pyi_reply reply = { 0 };
	struct pyi_error *error = ask_simply(source, &request, &reply);

	if (!is_whole(&reply.residue.residue)) {
		pyi_error_destroy(error);
		error = broker_lost();
	}
	if (error && error->code == PYI_ERROR_BROKER_LOST)
		return error;
	*ret_known = reply.residue.known;
	*ret_residue = reply.residue.residue;
	return error;
}
