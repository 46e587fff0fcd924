/*
 * The process that the user means.
 */
#ifndef PYI_CLI_TARGET_H
#define PYI_CLI_TARGET_H

#include <sys/types.h>

#include "base/error.h"

/* "1234", or "unit:NAME.service": systemd is asked. Errors: those of process/target_name.h. */
struct pyi_error *pyi_target_find(const char *name, pid_t *ret_pid) PYI_MUST_CHECK;

#endif
