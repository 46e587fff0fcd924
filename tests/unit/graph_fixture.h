/*
 * What tests of a graph of objects begin with: the types of a small program.
 */
#ifndef PYI_TESTS_GRAPH_FIXTURE_H
#define PYI_TESTS_GRAPH_FIXTURE_H

#include "invented_heap.h"

enum {
	GRAPH_HEAP_BYTES = 1 << 18,
	GRAPH_KNOWN_TYPES = 4,
	/* Fields of an instance with slots. */
	GRAPH_SLOTS = 2,
};

struct graph {
	struct invented_heap heap;
	/* Static types that the heap does not have. */
	uint64_t module_type;
	uint64_t function_type;
	uint64_t code_type;
	/* Classes: of instances with a __dict__, and of instances with GRAPH_SLOTS fields. */
	uint64_t app_class;
	uint64_t slots_class;
	struct pyi_known_type known_types[GRAPH_KNOWN_TYPES];
};

/* For cmocka; the initial state is a version such as 0x030b, or 0 for the invented layout. */
int graph_set_up(void **state);
int graph_tear_down(void **state);
/* Begins anew with a heap of this size. */
void graph_resize(struct graph *graph, size_t heap_bytes);

/* All of these are tracked, in list 0. */
uint64_t graph_instance(struct graph *graph, uint64_t dict);
uint64_t graph_with_slots(struct graph *graph, uint64_t first, uint64_t second);
uint64_t graph_module(struct graph *graph, uint64_t dict);
/* The class's attributes are folded into it, as those of an instance. */
uint64_t graph_class(struct graph *graph, uint64_t dict);
uint64_t graph_function(struct graph *graph, uint64_t code, uint64_t defaults, uint64_t closure);
/* Not tracked. */
uint64_t graph_code(struct graph *graph);
/* A dict of strings as keys, not tracked. */
uint64_t graph_dict(struct graph *graph, const uint64_t *keys, const uint64_t *values,
		    size_t count);
/* A dict of one entry. */
uint64_t graph_dict_of(struct graph *graph, uint64_t key, uint64_t value);
uint64_t graph_name(struct graph *graph, const char *name);
/* A node without a reference: what is looked for. */
uint64_t graph_leaf(struct graph *graph);

/* Rows of a table of tests: one in a layout; in all that differ. */
#define GRAPH_IN(test, version, label)                                                             \
	{                                                                                          \
#test " in " label, test, graph_set_up, graph_tear_down,                           \
			(void *)(uintptr_t)(version)                                               \
	}
#define GRAPH_IN_ALL(test)                                                                         \
	GRAPH_IN(test, 0, "an invented layout"), GRAPH_IN(test, 0x0308, "3.8"),                    \
		GRAPH_IN(test, 0x030b, "3.11"), GRAPH_IN(test, 0x030d, "3.13")

#endif
