/*
 * Copies memory with process_vm_readv() into a memory file, in large pieces. The process that has
 * it is made by mirror_process.c.
 */
#include "snapshot/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "process/credentials.h"
#include "snapshot/mirror_process.h"
#include "snapshot/monitored.h"
#include "snapshot/mounts.h"
#include "snapshot/pages.h"
#include "tracee/arch.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
	PIECE_BYTES = 1 << 20,
	/* Of a file so much is copied whole; of a larger one what the target has in use. */
	WHOLE_FILE_BYTES = 64 << 20,
	REGION_LIMIT = 1 << 20,
	SMAPS_LIMIT_BYTES = 1 << 30,
	/*
	 * The payload has a table for each of these pieces of address space (1 GiB: PYI_CHUNK_SHIFT
	 * in payloads/state.h). With more than so many only those that have pages are mapped, of
	 * which there may be so many.
	 */
	CHUNK_SHIFT = 30,
	CHUNK_ALLOWANCE = 2048,
	USED_CHUNK_LIMIT = 4096,
};
/* Maps can grow, and new ones can appear, between the preparation and the stop. */
#define SPARE_BYTES (UINT64_C(4) << 30)
#define GROWTH_BYTES (UINT64_C(64) << 20)

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
	size_t region_room;
	/* The first of them are in the order of addresses. */
	size_t ordered_count;
	int fd;
	uint8_t *window;
	uint64_t window_bytes;
	uint64_t used_bytes;
	struct pyi_pages pages;
	/* Whom the target belonged to, and what it had mapped, when it was copied. */
	struct pyi_credentials credentials;
	struct pyi_maps maps;
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

static uint64_t round_up(const struct pyi_mirror *mirror, uint64_t bytes)
{
	return (bytes + mirror->pages.page_bytes - 1) / mirror->pages.page_bytes *
	       mirror->pages.page_bytes;
}

/* Regions that were added in the order of addresses, mostly all of them, are found quickly. */
static struct region *find_region(struct pyi_mirror *mirror, const struct pyi_map *map)
{
	size_t low = 0;
	size_t high = mirror->ordered_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mirror->regions[middle].start_addr < map->start_addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < mirror->ordered_count && mirror->regions[low].start_addr == map->start_addr)
		return &mirror->regions[low];
	for (size_t r = mirror->ordered_count; r < mirror->region_count; r++)
		if (mirror->regions[r].start_addr == map->start_addr)
			return &mirror->regions[r];
	return NULL;
}

/* A new one for a map. */
static struct region *add_region(struct pyi_mirror *mirror, const struct pyi_map *map)
{
	size_t count = mirror->region_count;

	if (!pyi_array_reserve(&mirror->regions, count, &mirror->region_room,
			       sizeof(*mirror->regions)))
		return NULL;
	if (mirror->ordered_count == count &&
	    (!count || mirror->regions[count - 1].start_addr < map->start_addr))
		mirror->ordered_count++;
	return &mirror->regions[mirror->region_count++];
}

/* The room for a map, which may be known already. */
static struct pyi_error *place(struct pyi_mirror *mirror, const struct pyi_map *map,
			       struct region **ret_region)
{
	uint64_t bytes = map->end_addr - map->start_addr;
	int protection =
		PROT_READ | (map->writable ? PROT_WRITE : 0) | (map->executable ? PROT_EXEC : 0);
	struct region *region = find_region(mirror, map);
	uint64_t room = round_up(mirror, bytes) + (map->writable ? GROWTH_BYTES : 0);

	if (!region || region->room_bytes < bytes) {
		if (mirror->region_count == REGION_LIMIT ||
		    mirror->window_bytes - mirror->used_bytes < room) {
			errno = ENOMEM;
			return failed("make room for its memory maps");
		}
		if (!region) {
			region = add_region(mirror, map);
			if (!region)
				return pyi_error_no_memory();
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

/* A page of the window that the kernel cannot provide would be SIGBUS for whoever touches it. */
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
			uint64_t page =
				(addr + done) / mirror->pages.page_bytes * mirror->pages.page_bytes;

			if (!has_room(mirror, region, page, mirror->pages.page_bytes))
				return false;
			done = round_up(mirror, addr + done + 1) - addr;
		}
		if (done > size_bytes)
			done = size_bytes;
		addr += done;
		size_bytes -= done;
	}
	return true;
}

static void ignore_run(void *argument, uint64_t addr, uint64_t size_bytes)
{
	(void)argument;
	(void)addr;
	(void)size_bytes;
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

	if (!pyi_pages_each(&mirror->pages, pagemap_fd, map->start_addr, map->end_addr, copy_run,
			    &copying))
		return pyi_process_is_alive(process)
			       ? failed("list the pages that the process has in use")
			       : pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TARGET_EXITED,
						  "process %d exited meanwhile", process->pid);
	if (copying.short_of_memory)
		return no_room();
	region->copied = true;
	return NULL;
}

static struct pyi_error *open_window(struct pyi_mirror *mirror, const struct pyi_maps *maps)
{
	const struct pyi_gadget_pattern *code = &pyi_arch_gadget_patterns[0];
	uint64_t bytes = mirror->pages.page_bytes + SPARE_BYTES;

	for (size_t m = 0; m < maps->count; m++)
		if (pyi_map_can_hold_objects(&maps->items[m]))
			bytes += round_up(mirror,
					  maps->items[m].end_addr - maps->items[m].start_addr) +
				 GROWTH_BYTES;
	mirror->pages.entries = malloc(PYI_PAGES_ENTRIES * sizeof(*mirror->pages.entries));
	if (!mirror->pages.entries)
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
	/* The first page is that of our own code. Not by the window: there may be no page for it.
	 */
	if (pwrite(mirror->fd, code->bytes, code->size_bytes, 0) < 0)
		return no_room();
	mirror->used_bytes = mirror->pages.page_bytes;
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
		needed |=
			pyi_map_can_hold_objects(&maps->items[m]) && is_of_no_disk(&maps->items[m]);
	if (needed)
		return pyi_process_read_file(process, "smaps", SMAPS_LIMIT_BYTES, ret_text, NULL);
	*ret_text = calloc(1, 1);
	return *ret_text ? NULL : pyi_error_no_memory();
}

/* Whose pages come when they are asked for, whoever the target is: not those of FUSE, for one. */
static bool has_sure_pages(const struct pyi_mirror *mirror, const struct pyi_mounts *mounts,
			   const struct pyi_map *map, const char **flags)
{
	struct stat memory_file;

	if (!map->inode || (is_of_no_disk(map) && pyi_monitored_map(flags, map)))
		return false;
	if (pyi_mounts_is_kept_by_kernel(mounts, map))
		return true;
	/* Memory files, ours as the target's, are on a file system that is mounted nowhere. */
	return fstat(mirror->fd, &memory_file) == 0 &&
	       major(memory_file.st_dev) == map->device_major &&
	       minor(memory_file.st_dev) == map->device_minor;
}

/*
 * Copies a file's pages whole if they are `sure` to come, for they can be read while the target
 * runs; else what is in use.
 */
static struct pyi_error *prepare_map(struct pyi_mirror *mirror, const struct pyi_process *process,
				     int pagemap_fd, const struct pyi_map *map, bool sure)
{
	uint64_t bytes = map->end_addr - map->start_addr;
	struct copying copying = { mirror, process, NULL, false };
	struct region *region = NULL;
	struct pyi_error *error = place(mirror, map, &region);

	if (error || !region)
		return error;
	copying.region = region;
	if (sure && bytes <= WHOLE_FILE_BYTES) {
		if (!copy_range(mirror, process, region, map->start_addr, bytes))
			return no_room();
		region->copied = true;
		return NULL;
	}
	if (!map->writable)
		return copy_region(mirror, process, pagemap_fd, map, region);
	(void)pyi_pages_each(&mirror->pages, pagemap_fd, map->start_addr, map->end_addr,
			     populate_run, &copying);
	return copying.short_of_memory ? no_room() : NULL;
}

/* What the process is to have where. */
struct areas {
	struct pyi_mirror_area *items;
	size_t count;
	size_t room;
	/* Pieces of address space that they are in. */
	uint64_t chunks;
	uint64_t last_chunk;
};

static void free_areas(struct areas *areas)
{
	free(areas->items);
}

/* Areas come in the order of addresses, nearly: what is counted twice makes no harm. */
static struct pyi_error *add_area(struct areas *areas, const struct region *region,
				  uint64_t start_addr, uint64_t end_addr)
{
	uint64_t first_chunk = start_addr >> CHUNK_SHIFT;
	uint64_t last_chunk = (end_addr - 1) >> CHUNK_SHIFT;
	struct pyi_mirror_area *last = areas->count ? &areas->items[areas->count - 1] : NULL;

	areas->chunks += last_chunk - first_chunk + !(last && areas->last_chunk == first_chunk);
	areas->last_chunk = last_chunk;
	if (last && last->end_addr == start_addr && start_addr != region->start_addr) {
		last->end_addr = end_addr;
		return NULL;
	}
	if (!pyi_array_reserve(&areas->items, areas->count, &areas->room, sizeof(*areas->items)))
		return pyi_error_no_memory();
	areas->items[areas->count++] = (struct pyi_mirror_area){
		.start_addr = start_addr,
		.end_addr = end_addr,
		.offset = region->offset + (start_addr - region->start_addr),
		.protection = region->protection,
	};
	return NULL;
}

/* Only the chunks of a region of which the memory file has anything. */
static struct pyi_error *add_used(const struct pyi_mirror *mirror, const struct region *region,
				  struct areas *areas)
{
	const uint64_t chunk_bytes = UINT64_C(1) << CHUNK_SHIFT;
	uint64_t addr = region->start_addr;
	struct pyi_error *error = NULL;

	while (addr < region->end_addr && !error) {
		off_t data =
			lseek(mirror->fd, (off_t)(region->offset + (addr - region->start_addr)),
			      SEEK_DATA);
		uint64_t end_addr;

		if (data < 0)
			return errno == ENXIO ? NULL : failed("look for the mirror's memory");
		addr = (uint64_t)data - region->offset + region->start_addr;
		if (addr >= region->end_addr)
			return NULL;
		end_addr = (addr | (chunk_bytes - 1)) + 1;
		if (end_addr > region->end_addr || end_addr < addr)
			end_addr = region->end_addr;
		addr &= ~(chunk_bytes - 1);
		if (addr < region->start_addr)
			addr = region->start_addr;
		error = add_area(areas, region, addr, end_addr);
		addr = end_addr;
	}
	return error;
}

/*
 * All of the regions; of a target with terabytes of address space only what has pages, and that not
 * without end: else its size would be that of our tables.
 */
static struct pyi_error *list_areas(const struct pyi_mirror *mirror, struct areas *areas)
{
	struct pyi_error *error = NULL;

	for (size_t r = 0; r < mirror->region_count && !error; r++) {
		const struct region *region = &mirror->regions[r];

		if (region->current)
			error = add_area(areas, region, region->start_addr, region->end_addr);
	}
	if (error || areas->chunks <= CHUNK_ALLOWANCE)
		return error;
	areas->count = 0;
	areas->chunks = 0;
	for (size_t r = 0; r < mirror->region_count && !error; r++)
		if (mirror->regions[r].current)
			error = add_used(mirror, &mirror->regions[r], areas);
	if (error || areas->chunks <= USED_CHUNK_LIMIT)
		return error;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_MIRROR_FAILED,
				"the target's memory is scattered over %" PRIu64
				" GB of addresses: more than %d cannot be mirrored",
				areas->chunks, USED_CHUNK_LIMIT);
}

/* Before anything is stopped. */
static struct pyi_error *check_areas(const struct pyi_mirror *mirror)
{
	PYI_CLEANUP(free_areas) struct areas areas = { 0 };

	return list_areas(mirror, &areas);
}

/* Without the kernel's own list of pages each of terabytes would have to be asked about. */
static struct pyi_error *check_scan(const struct pyi_maps *maps, int pagemap_fd,
				    uint64_t page_bytes)
{
	uint64_t chunks = 0;
	const struct pyi_map *any = NULL;

	for (size_t m = 0; m < maps->count; m++) {
		if (!pyi_map_can_hold_objects(&maps->items[m]))
			continue;
		any = &maps->items[m];
		chunks += (any->end_addr - any->start_addr) >> CHUNK_SHIFT;
	}
	if (chunks <= CHUNK_ALLOWANCE ||
	    pyi_pages_scan(pagemap_fd, any->start_addr, any->start_addr + page_bytes, ignore_run,
			   NULL))
		return NULL;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_MIRROR_FAILED,
				"the target has mapped %" PRIu64
				" GB of addresses: only Linux 6.7 and later say which of them are "
				"in use, without a long stop",
				chunks);
}

static struct pyi_error *prepare_maps(struct pyi_mirror *mirror, const struct pyi_process *process,
				      const struct pyi_maps *maps)
{
	PYI_CLEANUP(pyi_guard_fd) int pagemap_fd = -1;
	PYI_CLEANUP(pyi_mounts_deinit) struct pyi_mounts mounts = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *flags = NULL;
	const char *cursor;
	struct pyi_error *error =
		pyi_process_open_file(process, "pagemap", O_RDONLY | O_CLOEXEC, &pagemap_fd);

	if (!error)
		error = read_flags(process, maps, &flags);
	if (!error)
		error = pyi_mounts_read(process, &mounts);
	if (!error)
		error = check_scan(maps, pagemap_fd, mirror->pages.page_bytes);
	cursor = flags;
	for (size_t m = 0; m < maps->count && !error; m++) {
		const struct pyi_map *map = &maps->items[m];

		if (pyi_map_can_hold_objects(map))
			error = prepare_map(mirror, process, pagemap_fd, map,
					    has_sure_pages(mirror, &mounts, map, &cursor));
	}
	return error ? error : check_areas(mirror);
}

struct pyi_error *pyi_mirror_prepare(const struct pyi_process *process, const struct pyi_maps *maps,
				     struct pyi_mirror **ret_mirror)
{
	struct pyi_mirror *mirror = calloc(1, sizeof(*mirror));
	struct pyi_error *error;

	if (!mirror)
		return pyi_error_no_memory();
	mirror->fd = -1;
	mirror->pages.page_bytes = pyi_page_bytes();
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
	PYI_CLEANUP(pyi_guard_fd) int pagemap_fd = -1;
	const struct pyi_maps *maps = &mirror->maps;
	struct pyi_error *error;

	for (size_t r = 0; r < mirror->region_count; r++)
		mirror->regions[r].current = false;
	error = pyi_process_open_file(process, "pagemap", O_RDONLY | O_CLOEXEC, &pagemap_fd);
	if (!error)
		error = pyi_credentials_read(process, &mirror->credentials);
	if (!error)
		error = pyi_maps_read(process, &mirror->maps);
	for (size_t m = 0; m < maps->count && !error; m++) {
		struct region *region = NULL;

		if (!pyi_map_can_hold_objects(&maps->items[m]))
			continue;
		error = place(mirror, &maps->items[m], &region);
		if (!error && region && !region->copied)
			error = copy_region(mirror, process, pagemap_fd, &maps->items[m], region);
	}
	return error;
}

struct pyi_error *pyi_mirror_build(struct pyi_mirror *mirror, struct pyi_gadgets *ret_gadgets,
				   pid_t *ret_pid)
{
	PYI_CLEANUP(free_areas) struct areas areas = { 0 };
	struct pyi_mirror_plan plan = {
		.credentials = &mirror->credentials,
		.fds = &mirror->fd,
		.fd_count = 1,
		.page_bytes = mirror->pages.page_bytes,
		.maps = &mirror->maps,
	};
	struct pyi_error *error;

	error = list_areas(mirror, &areas);
	if (error)
		return error;
	plan.areas = areas.items;
	plan.area_count = areas.count;
	error = pyi_mirror_process_create(&plan, ret_gadgets, ret_pid);
	if (error)
		return error;
	munmap(mirror->window, mirror->window_bytes);
	mirror->window = NULL;
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
	pyi_credentials_deinit(&mirror->credentials);
	pyi_maps_deinit(&mirror->maps);
	free(mirror->pages.entries);
	free(mirror->regions);
	free(mirror);
}
