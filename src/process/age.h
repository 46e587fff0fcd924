/*
 * For how long a process has been running.
 */
#ifndef PYI_PROCESS_AGE_H
#define PYI_PROCESS_AGE_H

#include <stdint.h>

#include "base/error.h"
#include "process/process.h"

/* Seconds since it was started, the time that the machine was suspended included. */
uint64_t pyi_process_age_s(const struct pyi_process *process);

/* Error "too-young", with that exit code, if it has not run for `least_s` seconds. */
struct pyi_error *pyi_process_age_refusal(const struct pyi_process *process, uint64_t least_s,
					  enum pyi_exit exit) PYI_MUST_CHECK;

#endif
