/*
 * Adds up what is known about both processes.
 */
#include "cli/worker_memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/page.h"
#include "base/small_file.h"
#include "process/process.h"

enum {
	/*
	 * In sum: pages of the target that are kept (64 MB for each of its readers), symbol tables
	 * of one ELF file (256 MB), roots (128 MB), types, groups and their names (300 MB), and the
	 * program itself.
	 */
	WORKER_BYTES = 1 << 30,
};

/* Address space that this process has; 0 if that is not known. */
static uint64_t mapped_bytes(void)
{
	char text[128];
	uint64_t pages;

	if (!pyi_small_file_read(AT_FDCWD, "/proc/self/statm", text, sizeof(text)) ||
	    sscanf(text, "%" SCNu64, &pages) != 1)
		return 0;
	return pages * pyi_page_bytes();
}

uint64_t pyi_worker_memory(void)
{
	return WORKER_BYTES + mapped_bytes();
}

uint64_t pyi_worker_memory_for(pid_t pid)
{
	struct pyi_process_status status = { 0 };

	pyi_error_destroy(pyi_process_peek_status(pid, &status));
	return pyi_worker_memory() + status.rss_bytes + status.swapped_bytes;
}
