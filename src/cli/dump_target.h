/*
 * A dump in the place of a process.
 *
 * Opens it, with the rights of the user, and does not read it: that is for a process that has none
 * (cli/heap_graph.h).
 */
#ifndef PYI_CLI_DUMP_TARGET_H
#define PYI_CLI_DUMP_TARGET_H

#include <stdbool.h>

#include "base/error.h"
#include "cli/options.h"

/*
 * Whether the name of a target is that of a file: it has a slash ("./heap.pyi"), or there is a
 * regular file of that name which begins as a dump does. Numbers, and names with "unit:" and the
 * like, are processes.
 */
bool pyi_dump_target_is(const char *name);

/*
 * Opens options->target: fills in `dump`, `dump_fd` and `graph_bytes`. Errors: "input-failed" (exit
 * 1).
 */
struct pyi_error *pyi_dump_target_open(struct pyi_options *options) PYI_MUST_CHECK;

/* The same with options->target and options->subject, for a command that compares them; the memory
   is for both together. */
struct pyi_error *pyi_dump_target_open_two(struct pyi_options *options) PYI_MUST_CHECK;

/* "usage" (exit 2): that command asks the process itself. */
struct pyi_error *pyi_dump_target_refuse(const char *name, const char *command);

#endif
