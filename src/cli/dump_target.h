/*
 * A dump in the place of a process.
 *
 * Opens it, with the rights of the user, and does not read it: that is for a process that has none
 * (cli/heap_graph.h).
 */
#ifndef PYI_CLI_DUMP_TARGET_H
#define PYI_CLI_DUMP_TARGET_H

#include <stdint.h>

#include "base/error.h"
#include "cli/options.h"

enum pyi_target_file {
	/* It is no file. */
	PYI_TARGET_NO_FILE,
	PYI_TARGET_DUMP,
	/* An ELF file, which may be a core. */
	PYI_TARGET_CORE,
	/* What zstd has made, of a core or of something else. */
	PYI_TARGET_COMPRESSED_CORE,
	/* What another such program has made. */
	PYI_TARGET_COMPRESSED,
};

/*
 * Whether the name of a target is that of a file, and of which kind by its first bytes: it has a
 * slash ("./heap.pyi": a dump, if nothing else), or there is a regular file of that name which
 * begins in one of these ways. Numbers, and names with "unit:" and the like, are processes.
 */
enum pyi_target_file pyi_dump_target_kind(const char *name);

/*
 * A descriptor to read a regular file, and its size. Error "input-failed" (exit 1), which calls it
 * `what`.
 */
struct pyi_error *pyi_dump_target_open_file(const char *name, const char *what, int *ret_fd,
					    uint64_t *ret_size_bytes) PYI_MUST_CHECK;

/* Numbers, and names with "unit:" and the like. */
bool pyi_dump_target_is_of_process(const char *name);

/*
 * Opens options->target: fills in `dump`, `dump_fd` and `graph_bytes`. Errors: "input-failed" (exit
 * 1).
 */
struct pyi_error *pyi_dump_target_open(struct pyi_options *options) PYI_MUST_CHECK;

/* The same with options->target and options->subject, for a command that compares them; the memory
   is for both together. */
struct pyi_error *pyi_dump_target_open_two(struct pyi_options *options) PYI_MUST_CHECK;

/* "usage" (exit 2): that command cannot be asked of a "dump" or a "core" (`what`), and what can be
   done. */
struct pyi_error *pyi_dump_target_refuse(const char *name, const char *what, const char *command);

#endif
