/*
 * The nearest way of references from where a graph begins to one object. To what a module has it
 * leads through the module, even if a function that has its globals is nearer; and to what a thread
 * has at hand from what keeps it for longer, if that is not much further away.
 *
 * A pure function of the graph. Wants who refers to whom (pyi_graph_reverse()).
 */
#ifndef PYI_ANALYSIS_NEAREST_PATH_H
#define PYI_ANALYSIS_NEAREST_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"

/* What a way begins at. One of an earlier kind is taken even if it is further away: it says more.
 */
enum pyi_path_start {
	/* A root with a place of its own: a field of the interpreter or of a thread, a variable. */
	PYI_PATH_FROM_ROOT,
	/* What else a frame keeps: its function, its globals. */
	PYI_PATH_FROM_FRAME,
	/* An object that is never freed. */
	PYI_PATH_FROM_IMMORTAL,
	/* It has references that no object explains. */
	PYI_PATH_FROM_HELD,
	/* Nothing of these leads to it: the way is the object alone. */
	PYI_PATH_FROM_NOTHING,
	PYI_PATH_START_COUNT,
};

struct pyi_nearest_path {
	enum pyi_path_start start;
	/* From the start to the object, both included. */
	uint32_t *nodes;
	size_t count;
};

struct pyi_error *pyi_nearest_path_find(const struct pyi_graph *graph, uint32_t node,
					struct pyi_nearest_path *ret_path) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_nearest_path_deinit(struct pyi_nearest_path *path);

/* What a way that begins at this node begins at. */
enum pyi_path_start pyi_path_start_of(const struct pyi_graph *graph, uint32_t node);

/* The roots of a node: *ret_count in a row; NULL if it has none. */
const struct pyi_graph_root *pyi_graph_roots_of(const struct pyi_graph *graph, uint32_t node,
						size_t *ret_count);

/* The place of the first reference of `source` to `target`; UINT64_MAX if it has none. */
uint64_t pyi_graph_place_of(const struct pyi_graph *graph, uint32_t source, uint32_t target);

#endif
