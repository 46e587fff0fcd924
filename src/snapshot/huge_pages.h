/*
 * Does a process have private pages of the huge page pool (hugetlb)?
 *
 * Does not count them, and does not look at transparent huge pages, which need no pool.
 */
#ifndef PYI_SNAPSHOT_HUGE_PAGES_H
#define PYI_SNAPSHOT_HUGE_PAGES_H

#include <stdbool.h>

/*
 * `smaps` is the text of /proc/PID/smaps. True if a map that is not shared has such pages: after a
 * clone, the first write to one needs another page of the pool, and is SIGBUS if there is none.
 */
bool pyi_huge_pages_are_private(const char *smaps);

#endif
