/*
 * Sets of names of a message bus (":1.42", "org.example.Daemon"), millions of them if need be.
 *
 * Plain data and pure functions; does not know who has a name.
 */
#ifndef PYI_ANALYSIS_NAME_SET_H
#define PYI_ANALYSIS_NAME_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	/* Room for the text of any name ":1.N", its end included. */
	PYI_NAME_SET_TEXT = 32,
};

/* To be zeroed at first; a set once it has been sorted, a list of names before. */
struct pyi_name_set {
	/* All of them: numbers and others. */
	size_t count;
	/* Adding makes it false. */
	bool sorted;
	/* N of every ":1.N", as nearly all unique names are; 8 bytes a name. Sorted: ascending. */
	uint64_t *numbers;
	size_t number_count;
	size_t number_capacity;
	/* All other names; each owned. Sorted: by their bytes. */
	char **others;
	size_t other_count;
	size_t other_capacity;
};

/* Copies `name`. The set is as it was after an error. */
struct pyi_error *pyi_name_set_add(struct pyi_name_set *set, const char *name) PYI_MUST_CHECK;
/* Adds the unique names of `from` (sorted or not): those that begin with ':'. */
struct pyi_error *pyi_name_set_add_unique(struct pyi_name_set *set,
					  const struct pyi_name_set *from) PYI_MUST_CHECK;

/* Sorts, and drops doubles. Costs nothing if nothing was added since the last time. */
void pyi_name_set_sort(struct pyi_name_set *set);

/*
 * The name at `index` (below `count`): ":1.N" by number, then the others. Either written to
 * `buffer` or owned by the set.
 */
const char *pyi_name_set_get(const struct pyi_name_set *set, size_t index,
			     char buffer[PYI_NAME_SET_TEXT]);

/* The following need sorted sets; an empty one is. */
bool pyi_name_set_has(const struct pyi_name_set *set, const char *name);
/* How many names of `set` are in `other`, too. */
size_t pyi_name_set_count_common(const struct pyi_name_set *set, const struct pyi_name_set *other);
/* Drops the names that are in `other`; or those that are not. */
void pyi_name_set_remove(struct pyi_name_set *set, const struct pyi_name_set *other);
void pyi_name_set_keep(struct pyi_name_set *set, const struct pyi_name_set *other);

/* Safe on a zeroed struct. */
void pyi_name_set_deinit(struct pyi_name_set *set);

#endif
