/*
 * What is said of a whole process on one page: where its memory is, what keeps the most of it, what
 * is garbage, and what only C code holds. Plain data; strings are owned.
 */
#ifndef PYI_ANALYSIS_EXPLANATION_H
#define PYI_ANALYSIS_EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "python/collector.h"

enum {
	PYI_SUSPECT_LIMIT = 3,
	/* A suspect keeps at least so much of the bytes of all objects, in percent, and so much. */
	PYI_SUSPECT_SHARE = 10,
	PYI_SUSPECT_LEAST_BYTES = 1 << 20,
	/* And is so many objects that are alike. */
	PYI_SUSPECT_LEAST_OBJECTS = 100,
	/* Or a few that are alike and large, each by so much on average, in one container: that
	   must be more of all, in percent. */
	PYI_SUSPECT_LARGE_BYTES = 64 << 10,
	PYI_SUSPECT_LARGE_SHARE = 25,
	/* Largest single objects that are named. */
	PYI_LARGEST_LIMIT = 3,
	/* What C code alone holds is much if it is so many objects and such a share of all, in
	   percent; or as much as a suspect. */
	PYI_HELD_LEAST_OBJECTS = 100,
	PYI_HELD_SHARE = 1,
};

struct pyi_suspect {
	/* Of the objects that are alike. */
	char *type;
	uint64_t objects;
	/* They are classes, and the type is what they are made by. */
	bool classes;
	/* What would be freed: with all objects of the type; or with the container. */
	uint64_t retained_bytes;
	bool estimated;
	/* One object keeps them: its address and type; 0 and NULL: the type is the suspect. */
	uint64_t container_addr;
	char *container_type;
	/* Through which most of them, or the container, are reached; and how many that are; NULL:
	   it is not known. */
	char *path;
	uint64_t path_objects;
	/* Of the objects of the type: with references that nothing explains. */
	uint64_t held_objects;
};

/* One object that is much by its own size, without what it keeps. */
struct pyi_largest {
	char *type;
	uint64_t addr;
	uint64_t bytes;
	bool estimated;
	/* NULL: it is not known. */
	char *path;
};

struct pyi_explanation {
	/* Of the process. */
	uint64_t rss_bytes;
	uint64_t anonymous_bytes;
	uint64_t swapped_bytes;
	uint64_t huge_pool_bytes;
	unsigned thread_count;
	/* Of all objects. */
	uint64_t objects;
	uint64_t object_bytes;
	bool object_bytes_estimated;
	/* Those that have as much as a suspect keeps, the largest first. */
	struct pyi_largest largest[PYI_LARGEST_LIMIT];
	size_t largest_count;
	struct pyi_suspect suspects[PYI_SUSPECT_LIMIT];
	size_t suspect_count;
	/* What gc.collect() would find, and free. */
	uint64_t garbage_found;
	uint64_t garbage_objects;
	uint64_t garbage_bytes;
	struct pyi_collector collector;
	/* Objects that nothing but references which nothing explains keeps alive, what is kept
	   with them, and which type most of them have (NULL: none). */
	uint64_t held_objects;
	uint64_t held_bytes;
	char *held_type;
	uint64_t held_type_objects;
	uint64_t held_example_addr;
	/* The one that keeps the most; NULL: none. */
	char *held_largest_type;
	uint64_t held_largest_addr;
	uint64_t held_largest_bytes;
};

/* Of the first `count` suspects, one whose path is `way` or leads on to it; NULL: none. */
const struct pyi_suspect *pyi_explanation_above_way(const struct pyi_explanation *explanation,
						    size_t count, const char *way);

/* Suspects go whose path is `way`, or leads on from there, if they retain no more than that. */
void pyi_explanation_drop_behind(struct pyi_explanation *explanation, const char *way,
				 uint64_t retained_bytes);

/* Whether so much, of so many objects, is worth to be called a suspect. */
bool pyi_explanation_is_suspect(const struct pyi_explanation *explanation, uint64_t retained_bytes,
				uint64_t objects);

/* Whether a few objects that one container keeps, with so much in all, are large and much. */
bool pyi_explanation_are_large(const struct pyi_explanation *explanation, uint64_t retained_bytes,
			       uint64_t objects);

/* Whether what C code alone holds is more than what the interpreter itself has. */
bool pyi_explanation_is_much_held(const struct pyi_explanation *explanation);

/* Memory of the process itself that is no object: resident or swapped out. 0: there is none. */
uint64_t pyi_explanation_other_bytes(const struct pyi_explanation *explanation);

/* Safe on a zeroed struct. */
void pyi_explanation_deinit(struct pyi_explanation *explanation);

#endif
