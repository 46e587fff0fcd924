/*
 * The process that the user means.
 */
#ifndef PYI_CLI_TARGET_H
#define PYI_CLI_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Whether a name may stand for several processes. */
bool pyi_target_is_group(const char *name);

/* "1234", or "unit:NAME.service": systemd is asked. Errors: those of process/target_name.h. */
struct pyi_error *pyi_target_find(const char *name, pid_t *ret_pid) PYI_MUST_CHECK;

/*
 * All processes that a name means, also "cgroup:PATH" and "container:ID"; with `children` those
 * that they have started. The caller frees them. Errors: those of process/target_name.h.
 */
struct pyi_error *pyi_target_find_all(const char *name, bool children, pid_t **ret_pids,
				      size_t *ret_count) PYI_MUST_CHECK;

/* "ambiguous-unit" (exit 2): a command that looks at one process was given a name of several. */
struct pyi_error *pyi_target_more_than_one(const char *name, const char *command, const pid_t *pids,
					   size_t count);

#endif
