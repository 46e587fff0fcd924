/*
 * A core file in the place of a process.
 *
 * Opens it, with the rights of the user, and does not read it: that is for a process that has none
 * (core/core_plan.h).
 */
#ifndef PYI_CLI_CORE_TARGET_H
#define PYI_CLI_CORE_TARGET_H

#include "base/error.h"
#include "cli/options.h"
#include "core/core_server.h"

/*
 * Opens options->target: fills in `core`, `core_fd`, `core_bytes` and `graph_bytes`. Errors:
 * "input-failed" (exit 1), "usage" (exit 2).
 */
struct pyi_error *pyi_core_target_open(struct pyi_options *options) PYI_MUST_CHECK;

/* "usage" (exit 2): that command cannot be asked of a core, and what can be done. */
struct pyi_error *pyi_core_target_refuse(const char *name, const char *command);

/* The same for a file that zstd has compressed, perhaps a core: how to get at it. */
struct pyi_error *pyi_core_target_refuse_compressed(const char *name);

/*
 * Starts the server of the core, if the target is one, and fills in `broker_fd`; else *ret_server
 * is none. To be ended with pyi_core_server_end(). Errors: "input-failed" (the folder of
 * --sysroot), and those of pyi_core_server_start().
 */
struct pyi_error *pyi_core_target_serve(struct pyi_options *options,
					struct pyi_core_server *ret_server) PYI_MUST_CHECK;

#endif
