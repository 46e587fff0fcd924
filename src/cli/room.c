/*
 * Figures of /proc, and factors.
 */
#include "cli/room.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/small_file.h"
#include "process/process.h"

enum {
	/*
	 * At its peak a graph with all that is computed on it takes up to 110 bytes an object. The
	 * smallest object that refers to others, and so makes work, takes 24 of the heap.
	 */
	GRAPH_FACTOR = 4,
	/* Of a heap that has a dump of one byte, at most. */
	DUMPED_BYTES = 64,
	/* For heaps that are next to nothing. */
	GRAPH_LEAST_BYTES = 64 << 20,
};

uint64_t pyi_room_available_bytes(void)
{
	char text[4096];
	const char *line;
	uint64_t available_kb;

	if (!pyi_small_file_read(AT_FDCWD, "/proc/meminfo", text, sizeof(text)))
		return 0;
	line = strstr(text, "MemAvailable:");
	if (!line || sscanf(line, "MemAvailable: %" SCNu64, &available_kb) != 1)
		return 0;
	return available_kb * 1024;
}

uint64_t pyi_room_of_graph(uint64_t heap_bytes, uint64_t available_bytes)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(heap_bytes, (uint64_t)GRAPH_FACTOR, &bytes))
		bytes = UINT64_MAX / PYI_ROOM_ADDRESS_FACTOR / 2;
	if (bytes < GRAPH_LEAST_BYTES)
		bytes = GRAPH_LEAST_BYTES;
	/* The other half is for the snapshot, whose pages the target copies by writing to them. */
	if (available_bytes && bytes > available_bytes / 2)
		bytes = available_bytes / 2;
	return bytes;
}

uint64_t pyi_room_for_dump(uint64_t file_bytes)
{
	uint64_t heap_bytes;

	if (__builtin_mul_overflow(file_bytes, (uint64_t)DUMPED_BYTES, &heap_bytes))
		heap_bytes = UINT64_MAX;
	return pyi_room_of_graph(heap_bytes, pyi_room_available_bytes());
}

uint64_t pyi_room_for_graph(pid_t pid)
{
	struct pyi_process_status status = { 0 };

	pyi_error_destroy(pyi_process_peek_status(pid, &status));
	return pyi_room_of_graph(status.rss_bytes + status.swapped_bytes,
				 pyi_room_available_bytes());
}
