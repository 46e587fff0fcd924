/*
 * References that are alike in type, edge and owner, added up: a table for heap/referrers.c. Turns
 * nothing into text.
 */
#ifndef PYI_HEAP_REFERENCE_GROUPS_H
#define PYI_HEAP_REFERENCE_GROUPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "python/places.h"

enum {
	PYI_REFERENCE_GROUP_LIMIT = 1 << 17,
	/* From here on none is made for a single item of a container. */
	PYI_REFERENCE_GROUP_ITEM_LIMIT = PYI_REFERENCE_GROUP_LIMIT / 4,
};

struct pyi_reference_group {
	/* Numbers of types of what refers (PYI_GRAPH_NONE: a root) and of what is referred to
	   (`referents`; else 0). */
	uint32_t type;
	uint32_t referent_type;
	/* Of several sets of objects that are referred to, which; 0: the only one. */
	uint32_t branch;
	struct pyi_edge edge;
	struct pyi_place owner;
	uint64_t objects;
	uint64_t references;
	uint64_t bytes;
	/* Nodes: one that refers; the last one that was counted. PYI_GRAPH_NONE: none. */
	uint32_t example;
	uint32_t last;
};

struct pyi_reference_groups {
	/* The first ones, a branch each: any other, for which there is no room. */
	struct pyi_reference_group *items;
	size_t count;
	size_t capacity;
	uint32_t *slots;
	/* The one that was asked about last; 0: none. */
	uint32_t found;
};

/* `branches`: 1 or more. */
struct pyi_error *pyi_reference_groups_init(struct pyi_reference_groups *groups,
					    uint32_t branches) PYI_MUST_CHECK;
/* Safe on a zeroed struct. */
void pyi_reference_groups_deinit(struct pyi_reference_groups *groups);

/* The number of the group that is like this one, made if it is new; that of its branch if there is
   no room for it. */
struct pyi_error *pyi_reference_groups_find(struct pyi_reference_groups *groups,
					    const struct pyi_reference_group *like,
					    uint32_t *ret_number) PYI_MUST_CHECK;

#endif
