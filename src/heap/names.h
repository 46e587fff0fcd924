/*
 * What the references of a graph are called: found in the memory of the snapshot that the graph was
 * made of, while that is there.
 *
 * Secrets are kept as python/places.h has it.
 */
#ifndef PYI_HEAP_NAMES_H
#define PYI_HEAP_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "base/error.h"
#include "graph/graph.h"
#include "python/places.h"
#include "python/references.h"

enum {
	/* Items of a list that are read at once. */
	PYI_NAMES_ITEMS = 64,
};

/* A part of the items of the list or tuple that was asked about last. */
struct pyi_names_items {
	/* PYI_GRAPH_NONE: none yet. */
	uint32_t source;
	uint64_t addr;
	uint64_t count;
	uint64_t first;
	uint64_t end;
	uint64_t words[PYI_NAMES_ITEMS];
};

struct pyi_names {
	const struct pyi_graph *graph;
	struct pyi_places places;
	/* By number of the type; `addr` 0: not read yet. */
	struct pyi_referring_type *types;
	struct pyi_names_items items;
	/* There is no snapshot, but what the graph keeps (heap/offline.h). */
	bool offline;
};

/* Graph, runtime and reader must outlive it; `values` as in python/places.h. */
struct pyi_error *pyi_names_init(struct pyi_names *names, const struct pyi_graph *graph,
				 const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader, bool values) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_names_deinit(struct pyi_names *names);

/*
 * The reference at `place` among the referents of `source`. Details are addresses, not nodes. What
 * leads to keys that dicts share, or from these to one of them, is a PYI_EDGE_KEY: of a dict or of
 * a type.
 */
struct pyi_edge pyi_names_edge(struct pyi_names *names, uint32_t source, uint64_t place);

/*
 * The same as `path` shows it: ".name", "['key']", "[3]", "{<str>}", " local x", ".<offset 24>",
 * "(internal)". malloc'ed; NULL without memory.
 */
char *pyi_names_text(struct pyi_names *names, uint32_t source, uint64_t place);

/*
 * What the graph, and the types of objects, say by themselves of the reference at `place`; what
 * they do not is left to the pattern of the node (heap/edge_pattern.h).
 */
struct pyi_edge pyi_names_plain_edge(struct pyi_names *names, uint32_t source, uint64_t place);

/* Its len(); false if it has none. */
bool pyi_names_length(struct pyi_names *names, uint32_t node, uint64_t *ret_length);

/* Of an edge that is known, from an instance of a type to the object at `target_addr`. */
char *pyi_names_edge_text(const struct pyi_names *names, const struct pyi_graph_type *type,
			  const struct pyi_edge *edge, uint64_t target_addr);

/* "sys.modules", "frame foo.f local x", "thread state": malloc'ed; NULL without memory. */
char *pyi_names_root_text(const struct pyi_names *names, const struct pyi_graph_root *root);

/* True if what is referred to at `place` is the item of a list or tuple that it should be. */
bool pyi_names_is_item(struct pyi_names *names, uint32_t source, uint64_t place);

/* The node of the __dict__ of a node; PYI_GRAPH_NONE if it has none. */
uint32_t pyi_names_dict(struct pyi_names *names, uint32_t node);

/* For pyi_names_type(): of a type that was not read yet. */
void pyi_names_read_type(struct pyi_names *names, uint32_t number);

/* Of a number of a type. */
static inline const struct pyi_referring_type *pyi_names_type(struct pyi_names *names,
							      uint32_t number)
{
	if (!names->types[number].addr)
		pyi_names_read_type(names, number);
	return &names->types[number];
}

#endif
