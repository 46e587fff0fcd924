/*
 * Looks for a _PyRuntime in the data of a file that says nothing about where it is: a program that
 * is linked statically and stripped.
 */
#ifndef PYI_PYTHON_SEARCH_H
#define PYI_PYTHON_SEARCH_H

#include <stdbool.h>

#include "process/elf_module.h"
#include "process/memory_reader.h"

/*
 * Finds what begins as a runtime of that version does: with the cookie of _Py_DebugOffsets (3.13+),
 * or with a chain of interpreters that have threads and sys.modules. `ret_symbol` has no size. It
 * is a guess, to be checked as any other one.
 */
bool pyi_search_runtime(struct pyi_elf_module *module, struct pyi_memory_reader *reader,
			const char *version, struct pyi_elf_symbol *ret_symbol);

#endif
