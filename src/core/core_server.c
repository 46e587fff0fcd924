/*
 * Answers requests, one after the other. What it needs for that is put together in core_process.c.
 */
#include "core/core_server.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "broker/allowance.h"
#include "broker/channel.h"
#include "broker/errand.h"
#include "broker/snapshot_calls.h"
#include "core/core_process.h"
#include "core/core_wire.h"
#include "process/mapped_file.h"
#include "tracee/bury.h"

enum {
	/* For a file system to open a file. */
	FILE_LIMIT_MS = 1000,
	FILE_COUNT_LIMIT = 4096,
	/* Of one part: maps of two million lines. */
	PART_LIMIT_BYTES = 256 << 20,
	BURIAL_MS = 1000,
};

struct part {
	char *bytes;
	size_t size_bytes;
};

struct server {
	int channel_fd;
	const struct pyi_core_place *place;
	struct part parts[PYI_CORE_PARTS];
	struct pyi_core_process process;
	struct pyi_allowance allowance;
	struct pyi_snapshot_calls calls;
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

/*
 * In a child: a core can name files of any file system. Nothing but programs and libraries is
 * handed over: other ELF files are object files, and memory of processes.
 */
static int open_elf(void *argument, const void *question, void *ret_outcome)
{
	struct pyi_process self = { .pid = getpid(), .proc_fd = -1 };
	const struct pyi_map map = { .path = argument };
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	Elf64_Ehdr header = { 0 };
	int *error_number = ret_outcome;
	int opened;

	(void)question;
	self.proc_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = pyi_mapped_file_open(&self, &map, PYI_MAPPED_IN_ROOT);
	*error_number = errno;
	pyi_process_close(&self);
	if (fd < 0)
		return -1;
	*error_number = ENOEXEC;
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    (header.e_type != ET_EXEC && header.e_type != ET_DYN))
		return -1;
	*error_number = 0;
	opened = fd;
	fd = -1;
	return opened;
}

static struct pyi_error *open_file(struct server *server, const char *path, size_t length,
				   struct answer *answer)
{
	PYI_CLEANUP(pyi_guard_free) char *full = NULL;
	const struct pyi_errand errand = {
		.run = open_elf,
		.kept_fd = -1,
		.question_bytes = 1,
		.outcome_bytes = sizeof(int),
		.deadline_ns = PYI_CLOCK_NEVER,
	};
	struct pyi_errand asked = errand;
	struct pyi_errand_child child = { 0, -1 };
	int error_number = 0;

	/* One that was late is not waited for again. */
	answer->reply.module.error_number = ETIMEDOUT;
	if (server->file_was_late)
		return NULL;
	if (asprintf(&full, "%s/%.*s", server->place->root, (int)length, path) < 0) {
		full = NULL;
		return pyi_error_no_memory();
	}
	asked.argument = full;
	switch (pyi_errand_ask(&asked, &child, "",
			       pyi_clock_deadline(FILE_LIMIT_MS, PYI_CLOCK_NEVER), &error_number,
			       &answer->fd)) {
	case PYI_ERRAND_LATE:
		server->file_was_late = true;
		return NULL;
	case PYI_ERRAND_FAILED:
		answer->reply.module.error_number = EIO;
		return NULL;
	case PYI_ERRAND_DONE:
		break;
	}
	pyi_errand_end(&child);
	answer->reply.module.error_number = error_number;
	if (answer->fd < 0)
		return NULL;
	return pyi_core_process_add_file(&server->process, answer->fd);
}

static struct pyi_error *add_to_part(struct server *server, const struct pyi_request *request,
				     const void *data)
{
	struct part *part = &server->parts[request->file.file];
	char *bytes;

	if (request->data_bytes > PART_LIMIT_BYTES - part->size_bytes)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
					"the core has more pieces of memory than can be mapped");
	bytes = realloc(part->bytes, part->size_bytes + request->data_bytes + 1);
	if (!bytes)
		return pyi_error_no_memory();
	memcpy(bytes + part->size_bytes, data, request->data_bytes);
	part->bytes = bytes;
	part->size_bytes += request->data_bytes;
	return NULL;
}

/* The process as the parts say; there is one from the first request on that needs it. */
static struct pyi_error *need_process(struct server *server)
{
	const struct part *areas = &server->parts[PYI_CORE_AREAS];
	const struct part *threads = &server->parts[PYI_CORE_THREADS];

	if (server->process.snapshot.process.pid)
		return NULL;
	return pyi_core_process_make(
		&server->process,
		&(struct pyi_core_memory){
			.core_fd = server->place->core_fd,
			.copy_limit_bytes = server->place->copy_limit_bytes,
			.areas = (const void *)areas->bytes,
			.area_count = areas->size_bytes / sizeof(struct pyi_core_area),
			.threads = (const void *)threads->bytes,
			.thread_count = threads->size_bytes / sizeof(struct pyi_core_thread),
		});
}

static struct pyi_error *open_text(const struct part *part, int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = memfd_create("core", MFD_CLOEXEC);

	if (fd < 0 ||
	    (part->size_bytes &&
	     write(fd, part->bytes, part->size_bytes) != (ssize_t)part->size_bytes) ||
	    lseek(fd, 0, SEEK_SET) != 0)
		return pyi_error_no_memory();
	*ret_fd = fd;
	fd = -1;
	return NULL;
}

static struct pyi_error *open_proc_file(struct server *server, const struct pyi_request *request,
					struct answer *answer)
{
	const struct part nothing = { 0 };
	struct pyi_error *error;

	switch ((enum pyi_wire_file)request->file.file) {
	case PYI_FILE_STAT:
		return open_text(&server->parts[PYI_CORE_STAT], &answer->fd);
	case PYI_FILE_STATUS:
		return open_text(&server->parts[PYI_CORE_STATUS], &answer->fd);
	case PYI_FILE_MAPS:
		return open_text(&server->parts[PYI_CORE_MAPS], &answer->fd);
	case PYI_FILE_ENVIRONMENT:
		return open_text(&nothing, &answer->fd);
	default:
		break;
	}
	error = need_process(server);
	if (error)
		return error;
	return pyi_process_open_file(&server->process.snapshot.process,
				     request->file.file == PYI_FILE_SNAPSHOT_MAPS ? "maps" : "mem",
				     O_RDONLY, &answer->fd);
}

static struct pyi_error *read_program(struct server *server, struct answer *answer)
{
	const struct part *program = &server->parts[PYI_CORE_PROGRAM];
	char *path = malloc(program->size_bytes + 1);

	if (!path)
		return pyi_error_no_memory();
	if (program->size_bytes)
		memcpy(path, program->bytes, program->size_bytes);
	answer->data = path;
	answer->reply.data_bytes = (uint32_t)program->size_bytes;
	return NULL;
}

static void open_module(const struct server *server, const struct pyi_request *request,
			struct answer *answer)
{
	const struct part *part = &server->parts[PYI_CORE_MODULES];
	const struct pyi_core_module *modules = (const void *)part->bytes;

	answer->reply.module.error_number = ENOENT;
	if (request->module.place != PYI_MAPPED_BY_RANGE)
		return;
	for (size_t m = 0; m < part->size_bytes / sizeof(*modules); m++)
		if (modules[m].start_addr == request->module.start_addr)
			answer->fd = pyi_core_process_open_file(&server->process, modules[m].file);
}

/* Nothing can have changed between before and after. */
static void read_words(const struct server *server, const struct pyi_gate_word *words, size_t count,
		       struct pyi_gate_value *values)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	PYI_CLEANUP(pyi_guard_error)
	struct pyi_error *error = pyi_process_open_file(&server->process.snapshot.process, "mem",
							O_RDONLY | O_CLOEXEC, &fd);

	for (size_t w = 0; w < count && !error; w++) {
		size_t size_bytes = words[w].size_bytes == 4 ? 4 : 8;
		uint64_t value = 0;

		values[w].known =
			pread(fd, &value, size_bytes, (off_t)words[w].addr) == (ssize_t)size_bytes;
		values[w].before = value;
		values[w].after = value;
	}
}

static struct pyi_error *take(struct server *server, const struct pyi_request *request,
			      const void *data, struct answer *answer)
{
	const struct pyi_snapshot *snapshot = &server->process.snapshot;
	size_t word_count = request->data_bytes / sizeof(struct pyi_gate_word);
	size_t values_bytes = word_count * sizeof(struct pyi_gate_value);
	struct pyi_error *error = need_process(server);
	struct pyi_wire_thread *threads;
	uint64_t data_bytes;

	if (error)
		return error;
	data_bytes = values_bytes + snapshot->thread_count * sizeof(*threads);
	if (data_bytes > PYI_DATA_LIMIT)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
					"the core has too many threads: %zu",
					snapshot->thread_count);
	answer->data = calloc(1, data_bytes + 1);
	if (!answer->data)
		return pyi_error_no_memory();
	read_words(server, data, word_count, answer->data);
	threads = (void *)((char *)answer->data + values_bytes);
	pyi_snapshot_calls_describe_threads(snapshot, threads);
	server->calls.heap_bytes = server->process.heap_bytes;
	pyi_snapshot_calls_begin(&server->calls, &server->process.snapshot);
	answer->reply.data_bytes = (uint32_t)data_bytes;
	answer->reply.take.taken = 1;
	answer->reply.take.pid = snapshot->process.pid;
	answer->reply.take.thread_count = (uint32_t)snapshot->thread_count;
	answer->reply.take.created_ns = pyi_clock_now_ns();
	return NULL;
}

/* What the core has is what was in use. */
static struct pyi_error *list_pages(const struct server *server, const struct pyi_request *request,
				    const void *data, struct answer *answer)
{
	const struct pyi_wire_range *ranges = data;
	size_t count = request->data_bytes / sizeof(*ranges);
	struct pyi_wire_range *runs = NULL;
	size_t run_count = 0;
	struct pyi_error *error =
		pyi_core_process_list_pages(&server->process, ranges, count, &runs, &run_count);

	if (error)
		return error;
	answer->data = runs;
	answer->reply.data_bytes = (uint32_t)(run_count * sizeof(*runs));
	return NULL;
}

/* Whether a request makes sense now, and every number in it. */
static bool is_right(const struct server *server, const struct pyi_request *request)
{
	uint32_t data_bytes = request->data_bytes;

	switch (request->kind) {
	case PYI_CORE_REQUEST_FILE:
		return data_bytes && data_bytes < PATH_MAX &&
		       server->process.fd_count < FILE_COUNT_LIMIT &&
		       !server->process.snapshot.process.pid;
	case PYI_CORE_REQUEST_PART:
		return data_bytes && request->file.file < PYI_CORE_PARTS &&
		       !server->process.snapshot.process.pid;
	case PYI_REQUEST_OPEN:
	case PYI_REQUEST_PROGRAM:
	case PYI_REQUEST_MODULE:
	case PYI_REQUEST_PREPARE:
	case PYI_REQUEST_RESIDUE:
	case PYI_REQUEST_DESTROY:
		return !data_bytes;
	case PYI_REQUEST_FILE:
		return !data_bytes && request->file.file < PYI_FILE_COUNT;
	case PYI_REQUEST_TAKE:
		return !server->calls.snapshot && data_bytes % sizeof(struct pyi_gate_word) == 0 &&
		       data_bytes / sizeof(struct pyi_gate_word) <= PYI_GATE_LIMIT;
	default:
		return pyi_snapshot_calls_are_right(&server->calls, request);
	}
}

static struct pyi_error *serve(struct server *server, const struct pyi_request *request,
			       const void *data, struct answer *answer)
{
	switch (request->kind) {
	case PYI_CORE_REQUEST_FILE:
		return open_file(server, data, request->data_bytes, answer);
	case PYI_CORE_REQUEST_PART:
		return add_to_part(server, request, data);
	case PYI_REQUEST_OPEN:
		answer->reply.open.pid = request->open.pid;
		return NULL;
	case PYI_REQUEST_FILE:
		return open_proc_file(server, request, answer);
	case PYI_REQUEST_PROGRAM:
		return read_program(server, answer);
	case PYI_REQUEST_MODULE:
		open_module(server, request, answer);
		return NULL;
	case PYI_REQUEST_PREPARE:
		answer->reply.prepare.source = PYI_SOURCE_MIRROR;
		return NULL;
	case PYI_REQUEST_TAKE:
		return take(server, request, data, answer);
	case PYI_REQUEST_PAGES:
		return list_pages(server, request, data, answer);
	case PYI_REQUEST_DESTROY:
		server->calls.snapshot = NULL;
		pyi_core_process_end(&server->process);
		return NULL;
	case PYI_REQUEST_RESIDUE:
		/* There is no process in which anything could be left. */
		answer->reply.residue.known = 1;
		return NULL;
	default:
		return pyi_snapshot_calls_serve(&server->calls, request, data, &answer->reply);
	}
}

/* One request; false when there are no more. */
static bool serve_next(struct server *server)
{
	PYI_CLEANUP(deinit_answer) struct answer answer = { .fd = -1 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) char *data = NULL;
	struct pyi_wire_error *wire = &answer.reply.error;
	struct pyi_request request;

	if (!pyi_channel_receive(server->channel_fd, &request, sizeof(request), NULL) ||
	    request.data_bytes > PYI_DATA_LIMIT || !is_right(server, &request))
		return false;
	if (request.data_bytes) {
		data = malloc(request.data_bytes);
		if (!data ||
		    !pyi_channel_receive_data(server->channel_fd, data, request.data_bytes))
			return false;
	}
	error = serve(server, &request, data, &answer);
	if (error) {
		wire->exit = error->exit;
		wire->code = error->code;
		snprintf(wire->message, sizeof(wire->message), "%s", error->message);
		snprintf(wire->hint, sizeof(wire->hint), "%s", error->hint ? error->hint : "");
		answer.reply.data_bytes = 0;
	}
	answer.reply.has_fd = answer.fd >= 0;
	return pyi_channel_send(server->channel_fd, &answer.reply, sizeof(answer.reply),
				answer.data, answer.reply.data_bytes, answer.fd);
}

/* Each program and library takes a descriptor. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
}

static __attribute__((noreturn)) void work(const struct pyi_core_place *place, int channel_fd,
					   pid_t parent)
{
	const int kept[] = { place->core_fd, channel_fd, STDERR_FILENO };
	struct server server = { .channel_fd = channel_fd, .place = place };

	prctl(PR_SET_NAME, "pyinspect-core");
	pyi_confine_end_with(parent);
	if (!pyi_confine_close_files(kept, sizeof(kept) / sizeof(kept[0])))
		_exit(1);
	raise_file_limit();
	server.calls.allowance = &server.allowance;
	pyi_core_process_init(&server.process);
	while (serve_next(&server))
		;
	pyi_core_process_end(&server.process);
	_exit(0);
}

struct pyi_error *pyi_core_server_start(const struct pyi_core_place *place,
					struct pyi_core_server *ret_server)
{
	pid_t parent = getpid();
	int ends[2];
	pid_t child;

	*ret_server = (struct pyi_core_server){ .channel_fd = -1 };
	if (!pyi_channel_create(ends))
		return pyi_error_no_memory();
	child = fork();
	if (child == 0)
		work(place, ends[0], parent);
	close(ends[0]);
	if (child < 0) {
		int number = errno;

		close(ends[1]);
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, number,
					      "cannot start the process that maps the core");
	}
	*ret_server = (struct pyi_core_server){ ends[1], child };
	return NULL;
}

void pyi_core_server_end(struct pyi_core_server *server)
{
	if (server->channel_fd >= 0)
		close(server->channel_fd);
	pyi_bury(server->pid, BURIAL_MS);
	*server = (struct pyi_core_server){ .channel_fd = -1 };
}
