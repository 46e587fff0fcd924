/*
 * Searches executable mappings for byte sequences. Does not look at writable code, which may change
 * under us.
 */
#include "tracee/gadgets.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/page.h"

enum {
	/* The C library has all of them in its first half megabyte. */
	CHUNK_BYTES = 64 << 10,
	ENTRIES = CHUNK_BYTES / 4096,
	/* Documentation/admin-guide/mm/pagemap.rst */
	PAGE_PRESENT_BIT = 63,
};

static void search(const uint8_t *bytes, size_t size_bytes, uint64_t addr, uint64_t *found)
{
	for (size_t g = 0; g < pyi_arch_gadget_count; g++) {
		const struct pyi_gadget_pattern *pattern = &pyi_arch_gadget_patterns[g];
		const uint8_t *at = bytes;

		while (!found[g]) {
			at = memmem(at, size_bytes - (size_t)(at - bytes), pattern->bytes,
				    pattern->size_bytes);
			if (!at)
				break;
			if ((addr + (uint64_t)(at - bytes)) % pattern->alignment == 0)
				found[g] = addr + (uint64_t)(at - bytes);
			at++;
		}
	}
}

static bool all_found(const uint64_t *found)
{
	for (size_t g = 0; g < pyi_arch_gadget_count; g++)
		if (!found[g])
			return false;
	return true;
}

/* The C library and the loader first: they have all of them, and are small. */
static bool is_likely(const struct pyi_map *map)
{
	return strstr(map->path, "/libc.so") || strstr(map->path, "/libc-") ||
	       strstr(map->path, "/ld-") || strcmp(map->path, "[vdso]") == 0;
}

/* What is searched in. */
struct text {
	int memory_fd;
	/* Of /proc/PID/pagemap; -1: there is none. */
	int pagemap_fd;
	uint8_t *chunk;
};

/*
 * How many of the `size_bytes` from `addr` on, at most a chunk, lie in pages that are in memory
 * like the first one, or like it are not; and which of the two.
 */
static size_t measure_run(const struct text *text, uint64_t addr, size_t size_bytes,
			  bool *ret_present)
{
	size_t page_bytes = (size_t)pyi_page_bytes();
	size_t page_count = (size_bytes + page_bytes - 1) / page_bytes;
	uint64_t entries[ENTRIES] = { 0 };
	size_t page = 1;

	/* What the kernel says nothing of is not there. */
	if (pread(text->pagemap_fd, entries, page_count * sizeof(entries[0]),
		  (off_t)(addr / page_bytes * sizeof(entries[0]))) < 0)
		memset(entries, 0, sizeof(entries));
	*ret_present = entries[0] >> PAGE_PRESENT_BIT;
	while (page < page_count && entries[page] >> PAGE_PRESENT_BIT == *ret_present)
		page++;
	return page * page_bytes < size_bytes ? page * page_bytes : size_bytes;
}

/*
 * Searches one map; with `present`, only in pages that are there: to ask for another may be to wait
 * for somebody who never brings it, in a wait that no signal ends.
 */
static void search_map(const struct text *text, const struct pyi_map *map, bool present,
		       uint64_t *found)
{
	uint64_t addr = map->start_addr;

	while (addr < map->end_addr && !all_found(found)) {
		uint64_t left = map->end_addr - addr;
		size_t size = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
		bool is_there = true;
		ssize_t got;

		if (present && text->pagemap_fd >= 0)
			size = measure_run(text, addr, size, &is_there);
		got = (ssize_t)size;
		if (is_there)
			got = pread(text->memory_fd, text->chunk, size, (off_t)addr);
		if (got <= 0)
			return;
		if (is_there)
			search(text->chunk, (size_t)got, addr, found);
		addr += (uint64_t)got;
	}
}

static bool is_text(const struct pyi_map *map)
{
	return map->readable && map->executable && !map->writable && !map->shared &&
	       strcmp(map->path, "[vsyscall]") != 0;
}

struct pyi_error *pyi_gadgets_find(const struct pyi_process *process, const struct pyi_maps *maps,
				   bool (*is_kept)(void *argument, const struct pyi_map *map),
				   void *argument, struct pyi_gadgets *ret_gadgets)
{
	PYI_CLEANUP(pyi_guard_fd) int memory = -1;
	PYI_CLEANUP(pyi_guard_fd) int pagemap = -1;
	PYI_CLEANUP(pyi_guard_free) uint8_t *chunk = NULL;
	struct pyi_gadgets found = { 0 };
	struct pyi_error *error;
	struct text text;

	error = pyi_process_open_file(process, "mem", O_RDONLY | O_CLOEXEC, &memory);
	if (error)
		return error;
	pyi_error_destroy(
		pyi_process_open_file(process, "pagemap", O_RDONLY | O_CLOEXEC, &pagemap));
	chunk = malloc(CHUNK_BYTES);
	if (!chunk)
		return pyi_error_no_memory();
	text = (struct text){ memory, pagemap, chunk };
	for (int present = 1; present >= 0; present--)
		for (int likely = 1; likely >= 0; likely--)
			for (size_t m = 0; m < maps->count && !all_found(found.addr); m++) {
				const struct pyi_map *map = &maps->items[m];

				if (is_text(map) && is_likely(map) == (bool)likely &&
				    (present || is_kept(argument, map)))
					search_map(&text, map, present, found.addr);
			}
	for (size_t g = 0; g < pyi_arch_gadget_count; g++)
		if (!found.addr[g])
			return pyi_error_create(
				PYI_EXIT_FAILED, PYI_ERROR_NO_GADGET,
				"found no \"%s\" in the executable memory of process %d",
				pyi_arch_gadget_patterns[g].name, process->pid);
	*ret_gadgets = found;
	return NULL;
}
