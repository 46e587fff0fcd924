/*
 * How objects are held, as a question to the graph of a heap: the nearest paths from the roots to
 * them, one by one; all of them, merged; and how they are held besides.
 */
#ifndef PYI_HEAP_PATHS_H
#define PYI_HEAP_PATHS_H

#include "analysis/paths.h"
#include "heap/graph.h"
#include "heap/subject.h"

enum {
	/* Ways that are kept, of each kind. */
	PYI_WAYS_LIMIT = 1000,
};

struct pyi_paths_question {
	const struct pyi_subject *subject;
	/* Up to so many paths, one by one; at least 1. */
	uint64_t limit;

	/* To be given back with pyi_paths_question_deinit(). */
	struct pyi_paths answer;
	struct pyi_subject_found found;
	bool is_found;
};

/* To be asked with pyi_session_ask_graph(). Errors: those of pyi_subject_find(). */
struct pyi_graph_question pyi_paths_ask(struct pyi_paths_question *question);

/* Safe on a zeroed struct. */
void pyi_paths_question_deinit(struct pyi_paths_question *question);

#endif
