/*
 * What containers hold: themselves, containers within, and plain values. What has a name of its
 * own, such as an instance or a class, is none of it.
 *
 * A pure function of the graph.
 */
#ifndef PYI_ANALYSIS_HEAP_CONTENTS_H
#define PYI_ANALYSIS_HEAP_CONTENTS_H

#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"

struct pyi_heap_contents_query {
	const struct pyi_graph *graph;
	/* By number of the type: objects of it that refer to nothing are values. */
	const bool *values;
	/* Called for each str that a container refers to, as often as it does. */
	struct pyi_error *(*text)(void *argument, uint32_t node);
	void *argument;
};

struct pyi_heap_contents {
	/* What has been counted. */
	uint64_t *marks;
	uint32_t *stack;
	/* Each object once, whatever leads to it. */
	uint64_t objects;
	uint64_t bytes;
};

struct pyi_error *pyi_heap_contents_init(struct pyi_heap_contents *contents,
					 const struct pyi_graph *graph) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_heap_contents_deinit(struct pyi_heap_contents *contents, const struct pyi_graph *graph);

/*
 * Adds what a container holds, as far as nothing that was added before holds it. Errors: those of
 * `query->text`.
 */
struct pyi_error *pyi_heap_contents_add(struct pyi_heap_contents *contents,
					const struct pyi_heap_contents_query *query,
					uint32_t node) PYI_MUST_CHECK;

#endif
