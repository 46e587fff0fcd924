/*
 * How the objects of a set are reached from where a graph begins: of each a shortest way (one from
 * a module has a head start), and ways that are alike merged into one; and how they are held a
 * second time.
 *
 * A pure function of the graph, and of what a namer says of references.
 */
#ifndef PYI_ANALYSIS_HEAP_PATHS_H
#define PYI_ANALYSIS_HEAP_PATHS_H

#include <stdint.h>

#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "analysis/heap_steps.h"
#include "base/error.h"

/* Roots of the interpreter, by their details: before all others, and behind them. */
struct pyi_heap_root_order {
	uint64_t first;
	uint64_t last;
};

struct pyi_heap_paths_query {
	const struct pyi_graph_entries *entries;
	/* A bit for each node (graph/bits.h). */
	const uint64_t *set;
	/* What is reached without going through a member: pyi_reach_without(). */
	const uint64_t *outside;
	/* Bytes are those that members retain, once where one is retained by another; NULL: their
	   own sizes. */
	const struct pyi_dominators *dominators;
	/* Without dominators: what each member retains. For a set of one. */
	uint64_t retained_bytes;
	/* NULL: references are told apart by their labels and places only. */
	const struct pyi_heap_namer *namer;
	/* Of each node that is a __dict__ the object that has it, else PYI_GRAPH_NONE: from that to
	   what is in it is one step, not two. NULL: none is. */
	const uint32_t *owners;
	struct pyi_heap_root_order order;
	/* Address of the type of dicts whose values are each followed by their key. */
	uint64_t dict_type_addr;
};

enum {
	PYI_HEAD_START = 4,
};

/* How it begins, in this order: what begins later is met only if nothing else leads to it,
   but for the first four. */
enum pyi_heap_rank {
	PYI_RANK_FIRST_ROOT = 0,
	PYI_RANK_INTERPRETER,
	PYI_RANK_ROOT,
	/* Variables of frames that run, and what else a thread has: taken to be PYI_HEAD_START
	   references further away. A thread that works on something would else hide which module
	   keeps it. */
	PYI_RANK_THREAD,
	/* What a frame has only because of its function: its globals, which would hide that a
	   module holds them. */
	PYI_RANK_FRAME,
	/* Immortal or static; and what is in the last root. */
	PYI_RANK_ALIVE,
	/* References that no object explains. */
	PYI_RANK_HELD,
	PYI_RANK_UNREACHED,
	PYI_RANK_COUNT,
};

struct pyi_heap_paths {
	struct pyi_graph_space *space;
	uint64_t node_count;
	struct pyi_heap_steps steps;
	/* Of each node what led to it; PYI_GRAPH_NONE for entries. */
	uint32_t *from;
	/* All nodes, the nearest first; and from where on they were reached from each rank. */
	uint32_t *order;
	uint64_t count;
	uint64_t ranks[PYI_RANK_COUNT + 1];
};

struct pyi_error *pyi_heap_paths_find(const struct pyi_graph *graph,
				      const struct pyi_heap_paths_query *query,
				      struct pyi_heap_paths *ret_paths) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_heap_paths_deinit(struct pyi_heap_paths *paths);

/* How an entry is counted. */
enum pyi_heap_rank pyi_heap_rank_of(const struct pyi_graph *graph, uint32_t node,
				    const struct pyi_heap_root_order *order);

/* The same of one root. */
enum pyi_heap_rank pyi_heap_root_rank(const struct pyi_graph_root *root,
				      const struct pyi_heap_root_order *order);

/*
 * The place of the first reference from one node to another, of the last one if that is its type:
 * an attribute can be that, too. UINT64_MAX: there is none.
 */
uint64_t pyi_heap_place_of(const struct pyi_graph *graph, uint32_t source, uint32_t target);

/*
 * Who refers to the objects of a set: a step for each type and kind of reference; `type` is that of
 * what refers. Without roots.
 */
struct pyi_error *pyi_heap_referrers_find(const struct pyi_graph *graph, const uint64_t *set,
					  struct pyi_heap_steps *ret_steps) PYI_MUST_CHECK;

#endif
