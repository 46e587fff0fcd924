/*
 * Writes a graph: facts, types, roots, texts, what names references; then groups of nodes, each
 * with its edges, labels and names.
 */
#include "graph/file.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "base/cleanup.h"
#include "graph/columns.h"
#include "graph/frame.h"

PYI_DEFINE_GUARD(frame, struct pyi_frame, pyi_frame_destroy)

struct writer {
	const struct pyi_graph *graph;
	int fd;
	struct pyi_frame *frame;
	/* Of each column of a frame of nodes. */
	uint8_t *columns[PYI_NODE_COLUMNS];
	struct pyi_column_guess *guesses;
	struct pyi_name_guess *name_guesses;
	uint64_t previous_addr;
	/* Where the last part of memory ended. */
	uint64_t memory_addr;
};

static struct pyi_error *flush(struct writer *writer, enum pyi_frame_kind kind)
{
	struct pyi_error *error;

	if (!writer->frame->head.items && kind != PYI_FRAME_END)
		return NULL;
	writer->frame->head.kind = kind;
	error = pyi_frame_write(writer->frame, writer->fd);
	writer->frame->head.items = 0;
	writer->frame->head.content_bytes = 0;
	return error;
}

static void put(struct writer *writer, uint64_t value)
{
	struct pyi_frame_head *head = &writer->frame->head;

	head->content_bytes +=
		(uint32_t)pyi_number_put(writer->frame->content + head->content_bytes, value);
}

/* Length and one more than it, so that no text and an empty one differ; then its bytes. */
static void put_text(struct writer *writer, const char *text)
{
	struct pyi_frame_head *head = &writer->frame->head;
	size_t length = text ? strnlen(text, PYI_FRAME_TEXT_BYTES) : 0;

	put(writer, text ? length + 1 : 0);
	if (length)
		memcpy(writer->frame->content + head->content_bytes, text, length);
	head->content_bytes += (uint32_t)length;
}

/* Counts an item, and makes sure that there is room for the next one. */
static struct pyi_error *end_item(struct writer *writer, enum pyi_frame_kind kind)
{
	writer->frame->head.items++;
	if (writer->frame->head.content_bytes <
	    PYI_FRAME_BYTES - PYI_FRAME_TEXT_BYTES - 8 * PYI_NUMBER_BYTES)
		return NULL;
	return flush(writer, kind);
}

static struct pyi_error *write_facts(struct writer *writer)
{
	const struct pyi_graph *graph = writer->graph;
	struct pyi_error *error = NULL;

	for (size_t f = 0; f < graph->fact_count && !error; f++) {
		put(writer, graph->facts[f].key);
		put(writer, graph->facts[f].number);
		put_text(writer, graph->facts[f].text);
		error = end_item(writer, PYI_FRAME_FACTS);
	}
	return error ? error : flush(writer, PYI_FRAME_FACTS);
}

static struct pyi_error *write_types(struct writer *writer)
{
	const struct pyi_graph *graph = writer->graph;
	struct pyi_error *error = NULL;

	for (uint32_t t = 0; t < graph->type_count && !error; t++) {
		put(writer, graph->types[t].addr);
		put(writer, graph->types[t].kind);
		put(writer, (graph->types[t].estimated ? PYI_GRAPH_FILE_ESTIMATED : 0) |
				    (graph->types[t].finalizer ? PYI_GRAPH_FILE_FINALIZER : 0));
		put_text(writer, graph->types[t].name);
		error = end_item(writer, PYI_FRAME_TYPES);
	}
	return error ? error : flush(writer, PYI_FRAME_TYPES);
}

static struct pyi_error *write_roots(struct writer *writer)
{
	const struct pyi_graph *graph = writer->graph;
	struct pyi_error *error = NULL;

	for (size_t r = 0; r < graph->root_count && !error; r++) {
		put(writer, graph->roots[r].node);
		put(writer, graph->roots[r].kind |
				    (graph->roots[r].uncounted ? PYI_GRAPH_FILE_UNCOUNTED : 0));
		put(writer, graph->roots[r].detail);
		put(writer, graph->roots[r].context);
		put_text(writer, graph->roots[r].text);
		error = end_item(writer, PYI_FRAME_ROOTS);
	}
	return error ? error : flush(writer, PYI_FRAME_ROOTS);
}

static struct pyi_error *write_texts(struct writer *writer, const struct pyi_graph_text *texts,
				     size_t count, enum pyi_frame_kind kind)
{
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < count && !error; t++) {
		put(writer, texts[t].node);
		put_text(writer, texts[t].text);
		error = end_item(writer, kind);
	}
	return error ? error : flush(writer, kind);
}

static void put_bytes(struct writer *writer, const uint8_t *bytes, size_t size_bytes)
{
	struct pyi_frame_head *head = &writer->frame->head;

	put(writer, size_bytes);
	if (size_bytes)
		memcpy(writer->frame->content + head->content_bytes, bytes, size_bytes);
	head->content_bytes += (uint32_t)size_bytes;
}

static struct pyi_error *write_range(void *argument, uint64_t addr, const uint8_t *bytes,
				     size_t size_bytes)
{
	struct writer *writer = argument;
	struct pyi_error *error = NULL;

	while (size_bytes && !error) {
		size_t part = size_bytes < PYI_FRAME_TEXT_BYTES ? size_bytes : PYI_FRAME_TEXT_BYTES;

		put(writer, addr - writer->memory_addr);
		put_bytes(writer, bytes, part);
		addr += part;
		bytes += part;
		size_bytes -= part;
		writer->memory_addr = addr;
		error = end_item(writer, PYI_FRAME_MEMORY);
	}
	return error;
}

static struct pyi_error *write_names(struct writer *writer)
{
	const struct pyi_kept_names *names = writer->graph->names;
	struct pyi_error *error;

	if (!names)
		return NULL;
	error = pyi_memory_image_each(names->image, write_range, writer);
	if (!error)
		error = flush(writer, PYI_FRAME_MEMORY);
	for (size_t p = 1; p <= names->pattern_count && !error; p++) {
		const struct pyi_pattern pattern = pyi_kept_names_pattern(names, (uint32_t)p);

		put_bytes(writer, pattern.bytes, pattern.size_bytes);
		error = end_item(writer, PYI_FRAME_PATTERNS);
	}
	if (!error)
		error = flush(writer, PYI_FRAME_PATTERNS);
	return error ? error
		     : write_texts(writer, names->values, names->value_count, PYI_FRAME_VALUES);
}

/* The lengths of the columns, then these. */
static struct pyi_error *write_columns(struct writer *writer, const size_t *sizes, int count,
				       uint32_t items, enum pyi_frame_kind kind)
{
	for (int c = 0; c < count; c++)
		put(writer, sizes[c]);
	for (int c = 0; c < count; c++) {
		memcpy(writer->frame->content + writer->frame->head.content_bytes,
		       writer->columns[c], sizes[c]);
		writer->frame->head.content_bytes += (uint32_t)sizes[c];
	}
	writer->frame->head.items = items;
	return flush(writer, kind);
}

static struct pyi_error *write_node_names(struct writer *writer, uint32_t first, uint32_t end)
{
	const struct pyi_graph *graph = writer->graph;
	const struct pyi_kept_names *names = graph->names;
	size_t sizes[PYI_NAME_COLUMNS] = { 0 };

	if (!names)
		return NULL;
	for (uint32_t node = first; node < end; node++) {
		uint32_t type = pyi_graph_type(graph, node);
		struct pyi_name_guess *guess = &writer->name_guesses[type];
		const struct pyi_name_guess now = {
			.pattern = names->patterns[node],
			.length = names->lengths[node],
			.size_bytes = graph->sizes[node],
			.degree = pyi_graph_referents(graph, node).count,
		};
		uint64_t length = pyi_length_guess(guess, graph->types[type].kind == PYI_KIND_DICT,
						   now.size_bytes, now.degree);

		sizes[0] += pyi_number_put(writer->columns[0] + sizes[0],
					   pyi_zigzag(now.pattern - guess->pattern));
		sizes[1] += pyi_number_put(writer->columns[1] + sizes[1],
					   pyi_zigzag(now.length - length));
		*guess = now;
	}
	return write_columns(writer, sizes, PYI_NAME_COLUMNS, end - first, PYI_FRAME_NODE_NAMES);
}

static struct pyi_error *write_nodes(struct writer *writer, uint32_t first, uint32_t end)
{
	const struct pyi_graph *graph = writer->graph;
	size_t sizes[PYI_NODE_COLUMNS] = { 0 };

	for (uint32_t node = first; node < end; node++) {
		uint64_t addr = pyi_graph_address(graph, node);
		uint32_t type = pyi_graph_type(graph, node);
		struct pyi_column_guess *guess = &writer->guesses[type];
		const struct pyi_column_guess now = {
			.size_bytes = pyi_graph_size(graph, node),
			.count = graph->reference_counts[node],
			.degree = pyi_graph_referents(graph, node).count,
		};
		const uint64_t values[PYI_NODE_COLUMNS] = {
			[PYI_COLUMN_ADDRESS] =
				(addr - writer->previous_addr) >> PYI_INDEX_GRANULE_SHIFT,
			[PYI_COLUMN_TYPE] = type,
			[PYI_COLUMN_FLAGS] = pyi_graph_flags(graph, node) >> 2,
			[PYI_COLUMN_SIZE] = pyi_zigzag(now.size_bytes - guess->size_bytes),
			[PYI_COLUMN_COUNT] = pyi_zigzag(now.count - guess->count),
			[PYI_COLUMN_DEGREE] = pyi_zigzag(now.degree - guess->degree),
		};

		for (int c = 0; c < PYI_NODE_COLUMNS; c++)
			sizes[c] += pyi_number_put(writer->columns[c] + sizes[c], values[c]);
		*guess = now;
		writer->previous_addr = addr;
	}
	return write_columns(writer, sizes, PYI_NODE_COLUMNS, end - first, PYI_FRAME_NODES);
}

/* Byte by byte of all: the low ones first. What hardly changes is then together. */
static void put_planes(struct writer *writer, const uint32_t *values, uint32_t count, int planes)
{
	uint8_t *content = writer->frame->content;

	for (int p = 0; p < planes; p++)
		for (uint32_t i = 0; i < count; i++)
			*content++ = (uint8_t)(values[i] >> 8 * p);
	writer->frame->head.items = count;
	writer->frame->head.content_bytes = count * (uint32_t)planes;
}

static struct pyi_error *write_edges(struct writer *writer, uint32_t first, uint32_t end)
{
	PYI_CLEANUP(pyi_guard_free)
	uint32_t *values = malloc(PYI_FRAME_EDGE_LIMIT * sizeof(*values));
	uint32_t count = 0;

	if (!values)
		return pyi_error_no_memory();
	for (uint32_t node = first; node < end; node++) {
		const struct pyi_graph_nodes referents = pyi_graph_referents(writer->graph, node);
		uint32_t previous = node;

		for (uint64_t e = 0; e < referents.count; e++) {
			uint32_t change = referents.items[e] - previous;

			previous = referents.items[e];
			values[count++] = change << 1 ^ (0 - (change >> 31));
			if (count == PYI_FRAME_EDGE_LIMIT) {
				struct pyi_error *error;

				put_planes(writer, values, count, sizeof(uint32_t));
				error = flush(writer, PYI_FRAME_EDGES);
				if (error)
					return error;
				count = 0;
			}
		}
	}
	put_planes(writer, values, count, sizeof(uint32_t));
	return flush(writer, PYI_FRAME_EDGES);
}

static struct pyi_error *write_labels(struct writer *writer, uint32_t first, uint32_t end)
{
	PYI_CLEANUP(pyi_guard_free)
	uint32_t *values = malloc(PYI_FRAME_LABEL_LIMIT * sizeof(*values));
	uint32_t count = 0;

	if (!values)
		return pyi_error_no_memory();
	for (uint32_t node = first; node < end; node++) {
		const uint16_t *labels = pyi_graph_labels(writer->graph, node);
		uint64_t degree = pyi_graph_referents(writer->graph, node).count;

		for (uint64_t e = 0; labels && e < degree; e++) {
			values[count++] = labels[e];
			if (count == PYI_FRAME_LABEL_LIMIT) {
				struct pyi_error *error;

				put_planes(writer, values, count, sizeof(uint16_t));
				error = flush(writer, PYI_FRAME_LABELS);
				if (error)
					return error;
				count = 0;
			}
		}
	}
	put_planes(writer, values, count, sizeof(uint16_t));
	return flush(writer, PYI_FRAME_LABELS);
}

static struct pyi_error *write_groups(struct writer *writer)
{
	uint32_t count = writer->graph->node_count;
	struct pyi_error *error = NULL;
	uint32_t end;

	for (uint32_t first = 0; first < count && !error; first = end) {
		end = count - first < PYI_FRAME_NODE_LIMIT ? count : first + PYI_FRAME_NODE_LIMIT;
		error = write_nodes(writer, first, end);
		if (!error)
			error = write_edges(writer, first, end);
		if (!error)
			error = write_labels(writer, first, end);
		if (!error)
			error = write_node_names(writer, first, end);
	}
	if (error)
		return error;
	put(writer, count);
	put(writer, writer->graph->edge_count);
	return flush(writer, PYI_FRAME_END);
}

static struct pyi_error *write_head(const struct writer *writer)
{
	const struct pyi_graph *graph = writer->graph;
	struct pyi_graph_file_head head = {
		.version = PYI_GRAPH_FILE_VERSION,
		.types = graph->type_count,
		.nodes = graph->node_count,
		.edges = graph->edge_count,
		.labels = graph->label_count,
		.lost_edges = graph->lost_edges,
		.duplicate_nodes = graph->duplicate_nodes,
		.flags = graph->names ? PYI_GRAPH_FILE_NAMES : 0,
	};

	memcpy(head.magic, PYI_GRAPH_FILE_MAGIC, sizeof(head.magic));
	head.checksum =
		pyi_frame_checksum(0, &head, offsetof(struct pyi_graph_file_head, checksum));
	return pyi_frame_write_bytes(writer->fd, &head, sizeof(head));
}

struct pyi_error *pyi_graph_write(const struct pyi_graph *graph, int fd)
{
	PYI_CLEANUP(pyi_guard_frame) struct pyi_frame *frame = pyi_frame_create();
	PYI_CLEANUP(pyi_guard_free)
	struct pyi_column_guess *guesses = calloc((size_t)graph->type_count + 1, sizeof(*guesses));
	PYI_CLEANUP(pyi_guard_free)
	struct pyi_name_guess *name_guesses =
		calloc((size_t)graph->type_count + 1, sizeof(*name_guesses));
	const size_t column_bytes = (size_t)PYI_FRAME_NODE_LIMIT * PYI_NUMBER_BYTES;
	PYI_CLEANUP(pyi_guard_free) uint8_t *columns = malloc(PYI_NODE_COLUMNS * column_bytes);
	struct writer writer = {
		.graph = graph,
		.fd = fd,
		.frame = frame,
		.guesses = guesses,
		.name_guesses = name_guesses,
	};
	struct pyi_error *error;

	if (!frame || !guesses || !name_guesses || !columns)
		return pyi_error_no_memory();
	for (int c = 0; c < PYI_NODE_COLUMNS; c++)
		writer.columns[c] = columns + c * column_bytes;
	error = write_head(&writer);
	if (!error)
		error = write_facts(&writer);
	if (!error)
		error = write_types(&writer);
	if (!error)
		error = write_roots(&writer);
	if (!error)
		error = write_texts(&writer, graph->texts, graph->text_count, PYI_FRAME_TEXTS);
	if (!error)
		error = write_names(&writer);
	if (!error)
		error = write_groups(&writer);
	return error;
}
