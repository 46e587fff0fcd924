/*
 * The interpreters of a runtime: their gc lists, and whether Python stands at a point where the
 * heap can be believed.
 *
 * Reads through a reader only; follows every chain with a bound.
 */
#ifndef PYI_PYTHON_INTERPRETERS_H
#define PYI_PYTHON_INTERPRETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "base/error.h"
#include "process/memory_reader.h"
#include "python/runtime.h"

enum {
	PYI_INTERPRETER_LIMIT = 1024,
};

struct pyi_interpreters {
	uint64_t addr[PYI_INTERPRETER_LIMIT];
	size_t count;
};

/* Error "heap-broken" (exit 1) when the chain of interpreters cannot be read or does not end. */
struct pyi_error *pyi_interpreters_list(const struct pyi_runtime *runtime,
					struct pyi_memory_reader *reader,
					struct pyi_interpreters *ret_interpreters) PYI_MUST_CHECK;

/*
 * Leaves only one interpreter: `number` is one more than that which `interpreters.list_all()` has
 * for it; 0 leaves all. Errors: "interpreter-unknown" (exit 2) if there is none, or if it has one
 * collector with others (up to 3.8).
 */
struct pyi_error *pyi_interpreters_keep(const struct pyi_runtime *runtime,
					struct pyi_memory_reader *reader, uint64_t number,
					struct pyi_interpreters *interpreters) PYI_MUST_CHECK;

/*
 * The heads of all gc lists, of all interpreters, permanent generations too; to be freed by the
 * caller. A head is aligned to 4 bytes, not always to 8.
 */
struct pyi_error *pyi_interpreters_gc_lists(const struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader,
					    const struct pyi_interpreters *interpreters,
					    struct pyi_gc_list **ret_lists,
					    size_t *ret_count) PYI_MUST_CHECK;

/*
 * How many states of the collector there are: one for each interpreter, one for all up to 3.8, none
 * where it is a number of variables (3.6); and the address of the one of interpreter `i`.
 */
size_t pyi_interpreters_gc_state_count(const struct pyi_runtime *runtime,
				       const struct pyi_interpreters *interpreters);
uint64_t pyi_interpreters_gc_state(const struct pyi_runtime *runtime,
				   const struct pyi_interpreters *interpreters, size_t i);

/* Address of the first of an interpreter's states of static types (3.12+). */
uint64_t pyi_interpreters_static_types(const struct pyi_runtime *runtime,
				       uint64_t interpreter_addr);

/* How far a runtime is in its life. */
enum pyi_runtime_phase {
	PYI_RUNTIME_RUNS,
	/* The main interpreter is not complete yet. */
	PYI_RUNTIME_STARTS,
	/* Py_FinalizeEx() takes it to pieces: modules, then types. */
	PYI_RUNTIME_ENDS,
};

/* PYI_RUNTIME_RUNS also where nothing says it (3.6). */
enum pyi_runtime_phase pyi_interpreters_phase(const struct pyi_runtime *runtime,
					      struct pyi_memory_reader *reader);

/* True while a collection runs in any of them: objects may then be on no list. */
bool pyi_interpreters_collecting(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader,
				 const struct pyi_interpreters *interpreters);

/* Addresses of the words (4 bytes) that are not 0 while a collection runs; returns how many. */
size_t pyi_interpreters_collecting_addrs(const struct pyi_runtime *runtime,
					 const struct pyi_interpreters *interpreters,
					 uint64_t ret_addrs[PYI_INTERPRETER_LIMIT]);

/* True for a build whose threads change objects side by side (PEP 703). */
bool pyi_interpreters_have_no_gil(const struct pyi_runtime *runtime);

/*
 * The thread state that holds the GIL of an interpreter; 0 if the GIL is free. Without a GIL: one
 * of those that are attached, which is all that a holder of the GIL is.
 */
uint64_t pyi_interpreters_gil_holder(const struct pyi_runtime *runtime,
				     struct pyi_memory_reader *reader, uint64_t interpreter_addr);

/* The GIL of one interpreter at one moment. */
struct pyi_gil_state {
	bool locked;
	/* The thread state that holds it, or held it last. */
	uint64_t holder_addr;
	/* How often it has gone to another thread. */
	uint64_t switches;
};

/* Where that is kept: 4, 8 and 8 bytes. */
struct pyi_gil_addrs {
	/* 1 if it is locked. 0 with `switches` where only the holder can be found (3.6). */
	uint64_t locked;
	uint64_t holder;
	uint64_t switches;
};

/* What the words at these addresses say; those at 0 are not looked at. */
struct pyi_gil_state pyi_interpreters_decode_gil(const struct pyi_gil_addrs *addrs, uint64_t locked,
						 uint64_t holder_addr, uint64_t switches);

/* False if the interpreter has none. */
bool pyi_interpreters_find_gil(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			       uint64_t interpreter_addr, struct pyi_gil_addrs *ret_addrs);

/* False if it cannot be read. */
bool pyi_interpreters_read_gil(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			       uint64_t interpreter_addr, struct pyi_gil_state *ret_state);

/* True if the thread with this thread pointer holds the GIL of one of the interpreters; without
 * a GIL, if it is attached. */
bool pyi_interpreters_is_gil_holder(const struct pyi_runtime *runtime,
				    struct pyi_memory_reader *reader,
				    const struct pyi_interpreters *interpreters,
				    uint64_t thread_pointer);

/* What is known about a thread of the target around the moment of a snapshot. */
struct pyi_thread_motion {
	/* 0 if it is not known. */
	uint64_t thread_pointer;
	pid_t namespace_tid;
	/* It cannot have run: it was held, or seen not to. */
	bool still;
};

/*
 * True if no thread can have changed objects between two looks at a GIL, whatever else ran: the GIL
 * was held by one thread that stood still; or it was free at both looks, never went to another
 * thread, and the one that had it last stood still.
 */
bool pyi_interpreters_gil_was_still(const struct pyi_runtime *runtime,
				    struct pyi_memory_reader *reader,
				    const struct pyi_gil_state *before,
				    const struct pyi_gil_state *after,
				    const struct pyi_thread_motion *threads, size_t count);

/*
 * The same without a GIL, by the thread states in the snapshot: no thread of Python ran. One that
 * did may have been attached in between, whatever it is now.
 */
bool pyi_interpreters_threads_were_still(const struct pyi_runtime *runtime,
					 struct pyi_memory_reader *reader,
					 const struct pyi_interpreters *interpreters,
					 const struct pyi_thread_motion *threads, size_t count);

#endif
