/*
 * What a worker prints to a pipe or a socket reaches it through this process.
 *
 * Who reads a pipe waits for the end of all that have it open, and a worker may be left behind in a
 * wait of the kernel that nothing ends (a file server that does not answer). So it writes to
 * memory, and what is there is passed on when it has ended. A terminal and a file are written to
 * directly: nobody waits for their end.
 */
#ifndef PYI_CLI_RELAY_H
#define PYI_CLI_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct pyi_relay {
	/* Memory for standard output, and for standard error; -1: written to directly. */
	int output_fd;
	int error_fd;
};

/* Before the worker is started. Where there is no memory for it, it is written to directly. */
void pyi_relay_init(struct pyi_relay *ret_relay);

/*
 * In the worker: from now on its output goes there, at most 256 MB of it; then a write fails, or
 * ends the process (SIGXFSZ).
 */
void pyi_relay_enter(const struct pyi_relay *relay);

/*
 * Passes on what it has printed, and forgets it; without its standard output unless `whole`. Waits
 * for a reader at most until the deadline, and no longer than the user wants to.
 * Error "output-failed" (exit 1).
 */
struct pyi_error *pyi_relay_finish(struct pyi_relay *relay, bool whole,
				   uint64_t deadline_ns) PYI_MUST_CHECK;

#endif
