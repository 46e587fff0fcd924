/*
 * What a CPython in memory says of its version.
 *
 * Does not know which versions are supported.
 */
#ifndef PYI_PYTHON_VERSION_H
#define PYI_PYTHON_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/memory_reader.h"
#include "python/scope.h"

enum {
	/* Room for "3.13.0rc2" and anything like it. */
	PYI_VERSION_BYTES = 32,
};

/* The beginning of struct _Py_DebugOffsets (3.13+), which a _PyRuntime begins with. */
struct pyi_debug_offsets {
	char cookie[8];
	/* PY_VERSION_HEX */
	uint64_t version;
	uint64_t free_threaded;
	/* runtime_state: bytes of _PyRuntime, and offsets in it; the same in 3.13 to 3.15. */
	uint64_t runtime_size;
	uint64_t finalizing;
	uint64_t interpreters_head;
};

/* False if there is none at the address of a _PyRuntime. */
bool pyi_version_read_debug_offsets(uint64_t runtime_addr, struct pyi_memory_reader *reader,
				    struct pyi_debug_offsets *ret_offsets);

/* True for the cookie that they begin with. */
bool pyi_version_is_cookie(const char bytes[8]);

/*
 * From _Py_DebugOffsets (3.13+) or Py_Version (3.11+), else from the text of Py_GetVersion(), which
 * is made when Python starts, in the data of `home` (an index in the scope) or of one of the
 * others. `runtime_addr` is 0 where there is no _PyRuntime. False if nothing says it.
 */
bool pyi_version_read(struct pyi_scope *scope, size_t home, uint64_t runtime_addr,
		      struct pyi_memory_reader *reader, char ret_version[PYI_VERSION_BYTES]);

/* The text of Py_GetVersion() in the data of one module. */
bool pyi_version_scan(struct pyi_elf_module *module, struct pyi_memory_reader *reader,
		      char ret_version[PYI_VERSION_BYTES]);

/* Finds "3.X.Y" of Py_GetVersion()'s buffer in `bytes`; false if it is not there. For tests. */
bool pyi_version_find(const char *bytes, size_t size_bytes, char ret_version[PYI_VERSION_BYTES]);

/* PY_VERSION_HEX >> 16 of a version's text; 0 if it is none. */
uint32_t pyi_version_number(const char *version);

/* Z of "X.Y.Z". */
unsigned pyi_version_patch_level(const char *version);

#endif
