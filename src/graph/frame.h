/*
 * The frames of a graph file (doc/graph.md): a kind, how many items, and bytes that are compressed
 * and have a checksum. Does not know what the bytes mean.
 */
#ifndef PYI_GRAPH_FRAME_H
#define PYI_GRAPH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	/* Of a frame that is not compressed. */
	PYI_FRAME_BYTES = 1 << 20,
};

enum pyi_frame_kind {
	PYI_FRAME_TYPES = 1,
	PYI_FRAME_NODES,
	PYI_FRAME_EDGES,
	PYI_FRAME_LABELS,
	PYI_FRAME_ROOTS,
	PYI_FRAME_TEXTS,
	PYI_FRAME_END,
	PYI_FRAME_FACTS,
	PYI_FRAME_MEMORY,
	PYI_FRAME_PATTERNS,
	PYI_FRAME_VALUES,
	PYI_FRAME_NODE_NAMES,
	PYI_FRAME_KIND_COUNT,
};

enum pyi_frame_method {
	PYI_FRAME_STORED = 0,
	PYI_FRAME_ZSTD = 1,
};

/*
 *   OFFSET  SIZE  DESCRIPTION
 *   0       4     enum pyi_frame_kind
 *   4       4     enum pyi_frame_method
 *   8       4     items
 *   12      4     bytes of the contents, at most PYI_FRAME_BYTES
 *   16      4     bytes that follow, at most as many
 *   20      4     CRC-32 of bytes 0 to 19 and of what follows
 */
struct pyi_frame_head {
	uint32_t kind;
	uint32_t method;
	uint32_t items;
	uint32_t content_bytes;
	uint32_t stored_bytes;
	uint32_t checksum;
};

/* A frame being made or read. */
struct pyi_frame {
	struct pyi_frame_head head;
	uint8_t content[PYI_FRAME_BYTES];
	uint8_t stored[PYI_FRAME_BYTES];
	/* ZSTD_CCtx, ZSTD_DCtx; made when they are needed. */
	void *compressor;
	void *decompressor;
};

struct pyi_frame *pyi_frame_create(void);
void pyi_frame_destroy(struct pyi_frame *frame);

/* True if this build can read and write compressed frames. */
bool pyi_frame_can_compress(void);

/* CRC-32 as of zlib and PNG; `checksum` is that of what came before, 0 at first. */
uint32_t pyi_frame_checksum(uint32_t checksum, const void *bytes, size_t size_bytes);

/*
 * Writes `content`, of which head.kind, .items and .content_bytes are set. Error "output-failed"
 * (exit 1).
 */
struct pyi_error *pyi_frame_write(struct pyi_frame *frame, int fd) PYI_MUST_CHECK;

/*
 * Reads the next one. *ret_whole is false, and nothing else is to be believed, at the end of the
 * file, if it is cut off, or if the checksum is wrong. Errors (exit 1): "input-failed";
 * "bad-dump" if this build cannot decompress.
 */
struct pyi_error *pyi_frame_read(struct pyi_frame *frame, int fd, bool *ret_whole) PYI_MUST_CHECK;

/* Reads so many bytes, or fewer at the end of the file. */
struct pyi_error *pyi_frame_read_bytes(int fd, void *bytes, size_t size_bytes,
				       size_t *ret_size_bytes) PYI_MUST_CHECK;
struct pyi_error *pyi_frame_write_bytes(int fd, const void *bytes,
					size_t size_bytes) PYI_MUST_CHECK;

#endif
