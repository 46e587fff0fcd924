/*
 * What type_fields.c knows of the types of a process: names of fields, for people; and for the
 * payload the rules for types that do not tell by themselves what they refer to, or how large they
 * are. Not for other folders but src/heap.
 *
 * Types are found by name and believed by size. Everything is untrusted, as in objects.h.
 */
#ifndef PYI_PYTHON_TYPE_RULES_H
#define PYI_PYTHON_TYPE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "process/memory_reader.h"
#include "python/objects.h"
#include "python/runtime.h"

/*
 * What Python calls the field at `offset` of instances of a type, or of its bases; NULL if it is
 * not known.
 */
const char *pyi_type_rules_field_name(const struct pyi_runtime *runtime,
				      struct pyi_memory_reader *reader, uint64_t type_addr,
				      uint64_t offset);

/*
 * Adds rules of the types that sys.modules (`modules_addr`) of an interpreter leads to behind the
 * `count` that there are; returns how many there are then. What there is no room for is left out:
 * its sizes are then estimates.
 */
size_t pyi_type_rules_add(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t modules_addr, struct pyi_type_rule rules[PYI_TYPE_RULES],
			  size_t count);

#endif
