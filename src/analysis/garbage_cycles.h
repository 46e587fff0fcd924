/*
 * Why garbage is garbage: the cycles that nothing else refers to, and what each kind of them keeps.
 *
 * Of objects that refer to each other in circles (strongly connected components) those matter to
 * which no other garbage leads: were they cut, everything would go. Cycles of objects of the same
 * types are one kind, however many objects each has.
 */
#ifndef PYI_ANALYSIS_GARBAGE_CYCLES_H
#define PYI_ANALYSIS_GARBAGE_CYCLES_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/garbage.h"
#include "base/error.h"
#include "graph/graph.h"

enum {
	/* Types of a kind that are told, of those there are. */
	PYI_CYCLE_TYPES = 8,
	/* Kinds that are told from each other; what else there is, is one more of many types. */
	PYI_CYCLE_KINDS = 1000,
};

struct pyi_garbage_cycle {
	/* Numbers of types of the graph, ascending: how many different ones, and the first. */
	uint64_t type_count;
	uint32_t types[PYI_CYCLE_TYPES];
	/* What tells the kind from others. */
	uint64_t hash;
	/* How many such cycles, the objects in them, and one of these (a node). */
	uint64_t cycles;
	uint64_t members;
	uint32_t example;
	/* All that would be freed with them and with no other kind, themselves included. */
	uint64_t objects;
	uint64_t bytes;
};

struct pyi_garbage_cycles {
	/* Most bytes first. */
	struct pyi_garbage_cycle *kinds;
	size_t kind_count;
	/* What more than one kind leads to. */
	uint64_t shared_objects;
	uint64_t shared_bytes;
};

/* "too-large" and "no-memory" (exit 1). */
struct pyi_error *pyi_garbage_cycles_find(const struct pyi_graph *graph,
					  const struct pyi_garbage *garbage,
					  struct pyi_garbage_cycles *ret_cycles) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_garbage_cycles_deinit(struct pyi_garbage_cycles *cycles);

#endif
