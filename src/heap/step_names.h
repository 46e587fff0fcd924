/*
 * The names of the steps of merged paths: numbers for analysis/heap_paths.h, and texts.
 */
#ifndef PYI_HEAP_STEP_NAMES_H
#define PYI_HEAP_STEP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/heap_paths.h"
#include "analysis/paths.h"
#include "base/error.h"
#include "heap/names.h"

struct pyi_step_name {
	struct pyi_edge edge;
	/* enum pyi_heap_rank of an entry, and 1; 0: it is a reference. */
	uint32_t start;
};

struct pyi_step_names {
	struct pyi_names *names;
	/* For pyi_heap_paths_query. */
	struct pyi_heap_namer namer;
	struct pyi_heap_root_order order;
	/* Number 0: any other, for which there is no room. */
	struct pyi_step_name *items;
	size_t count;
	size_t capacity;
	uint32_t *slots;
};

/* Must not move. `names` must outlive it. */
struct pyi_error *pyi_step_names_init(struct pyi_step_names *step_names,
				      struct pyi_names *names) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_step_names_deinit(struct pyi_step_names *step_names);

/* Some names are left out. */
bool pyi_step_names_are_full(const struct pyi_step_names *step_names);

/* Of an entry. */
struct pyi_step_name pyi_step_names_entry(const struct pyi_step_names *step_names, uint32_t node);

/* "sys.modules", "frame foo.f local x", "held by C code: foo.Bar"; malloc'ed; NULL without memory.
 */
char *pyi_step_names_start_text(const struct pyi_step_names *step_names,
				const struct pyi_step_name *name, uint32_t node);

/*
 * All steps up to this one as one text: "foo.CACHE[*][1]", "foo.head.next+" where a step comes
 * again and again. A long one is cut, with an ellipsis. `ret_start` may be NULL.
 */
struct pyi_error *pyi_step_names_expression(const struct pyi_step_names *step_names,
					    const struct pyi_heap_steps *steps, uint32_t number,
					    enum pyi_way_start *ret_start,
					    char **ret_expression) PYI_MUST_CHECK;

#endif
