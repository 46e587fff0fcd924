/*
 * The types of a runtime: all of them, found through the subclasses of `object`, and the
 * choice that a TYPE argument makes among them.
 *
 * Reads through a reader only; every count and chain is bounded. Does not count instances.
 */
#ifndef PYI_PYTHON_TYPES_H
#define PYI_PYTHON_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/memory_reader.h"
#include "python/interpreters.h"
#include "python/runtime.h"

struct pyi_type {
	uint64_t addr;
	/* "module.qualname", builtins bare; owned by the list. */
	char *name;
};

struct pyi_type_list {
	/* Ascending by address, each once; `object` and `type` are among them. */
	struct pyi_type *types;
	size_t count;
	/* A chain did not end, or could not be read: there may be more types. */
	bool truncated;
	/* There was no room for more of them, or for longer names. */
	bool full;
};

/*
 * Lists all types. On 3.12+ the subclasses of static builtin types are in the interpreters'
 * states (feature STATIC_TYPE_STATE). `deadline_ns` as on base/clock.h. Errors: "timeout",
 * "interrupted", no memory.
 */
struct pyi_error *pyi_types_list(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader,
				 const struct pyi_interpreters *interpreters, uint64_t deadline_ns,
				 struct pyi_type_list *ret_list) PYI_MUST_CHECK;

/*
 * Adds what is no type but stands for one: old-style classes (2.7), which no type leads to. They
 * must not be in the list; the list stays whole if there is no memory.
 */
struct pyi_error *pyi_types_add(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
				const uint64_t *addrs, size_t count,
				struct pyi_type_list *list) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_type_list_deinit(struct pyi_type_list *list);

/* NULL if there is no type at this address. */
const struct pyi_type *pyi_type_list_find(const struct pyi_type_list *list, uint64_t addr);

/*
 * What `wanted` means: the types of exactly this full name; if there is none, those whose bare
 * name (last component, or whole qualname) it is, if they all have one full name. Unless `exact`,
 * with all their subclasses (by tp_mro). `ret_addr` is ascending, malloc'ed; `ret_name` the full
 * name, malloc'ed.
 *
 * Errors (exit 1): "no-such-type" (with a hint: similar names, if there are), "ambiguous-type"
 * (its hint lists the full names).
 */
struct pyi_error *pyi_types_choose(const struct pyi_runtime *runtime,
				   struct pyi_memory_reader *reader,
				   const struct pyi_type_list *list, const char *wanted, bool exact,
				   uint64_t **ret_addr, size_t *ret_count,
				   char **ret_name) PYI_MUST_CHECK;

/* Different full names that `wanted` is the bare name of, in the order of the list, at most `limit`
 * of them; returns how many. They are the list's. */
size_t pyi_types_meanings(const struct pyi_type_list *list, const char *wanted,
			  const char **ret_names, size_t limit);

/*
 * Calls back for an old-style class (2.7) and what is above it, in no special order and perhaps
 * more than once; of very many only for the first. The callback returns false to stop.
 */
void pyi_types_each_old_base(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			     uint64_t class_addr, bool (*base)(void *argument, uint64_t class_addr),
			     void *argument);

/* True if `base_addr` is in the tp_mro of the type. */
bool pyi_types_is_subclass(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t type_addr, uint64_t base_addr);

#endif
