/*
 * The environment that a process was started with.
 *
 * Does not see what the process has set since.
 */
#ifndef PYI_BUS_ENVIRONMENT_H
#define PYI_BUS_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "process/process.h"

struct pyi_bus_environment {
	/* NUL-separated and NUL-terminated; untrusted. */
	char *text;
	size_t size_bytes;
	/* There is more than 1 MiB; the rest was not read, nor the variable it was cut in. */
	bool cut;
};

/* Reads /proc/PID/environ, at most 1 MiB of it. Errors as pyi_process_open_file(). */
struct pyi_error *
pyi_bus_environment_read(const struct pyi_process *process,
			 struct pyi_bus_environment *ret_environment) PYI_MUST_CHECK;

/* The value of a variable; NULL if it is not there or empty. Lives as long as `environment`. */
const char *pyi_bus_environment_get(const struct pyi_bus_environment *environment,
				    const char *name);

/* Safe on a zeroed struct. */
void pyi_bus_environment_deinit(struct pyi_bus_environment *environment);

#endif
