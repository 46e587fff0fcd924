/*
 * One inspection as all commands do it: from the number of a process to the envelope of the report.
 *
 * Does not know what is asked about the heap.
 */
#ifndef PYI_CLI_INSPECTION_H
#define PYI_CLI_INSPECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "heap/session.h"
#include "heap/subject.h"
#include "report/envelope.h"

struct pyi_inspection {
	const struct pyi_options *options;
	struct pyi_envelope *envelope;
	struct pyi_session_options session_options;
	struct pyi_session session;
	struct pyi_progress progress;

	/* Of pyi_inspection_run_with(). */
	void *context;

	/* Of all examinations that were noted: */
	/* What speaks against one of them; a static string; NULL: nothing. */
	const char *inconsistency;
	uint64_t skipped_objects;
	uint64_t broken_lists;

	/* It is known that there is more than what was looked at. */
	bool partial;
};

/* Whether it is about a dump: then there is no process, and only a graph (cli/heap_graph.h) can be
   had; of the session the summary and the deadline hold. */
bool pyi_inspection_is_of_dump(const struct pyi_inspection *inspection);

/*
 * Opens a session on options->pid, lets `answer` examine it and print the report, closes it. About
 * a dump (options->dump) there is none.
 * `envelope` describes the target as far as it was found out, also on failure. `ret_exit` as for
 * struct pyi_command's run.
 */
struct pyi_error *pyi_inspection_run(const struct pyi_options *options,
				     struct pyi_envelope *envelope,
				     struct pyi_error *(*answer)(struct pyi_inspection *inspection,
								 enum pyi_exit *ret_exit),
				     enum pyi_exit *ret_exit) PYI_MUST_CHECK;

/* The same with something for `answer`, in inspection->context. */
struct pyi_error *pyi_inspection_run_with(
	const struct pyi_options *options, struct pyi_envelope *envelope,
	struct pyi_error *(*answer)(struct pyi_inspection *inspection, enum pyi_exit *ret_exit),
	void *context, enum pyi_exit *ret_exit) PYI_MUST_CHECK;

/*
 * Whether a run that failed with `error` is to be tried again: because another pyinspect was
 * looking at the process, which takes it a moment. Then that moment was waited for. `deadline_ns`:
 * from then on it is not.
 */
bool pyi_inspection_wait_for_others(const struct pyi_error *error, uint64_t deadline_ns);

/*
 * Remembers how trustworthy the last examination of the session was: to be called after each one
 * but the last, which pyi_inspection_conclude() remembers itself.
 */
void pyi_inspection_note(struct pyi_inspection *inspection);

/*
 * To be called when all has been examined, before the report is printed: describes the session in
 * the envelope, with its warnings, and takes the progress line away. Returns the exit code of the
 * report.
 */
enum pyi_exit pyi_inspection_conclude(struct pyi_inspection *inspection);

/* What the options ask about. */
struct pyi_subject pyi_inspection_subject(const struct pyi_inspection *inspection);

/* Of the terminal that the report goes to; 0 if it is none. */
unsigned pyi_inspection_columns(const struct pyi_options *options);

#endif
