/*
 * Answers requests, one after the other. Does none of the work itself.
 */
#include "broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/allowance.h"
#include "broker/bus_socket.h"
#include "broker/channel.h"
#include "broker/errand.h"
#include "broker/protocol.h"
#include "broker/snapshot_calls.h"
#include "broker/used_ranges.h"
#include "process/access.h"
#include "process/mapped_file.h"
#include "process/program.h"
#include "snapshot/snapshot.h"

/* For a file system to open a file. */
enum { FILE_LIMIT_MS = 1000 };

struct broker {
	int channel_fd;
	/* The one process that this is about; 0: none yet. */
	pid_t bound_pid;
	uint64_t bound_start_ticks;
	struct pyi_process process;
	/* Of process/program.h: the program that it ran when it was first prepared for. */
	int program_fd;
	bool prepared;
	struct pyi_snapshot_target target;
	/* What it was before anything was done to it. */
	struct pyi_residue_state before;
	/* And the snapshot there is. */
	struct pyi_snapshot_calls calls;
	/* But for what the present target has cost. */
	struct pyi_allowance allowance;
	/* It could not be put back as it was; and that is still so when it is forgotten. */
	bool not_restored;
	bool owes;
	/* Opens what the target has mapped; of this target. */
	struct pyi_errand_child opener;
	/* A file system did not answer in time. */
	bool file_was_late;
};

/* The reply to one request, while it is put together. */
struct answer {
	struct pyi_reply reply;
	void *data;
	int fd;
};

static void deinit_answer(struct answer *answer)
{
	free(answer->data);
	if (answer->fd >= 0)
		close(answer->fd);
}

static struct pyi_error *no_such_process(pid_t pid)
{
	return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS, "process %d has exited",
				pid);
}

/* What it was before, and which program. */
static void forget_past(struct broker *broker)
{
	pyi_residue_state_deinit(&broker->before);
	broker->before = (struct pyi_residue_state){ 0 };
	if (broker->program_fd >= 0)
		close(broker->program_fd);
	broker->program_fd = -1;
}

/* With what the target has cost since it was opened. */
static struct pyi_allowance spent(const struct broker *broker)
{
	struct pyi_allowance allowance = broker->allowance;

	allowance.stop_count += broker->target.stop_count;
	allowance.paused_ms += broker->target.paused_ms;
	return allowance;
}

/* Everything about a target but what it is bound to, and whether something is owed to it. */
static struct pyi_error *forget(struct broker *broker)
{
	struct pyi_error *error = pyi_snapshot_destroy(pyi_return_ptr(broker->calls.snapshot));

	broker->not_restored |= error && error->exit == PYI_EXIT_NOT_RESTORED;
	/* Nothing is owed to a process that has ended, or to another program. */
	broker->owes |= broker->not_restored && pyi_process_is_alive(&broker->process) &&
			!pyi_program_was_left(broker->program_fd);
	broker->not_restored = false;
	broker->allowance = spent(broker);
	pyi_errand_end(&broker->opener);
	forget_past(broker);
	broker->target = (struct pyi_snapshot_target){ 0 };
	broker->prepared = false;
	pyi_process_close(&broker->process);
	return error;
}

static struct pyi_error *open_target(struct broker *broker, const struct pyi_request *request,
				     struct answer *answer)
{
	struct pyi_error *error = forget(broker);

	if (!error && broker->bound_pid && request->open.pid != broker->bound_pid)
		error = pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION,
					 "this run is about process %d only", broker->bound_pid);
	if (!error)
		error = pyi_process_open(request->open.pid, &broker->process);
	if (!error && broker->bound_pid &&
	    broker->process.start_ticks != broker->bound_start_ticks) {
		pyi_process_close(&broker->process);
		error = no_such_process(request->open.pid);
	}
	if (error)
		return error;
	broker->bound_pid = broker->process.pid;
	broker->bound_start_ticks = broker->process.start_ticks;
	answer->reply.open.pid = broker->process.pid;
	answer->reply.open.start_ticks = broker->process.start_ticks;
	return NULL;
}

/* Maps can be seen by some who may not read the memory: then the cause is said. */
static struct pyi_error *explain(const struct broker *broker, struct pyi_error *error)
{
	if (!error || error->code != PYI_ERROR_NO_PERMISSION)
		return error;
	pyi_error_destroy(error);
	return pyi_access_explain(&broker->process, EACCES);
}

static struct pyi_error *open_file(struct broker *broker, const struct pyi_request *request,
				   struct answer *answer)
{
	static const char *const paths[PYI_FILE_COUNT] = {
		[PYI_FILE_STAT] = "stat",	    [PYI_FILE_STATUS] = "status",
		[PYI_FILE_MAPS] = "maps",	    [PYI_FILE_MEMORY] = "mem",
		[PYI_FILE_ENVIRONMENT] = "environ", [PYI_FILE_SNAPSHOT_MAPS] = "maps",
		[PYI_FILE_SNAPSHOT_MEMORY] = "mem",
	};
	bool of_snapshot = request->file.file == PYI_FILE_SNAPSHOT_MAPS ||
			   request->file.file == PYI_FILE_SNAPSHOT_MEMORY;
	const struct pyi_process *process = &broker->process;

	if (of_snapshot && !broker->calls.snapshot)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST,
					"there is no snapshot");
	if (of_snapshot)
		process = &broker->calls.snapshot->process;
	return explain(broker, pyi_process_open_file(process, paths[request->file.file], O_RDONLY,
						     &answer->fd));
}

static struct pyi_error *read_program(struct broker *broker, const struct pyi_request *request,
				      struct answer *answer)
{
	char *path;
	struct pyi_error *error = pyi_process_read_exe(&broker->process, &path);

	(void)request;
	if (error)
		return error;
	answer->data = path;
	answer->reply.data_bytes = (uint32_t)strlen(path);
	return NULL;
}

/* A file that the target has mapped, and where: as in a request. */
struct module {
	uint64_t start_addr;
	uint64_t end_addr;
	uint32_t place;
};

/* In a child: whose file system it is may be the target's affair. A worker says which mapping;
   where that leads, the kernel says. */
static int open_mapped(void *argument, const void *question, void *ret_outcome)
{
	const struct pyi_process *process = argument;
	const struct module *module = question;
	const struct pyi_map range = {
		.start_addr = module->start_addr,
		.end_addr = module->end_addr,
		.path = "",
	};
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	const struct pyi_map *map = &range;
	int *error_number = ret_outcome;
	int fd;

	if (module->place >= PYI_MAPPED_IN_ROOT) {
		PYI_CLEANUP(pyi_guard_error)
		struct pyi_error *error = pyi_maps_read(process, &maps);

		map = error ? NULL : pyi_maps_find(&maps, module->start_addr);
		if (!map || map->start_addr != module->start_addr ||
		    map->end_addr != module->end_addr) {
			*error_number = ENOENT;
			return -1;
		}
	}
	fd = pyi_mapped_file_open(process, map, (enum pyi_mapped_place)module->place);
	*error_number = errno;
	return fd;
}

static struct pyi_error *open_module(struct broker *broker, const struct pyi_request *request,
				     struct answer *answer)
{
	const struct pyi_errand errand = {
		.run = open_mapped,
		.argument = &broker->process,
		.kept_fd = broker->process.proc_fd,
		.question_bytes = sizeof(struct module),
		.outcome_bytes = sizeof(int),
		.deadline_ns = PYI_CLOCK_NEVER,
	};
	const struct module module = { request->module.start_addr, request->module.end_addr,
				       request->module.place };
	int error_number;

	/* One that was late is not waited for again. */
	answer->reply.module.error_number = ETIMEDOUT;
	if (broker->file_was_late)
		return NULL;
	switch (pyi_errand_ask(&errand, &broker->opener, &module,
			       pyi_clock_deadline(FILE_LIMIT_MS, PYI_CLOCK_NEVER), &error_number,
			       &answer->fd)) {
	case PYI_ERRAND_LATE:
		broker->file_was_late = true;
		break;
	case PYI_ERRAND_FAILED:
		answer->reply.module.error_number = EIO;
		break;
	case PYI_ERRAND_DONE:
		answer->reply.module.error_number = error_number;
		break;
	}
	return NULL;
}

static struct pyi_error *connect_socket(struct broker *broker, const struct pyi_request *request,
					const char *name, struct answer *answer)
{
	return pyi_bus_socket_connect(&broker->process, name, request->data_bytes,
				      request->connect.is_abstract, request->connect.deadline_ns,
				      &answer->fd);
}

static struct pyi_error *prepare(struct broker *broker, const struct pyi_request *request,
				 struct answer *answer)
{
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	struct pyi_process_status status;
	struct pyi_preflight preflight;
	struct pyi_error *error;

	error = pyi_process_read_status(&broker->process, 0, &status);
	if (!error)
		error = pyi_preflight_check(
			&broker->process, (enum pyi_source_kind)request->prepare.source,
			fmin(request->prepare.max_pause_ms, broker->allowance.max_pause_ms),
			&preflight);
	if (error)
		return error;
	broker->calls.heap_bytes = pyi_process_used_bytes(&status);
	answer->reply.prepare.source = preflight.source;
	if (broker->prepared) {
		/* Another source for the same target; what it has cost so far stays. */
		broker->target.source = preflight.source;
		broker->target.stop_limit_ms = pyi_snapshot_stop_limit_ms(&preflight);
		return NULL;
	}
	/* Of a try that failed. */
	forget_past(broker);
	broker->program_fd = pyi_program_pin(&broker->process);
	pyi_residue_before(&broker->process, &broker->before);
	error = pyi_maps_read(&broker->process, &maps);
	if (!error)
		error = pyi_snapshot_target_init(&broker->process, &maps, &preflight,
						 &broker->target);
	broker->prepared = !error;
	return error;
}

/* The words that matter, and what they were. */
struct gate {
	const struct pyi_gate_word *words;
	struct pyi_gate_value *values;
	size_t count;
	bool anyway;
};

static bool read_word(const struct pyi_live_memory *live, const struct pyi_gate_word *word,
		      uint64_t *ret_value)
{
	uint32_t small;

	if (word->size_bytes == sizeof(*ret_value))
		return pyi_live_memory_read(live, word->addr, ret_value, sizeof(*ret_value));
	if (!pyi_live_memory_read(live, word->addr, &small, sizeof(small)))
		return false;
	*ret_value = small;
	return true;
}

static bool before_snapshot(void *argument, const struct pyi_live_memory *live)
{
	struct gate *gate = argument;
	bool calm = true;

	for (size_t w = 0; w < gate->count && (calm || gate->anyway); w++) {
		struct pyi_gate_value *value = &gate->values[w];

		value->known = read_word(live, &gate->words[w], &value->before);
		if (gate->words[w].must_be_zero)
			calm = calm && value->known && !value->before;
	}
	return calm || gate->anyway;
}

static void after_snapshot(void *argument, const struct pyi_live_memory *live)
{
	struct gate *gate = argument;

	for (size_t w = 0; w < gate->count; w++)
		gate->values[w].known = gate->values[w].known &&
					read_word(live, &gate->words[w], &gate->values[w].after);
}

static struct pyi_error *take(struct broker *broker, const struct pyi_request *request,
			      const void *data, struct answer *answer)
{
	PYI_CLEANUP(pyi_guard_free) struct pyi_gate_value *values = NULL;
	struct gate gate = {
		.words = data,
		.count = request->data_bytes / sizeof(struct pyi_gate_word),
		.anyway = request->take.anyway,
	};
	const struct pyi_snapshot_gate asks = { before_snapshot, after_snapshot, &gate };
	const struct pyi_allowance allowance = spent(broker);
	struct pyi_snapshot *snapshot = NULL;
	struct pyi_error *error;
	uint64_t data_bytes;

	if (!pyi_allowance_has_stop(&allowance))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SNAPSHOT,
					"process %d has been stopped %u times, for %.0f ms in all: "
					"that is enough for one run",
					broker->process.pid, allowance.stop_count,
					allowance.paused_ms);
	/* Whatever becomes of us while the target stands still, it is gone. */
	pyi_errand_end(&broker->opener);
	values = calloc(gate.count + 1, sizeof(*values));
	if (!values)
		return pyi_error_no_memory();
	gate.values = values;
	error = pyi_snapshot_take(&broker->target, (enum pyi_stop_extent)request->take.extent,
				  &asks, &snapshot);
	if (error || !snapshot)
		return error;
	pyi_snapshot_calls_begin(&broker->calls, snapshot);
	data_bytes = gate.count * sizeof(*values) +
		     snapshot->thread_count * sizeof(struct pyi_wire_thread);
	if (data_bytes > PYI_DATA_LIMIT)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
					"process %d has too many threads: %zu", broker->process.pid,
					snapshot->thread_count);
	answer->data = malloc(data_bytes + 1);
	if (!answer->data)
		return pyi_error_no_memory();
	memcpy(answer->data, values, gate.count * sizeof(*values));
	/* Behind the values of the words. */
	pyi_snapshot_calls_describe_threads(
		snapshot, (struct pyi_wire_thread *)(void *)((char *)answer->data +
							     gate.count * sizeof(*values)));
	answer->reply.data_bytes = (uint32_t)data_bytes;
	answer->reply.take.taken = 1;
	answer->reply.take.stranger = snapshot->stranger;
	answer->reply.take.pid = snapshot->process.pid;
	answer->reply.take.thread_count = (uint32_t)snapshot->thread_count;
	answer->reply.take.created_ns = snapshot->created_ns;
	return NULL;
}

static struct pyi_error *list_pages(struct broker *broker, const struct pyi_request *request,
				    const void *data, struct answer *answer)
{
	struct pyi_wire_range *runs = NULL;
	size_t count = 0;
	struct pyi_error *error;

	error = pyi_used_ranges_find(&broker->calls.snapshot->process, data,
				     request->data_bytes / sizeof(*runs), &runs, &count);
	if (error)
		return error;
	answer->data = runs;
	answer->reply.data_bytes = (uint32_t)(count * sizeof(*runs));
	return NULL;
}

static struct pyi_error *look_for_residue(struct broker *broker, const struct pyi_request *request,
					  struct answer *answer)
{
	struct pyi_residue *residue = &answer->reply.residue.residue;

	(void)request;
	/* So that the kernel can say whether there is still a tracee. */
	pyi_errand_end(&broker->opener);
	answer->reply.residue.known = broker->before.known;
	pyi_residue_after(&broker->target, &broker->before, residue);
	return pyi_residue_error(&broker->target, residue);
}

/* Whether a request makes sense now, and every number in it. */
static bool is_right(const struct broker *broker, const struct pyi_request *request)
{
	uint32_t data_bytes = request->data_bytes;
	bool opened = broker->process.proc_fd >= 0;
	bool ready = opened && broker->prepared;

	switch (request->kind) {
	case PYI_REQUEST_OPEN:
		return !data_bytes;
	case PYI_REQUEST_FILE:
		return opened && !data_bytes && request->file.file < PYI_FILE_COUNT;
	case PYI_REQUEST_PROGRAM:
		return opened && !data_bytes;
	case PYI_REQUEST_MODULE:
		return opened && !data_bytes && request->module.place < PYI_MAPPED_PLACES &&
		       request->module.start_addr < request->module.end_addr;
	case PYI_REQUEST_CONNECT:
		return opened && data_bytes && data_bytes < PYI_SOCKET_NAME_BYTES &&
		       request->connect.is_abstract <= 1;
	case PYI_REQUEST_PREPARE:
		return opened && !data_bytes && request->prepare.source <= PYI_SOURCE_MIRROR &&
		       request->prepare.max_pause_ms >= 0;
	case PYI_REQUEST_TAKE:
		return ready && !broker->calls.snapshot && request->take.extent <= PYI_STOP_ALL &&
		       request->take.anyway <= 1 &&
		       data_bytes % sizeof(struct pyi_gate_word) == 0 &&
		       data_bytes / sizeof(struct pyi_gate_word) <= PYI_GATE_LIMIT;
	case PYI_REQUEST_DESTROY:
		return opened && !data_bytes;
	case PYI_REQUEST_RESIDUE:
		return ready && !data_bytes;
	default:
		return ready && pyi_snapshot_calls_are_right(&broker->calls, request);
	}
}

static struct pyi_error *serve(struct broker *broker, const struct pyi_request *request,
			       const void *data, struct answer *answer)
{
	switch (request->kind) {
	case PYI_REQUEST_OPEN:
		return open_target(broker, request, answer);
	case PYI_REQUEST_FILE:
		return open_file(broker, request, answer);
	case PYI_REQUEST_PROGRAM:
		return read_program(broker, request, answer);
	case PYI_REQUEST_MODULE:
		return open_module(broker, request, answer);
	case PYI_REQUEST_CONNECT:
		return connect_socket(broker, request, data, answer);
	case PYI_REQUEST_PREPARE:
		return prepare(broker, request, answer);
	case PYI_REQUEST_TAKE:
		return take(broker, request, data, answer);
	case PYI_REQUEST_PAGES:
		return list_pages(broker, request, data, answer);
	case PYI_REQUEST_DESTROY:
		return pyi_snapshot_destroy(pyi_return_ptr(broker->calls.snapshot));
	case PYI_REQUEST_RESIDUE:
		return look_for_residue(broker, request, answer);
	default:
		return pyi_snapshot_calls_serve(&broker->calls, request, data, &answer->reply);
	}
}

static void put_error(const struct pyi_error *error, struct pyi_wire_error *ret_error)
{
	ret_error->exit = error->exit;
	ret_error->code = error->code;
	snprintf(ret_error->message, sizeof(ret_error->message), "%s", error->message);
	snprintf(ret_error->hint, sizeof(ret_error->hint), "%s", error->hint ? error->hint : "");
}

/* One request; false when there are no more. */
static bool serve_next(struct broker *broker)
{
	PYI_CLEANUP(deinit_answer) struct answer answer = { .fd = -1 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) char *data = NULL;
	struct pyi_allowance allowance;
	struct pyi_request request;

	if (!pyi_channel_receive(broker->channel_fd, &request, sizeof(request), NULL) ||
	    request.data_bytes > PYI_DATA_LIMIT || !is_right(broker, &request))
		return false;
	if (request.data_bytes) {
		data = malloc(request.data_bytes);
		if (!data ||
		    !pyi_channel_receive_data(broker->channel_fd, data, request.data_bytes))
			return false;
	}
	error = serve(broker, &request, data, &answer);
	if (error) {
		broker->not_restored |= error->exit == PYI_EXIT_NOT_RESTORED;
		put_error(error, &answer.reply.error);
		answer.reply.data_bytes = 0;
	}
	allowance = spent(broker);
	answer.reply.cost = (struct pyi_wire_cost){
		.stop_count = broker->target.stop_count,
		.is_enough = pyi_allowance_is_low(&allowance),
		.paused_ms = broker->target.paused_ms,
		.longest_pause_ms = broker->target.longest_pause_ms,
	};
	answer.reply.has_fd = answer.fd >= 0;
	return pyi_channel_send(broker->channel_fd, &answer.reply, sizeof(answer.reply),
				answer.data, answer.reply.data_bytes, answer.fd);
}

int pyi_broker_serve(int channel_fd, pid_t pid, uint64_t start_ticks, double max_pause_ms)
{
	struct broker broker = { .channel_fd = channel_fd,
				 .process.proc_fd = -1,
				 .program_fd = -1,
				 .opener.channel_fd = -1,
				 .bound_pid = pid,
				 .bound_start_ticks = start_ticks,
				 .allowance.max_pause_ms = max_pause_ms };
	struct pyi_error *error;

	broker.calls.allowance = &broker.allowance;
	while (serve_next(&broker))
		;
	error = forget(&broker);
	if (error && error->exit == PYI_EXIT_NOT_RESTORED)
		fprintf(stderr, "pyinspect: %s\n", error->message);
	pyi_error_destroy(error);
	return broker.owes ? PYI_EXIT_NOT_RESTORED : PYI_EXIT_OK;
}
