/*
 * Asks the kernel, and puts together what lies close to each other.
 */
#include "broker/used_ranges.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "snapshot/pages.h"

enum {
	/* What is said to be in use is in multiples of this: as large as a huge page. */
	PAGES_STEP_BYTES = 2 << 20,
};
/* A word is read for each page of it. */
#define PAGES_LIMIT_BYTES (UINT64_C(2) << 40)

/* Runs of pages in use, as they are found. */
struct runs {
	struct pyi_wire_range *items;
	size_t count;
	size_t capacity;
	/* Where they are looked for. */
	const struct pyi_wire_range *range;
	bool too_many;
	bool out_of_memory;
};

/* In large steps: many small runs say no more, and take more room. */
static void add_run(void *argument, uint64_t addr, uint64_t size_bytes)
{
	struct runs *runs = argument;
	struct pyi_wire_range run = {
		addr & ~(uint64_t)(PAGES_STEP_BYTES - 1),
		(addr + size_bytes + PAGES_STEP_BYTES - 1) & ~(uint64_t)(PAGES_STEP_BYTES - 1),
	};
	struct pyi_wire_range *last = runs->count ? &runs->items[runs->count - 1] : NULL;

	if (run.start_addr < runs->range->start_addr)
		run.start_addr = runs->range->start_addr;
	if (run.end_addr > runs->range->end_addr)
		run.end_addr = runs->range->end_addr;
	if (last && run.start_addr <= last->end_addr) {
		if (run.end_addr > last->end_addr)
			last->end_addr = run.end_addr;
		return;
	}
	runs->too_many |= runs->count >= PYI_DATA_LIMIT / sizeof(*runs->items);
	if (runs->too_many || runs->out_of_memory)
		return;
	if (!pyi_array_reserve(&runs->items, runs->count, &runs->capacity, sizeof(*runs->items)))
		runs->out_of_memory = true;
	else
		runs->items[runs->count++] = run;
}

static bool are_ascending(const struct pyi_wire_range *ranges, size_t count)
{
	for (size_t r = 0; r < count; r++)
		if (ranges[r].start_addr >= ranges[r].end_addr ||
		    ranges[r].end_addr > UINT64_MAX - PAGES_STEP_BYTES ||
		    (r && ranges[r].start_addr < ranges[r - 1].end_addr))
			return false;
	return true;
}

/* Without the kernel's own list, only as much as can be read in a moment. */
static struct pyi_error *find_runs(int pagemap_fd, const struct pyi_wire_range *ranges,
				   size_t count, struct runs *runs)
{
	PYI_CLEANUP(pyi_guard_free) uint64_t *entries = NULL;
	struct pyi_pages pages = { .page_bytes = pyi_page_bytes() };
	uint64_t listed_bytes = 0;

	entries = malloc(PYI_PAGES_ENTRIES * sizeof(*entries));
	if (!entries)
		return pyi_error_no_memory();
	pages.entries = entries;
	for (size_t r = 0; r < count; r++) {
		runs->range = &ranges[r];
		if (pyi_pages_scan(pagemap_fd, ranges[r].start_addr, ranges[r].end_addr, add_run,
				   runs))
			continue;
		listed_bytes += ranges[r].end_addr - ranges[r].start_addr;
		if (listed_bytes > PAGES_LIMIT_BYTES)
			return pyi_error_create(
				PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
				"the process has mapped more than %llu GB of addresses: only Linux "
				"6.7 and later say which of them are in use",
				(unsigned long long)PAGES_LIMIT_BYTES >> 30);
		if (!pyi_pages_list(&pages, pagemap_fd, ranges[r].start_addr, ranges[r].end_addr,
				    add_run, runs))
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_SNAPSHOT_LOST,
						"the pages of the snapshot cannot be listed");
	}
	return runs->out_of_memory ? pyi_error_no_memory() : NULL;
}

struct pyi_error *pyi_used_ranges_find(const struct pyi_process *process,
				       const struct pyi_wire_range *ranges, size_t count,
				       struct pyi_wire_range **ret_runs, size_t *ret_count)
{
	PYI_CLEANUP(pyi_guard_fd) int pagemap_fd = -1;
	struct runs runs = { 0 };
	struct pyi_error *error;

	if (!are_ascending(ranges, count))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_ADDRESS,
					"these are no ranges of memory");
	error = pyi_process_open_file(process, "pagemap", O_RDONLY | O_CLOEXEC, &pagemap_fd);
	if (!error)
		error = find_runs(pagemap_fd, ranges, count, &runs);
	if (!error && runs.too_many)
		error = pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
					 "the memory of process %d is in too many pieces",
					 process->pid);
	if (error) {
		free(runs.items);
		return error;
	}
	*ret_runs = runs.items;
	*ret_count = runs.count;
	return NULL;
}
