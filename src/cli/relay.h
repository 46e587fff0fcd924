/*
 * What a worker or a keeper prints is passed on by this process when that has ended: the whole
 * report, or none of it if another one is to follow, for there is one report of a run. And who
 * reads a pipe waits for the end of all that have it open, while a worker may be left behind in a
 * wait of the kernel that nothing ends (a file server that does not answer).
 *
 * So they write to memory. A terminal is written to directly, in the order in which things happen;
 * there alone an error can follow a report.
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

/* In the process that prints: from now on its output goes there. */
void pyi_relay_enter(const struct pyi_relay *relay);

/*
 * The same for one that sees what the target has made: at most 256 MB; then a write fails, or ends
 * the process (SIGXFSZ). `more_bytes`: so much more, in a file of its own.
 */
void pyi_relay_enter_limited(const struct pyi_relay *relay, uint64_t more_bytes);

/*
 * Passes on what it has printed, and forgets it; without its standard output unless `whole`. Waits
 * for a reader at most until the deadline, and no longer than the user wants to.
 * Error "output-failed" (exit 1).
 */
struct pyi_error *pyi_relay_finish(struct pyi_relay *relay, bool whole,
				   uint64_t deadline_ns) PYI_MUST_CHECK;

/* Passes a file in memory on to standard output, in the same way. */
struct pyi_error *pyi_relay_pass(int memory_fd, uint64_t deadline_ns) PYI_MUST_CHECK;

#endif
