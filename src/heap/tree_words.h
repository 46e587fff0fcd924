/*
 * Puts the tree of dominators (analysis/dominator_tree.h) into words.
 */
#ifndef PYI_HEAP_TREE_WORDS_H
#define PYI_HEAP_TREE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/dominator_tree.h"
#include "base/error.h"
#include "heap/graph.h"

struct pyi_tree_line {
	struct pyi_tree_group group;
	/* How it is reached: ".CACHE", "[*]", "sys.modules"; "": one of those that the tree begins
	   with. */
	char *name;
	char *type;
	/* 0: it is more than one object, or none. */
	uint64_t addr;
	/* It is the __dict__ of the one above. */
	bool is_dict;
};

struct pyi_tree_words {
	struct pyi_tree_line *lines;
	size_t count;
};

/*
 * `from_roots`: it begins with what nothing dominates, and that has names. Error only without
 * memory, or when it is time to stop.
 */
struct pyi_error *pyi_tree_words_make(const struct pyi_graph_view *view,
				      const struct pyi_dominator_tree *tree, bool from_roots,
				      struct pyi_tree_words *ret_words) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_tree_words_deinit(struct pyi_tree_words *words);

#endif
