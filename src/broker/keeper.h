/*
 * The process of a check that keeps things: files of the history, incidents and evidence, the
 * journal. It has no rights but those of its user, and gets plain values from the worker
 * (cli/tasks.h), never bytes of the target.
 */
#ifndef PYI_BROKER_KEEPER_H
#define PYI_BROKER_KEEPER_H

#include "base/error.h"

/*
 * Gives up all capabilities, for good; user and files stay. Error PYI_ERROR_WORKER_LOST (exit 1) if
 * that failed: the process must end then.
 */
struct pyi_error *pyi_keeper_confine(void) PYI_MUST_CHECK;

#endif
