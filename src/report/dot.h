/*
 * A picture of a few objects and how they refer to each other, in the language of Graphviz: text
 * that `dot -Tsvg` draws.
 *
 * Does not know what any report says. Text may be any bytes: it goes through pyi_output_fit(), and
 * then nothing of it can end a string, a label or a line, or be an escape or an entity of dot.
 * Sizes are limited whatever the target says: labels are cut, and what there is no room for is left
 * out, which the picture says. Lack of memory is remembered, and told by pyi_dot_end().
 */
#ifndef PYI_REPORT_DOT_H
#define PYI_REPORT_DOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "report/table.h"

enum {
	PYI_DOT_NODES = 500,
	PYI_DOT_EDGES = 1000,
	/* Lines of a label, and columns of a line; of the words above the picture. */
	PYI_DOT_LINES = 6,
	PYI_DOT_COLUMNS = 60,
	PYI_DOT_WORD_COLUMNS = 120,
};

/* No node: it did not fit. */
#define PYI_DOT_NONE SIZE_MAX

enum pyi_dot_look {
	PYI_DOT_USUAL,
	/* What the report is about; of an edge: it is the same as USUAL. */
	PYI_DOT_SUBJECT,
	/* An internal reference: gc does not know of it. */
	PYI_DOT_INTERNAL,
	/* What stands for others, or for a way; an edge that is no single reference. */
	PYI_DOT_VAGUE,
};

struct pyi_dot_edge {
	size_t from;
	size_t to;
	char *label;
};

struct pyi_dot {
	FILE *stream;
	/* For head and notes: what is put on it stands above the picture. */
	struct pyi_table words;
	/* The label of what comes next, quoted; and how many lines it has. */
	char *label;
	size_t line_count;
	/* Address of each node; 0: it is no object. */
	uint64_t *addrs;
	size_t node_count;
	struct pyi_dot_edge *edges;
	size_t edge_count;
	bool left_out;
	bool no_memory;
	/* What `words` writes to. */
	char *text;
	size_t text_bytes;
};

/* Begins a picture on `stream`; pyi_dot_end() must follow. */
void pyi_dot_begin(struct pyi_dot *dot, FILE *stream, const struct pyi_envelope *envelope);

/* One more line for the label of the node or edge that is put next. */
void pyi_dot_say(struct pyi_dot *dot, const char *format, ...) PYI_PRINTF(2, 3);

/* Puts a node and returns its number. An object has one node, with the label that it was given
 * first; `addr` 0: it is none. */
size_t pyi_dot_put_node(struct pyi_dot *dot, uint64_t addr, enum pyi_dot_look look);

/* Puts a node that stands for others, "… 3 more steps" of `count` 3 and that `what`. */
size_t pyi_dot_put_others(struct pyi_dot *dot, uint64_t count, const char *what);

/* Puts an edge, unless there is the same with the same label, or one of the nodes is none. */
void pyi_dot_put_edge(struct pyi_dot *dot, size_t from, size_t to, enum pyi_dot_look look);

/* Puts the words, ends the picture and flushes; `complete`: the caller had memory for all of it.
 * Errors: that of no memory, "output-failed". */
struct pyi_error *pyi_dot_end(struct pyi_dot *dot, bool complete) PYI_MUST_CHECK;

#endif
