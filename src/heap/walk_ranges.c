/*
 * Puts ranges together, and decides whether to ask which of them are in use.
 */
#include "heap/walk_ranges.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

enum {
	/* The payload keeps marks for pieces of address space of this size: payloads/state.h. */
	CHUNK_SHIFT = 30,
	/* So many chunks cost next to nothing, and so many more for each GiB in use. */
	CHUNK_ALLOWANCE = 64,
	CHUNKS_PER_CHUNK = 4,
	/* More than that is not walked: at 8 to 16 KiB each, besides one for 16 MiB in use. */
	CHUNK_LIMIT = 8192,
	CHUNK_LIMIT_SHARE_SHIFT = 24,
	/* No library has more data. */
	LIBRARY_BYTES = 64 << 20,
};

/*
 * Whether it matters which pages of a map are in use: not for libraries, whose pages a clone gets
 * from the file when it wants them.
 */
static bool is_asked_for(const struct pyi_map *map)
{
	return pyi_map_can_hold_objects(map) &&
	       (!map->inode || map->end_addr - map->start_addr > LIBRARY_BYTES);
}

struct growing {
	struct pyi_walk_ranges ranges;
	size_t capacity;
	uint64_t last_chunk;
};

static bool add(struct growing *growing, const struct pyi_map *map, uint64_t start_addr,
		uint64_t end_addr)
{
	struct pyi_walk_ranges *ranges = &growing->ranges;
	uint64_t first = start_addr >> CHUNK_SHIFT;
	uint64_t last = (end_addr - 1) >> CHUNK_SHIFT;

	if (map->writable)
		ranges->writable_bytes += end_addr - start_addr;
	ranges->chunk_count += last - first + (first != growing->last_chunk);
	growing->last_chunk = last;
	if (ranges->count && ranges->items[ranges->count - 1].end_addr == start_addr) {
		ranges->items[ranges->count - 1].end_addr = end_addr;
		return true;
	}
	if (!pyi_array_reserve(&ranges->items, ranges->count, &growing->capacity,
			       sizeof(*ranges->items)))
		return false;
	ranges->items[ranges->count++] = (struct pyi_payload_range){ start_addr, end_addr };
	return true;
}

struct pyi_error *pyi_walk_ranges_of(const struct pyi_maps *maps, const struct pyi_wire_range *runs,
				     size_t run_count, struct pyi_walk_ranges *ret_ranges)
{
	struct growing growing = { .last_chunk = UINT64_MAX };
	bool ok = true;
	size_t r = 0;

	for (size_t m = 0; m < maps->count && ok; m++) {
		const struct pyi_map *map = &maps->items[m];

		if (!pyi_map_can_hold_objects(map))
			continue;
		if (!runs || !is_asked_for(map)) {
			ok = add(&growing, map, map->start_addr, map->end_addr);
			continue;
		}
		while (r < run_count && runs[r].end_addr <= map->start_addr)
			r++;
		for (; r < run_count && runs[r].start_addr < map->end_addr && ok; r++) {
			uint64_t start_addr = runs[r].start_addr;
			uint64_t end_addr = runs[r].end_addr;

			if (start_addr < map->start_addr)
				start_addr = map->start_addr;
			if (end_addr > map->end_addr)
				end_addr = map->end_addr;
			ok = add(&growing, map, start_addr, end_addr);
			/* The rest of it is in the next map. */
			if (runs[r].end_addr > map->end_addr)
				break;
		}
	}
	if (!ok) {
		pyi_walk_ranges_deinit(&growing.ranges);
		return pyi_error_no_memory();
	}
	*ret_ranges = growing.ranges;
	return NULL;
}

/* Leaves out what is not in use. */
static struct pyi_error *thin_out(const struct pyi_source_snapshot *snapshot,
				  struct pyi_walk_ranges *ranges)
{
	PYI_CLEANUP(pyi_guard_free) struct pyi_wire_range *asked = NULL;
	PYI_CLEANUP(pyi_guard_free) struct pyi_wire_range *runs = NULL;
	const struct pyi_maps *maps = &snapshot->maps;
	struct pyi_error *error;
	size_t count = 0;

	asked = calloc(maps->count + 1, sizeof(*asked));
	if (!asked)
		return pyi_error_no_memory();
	for (size_t m = 0; m < maps->count; m++)
		if (is_asked_for(&maps->items[m]))
			asked[count++] = (struct pyi_wire_range){ maps->items[m].start_addr,
								  maps->items[m].end_addr };
	error = pyi_source_pages(snapshot, asked, count, &runs, &count);
	if (error)
		return error;
	pyi_walk_ranges_deinit(ranges);
	return pyi_walk_ranges_of(maps, runs, count, ranges);
}

struct pyi_error *pyi_walk_ranges_find(const struct pyi_source_snapshot *snapshot,
				       uint64_t heap_bytes, struct pyi_walk_ranges *ret_ranges)
{
	struct pyi_walk_ranges ranges = { 0 };
	struct pyi_error *error = pyi_walk_ranges_of(&snapshot->maps, NULL, 0, &ranges);

	if (!error &&
	    ranges.chunk_count > CHUNK_ALLOWANCE + CHUNKS_PER_CHUNK * (heap_bytes >> CHUNK_SHIFT))
		error = thin_out(snapshot, &ranges);
	if (!error && ranges.chunk_count > CHUNK_LIMIT + (heap_bytes >> CHUNK_LIMIT_SHARE_SHIFT))
		error = pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
					 "the memory of the process is scattered over %" PRIu64
					 " GB of addresses: to walk it would take more memory "
					 "than it has itself",
					 ranges.chunk_count);
	if (error) {
		pyi_walk_ranges_deinit(&ranges);
		return error;
	}
	*ret_ranges = ranges;
	return NULL;
}

void pyi_walk_ranges_deinit(struct pyi_walk_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct pyi_walk_ranges){ 0 };
}
