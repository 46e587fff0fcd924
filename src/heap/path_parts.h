/*
 * What one reference adds to the name of a way: an attribute, any item, the variable of a closure.
 */
#ifndef PYI_HEAP_PATH_PARTS_H
#define PYI_HEAP_PATH_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/spanning_tree.h"
#include "heap/names.h"

enum pyi_path_part_kind {
	/* Nothing: what holds it is no more than a part of something else, as a cell. */
	PYI_PART_NONE = 0,
	/* Nothing: it is the __dict__ of what holds it. */
	PYI_PART_DICT,
	/* ".name", "[*]", "[1]" */
	PYI_PART_BEHIND,
	/* "frame f local x", "function f closure x": the name begins anew. */
	PYI_PART_FIRST,
};

/* How names of the last kind begin. */
#define PYI_PATH_FRAME "frame "
#define PYI_PATH_FUNCTION "function "

struct pyi_path_part {
	enum pyi_path_part_kind kind;
	/* "" where it adds nothing; owned. */
	char *text;
};

/*
 * Of the reference by which a node, no start, was reached; `in_dict`: what holds it is the __dict__
 * of an object. False without memory. Items of containers are not told apart: there may be many of
 * them, and they come and go; those of short tuples are.
 */
bool pyi_path_part_find(struct pyi_names *names, const struct pyi_spanning_tree *tree,
			uint32_t node, bool in_dict, struct pyi_path_part *ret_part);

/* Safe on a zeroed struct. */
void pyi_path_part_deinit(struct pyi_path_part *part);

#endif
