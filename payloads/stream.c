/*
 * PYI_JOB_GRAPH: says of each object that the census counts what it is, and of each that it visits
 * what it refers to, as pyinspect/graph_stream.h has it. Does not follow anything: walk.c does.
 *
 * What an object refers to is gathered apart, for objects that are met meanwhile are said at once.
 */
#include <pyinspect/graph_stream.h>

#include "reader.h"
#include "state.h"

enum {
	EDGE_LIMIT = PYI_EDGES_MANY - 1,
	/* Of keys that dicts share. */
	KEY_PART = 16,
	/*
	 * Objects that are never freed have half of all numbers (3.12); those that are static data
	 * in 3.11 begin with 999999999 (deepfreeze.py, pycore_runtime_init.h) and are counted from
	 * there, code a little down, small ints up. Else there are 8 GB of pointers to it, and it
	 * loses nothing.
	 */
	MANY_REFERENCES = 999999999 - (1 << 20),
	SHORT_BYTES = 1 << (64 - PYI_NODE_SIZE_SHIFT),
	SHORT_COUNT = 1 << PYI_NODE_COUNT_BITS,
};

struct pyi_stream {
	/* The object that is visited; 0: none. */
	uint64_t source;
	bool source_is_weakref;
	bool type_counts;
	bool labelled;
	/* What is referred to is no reference of it. */
	bool muted;
	/* Of all references from now on. */
	uint32_t label;
	uint64_t count;
	uint64_t limit;
	uint64_t edges[EDGE_LIMIT];
};

PYI_SELDOM bool pyi_stream_init(struct pyi_walk *walk)
{
	uint64_t room = walk->arguments->records_bytes / sizeof(uint64_t);

	walk->stream = pyi_walk_allocate(walk, sizeof(*walk->stream));
	/* A part has to fit into the buffer, behind the head of a record and its own. */
	if (!walk->stream || room < KEY_PART + 4)
		return false;
	walk->stream->limit = room - 4 < EDGE_LIMIT ? room - 4 : EDGE_LIMIT;
	return true;
}

/* Where so many words are to be written at once. */
static uint64_t *make_room(struct pyi_walk *walk, uint64_t count)
{
	struct pyi_record_graph *record =
		(struct pyi_record_graph *)(uintptr_t)walk->arguments->records_addr;
	uint64_t bytes = count * sizeof(uint64_t);
	uint64_t addr;

	if (walk->arguments->records_bytes - walk->records_used < bytes + sizeof(*record))
		pyi_walk_flush(walk);
	if (!walk->records_used) {
		record->kind = PYI_RECORD_GRAPH;
		walk->records_used = sizeof(*record);
	}
	addr = walk->arguments->records_addr + walk->records_used;
	walk->records_used += bytes;
	record->size_bytes = (uint32_t)walk->records_used;
	return (uint64_t *)(uintptr_t)addr;
}

static bool can_be_sent(uint64_t object)
{
	return object && !(object >> PYI_ENTRY_ADDRESS_BITS) && object % PYI_POINTER_BYTES == 0;
}

static void put_node(struct pyi_walk *walk, uint64_t object, uint64_t type, uint64_t bytes,
		     uint64_t references, uint32_t flags)
{
	bool is_short = bytes < SHORT_BYTES && references < SHORT_COUNT;
	uint64_t *words = make_room(walk, is_short ? 2 : 3);

	words[0] = object << PYI_ENTRY_ADDRESS_SHIFT | flags;
	if (is_short) {
		words[1] = bytes << PYI_NODE_SIZE_SHIFT | references << PYI_NODE_TYPE_BITS | type;
		return;
	}
	words[0] |= PYI_ENTRY_NODE_LONG;
	words[1] = references << 32 | type;
	words[2] = bytes;
}

void pyi_stream_node(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type,
		     uint64_t bytes, uint32_t flags)
{
	uint32_t references = pyi_object_references(walk->layout, object);

	if (!can_be_sent(object)) {
		pyi_walk_skip(walk, PYI_TROUBLE_OBJECT, object);
		return;
	}
	if (references >= MANY_REFERENCES)
		flags |= PYI_NODE_IMMORTAL;
	if (type->kind == PYI_KIND_TYPE &&
	    !(pyi_field(object, walk->layout->type_flags) & PYI_TPFLAG_HEAP_TYPE))
		flags |= PYI_NODE_STATIC;
	put_node(walk, object, (uint64_t)(type - walk->types), bytes,
		 references >> 31 ? UINT32_MAX : references, flags);
}

static void put_edges(struct pyi_walk *walk, bool complete)
{
	struct pyi_stream *stream = walk->stream;
	uint64_t head = stream->source << PYI_ENTRY_ADDRESS_SHIFT | PYI_ENTRY_EDGES |
			stream->count << PYI_EDGES_COUNT_SHIFT;
	uint64_t *words;

	if (stream->labelled)
		head |= PYI_EDGES_LABELLED;
	if (!complete)
		head |= PYI_EDGES_INCOMPLETE;
	words = make_room(walk, 1 + stream->count);
	words[0] = head;
	for (uint64_t e = 0; e < stream->count; e++)
		words[1 + e] = stream->edges[e];
	stream->count = 0;
}

void pyi_stream_begin(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	struct pyi_stream *stream = walk->stream;

	stream->source = can_be_sent(object) ? object : 0;
	stream->source_is_weakref = type->kind == PYI_KIND_WEAKREF;
	stream->type_counts = type->flags & PYI_TPFLAG_HEAP_TYPE;
	stream->labelled = false;
	stream->muted = false;
	stream->label = 0;
	stream->count = 0;
}

void pyi_stream_end(struct pyi_walk *walk, bool complete)
{
	struct pyi_stream *stream = walk->stream;

	if (stream->source && (stream->count || !complete))
		put_edges(walk, complete);
	stream->source = 0;
}

static uint32_t label_of(const struct pyi_walk *walk)
{
	switch (walk->via) {
	case PYI_VIA_TYPE:
		return PYI_LABEL_INTERNAL | PYI_LABEL_TYPE << PYI_LABEL_KIND_SHIFT;
	case PYI_VIA_KEY:
		return PYI_LABEL_INTERNAL | PYI_LABEL_KEY << PYI_LABEL_KIND_SHIFT;
	case PYI_VIA_FIELD:
		return PYI_LABEL_INTERNAL | PYI_LABEL_ELSEWHERE << PYI_LABEL_KIND_SHIFT;
	default:
		return walk->stream->label;
	}
}

void pyi_stream_refer(struct pyi_walk *walk, uint64_t object)
{
	struct pyi_stream *stream = walk->stream;
	uint32_t label = label_of(walk);

	if (!stream->source || stream->muted || !can_be_sent(object))
		return;
	/* Neither holds what it leads to: the type of an object that has a static one, and a weak
	   reference that the walk looks through. */
	if (walk->via == PYI_VIA_TYPE && !stream->type_counts)
		return;
	if (walk->via == PYI_VIA_FIELD && stream->source_is_weakref)
		return;
	if (stream->count == stream->limit)
		put_edges(walk, true);
	stream->labelled |= label != 0;
	stream->edges[stream->count++] = object << PYI_ENTRY_ADDRESS_SHIFT | label;
}

/* What several dicts have their keys in, once for all of them. */
static void put_shared_keys(struct pyi_walk *walk, uint64_t keys,
			    const struct pyi_walk_type *dict_type,
			    const struct pyi_dict_entries *entries)
{
	uint64_t words[1 + KEY_PART];
	uint64_t count = 0;

	put_node(walk, keys, (uint64_t)(dict_type - walk->types), 0,
		 pyi_load32(keys + walk->layout->keys_refcnt), PYI_NODE_KEYS);
	for (uint64_t i = 0; i <= entries->count; i++) {
		uint64_t key = 0;

		if (i < entries->count)
			key = pyi_load64(entries->addr + i * entries->bytes + entries->key);
		if (can_be_sent(key)) {
			words[++count] = key << PYI_ENTRY_ADDRESS_SHIFT;
			pyi_walk_refer(walk, key);
		}
		if (count == KEY_PART || (count && i == entries->count)) {
			words[0] = keys << PYI_ENTRY_ADDRESS_SHIFT | PYI_ENTRY_EDGES |
				   count << PYI_EDGES_COUNT_SHIFT;
			__builtin_memcpy(make_room(walk, 1 + count), words,
					 (1 + count) * sizeof(*words));
			count = 0;
		}
	}
}

static void refer_labelled(struct pyi_walk *walk, uint64_t object, uint32_t kind, uint64_t slot)
{
	if (slot >= PYI_LABEL_SLOTS)
		slot = PYI_LABEL_SLOTS - 1;
	walk->stream->label = kind << PYI_LABEL_KIND_SHIFT | (uint32_t)slot;
	pyi_walk_refer(walk, object);
	walk->stream->label = 0;
}

bool pyi_stream_keys(struct pyi_walk *walk, uint64_t keys, const struct pyi_walk_type *type)
{
	struct pyi_stream *stream = walk->stream;
	struct pyi_dict_entries entries;

	if (!stream->source || stream->count == stream->limit || !can_be_sent(keys) ||
	    !pyi_marks_is_readable(walk, keys) || !pyi_dict_entries_find(walk, keys, &entries))
		return false;
	stream->labelled = true;
	stream->edges[stream->count++] = keys << PYI_ENTRY_ADDRESS_SHIFT | PYI_LABEL_INTERNAL |
					 PYI_LABEL_KEYS << PYI_LABEL_KIND_SHIFT;
	if (!pyi_marks_set(walk, keys))
		return true;
	stream->muted = true;
	put_shared_keys(walk, keys, type, &entries);
	stream->muted = false;
	return true;
}

static void visit_split(struct pyi_walk *walk, uint64_t values,
			const struct pyi_dict_entries *entries)
{
	values = pyi_dict_values_items(walk->layout, values);
	for (uint64_t i = 0; i < entries->count; i++)
		refer_labelled(walk, pyi_load64(values + i * PYI_POINTER_BYTES), PYI_LABEL_VALUE,
			       i);
}

/*
 * Values in the object whose __dict__ it is (3.13: Include/internal/pycore_dict.h, struct
 * _dictvalues: `embedded` is in front of `valid`).
 */
static bool is_embedded(const struct pyi_walk *walk, uint64_t values)
{
	return pyi_has(walk->layout->values_valid) &&
	       pyi_load8(values + walk->layout->values_valid - 1);
}

bool pyi_stream_dict(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	uint64_t values = pyi_dict_values(walk, object);
	uint64_t keys = pyi_dict_keys(walk, object);
	struct pyi_dict_entries entries;

	walk->via = PYI_VIA_TRAVERSE;
	if (!pyi_dict_entries_find(walk, keys, &entries))
		return true;
	if (values) {
		pyi_stream_keys(walk, keys, type);
		if (is_embedded(walk, values))
			return false;
		visit_split(walk, values, &entries);
		return true;
	}
	for (uint64_t i = 0; i < entries.count; i++) {
		uint64_t entry = entries.addr + i * entries.bytes;
		uint64_t value = pyi_load64(entry + entries.value);
		uint64_t key = pyi_load64(entry + entries.key);

		if (!value)
			continue;
		/* Always both: the key is known by its place. */
		walk->stream->muted = !can_be_sent(value) || !can_be_sent(key);
		pyi_walk_refer(walk, value);
		pyi_walk_refer(walk, key);
	}
	walk->stream->muted = false;
	return true;
}

PYI_SELDOM void pyi_stream_send_tables(struct pyi_walk *walk)
{
	const struct pyi_payload_root *roots =
		(const struct pyi_payload_root *)(uintptr_t)walk->arguments->roots_addr;

	pyi_walk_flush(walk);
	for (uint64_t t = 0; t < walk->type_count; t++) {
		const struct pyi_record_graph_type record = {
			.kind = PYI_RECORD_GRAPH_TYPE,
			.size_bytes = sizeof(record),
			.number = t,
			.type_addr = walk->types[t].addr,
			.object_kind = walk->types[t].kind,
		};

		pyi_walk_put(walk, &record, sizeof(record));
	}
	for (uint64_t r = 0; r < walk->arguments->root_count; r++) {
		const struct pyi_record_graph_root record = {
			.kind = PYI_RECORD_GRAPH_ROOT,
			.size_bytes = sizeof(record),
			.root = roots[r],
		};

		if (roots[r].object_addr)
			pyi_walk_put(walk, &record, sizeof(record));
	}
}
