/*
 * Three steps. Feeding marks each object in the index and keeps the entries. Then addresses become
 * numbers: nodes go to their columns, and edges are kept at half the size, in place. At last the
 * edges go to where their nodes begin.
 */
#include "graph/builder.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

enum {
	/* One huge page. */
	CHUNK_BYTES = 2 << 20,
	CHUNK_WORDS = CHUNK_BYTES / 8,
	CHUNK_HALVES = CHUNK_BYTES / 4,
	/* Words whose places in the index are on their way. */
	AHEAD = 24,
	NODE_WORDS = 2,
	NODE_LONG_WORDS = 3,
	EDGES_LABELLED = 1u << 31,
	/* More than one payload sends. */
	ROOT_LIMIT = 1 << 24,
	/* One of each interpreter. */
	WEAK_LIMIT = 1000,
};

/* Written over what was read as longer words. */
typedef uint32_t __attribute__((may_alias)) half_word;

/*
 * Entries kept: at first as they came; then 4-byte words, which take half as much and are written
 * over what has been read, so that chunks become free.
 */
struct chunk {
	union {
		uint64_t *words;
		half_word *halves;
	};
	size_t word_count;
	size_t half_count;
};

struct named {
	uint64_t addr;
	struct pyi_graph_root root;
};

struct pyi_graph_builder {
	struct pyi_graph_space *space;
	struct pyi_address_index index;
	struct chunk *chunks;
	size_t chunk_count;
	size_t chunk_capacity;
	/* The one that 4-byte words are written to: never one behind what is read. */
	size_t written;

	struct pyi_graph_type *types;
	size_t type_count;
	size_t type_capacity;
	struct named *roots;
	size_t root_count;
	size_t root_capacity;
	struct named *texts;
	size_t text_count;
	size_t text_capacity;

	/* Addresses of objects without references; sorted once the index is sealed. */
	uint64_t *weak;
	size_t weak_count;
	size_t weak_capacity;

	uint64_t duplicate_nodes;
	uint64_t lost_edges;
	/* Of each node: edges placed so far. */
	uint32_t *placed;
	/* Of the references that are being read: too many for a stack. */
	uint16_t labels[PYI_EDGES_MANY + 1];
};

static struct pyi_error *bad_stream(const char *what)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
				"the payload's answer is broken: %s", what);
}

struct pyi_error *pyi_graph_builder_create(struct pyi_graph_space *space,
					   struct pyi_graph_builder **ret_builder)
{
	struct pyi_graph_builder *builder = calloc(1, sizeof(*builder));
	struct pyi_error *error;

	if (!builder)
		return pyi_error_no_memory();
	builder->space = space;
	error = pyi_address_index_init(&builder->index, space);
	if (error) {
		free(builder);
		return error;
	}
	*ret_builder = builder;
	return NULL;
}

static void drop_chunk(struct pyi_graph_builder *builder, struct chunk *chunk)
{
	pyi_graph_space_unmap(builder->space, chunk->words, CHUNK_BYTES);
	*chunk = (struct chunk){ 0 };
}

void pyi_graph_builder_destroy(struct pyi_graph_builder *builder)
{
	if (!builder)
		return;
	for (size_t c = 0; c < builder->chunk_count; c++)
		drop_chunk(builder, &builder->chunks[c]);
	for (size_t t = 0; t < builder->type_count; t++)
		free(builder->types[t].name);
	for (size_t r = 0; r < builder->root_count; r++)
		free(builder->roots[r].root.text);
	for (size_t t = 0; t < builder->text_count; t++)
		free(builder->texts[t].root.text);
	pyi_address_index_deinit(&builder->index);
	free(builder->chunks);
	free(builder->types);
	free(builder->roots);
	free(builder->texts);
	free(builder->weak);
	free(builder);
}

static struct chunk *add_chunk(struct pyi_graph_builder *builder, struct pyi_error **ret_error)
{
	struct chunk *last;
	void *region;

	if (!pyi_array_reserve(&builder->chunks, builder->chunk_count, &builder->chunk_capacity,
			       sizeof(*builder->chunks))) {
		*ret_error = pyi_error_no_memory();
		return NULL;
	}
	*ret_error = pyi_graph_space_map(builder->space, CHUNK_BYTES, &region);
	if (*ret_error)
		return NULL;
	last = &builder->chunks[builder->chunk_count++];
	*last = (struct chunk){ .words = region };
	return last;
}

/* The chunk that has room for so many words more; NULL and an error if there can be none. */
static struct chunk *find_room(struct pyi_graph_builder *builder, size_t words,
			       struct pyi_error **ret_error)
{
	struct chunk *last =
		builder->chunk_count ? &builder->chunks[builder->chunk_count - 1] : NULL;

	if (last && CHUNK_WORDS - last->word_count >= words)
		return last;
	return add_chunk(builder, ret_error);
}

/* Most are a few words. */
static void copy_words(uint64_t *to, const uint64_t *from, size_t count)
{
	for (size_t w = 0; w < count; w++)
		to[w] = from[w];
}

static struct pyi_error *keep(struct pyi_graph_builder *builder, const uint64_t *words,
			      size_t count)
{
	struct pyi_error *error = NULL;
	struct chunk *chunk = find_room(builder, count, &error);

	if (!chunk)
		return error;
	copy_words(chunk->words + chunk->word_count, words, count);
	chunk->word_count += count;
	return NULL;
}

/* In parts that fit into a chunk, each with a head of its own. */
static struct pyi_error *keep_edges(struct pyi_graph_builder *builder, uint64_t head,
				    const uint64_t *edges, uint64_t count)
{
	do {
		uint64_t part = count < PYI_EDGES_MANY ? count : PYI_EDGES_MANY - 1;
		uint64_t first = (head & ~((uint64_t)PYI_EDGES_MANY << PYI_EDGES_COUNT_SHIFT)) |
				 part << PYI_EDGES_COUNT_SHIFT;
		struct pyi_error *error = NULL;
		struct chunk *chunk = find_room(builder, part + 1, &error);

		if (!chunk)
			return error;
		chunk->words[chunk->word_count++] = first;
		copy_words(chunk->words + chunk->word_count, edges, part);
		chunk->word_count += part;
		edges += part;
		count -= part;
	} while (count);
	return NULL;
}

static struct pyi_error *take_node(struct pyi_graph_builder *builder, const uint64_t *words,
				   size_t count)
{
	struct pyi_error *error;
	bool fresh = false;

	error = pyi_address_index_add(&builder->index, words[0] >> PYI_ENTRY_ADDRESS_SHIFT, &fresh);
	if (error)
		return error;
	if (!fresh) {
		builder->duplicate_nodes++;
		return NULL;
	}
	return keep(builder, words, count);
}

/* How many references the EDGES at `words` have, and in *ret_head how many words stand before. */
static uint64_t count_edges(const uint64_t *words, size_t left, size_t *ret_head)
{
	uint64_t count = words[0] >> PYI_EDGES_COUNT_SHIFT & PYI_EDGES_MANY;

	*ret_head = 1;
	if (count != PYI_EDGES_MANY)
		return count;
	*ret_head = 2;
	return left < 2 ? UINT64_MAX : words[1];
}

struct pyi_error *pyi_graph_builder_feed(struct pyi_graph_builder *builder, const uint64_t *words,
					 size_t word_count)
{
	size_t at = 0;

	while (at < word_count) {
		uint64_t addr = words[at] >> PYI_ENTRY_ADDRESS_SHIFT;
		uint32_t entry = words[at] & PYI_ENTRY_MASK;
		size_t left = word_count - at;
		size_t size = entry == PYI_ENTRY_NODE ? NODE_WORDS : NODE_LONG_WORDS;
		struct pyi_error *error;

		if (!pyi_address_index_can_be(addr))
			return bad_stream("an object has an impossible address");
		if (entry == PYI_ENTRY_EDGES) {
			size_t head;
			uint64_t count = count_edges(words + at, left, &head);

			if (head > left || count > left - head)
				return bad_stream("references are cut off");
			error = keep_edges(builder, words[at], words + at + head, count);
			size = head + count;
		} else if (entry > PYI_ENTRY_EDGES || size > left) {
			return bad_stream("an object is cut off");
		} else {
			error = take_node(builder, words + at, size);
		}
		if (error)
			return error;
		at += size;
	}
	return NULL;
}

static struct pyi_error *copy_text(const char *text, char **ret_copy)
{
	*ret_copy = text ? strdup(text) : NULL;
	return text && !*ret_copy ? pyi_error_no_memory() : NULL;
}

struct pyi_error *pyi_graph_builder_add_type(struct pyi_graph_builder *builder, uint32_t number,
					     uint64_t addr, uint32_t kind, const char *name)
{
	struct pyi_graph_type *type;

	if (number >= PYI_GRAPH_TYPE_LIMIT)
		return bad_stream("it has too many types");
	while (builder->type_count <= number) {
		if (!pyi_array_reserve(&builder->types, builder->type_count,
				       &builder->type_capacity, sizeof(*builder->types)))
			return pyi_error_no_memory();
		builder->types[builder->type_count++] = (struct pyi_graph_type){ 0 };
	}
	type = &builder->types[number];
	if (type->addr)
		return bad_stream("it has two types with one number");
	type->addr = addr;
	type->kind = kind;
	return copy_text(name, &type->name);
}

static struct pyi_error *add_named(struct named **items, size_t *count, size_t *capacity,
				   const struct named *item)
{
	struct named copy = *item;
	struct pyi_error *error;

	if (*count >= ROOT_LIMIT)
		return bad_stream("it has too many names");
	if (!pyi_array_reserve(items, *count, capacity, sizeof(**items)))
		return pyi_error_no_memory();
	error = copy_text(item->root.text, &copy.root.text);
	if (!error)
		(*items)[(*count)++] = copy;
	return error;
}

struct pyi_error *pyi_graph_builder_add_root(struct pyi_graph_builder *builder,
					     uint64_t object_addr,
					     const struct pyi_graph_root *root)
{
	const struct named item = { object_addr, *root };

	return add_named(&builder->roots, &builder->root_count, &builder->root_capacity, &item);
}

struct pyi_error *pyi_graph_builder_add_weak(struct pyi_graph_builder *builder,
					     uint64_t object_addr)
{
	if (builder->weak_count == WEAK_LIMIT)
		return NULL;
	if (!pyi_array_reserve(&builder->weak, builder->weak_count, &builder->weak_capacity,
			       sizeof(*builder->weak)))
		return pyi_error_no_memory();
	builder->weak[builder->weak_count++] = object_addr;
	return NULL;
}

struct pyi_error *pyi_graph_builder_add_text(struct pyi_graph_builder *builder,
					     uint64_t object_addr, const char *text)
{
	const struct named item = { object_addr, { .text = (char *)text } };

	return add_named(&builder->texts, &builder->text_count, &builder->text_capacity, &item);
}

static struct pyi_error *place_node(struct pyi_graph_builder *builder, struct pyi_graph *graph,
				    const uint64_t *words)
{
	bool is_long = (words[0] & PYI_ENTRY_MASK) == PYI_ENTRY_NODE_LONG;
	uint32_t node =
		pyi_address_index_number(&graph->index, words[0] >> PYI_ENTRY_ADDRESS_SHIFT);
	/* Who has labels is not for the stream to say. */
	uint32_t flags = words[0] & PYI_NODE_FLAGS & ~(uint32_t)PYI_NODE_LABELLED;
	uint64_t type = is_long ? words[1] & UINT32_MAX : words[1] & (PYI_GRAPH_TYPE_LIMIT - 1);
	uint64_t count =
		is_long ? words[1] >> 32
			: words[1] >> PYI_NODE_TYPE_BITS & ((1 << PYI_NODE_COUNT_BITS) - 1);

	if (type >= builder->type_count)
		return bad_stream("an object has an unknown type");
	/* EDGES that came before may have left a mark. */
	graph->types_and_flags[node] |= (uint32_t)type;
	pyi_graph_add_flags(graph, node, flags);
	graph->reference_counts[node] = (uint32_t)count;
	return pyi_graph_set_size(graph, node,
				  is_long ? words[2] : words[1] >> PYI_NODE_SIZE_SHIFT);
}

/*
 * Where `halves` more can be written. What is read was kept in parts that are at least as long and
 * fit into the same chunks: so this is not behind it.
 */
static struct chunk *find_written(struct pyi_graph_builder *builder, size_t halves)
{
	if (CHUNK_HALVES - builder->chunks[builder->written].half_count < halves)
		builder->written++;
	return &builder->chunks[builder->written];
}

static int compare_addresses(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one;
	uint64_t b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

static bool is_weak(const struct pyi_graph_builder *builder, uint64_t addr)
{
	return builder->weak_count &&
	       bsearch(&addr, builder->weak, builder->weak_count, sizeof(addr), compare_addresses);
}

/* To 4-byte words: the node, the count, targets, and two labels a word. Never longer. */
static void shrink_edges(struct pyi_graph_builder *builder, struct pyi_graph *graph,
			 const uint64_t *words, uint64_t count)
{
	uint32_t node =
		pyi_address_index_number(&graph->index, words[0] >> PYI_ENTRY_ADDRESS_SHIFT);
	bool labelled = words[0] & PYI_EDGES_LABELLED;
	uint16_t *labels = builder->labels;
	struct chunk *chunk;
	half_word *halves;
	uint32_t kept = 0;

	if (node == PYI_GRAPH_NONE) {
		builder->lost_edges += count;
		return;
	}
	if (words[0] & PYI_EDGES_INCOMPLETE)
		pyi_graph_add_flags(graph, node, PYI_NODE_INCOMPLETE);
	if (!count || is_weak(builder, words[0] >> PYI_ENTRY_ADDRESS_SHIFT))
		return;
	chunk = find_written(builder, 2 + count + (labelled ? (count + 1) / 2 : 0));
	halves = chunk->halves + chunk->half_count;
	for (uint64_t e = 1; e <= count; e++) {
		uint64_t addr = words[e] >> PYI_ENTRY_ADDRESS_SHIFT;
		uint32_t target =
			addr ? pyi_address_index_number(&graph->index, addr) : PYI_GRAPH_NONE;

		if (target == PYI_GRAPH_NONE) {
			builder->lost_edges += addr != 0;
			continue;
		}
		labels[kept] = words[e] & UINT16_MAX;
		/* What is read is never behind what is written: it is twice as long. */
		halves[2 + kept++] = target;
	}
	/* More of one node than can be counted. */
	if (kept > UINT32_MAX - graph->edges.inner[node]) {
		builder->lost_edges += kept;
		pyi_graph_add_flags(graph, node, PYI_NODE_INCOMPLETE);
		return;
	}
	halves[0] = node;
	halves[1] = kept | (labelled ? EDGES_LABELLED : 0);
	chunk->half_count += 2 + kept;
	if (labelled) {
		labels[kept] = 0;
		memcpy(halves + 2 + kept, labels, (kept + 1) / 2 * sizeof(uint32_t));
		chunk->half_count += (kept + 1) / 2;
		pyi_graph_add_flags(graph, node, PYI_NODE_LABELLED);
	}
	graph->edges.inner[node] += kept;
}

static struct pyi_error *number_chunk(struct pyi_graph_builder *builder, struct pyi_graph *graph,
				      struct chunk *chunk)
{
	size_t at = 0;

	while (at < chunk->word_count) {
		const uint64_t *words = chunk->words + at;
		uint32_t entry = words[0] & PYI_ENTRY_MASK;
		uint64_t count = 0;
		struct pyi_error *error;

		if (entry != PYI_ENTRY_EDGES) {
			at += entry == PYI_ENTRY_NODE ? NODE_WORDS : NODE_LONG_WORDS;
			error = place_node(builder, graph, words);
			if (error)
				return error;
		} else {
			count = words[0] >> PYI_EDGES_COUNT_SHIFT & PYI_EDGES_MANY;
			at += 1 + count;
		}
		/* Not every word is an address, but it does no harm to look. */
		for (size_t w = at + AHEAD; w < at + AHEAD + 1 + count && w < chunk->word_count;
		     w++)
			pyi_address_index_prefetch(&graph->index,
						   chunk->words[w] >> PYI_ENTRY_ADDRESS_SHIFT);
		if (entry == PYI_ENTRY_EDGES)
			shrink_edges(builder, graph, words, count);
	}
	return NULL;
}

/* Of a chunk that has been read: it is free, or the next one to be written to. */
static void leave_chunk(struct pyi_graph_builder *builder, size_t number)
{
	struct chunk *next = &builder->chunks[builder->written + 1];

	if (number <= builder->written + 1)
		return;
	/* What a chunk becomes fits into one: there are never two to be written to. */
	if (next->words) {
		drop_chunk(builder, &builder->chunks[number]);
		return;
	}
	*next = builder->chunks[number];
	builder->chunks[number] = (struct chunk){ 0 };
}

static void copy_targets(uint32_t *to, const half_word *from, uint32_t count)
{
	/* Most have one or two. */
	for (uint32_t t = 0; t < count; t++)
		to[t] = from[t];
}

static void place_chunk(struct pyi_graph_builder *builder, struct pyi_graph *graph,
			struct chunk *chunk)
{
	size_t at = 0;

	while (at < chunk->half_count) {
		uint32_t node = chunk->halves[at];
		uint32_t count = chunk->halves[at + 1] & ~EDGES_LABELLED;
		bool labelled = chunk->halves[at + 1] & EDGES_LABELLED;
		uint64_t start = pyi_graph_offsets_start(&graph->edges, node);

		copy_targets(graph->targets + start + builder->placed[node], chunk->halves + at + 2,
			     count);
		at += 2 + count;
		if (labelled && count) {
			uint16_t *labels = (uint16_t *)pyi_graph_labels(graph, node);

			memcpy(labels + builder->placed[node], chunk->halves + at,
			       count * sizeof(*labels));
			at += (count + 1) / 2;
		}
		builder->placed[node] += count;
	}
}

static struct pyi_error *fill(struct pyi_graph_builder *builder, struct pyi_graph *graph)
{
	uint64_t placed_bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
	struct pyi_error *error = NULL;
	void *region;

	for (size_t c = 0; c < builder->chunk_count && !error; c++) {
		error = number_chunk(builder, graph, &builder->chunks[c]);
		leave_chunk(builder, c);
	}
	if (!error)
		error = pyi_graph_sum_edges(graph);
	if (!error)
		error = pyi_graph_prepare_edges(graph, graph->edge_count, graph->label_count);
	if (!error)
		error = pyi_graph_space_map(builder->space, placed_bytes, &region);
	if (error)
		return error;
	builder->placed = region;
	for (size_t c = 0; c < builder->chunk_count; c++) {
		if (c <= builder->written)
			place_chunk(builder, graph, &builder->chunks[c]);
		drop_chunk(builder, &builder->chunks[c]);
	}
	pyi_graph_space_unmap(builder->space, region, placed_bytes);
	return NULL;
}

/* Roots and texts of what is no object are left out. */
static struct pyi_error *name_nodes(struct pyi_graph_builder *builder, struct pyi_graph *graph)
{
	for (size_t r = 0; r < builder->root_count; r++) {
		struct pyi_graph_root root = builder->roots[r].root;

		root.node = pyi_graph_find(graph, builder->roots[r].addr);
		if (root.node == PYI_GRAPH_NONE) {
			graph->lost_edges++;
			continue;
		}
		if (!pyi_array_reserve(&graph->roots, graph->root_count, &graph->root_capacity,
				       sizeof(root)))
			return pyi_error_no_memory();
		graph->roots[graph->root_count++] = root;
		builder->roots[r].root.text = NULL;
	}
	for (size_t t = 0; t < builder->text_count; t++) {
		struct pyi_graph_text text = { pyi_graph_find(graph, builder->texts[t].addr),
					       builder->texts[t].root.text };

		if (text.node == PYI_GRAPH_NONE)
			continue;
		if (!pyi_array_reserve(&graph->texts, graph->text_count, &graph->text_capacity,
				       sizeof(text)))
			return pyi_error_no_memory();
		graph->texts[graph->text_count++] = text;
		builder->texts[t].root.text = NULL;
	}
	return NULL;
}

struct pyi_error *pyi_graph_builder_finish(struct pyi_graph_builder *builder,
					   struct pyi_graph *ret_graph)
{
	struct pyi_graph graph = { 0 };
	struct pyi_error *error = pyi_address_index_seal(&builder->index);

	if (error)
		return error;
	error = pyi_graph_prepare(&graph, builder->space, &builder->index,
				  (uint32_t)builder->type_count);
	/* The index is the graph's from here on, whatever happens. */
	builder->index = (struct pyi_address_index){ 0 };
	if (builder->weak_count)
		qsort(builder->weak, builder->weak_count, sizeof(*builder->weak),
		      compare_addresses);
	for (size_t t = 0; t < builder->type_count && !error; t++) {
		builder->types[t].node = PYI_GRAPH_NONE;
		graph.types[t] = builder->types[t];
		builder->types[t].name = NULL;
	}
	if (!error)
		error = fill(builder, &graph);
	if (!error)
		error = name_nodes(builder, &graph);
	if (error) {
		pyi_graph_deinit(&graph);
		return error;
	}
	graph.lost_edges += builder->lost_edges;
	graph.duplicate_nodes = builder->duplicate_nodes;
	pyi_graph_complete(&graph);
	*ret_graph = graph;
	return NULL;
}
