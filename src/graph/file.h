/*
 * A graph as a file, byte by byte as doc/graph.md has it.
 *
 * Reading believes nothing: numbers are checked, what is damaged or cut off ends it there, and the
 * graph says so (`truncated`). Both go through the file once, from where it stands; a pipe will do.
 */
#ifndef PYI_GRAPH_FILE_H
#define PYI_GRAPH_FILE_H

#include "base/error.h"
#include "graph/graph.h"

enum {
	/*
	 * What is written. Those before are read, too: version 1 has no facts, and no flags of
	 * types; version 2 nothing that names references.
	 */
	PYI_GRAPH_FILE_VERSION = 3,
	PYI_GRAPH_FILE_FIRST_VERSION = 1,
	PYI_GRAPH_FILE_NAMELESS_VERSION = 2,
	/* Of a type in a file: enum of bits. */
	PYI_GRAPH_FILE_ESTIMATED = 1 << 0,
	PYI_GRAPH_FILE_FINALIZER = 1 << 1,
	/* Added to the kind of a root whose reference is not counted. */
	PYI_GRAPH_FILE_UNCOUNTED = 1 << 8,
	/* Of the head: it has what names references. */
	PYI_GRAPH_FILE_NAMES = 1 << 0,
};

#define PYI_GRAPH_FILE_MAGIC "pyigraph"

/*
 *   OFFSET  SIZE  DESCRIPTION
 *   0       8     PYI_GRAPH_FILE_MAGIC
 *   8       4     PYI_GRAPH_FILE_VERSION; its byte order is that of the whole file
 *   12      4     types
 *   16      8     nodes
 *   24      8     edges
 *   32      8     labels
 *   40      8     references that are not in it
 *   48      8     objects that are not in it
 *   56      4     PYI_GRAPH_FILE_NAMES or 0; 0 before version 3
 *   60      4     CRC-32 of bytes 0 to 59
 */
struct pyi_graph_file_head {
	char magic[8];
	uint32_t version;
	uint32_t types;
	uint64_t nodes;
	uint64_t edges;
	uint64_t labels;
	uint64_t lost_edges;
	uint64_t duplicate_nodes;
	/* PYI_GRAPH_FILE_NAMES */
	uint32_t flags;
	uint32_t checksum;
};

/* Error "output-failed" (exit 1); what was written then is a dump that is cut off. */
struct pyi_error *pyi_graph_write(const struct pyi_graph *graph, int fd) PYI_MUST_CHECK;

/*
 * Errors (exit 1): "bad-dump" if it is none, of a version or byte order that is not known, or if
 * not even a part of it can be used; "too-large" if there is no room; "input-failed".
 */
struct pyi_error *pyi_graph_read(int fd, struct pyi_graph_space *space,
				 struct pyi_graph *ret_graph) PYI_MUST_CHECK;

#endif
