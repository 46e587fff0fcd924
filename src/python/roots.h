/*
 * The roots of the object graph that are no objects: fields of interpreters and thread states,
 * frames, callbacks of atexit, the table of interned strings (PYI_ROOT_WEAK, unless they are never
 * freed).
 *
 * Reads through a reader only; follows every chain with a bound.
 */
#ifndef PYI_PYTHON_ROOTS_H
#define PYI_PYTHON_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "base/error.h"
#include "process/memory_reader.h"
#include "python/interpreters.h"
#include "python/runtime.h"

/* A growing list of roots. */
struct pyi_root_list {
	/* Something that should end did not: the list is not complete. */
	bool truncated;
	struct pyi_payload_root *items;
	size_t count;
	size_t capacity;
};

/*
 * The roots that no gc list leads to: objects of the interpreters and thread states, frames that
 * execute and their locals, dicts of static types; sys.modules comes first. Untrusted addresses, 0
 * among them. To be freed by pyi_root_list_deinit().
 */
struct pyi_error *pyi_roots_find(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader,
				 const struct pyi_interpreters *interpreters,
				 struct pyi_root_list *ret_roots) PYI_MUST_CHECK;

void pyi_root_list_deinit(struct pyi_root_list *list);

#endif
