/*
 * Containers that have a name: what modules and classes hold, and what objects hold that modules
 * and classes hold.
 *
 * Reads through a reader only; everything is untrusted and bounded. Does not look into containers,
 * and does not look further than one object deep.
 */
#ifndef PYI_PYTHON_CONTAINERS_H
#define PYI_PYTHON_CONTAINERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/memory_reader.h"
#include "python/interpreters.h"
#include "python/runtime.h"
#include "python/types.h"

struct pyi_container {
	/*
	 * "module.attribute", "module.Class.attribute"; or, held by an object there (also by a
	 * function), "module.attribute.attribute". Owned by the list.
	 */
	char *name;
	uint64_t addr;
	/* len() */
	uint64_t length;
};

struct pyi_container_list {
	/* Ordered by name. Several interpreters, or classes of one name, can give a name twice. */
	struct pyi_container *items;
	size_t count;
	/* Not all could be looked at. */
	bool truncated;
};

struct pyi_container_request {
	/* Containers of so many items are listed. */
	uint64_t least;
	/* Names of those that are listed however short they are. */
	const char *const *wanted;
	size_t wanted_count;
};

/*
 * Lists lists, dicts, sets, deques, bytearrays, arrays, their subclasses, and what wraps a dict or
 * a list and is as long as that: weak sets and dicts, UserDict, UserList.
 *
 * A container that has several names is listed under the first one, and under those that are
 * wanted: modules in the order in which they were imported, then classes by name, then what
 * objects hold. Attributes whose names are no identifiers are passed over, as are modules whose
 * names are no dotted ones. What is named like a secret (python/secrets.h) is only found if it is
 * wanted.
 *
 * `types` are those of pyi_types_list(). Errors (exit 1): "timeout", "interrupted", no memory.
 */
struct pyi_error *
pyi_containers_find(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		    const struct pyi_interpreters *interpreters, const struct pyi_type_list *types,
		    const struct pyi_container_request *request, uint64_t deadline_ns,
		    struct pyi_container_list *ret_list) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_container_list_deinit(struct pyi_container_list *list);

#endif
