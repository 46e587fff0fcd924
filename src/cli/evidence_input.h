/*
 * Kept evidence, as it was handed over (cli/evidence_target.h): JSON that is to be believed
 * nothing. To be read by a process without rights.
 */
#ifndef PYI_CLI_EVIDENCE_INPUT_H
#define PYI_CLI_EVIDENCE_INPUT_H

#include <stddef.h>

#include "base/error.h"
#include "cli/evidence_target.h"
#include "report/envelope.h"
#include "report/evidence.h"

struct pyi_evidence_input {
	/* Owned, but for the problems, which are static. */
	struct pyi_kept_report reports[PYI_EVIDENCE_FILES];
	size_t count;
	/* How many are no reports. */
	size_t damaged;
};

/*
 * Reads all of `fd`. A file that is no report of pyinspect is one with a problem; if there is no
 * other one, that is an error: "bad-dump" (exit 1). `ret_input` is the caller's, also after a
 * failure.
 */
struct pyi_error *pyi_evidence_input_read(int fd,
					  struct pyi_evidence_input *ret_input) PYI_MUST_CHECK;

/* What the first of them says of its target, for a report on them. */
void pyi_evidence_input_describe(const struct pyi_evidence_input *input,
				 struct pyi_envelope *envelope);

/* Safe on a zeroed struct. */
void pyi_evidence_input_deinit(struct pyi_evidence_input *input);

#endif
