/*
 * Who refers to the objects of a type, and what they refer to, as a question to the graph of a
 * heap.
 */
#ifndef PYI_HEAP_REFERRERS_H
#define PYI_HEAP_REFERRERS_H

#include "analysis/referrers.h"
#include "heap/graph.h"
#include "heap/subject.h"

struct pyi_referrers_question {
	const struct pyi_subject *subject;
	/* What they refer to. */
	bool referents;
	/* Levels (1 or more, at most PYI_REFERRER_TREE_LEVELS): the referrers of the biggest
	   group's objects, and so on; or of a tree, those of the first `width` groups of each list.
	 */
	unsigned depth;
	bool tree;
	uint64_t width;

	/* To be given back with pyi_referrers_question_deinit(). */
	struct pyi_referrers answer;
	struct pyi_subject_found found;
	bool is_found;
};

/* To be asked with pyi_session_ask_graph(). Errors: those of pyi_subject_find(). */
struct pyi_graph_question pyi_referrers_ask(struct pyi_referrers_question *question);

/* Safe on a zeroed struct. */
void pyi_referrers_question_deinit(struct pyi_referrers_question *question);

#endif
