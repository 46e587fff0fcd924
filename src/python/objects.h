/*
 * Reads Python objects from a target: strings, dicts, type names.
 *
 * Everything is untrusted: sizes are bounded, pointers are only followed through the reader, and a
 * broken object gives false or a name that says so. Does not read values that are not names.
 */
#ifndef PYI_PYTHON_OBJECTS_H
#define PYI_PYTHON_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/memory_reader.h"
#include "python/runtime.h"

enum {
	/* A name longer than this many characters is cut. */
	PYI_NAME_LIMIT = 512,
	/* Room for such a name in UTF-8. */
	PYI_NAME_BYTES = PYI_NAME_LIMIT * 4 + 1,
};

/*
 * Reads a str into `ret_text` as UTF-8 (surrogates, and bytes that are no UTF-8, as '?'); false if
 * it is no str. Where names are bytes (2.7), both str and unicode are.
 */
bool pyi_objects_read_str(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t addr, char ret_text[PYI_NAME_BYTES]);

/* Looks up a str key in a dict (combined table); false if it is not in, or this is no dict. */
bool pyi_objects_dict_get(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t dict_addr, const char *key, uint64_t *ret_value);

/* The attribute of a module in sys.modules, e.g. ("_collections", "deque"). */
bool pyi_objects_module_get(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t modules_addr, const char *module, const char *name,
			    uint64_t *ret_value);

/*
 * The name of a type: "module.qualname", builtins bare; "<type at 0x...>" if it cannot be read.
 * malloc'ed; NULL without memory.
 */
char *pyi_objects_type_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t type_addr);

/*
 * True if it is an old-style class (2.7): then it stands wherever a type does, for its instances,
 * but it is no type and has no field of one.
 */
bool pyi_objects_is_old_class(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t addr);

/*
 * True if instances of the type have a __sizeof__() that is not one of `modelled` (sorted addresses
 * of types whose rule we know; object is among them): their size is then an estimate.
 */
bool pyi_objects_size_is_estimated(const struct pyi_runtime *runtime,
				   struct pyi_memory_reader *reader, uint64_t type_addr,
				   const uint64_t *modelled, size_t modelled_count);

#endif
