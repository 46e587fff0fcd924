/*
 * A question to a graph: which objects are the largest, which refer to the most others, and what
 * they are named after.
 */
#ifndef PYI_HEAP_LARGE_OBJECTS_H
#define PYI_HEAP_LARGE_OBJECTS_H

#include "analysis/paths.h"
#include "heap/graph.h"
#include "heap/subject.h"

struct pyi_large_objects_question {
	/* Of each list; 0 is a list without objects. */
	size_t by_bytes_limit;
	size_t by_referents_limit;
	/* Show values (python/places.h). */
	bool values;

	struct pyi_large_objects answer;
	/* For the answer being made. */
	bool is_found;
	struct pyi_subject_found found;
};

/* The question must outlive its use, and needs pyi_large_objects_question_deinit(). */
struct pyi_graph_question pyi_large_objects_ask(struct pyi_large_objects_question *question);

/* Safe on a zeroed struct. */
void pyi_large_objects_question_deinit(struct pyi_large_objects_question *question);

#endif
