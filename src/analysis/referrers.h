/*
 * Referrers: references that are alike put together, merged by their names, ordered. The same for
 * referents.
 *
 * Plain data and pure functions; does not know where the figures came from.
 */
#ifndef PYI_ANALYSIS_REFERRERS_H
#define PYI_ANALYSIS_REFERRERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pyi_referrer_list;

/* Why a tree of referrers ends at a group (analysis/referrer_tree.h). */
enum pyi_referrer_end {
	/* It does not, or nothing can be asked of it. */
	PYI_REFERRER_GOES_ON,
	/* They are modules, which sys.modules has: all branches would end alike. */
	PYI_REFERRER_MODULE,
	/* The same group is among those that lead to it. */
	PYI_REFERRER_AGAIN,
	/* It is of the last level. */
	PYI_REFERRER_DEPTH,
	/* Others of its level have more references. */
	PYI_REFERRER_WIDTH,
};

struct pyi_referrer_group {
	/* Type of what refers (referents: of what is referred to); owned. "" for a root. */
	char *type;
	/* ".attr", "['key']", "[*]", "closure x", ... ; owned. */
	char *edge;
	/* "slip.dbus.service.Object.senders"; owned; NULL: nothing with a name. */
	char *owner;
	/* tp_traverse does not report it: gc.get_referrers() does not know of it. */
	bool internal;
	uint64_t objects;
	uint64_t references;
	uint64_t bytes;
	/* A type among them has a __sizeof__ of its own that we do not model. */
	bool estimated;
	/* Address of one of the objects that refer. */
	uint64_t example_addr;
	/* Who refers to these (--depth): only for the biggest group, or for those of a tree
	 * (--tree); owned; else NULL. Not yet there when groups are merged. */
	struct pyi_referrer_list *referrers;
	/* Of a tree. */
	enum pyi_referrer_end ends;
	/* For the caller: numbers of the payload's groups that were merged; owned. */
	uint64_t *numbers;
	size_t number_count;
};

struct pyi_referrer_list {
	struct pyi_referrer_group *groups;
	size_t count;
	size_t capacity;
};

struct pyi_class_count {
	char *type;
	uint64_t count;
};

/* What `referrers` and `referents` answer. */
struct pyi_referrers {
	/* Full name of the type asked for; NULL if one object was asked for. */
	char *type;
	bool exact;
	/* The one object that was asked for; 0: a type. */
	uint64_t address;
	uint64_t instances;
	/* By type, the most first. */
	struct pyi_class_count *classes;
	size_t class_count;
	struct pyi_referrer_list list;
	/* There were too many groups: some are in one called "(other)". */
	bool truncated;
};

/* Appends a group, takes over its strings and numbers, also on failure. Without a type or an edge
 * (a copy that failed) it is the error of no memory. */
struct pyi_error *pyi_referrers_add(struct pyi_referrer_list *list,
				    struct pyi_referrer_group group) PYI_MUST_CHECK;

/*
 * Merges groups of the same type, edge, owner and `internal`, and orders by references, then
 * objects, then names. More than 16 different item edges ("['key']", "[3]") of one type and owner
 * become one "[*]". ".__class__" edges of more than 16 different types become one of the type
 * "(instances)", whatever owns these.
 *
 * Figures are added up: an object that refers through several of the groups counts for each. After
 * an error nothing is lost, but some groups are not merged.
 */
struct pyi_error *pyi_referrers_merge(struct pyi_referrer_list *list) PYI_MUST_CHECK;

/* Whether two merged groups have the same type, edge, owner and `internal`. */
bool pyi_referrer_group_is_like(const struct pyi_referrer_group *group,
				const struct pyi_referrer_group *other);

/* Adds a class; takes over `type`, also on failure. */
struct pyi_error *pyi_referrers_add_class(struct pyi_referrers *referrers, char *type,
					  uint64_t count) PYI_MUST_CHECK;
/* Adds up classes of the same name, and orders them: the most first, then by name. */
void pyi_referrers_sort_classes(struct pyi_referrers *referrers);

/* Safe on zeroed structs. */
void pyi_referrer_list_deinit(struct pyi_referrer_list *list);
void pyi_referrers_deinit(struct pyi_referrers *referrers);

#endif
