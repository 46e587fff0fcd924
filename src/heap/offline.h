/*
 * Names without a process: what the questions to a snapshot would read of its memory is kept in a
 * graph (graph/kept_names.h) by keep_names.h, and read from there by this.
 *
 * A graph of a file is believed no more than the memory of a process.
 */
#ifndef PYI_HEAP_OFFLINE_H
#define PYI_HEAP_OFFLINE_H

#include <stdbool.h>

#include "base/error.h"
#include "graph/graph.h"
#include "heap/session.h"
#include "process/memory_reader.h"
#include "python/collector.h"

/* Facts of a graph (doc/graph.md). Part of the format. */
enum pyi_offline_fact {
	/* The row of python/layouts.h: what it was generated from, and which one of these. */
	PYI_OFFLINE_LAYOUT = 32,
	/* Addresses of struct pyi_runtime. */
	PYI_OFFLINE_RUNTIME,
	PYI_OFFLINE_OBJECT_TYPE,
	PYI_OFFLINE_TYPE_TYPE,
	PYI_OFFLINE_DICT_TYPE,
	PYI_OFFLINE_STR_TYPE,
	/* Two's complement. */
	PYI_OFFLINE_STATIC_TYPES_SHIFT,
	PYI_OFFLINE_TYPE_BYTES,
	/* One for each interpreter: its address. */
	PYI_OFFLINE_INTERPRETER,
	/* References whose names were not kept, for there are too many in one object. */
	PYI_OFFLINE_UNNAMED,
	/* 1: values are kept, too. */
	PYI_OFFLINE_VALUES,
	/* Plus enum pyi_object_kind: the address of a type of the interpreter of that kind. */
	PYI_OFFLINE_BUILTIN = 64,
	PYI_OFFLINE_BUILTIN_END = 128,
};

/* In the place of a snapshot. */
struct pyi_offline {
	const struct pyi_graph *graph;
	const struct pyi_layout *layout;
	struct pyi_made_memory made;
	struct pyi_source_snapshot snapshot;
	struct pyi_interpreters interpreters;
	/* References without a name. */
	uint64_t unnamed;
	bool values;
};

/* Adds the facts of a runtime. */
struct pyi_error *pyi_offline_put(struct pyi_graph *graph, const struct pyi_runtime *runtime,
				  const struct pyi_interpreters *interpreters) PYI_MUST_CHECK;

/*
 * Makes a runtime and a snapshot to be read of what a graph keeps, which must outlive both;
 * `offline` must not move. *ret_named is false, and nothing is set, if it keeps no names, or those
 * of a Python that is not known. Errors: out of memory.
 */
struct pyi_error *pyi_offline_begin(const struct pyi_graph *graph, struct pyi_offline *offline,
				    struct pyi_runtime *ret_runtime,
				    bool *ret_named) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_offline_end(struct pyi_offline *offline);

/*
 * The word at `addr` as far as the graph knows it without an image: the type of an object, the
 * length of a text, a field that refers to something.
 */
bool pyi_offline_word(const struct pyi_graph *graph, const struct pyi_layout *layout, uint64_t addr,
		      uint64_t *ret_word);

#endif
