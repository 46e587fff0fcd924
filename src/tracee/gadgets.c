/*
 * Searches executable mappings for byte sequences. Does not look at writable code, which may change
 * under us.
 */
#include "tracee/gadgets.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	CHUNK_BYTES = 1 << 20,
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

struct pyi_error *pyi_gadgets_find(const struct pyi_process *process, const struct pyi_maps *maps,
				   struct pyi_gadgets *ret_gadgets)
{
	PYI_CLEANUP(pyi_guard_fd) int memory = -1;
	PYI_CLEANUP(pyi_guard_free) uint8_t *chunk = NULL;
	struct pyi_gadgets found = { 0 };
	struct pyi_error *error;

	error = pyi_process_open_file(process, "mem", O_RDONLY | O_CLOEXEC, &memory);
	if (error)
		return error;
	chunk = malloc(CHUNK_BYTES);
	if (!chunk)
		return pyi_error_no_memory();
	for (int likely = 1; likely >= 0 && !all_found(found.addr); likely--) {
		for (size_t m = 0; m < maps->count && !all_found(found.addr); m++) {
			const struct pyi_map *map = &maps->items[m];

			if (!map->readable || !map->executable || map->writable || map->shared ||
			    is_likely(map) != (bool)likely || strcmp(map->path, "[vsyscall]") == 0)
				continue;
			for (uint64_t addr = map->start_addr; addr < map->end_addr;
			     addr += CHUNK_BYTES) {
				uint64_t left = map->end_addr - addr;
				ssize_t got =
					pread(memory, chunk,
					      left < CHUNK_BYTES ? left : CHUNK_BYTES, (off_t)addr);

				if (got <= 0)
					break;
				search(chunk, (size_t)got, addr, found.addr);
			}
		}
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
