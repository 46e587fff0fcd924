/*
 * Owners of what refers in a graph: found by analysis/heap_owners.h, named in its snapshot.
 */
#ifndef PYI_HEAP_HOLDERS_H
#define PYI_HEAP_HOLDERS_H

#include <stdint.h>

#include "analysis/heap_owners.h"
#include "heap/graph.h"
#include "heap/subject.h"

struct pyi_holders {
	const struct pyi_graph_view *view;
	const uint32_t *dict_owners;
	struct pyi_heap_owners owners;
	/* What was asked last, and the answer. */
	uint32_t last;
	struct pyi_place owner;
};

/*
 * `dict_owners` are those of pyi_graph_dict_owners(), `wanted` those of analysis/heap_owners.h; all
 * of it must outlive the holders.
 */
struct pyi_error *pyi_holders_find(struct pyi_holders *holders, const struct pyi_graph_view *view,
				   const struct pyi_subject_found *found,
				   const uint32_t *dict_owners,
				   const uint64_t *wanted) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_holders_deinit(struct pyi_holders *holders);

/*
 * The owner to report for what a node refers to: of a module, class, function or frame itself,
 * without an edge; of a container, and of what is wanted, what it is named after; none of
 * instances.
 */
struct pyi_place pyi_holders_owner(struct pyi_holders *holders, uint32_t node);

#endif
