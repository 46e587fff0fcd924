/*
 * Ways through a graph as names: "app.CACHE[*].entries". Ways that read the same are one.
 *
 * Does not know what a reference is called.
 */
#ifndef PYI_HEAP_PATH_STEPS_H
#define PYI_HEAP_PATH_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	PYI_PATH_STEPS_LIMIT = 1 << 16,
	/* A longer name is not made. */
	PYI_PATH_NAME_BYTES = 240,
};

#define PYI_PATH_NONE UINT32_MAX

struct pyi_path_step {
	/* PYI_PATH_NONE: it is the first one. */
	uint32_t above;
	/* Of what is there: number of a type. */
	uint32_t type;
	/* Where in the name its own part begins. */
	uint32_t part;
	/* It is the __dict__ of what the name says, and what it has are attributes. */
	bool dict;
	/* A name that is wanted begins with this one, or is this one. */
	bool leads_to_wanted;
	bool wanted;
	char *name;

	/* Containers that are there, their entries, and those of the longest. */
	uint64_t containers;
	uint64_t entries;
	uint64_t longest;
};

struct pyi_path_steps {
	const char *const *wanted;
	size_t wanted_count;
	struct pyi_path_step *items;
	size_t count;
	size_t capacity;
	uint32_t *slots;
	/* There were too many. */
	bool full;
};

struct pyi_error *pyi_path_steps_init(struct pyi_path_steps *steps, const char *const *wanted,
				      size_t wanted_count) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_path_steps_deinit(struct pyi_path_steps *steps);

/*
 * The number of the step that is called `base` and `part` (either may be ""). Where the same kind
 * of part has led to the same type twice before, as along a chain, it is the last of these.
 * PYI_PATH_NONE: there is no room.
 */
struct pyi_error *pyi_path_steps_find(struct pyi_path_steps *steps,
				      const struct pyi_path_step *like, const char *base,
				      const char *part, uint32_t *ret_number) PYI_MUST_CHECK;

/* Whether a name that is wanted begins with `text`. */
bool pyi_path_steps_want(const struct pyi_path_steps *steps, const char *text);

/* What a container there is called; malloc'ed; NULL without memory. */
char *pyi_path_step_name(const struct pyi_path_step *step);

#endif
