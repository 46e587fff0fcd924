/*
 * What a question about the heap is about: a type, or one object; and the names in a snapshot that
 * the answer needs.
 */
#ifndef PYI_HEAP_SUBJECT_H
#define PYI_HEAP_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/graph.h"
#include "heap/session.h"
#include "python/places.h"
#include "python/types.h"

struct pyi_subject {
	/* As the user wrote it; NULL if one object is meant. */
	const char *type;
	/* Without subclasses. */
	bool exact;
	/* 0 if a type is meant. */
	uint64_t address;
	/* Show values (python/places.h). */
	bool values;
};

/* A subject as it is found in one snapshot. */
struct pyi_subject_found {
	struct pyi_type_list types;
	struct pyi_places places;
	/* The types that are meant, ascending, and their full name; NULL for one object. */
	uint64_t *meant;
	size_t meant_count;
	char *name;
	/* Modules and classes: they name what they hold before anything else does. */
	uint64_t *starts;
	size_t start_count;
};

/*
 * Looks the subject up; NULL: only types and starts are wanted. Errors: those of
 * pyi_types_choose(); "no-such-object" (exit 1) when there is no object at the address.
 */
struct pyi_error *pyi_subject_find(const struct pyi_subject *subject, struct pyi_session *session,
				   struct pyi_source_snapshot *snapshot,
				   const struct pyi_interpreters *interpreters,
				   struct pyi_subject_found *ret_found) PYI_MUST_CHECK;

/*
 * Sets the bits (graph/bits.h) of the nodes that are meant, in a set that is empty; *ret_count is
 * how many.
 */
struct pyi_error *pyi_subject_choose(const struct pyi_subject_found *found,
				     const struct pyi_subject *subject,
				     const struct pyi_graph *graph, uint64_t *set,
				     uint64_t *ret_count) PYI_MUST_CHECK;

/* The name of a type, malloc'ed; NULL without memory. */
char *pyi_subject_type_name(const struct pyi_subject_found *found, uint64_t type_addr);

/* Safe on a zeroed struct. */
void pyi_subject_found_deinit(struct pyi_subject_found *found);

#endif
