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

/*
 * The same as pyi_core_target_open() for one that zstd has compressed, which is unpacked to the
 * folder TMPDIR (/var/tmp) first. Errors besides those of pyi_core_unpack().
 */
struct pyi_error *pyi_core_target_unpack(struct pyi_options *options) PYI_MUST_CHECK;

/* "usage" (exit 2): what else has compressed it, and how to get at it. */
struct pyi_error *pyi_core_target_refuse_compressed(const char *name);

/*
 * Starts the server of the core, if the target is one, and fills in `broker_fd`; else *ret_server
 * is none. To be ended with pyi_core_server_end(). Errors: "input-failed" (the folder of
 * --sysroot), and those of pyi_core_server_start().
 */
struct pyi_error *pyi_core_target_serve(struct pyi_options *options,
					struct pyi_core_server *ret_server) PYI_MUST_CHECK;

#endif
