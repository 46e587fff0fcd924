/*
 * Adds up the finished reports of several processes (JSON) to one of all of them.
 *
 * The reports are from workers, so they are to be read by a process without rights only. Does not
 * look at any process.
 */
#ifndef PYI_CLI_ADD_UP_H
#define PYI_CLI_ADD_UP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "cli/options.h"
#include "report/envelope.h"
#include "report/group.h"

/* What came of one process. */
struct pyi_part {
	pid_t pid;
	/* When it was started, in clock ticks since boot; 0: it has ended. */
	uint64_t start_ticks;
	/* Owned; NULL: nothing. */
	char *text;
	size_t size;
	int exit_code;
	/* Why there is no report; a static string. NULL: not known. */
	const char *lost;
	/* The process may not be as it was. */
	bool not_restored;

	/* Of the text; owned. NULL: it is no report. */
	cJSON *json;
	/* Within it; NULL: there is none, but an error. */
	const cJSON *result;
	const char *error_code;
	const char *error_message;
	const char *error_hint;
};

struct pyi_parts {
	struct pyi_part *items;
	size_t count;
	/* So large one text may be, and all that are still to come. */
	size_t text_limit;
	size_t room_bytes;
};

/* Everything that is being put together. */
struct pyi_sum {
	const struct pyi_options *options;
	struct pyi_parts *parts;
	struct pyi_envelope *envelope;
	struct pyi_group group;
};

/* Takes the report of a process from a file; one that is too large, or cannot be read, is lost. */
void pyi_parts_take(struct pyi_parts *parts, struct pyi_part *part, int fd);

/* Error "not-restored" (exit 6): the process may not be as it was, and nobody could say it. */
struct pyi_error *pyi_part_not_restored(const struct pyi_part *part) PYI_MUST_CHECK;

/*
 * Reads the texts, and puts what all reports have in common into `sum`: the envelope, and a member
 * of the group for each process that has a result. What is no Python, or not any more, or too young
 * for a check, is left out. Errors: if none has a result, that of a process that may not be as it
 * was, or the first one; no memory.
 */
struct pyi_error *pyi_sum_begin(struct pyi_sum *sum) PYI_MUST_CHECK;

/* A process that has far more of `what` than the median of the others, if that is so. `counts` has
 * one for each member. */
struct pyi_error *pyi_sum_compare(struct pyi_sum *sum, const char *what,
				  const double *counts) PYI_MUST_CHECK;

/* To be called when all has been compared: keeps the largest differences, the largest first. */
void pyi_sum_end(struct pyi_sum *sum);

/* Members of JSON objects; 0, NULL and "" where they are missing. */
double pyi_part_number(const cJSON *object, const char *key);
const char *pyi_part_text(const cJSON *object, const char *key);

/* A number as an integer that it can be. */
uint64_t pyi_part_unsigned(const cJSON *object, const char *key);

/* Why there is no report of a process; a static string. */
const char *pyi_part_lost(const struct pyi_part *part);

/* True if the process was left out. */
bool pyi_part_is_left_out(const struct pyi_part *part);

void pyi_sum_deinit(struct pyi_sum *sum);
void pyi_parts_deinit(struct pyi_parts *parts);

/* Of the commands: print the report of all; `ret_exit` as for struct pyi_command's run. */
struct pyi_error *pyi_add_up_types(const struct pyi_options *options, struct pyi_envelope *envelope,
				   struct pyi_parts *parts, enum pyi_exit *ret_exit) PYI_MUST_CHECK;
struct pyi_error *pyi_add_up_check(const struct pyi_options *options, struct pyi_envelope *envelope,
				   struct pyi_parts *parts, enum pyi_exit *ret_exit) PYI_MUST_CHECK;

#endif
