/*
 * The native stack of the thread that a snapshot goes on as.
 *
 * For people who want to know what the target was doing at the moment of the snapshot, and to see
 * that it was in the middle of something. Frames come from the memory of the snapshot alone; their
 * names, from the symbols of the mapped files. Does not look for separate debug information: static
 * functions of a stripped file have no name.
 */
#ifndef PYI_SOURCE_STACK_H
#define PYI_SOURCE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/maps.h"
#include "process/memory_reader.h"
#include "process/process.h"
#include "source/source.h"
#include "source/unwind_registers.h"

enum {
	PYI_STACK_LIMIT = 64,
	PYI_STACK_NAME_BYTES = 96,
};

struct pyi_stack_frame {
	uint64_t pc;
	/* Offset of pc in `name`; the name is "" if there is none, and printable ASCII else. */
	uint64_t offset;
	char name[PYI_STACK_NAME_BYTES];
	/* A call returns to pc: the instruction in question is the one before. */
	bool is_return;
};

struct pyi_stack {
	struct pyi_stack_frame frames[PYI_STACK_LIMIT];
	size_t count;
	/* libunwind faulted on the rules of the last frame, and could not go on. */
	bool broken;
};

/* False in a build without libunwind: then every call fails with "no-stack". */
bool pyi_stack_is_known(void);

/*
 * Unwinds the held thread `thread_index` of the snapshot, from the registers it was stopped with,
 * in the snapshot's memory, and names the frames. Innermost first. Error "no-stack" (exit 1) if
 * the thread was not held.
 */
struct pyi_error *pyi_stack_unwind(const struct pyi_source_snapshot *snapshot, size_t thread_index,
				   struct pyi_stack *ret_stack) PYI_MUST_CHECK;

/*
 * The first half: unwinds a thread with `registers` in the memory of `reader`, which `maps`
 * describe. Opens no file. The stack ends where the rules for it end, or where libunwind faults on
 * them; the names are empty.
 * The first call lets libunwind open a pipe for itself, which stays (pipe2(), mincore(), mmap());
 * all calls set signal handlers, an alternate stack and signal masks, and put them back.
 */
void pyi_stack_read(struct pyi_memory_reader *reader, const struct pyi_maps *maps,
		    const struct pyi_unwind_registers *registers, struct pyi_stack *ret_stack);

/* The second half: sets the names, from the files that `process` has mapped. */
void pyi_stack_name(const struct pyi_process *process, const struct pyi_maps *maps,
		    struct pyi_stack *stack);

#endif
