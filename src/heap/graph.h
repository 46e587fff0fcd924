/*
 * The examination that makes a graph (graph/graph.h) of a snapshot: one walk, one graph.
 */
#ifndef PYI_HEAP_GRAPH_H
#define PYI_HEAP_GRAPH_H

#include "base/error.h"
#include "graph/graph.h"
#include "heap/findings.h"
#include "heap/names.h"
#include "heap/session.h"
#include "python/collector.h"

/* A graph while its snapshot is there to be read. */
struct pyi_graph_view {
	struct pyi_session *session;
	struct pyi_source_snapshot *snapshot;
	const struct pyi_interpreters *interpreters;
	struct pyi_graph *graph;
	struct pyi_names *names;
	/* Of this graph, and of all questions to it. */
	struct pyi_findings *findings;
	/* Of a dump, what it says of them; else NULL: the process and its snapshot are asked. */
	const struct pyi_collector *collector;
	const struct pyi_process_status *status;
};

struct pyi_graph_question {
	/* May be NULL: before the walk, which it can spare. Graph, names and findings are NULL. */
	struct pyi_error *(*prepare)(void *argument, const struct pyi_graph_view *view);
	/*
	 * Both are called again for the next snapshot when one turns out not to be consistent: they
	 * must begin by dropping what was found in the one before.
	 */
	struct pyi_error *(*ask)(void *argument, const struct pyi_graph_view *view);
	void *argument;
	/* Names show values (python/places.h). */
	bool values;
	/* It can also be asked about a dump that keeps no names: then snapshot, interpreters and
	   names are NULL, and `prepare` is not called. */
	bool of_dumps;
	/* Its answer has names of references. */
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
 * For examinations: the walk of one snapshot, and its graph; `ret_result` has the counts by type,
 * as those of a census. Errors: those of a walk; "too-large" (exit 1) if there is no room.
 */
struct pyi_error *pyi_graph_of_snapshot(struct pyi_session *session,
					struct pyi_source_snapshot *snapshot,
					const struct pyi_interpreters *interpreters,
					struct pyi_graph_space *space, struct pyi_graph *ret_graph,
					struct pyi_walk_result *ret_result) PYI_MUST_CHECK;

#endif
