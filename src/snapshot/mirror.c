/*
 * Copies memory with process_vm_readv() into a memory file, in large pieces, and maps that file
 * privately in a fork of ourselves from which everything else has been unmapped.
 */
#include "snapshot/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "snapshot/monitored.h"
#include "tracee/gadgets.h"
#include "tracee/rseq.h"
#include "tracee/tracee.h"
#include "tracee/wait.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

enum {
	PAGE_BYTES = 4096,
	PIECE_BYTES = 1 << 20,
	/* Of a file so much is copied whole; of a larger one what the target has in use. */
	WHOLE_FILE_BYTES = 64 << 20,
	/* Entries of /proc/PID/pagemap read at a time. */
	PAGEMAP_ENTRIES = 1 << 16,
	/* Runs of pages that the kernel is asked for at a time. */
	RUN_LIMIT = 1 << 10,
	STOP_TIMEOUT_MS = 5000,
	REGION_LIMIT = 1 << 20,
	SMAPS_LIMIT_BYTES = 1 << 30,
};
/* Maps can grow, and new ones can appear, between the preparation and the stop. */
#define SPARE_BYTES (UINT64_C(4) << 30)
#define GROWTH_BYTES (UINT64_C(64) << 20)
#define PAGE_IN_USE (UINT64_C(3) << 62)

/* struct page_region and struct pm_scan_arg of include/uapi/linux/fs.h, Linux 6.7 */
struct page_run {
	uint64_t start_addr;
	uint64_t end_addr;
	uint64_t categories;
};

struct page_scan {
	uint64_t size_bytes;
	uint64_t flags;
	uint64_t start_addr;
	uint64_t end_addr;
	uint64_t walked_addr;
	uint64_t runs_addr;
	uint64_t run_limit;
	uint64_t page_limit;
	uint64_t inverted;
	uint64_t all_of;
	uint64_t any_of;
	uint64_t told;
};

#define SCAN_PAGES _IOWR('f', 16, struct page_scan)
/* PAGE_IS_PRESENT, PAGE_IS_SWAPPED */
#define SCAN_IN_USE (UINT64_C(1) << 3 | UINT64_C(1) << 4)

struct region {
	uint64_t start_addr;
	uint64_t end_addr;
	/* Where in the file, and how much room there is. */
	uint64_t offset;
	uint64_t room_bytes;
	int protection;
	/* What it is a map of. */
	uint64_t inode;
	uint64_t file_offset;
	/* It cannot change any more, or has been copied in the stop. */
	bool copied;
	/* It is among the maps of now. */
	bool current;
};

struct pyi_mirror {
	struct region *regions;
	size_t region_count;
	/* Where the region found last is: maps come in order. */
	size_t hint;
	int fd;
	uint8_t *window;
	uint64_t window_bytes;
	uint64_t used_bytes;
	uint64_t *pagemap;
};

static struct pyi_error *failed(const char *what)
{
	int number = errno;
	struct pyi_error *error = pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_MIRROR_FAILED,
							 number, "cannot %s", what);

	if (number != ENOMEM && number != ENOSPC)
		return error;
	return pyi_error_hint(error, "there is too little memory for a copy, or no more may be "
				     "committed (vm.overcommit_memory = 2)");
}

/* What a payload may read: as heap/walk_run.c's ranges. */
static bool is_wanted(const struct pyi_map *map)
{
	return map->readable && !map->shared && strncmp(map->path, "[v", 2) != 0;
}

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static struct region *find_region(struct pyi_mirror *mirror, const struct pyi_map *map)
{
	for (size_t n = 0; n < mirror->region_count; n++) {
		size_t r = (mirror->hint + n) % mirror->region_count;

		if (mirror->regions[r].start_addr == map->start_addr) {
			mirror->hint = r + 1;
			return &mirror->regions[r];
		}
	}
	return NULL;
}

/* The room for a map, which may be known already. */
static struct pyi_error *place(struct pyi_mirror *mirror, const struct pyi_map *map,
			       struct region **ret_region)
{
	uint64_t bytes = map->end_addr - map->start_addr;
	int protection =
		PROT_READ | (map->writable ? PROT_WRITE : 0) | (map->executable ? PROT_EXEC : 0);
	struct region *region = find_region(mirror, map);
	uint64_t room = round_up(bytes) + (map->writable ? GROWTH_BYTES : 0);

	if (!region || region->room_bytes < bytes) {
		struct region *regions;

		if (mirror->region_count == REGION_LIMIT ||
		    mirror->window_bytes - mirror->used_bytes < room) {
			errno = ENOMEM;
			return failed("make room for its memory maps");
		}
		if (!region) {
			regions = realloc(mirror->regions,
					  (mirror->region_count + 1) * sizeof(*regions));
			if (!regions)
				return pyi_error_no_memory();
			mirror->regions = regions;
			region = &regions[mirror->region_count++];
		}
		*region = (struct region){
			.start_addr = map->start_addr,
			.offset = mirror->used_bytes,
			.room_bytes = room,
		};
		mirror->used_bytes += room;
	}
	/* Text that has become writable, or another library at its place, is copied again. */
	if (region->end_addr != map->end_addr || region->protection != protection ||
	    region->inode != map->inode || region->file_offset != map->offset || map->writable)
		region->copied = false;
	region->inode = map->inode;
	region->file_offset = map->offset;
	region->end_addr = map->end_addr;
	region->protection = protection;
	region->current = true;
	*ret_region = region;
	return NULL;
}

/*
 * Gets the memory for a copy. A page of the window that the kernel cannot provide would be SIGBUS
 * for whoever touches it: hence this way.
 */
static bool has_room(const struct pyi_mirror *mirror, const struct region *region, uint64_t addr,
		     uint64_t size_bytes)
{
	int result;

	do {
		result = fallocate(mirror->fd, 0,
				   (off_t)(region->offset + (addr - region->start_addr)),
				   (off_t)size_bytes);
	} while (result != 0 && errno == EINTR);
	return result == 0;
}

/*
 * Copies [addr, addr + size); what cannot be read stays zero. False if there is no memory for the
 * copy.
 */
static bool copy_range(const struct pyi_mirror *mirror, const struct pyi_process *process,
		       const struct region *region, uint64_t addr, uint64_t size_bytes)
{
	while (size_bytes) {
		uint64_t piece = size_bytes < PIECE_BYTES ? size_bytes : PIECE_BYTES;
		struct iovec local = {
			mirror->window + region->offset + (addr - region->start_addr),
			(size_t)piece,
		};
		struct iovec remote = { (void *)(uintptr_t)addr, (size_t)piece };
		ssize_t got = process_vm_readv(process->pid, &local, 1, &remote, 1, 0);
		uint64_t done = got > 0 ? (uint64_t)got : 0;

		/* A page behind the end of its file: go on with the next. */
		if (done < piece) {
			if (!has_room(mirror, region, (addr + done) / PAGE_BYTES * PAGE_BYTES,
				      PAGE_BYTES))
				return false;
			done = round_up(addr + done + 1) - addr;
		}
		if (done > size_bytes)
			done = size_bytes;
		addr += done;
		size_bytes -= done;
	}
	return true;
}

/* By the kernel's own list, which takes no time for what is not there; false if it has none. */
static bool scan_runs(int pagemap_fd, uint64_t start_addr, uint64_t end_addr,
		      void (*run)(void *argument, uint64_t addr, uint64_t size_bytes),
		      void *argument)
{
	struct page_run runs[RUN_LIMIT];

	while (start_addr < end_addr) {
		struct page_scan scan = {
			.size_bytes = sizeof(scan),
			.start_addr = start_addr,
			.end_addr = end_addr,
			.runs_addr = (uint64_t)(uintptr_t)runs,
			.run_limit = RUN_LIMIT,
			.any_of = SCAN_IN_USE,
			.told = SCAN_IN_USE,
		};
		int count = ioctl(pagemap_fd, SCAN_PAGES, &scan);

		if (count < 0 || scan.walked_addr <= start_addr)
			return false;
		for (int r = 0; r < count; r++)
			run(argument, runs[r].start_addr, runs[r].end_addr - runs[r].start_addr);
		start_addr = scan.walked_addr;
	}
	return true;
}

/* Calls `run` for each run of pages that the target has in use. */
static bool each_run(struct pyi_mirror *mirror, int pagemap_fd, uint64_t start_addr,
		     uint64_t end_addr,
		     void (*run)(void *argument, uint64_t addr, uint64_t size_bytes),
		     void *argument)
{
	uint64_t page = start_addr / PAGE_BYTES;
	uint64_t end = end_addr / PAGE_BYTES;
	uint64_t begun = UINT64_MAX;

	if (scan_runs(pagemap_fd, start_addr, end_addr, run, argument))
		return true;
	while (page < end) {
		uint64_t count = end - page < PAGEMAP_ENTRIES ? end - page : PAGEMAP_ENTRIES;
		ssize_t got = pread(pagemap_fd, mirror->pagemap, count * sizeof(*mirror->pagemap),
				    (off_t)(page * sizeof(*mirror->pagemap)));

		if (got <= 0)
			return false;
		count = (uint64_t)got / sizeof(*mirror->pagemap);
		for (uint64_t i = 0; i < count; i++) {
			bool used = mirror->pagemap[i] & PAGE_IN_USE;

			if (used && begun == UINT64_MAX)
				begun = page + i;
			if (!used && begun != UINT64_MAX) {
				run(argument, begun * PAGE_BYTES, (page + i - begun) * PAGE_BYTES);
				begun = UINT64_MAX;
			}
		}
		page += count;
	}
	if (begun != UINT64_MAX)
		run(argument, begun * PAGE_BYTES, (page - begun) * PAGE_BYTES);
	return true;
}

struct copying {
	const struct pyi_mirror *mirror;
	const struct pyi_process *process;
	const struct region *region;
	/* There was no memory for a part of it. */
	bool short_of_memory;
};

static struct pyi_error *no_room(void)
{
	errno = ENOMEM;
	return failed("get memory for the mirror");
}

static void copy_run(void *argument, uint64_t addr, uint64_t size_bytes)
{
	struct copying *copying = argument;

	if (!copy_range(copying->mirror, copying->process, copying->region, addr, size_bytes))
		copying->short_of_memory = true;
}

/* Gets the memory for a copy before the target has to wait for it. */
static void populate_run(void *argument, uint64_t addr, uint64_t size_bytes)
{
	struct copying *copying = argument;

	if (!has_room(copying->mirror, copying->region, addr, size_bytes)) {
		copying->short_of_memory = true;
		return;
	}
	/* Only saves page faults, where the kernel knows it (Linux 5.14). */
	(void)!madvise(copying->mirror->window + copying->region->offset +
			       (addr - copying->region->start_addr),
		       size_bytes, MADV_POPULATE_WRITE);
}

/*
 * What the target has in use. In the stop nothing else may be asked for: a page that is not there
 * may have to be brought by a thread that stands still, or by a dead server.
 */
static struct pyi_error *copy_region(struct pyi_mirror *mirror, const struct pyi_process *process,
				     int pagemap_fd, const struct pyi_map *map,
				     struct region *region)
{
	struct copying copying = { mirror, process, region, false };

	if (!each_run(mirror, pagemap_fd, map->start_addr, map->end_addr, copy_run, &copying))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TARGET_EXITED,
					"process %d exited meanwhile", process->pid);
	if (copying.short_of_memory)
		return no_room();
	region->copied = true;
	return NULL;
}

static struct pyi_error *open_window(struct pyi_mirror *mirror, const struct pyi_maps *maps)
{
	uint64_t bytes = SPARE_BYTES;

	for (size_t m = 0; m < maps->count; m++)
		if (is_wanted(&maps->items[m]))
			bytes += round_up(maps->items[m].end_addr - maps->items[m].start_addr) +
				 GROWTH_BYTES;
	mirror->pagemap = malloc(PAGEMAP_ENTRIES * sizeof(*mirror->pagemap));
	if (!mirror->pagemap)
		return pyi_error_no_memory();
	mirror->fd = (int)syscall(SYS_memfd_create, "pyinspect-mirror", 1U /* MFD_CLOEXEC */);
	if (mirror->fd < 0 || ftruncate(mirror->fd, (off_t)bytes) != 0)
		return failed("make a memory file for the mirror");
	mirror->window = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			      mirror->fd, 0);
	if (mirror->window == MAP_FAILED) {
		mirror->window = NULL;
		return failed("map the mirror's memory");
	}
	mirror->window_bytes = bytes;
	return NULL;
}

/* Only of these, or of memory without a file, can the pages be brought by a userfaultfd. */
static bool is_of_no_disk(const struct pyi_map *map)
{
	return map->inode && !map->device_major;
}

/* The target's smaps, if that has to be asked; empty if not. */
static struct pyi_error *read_flags(const struct pyi_process *process, const struct pyi_maps *maps,
				    char **ret_text)
{
	bool needed = false;

	for (size_t m = 0; m < maps->count; m++)
		needed |= is_wanted(&maps->items[m]) && is_of_no_disk(&maps->items[m]);
	if (needed)
		return pyi_process_read_file(process, "smaps", SMAPS_LIMIT_BYTES, ret_text, NULL);
	*ret_text = calloc(1, 1);
	return *ret_text ? NULL : pyi_error_no_memory();
}

/* Copies a file's pages whole, for they can be read while the target runs; else what is in use. */
static struct pyi_error *prepare_map(struct pyi_mirror *mirror, const struct pyi_process *process,
				     int pagemap_fd, const struct pyi_map *map, bool monitored)
{
	uint64_t bytes = map->end_addr - map->start_addr;
	struct copying copying = { mirror, process, NULL, false };
	struct region *region = NULL;
	struct pyi_error *error = place(mirror, map, &region);

	if (error || !region)
		return error;
	copying.region = region;
	if (map->inode && bytes <= WHOLE_FILE_BYTES && !monitored) {
		if (!copy_range(mirror, process, region, map->start_addr, bytes))
			return no_room();
		region->copied = true;
		return NULL;
	}
	if (!map->writable)
		return copy_region(mirror, process, pagemap_fd, map, region);
	(void)each_run(mirror, pagemap_fd, map->start_addr, map->end_addr, populate_run, &copying);
	return copying.short_of_memory ? no_room() : NULL;
}

static struct pyi_error *prepare_maps(struct pyi_mirror *mirror, const struct pyi_process *process,
				      const struct pyi_maps *maps)
{
	PYI_CLEANUP(pyi_guard_fd) int pagemap_fd = -1;
	PYI_CLEANUP(pyi_guard_free) char *flags = NULL;
	const char *cursor;
	struct pyi_error *error =
		pyi_process_open_file(process, "pagemap", O_RDONLY | O_CLOEXEC, &pagemap_fd);

	if (!error)
		error = read_flags(process, maps, &flags);
	cursor = flags;
	for (size_t m = 0; m < maps->count && !error; m++) {
		const struct pyi_map *map = &maps->items[m];

		if (is_wanted(map))
			error = prepare_map(mirror, process, pagemap_fd, map,
					    is_of_no_disk(map) && pyi_monitored_map(&cursor, map));
	}
	return error;
}

struct pyi_error *pyi_mirror_prepare(const struct pyi_process *process, const struct pyi_maps *maps,
				     struct pyi_mirror **ret_mirror)
{
	struct pyi_mirror *mirror = calloc(1, sizeof(*mirror));
	struct pyi_error *error;

	if (!mirror)
		return pyi_error_no_memory();
	mirror->fd = -1;
	error = open_window(mirror, maps);
	if (!error)
		error = prepare_maps(mirror, process, maps);
	if (error) {
		pyi_mirror_destroy(mirror);
		return error;
	}
	*ret_mirror = mirror;
	return NULL;
}

struct pyi_error *pyi_mirror_copy(struct pyi_mirror *mirror, const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	PYI_CLEANUP(pyi_guard_fd) int pagemap_fd = -1;
	struct pyi_error *error;

	for (size_t r = 0; r < mirror->region_count; r++)
		mirror->regions[r].current = false;
	error = pyi_process_open_file(process, "pagemap", O_RDONLY | O_CLOEXEC, &pagemap_fd);
	if (!error)
		error = pyi_maps_read(process, &maps);
	for (size_t m = 0; m < maps.count && !error; m++) {
		struct region *region = NULL;

		if (!is_wanted(&maps.items[m]))
			continue;
		error = place(mirror, &maps.items[m], &region);
		if (!error && region && !region->copied)
			error = copy_region(mirror, process, pagemap_fd, &maps.items[m], region);
	}
	return error;
}

/* The process that is to become the mirror: it waits to be taken over. */
static pid_t fork_helper(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It could have ended before that. */
	if (getppid() != parent)
		_exit(PYI_ORPHAN_EXIT_STATUS);
	for (;;)
		pause();
}

static bool take_over(pid_t pid)
{
	uint64_t deadline_ns = pyi_clock_deadline(STOP_TIMEOUT_MS, PYI_CLOCK_NEVER);
	uint64_t every_signal = UINT64_MAX;
	pid_t reporter;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL,
		   (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
		return false;
	do {
		if (pyi_wait_tracee(pid, deadline_ns, false, &reporter, &status) !=
			    PYI_WAIT_REPORTED ||
		    !WIFSTOPPED(status))
			return false;
	} while (status >> 16 != PTRACE_EVENT_STOP && ptrace(PTRACE_CONT, pid, NULL, NULL) == 0);
	return ptrace(PTRACE_SETSIGMASK, pid, (void *)sizeof(every_signal), &every_signal) == 0;
}

/* What is needed to run system calls in the helper while its memory is exchanged. */
struct helper {
	pid_t pid;
	struct pyi_process process;
	struct pyi_maps maps;
	struct pyi_gadgets gadgets;
};

static struct pyi_error *call(const struct helper *helper, uint64_t number,
			      const uint64_t arguments[PYI_SYSCALL_ARGUMENTS], const char *what)
{
	int64_t result;
	struct pyi_error *error = pyi_tracee_syscall_unguarded(helper->pid, &helper->gadgets, 0,
							       number, arguments, &result);

	if (!error && result < 0 && result > -PAGE_BYTES) {
		errno = (int)-result;
		error = failed(what);
	}
	return error;
}

static struct pyi_error *map_region(const struct helper *helper, const struct pyi_mirror *mirror,
				    const struct region *region)
{
	const uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = {
		region->start_addr,	      region->end_addr - region->start_addr,
		(uint64_t)region->protection, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
		(uint64_t)mirror->fd,	      region->offset,
	};

	return call(helper, SYS_mmap, arguments, "map the target's memory in its mirror");
}

static struct pyi_error *unmap(const struct helper *helper, uint64_t start_addr, uint64_t end_addr)
{
	const uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = { start_addr, end_addr - start_addr };

	return call(helper, SYS_munmap, arguments, "empty the mirror");
}

/* Unmaps what is left of the helper's own map. */
static struct pyi_error *unmap_rest(const struct helper *helper, const struct pyi_mirror *mirror,
				    const struct pyi_map *map)
{
	uint64_t addr = map->start_addr;

	while (addr < map->end_addr) {
		uint64_t end_addr = map->end_addr;
		uint64_t next = map->end_addr;
		struct pyi_error *error;

		for (size_t r = 0; r < mirror->region_count; r++) {
			const struct region *region = &mirror->regions[r];

			if (!region->current || region->end_addr <= addr ||
			    region->start_addr >= end_addr)
				continue;
			end_addr = region->start_addr > addr ? region->start_addr : addr;
			next = region->end_addr;
		}
		if (end_addr > addr) {
			error = unmap(helper, addr, end_addr);
			if (error)
				return error;
		}
		addr = next > end_addr ? next : end_addr;
	}
	return NULL;
}

static struct pyi_error *exchange_memory(struct helper *helper, const struct pyi_mirror *mirror,
					 const struct pyi_gadgets *gadgets)
{
	const uint64_t every_descriptor[PYI_SYSCALL_ARGUMENTS] = { 0, UINT32_MAX };
	struct pyi_error *error = NULL;
	size_t text = mirror->region_count;

	for (size_t r = 0; r < mirror->region_count; r++)
		if (mirror->regions[r].current &&
		    gadgets->addr[0] >= mirror->regions[r].start_addr &&
		    gadgets->addr[0] < mirror->regions[r].end_addr)
			text = r;
	if (text == mirror->region_count) {
		errno = ENOENT;
		return failed("find the target's text in its mirror");
	}
	/* From here on with the target's own text: ours is about to go. */
	error = map_region(helper, mirror, &mirror->regions[text]);
	helper->gadgets = *gadgets;
	for (size_t r = 0; r < mirror->region_count && !error; r++)
		if (r != text && mirror->regions[r].current)
			error = map_region(helper, mirror, &mirror->regions[r]);
	for (size_t m = 0; m < helper->maps.count && !error; m++)
		if (strcmp(helper->maps.items[m].path, "[vsyscall]") != 0)
			error = unmap_rest(helper, mirror, &helper->maps.items[m]);
	if (error)
		return error;
	/* Without it (before Linux 5.9) they stay, and no system call of the payload is executed.
	 */
	pyi_error_destroy(call(helper, SYS_close_range, every_descriptor, "close its files"));
	return NULL;
}

static struct pyi_error *take_memory(struct helper *helper, const struct pyi_mirror *mirror,
				     const struct pyi_gadgets *gadgets)
{
	static const char comm[] = PYI_SNAPSHOT_COMM;
	const uint64_t name[PYI_SYSCALL_ARGUMENTS] = { PR_SET_NAME, (uintptr_t)comm };
	uint64_t unregister[PYI_SYSCALL_ARGUMENTS];
	struct pyi_error *error;

	if (!take_over(helper->pid))
		return failed("take hold of the mirror");
	error = pyi_process_open(helper->pid, &helper->process);
	if (!error)
		error = pyi_maps_read(&helper->process, &helper->maps);
	if (!error)
		error = pyi_gadgets_find(&helper->process, &helper->maps, &helper->gadgets);
	/* It is mostly seized before it has run an instruction, so this is not left to itself. */
	if (!error)
		error = call(helper, SYS_prctl, name, "name the mirror");
	/* The kernel would write to an area that is not there any more. */
	if (!error && pyi_rseq_unregister_arguments(helper->pid, unregister))
		error = call(helper, SYS_rseq, unregister, "forget the mirror's rseq area");
	else if (!error && pyi_rseq_own_unregister_arguments(unregister))
		/* Before Linux 5.13 nobody says whether it has one: it may well have none. */
		pyi_error_destroy(call(helper, SYS_rseq, unregister, "forget its rseq area"));
	if (!error)
		error = exchange_memory(helper, mirror, gadgets);
	return error;
}

struct pyi_error *pyi_mirror_build(struct pyi_mirror *mirror, const struct pyi_gadgets *gadgets,
				   pid_t *ret_pid)
{
	struct helper helper = { .pid = fork_helper(), .process.proc_fd = -1 };
	struct pyi_error *error;

	if (helper.pid < 0)
		return failed("fork for the mirror");
	error = take_memory(&helper, mirror, gadgets);
	pyi_maps_deinit(&helper.maps);
	pyi_process_close(&helper.process);
	if (error) {
		kill(helper.pid, SIGKILL);
		while (waitpid(helper.pid, NULL, __WALL) < 0 && errno == EINTR)
			;
		return error;
	}
	munmap(mirror->window, mirror->window_bytes);
	mirror->window = NULL;
	*ret_pid = helper.pid;
	return NULL;
}

void pyi_mirror_destroy(struct pyi_mirror *mirror)
{
	if (!mirror)
		return;
	if (mirror->window)
		munmap(mirror->window, mirror->window_bytes);
	if (mirror->fd >= 0)
		close(mirror->fd);
	free(mirror->pagemap);
	free(mirror->regions);
	free(mirror);
}
