/*
 * The types of a runtime that the interpreter itself defines, and that the decoder knows.
 *
 * Found by the symbols of the build, or where it has none by their names, among all types.
 */
#ifndef PYI_PYTHON_BUILTIN_TYPES_H
#define PYI_PYTHON_BUILTIN_TYPES_H

#include "base/error.h"
#include "process/memory_reader.h"
#include "python/runtime.h"
#include "python/scope.h"

/*
 * Fills in the types of `runtime`, whose layout is chosen, as code of `home` is bound to them: the
 * first definition, but a live one (Py_TPFLAGS_READY) before others. Error "layout-mismatch" if one
 * that is needed is missing.
 */
struct pyi_error *pyi_builtin_types_by_symbol(struct pyi_runtime *runtime, struct pyi_scope *scope,
					      size_t home,
					      struct pyi_memory_reader *reader) PYI_MUST_CHECK;

/*
 * The same without symbols: from sys.modules, which is a dict, to all types. Errors
 * "layout-mismatch", "python-not-started".
 */
struct pyi_error *pyi_builtin_types_by_name(struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader) PYI_MUST_CHECK;

/* The first type of a kind (enum pyi_object_kind), which others are variants of; 0: there is none.
 */
uint64_t pyi_builtin_types_find(const struct pyi_runtime *runtime, uint32_t kind);

#endif
