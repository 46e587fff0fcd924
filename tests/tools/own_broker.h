/*
 * A broker alone, for programs that are their own worker.
 */
#ifndef TESTS_OWN_BROKER_H
#define TESTS_OWN_BROKER_H

#include "base/error.h"

/*
 * Starts it; `ret_channel_fd` is the caller's, and the broker ends when it is closed, or with the
 * caller. pyi_wait_init() must have been called.
 */
struct pyi_error *own_broker_start(int *ret_channel_fd) PYI_MUST_CHECK;

#endif
