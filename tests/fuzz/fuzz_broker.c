/*
 * Fuzzer of src/broker/broker.c: requests of a worker that was taken over.
 *
 * Everything that the broker does to a target is replaced by functions that do nothing, but know
 * what may be done when: only to the process that the channel is bound to, with a snapshot only
 * when there is one, and nothing beyond its limits. Packets do not go over a socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/bus_socket.h"
#include "broker/channel.h"
#include "broker/errand.h"
#include "broker/protocol.h"
#include "broker/used_ranges.h"
#include "broker_requests.h"
#include "fuzz.h"
#include "process/access.h"
#include "process/mapped_file.h"
#include "process/program.h"
#include "snapshot/snapshot.h"

enum {
	REQUEST_LIMIT = 200,
	PROC_FD = 1000000,
	SNAPSHOT_PID = 4242,
	/* Bytes of data that are not 0. */
	DATA_BYTES = 64,
};

/* What should be so by now. */
static struct {
	struct fuzz_input input;
	unsigned request_count;
	/* Data that is still to come. */
	size_t data_bytes;
	pid_t bound_pid;
	uint64_t bound_start_ticks;
	bool opened;
	bool prepared;
	struct pyi_snapshot *snapshot;
	bool taking;
	uint64_t mapped_addr;
	uint64_t mapped_bytes;
	unsigned residue_states;
	/* As in the broker. */
	bool not_restored;
	bool owes;
} model;

static uint64_t take(size_t size_bytes)
{
	return fuzz_take(&model.input, size_bytes);
}

static bool choose(void)
{
	return take(1) & 1;
}

static int new_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	FUZZ_EXPECT(fd >= 0);
	return fd;
}

/* Most things can fail, and some of them badly. */
static struct pyi_error *perhaps(void)
{
	uint64_t choice = take(1);

	if (choice < 200)
		return NULL;
	if (choice < 240)
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST, "%02000d", 1),
			"%02000d", 2);
	model.not_restored = model.opened;
	return pyi_error_create(PYI_EXIT_NOT_RESTORED, PYI_ERROR_NOT_RESTORED, "not as it was");
}

/* What cannot end with a harmed target. */
static struct pyi_error *perhaps_not(void)
{
	return choose() && choose()
		       ? pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, "not permitted")
		       : NULL;
}

static void expect_target(const struct pyi_process *process)
{
	FUZZ_EXPECT(model.opened);
	FUZZ_EXPECT(process->proc_fd == PROC_FD && !process->door);
	FUZZ_EXPECT(process->pid == model.bound_pid);
	FUZZ_EXPECT(process->start_ticks == model.bound_start_ticks);
}

static void expect_prepared(const struct pyi_snapshot_target *target)
{
	expect_target(target->process);
	FUZZ_EXPECT(model.prepared);
	FUZZ_EXPECT(target->source == PYI_SOURCE_CLONE || target->source == PYI_SOURCE_MIRROR);
}

static void expect_snapshot(const struct pyi_snapshot *snapshot)
{
	FUZZ_EXPECT(snapshot && snapshot == model.snapshot);
	expect_prepared(snapshot->target);
}

static uint64_t take_number(uint64_t limit)
{
	return broker_take_number(&model.input, limit);
}

STUB(bool, pyi_channel_receive, int channel_fd, void *ret_header, size_t header_bytes, int *ret_fd)
{
	struct pyi_request request;

	(void)channel_fd;
	FUZZ_EXPECT(header_bytes == sizeof(request) && !ret_fd);
	FUZZ_EXPECT(!model.data_bytes);
	if (!model.input.size_bytes || model.request_count++ == REQUEST_LIMIT)
		return false;
	memset(&request, 0, sizeof(request));
	broker_make_request(&model.input, model.bound_pid, &request);
	model.data_bytes = request.data_bytes;
	memcpy(ret_header, &request, sizeof(request));
	return true;
}

STUB(bool, pyi_channel_receive_data, int channel_fd, void *ret_data, size_t data_bytes)
{
	char *bytes = ret_data;

	(void)channel_fd;
	FUZZ_EXPECT(data_bytes == model.data_bytes && data_bytes <= PYI_DATA_LIMIT);
	model.data_bytes = 0;
	if (take(1) == 13)
		return false;
	memset(bytes, 0, data_bytes);
	for (size_t i = 0; i < data_bytes && i < DATA_BYTES; i++)
		bytes[i] = (char)take(1);
	return true;
}

STUB(bool, pyi_channel_send, int channel_fd, const void *header, size_t header_bytes,
     const void *data, size_t data_bytes, int fd)
{
	struct pyi_reply reply;
	char *copy;

	(void)channel_fd;
	FUZZ_EXPECT(header_bytes == sizeof(reply));
	memcpy(&reply, header, sizeof(reply));
	FUZZ_EXPECT(data_bytes == reply.data_bytes && data_bytes <= PYI_DATA_LIMIT);
	FUZZ_EXPECT(reply.has_fd == (fd >= 0));
	FUZZ_EXPECT(fd < 0 || fcntl(fd, F_GETFD) >= 0);
	FUZZ_EXPECT(reply.error.code < PYI_ERROR_CODE_COUNT);
	FUZZ_EXPECT(strnlen(reply.error.message, PYI_WIRE_MESSAGE_BYTES) < PYI_WIRE_MESSAGE_BYTES);
	FUZZ_EXPECT(strnlen(reply.error.hint, PYI_WIRE_HINT_BYTES) < PYI_WIRE_HINT_BYTES);
	if (reply.error.exit)
		FUZZ_EXPECT(!data_bytes && fd < 0 && reply.error.message[0]);
	copy = malloc(data_bytes + 1);
	FUZZ_EXPECT(copy);
	if (data_bytes)
		memcpy(copy, data, data_bytes);
	free(copy);
	return take(1) != 13;
}

STUB(struct pyi_error *, pyi_process_open, pid_t pid, struct pyi_process *ret_process)
{
	struct pyi_error *error =
		pid > 0 ? perhaps_not()
			: pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS, "none");
	uint64_t start_ticks = 5 + (take(1) == 1);

	FUZZ_EXPECT(!model.opened && !model.snapshot);
	FUZZ_EXPECT(!model.bound_pid || pid == model.bound_pid);
	if (error)
		return error;
	if (!model.bound_pid)
		model.bound_start_ticks = start_ticks;
	model.bound_pid = pid;
	model.opened = true;
	*ret_process = (struct pyi_process){
		.pid = pid,
		.proc_fd = PROC_FD,
		.start_ticks = start_ticks,
	};
	return NULL;
}

STUB(void, pyi_process_close, struct pyi_process *process)
{
	FUZZ_EXPECT(process->proc_fd == -1 || (model.opened && process->proc_fd == PROC_FD));
	FUZZ_EXPECT(!model.snapshot);
	model.opened = false;
	model.prepared = false;
	model.not_restored = false;
	*process = (struct pyi_process){ .proc_fd = -1 };
}

STUB(bool, pyi_process_is_alive, const struct pyi_process *process)
{
	if (process->proc_fd < 0)
		return false;
	expect_target(process);
	return true;
}

STUB(bool, pyi_program_was_left, int pinned_fd)
{
	bool left = choose();

	FUZZ_EXPECT(pinned_fd == -1 || fcntl(pinned_fd, F_GETFD) >= 0);
	/* It is asked when something may be owed. */
	FUZZ_EXPECT(model.opened && model.not_restored);
	model.owes |= !left;
	return left;
}

STUB(struct pyi_error *, pyi_process_open_file, const struct pyi_process *process, const char *path,
     int flags, int *ret_fd)
{
	static const char *const paths[] = { "stat", "status", "maps", "mem", "environ" };
	struct pyi_error *error = perhaps_not();
	bool known = false;

	if (process->proc_fd == PROC_FD) {
		expect_target(process);
	} else {
		FUZZ_EXPECT(model.snapshot && process == &model.snapshot->process);
		FUZZ_EXPECT(strcmp(path, "maps") == 0 || strcmp(path, "mem") == 0);
	}
	for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++)
		known |= strcmp(path, paths[p]) == 0;
	FUZZ_EXPECT(known);
	FUZZ_EXPECT(flags == O_RDONLY);
	if (!error)
		*ret_fd = new_descriptor();
	return error;
}

STUB(struct pyi_error *, pyi_access_explain, const struct pyi_process *process, int error_number)
{
	(void)error_number;
	expect_target(process);
	return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, "explained");
}

STUB(struct pyi_error *, pyi_process_read_exe, const struct pyi_process *process, char **ret_path)
{
	struct pyi_error *error = perhaps_not();

	expect_target(process);
	if (error)
		return error;
	*ret_path = strdup(choose() ? "/usr/bin/python3" : "");
	FUZZ_EXPECT(*ret_path);
	return NULL;
}

STUB(struct pyi_error *, pyi_maps_read, const struct pyi_process *process,
     struct pyi_maps *ret_maps)
{
	struct pyi_error *error = perhaps_not();
	struct pyi_map *items;

	expect_target(process);
	if (error)
		return error;
	items = calloc(1, sizeof(*items));
	FUZZ_EXPECT(items);
	*items = (struct pyi_map){ .start_addr = 0x1000, .end_addr = 0x2000, .path = "/lib" };
	*ret_maps = (struct pyi_maps){ .items = items, .count = 1 };
	return NULL;
}

STUB(int, pyi_mapped_file_open, const struct pyi_process *process, const struct pyi_map *map,
     enum pyi_mapped_place place)
{
	expect_target(process);
	FUZZ_EXPECT(place < PYI_MAPPED_PLACES);
	FUZZ_EXPECT(map->start_addr < map->end_addr);
	/* A path is the kernel's, never the worker's. */
	FUZZ_EXPECT(place < PYI_MAPPED_IN_ROOT ? !map->path[0] : !strcmp(map->path, "/lib"));
	if (choose())
		return new_descriptor();
	errno = EACCES;
	return -1;
}

/* The child's work is done here. */
STUB(enum pyi_errand_end, pyi_errand_ask, const struct pyi_errand *errand,
     struct pyi_errand_child *child, const void *question, uint64_t deadline_ns, void *ret_outcome,
     int *ret_fd)
{
	(void)deadline_ns;
	(void)child;
	*ret_fd = -1;
	if (!choose())
		return choose() ? PYI_ERRAND_LATE : PYI_ERRAND_FAILED;
	memset(ret_outcome, 0, errand->outcome_bytes);
	*ret_fd = errand->run(errand->argument, question, ret_outcome);
	return PYI_ERRAND_DONE;
}

STUB(void, pyi_errand_end, struct pyi_errand_child *child)
{
	FUZZ_EXPECT(child->pid == 0);
}

STUB(struct pyi_error *, pyi_used_ranges_find, const struct pyi_process *process,
     const struct pyi_wire_range *ranges, size_t count, struct pyi_wire_range **ret_runs,
     size_t *ret_count)
{
	struct pyi_error *error = perhaps_not();

	FUZZ_EXPECT(model.snapshot && process == &model.snapshot->process);
	FUZZ_EXPECT(count <= PYI_DATA_LIMIT / sizeof(*ranges));
	if (error)
		return error;
	*ret_count = count ? take(1) % count : 0;
	*ret_runs = *ret_count ? calloc(*ret_count, sizeof(**ret_runs)) : NULL;
	return NULL;
}

STUB(struct pyi_error *, pyi_process_read_status, const struct pyi_process *process, pid_t tid,
     struct pyi_process_status *ret_status)
{
	struct pyi_error *error = perhaps_not();

	expect_target(process);
	FUZZ_EXPECT(!tid);
	if (!error)
		*ret_status = (struct pyi_process_status){ .rss_bytes = take_number(1 << 20) };
	return error;
}

STUB(struct pyi_error *, pyi_bus_socket_connect, const struct pyi_process *process,
     const char *name, size_t length, bool is_abstract, uint64_t deadline_ns, int *ret_fd)
{
	struct pyi_error *error = perhaps_not();
	char copy[PYI_SOCKET_NAME_BYTES];

	(void)is_abstract;
	(void)deadline_ns;
	expect_target(process);
	FUZZ_EXPECT(length && length < sizeof(copy));
	memcpy(copy, name, length);
	if (!error)
		*ret_fd = new_descriptor();
	return error;
}

STUB(struct pyi_error *, pyi_preflight_check, const struct pyi_process *process,
     enum pyi_source_kind source, double max_pause_ms, struct pyi_preflight *ret_preflight)
{
	struct pyi_error *error = perhaps_not();

	expect_target(process);
	FUZZ_EXPECT(source <= PYI_SOURCE_MIRROR && max_pause_ms >= 0);
	if (error)
		return error;
	*ret_preflight = (struct pyi_preflight){
		.source = choose() ? PYI_SOURCE_MIRROR : PYI_SOURCE_CLONE,
		.estimated_pause_ms = 1,
	};
	return NULL;
}

STUB(uint64_t, pyi_snapshot_stop_limit_ms, const struct pyi_preflight *preflight)
{
	FUZZ_EXPECT(model.opened);
	return (uint64_t)preflight->estimated_pause_ms;
}

STUB(int, pyi_program_pin, const struct pyi_process *process)
{
	expect_target(process);
	return choose() ? -1 : new_descriptor();
}

STUB(void, pyi_residue_before, const struct pyi_process *process,
     struct pyi_residue_state *ret_state)
{
	expect_target(process);
	*ret_state = (struct pyi_residue_state){ .known = choose(), .threads = calloc(1, 1) };
	FUZZ_EXPECT(ret_state->threads);
	model.residue_states++;
}

STUB(void, pyi_residue_state_deinit, struct pyi_residue_state *state)
{
	model.residue_states -= state->threads != NULL;
	free(state->threads);
}

STUB(void, pyi_residue_after, const struct pyi_snapshot_target *target,
     const struct pyi_residue_state *before, struct pyi_residue *ret_residue)
{
	expect_prepared(target);
	FUZZ_EXPECT(before->threads);
	ret_residue->count = 0;
}

STUB(struct pyi_error *, pyi_residue_error, const struct pyi_snapshot_target *target,
     const struct pyi_residue *residue)
{
	expect_prepared(target);
	FUZZ_EXPECT(!residue->count);
	return perhaps();
}

STUB(struct pyi_error *, pyi_snapshot_target_init, const struct pyi_process *process,
     const struct pyi_maps *maps, const struct pyi_preflight *preflight,
     struct pyi_snapshot_target *ret_target)
{
	struct pyi_error *error = perhaps();

	expect_target(process);
	FUZZ_EXPECT(!model.prepared && maps->count == 1);
	if (error)
		return error;
	*ret_target = (struct pyi_snapshot_target){
		.process = process,
		.source = preflight->source,
	};
	model.prepared = true;
	return NULL;
}

/* A word that the gate reads, and only then. */
STUB(bool, pyi_live_memory_read, const struct pyi_live_memory *memory, uint64_t addr,
     void *ret_bytes, size_t size_bytes)
{
	(void)addr;
	FUZZ_EXPECT(!memory && model.taking);
	FUZZ_EXPECT(size_bytes == sizeof(uint32_t) || size_bytes == sizeof(uint64_t));
	memset(ret_bytes, (int)take(1), size_bytes);
	return choose();
}

STUB(struct pyi_error *, pyi_snapshot_take, struct pyi_snapshot_target *target,
     enum pyi_stop_extent extent, const struct pyi_snapshot_gate *gate,
     struct pyi_snapshot **ret_snapshot)
{
	struct pyi_error *error = perhaps();
	struct pyi_snapshot *snapshot;
	bool taken;

	expect_prepared(target);
	FUZZ_EXPECT(!model.snapshot && extent <= PYI_STOP_ALL);
	target->stop_count++;
	*ret_snapshot = NULL;
	if (error)
		return error;
	model.taking = true;
	taken = gate->before(gate->argument, NULL);
	if (taken)
		gate->after(gate->argument, NULL);
	model.taking = false;
	if (!taken)
		return NULL;
	snapshot = calloc(1, sizeof(*snapshot));
	FUZZ_EXPECT(snapshot);
	snapshot->target = target;
	snapshot->process = (struct pyi_process){ .pid = SNAPSHOT_PID, .proc_fd = PROC_FD + 1 };
	/* More than fit into an answer are counted only. */
	snapshot->thread_count =
		take(1) == 1 ? PYI_DATA_LIMIT / sizeof(struct pyi_wire_thread) + 1 : take(1) % 4;
	snapshot->threads = calloc(4, sizeof(*snapshot->threads));
	FUZZ_EXPECT(snapshot->threads);
	model.snapshot = snapshot;
	*ret_snapshot = snapshot;
	return NULL;
}

STUB(struct pyi_error *, pyi_snapshot_destroy, struct pyi_snapshot *snapshot)
{
	FUZZ_EXPECT(snapshot == model.snapshot);
	if (!snapshot)
		return NULL;
	expect_snapshot(snapshot);
	model.snapshot = NULL;
	free(snapshot->threads);
	free(snapshot);
	return perhaps();
}

STUB(struct pyi_error *, pyi_snapshot_confirm, const struct pyi_snapshot *snapshot,
     struct pyi_error *error)
{
	expect_snapshot(snapshot);
	FUZZ_EXPECT(!error);
	return perhaps();
}

static void expect_call(uint64_t number, const uint64_t *arguments)
{
	switch (number) {
	case SYS_mmap:
		FUZZ_EXPECT(!arguments[0] && arguments[4] == UINT64_MAX && !arguments[5]);
		FUZZ_EXPECT(arguments[1] && arguments[1] >> PYI_MAP_LIMIT_SHIFT == 0);
		FUZZ_EXPECT(arguments[2] == (PROT_READ | PROT_WRITE));
		FUZZ_EXPECT(arguments[3] == (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE));
		break;
	case SYS_mprotect:
		FUZZ_EXPECT(arguments[2] == PROT_NONE);
		FUZZ_EXPECT(arguments[1] && arguments[1] <= model.mapped_bytes);
		FUZZ_EXPECT(arguments[0] >= model.mapped_addr);
		FUZZ_EXPECT(arguments[0] - model.mapped_addr <= model.mapped_bytes - arguments[1]);
		break;
	default:
		FUZZ_EXPECT(number == SYS_munmap);
	}
}

STUB(struct pyi_error *, pyi_snapshot_syscall, struct pyi_snapshot *snapshot, uint64_t number,
     const uint64_t arguments[PYI_SYSCALL_ARGUMENTS], int64_t *ret_result)
{
	struct pyi_error *error = perhaps();

	expect_snapshot(snapshot);
	expect_call(number, arguments);
	if (error)
		return error;
	*ret_result = 0;
	if (take(1) > 200)
		*ret_result = -ENOMEM;
	else if (number == SYS_mmap)
		*ret_result = 0x7f0000000000;
	if (number == SYS_mmap) {
		model.mapped_addr = (uint64_t)*ret_result;
		model.mapped_bytes = arguments[1];
	}
	return NULL;
}

STUB(struct pyi_error *, pyi_snapshot_write, struct pyi_snapshot *snapshot, uint64_t addr,
     const void *bytes, size_t size_bytes)
{
	volatile char byte;

	(void)addr;
	expect_snapshot(snapshot);
	FUZZ_EXPECT(size_bytes && size_bytes <= PYI_DATA_LIMIT);
	byte = ((const char *)bytes)[0];
	byte = ((const char *)bytes)[size_bytes - 1];
	(void)byte;
	return perhaps();
}

STUB(struct pyi_error *, pyi_snapshot_become_thread, struct pyi_snapshot *snapshot,
     uint64_t pthread_id)
{
	(void)pthread_id;
	expect_snapshot(snapshot);
	return perhaps();
}

STUB(struct pyi_error *, pyi_snapshot_call, struct pyi_snapshot *snapshot, uint64_t pc,
     uint64_t stack_end_addr, uint64_t argument)
{
	(void)pc;
	(void)stack_end_addr;
	(void)argument;
	expect_snapshot(snapshot);
	return perhaps();
}

STUB(struct pyi_error *, pyi_snapshot_reply, struct pyi_snapshot *snapshot, uint64_t value)
{
	(void)value;
	expect_snapshot(snapshot);
	return perhaps();
}

STUB(struct pyi_error *, pyi_snapshot_resume, struct pyi_snapshot *snapshot, uint64_t deadline_ns,
     struct pyi_snapshot_event *ret_event)
{
	struct pyi_error *error = perhaps();

	(void)deadline_ns;
	expect_snapshot(snapshot);
	if (!error)
		*ret_event = (struct pyi_snapshot_event){
			.kind = (enum pyi_snapshot_event_kind)(take(1) % (PYI_SNAPSHOT_DIED + 1)),
		};
	return error;
}

/* Drops what the broker says to the user; what is expected in vain is shown. */
static ssize_t filter_line(void *cookie, const char *bytes, size_t size_bytes)
{
	static const char head[] = "pyinspect: ";

	(void)cookie;
	if (size_bytes >= sizeof(head) - 1 && memcmp(bytes, head, sizeof(head) - 1) == 0)
		return (ssize_t)size_bytes;
	return write(STDERR_FILENO, bytes, size_bytes);
}

static void filter_errors(void)
{
	static FILE *filtered;

	if (filtered)
		return;
	filtered = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = filter_line });
	FUZZ_EXPECT(filtered);
	setvbuf(filtered, NULL, _IONBF, 0);
	stderr = filtered;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	int before = new_descriptor();
	int after;
	int code;

	close(before);
	filter_errors();
	memset(&model, 0, sizeof(model));
	model.input = (struct fuzz_input){ bytes, size_bytes };
	code = pyi_broker_serve(-1, 0, 0, 250);
	FUZZ_EXPECT(code == (model.owes ? PYI_EXIT_NOT_RESTORED : PYI_EXIT_OK));
	/* Nothing is left, of the target or of our own. */
	FUZZ_EXPECT(!model.snapshot && !model.opened && !model.residue_states);
	after = new_descriptor();
	close(after);
	FUZZ_EXPECT(after == before);
	return 0;
}
