/*
 * Reads /proc/PID/pagemap: by the kernel's own list of runs where there is one, else page by page.
 */
#include "snapshot/pages.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum {
	/* Runs of pages that the kernel is asked for at a time. */
	RUN_LIMIT = 1 << 10,
};

/* Bits of an entry: swapped, present. */
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

bool pyi_pages_scan(int pagemap_fd, uint64_t start_addr, uint64_t end_addr,
		    void (*run)(void *argument, uint64_t addr, uint64_t size_bytes), void *argument)
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

bool pyi_pages_list(const struct pyi_pages *pages, int pagemap_fd, uint64_t start_addr,
		    uint64_t end_addr,
		    void (*run)(void *argument, uint64_t addr, uint64_t size_bytes), void *argument)
{
	uint64_t page = start_addr / pages->page_bytes;
	uint64_t end = end_addr / pages->page_bytes;
	uint64_t begun = UINT64_MAX;

	while (page < end) {
		uint64_t count = end - page < PYI_PAGES_ENTRIES ? end - page : PYI_PAGES_ENTRIES;
		ssize_t got = pread(pagemap_fd, pages->entries, count * sizeof(*pages->entries),
				    (off_t)(page * sizeof(*pages->entries)));

		if (got <= 0)
			return false;
		count = (uint64_t)got / sizeof(*pages->entries);
		for (uint64_t i = 0; i < count; i++) {
			bool used = pages->entries[i] & PAGE_IN_USE;

			if (used && begun == UINT64_MAX)
				begun = page + i;
			if (!used && begun != UINT64_MAX) {
				run(argument, begun * pages->page_bytes,
				    (page + i - begun) * pages->page_bytes);
				begun = UINT64_MAX;
			}
		}
		page += count;
	}
	if (begun != UINT64_MAX)
		run(argument, begun * pages->page_bytes, (page - begun) * pages->page_bytes);
	return true;
}

bool pyi_pages_each(const struct pyi_pages *pages, int pagemap_fd, uint64_t start_addr,
		    uint64_t end_addr,
		    void (*run)(void *argument, uint64_t addr, uint64_t size_bytes), void *argument)
{
	return pyi_pages_scan(pagemap_fd, start_addr, end_addr, run, argument) ||
	       pyi_pages_list(pages, pagemap_fd, start_addr, end_addr, run, argument);
}
