/*
 * What several questions to one graph need: found when the first of them asks, and kept for the
 * others. Belongs to the graph, and ends before it.
 */
#ifndef PYI_HEAP_FINDINGS_H
#define PYI_HEAP_FINDINGS_H

#include <stdint.h>

#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "base/error.h"

struct pyi_graph_view;

struct pyi_findings {
	/* Of `dict_owners`. */
	struct pyi_graph_space *space;
	/* pyi_findings_entries() and pyi_findings_dominators(); else empty, without a space. */
	struct pyi_graph_entries entries;
	struct pyi_dominators dominators;
	/* pyi_findings_dict_owners(), else NULL: of a node that is a __dict__ the one that has it,
	   of others PYI_GRAPH_NONE. */
	uint32_t *dict_owners;
	uint64_t dict_owners_bytes;
};

/* Safe on a zeroed struct. */
void pyi_findings_deinit(struct pyi_findings *findings);

/*
 * Finds out who refers to whom, and where the graph begins; once is enough. Errors: those of
 * pyi_session_check(); "too-large" (exit 1) if there is no room.
 */
struct pyi_error *pyi_findings_entries(const struct pyi_graph_view *view) PYI_MUST_CHECK;

/* The same, and what keeps what alive. */
struct pyi_error *pyi_findings_dominators(const struct pyi_graph_view *view) PYI_MUST_CHECK;

/* Finds whose each __dict__ is, by names; once is enough. Errors: the same. */
struct pyi_error *pyi_findings_dict_owners(const struct pyi_graph_view *view) PYI_MUST_CHECK;

#endif
