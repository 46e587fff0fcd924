/*
 * Members of types (tp_members, __slots__) and what kind of builtin a type derives from: what
 * attributes and places have in common. Not for other folders.
 *
 * Everything is untrusted, as in objects.h; every chain is bounded.
 */
#ifndef PYI_PYTHON_MEMBERS_H
#define PYI_PYTHON_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "process/memory_reader.h"
#include "python/objects.h"
#include "python/runtime.h"

/*
 * The type at `index` of a type's tp_mro, 0 behind the last. A type without one (not ready) is
 * the only one of its own.
 */
uint64_t pyi_members_mro_type(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t type_addr, uint64_t index);

/*
 * Looks for a member that is an object, of a type or its bases: by `name`, or by `*offset` if
 * `name` is NULL. Both are set when it is found; `ret_name` may be set when it is not.
 */
bool pyi_members_find(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		      uint64_t type_addr, const char *name, uint64_t *offset,
		      char ret_name[PYI_NAME_BYTES]);

struct pyi_member {
	/* A C string of the target. */
	uint64_t name_addr;
	uint64_t offset;
	/* Of any other kind it is a number, or a string. */
	bool is_object;
};

/*
 * Calls back for the members of a type and its bases, as far as they are heap types: __slots__ of
 * class statements, and members of such types of C. The callback returns false to stop.
 */
void pyi_members_each_slot(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t type_addr,
			   bool (*member)(void *argument, const struct pyi_member *member),
			   void *argument);

/* enum pyi_object_kind of the nearest base that has one, the type itself first. */
uint32_t pyi_members_kind(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t type_addr);

#endif
