/*
 * The way of a report to the file that --output is about: who makes it has no rights, and that file
 * may be in a folder that takes rights to write to. So it is written to memory, and put in place by
 * the process that the user started, which does not look at it.
 */
#ifndef PYI_CLI_HANDOVER_H
#define PYI_CLI_HANDOVER_H

#include "base/error.h"
#include "cli/options.h"

/* Makes options->output_fd; does nothing without --output. Error PYI_ERROR_NO_MEMORY. */
struct pyi_error *pyi_handover_begin(struct pyi_options *options) PYI_MUST_CHECK;

/*
 * Puts what is in there, if anything is, in the place of the file. Errors: those of
 * base/file_replace.h, PYI_ERROR_NO_MEMORY.
 */
struct pyi_error *pyi_handover_put(const struct pyi_options *options) PYI_MUST_CHECK;

/* Forgets what is in there. */
void pyi_handover_end(struct pyi_options *options);

#endif
