/*
 * Which pages of a process are in use: present or swapped out. To read others would bring them in,
 * or wait for whoever should.
 *
 * Does not read any page.
 */
#ifndef PYI_SNAPSHOT_PAGES_H
#define PYI_SNAPSHOT_PAGES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	/* Entries of /proc/PID/pagemap read at a time. */
	PYI_PAGES_ENTRIES = 1 << 16,
};

struct pyi_pages {
	/* The kernel's pages, which are those of /proc/PID/pagemap. */
	uint64_t page_bytes;
	/* Room for PYI_PAGES_ENTRIES. */
	uint64_t *entries;
};

/*
 * Calls `run` for each run of pages in use, by the kernel's own list, which takes no time for what
 * is not there. False if the kernel has none (before Linux 6.7), or the process is gone.
 */
bool pyi_pages_scan(int pagemap_fd, uint64_t start_addr, uint64_t end_addr,
		    void (*run)(void *argument, uint64_t addr, uint64_t size_bytes),
		    void *argument);

/* The same by /proc/PID/pagemap, on any kernel, an entry for each page of addresses. False if the
 * process is gone. */
bool pyi_pages_list(const struct pyi_pages *pages, int pagemap_fd, uint64_t start_addr,
		    uint64_t end_addr,
		    void (*run)(void *argument, uint64_t addr, uint64_t size_bytes),
		    void *argument);

/* By the first if it can be had, else by the second. */
bool pyi_pages_each(const struct pyi_pages *pages, int pagemap_fd, uint64_t start_addr,
		    uint64_t end_addr,
		    void (*run)(void *argument, uint64_t addr, uint64_t size_bytes),
		    void *argument);

#endif
