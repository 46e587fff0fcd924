/*
 * What must be known of Python at the very moment of a snapshot: that no collection runs, and who
 * has the GIL. As words whose addresses are found out while the target runs, for the moment itself
 * is the broker's (source/source.h).
 *
 * Does not judge threads: python/interpreters.h does.
 */
#ifndef PYI_HEAP_GATE_H
#define PYI_HEAP_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "process/memory_reader.h"
#include "python/interpreters.h"
#include "python/runtime.h"
#include "source/source.h"

struct pyi_gate {
	struct pyi_source_gate source;
	/* Those that it was made for. */
	struct pyi_interpreters interpreters;
	/* The GIL of each interpreter, and where its words begin; SIZE_MAX: it has none. */
	struct pyi_gil_addrs gil[PYI_INTERPRETER_LIMIT];
	size_t gil_at[PYI_INTERPRETER_LIMIT];
};

/*
 * Finds the words. False if no snapshot could be trusted now: a collection runs, or the chain of
 * interpreters cannot be followed.
 */
bool pyi_gate_prepare(struct pyi_gate *gate, const struct pyi_runtime *runtime,
		      struct pyi_memory_reader *live);

/*
 * Watches the running target for so long: true if a GIL was taken and let go meanwhile. Then a
 * thread that waits now is likely to take it while a snapshot is made, which that cannot be trusted
 * after. A GIL that is held all the time is no such thing, whoever holds it: its holder runs, and
 * is stopped. Ends early when that is known, or when the user wants to end.
 */
bool pyi_gate_gil_comes_and_goes(const struct pyi_runtime *runtime, struct pyi_memory_reader *live,
				 double for_ms);

/*
 * The GIL of interpreter `i` right before and right after the snapshot that was taken. False if it
 * is not known.
 */
bool pyi_gate_gil(const struct pyi_gate *gate, size_t i, struct pyi_gil_state *ret_before,
		  struct pyi_gil_state *ret_after);

/* True if these are the interpreters that it was made for: none came or went meanwhile. */
bool pyi_gate_has_same(const struct pyi_gate *gate, const struct pyi_interpreters *interpreters);

#endif
