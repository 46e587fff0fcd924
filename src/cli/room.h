/*
 * How much memory a graph of a heap may take in a worker (cli/worker_memory.h has the rest).
 *
 * To be asked before the worker loses its rights: reads /proc. Does not limit anything itself.
 */
#ifndef PYI_CLI_ROOM_H
#define PYI_CLI_ROOM_H

#include <stdint.h>
#include <sys/types.h>

enum {
	/* Address space for each byte: what a region has given back keeps its addresses
	   (graph/space.h). */
	PYI_ROOM_ADDRESS_FACTOR = 2,
};

/* Bytes for the graph of process `pid`. */
uint64_t pyi_room_for_graph(pid_t pid);

/* The same for a dump of so many bytes. */
uint64_t pyi_room_for_dump(uint64_t file_bytes);

/*
 * The same for a heap of `heap_bytes`, on a machine that has `available_bytes` left (0: that is not
 * known).
 */
uint64_t pyi_room_of_graph(uint64_t heap_bytes, uint64_t available_bytes);

/* Memory that is to be had now; 0: not known. */
uint64_t pyi_room_available_bytes(void);

#endif
