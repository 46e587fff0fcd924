/*
 * A heap as one graph: objects in the order of their addresses, numbered from 0, and their
 * references, forward and backward. What it says and how it is filled is in doc/graph.md.
 *
 * Made by graph/builder.h or read by graph/file.h; nothing but facts changes afterwards. It was
 * made of what a hostile process has said: numbers of objects and types are in range, all else may
 * be wrong. Does not know Python, nor what a reference is called.
 */
#ifndef PYI_GRAPH_GRAPH_H
#define PYI_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/graph_stream.h>

#include "base/error.h"
#include "graph/address_index.h"
#include "graph/kept_names.h"
#include "graph/offsets.h"
#include "graph/space.h"

enum {
	PYI_GRAPH_TYPE_LIMIT = 1 << PYI_NODE_TYPE_BITS,
	/* Beside the type, in one word. */
	PYI_GRAPH_FLAG_SHIFT = PYI_NODE_TYPE_BITS,
	PYI_GRAPH_LABEL_NODES = 16,
};

struct pyi_graph_type {
	uint64_t addr;
	/* enum pyi_object_kind */
	uint32_t kind;
	/* The type as an object; PYI_GRAPH_NONE if it is none of the graph. */
	uint32_t node;
	/* Its full name; NULL if it is not known. */
	char *name;
	/* It has a __sizeof__() that is not known: sizes are estimates. */
	bool estimated;
	/* The collector leaves its objects, and what they lead to, alone: __del__ up to 3.3 (PEP
	 * 442).
	 */
	bool finalizer;
};

/* A reference from outside of the heap. */
struct pyi_graph_root {
	uint32_t node;
	/* enum pyi_edge_kind, and what belongs to it (pyinspect/payload.h). */
	uint32_t kind;
	uint64_t detail;
	uint64_t context;
	/* It is none of the references that the object's count is about. */
	bool uncounted;
	/* What it is called; NULL if that is not known. */
	char *text;
};

/* The text of an object that names others: a str that is a key, a function. */
struct pyi_graph_text {
	uint32_t node;
	char *text;
};

/* What is known about the heap as a whole, or about how it came to be read: of whom, when. */
struct pyi_graph_fact {
	/* The caller's; 0 is none. */
	uint32_t key;
	uint64_t number;
	/* NULL: it has none. */
	char *text;
};

struct pyi_graph_big {
	uint32_t node;
	uint64_t size_bytes;
};

struct pyi_graph {
	struct pyi_graph_space *space;
	uint32_t node_count;
	uint64_t edge_count;
	uint64_t label_count;
	/* What there is room for: as much, or more. */
	uint64_t node_room;
	uint64_t edge_room;
	uint64_t label_room;

	struct pyi_address_index index;
	/* Type number, and enum pyi_node_flag >> 2 << PYI_GRAPH_FLAG_SHIFT. */
	uint32_t *types_and_flags;
	/* UINT32_MAX: it is in `big`. */
	uint32_t *sizes;
	/* UINT32_MAX: as much, or more. */
	uint32_t *reference_counts;
	struct pyi_graph_offsets edges;
	uint32_t *targets;
	/* Of the nodes with PYI_NODE_LABELLED only, one after the other; where those of each
	   PYI_GRAPH_LABEL_NODES nodes begin. */
	uint16_t *labels;
	uint64_t *label_blocks;

	/* pyi_graph_reverse(): who refers to each; else NULL. */
	struct pyi_graph_offsets referrers;
	uint32_t *sources;

	struct pyi_graph_type *types;
	uint32_t type_count;
	/* By node. */
	struct pyi_graph_root *roots;
	size_t root_count;
	size_t root_capacity;
	/* Ascending. */
	struct pyi_graph_text *texts;
	size_t text_count;
	size_t text_capacity;
	/* In the order in which they were added. */
	struct pyi_graph_fact *facts;
	size_t fact_count;
	size_t fact_capacity;
	struct pyi_graph_big *big;
	size_t big_count;
	size_t big_capacity;
	/* What names its references without the process; NULL: nothing is kept. */
	struct pyi_kept_names *names;

	/* What is not in it: references to and from what is no object, and a second object at the
	   same address. */
	uint64_t lost_edges;
	uint64_t duplicate_nodes;
	/* Nodes with PYI_NODE_INCOMPLETE. */
	uint64_t incomplete_nodes;
	/* Of a file: it ends too early, or is damaged. */
	bool truncated;
};

/* For an index that is sealed: room for the columns and for `type_count` types. */
struct pyi_error *pyi_graph_prepare(struct pyi_graph *graph, struct pyi_graph_space *space,
				    const struct pyi_address_index *index,
				    uint32_t type_count) PYI_MUST_CHECK;

/* Room for that many edges and labels. */
struct pyi_error *pyi_graph_prepare_edges(struct pyi_graph *graph, uint64_t edge_count,
					  uint64_t label_count) PYI_MUST_CHECK;

/*
 * From degrees, in `edges.inner`, and the flags that say who has labels, to where edges and labels
 * begin, and how many there are.
 */
struct pyi_error *pyi_graph_sum_edges(struct pyi_graph *graph) PYI_MUST_CHECK;

/* Safe on a zeroed struct. The space stays. */
void pyi_graph_deinit(struct pyi_graph *graph);

/* For pyi_graph_set_size() and pyi_graph_size(): what does not fit into the column. */
struct pyi_error *pyi_graph_set_big_size(struct pyi_graph *graph, uint32_t node,
					 uint64_t size_bytes) PYI_MUST_CHECK;
uint64_t pyi_graph_big_size(const struct pyi_graph *graph, uint32_t node);

/* Sets the size of a node; nodes come in any order. */
PYI_MUST_CHECK static inline struct pyi_error *
pyi_graph_set_size(struct pyi_graph *graph, uint32_t node, uint64_t size_bytes)
{
	if (size_bytes >= UINT32_MAX)
		return pyi_graph_set_big_size(graph, node, size_bytes);
	graph->sizes[node] = (uint32_t)size_bytes;
	return NULL;
}

/* Adds the text of a node to those of an array, unsorted; `text` is copied. */
struct pyi_error *pyi_graph_add_text(struct pyi_graph_text **texts, size_t *count, size_t *capacity,
				     uint32_t node, const char *text) PYI_MUST_CHECK;
/* Puts them in order. */
void pyi_graph_sort_texts(struct pyi_graph_text *texts, size_t count);

/* Adds a fact; `text` is copied, NULL is none. */
struct pyi_error *pyi_graph_add_fact(struct pyi_graph *graph, uint32_t key, uint64_t number,
				     const char *text) PYI_MUST_CHECK;

/*
 * What is left to do when all columns are filled: order, marks of roots and counts. Takes nothing
 * back.
 */
void pyi_graph_complete(struct pyi_graph *graph);

/* Finds out who refers to each node; once is enough. */
struct pyi_error *pyi_graph_reverse(struct pyi_graph *graph) PYI_MUST_CHECK;

static inline uint64_t pyi_graph_size(const struct pyi_graph *graph, uint32_t node)
{
	return graph->sizes[node] == UINT32_MAX ? pyi_graph_big_size(graph, node)
						: graph->sizes[node];
}
/* PYI_GRAPH_NONE if there is none. */
uint32_t pyi_graph_find(const struct pyi_graph *graph, uint64_t addr);
uint64_t pyi_graph_address(const struct pyi_graph *graph, uint32_t node);
/* The last node that begins at `addr` or before it; PYI_GRAPH_NONE: there is none. */
uint32_t pyi_graph_last_before(const struct pyi_graph *graph, uint64_t addr);
/* What kind of value a node is, if that is kept; NULL: it is not. */
const char *pyi_graph_value(const struct pyi_graph *graph, uint32_t node);
/* NULL if it has none. */
const char *pyi_graph_text(const struct pyi_graph *graph, uint32_t node);
/* The labels of its references, in order; NULL: it has none. */
const uint16_t *pyi_graph_labels(const struct pyi_graph *graph, uint32_t node);

static inline uint32_t pyi_graph_type(const struct pyi_graph *graph, uint32_t node)
{
	return graph->types_and_flags[node] & (PYI_GRAPH_TYPE_LIMIT - 1);
}

/* enum pyi_node_flag */
static inline uint32_t pyi_graph_flags(const struct pyi_graph *graph, uint32_t node)
{
	return graph->types_and_flags[node] >> PYI_GRAPH_FLAG_SHIFT << 2;
}

static inline void pyi_graph_add_flags(struct pyi_graph *graph, uint32_t node, uint32_t flags)
{
	graph->types_and_flags[node] |= flags >> 2 << PYI_GRAPH_FLAG_SHIFT;
}

/* Nodes, one after the other. */
struct pyi_graph_nodes {
	const uint32_t *items;
	uint64_t count;
};

/* What a node refers to, in the order of its places; once for each reference. */
static inline struct pyi_graph_nodes pyi_graph_referents(const struct pyi_graph *graph,
							 uint32_t node)
{
	uint64_t start = pyi_graph_offsets_start(&graph->edges, node);
	uint64_t end = pyi_graph_offsets_start(&graph->edges, (uint64_t)node + 1);

	return (struct pyi_graph_nodes){ graph->targets + start, end - start };
}

/*
 * For who goes through a queue of nodes: brings on its way what the references of those behind
 * number `at` are found by, and then the references.
 */
static inline void pyi_graph_prefetch_queue(const struct pyi_graph *graph, const uint32_t *queue,
					    uint64_t at, uint64_t count)
{
	enum { AHEAD = 8, FAR_AHEAD = 16 };

	if (at + FAR_AHEAD < count)
		__builtin_prefetch(&graph->edges.inner[queue[at + FAR_AHEAD]]);
	if (at + AHEAD < count)
		__builtin_prefetch(graph->targets +
				   pyi_graph_offsets_start(&graph->edges, queue[at + AHEAD]));
}

/* What refers to a node, ascending; once for each reference. Wants pyi_graph_reverse(). */
static inline struct pyi_graph_nodes pyi_graph_referrers(const struct pyi_graph *graph,
							 uint32_t node)
{
	uint64_t start = pyi_graph_offsets_start(&graph->referrers, node);
	uint64_t end = pyi_graph_offsets_start(&graph->referrers, (uint64_t)node + 1);

	return (struct pyi_graph_nodes){ graph->sources + start, end - start };
}

#endif
