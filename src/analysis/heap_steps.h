/*
 * References of a graph that are alike, as one: by the types at both ends and by where in the
 * object they are. For what merges many of them: ways to objects, and who refers to them.
 */
#ifndef PYI_ANALYSIS_HEAP_STEPS_H
#define PYI_ANALYSIS_HEAP_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"

enum {
	/* Of one object, so many references are told apart by what they are. */
	PYI_STEPS_APART = 16,
	/* Of a list: a longer one is not a record of different things. */
	PYI_STEPS_APART_OF_LIST = 4,
	PYI_STEPS_LIMIT = 1 << 16,
};

/* What `detail` is. */
enum pyi_step_place {
	/* Any of many: no detail. */
	PYI_AT_ANY = 0,
	/* Place among the references of the object. */
	PYI_AT_PLACE,
	/* Index in a list or tuple. */
	PYI_AT_INDEX,
	/* Node of the key of a dict. */
	PYI_AT_KEY,
	/* The node itself: what is reached is an entry. */
	PYI_AT_ENTRY,
	/* Number of a name, by a namer. */
	PYI_AT_NAMED,
};

/* Knows what a graph does not: what references are called. */
struct pyi_heap_namer {
	/* Numbers for names; the same name has the same number. */
	struct pyi_error *(*reference)(void *argument, uint32_t source, uint64_t place,
				       uint32_t *ret_name);
	struct pyi_error *(*entry)(void *argument, uint32_t node, uint32_t *ret_name);
	void *argument;
};

struct pyi_heap_step {
	/* Another one, before it, that it follows; PYI_GRAPH_NONE: none. */
	uint32_t above;
	/* Number of a type. */
	uint32_t type;
	/* enum pyi_label_kind with its slot; 0: the place says all. */
	uint32_t label;
	/* enum pyi_step_place */
	uint32_t place;
	uint32_t detail;
	/* It also follows itself, or what follows it. */
	bool repeats;
	/* A node, one of the set if there is one; of referrers also what it refers to. */
	uint32_t example;
	uint32_t example_referent;
	/* Nodes and references that are merged, and the bytes of these nodes. */
	uint64_t nodes;
	uint64_t references;
	uint64_t node_bytes;
	/* Objects of the set that were asked about, and what is retained by them: here, and here
	   and in all that follow. */
	uint64_t members;
	uint64_t member_bytes;
	uint64_t all_members;
	uint64_t all_bytes;
	/* References to objects of the set that are also held in this way, from outside of it. */
	uint64_t also;
};

struct pyi_heap_steps {
	struct pyi_heap_step *items;
	size_t count;
	size_t capacity;
	uint32_t *slots;
	/* There were too many: some are merged that are not alike. */
	bool crowded;
};

struct pyi_error *pyi_heap_steps_init(struct pyi_heap_steps *steps) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_heap_steps_deinit(struct pyi_heap_steps *steps);

/* Label, place and detail of a reference of `source`, for `pyi_heap_steps_find()`. */
struct pyi_heap_step pyi_heap_step_of(const struct pyi_graph *graph, uint32_t source,
				      uint64_t place);

/* How many references of a node to what is asked about are told apart. */
uint64_t pyi_heap_steps_apart(const struct pyi_graph *graph, uint32_t source);

/* The number of the step that is like this one, made if it is new. */
struct pyi_error *pyi_heap_steps_find(struct pyi_heap_steps *steps,
				      const struct pyi_heap_step *like,
				      uint32_t *ret_number) PYI_MUST_CHECK;

#endif
