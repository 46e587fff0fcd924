/*
 * The native stack of the thread that a snapshot goes on as, by libunwind.
 *
 * For people who want to know what the target was doing at the moment of the snapshot. Names are of
 * exported functions where there is no debug information: a static function then appears under its
 * neighbour's name.
 */
#ifndef PYI_SNAPSHOT_STACK_H
#define PYI_SNAPSHOT_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/snapshot.h"

enum {
	PYI_STACK_LIMIT = 64,
	PYI_STACK_NAME_BYTES = 96,
};

struct pyi_stack_frame {
	uint64_t pc;
	/* Offset of pc in `name`; the name is "" if there is none. */
	uint64_t offset;
	char name[PYI_STACK_NAME_BYTES];
};

struct pyi_stack {
	struct pyi_stack_frame frames[PYI_STACK_LIMIT];
	size_t count;
};

/*
 * Unwinds the held thread `thread_index` of the snapshot, from the registers it was stopped with,
 * in the snapshot's memory: the target is not touched. To be called before anything is run in the
 * snapshot. Innermost first. Error "no-stack" (exit 1) when libunwind finds none.
 */
struct pyi_error *pyi_stack_unwind(struct pyi_snapshot *snapshot, size_t thread_index,
				   struct pyi_stack *ret_stack) PYI_MUST_CHECK;

#endif
