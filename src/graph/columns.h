/*
 * How values stand in the frames of a graph file: numbers of 7 bits a byte, and columns of bytes.
 * For file_write.c and file_read.c.
 */
#ifndef PYI_GRAPH_COLUMNS_H
#define PYI_GRAPH_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Of one frame; what is below also fits at its longest. */
	PYI_FRAME_NODE_LIMIT = 1 << 14,
	PYI_FRAME_EDGE_LIMIT = 1 << 18,
	PYI_FRAME_LABEL_LIMIT = 1 << 19,
	PYI_NUMBER_BYTES = 10,
	PYI_NODE_COLUMNS = 6,
	/* Of a frame of names of nodes: patterns and lengths. */
	PYI_NAME_COLUMNS = 2,
	/* Of a name or text; longer ones are cut. */
	PYI_FRAME_TEXT_BYTES = 4096,
};

/* Of a node, in this order. */
enum pyi_node_column {
	PYI_COLUMN_ADDRESS,
	PYI_COLUMN_TYPE,
	PYI_COLUMN_FLAGS,
	PYI_COLUMN_SIZE,
	PYI_COLUMN_COUNT,
	PYI_COLUMN_DEGREE,
};

/* Objects of one type are often alike: columns say how one differs from the one before. */
struct pyi_column_guess {
	uint64_t size_bytes;
	uint64_t count;
	uint64_t degree;
};

/* The same of names; also what the columns of nodes say of the last one of the type. */
struct pyi_name_guess {
	uint64_t pattern;
	uint64_t length;
	uint64_t size_bytes;
	uint64_t degree;
};

/*
 * What the length of an object is expected to be (one more than len(), 0: none), of this size and
 * with so many references: what has none grows by a byte for each item, a dict by two references.
 */
static inline uint64_t pyi_length_guess(const struct pyi_name_guess *last, bool is_dict,
					uint64_t size_bytes, uint64_t degree)
{
	uint64_t degrees = degree - last->degree;

	if (!degree && !last->degree)
		return last->length + size_bytes - last->size_bytes;
	return last->length + (is_dict ? (uint64_t)((int64_t)degrees / 2) : degrees);
}

/* Small in both directions becomes small. */
static inline uint64_t pyi_zigzag(uint64_t value)
{
	return value << 1 ^ (0 - (value >> 63));
}

static inline uint64_t pyi_unzigzag(uint64_t code)
{
	return code >> 1 ^ (0 - (code & 1));
}

static inline size_t pyi_number_put(uint8_t *bytes, uint64_t value)
{
	size_t size = 0;

	for (; value > 127; value >>= 7)
		bytes[size++] = (uint8_t)(value | 128);
	bytes[size++] = (uint8_t)value;
	return size;
}

struct pyi_column_reader {
	const uint8_t *at;
	const uint8_t *end;
	/* It ended too early, or a number was too long. */
	bool failed;
};

static inline uint64_t pyi_number_take(struct pyi_column_reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (reader->at == reader->end)
			break;
		byte = *reader->at++;
		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return value;
	}
	reader->failed = true;
	return 0;
}

#endif
