/*
 * Gathers what is said of one object (analysis/object_facts.h), and names it.
 */
#ifndef PYI_HEAP_OBJECT_FACTS_H
#define PYI_HEAP_OBJECT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/object_facts.h"
#include "base/error.h"
#include "heap/graph.h"

struct pyi_object_request {
	/* From the user: any number. */
	uint64_t address;
	/* Referents, and referrers, that are listed. */
	uint64_t limit;
	bool values;
};

/*
 * For questions to a graph (heap/graph.h). Without names in the view, references are called by what
 * the graph knows of them. Errors: "no-such-object" (exit 1), which says what is near; "too-large",
 * "timeout", "interrupted".
 */
struct pyi_error *pyi_object_facts_gather(const struct pyi_graph_view *view,
					  const struct pyi_object_request *request,
					  struct pyi_object_facts *ret_facts) PYI_MUST_CHECK;

/* The error "no-such-object" for an address at which no object of the graph begins. */
struct pyi_error *pyi_object_facts_missing(const struct pyi_graph *graph, uint64_t addr);

#endif
