/*
 * The graph of an invented heap as a question sees it, while the snapshot is there.
 */
#ifndef PYI_TESTS_ASKED_GRAPH_H
#define PYI_TESTS_ASKED_GRAPH_H

#include "heap/graph.h"
#include "heap/subject.h"
#include "named_graph.h"

struct asked_graph {
	struct named_graph named;
	struct pyi_session_options options;
	struct pyi_session session;
	struct pyi_source_snapshot snapshot;
	struct pyi_findings findings;
	struct pyi_graph_view view;
};

/* `graph` must outlive it; it must not move. Types have the names that they have in the heap. */
void asked_graph_begin(const struct graph *graph, const struct pyi_payload_root *roots,
		       size_t root_count, struct asked_graph *ret_asked);
void asked_graph_end(struct asked_graph *asked);

/*
 * What a question would have found in the snapshot: types that are meant (ascending), and what
 * names what it holds before all else does. The caller's.
 */
struct pyi_subject_found asked_graph_found(const struct asked_graph *asked, const uint64_t *meant,
					   size_t meant_count, const uint64_t *starts,
					   size_t start_count);

#endif
