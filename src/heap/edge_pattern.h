/*
 * What the references of one object are called, as bytes that are the same for objects that are
 * alike. Where nothing is said of a reference, its place, its label and its type say it.
 *
 * All in numbers of 7 bits a byte (graph/columns.h). One item a reference, in the order of places:
 *
 *   0             nothing is said of it
 *   1 to 31       enum pyi_edge_kind, then how detail and context are told: detail + 4 * context,
 *                 of 0: it is 0; 1: a number; 2: a node; 3: the address of what the place so many
 *                 behind this one refers to (signed); then that of the detail, then of the context
 *   32            length (1 or 2), times: the last items come again
 *   33            only at the beginning: tp_traverse of this dict reports its keys
 *
 * Behind the end nothing is said. Does not believe a pattern.
 */
#ifndef PYI_HEAP_EDGE_PATTERN_H
#define PYI_HEAP_EDGE_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "graph/graph.h"
#include "graph/kept_names.h"

enum {
	PYI_PATTERN_REPEAT = 32,
	PYI_PATTERN_KEYS_REPORTED = 33,
};

/* Items that were written last, the older one first, and what came again since. */
struct pyi_pattern_tail {
	uint8_t items[2][4 * 10];
	size_t item_bytes[2];
	unsigned count;
	/* 0: nothing comes again; else so many items do, in all so many times. */
	unsigned length;
	uint64_t times;
	/* Of two, the first has come once more. */
	bool half;
};

/* A pattern that is being made. */
struct pyi_pattern_writer {
	const struct pyi_graph *graph;
	uint32_t source;
	uint8_t bytes[PYI_PATTERN_BYTES];
	size_t size_bytes;
	struct pyi_pattern_tail tail;
	/* References of which nothing is said, behind the last item. */
	uint64_t silent;
	/* How far behind a value its key was last (signed), and how often that was looked for. */
	uint64_t behind;
	unsigned looks;
	/* There was no room: nothing is said of what came then. */
	bool full;
};

void pyi_pattern_begin(struct pyi_pattern_writer *writer, const struct pyi_graph *graph,
		       uint32_t source);
void pyi_pattern_put_reported(struct pyi_pattern_writer *writer);
/* Of the next place; NULL: nothing is said. */
void pyi_pattern_put(struct pyi_pattern_writer *writer, uint64_t place,
		     const struct pyi_edge *edge);
void pyi_pattern_end(struct pyi_pattern_writer *writer);

bool pyi_pattern_keys_reported(const struct pyi_graph *graph, uint32_t source);

/* False: nothing is said of it. `internal` is not set. */
bool pyi_pattern_edge(const struct pyi_graph *graph, uint32_t source, uint64_t place,
		      struct pyi_edge *ret_edge);

/* The place of the field at `offset`; false if none is known. */
bool pyi_pattern_field(const struct pyi_graph *graph, uint32_t source, uint64_t offset,
		       uint64_t *ret_place);

#endif
