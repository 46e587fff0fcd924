/*
 * Types whose objects the collector never frees in a cycle, because they have a __del__: up to 3.3
 * (PEP 442). Does not know generators that are suspended within `try`, and a __del__ that an
 * instance of an old-style class has for itself, which are kept as well.
 */
#ifndef PYI_PYTHON_FINALIZERS_H
#define PYI_PYTHON_FINALIZERS_H

#include <stdbool.h>
#include <stdint.h>

#include "process/memory_reader.h"
#include "python/runtime.h"

/* `type_addr` may be an old-style class. */
bool pyi_finalizers_keep(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t type_addr);

#endif
