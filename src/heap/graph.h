/*
 * The examination that makes a graph (graph/graph.h) of a snapshot: one walk, one graph.
 */
#ifndef PYI_HEAP_GRAPH_H
#define PYI_HEAP_GRAPH_H

#include "base/error.h"
#include "graph/graph.h"
#include "heap/names.h"
#include "heap/session.h"

/* A graph while its snapshot is there to be read. */
struct pyi_graph_view {
	struct pyi_session *session;
	struct pyi_source_snapshot *snapshot;
	const struct pyi_interpreters *interpreters;
	struct pyi_graph *graph;
	struct pyi_names *names;
};

struct pyi_graph_question {
	/* May be NULL: before the walk, which it can spare. Graph and names are NULL. */
	struct pyi_error *(*prepare)(void *argument, const struct pyi_graph_view *view);
	/*
	 * Both are called again for the next snapshot when one turns out not to be consistent: they
	 * must begin by dropping what was found in the one before.
	 */
	struct pyi_error *(*ask)(void *argument, const struct pyi_graph_view *view);
	void *argument;
	/* Names show values (python/places.h). */
	bool values;
	/* Only `ask` counts, and it can also be asked about a dump: then snapshot, interpreters and
	   names are NULL. */
	bool of_dumps;
	/* Its answer has names of references, which a dump has not. */
	bool named;
};

/*
 * Types of the graph have their names, and it is known which have estimated sizes. The space must
 * outlive the graph. Errors: those of pyi_session_examine(); "too-large" (exit 1) if there is no
 * room.
 */
struct pyi_error *pyi_session_graph(struct pyi_session *session, struct pyi_graph_space *space,
				    struct pyi_graph *ret_graph) PYI_MUST_CHECK;

/* The same, and asks. Errors: also those of the question. */
struct pyi_error *pyi_session_ask_graph(struct pyi_session *session, struct pyi_graph_space *space,
					const struct pyi_graph_question *question,
					struct pyi_graph *ret_graph) PYI_MUST_CHECK;

/*
 * Of all nodes: of a __dict__ the object that has it, of others PYI_GRAPH_NONE; `ret_owners` has
 * room for them. Errors: those of pyi_session_check().
 */
struct pyi_error *pyi_graph_dict_owners(const struct pyi_graph_view *view,
					uint32_t *ret_owners) PYI_MUST_CHECK;

/*
 * For examinations: the walk of one snapshot, and its graph; `ret_result` has the counts by type,
 * as those of a census. Errors: those of a walk; "too-large" (exit 1) if there is no room.
 */
struct pyi_error *pyi_graph_of_snapshot(struct pyi_session *session,
					struct pyi_source_snapshot *snapshot,
					const struct pyi_interpreters *interpreters,
					struct pyi_graph_space *space, struct pyi_graph *ret_graph,
					struct pyi_walk_result *ret_result) PYI_MUST_CHECK;

#endif
