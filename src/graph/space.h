/*
 * Memory for graphs: regions of a temporary file, or of anonymous memory where there is none.
 *
 * A file lets a graph be larger than memory. Its room is reserved before it is used, so that a full
 * disk is an error and not a fault. Needs no right but the descriptor: works in a process that can
 * open nothing. Does not know what is in a region.
 */
#ifndef PYI_GRAPH_SPACE_H
#define PYI_GRAPH_SPACE_H

#include <stdint.h>

#include "base/error.h"

struct pyi_graph_space {
	/* An empty file for reading and writing, of the caller (memfd_create(), O_TMPFILE); or -1.
	 */
	int fd;
	uint64_t limit_bytes;
	/* Where the file ends. */
	uint64_t end_bytes;
	/* In use now, and at most so far. */
	uint64_t held_bytes;
	uint64_t peak_bytes;
};

void pyi_graph_space_init(struct pyi_graph_space *space, int fd, uint64_t limit_bytes);

/*
 * A zeroed region; of 0 bytes it is one, too. Errors (exit 1): "too-large" if the limit, the disk
 * or the address space does not allow it.
 */
struct pyi_error *pyi_graph_space_map(struct pyi_graph_space *space, uint64_t size_bytes,
				      void **ret_region) PYI_MUST_CHECK;

/*
 * Gives back what lies behind the first `kept_bytes` of a region, which are at least a piece of it;
 * its addresses stay taken.
 */
void pyi_graph_space_trim(struct pyi_graph_space *space, void *region, uint64_t size_bytes,
			  uint64_t kept_bytes);

/* Gives back a region of that size. NULL is fine. */
void pyi_graph_space_unmap(struct pyi_graph_space *space, void *region, uint64_t size_bytes);

/* One that was trimmed, once, to its first `kept_bytes`. */
void pyi_graph_space_unmap_trimmed(struct pyi_graph_space *space, void *region, uint64_t size_bytes,
				   uint64_t kept_bytes);

#endif
