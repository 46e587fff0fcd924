/*
 * Reference paths from roots to objects, and lists of large objects: plain data.
 */
#ifndef PYI_ANALYSIS_PATHS_H
#define PYI_ANALYSIS_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How a step is done in Python, for programs. */
enum pyi_step_kind {
	/* The first step: what the root is. `name` says it. */
	PYI_STEP_ROOT,
	/* getattr() without descriptors: in the __dict__ of the object before, or a slot. */
	PYI_STEP_ATTRIBUTE,
	/* Stored in the object under `name` (a member or getter of its type). */
	PYI_STEP_FIELD,
	/* A dict's value; `key_addr` is the key. */
	PYI_STEP_ITEM,
	/* A dict's key. */
	PYI_STEP_KEY,
	/* `index` of a list or tuple. */
	PYI_STEP_INDEX,
	/* Of a set, deque ... */
	PYI_STEP_ELEMENT,
	/* A local variable `name` of a frame, generator, coroutine. */
	PYI_STEP_LOCAL,
	PYI_STEP_CLASS,
	PYI_STEP_DICT,
	/* Not to be written in Python. */
	PYI_STEP_INTERNAL,
};

struct pyi_path_step {
	uint64_t addr;
	/* Type of the object that was reached; owned. */
	char *type;
	enum pyi_step_kind kind;
	/* As it appears in the expression: ".senders", "['key']", "[3]", "{…}"; owned. */
	char *edge;
	/* ATTRIBUTE (unless it is not shown), FIELD, LOCAL, ROOT: owned; else NULL. */
	char *name;
	/* INDEX */
	uint64_t index;
	/* ITEM, KEY, ATTRIBUTE without a name: address of the key; 0: none. */
	uint64_t key_addr;
	/* tp_traverse does not report it. */
	bool internal;
};

struct pyi_path {
	struct pyi_path_step *steps;
	size_t step_count;
	/* All edges together: "sys.modules['slip.dbus.service'].Object.senders{…}"; owned. */
	char *expression;
};

/* Where ways that are alike begin. */
enum pyi_way_start {
	/* At a root. */
	PYI_WAY_ROOT,
	/* At an object that is never freed, or is part of the interpreter. */
	PYI_WAY_IMMORTAL,
	/* At an object with references that no object explains. */
	PYI_WAY_HELD,
	/* At one that nothing leads to: garbage in a cycle, or held by something unseen. */
	PYI_WAY_UNREACHED,
};

/* The shortest paths of several objects, as far as they are alike, as one. */
struct pyi_way {
	/* "foo.CACHE[*][1]"; owned. */
	char *expression;
	enum pyi_way_start start;
	/* Objects that are reached so, and what is retained by them, each byte once. */
	uint64_t instances;
	uint64_t retained_bytes;
	/* `also`: references to objects, most of which are reached by another way. */
	uint64_t references;
	/* The path of one of the objects; of `also` the object only. */
	struct pyi_path example;
	uint64_t example_addr;
};

struct pyi_way_list {
	struct pyi_way *items;
	size_t count;
	size_t capacity;
	/* Of those that are left out. */
	uint64_t other_ways;
	uint64_t other_instances;
	uint64_t other_references;
};

struct pyi_paths {
	/* Full name of the type asked for; NULL for one object; owned. */
	char *type;
	bool exact;
	/* 0 for a type. */
	uint64_t address;
	/* The nearest ones. */
	struct pyi_path *paths;
	size_t count;
	/* How many were looked for, and what would be freed without them. */
	uint64_t instances;
	uint64_t freed_objects;
	uint64_t freed_bytes;
	bool estimated;
	/* By retained bytes, the most first; and how they are held besides, by references. */
	struct pyi_way_list ways;
	struct pyi_way_list also;
	/* Of those that are reached from roots: with references that no object explains. */
	uint64_t held_instances;
	uint64_t held_references;
	/* There were so many that some are merged that are not alike. */
	bool crowded;
};

/* Puts ways of the same expression and start together and orders them; keeps at most `limit`. */
void pyi_ways_merge(struct pyi_way_list *list, size_t limit);

const char *pyi_way_start_name(enum pyi_way_start start);
const char *pyi_step_kind_name(enum pyi_step_kind kind);

void pyi_path_deinit(struct pyi_path *path);
void pyi_paths_deinit(struct pyi_paths *paths);

struct pyi_large_object {
	uint64_t addr;
	/* Owned. */
	char *type;
	uint64_t bytes;
	/* The type has a __sizeof__ of its own that we do not model. */
	bool estimated;
	/* len(gc.get_referents()) */
	uint64_t referents;
	/* len(), if it has one that we know. */
	bool has_length;
	uint64_t length;
	/* The thing with a name that it was reached through; owned; NULL: none. */
	char *owner;
	/* Only with --values; owned; else NULL. */
	char *value;
};

/* What `top-objects` answers: two lists, biggest first. */
struct pyi_large_objects {
	struct pyi_large_object *by_bytes;
	size_t by_bytes_count;
	struct pyi_large_object *by_referents;
	size_t by_referents_count;
	/* Of all objects. */
	uint64_t objects;
	uint64_t bytes;
};

void pyi_large_objects_deinit(struct pyi_large_objects *objects);

#endif
