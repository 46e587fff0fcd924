/*
 * How a run ends: with the report that was made, or with one that says why there is none; and with
 * which exit code, or by which signal.
 */
#ifndef PYI_CLI_CONCLUSION_H
#define PYI_CLI_CONCLUSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/options.h"
#include "report/envelope.h"

/* Ends as the signal would have ended us, so that a shell script sees it. */
void pyi_conclusion_end_by(int number);

/* So long a reader of the report is waited for, also if there was no time left to make it; 0 is
 * never. */
uint64_t pyi_conclusion_write_deadline(uint64_t deadline_ns);

/*
 * In the process that makes the report: reports `error` (NULL: there is none, the report is printed
 * and `exit` is its code), takes over it and `envelope`, and returns the exit code.
 */
enum pyi_exit pyi_conclude(const struct pyi_command *command, const struct pyi_options *options,
			   struct pyi_envelope *envelope, enum pyi_exit exit,
			   struct pyi_error *error);

/*
 * In the process that the user started, when the others could not say it: reports `error`, takes it
 * over, and returns the exit code. The failure of a command that keeps things is reported as all
 * else that it keeps, by a process without capabilities. `printed`: there was a report, or a part
 * of one, so that nothing more can be printed but words. `command` is NULL if it is not known.
 */
enum pyi_exit pyi_conclude_failure(const struct pyi_command *command, struct pyi_options *options,
				   bool printed, struct pyi_error *error);

#endif
