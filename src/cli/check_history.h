/*
 * The history as a check uses it: the sample of now goes in, series come out; and whatever is wrong
 * with the file is a warning, and no reason for the check to fail.
 */
#ifndef PYI_CLI_CHECK_HISTORY_H
#define PYI_CLI_CHECK_HISTORY_H

#include <stdbool.h>

#include "analysis/check.h"
#include "base/error.h"
#include "history/history.h"
#include "report/envelope.h"

struct pyi_check_past {
	/* NULL: there is none. */
	struct pyi_history *history;
	/* Why the sample is not in it; NULL: it is, or there was no memory to say so. */
	char *why;
	/* Why resident memory was not measured; NULL: it was. Static. */
	const char *no_rss;
	/* Of the process that is checked; strings are the caller's. */
	struct pyi_history_process process;
	/* The sample of now; and whether it is in the history. */
	const struct pyi_sample *sample;
	bool kept;
};

/*
 * Opens the history at `path` (NULL: none is wanted) and adds `sample`. What fails is a warning in
 * the envelope; a history that can only be read is read. Others are not waited for beyond the
 * deadline. `process` and `sample` must outlive it.
 */
void pyi_check_past_open(const char *path, const struct pyi_history_process *process,
			 const struct pyi_sample *sample, uint64_t deadline_ns,
			 struct pyi_envelope *envelope, struct pyi_check_past *ret_past);

/* The same without any, for which `why` is the reason. */
void pyi_check_past_none(const char *why, const struct pyi_history_process *process,
			 const struct pyi_sample *sample, struct pyi_check_past *ret_past);

/* Judges with that past. A history that cannot be read after all is a warning. */
struct pyi_error *pyi_check_past_judge(struct pyi_check_past *past, const struct pyi_rules *rules,
				       struct pyi_envelope *envelope,
				       struct pyi_check *ret_check) PYI_MUST_CHECK;

enum {
	PYI_GROWING_TYPES = 2,
};

/*
 * The type of whose objects there became the most more since the history began, and that among
 * those that modules define; if nothing is known, those with the most objects. Different ones;
 * malloc'ed; NULL where there is none.
 */
void pyi_check_past_growing_types(struct pyi_check_past *past, char *ret_types[PYI_GROWING_TYPES]);

/* Safe on a zeroed struct. */
void pyi_check_past_close(struct pyi_check_past *past);

#endif
