/*
 * The process of a check that keeps things: files of the history, incidents and evidence, the
 * journal. It has no rights but those of its user, and gets plain values from the worker
 * (cli/tasks.h), never bytes of the target.
 */
#ifndef PYI_BROKER_KEEPER_H
#define PYI_BROKER_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Gives up all capabilities, for good; user and files stay. Error PYI_ERROR_WORKER_LOST (exit 1) if
 * that failed: the process must end then.
 */
struct pyi_error *pyi_keeper_confine(void) PYI_MUST_CHECK;

/*
 * Runs `keep` in a child that has given them up, and waits for its end: at most so long, then it is
 * killed. False, with nothing in `ret_exit_code`, if it could not be started or did not end by
 * itself. For programs that have called pyi_wait_init() (tracee/wait.h); the signals of the user
 * stay pending meanwhile.
 */
bool pyi_keeper_run(void (*keep)(void *argument) __attribute__((noreturn)), void *argument,
		    uint64_t limit_ms, int *ret_exit_code);

#endif
