/*
 * The programs and libraries that a core has mapped, found by their build ids: a core has what they
 * have written, and seldom what they are.
 *
 * A file counts only if its build id is the one in the core's memory. Does not open files by
 * itself: whoever has the rights does (core/core_client.h).
 */
#ifndef PYI_CORE_CORE_BINARIES_H
#define PYI_CORE_CORE_BINARIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/core_file.h"

enum {
	/* SHA-1 has 20, others up to 64. */
	PYI_BUILD_ID_BYTES = 64,
	/* Linkers make four or five. */
	PYI_CORE_LOADS = 16,
};

/* A segment of a file. */
struct pyi_core_load {
	uint64_t offset;
	uint64_t size_bytes;
	/* PROT_... */
	uint32_t protection;
};

struct pyi_core_binary {
	/* The core's. */
	const char *path;
	/* What it is for the server (core/core_wire.h); 0: no file was needed. */
	uint32_t file;
	uint64_t size_bytes;
	struct pyi_core_load loads[PYI_CORE_LOADS];
	size_t load_count;
};

struct pyi_core_binaries {
	/* One for each path of the core's mappings, in the order of paths. */
	struct pyi_core_binary *items;
	size_t count;
	/* Files without a build id, of which only the first page was compared. */
	size_t unsure_count;
	/* One of them. */
	const char *unsure_path;
};

/*
 * Finds all that were mapped as code. Error PYI_ERROR_NO_BINARIES (exit 1): not all of them are
 * there; it lists paths and build ids.
 */
struct pyi_error *pyi_core_binaries_find(const struct pyi_core_file *core, int channel_fd,
					 struct pyi_core_binaries *ret_binaries) PYI_MUST_CHECK;

/* The one of that path, which is one of the core's. */
const struct pyi_core_binary *pyi_core_binaries_of(const struct pyi_core_binaries *binaries,
						   const char *path);

void pyi_core_binaries_deinit(struct pyi_core_binaries *binaries);

#endif
