/*
 * The way of a report to the file that --output is about, and of a dump to its own: who makes it
 * has no rights, and that file may be in a folder that takes rights to write to. So a report is
 * written to memory, a dump to a file that has no name yet, and put in place by the process that
 * the user started, which does not look at it.
 */
#ifndef PYI_CLI_HANDOVER_H
#define PYI_CLI_HANDOVER_H

#include <stdint.h>

#include "base/error.h"
#include "cli/options.h"

/*
 * Makes options->output_fd, if there is to be a file. Errors: PYI_ERROR_NO_MEMORY; those of
 * base/file_draft.h and base/file_replace.h; "usage" (exit 2) of a dump that is to go to a
 * terminal.
 */
struct pyi_error *pyi_handover_begin(struct pyi_options *options) PYI_MUST_CHECK;

/*
 * Puts what is in there, if anything is, in the place of the file; a dump only if who made it has
 * ended with exit code 0 or 5 (-1: by a signal). Errors: those of base/file_replace.h and
 * base/file_draft.h; "output-failed" (exit 1) if standard output, where a dump may go, does not
 * take it by the deadline; PYI_ERROR_NO_MEMORY.
 */
struct pyi_error *pyi_handover_put(struct pyi_options *options, int exit_code,
				   uint64_t deadline_ns) PYI_MUST_CHECK;

/* Forgets what is in there. */
void pyi_handover_end(struct pyi_options *options);

#endif
