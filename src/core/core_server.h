/*
 * The process that stands in for a broker where the target is a core file: it makes the process
 * that has the core's memory, runs it, and opens the files of programs and libraries.
 *
 * It has the rights of the user, and parses nothing: what is where in the core says a worker
 * without rights (core/core_wire.h). There is no target that could be harmed, and nothing is owed
 * to anybody: it can be killed at any time, and what it has made ends with it.
 */
#ifndef PYI_CORE_CORE_SERVER_H
#define PYI_CORE_CORE_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct pyi_core_server {
	/* What a worker asks it over; -1: there is none. */
	int channel_fd;
	/* 0: there is none. */
	pid_t pid;
};

/* What it is about. */
struct pyi_core_place {
	/* The core, to be read from; stays the caller's. */
	int core_fd;
	/* An absolute path without links, in front of those of the core; "": the root. */
	const char *root;
	/* How much of the core may be copied to memory, where it cannot be mapped. */
	uint64_t copy_limit_bytes;
};

/* Starts it. pyi_wait_init() must have been called. Error PYI_ERROR_WORKER_LOST (exit 1). */
struct pyi_error *pyi_core_server_start(const struct pyi_core_place *place,
					struct pyi_core_server *ret_server) PYI_MUST_CHECK;

/* Ends it, if there is one. */
void pyi_core_server_end(struct pyi_core_server *server);

#endif
