/*
 * The Python runtime inside a process: where it is, which version, which layout, and whether that
 * layout is right.
 *
 * Reads memory only through a reader. A layout is believed only after anchors in the live process
 * agree with it. Does not walk the heap.
 */
#ifndef PYI_PYTHON_RUNTIME_H
#define PYI_PYTHON_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/layout.h>

#include "base/error.h"
#include "process/elf_module.h"
#include "process/maps.h"
#include "process/memory_reader.h"
#include "process/process.h"
#include "python/statics.h"

enum {
	PYI_BUILTIN_TYPE_LIMIT = 32,
};

/* A type that the interpreter exports as a symbol. */
struct pyi_builtin_type {
	/* enum pyi_object_kind (pyinspect/payload.h) */
	uint32_t kind;
	uint64_t addr;
};

struct pyi_runtime {
	/* "3.11.2" */
	char version[32];
	const struct pyi_layout *layout;
	/* Address of _PyRuntime, if there is one. */
	uint64_t addr;
	/* Where there is no _PyRuntime: what would be in it. */
	struct pyi_statics statics;
	/* So many bytes behind where the layout says is the table of static types. */
	int64_t static_types_shift;
	/* PyBaseObject_Type, PyType_Type, PyDict_Type and PyUnicode_Type. */
	uint64_t object_type_addr;
	/* sizeof(PyTypeObject), as the symbol of PyType_Type says; 0 if it is not known. */
	uint64_t type_bytes;
	uint64_t type_type_addr;
	uint64_t dict_type_addr;
	uint64_t str_type_addr;
	/* PyThreadState_Swap() */
	uint64_t thread_swap_addr;
	struct pyi_builtin_type builtin_types[PYI_BUILTIN_TYPE_LIMIT];
	size_t builtin_type_count;
	/*
	 * The bytecode interpreter, _PyEval_EvalFrameDefault(): code that no tp_traverse function
	 * can need. Without symbols: other such code; size 0 if there is none.
	 */
	struct pyi_elf_range evaluator;
	/* There may be another one, in a file that was not opened: a server may have it. */
	bool passed_over;
	/* The file it is in, as the maps show it; owned by the runtime. */
	char *path;
	/* Why another runtime in the process, which may hold objects, cannot be looked at, in the
	   words of an error; owned by the runtime; NULL: there is none that is known. */
	char *other;
	/* The layout of another release, taken because this one is newer than all that are known
	   and was asked for all the same; owned by the runtime; NULL: the layout is known. */
	struct pyi_layout *guessed;
};

struct pyi_runtime_wish {
	/* Of several that live the one with this number, from 1; 0: there must be only one. */
	unsigned number;
	/*
	 * A release that is newer than all that are known, and says so by _Py_DebugOffsets, is
	 * tried with the layout of the newest one. The anchors have to hold as for any other.
	 */
	bool guess;
};

/*
 * Finds the runtime of `process`. What is loaded and dead does not count.
 *
 * Errors, all exit 4: "not-python" (says what program it is), "python-unsupported" (PyPy, another
 * version, a free-threaded build: names it), "python-not-started", "layout-mismatch" (names the
 * anchor that disagrees); exit 2: "several-pythons" (lists them). Where there is none, but a file
 * that may be one could not be opened: the error of pyi_elf_module_open().
 */
struct pyi_error *pyi_runtime_find(const struct pyi_process *process, const struct pyi_maps *maps,
				   struct pyi_memory_reader *reader,
				   const struct pyi_runtime_wish *wish,
				   struct pyi_runtime *ret_runtime) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_runtime_deinit(struct pyi_runtime *runtime);

/*
 * Checks anchors of a layout against memory: circular list heads, the type of types, names of known
 * types, links between interpreter and threads. Error "layout-mismatch".
 */
struct pyi_error *pyi_runtime_check_anchors(const struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader) PYI_MUST_CHECK;

/*
 * Checks a layout on known objects: sizes that types say of their instances, sys.modules, a
 * function and a class of importlib, what interpreters and threads hold. The live process may
 * change them, so there is more than one look. Error "layout-mismatch".
 */
struct pyi_error *pyi_runtime_check_objects(const struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader) PYI_MUST_CHECK;

/*
 * Finds the table of static types near where the layout says it is: in front of it are structs that
 * patch levels add to. Error "layout-mismatch".
 */
struct pyi_error *pyi_runtime_find_static_types(struct pyi_runtime *runtime,
						struct pyi_memory_reader *reader) PYI_MUST_CHECK;

/*
 * The layout for a build of a version, by its symbol _PyRuntime; NULL if there is none. Whether it
 * is right is still to be checked. For tests.
 *
 * Patch levels of a version differ in little, mostly in what was added at the end of a struct. Best
 * is the layout of a build with a _PyRuntime of the same size, then that of the newest which is not
 * newer; never one that _Py_DebugOffsets contradict.
 */
const struct pyi_layout *pyi_runtime_choose_layout(const char *version,
						   const struct pyi_elf_symbol *symbol,
						   struct pyi_memory_reader *reader);

#endif
