/*
 * Finds the architecture's gadgets in the executable memory of a target.
 *
 * Reads what is really there (also a breakpoint somebody put in), while the target runs.
 */
#ifndef PYI_TRACEE_GADGETS_H
#define PYI_TRACEE_GADGETS_H

#include <stdbool.h>

#include "base/error.h"
#include "process/maps.h"
#include "process/process.h"
#include "tracee/arch.h"

/*
 * Looks first at pages that are in memory, then also at others of maps that `is_kept` calls brought
 * by the kernel itself: whoever else brings them may never do so. Error "no-gadget" (exit 1) names
 * the sequence that no private executable mapping has.
 */
struct pyi_error *pyi_gadgets_find(const struct pyi_process *process, const struct pyi_maps *maps,
				   bool (*is_kept)(void *argument, const struct pyi_map *map),
				   void *argument, struct pyi_gadgets *ret_gadgets) PYI_MUST_CHECK;

#endif
