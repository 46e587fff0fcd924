/*
 * The memory mappings of a process, from /proc/PID/maps.
 *
 * Does not say what is resident. Paths are as the kernel prints them: relative to
 * the reader's root, with " (deleted)" at the end of an unlinked file.
 */
#ifndef PYI_PROCESS_MAPS_H
#define PYI_PROCESS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/process.h"

struct pyi_map {
	/* Addresses in the target; `end_addr` is exclusive. */
	uint64_t start_addr;
	uint64_t end_addr;
	/* Offset into the file, bytes. */
	uint64_t offset;
	uint64_t inode;
	uint32_t device_major;
	uint32_t device_minor;
	bool readable;
	bool writable;
	bool executable;
	bool shared;
	/* "" for anonymous memory, else e.g. "/usr/bin/python3.11", "[heap]", "[vdso]". */
	const char *path;
};

struct pyi_maps {
	/* Ascending and disjoint. */
	struct pyi_map *items;
	size_t count;
	/* What `path` points into. */
	char *text;
};

/* Reads the maps of `process`. */
struct pyi_error *pyi_maps_read(const struct pyi_process *process,
				struct pyi_maps *ret_maps) PYI_MUST_CHECK;

/*
 * Parses a maps file; takes over `text` (malloc'ed, NUL-terminated), also on failure.
 * Error "bad-maps" for a line that is not of the kernel's form, or maps that are not
 * ascending and disjoint. Tolerates an incomplete last line never; an empty text gives no maps.
 */
struct pyi_error *pyi_maps_parse(char *text, struct pyi_maps *ret_maps) PYI_MUST_CHECK;

/* The map that contains `addr`, or NULL. */
const struct pyi_map *pyi_maps_find(const struct pyi_maps *maps, uint64_t addr);

/* True for what a heap may lie in: memory of its own that the process may read. */
bool pyi_map_can_hold_objects(const struct pyi_map *map);

/* Frees what pyi_maps_read() made; safe on a zeroed struct. */
void pyi_maps_deinit(struct pyi_maps *maps);

#endif
