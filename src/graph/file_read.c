/*
 * Reads a graph. Nodes come in groups, each followed by its edges and labels; a group counts when
 * all of it is there. What the file ends before, or is damaged from, is left out.
 */
#include "graph/file.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "graph/columns.h"
#include "graph/frame.h"

enum {
	/* More of them is no heap. */
	NAME_LIMIT = 1 << 22,
	FACT_LIMIT = 1 << 12,
	TEXT_BYTES_LIMIT = 1 << 28,
};

PYI_DEFINE_GUARD(frame, struct pyi_frame, pyi_frame_destroy)

struct reader {
	struct pyi_graph *graph;
	struct pyi_frame *frame;
	struct pyi_column_guess *guesses;
	struct pyi_name_guess *name_guesses;
	struct pyi_graph_file_head head;
	int fd;
	uint32_t types_done;
	uint64_t text_bytes;
	/* Where the last part of memory ended. */
	uint64_t memory_addr;
	/* What groups that are complete have. */
	uint64_t edges;
	uint64_t labels;
	uint64_t previous_addr;
	uint32_t nodes;
	/* Of the last group that is complete: its nodes, whose names are still to come. */
	uint32_t unnamed;
	/* The group being read: its nodes, whose referents are read, and what is still to come. */
	uint32_t group_nodes;
	uint32_t edge_node;
	uint64_t edge_done;
	uint64_t group_edges;
	uint64_t group_edges_done;
	uint64_t group_labels;
	uint64_t group_labels_done;
	uint32_t previous_target;
	bool ended;
	uint64_t addrs[PYI_FRAME_NODE_LIMIT];
};

static struct pyi_error *bad_dump(const char *what)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_DUMP, "%s", what),
			      "a dump is what `pyinspect TARGET dump FILE` has written");
}

/* False: it is damaged. */
static bool take_text(struct reader *reader, struct pyi_column_reader *column, char **ret_text,
		      struct pyi_error **ret_error)
{
	uint64_t length = pyi_number_take(column);

	*ret_text = NULL;
	if (column->failed || length > PYI_FRAME_TEXT_BYTES + 1)
		return false;
	if (!length)
		return true;
	length--;
	if (length > (uint64_t)(column->end - column->at))
		return false;
	reader->text_bytes += length;
	if (reader->text_bytes > TEXT_BYTES_LIMIT)
		return false;
	*ret_text = strndup((const char *)column->at, length);
	if (!*ret_text)
		*ret_error = pyi_error_no_memory();
	column->at += length;
	return *ret_text != NULL;
}

static bool take_fact(struct reader *reader, struct pyi_column_reader *column,
		      struct pyi_error **ret_error)
{
	uint64_t key = pyi_number_take(column);
	uint64_t number = pyi_number_take(column);
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;

	if (!key || key > UINT32_MAX || reader->graph->fact_count >= FACT_LIMIT ||
	    !take_text(reader, column, &text, ret_error))
		return false;
	*ret_error = pyi_graph_add_fact(reader->graph, (uint32_t)key, number, text);
	return !*ret_error;
}

static bool take_type(struct reader *reader, struct pyi_column_reader *column,
		      struct pyi_error **ret_error)
{
	struct pyi_graph_type *type = &reader->graph->types[reader->types_done];
	uint64_t flags = 0;

	if (reader->types_done == reader->graph->type_count)
		return false;
	type->addr = pyi_number_take(column);
	type->kind = (uint32_t)pyi_number_take(column);
	if (reader->head.version > PYI_GRAPH_FILE_FIRST_VERSION)
		flags = pyi_number_take(column);
	type->estimated = flags & PYI_GRAPH_FILE_ESTIMATED;
	type->finalizer = flags & PYI_GRAPH_FILE_FINALIZER;
	reader->types_done++;
	return take_text(reader, column, &type->name, ret_error);
}

static bool take_root(struct reader *reader, struct pyi_column_reader *column,
		      struct pyi_error **ret_error)
{
	struct pyi_graph *graph = reader->graph;
	uint64_t node = pyi_number_take(column);
	struct pyi_graph_root root = { .node = (uint32_t)node };

	root.kind = (uint32_t)pyi_number_take(column);
	root.uncounted = root.kind & PYI_GRAPH_FILE_UNCOUNTED;
	root.kind &= ~(uint32_t)PYI_GRAPH_FILE_UNCOUNTED;
	root.detail = pyi_number_take(column);
	root.context = pyi_number_take(column);
	if (node >= reader->head.nodes || graph->root_count >= NAME_LIMIT ||
	    !take_text(reader, column, &root.text, ret_error))
		return false;
	if (pyi_array_reserve(&graph->roots, graph->root_count, &graph->root_capacity,
			      sizeof(root))) {
		graph->roots[graph->root_count++] = root;
		return true;
	}
	free(root.text);
	*ret_error = pyi_error_no_memory();
	return false;
}

static bool take_named(struct reader *reader, struct pyi_column_reader *column,
		       struct pyi_graph_text **texts, size_t *count, size_t *capacity,
		       struct pyi_error **ret_error)
{
	uint64_t node = pyi_number_take(column);
	struct pyi_graph_text text = { .node = (uint32_t)node };

	if (node >= reader->head.nodes || *count >= NAME_LIMIT ||
	    !take_text(reader, column, &text.text, ret_error))
		return false;
	if (!text.text)
		return true;
	if (pyi_array_reserve(texts, *count, capacity, sizeof(text))) {
		(*texts)[(*count)++] = text;
		return true;
	}
	free(text.text);
	*ret_error = pyi_error_no_memory();
	return false;
}

/* So many bytes as a number says; NULL: it is damaged. */
static const uint8_t *take_bytes(struct pyi_column_reader *column, size_t limit,
				 size_t *ret_size_bytes)
{
	uint64_t size_bytes = pyi_number_take(column);
	const uint8_t *bytes = column->at;

	if (column->failed || size_bytes > limit ||
	    size_bytes > (uint64_t)(column->end - column->at))
		return NULL;
	column->at += size_bytes;
	*ret_size_bytes = (size_t)size_bytes;
	return bytes;
}

static bool take_memory(struct reader *reader, struct pyi_column_reader *column)
{
	uint64_t addr = reader->memory_addr + pyi_number_take(column);
	size_t size_bytes;
	const uint8_t *bytes = take_bytes(column, PYI_FRAME_TEXT_BYTES, &size_bytes);

	if (!bytes || !pyi_memory_image_add(reader->graph->names->image, addr, bytes, size_bytes))
		return false;
	reader->memory_addr = addr + size_bytes;
	return true;
}

static bool take_pattern(struct reader *reader, struct pyi_column_reader *column)
{
	size_t size_bytes;
	const uint8_t *bytes = take_bytes(column, PYI_PATTERN_BYTES, &size_bytes);

	return bytes && pyi_kept_names_add_pattern(reader->graph->names, bytes, size_bytes);
}

static bool take_item(struct reader *reader, struct pyi_column_reader *column,
		      struct pyi_error **ret_error)
{
	struct pyi_graph *graph = reader->graph;

	switch (reader->frame->head.kind) {
	case PYI_FRAME_FACTS:
		return take_fact(reader, column, ret_error);
	case PYI_FRAME_TYPES:
		return take_type(reader, column, ret_error);
	case PYI_FRAME_ROOTS:
		return take_root(reader, column, ret_error);
	case PYI_FRAME_TEXTS:
		return take_named(reader, column, &graph->texts, &graph->text_count,
				  &graph->text_capacity, ret_error);
	default:
		break;
	}
	if (!graph->names)
		return false;
	switch (reader->frame->head.kind) {
	case PYI_FRAME_MEMORY:
		return take_memory(reader, column);
	case PYI_FRAME_PATTERNS:
		return take_pattern(reader, column);
	case PYI_FRAME_VALUES:
		return take_named(reader, column, &graph->names->values, &graph->names->value_count,
				  &graph->names->value_capacity, ret_error);
	default:
		return false;
	}
}

static bool take_items(struct reader *reader, struct pyi_error **ret_error)
{
	const struct pyi_frame *frame = reader->frame;
	struct pyi_column_reader column = { frame->content,
					    frame->content + frame->head.content_bytes, false };

	for (uint32_t i = 0; i < frame->head.items; i++)
		if (!take_item(reader, &column, ret_error) || column.failed)
			return false;
	return true;
}

/* Where each of the columns of a frame is. */
static bool find_columns(const struct pyi_frame *frame, struct pyi_column_reader *columns,
			 int count)
{
	const uint8_t *end = frame->content + frame->head.content_bytes;
	struct pyi_column_reader lengths = { frame->content, end, false };
	uint64_t sizes[PYI_NODE_COLUMNS];
	const uint8_t *at;

	for (int c = 0; c < count; c++)
		sizes[c] = pyi_number_take(&lengths);
	if (lengths.failed)
		return false;
	at = lengths.at;
	for (int c = 0; c < count; c++) {
		if (sizes[c] > (uint64_t)(end - at))
			return false;
		columns[c] = (struct pyi_column_reader){ at, at + sizes[c], false };
		at += sizes[c];
	}
	return true;
}

/* Of the group that has just ended. */
static bool take_node_names(struct reader *reader)
{
	const struct pyi_graph *graph = reader->graph;
	struct pyi_column_reader columns[PYI_NAME_COLUMNS];
	uint32_t count = reader->frame->head.items;

	if (!graph->names || !count || count != reader->unnamed ||
	    !find_columns(reader->frame, columns, PYI_NAME_COLUMNS))
		return false;
	reader->unnamed = 0;
	for (uint32_t node = reader->nodes - count; node < reader->nodes; node++) {
		uint32_t type = pyi_graph_type(graph, node);
		struct pyi_name_guess *guess = &reader->name_guesses[type];
		struct pyi_name_guess now = {
			.size_bytes = graph->sizes[node],
			.degree = graph->edges.inner[node],
		};

		now.pattern = guess->pattern + pyi_unzigzag(pyi_number_take(&columns[0]));
		now.length = pyi_length_guess(guess, graph->types[type].kind == PYI_KIND_DICT,
					      now.size_bytes, now.degree) +
			     pyi_unzigzag(pyi_number_take(&columns[1]));
		if (columns[0].failed || columns[1].failed || now.pattern > UINT32_MAX ||
		    now.length > UINT32_MAX)
			return false;
		graph->names->patterns[node] = (uint32_t)now.pattern;
		graph->names->lengths[node] = (uint32_t)now.length;
		*guess = now;
	}
	return true;
}

static bool take_node(struct reader *reader, struct pyi_column_reader *columns, uint32_t number,
		      struct pyi_error **ret_error)
{
	struct pyi_graph *graph = reader->graph;
	uint32_t node = reader->nodes + number;
	uint64_t values[PYI_NODE_COLUMNS];
	struct pyi_column_guess *guess;
	uint64_t step;

	for (int c = 0; c < PYI_NODE_COLUMNS; c++) {
		values[c] = pyi_number_take(&columns[c]);
		if (columns[c].failed)
			return false;
	}
	step = values[PYI_COLUMN_ADDRESS];
	if (!step || step >> (PYI_INDEX_ADDRESS_BITS - PYI_INDEX_GRANULE_SHIFT) ||
	    values[PYI_COLUMN_TYPE] >= graph->type_count ||
	    values[PYI_COLUMN_FLAGS] > PYI_NODE_FLAGS >> 2)
		return false;
	reader->previous_addr += step << PYI_INDEX_GRANULE_SHIFT;
	if (!pyi_address_index_can_be(reader->previous_addr))
		return false;
	reader->addrs[number] = reader->previous_addr;
	guess = &reader->guesses[values[PYI_COLUMN_TYPE]];
	guess->size_bytes += pyi_unzigzag(values[PYI_COLUMN_SIZE]);
	guess->count += pyi_unzigzag(values[PYI_COLUMN_COUNT]);
	guess->degree += pyi_unzigzag(values[PYI_COLUMN_DEGREE]);
	if (guess->count > UINT32_MAX || guess->degree > UINT32_MAX)
		return false;
	graph->types_and_flags[node] = (uint32_t)(values[PYI_COLUMN_TYPE] |
						  values[PYI_COLUMN_FLAGS] << PYI_GRAPH_FLAG_SHIFT);
	graph->reference_counts[node] = (uint32_t)guess->count;
	graph->edges.inner[node] = (uint32_t)guess->degree;
	reader->group_edges += guess->degree;
	if (values[PYI_COLUMN_FLAGS] << 2 & PYI_NODE_LABELLED)
		reader->group_labels += guess->degree;
	*ret_error = pyi_graph_set_size(graph, node, guess->size_bytes);
	return !*ret_error;
}

static bool take_nodes(struct reader *reader, struct pyi_error **ret_error)
{
	struct pyi_column_reader columns[PYI_NODE_COLUMNS];
	uint32_t count = reader->frame->head.items;

	if (reader->group_nodes || (reader->graph->names && reader->unnamed) || !count ||
	    count > PYI_FRAME_NODE_LIMIT || count > reader->head.nodes - reader->nodes ||
	    !find_columns(reader->frame, columns, PYI_NODE_COLUMNS))
		return false;
	reader->group_edges = 0;
	reader->group_labels = 0;
	reader->group_edges_done = 0;
	reader->group_labels_done = 0;
	for (uint32_t n = 0; n < count; n++)
		if (!take_node(reader, columns, n, ret_error))
			return false;
	if (reader->group_edges > reader->head.edges - reader->edges ||
	    reader->group_labels > reader->head.labels - reader->labels)
		return false;
	reader->group_nodes = count;
	reader->edge_node = reader->nodes;
	reader->edge_done = 0;
	reader->previous_target = reader->nodes;
	return true;
}

static uint32_t plane_value(const struct pyi_frame *frame, uint32_t item, int planes)
{
	uint32_t value = 0;

	for (int p = 0; p < planes; p++)
		value |= (uint32_t)frame->content[(size_t)p * frame->head.items + item] << 8 * p;
	return value;
}

static bool take_edges(struct reader *reader)
{
	struct pyi_graph *graph = reader->graph;
	const struct pyi_frame *frame = reader->frame;
	uint32_t count = frame->head.items;
	uint32_t *targets = graph->targets + reader->edges + reader->group_edges_done;

	if (!reader->group_nodes || !count || count > PYI_FRAME_EDGE_LIMIT ||
	    frame->head.content_bytes != count * sizeof(uint32_t) ||
	    count > reader->group_edges - reader->group_edges_done)
		return false;
	for (uint32_t e = 0; e < count; e++) {
		uint32_t code = plane_value(frame, e, sizeof(uint32_t));

		/* There is one with edges left: so many have been counted. */
		while (reader->edge_done == graph->edges.inner[reader->edge_node]) {
			reader->edge_node++;
			reader->edge_done = 0;
			reader->previous_target = reader->edge_node;
		}
		reader->previous_target += code >> 1 ^ (0 - (code & 1));
		if (reader->previous_target >= reader->head.nodes)
			return false;
		targets[e] = reader->previous_target;
		reader->edge_done++;
	}
	reader->group_edges_done += count;
	return true;
}

static bool take_labels(struct reader *reader)
{
	const struct pyi_frame *frame = reader->frame;
	uint32_t count = frame->head.items;
	uint16_t *labels = reader->graph->labels + reader->labels + reader->group_labels_done;

	if (!reader->group_nodes || !count || count > PYI_FRAME_LABEL_LIMIT ||
	    frame->head.content_bytes != count * sizeof(uint16_t) ||
	    count > reader->group_labels - reader->group_labels_done)
		return false;
	for (uint32_t e = 0; e < count; e++)
		labels[e] = (uint16_t)plane_value(frame, e, sizeof(uint16_t));
	reader->group_labels_done += count;
	return true;
}

/* All of a group is there. */
static struct pyi_error *end_group(struct reader *reader)
{
	struct pyi_error *error = NULL;
	bool fresh;

	for (uint32_t n = 0; n < reader->group_nodes && !error; n++)
		error = pyi_address_index_add(&reader->graph->index, reader->addrs[n], &fresh);
	reader->nodes += reader->group_nodes;
	reader->edges += reader->group_edges;
	reader->labels += reader->group_labels;
	reader->unnamed = reader->group_nodes;
	reader->group_nodes = 0;
	return error;
}

static bool take_end(struct reader *reader)
{
	const struct pyi_frame *frame = reader->frame;
	struct pyi_column_reader column = { frame->content,
					    frame->content + frame->head.content_bytes, false };

	reader->ended = !reader->group_nodes && !(reader->graph->names && reader->unnamed) &&
			pyi_number_take(&column) == reader->nodes &&
			pyi_number_take(&column) == reader->edges && !column.failed &&
			reader->nodes == reader->head.nodes && reader->edges == reader->head.edges;
	return false;
}

/* False at the end of what can be used. */
static bool take_frame(struct reader *reader, struct pyi_error **ret_error)
{
	switch (reader->frame->head.kind) {
	case PYI_FRAME_NODES:
		return take_nodes(reader, ret_error);
	case PYI_FRAME_EDGES:
		return take_edges(reader);
	case PYI_FRAME_LABELS:
		return take_labels(reader);
	case PYI_FRAME_NODE_NAMES:
		return take_node_names(reader);
	case PYI_FRAME_END:
		return take_end(reader);
	default:
		return take_items(reader, ret_error);
	}
}

static struct pyi_error *read_frames(struct reader *reader)
{
	for (;;) {
		struct pyi_error *error = NULL;
		bool whole;

		error = pyi_frame_read(reader->frame, reader->fd, &whole);
		if (error || !whole)
			return error;
		if (!take_frame(reader, &error) || error)
			return error;
		if (reader->group_nodes && reader->group_edges_done == reader->group_edges &&
		    reader->group_labels_done == reader->group_labels)
			error = end_group(reader);
		if (error)
			return error;
	}
}

/* References to what is not there any more go, and whoever had them is marked. */
static void drop_lost_edges(struct reader *reader)
{
	struct pyi_graph *graph = reader->graph;
	uint64_t read = 0;
	uint64_t read_label = 0;
	uint64_t kept = 0;
	uint64_t kept_label = 0;

	for (uint32_t node = 0; node < reader->nodes; node++) {
		bool labelled = pyi_graph_flags(graph, node) & PYI_NODE_LABELLED;
		uint32_t degree = graph->edges.inner[node];
		uint64_t end = read + degree;
		uint32_t left = 0;

		for (; read < end; read++, read_label += labelled) {
			if (graph->targets[read] >= reader->nodes)
				continue;
			graph->targets[kept++] = graph->targets[read];
			if (labelled)
				graph->labels[kept_label++] = graph->labels[read_label];
			left++;
		}
		if (left == degree)
			continue;
		graph->lost_edges += degree - left;
		graph->edges.inner[node] = left;
		pyi_graph_add_flags(graph, node, PYI_NODE_INCOMPLETE);
		/* It speaks of places that are not the same any more. */
		if (graph->names)
			graph->names->patterns[node] = 0;
	}
}

static void drop_lost_texts(struct pyi_graph_text *texts, size_t *count, uint32_t nodes)
{
	size_t kept = 0;

	for (size_t t = 0; t < *count; t++) {
		if (texts[t].node < nodes)
			texts[kept++] = texts[t];
		else
			free(texts[t].text);
	}
	*count = kept;
}

static void drop_lost_names(struct reader *reader)
{
	struct pyi_graph *graph = reader->graph;
	size_t kept = 0;

	for (size_t r = 0; r < graph->root_count; r++) {
		if (graph->roots[r].node < reader->nodes)
			graph->roots[kept++] = graph->roots[r];
		else
			free(graph->roots[r].text);
	}
	graph->root_count = kept;
	drop_lost_texts(graph->texts, &graph->text_count, reader->nodes);
	if (graph->names)
		drop_lost_texts(graph->names->values, &graph->names->value_count, reader->nodes);
	kept = 0;
	for (size_t b = 0; b < graph->big_count; b++)
		if (graph->big[b].node < reader->nodes)
			graph->big[kept++] = graph->big[b];
	graph->big_count = kept;
}

static bool is_known(uint32_t version)
{
	return version >= PYI_GRAPH_FILE_FIRST_VERSION && version <= PYI_GRAPH_FILE_VERSION;
}

static struct pyi_error *read_head(struct reader *reader)
{
	struct pyi_graph_file_head *head = &reader->head;
	size_t size;
	struct pyi_error *error = pyi_frame_read_bytes(reader->fd, head, sizeof(*head), &size);

	if (error)
		return error;
	if (size < sizeof(*head) || memcmp(head->magic, PYI_GRAPH_FILE_MAGIC, sizeof(head->magic)))
		return bad_dump("this file is no dump");
	if (is_known(__builtin_bswap32(head->version)))
		return bad_dump("this dump is from a machine of another byte order");
	if (!is_known(head->version))
		return bad_dump("this dump is of another version");
	if (pyi_frame_checksum(0, head, offsetof(struct pyi_graph_file_head, checksum)) !=
		    head->checksum ||
	    head->types > PYI_GRAPH_TYPE_LIMIT || head->nodes >= PYI_GRAPH_NONE ||
	    head->edges >> 40 || head->labels > head->edges)
		return bad_dump("the head of this dump is damaged");
	return NULL;
}

static struct pyi_error *make_room(struct reader *reader, struct pyi_graph_space *space)
{
	struct pyi_address_index index;
	struct pyi_error *error = pyi_address_index_init(&index, space);

	if (error)
		return error;
	index.count = (uint32_t)reader->head.nodes;
	error = pyi_graph_prepare(reader->graph, space, &index, reader->head.types);
	if (!error)
		error = pyi_graph_prepare_edges(reader->graph, reader->head.edges,
						reader->head.labels);
	reader->guesses = calloc((size_t)reader->head.types + 1, sizeof(*reader->guesses));
	reader->name_guesses =
		calloc((size_t)reader->head.types + 1, sizeof(*reader->name_guesses));
	if (!error && (!reader->guesses || !reader->name_guesses))
		error = pyi_error_no_memory();
	if (!error && reader->head.version > PYI_GRAPH_FILE_NAMELESS_VERSION &&
	    reader->head.flags & PYI_GRAPH_FILE_NAMES)
		error = pyi_kept_names_create(space, (uint32_t)reader->head.nodes,
					      &reader->graph->names);
	return error;
}

/* As of two dumps in one file, of which the first would pass for all there is. */
static struct pyi_error *expect_nothing(const struct reader *reader)
{
	char byte;
	size_t size;
	struct pyi_error *error = pyi_frame_read_bytes(reader->fd, &byte, sizeof(byte), &size);

	if (!error && size)
		error = bad_dump("this dump has an end, and something else follows it");
	return error;
}

static struct pyi_error *complete(struct reader *reader)
{
	struct pyi_graph *graph = reader->graph;
	struct pyi_error *error;

	graph->truncated = !reader->ended;
	if (!reader->nodes && graph->truncated)
		return bad_dump("nothing of this dump can be used: it is damaged or cut off");
	graph->lost_edges = reader->head.lost_edges;
	graph->duplicate_nodes = reader->head.duplicate_nodes;
	if (graph->truncated) {
		drop_lost_edges(reader);
		drop_lost_names(reader);
	}
	graph->node_count = reader->nodes;
	error = pyi_address_index_seal(&graph->index);
	if (!error)
		error = pyi_graph_sum_edges(graph);
	if (!error)
		pyi_graph_complete(graph);
	return error;
}

struct pyi_error *pyi_graph_read(int fd, struct pyi_graph_space *space, struct pyi_graph *ret_graph)
{
	PYI_CLEANUP(pyi_guard_frame) struct pyi_frame *frame = pyi_frame_create();
	PYI_CLEANUP(pyi_guard_free) struct reader *reader = calloc(1, sizeof(*reader));
	struct pyi_graph graph = { 0 };
	struct pyi_error *error;

	if (!frame || !reader)
		return pyi_error_no_memory();
	reader->graph = &graph;
	reader->fd = fd;
	reader->frame = frame;
	error = read_head(reader);
	if (error)
		return error;
	error = make_room(reader, space);
	if (!error)
		error = read_frames(reader);
	if (!error && reader->ended)
		error = expect_nothing(reader);
	if (!error)
		error = complete(reader);
	free(reader->guesses);
	free(reader->name_guesses);
	if (error) {
		pyi_graph_deinit(&graph);
		return error;
	}
	*ret_graph = graph;
	return NULL;
}
