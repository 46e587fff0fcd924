/*
 * All that is said of one object: what it is, what it keeps, what it refers to and who holds it.
 * Plain data; strings are owned.
 */
#ifndef PYI_ANALYSIS_OBJECT_FACTS_H
#define PYI_ANALYSIS_OBJECT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/dominators.h"
#include "analysis/nearest_path.h"

/* An object at the other end of a reference, or on a way. */
struct pyi_object_link {
	/* How it is referred to, as Python writes it (python/places.h); of a referrer, where in it
	   the object is. */
	char *edge;
	uint64_t addr;
	char *type;
	uint64_t bytes;
	/* Of a referrer that is the __dict__ of something: of what. NULL: it is none. */
	char *owner;
	/* A short text of what it is; NULL: not shown. */
	char *value;
};

struct pyi_object_links {
	struct pyi_object_link *items;
	size_t count;
	size_t capacity;
	/* With those that are not listed. */
	uint64_t all;
};

struct pyi_object_facts {
	struct pyi_object_link object;
	bool estimated;
	bool has_length;
	uint64_t length;
	/* With it. */
	struct pyi_retained retained;
	/* enum pyi_node_flag */
	uint32_t flags;
	/* What its reference count says (UINT32_MAX: it is not exact), how many of these objects
	   and roots explain, and how many are left. */
	uint32_t reference_count;
	uint64_t explained;
	uint32_t held;
	bool garbage;
	/* What alone keeps it alive; address 0: nothing, or more than one root. */
	struct pyi_object_link dominator;
	/* What keeps it that is no object. */
	char **roots;
	size_t root_count;
	enum pyi_path_start path_start;
	/* As one expression, and step by step; long ways without their middle. */
	char *path_expression;
	struct pyi_object_links path;
	/* The first item behind the middle that is left out; 0: all are there. */
	size_t path_gap;
	struct pyi_object_links referents;
	struct pyi_object_links referrers;
};

/* Takes over the link, also when there is no memory; then false. */
bool pyi_object_links_add(struct pyi_object_links *links, struct pyi_object_link *link);

/* Safe on zeroed structs. */
void pyi_object_link_deinit(struct pyi_object_link *link);
void pyi_object_facts_deinit(struct pyi_object_facts *facts);

#endif
