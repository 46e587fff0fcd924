/*
 * Kept evidence in the place of a process: a folder of it, one of its files, or the name that it
 * has below the state folder of checks.
 *
 * Opens and copies, with the rights of the user, and reads none of it: that is for a process that
 * has none (cli/evidence_input.h).
 */
#ifndef PYI_CLI_EVIDENCE_TARGET_H
#define PYI_CLI_EVIDENCE_TARGET_H

#include <stdint.h>

#include "base/error.h"
#include "cli/options.h"

enum {
	PYI_EVIDENCE_NAME_BYTES = 64,
	/* Of one file; all types of a large program are some 200 KB. What is longer is left out. */
	PYI_EVIDENCE_FILE_BYTES = 16 << 20,
	/* Files of one folder. */
	PYI_EVIDENCE_FILES = 16,
};

/* In what is handed over, before the bytes of each file. */
struct pyi_evidence_header {
	char name[PYI_EVIDENCE_NAME_BYTES];
	/* UINT64_MAX: too long, and there are no bytes. */
	uint64_t size;
};

/*
 * Opens options->target: fills in `dump`, `dump_fd` (a file in memory) and `graph_bytes`. Errors:
 * "usage" (exit 2) if it is the name of a process; "input-failed" (exit 1).
 */
struct pyi_error *pyi_evidence_target_open(struct pyi_options *options) PYI_MUST_CHECK;

#endif
