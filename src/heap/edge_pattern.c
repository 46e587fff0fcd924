/*
 * Items are written when it is known that they do not come again.
 */
#include "heap/edge_pattern.h"

#include <string.h>

#include "graph/columns.h"

enum {
	KIND_LIMIT = 32,
	/* Of an object with so many references keys may stand far behind their values. */
	MANY_REFERENCES = 64,
	LOOK_LIMIT = 64,
	/* How detail and context are told. */
	TOLD_ZERO = 0,
	TOLD_NUMBER,
	TOLD_NODE,
	TOLD_PLACE,
	TOLD_BITS = 2,
};

static void put_bytes(struct pyi_pattern_writer *writer, const uint8_t *bytes, size_t size_bytes)
{
	writer->full |= size_bytes > sizeof(writer->bytes) - writer->size_bytes;
	if (writer->full)
		return;
	memcpy(writer->bytes + writer->size_bytes, bytes, size_bytes);
	writer->size_bytes += size_bytes;
}

void pyi_pattern_begin(struct pyi_pattern_writer *writer, const struct pyi_graph *graph,
		       uint32_t source)
{
	writer->graph = graph;
	writer->source = source;
	writer->size_bytes = 0;
	writer->tail = (struct pyi_pattern_tail){ 0 };
	writer->silent = 0;
	writer->behind = 0;
	writer->looks = 0;
	writer->full = false;
}

void pyi_pattern_put_reported(struct pyi_pattern_writer *writer)
{
	const uint8_t reported = PYI_PATTERN_KEYS_REPORTED;

	put_bytes(writer, &reported, 1);
}

static bool is_item(const struct pyi_pattern_tail *tail, unsigned number, const uint8_t *bytes,
		    size_t size_bytes)
{
	return tail->item_bytes[number] == size_bytes &&
	       memcmp(tail->items[number], bytes, size_bytes) == 0;
}

static void put_new(struct pyi_pattern_writer *writer, const uint8_t *bytes, size_t size_bytes)
{
	struct pyi_pattern_tail *tail = &writer->tail;

	put_bytes(writer, bytes, size_bytes);
	memcpy(tail->items[0], tail->items[1], sizeof(tail->items[0]));
	tail->item_bytes[0] = tail->item_bytes[1];
	memcpy(tail->items[1], bytes, size_bytes);
	tail->item_bytes[1] = size_bytes;
	tail->count += tail->count < 2;
}

/* Nothing comes again any more. */
static void end_again(struct pyi_pattern_writer *writer)
{
	struct pyi_pattern_tail *tail = &writer->tail;
	uint8_t bytes[3 * PYI_NUMBER_BYTES];
	uint8_t half[sizeof(tail->items[0])];
	size_t size_bytes = 0;

	if (tail->times) {
		size_bytes += pyi_number_put(bytes, PYI_PATTERN_REPEAT);
		size_bytes += pyi_number_put(bytes + size_bytes, tail->length);
		size_bytes += pyi_number_put(bytes + size_bytes, tail->times);
		put_bytes(writer, bytes, size_bytes);
	}
	tail->length = 0;
	tail->times = 0;
	if (!tail->half)
		return;
	tail->half = false;
	size_bytes = tail->item_bytes[0];
	memcpy(half, tail->items[0], size_bytes);
	put_new(writer, half, size_bytes);
}

/* True if it is what was to come again. */
static bool goes_on(struct pyi_pattern_tail *tail, const uint8_t *bytes, size_t size_bytes)
{
	if (!tail->length && tail->count && is_item(tail, 1, bytes, size_bytes))
		tail->length = 1;
	else if (!tail->length && tail->count == 2 && is_item(tail, 0, bytes, size_bytes))
		tail->length = 2;
	if (!tail->length || !is_item(tail, tail->length == 1 || tail->half, bytes, size_bytes))
		return false;
	tail->times += tail->length == 1 || tail->half;
	tail->half = tail->length == 2 && !tail->half;
	return true;
}

static void put_item(struct pyi_pattern_writer *writer, const uint8_t *bytes, size_t size_bytes)
{
	if (goes_on(&writer->tail, bytes, size_bytes))
		return;
	if (writer->tail.length)
		end_again(writer);
	if (!goes_on(&writer->tail, bytes, size_bytes))
		put_new(writer, bytes, size_bytes);
}

/* A key is what is referred to, or stands as far behind its value as the one before. */
static bool find_behind(struct pyi_pattern_writer *writer, uint64_t place, uint32_t node,
			uint64_t *ret_number)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(writer->graph, writer->source);
	const uint64_t near[] = { place, place + 1, place + writer->behind };

	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		if (near[i] < referents.count && referents.items[near[i]] == node) {
			*ret_number = pyi_zigzag(near[i] - place);
			return true;
		}
	if (referents.count < MANY_REFERENCES || writer->looks++ >= LOOK_LIMIT)
		return false;
	for (uint64_t at = 0; at < referents.count; at++)
		if (referents.items[at] == node) {
			writer->behind = at - place;
			*ret_number = pyi_zigzag(writer->behind);
			return true;
		}
	return false;
}

/* How `value` is told, and as which number. */
static unsigned tell(struct pyi_pattern_writer *writer, uint64_t place, bool is_address,
		     uint64_t value, uint64_t *ret_number)
{
	uint32_t node;

	*ret_number = value;
	if (!value)
		return TOLD_ZERO;
	node = is_address ? pyi_graph_find(writer->graph, value) : PYI_GRAPH_NONE;
	if (node == PYI_GRAPH_NONE)
		return TOLD_NUMBER;
	if (find_behind(writer, place, node, ret_number))
		return TOLD_PLACE;
	*ret_number = node;
	return TOLD_NODE;
}

static bool detail_is_address(uint32_t kind)
{
	return kind == PYI_EDGE_ATTRIBUTE || kind == PYI_EDGE_ITEM || kind == PYI_EDGE_KEY;
}

void pyi_pattern_put(struct pyi_pattern_writer *writer, uint64_t place, const struct pyi_edge *edge)
{
	const uint8_t nothing = 0;
	uint8_t bytes[sizeof(writer->tail.items[0])];
	uint64_t detail;
	uint64_t context;
	unsigned detail_told;
	unsigned context_told;
	size_t size;

	if (writer->full)
		return;
	if (!edge || edge->kind >= KIND_LIMIT || !edge->kind) {
		writer->silent++;
		return;
	}
	for (; writer->silent; writer->silent--)
		put_item(writer, &nothing, 1);
	detail_told = tell(writer, place, detail_is_address(edge->kind), edge->detail, &detail);
	context_told = tell(writer, place, true, edge->context, &context);
	size = pyi_number_put(bytes, edge->kind);
	size += pyi_number_put(bytes + size, detail_told | context_told << TOLD_BITS);
	if (detail_told != TOLD_ZERO)
		size += pyi_number_put(bytes + size, detail);
	if (context_told != TOLD_ZERO)
		size += pyi_number_put(bytes + size, context);
	put_item(writer, bytes, size);
}

void pyi_pattern_end(struct pyi_pattern_writer *writer)
{
	end_again(writer);
}

struct item {
	uint32_t kind;
	unsigned told;
	uint64_t detail;
	uint64_t context;
};

/* Goes through a pattern, from the first place on. */
struct walk {
	struct pyi_column_reader column;
	struct item items[2];
	unsigned count;
	/* Behind what was taken last. */
	uint64_t place;
};

static struct pyi_pattern pattern_of(const struct pyi_graph *graph, uint32_t source)
{
	if (!graph->names || source >= graph->names->node_count)
		return (struct pyi_pattern){ 0 };
	return pyi_kept_names_pattern(graph->names, graph->names->patterns[source]);
}

static struct walk begin(const struct pyi_graph *graph, uint32_t source, bool *ret_reported)
{
	const struct pyi_pattern pattern = pattern_of(graph, source);
	struct walk walk = { .column = { pattern.bytes, pattern.bytes + pattern.size_bytes,
					 false } };

	*ret_reported = pattern.size_bytes && *pattern.bytes == PYI_PATTERN_KEYS_REPORTED;
	walk.column.at += *ret_reported;
	return walk;
}

/* The next item, or what comes again: `ret_length` items, so many times. */
static bool take(struct walk *walk, unsigned *ret_length, uint64_t *ret_times)
{
	uint64_t kind;
	struct item item;

	if (walk->column.at == walk->column.end)
		return false;
	kind = pyi_number_take(&walk->column);
	if (kind == PYI_PATTERN_REPEAT) {
		*ret_length = (unsigned)pyi_number_take(&walk->column);
		*ret_times = pyi_number_take(&walk->column);
		return !walk->column.failed && *ret_length >= 1 && *ret_length <= walk->count &&
		       *ret_times <= UINT32_MAX;
	}
	item = (struct item){ .kind = (uint32_t)kind };
	if (kind) {
		item.told = (unsigned)pyi_number_take(&walk->column);
		if (item.told & ((1 << TOLD_BITS) - 1))
			item.detail = pyi_number_take(&walk->column);
		if (item.told >> TOLD_BITS)
			item.context = pyi_number_take(&walk->column);
	}
	walk->items[0] = walk->items[1];
	walk->items[1] = item;
	walk->count += walk->count < 2;
	*ret_length = 1;
	*ret_times = 1;
	return !walk->column.failed && kind < KIND_LIMIT;
}

static uint64_t resolve(const struct pyi_graph *graph, uint32_t source, uint64_t place,
			unsigned told, uint64_t number)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, source);

	switch (told & ((1 << TOLD_BITS) - 1)) {
	case TOLD_NUMBER:
		return number;
	case TOLD_NODE:
		return number < graph->node_count ? pyi_graph_address(graph, (uint32_t)number) : 0;
	case TOLD_PLACE:
		place += pyi_unzigzag(number);
		return place < referents.count ? pyi_graph_address(graph, referents.items[place])
					       : 0;
	default:
		return 0;
	}
}

bool pyi_pattern_keys_reported(const struct pyi_graph *graph, uint32_t source)
{
	bool reported;

	(void)begin(graph, source, &reported);
	return reported;
}

bool pyi_pattern_edge(const struct pyi_graph *graph, uint32_t source, uint64_t place,
		      struct pyi_edge *ret_edge)
{
	bool reported;
	struct walk walk = begin(graph, source, &reported);
	const struct item *item;
	unsigned length;
	uint64_t times;

	for (;;) {
		if (!take(&walk, &length, &times))
			return false;
		if (place - walk.place < length * times)
			break;
		walk.place += length * times;
	}
	item = &walk.items[length == 1 || (place - walk.place) % 2];
	if (!item->kind)
		return false;
	*ret_edge = (struct pyi_edge){
		.kind = item->kind,
		.detail = resolve(graph, source, place, item->told, item->detail),
		.context = resolve(graph, source, place, item->told >> TOLD_BITS, item->context),
	};
	return true;
}

bool pyi_pattern_field(const struct pyi_graph *graph, uint32_t source, uint64_t offset,
		       uint64_t *ret_place)
{
	bool reported;
	struct walk walk = begin(graph, source, &reported);
	unsigned length;
	uint64_t times;

	while (take(&walk, &length, &times)) {
		const struct item *item = &walk.items[1];

		if (length == 1 && times == 1 && item->kind == PYI_EDGE_FIELD &&
		    item->detail == offset) {
			*ret_place = walk.place;
			return walk.place < pyi_graph_referents(graph, source).count;
		}
		walk.place += length * times;
	}
	return false;
}
