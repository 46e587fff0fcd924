/*
 * What the ways to objects begin with: modules, classes, what the interpreter and frames hold; then
 * what nothing of that leads to.
 */
#ifndef PYI_HEAP_PATH_STARTS_H
#define PYI_HEAP_PATH_STARTS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/spanning_tree.h"
#include "base/error.h"
#include "heap/names.h"
#include "python/interpreters.h"
#include "python/types.h"

struct pyi_path_starts {
	/* Of modules and classes; owned. */
	char **names;
	size_t count;
	size_t capacity;
};

/* Safe on a zeroed struct. */
void pyi_path_starts_deinit(struct pyi_path_starts *starts);

/*
 * Grows a tree (analysis/spanning_tree.h) over all of a graph. Frames and generators come and go,
 * so what they lead to is left for when all else has been reached.
 */
struct pyi_error *pyi_path_starts_grow(struct pyi_path_starts *starts, struct pyi_names *names,
				       const struct pyi_interpreters *interpreters,
				       const struct pyi_type_list *types,
				       struct pyi_spanning_tree *tree) PYI_MUST_CHECK;

/*
 * The name of a node that is a start, by its number in the tree: "package.module", "module.Class",
 * "frame foo.f local x", "thread state"; of what nothing leads to "module.Class" of an instance,
 * and "unreached list". malloc'ed; NULL without memory.
 */
char *pyi_path_starts_name(const struct pyi_path_starts *starts, uint32_t number,
			   const struct pyi_graph *graph, const struct pyi_names *names);

#endif
