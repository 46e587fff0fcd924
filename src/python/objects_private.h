/*
 * What the files that read Python objects share: tables of dicts, flags of types, comparing names.
 * Not for other folders.
 *
 * Everything is untrusted, as in objects.h; what is returned is not, unless it says so.
 */
#ifndef PYI_PYTHON_OBJECTS_PRIVATE_H
#define PYI_PYTHON_OBJECTS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/dict_table.h>

#include "process/memory_reader.h"
#include "python/runtime.h"

/* Bits of tp_flags: Py_TPFLAGS_*_SUBCLASS. */
enum {
	PYI_SUBCLASS_LIST_BIT = 25,
	PYI_SUBCLASS_TUPLE_BIT = 26,
	PYI_SUBCLASS_BYTES_BIT = 27,
	PYI_SUBCLASS_UNICODE_BIT = 28,
	PYI_SUBCLASS_DICT_BIT = 29,
	PYI_SUBCLASS_TYPE_BIT = 31,
};

/*
 * The entries of a dict, wherever it has them, and where the values are that go with keys that it
 * shares; 0: they are in the entries. False if there cannot be such a table. It may be no dict.
 */
bool pyi_objects_find_dict(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			   uint64_t dict_addr, struct pyi_dict_entries *ret_entries,
			   uint64_t *ret_values_addr);

/* True if it is a str, of whatever kind names are. */
bool pyi_objects_is_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t addr);

/* True if the type of the object at `addr` has this bit of tp_flags. */
bool pyi_objects_has_flag(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t addr, int bit);

enum {
	/* Longer texts are equal to nothing for pyi_objects_str_is(). */
	PYI_KEY_LIMIT = 64,
};

/*
 * Compares an object with a C string of ASCII without decoding the rest. The object may be no
 * str at all: then the answer means nothing.
 */
bool pyi_objects_str_is(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			uint64_t addr, const char *text, size_t length);

#endif
