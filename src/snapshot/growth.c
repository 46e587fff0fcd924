/*
 * Reads /proc/PID/statm, which is quick.
 */
#include "snapshot/growth.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/page.h"
#include "base/small_file.h"

enum {
	BASE_BYTES = 192 << 20,
	/* Marks and queues for a heap of nothing but the smallest objects: payloads/walk.c. */
	HEAP_SHARE = 2,
};

/* All it has in memory, and what of that is without a file. */
static bool look(const struct pyi_process *snapshot, uint64_t *ret_all_bytes,
		 uint64_t *ret_anonymous_bytes)
{
	uint64_t page_bytes = pyi_page_bytes();
	char text[256];
	uint64_t resident;
	uint64_t shared;

	if (!pyi_small_file_read(snapshot->proc_fd, "statm", text, sizeof(text)) ||
	    sscanf(text, "%*u %" SCNu64 " %" SCNu64, &resident, &shared) != 2 || shared > resident)
		return false;
	*ret_all_bytes = resident * page_bytes;
	*ret_anonymous_bytes = (resident - shared) * page_bytes;
	return true;
}

void pyi_growth_begin(const struct pyi_process *snapshot, struct pyi_growth *ret_growth)
{
	uint64_t bytes = 0;
	struct pyi_growth growth = { .looked_ns = pyi_clock_now_ns() };

	growth.is_known = look(snapshot, &bytes, &growth.begun_bytes);
	growth.limit_bytes = BASE_BYTES + bytes / HEAP_SHARE;
	*ret_growth = growth;
}

bool pyi_growth_is_excessive(const struct pyi_process *snapshot, struct pyi_growth *growth)
{
	uint64_t all_bytes;
	uint64_t bytes;

	if (!growth->is_known || pyi_clock_ms_since(growth->looked_ns) < PYI_GROWTH_LOOK_MS)
		return false;
	growth->looked_ns = pyi_clock_now_ns();
	return look(snapshot, &all_bytes, &bytes) && bytes > growth->begun_bytes &&
	       bytes - growth->begun_bytes > growth->limit_bytes;
}
