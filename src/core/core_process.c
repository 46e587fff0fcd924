/*
 * Puts the areas into files that can be mapped, and has snapshot/mirror_process.c map them.
 */
#include "core/core_process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/page.h"
#include "process/credentials.h"
#include "tracee/arch.h"
#include "tracee/tracee.h"
#include "tracee/wait.h"

enum {
	/* In `fds`; behind them are the files that were opened. */
	MEMORY_FILE,
	CORE_FILE,
	FIXED_FILES,
	/* Far more than the kernel maps for one process (vm.max_map_count), if not told otherwise.
	 */
	AREA_LIMIT = 1 << 20,
	PIECE_BYTES = 1 << 20,
	END_TIMEOUT_MS = 10000,
	NOBODY = 65534,
};

void pyi_core_process_init(struct pyi_core_process *process)
{
	*process = (struct pyi_core_process){ .snapshot.process.proc_fd = -1 };
}

static struct pyi_error *failed(const char *what)
{
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_MIRROR_FAILED, errno, "cannot %s",
				      what);
}

static struct pyi_error *keep(struct pyi_core_process *process, int fd)
{
	if (!pyi_array_reserve(&process->fds, process->fd_count, &process->fd_room,
			       sizeof(*process->fds)))
		return pyi_error_no_memory();
	process->fds[process->fd_count] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (process->fds[process->fd_count] < 0)
		return failed("keep one more file open");
	process->fd_count++;
	return NULL;
}

/* The places of those two are taken before any other. */
static struct pyi_error *keep_fixed(struct pyi_core_process *process)
{
	struct pyi_error *error = NULL;

	while (process->fd_count < FIXED_FILES && !error) {
		if (!pyi_array_reserve(&process->fds, process->fd_count, &process->fd_room,
				       sizeof(*process->fds)))
			error = pyi_error_no_memory();
		else
			process->fds[process->fd_count++] = -1;
	}
	return error;
}

struct pyi_error *pyi_core_process_add_file(struct pyi_core_process *process, int fd)
{
	struct pyi_error *error = keep_fixed(process);

	return error ? error : keep(process, fd);
}

int pyi_core_process_open_file(const struct pyi_core_process *process, unsigned file)
{
	if (!file || FIXED_FILES - 1 + (size_t)file >= process->fd_count)
		return -1;
	return fcntl(process->fds[FIXED_FILES - 1 + file], F_DUPFD_CLOEXEC, 0);
}

static struct pyi_error *bad_areas(void)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_CORE,
				"what the core says of its memory contradicts itself");
}

/* Each within its file, at whole pages of addresses, one behind the other. */
static bool are_right(const struct pyi_core_process *process, const struct pyi_core_memory *memory)
{
	uint64_t page_bytes = pyi_page_bytes();
	uint64_t last_addr = 0;

	if (!memory->area_count || memory->area_count > AREA_LIMIT)
		return false;
	for (size_t a = 0; a < memory->area_count; a++) {
		const struct pyi_core_area *area = &memory->areas[a];
		struct stat status;
		uint64_t end;

		if (area->start_addr < last_addr || area->start_addr >= area->end_addr ||
		    area->start_addr % page_bytes || area->end_addr % page_bytes ||
		    area->file > process->fd_count - FIXED_FILES ||
		    (area->file && area->offset % page_bytes) ||
		    area->protection & ~(uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC) ||
		    __builtin_add_overflow(area->offset, area->end_addr - area->start_addr, &end) ||
		    end > INT64_MAX)
			return false;
		/* Of a program the last page may be there in part. */
		if (fstat(area->file ? process->fds[FIXED_FILES - 1 + area->file] : memory->core_fd,
			  &status) != 0 ||
		    area->offset >= (uint64_t)status.st_size ||
		    (!area->file && end > (uint64_t)status.st_size))
			return false;
		last_addr = area->end_addr;
	}
	return true;
}

static bool forbids_code(int fd)
{
	struct statvfs status;

	return fstatvfs(fd, &status) == 0 && status.f_flag & ST_NOEXEC;
}

static bool must_be_copied(const struct pyi_core_process *process, const struct pyi_core_area *area)
{
	if (area->file)
		return area->protection & PROT_EXEC &&
		       forbids_code(process->fds[FIXED_FILES - 1 + area->file]);
	return area->protection & PROT_EXEC || area->offset % pyi_page_bytes() != 0;
}

/* What is behind the end of a file is zeros. */
static bool copy(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t size_bytes,
		 char *piece)
{
	while (size_bytes) {
		size_t step = size_bytes < PIECE_BYTES ? (size_t)size_bytes : PIECE_BYTES;
		ssize_t got = pread(from_fd, piece, step, (off_t)from);

		if (got == 0)
			break;
		if (got < 0 || pwrite(to_fd, piece, (size_t)got, (off_t)to) != got)
			return false;
		from += (uint64_t)got;
		to += (uint64_t)got;
		size_bytes -= (uint64_t)got;
	}
	return true;
}

/* What is to be mapped where; the memory file gets what cannot be mapped from its own. */
static struct pyi_error *place_areas(struct pyi_core_process *process,
				     const struct pyi_core_memory *memory)
{
	PYI_CLEANUP(pyi_guard_free) char *piece = malloc(PIECE_BYTES);
	PYI_CLEANUP(pyi_guard_free) struct pyi_mirror_area *areas = NULL;
	uint64_t end = pyi_page_bytes();
	uint64_t copied_bytes = 0;

	areas = calloc(memory->area_count, sizeof(*areas));
	if (!areas || !piece)
		return pyi_error_no_memory();
	for (size_t a = 0; a < memory->area_count; a++)
		if (must_be_copied(process, &memory->areas[a]))
			copied_bytes += memory->areas[a].end_addr - memory->areas[a].start_addr;
	if (copied_bytes > memory->copy_limit_bytes)
		return pyi_error_create(
			PYI_EXIT_FAILED, PYI_ERROR_MEMORY_SHORT,
			"%" PRIu64 " MB of the core must be copied to memory, of which "
			"%" PRIu64 " MB are to be had: it is not written at whole pages",
			copied_bytes >> 20, memory->copy_limit_bytes >> 20);
	for (size_t a = 0; a < memory->area_count; a++) {
		const struct pyi_core_area *area = &memory->areas[a];
		struct pyi_mirror_area *placed = &areas[a];
		uint64_t size_bytes = area->end_addr - area->start_addr;

		*placed = (struct pyi_mirror_area){
			.start_addr = area->start_addr,
			.end_addr = area->end_addr,
			.offset = area->offset,
			.protection = (int)area->protection,
			.file = area->file ? FIXED_FILES - 1 + area->file : CORE_FILE,
		};
		if (area->protection & PROT_WRITE)
			process->heap_bytes += size_bytes;
		if (!must_be_copied(process, area))
			continue;
		if (!copy(process->fds[placed->file], area->offset, process->fds[MEMORY_FILE], end,
			  size_bytes, piece))
			return failed("copy the core to memory");
		placed->offset = end;
		placed->file = MEMORY_FILE;
		end += size_bytes;
		if (ftruncate(process->fds[MEMORY_FILE], (off_t)end) != 0)
			return failed("make room for the core in memory");
	}
	process->areas = pyi_return_ptr(areas);
	process->area_count = memory->area_count;
	return NULL;
}

/* Once: files and areas are the same for every process that is made. */
static struct pyi_error *prepare(struct pyi_core_process *process,
				 const struct pyi_core_memory *memory)
{
	const struct pyi_gadget_pattern *code = &pyi_arch_gadget_patterns[0];
	struct pyi_error *error = keep_fixed(process);
	int fd;

	process->prepared = true;
	if (error)
		return error;
	if (!are_right(process, memory))
		return bad_areas();
	fd = memfd_create("pyinspect-core", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)pyi_page_bytes()) != 0 ||
	    pwrite(fd, code->bytes, code->size_bytes, 0) != code->size_bytes)
		return failed("make a memory file for the core");
	process->fds[MEMORY_FILE] = fd;
	process->fds[CORE_FILE] = fcntl(memory->core_fd, F_DUPFD_CLOEXEC, 0);
	if (process->fds[CORE_FILE] < 0)
		return failed("keep the core open");
	return place_areas(process, memory);
}

/* The threads of the core, of which it is none: they were all held at once. */
static struct pyi_error *add_threads(struct pyi_snapshot *snapshot,
				     const struct pyi_core_memory *memory)
{
	snapshot->threads = calloc(memory->thread_count + 1, sizeof(*snapshot->threads));
	if (!snapshot->threads)
		return pyi_error_no_memory();
	for (size_t t = 0; t < memory->thread_count; t++)
		snapshot->threads[t] = (struct pyi_snapshot_thread){
			.namespace_tid = memory->threads[t].tid,
			.thread_pointer = memory->threads[t].thread_pointer,
			.held = true,
			.registers = memory->threads[t].registers,
		};
	snapshot->thread_count = memory->thread_count;
	for (size_t t = 0; t < memory->thread_count; t++)
		if (snapshot->threads[t].thread_pointer &&
		    pyi_arch_set_thread_pointer(snapshot->process.pid,
						snapshot->threads[t].thread_pointer))
			break;
	return NULL;
}

/* Whoever can, gives it to nobody; else it is the user's, with no more than the filter allows. */
static struct pyi_error *choose_owner(struct pyi_credentials *ret_credentials)
{
	struct pyi_process self = { .proc_fd = -1 };
	struct pyi_error *error;

	if (pyi_confine_has_capability(CAP_SETUID) && pyi_confine_has_capability(CAP_SETGID) &&
	    pyi_confine_has_capability(CAP_SYS_PTRACE)) {
		*ret_credentials = (struct pyi_credentials){
			.users = { NOBODY, NOBODY, NOBODY },
			.groups = { NOBODY, NOBODY, NOBODY },
		};
		return NULL;
	}
	error = pyi_process_open(getpid(), &self);
	if (!error)
		error = pyi_credentials_read(&self, ret_credentials);
	pyi_process_close(&self);
	return error;
}

static struct pyi_error *create(struct pyi_core_process *process)
{
	PYI_CLEANUP(pyi_credentials_deinit) struct pyi_credentials credentials = { 0 };
	PYI_CLEANUP(pyi_guard_free) struct pyi_map *maps = NULL;
	struct pyi_maps all = { 0 };
	struct pyi_mirror_plan plan = {
		.credentials = &credentials,
		.fds = process->fds,
		.fd_count = process->fd_count,
		.page_bytes = pyi_page_bytes(),
		.maps = &all,
		.areas = process->areas,
		.area_count = process->area_count,
	};
	struct pyi_error *error = choose_owner(&credentials);

	if (error)
		return error;
	maps = calloc(process->area_count, sizeof(*maps));
	if (!maps)
		return pyi_error_no_memory();
	for (size_t a = 0; a < process->area_count; a++) {
		maps[a].start_addr = process->areas[a].start_addr;
		maps[a].end_addr = process->areas[a].end_addr;
	}
	all.items = maps;
	all.count = process->area_count;
	return pyi_mirror_process_create(&plan, &process->snapshot.gadgets,
					 &process->snapshot.process.pid);
}

struct pyi_error *pyi_core_process_make(struct pyi_core_process *process,
					const struct pyi_core_memory *memory)
{
	struct pyi_snapshot *snapshot = &process->snapshot;
	struct pyi_error *error = process->prepared ? NULL : prepare(process, memory);

	if (!error && !process->areas)
		return bad_areas();
	if (!error)
		error = create(process);
	if (error) {
		snapshot->process.pid = 0;
		return error;
	}
	error = pyi_process_open(snapshot->process.pid, &snapshot->process);
	if (!error)
		error = add_threads(snapshot, memory);
	if (error) {
		pyi_core_process_end(process);
		return error;
	}
	pyi_growth_begin(&snapshot->process, &snapshot->growth);
	/* Nothing of it is in memory yet, but it is as large as it is. */
	snapshot->growth.limit_bytes += process->heap_bytes;
	return NULL;
}

struct pyi_error *pyi_core_process_list_pages(const struct pyi_core_process *process,
					      const struct pyi_wire_range *ranges, size_t count,
					      struct pyi_wire_range **ret_runs, size_t *ret_count)
{
	PYI_CLEANUP(pyi_guard_free) struct pyi_wire_range *runs = NULL;
	size_t capacity = 0;
	size_t found = 0;
	size_t a = 0;

	for (size_t r = 0; r < count; r++) {
		while (a < process->area_count &&
		       process->areas[a].end_addr <= ranges[r].start_addr)
			a++;
		for (; a < process->area_count && process->areas[a].start_addr < ranges[r].end_addr;
		     a++) {
			struct pyi_wire_range run = { process->areas[a].start_addr,
						      process->areas[a].end_addr };

			if (run.start_addr < ranges[r].start_addr)
				run.start_addr = ranges[r].start_addr;
			if (run.end_addr > ranges[r].end_addr)
				run.end_addr = ranges[r].end_addr;
			if (run.start_addr >= run.end_addr)
				break;
			if (found >= PYI_DATA_LIMIT / sizeof(run))
				return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
							"the core's memory is in too many pieces");
			if (!pyi_array_reserve(&runs, found, &capacity, sizeof(*runs)))
				return pyi_error_no_memory();
			runs[found++] = run;
			/* The rest of it is in the next range. */
			if (process->areas[a].end_addr > ranges[r].end_addr)
				break;
		}
	}
	*ret_runs = pyi_return_ptr(runs);
	*ret_count = found;
	return NULL;
}

void pyi_core_process_end(struct pyi_core_process *process)
{
	struct pyi_snapshot *snapshot = &process->snapshot;
	uint64_t deadline_ns = pyi_clock_deadline(END_TIMEOUT_MS, PYI_CLOCK_NEVER);
	pid_t pid;
	int status;

	if (snapshot->process.pid > 0 && !snapshot->dead) {
		pyi_tracee_kill(snapshot->process.pid);
		while (pyi_wait_tracee(snapshot->process.pid, deadline_ns, false, &pid, &status) ==
			       PYI_WAIT_REPORTED &&
		       WIFSTOPPED(status))
			;
	}
	pyi_process_close(&snapshot->process);
	pyi_seccomp_filters_deinit(&snapshot->filters);
	free(snapshot->threads);
	*snapshot = (struct pyi_snapshot){ .process.proc_fd = -1 };
}
