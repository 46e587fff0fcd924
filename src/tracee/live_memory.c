/*
 * Looks into pagemap, then reads. Does not interpret what it reads.
 */
#include "tracee/live_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/page.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)

struct pyi_error *pyi_live_memory_open(const struct pyi_process *process,
				       struct pyi_live_memory *ret_memory)
{
	struct pyi_live_memory memory = { -1, -1 };
	struct pyi_error *error =
		pyi_process_open_file(process, "mem", O_RDONLY | O_CLOEXEC, &memory.memory_fd);

	if (error)
		return error;
	pyi_error_destroy(pyi_process_open_file(process, "pagemap", O_RDONLY | O_CLOEXEC,
						&memory.pagemap_fd));
	*ret_memory = memory;
	return NULL;
}

void pyi_live_memory_close(struct pyi_live_memory *memory)
{
	if (memory->memory_fd >= 0)
		close(memory->memory_fd);
	if (memory->pagemap_fd >= 0)
		close(memory->pagemap_fd);
	*memory = (struct pyi_live_memory){ -1, -1 };
}

static bool is_present(int pagemap_fd, uint64_t addr, size_t size_bytes)
{
	uint64_t last = (addr + size_bytes - 1) / pyi_page_bytes();

	for (uint64_t page = addr / pyi_page_bytes(); page <= last; page++) {
		uint64_t entry;

		if (pread(pagemap_fd, &entry, sizeof(entry), (off_t)(page * sizeof(entry))) !=
			    sizeof(entry) ||
		    !(entry & (PAGE_PRESENT | PAGE_SWAPPED)))
			return false;
	}
	return true;
}

bool pyi_live_memory_read(const struct pyi_live_memory *memory, uint64_t addr, void *ret_bytes,
			  size_t size_bytes)
{
	uint64_t end_addr;

	if (!size_bytes || __builtin_add_overflow(addr, size_bytes, &end_addr) ||
	    end_addr > INT64_MAX)
		return false;
	if (memory->pagemap_fd >= 0 && !is_present(memory->pagemap_fd, addr, size_bytes))
		return false;
	return pread(memory->memory_fd, ret_bytes, size_bytes, (off_t)addr) == (ssize_t)size_bytes;
}

bool pyi_live_memory_is_present(pid_t pid, uint64_t addr, size_t size_bytes)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || !size_bytes || is_present(fd, addr, size_bytes);
}
