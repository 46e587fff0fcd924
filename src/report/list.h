/*
 * The report of `list`: the Python processes of the machine, as far as they can be told from
 * outside.
 */
#ifndef PYI_REPORT_LIST_H
#define PYI_REPORT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "process/cgroup_place.h"
#include "process/python_sign.h"
#include "report/envelope.h"
#include "report/output.h"

enum {
	/* Of a user's name; longer ones are shown as a number. */
	PYI_LIST_USER_BYTES = 33,
};

enum pyi_list_growth {
	/* There is nothing to compare with. */
	PYI_LIST_GROWTH_UNKNOWN,
	/* It was not there at the last list. */
	PYI_LIST_GROWTH_NEW,
	PYI_LIST_GROWTH_KNOWN,
};

struct pyi_list_process {
	int64_t pid;
	uint64_t start_ticks;
	uint64_t uid;
	/* "" if it has no name that is known. */
	char user[PYI_LIST_USER_BYTES];
	struct pyi_cgroup_place place;
	/* The strongest of its signs, and what they say together: "3.11"; "", "?": not known. */
	enum pyi_python_sign sign;
	char python[PYI_PYTHON_VERSION_BYTES];
	uint64_t rss_bytes;
	uint64_t age_s;
	enum pyi_list_growth growth;
	/* What it has now, and had then. */
	uint64_t old_rss_bytes;
	/* process/command_words.h; owned by the report. */
	char *command;
};

struct pyi_list_report {
	struct pyi_list_process *processes;
	size_t count;
	/* How many of them are shown; 0: all. */
	uint64_t limit;
	/* Processes that could not be looked at: they are not ours, they held us up, there was no
	 * room. */
	uint64_t refused;
	uint64_t stuck;
	uint64_t left_out;
	/* It was run by root. */
	bool root;
	/* Seconds since 1970: when the last list was made; 0: not known, and why. */
	int64_t since_s;
	const char *no_growth;
};

/* The largest first. */
void pyi_report_list_sort(struct pyi_list_report *report);

/*
 * Prints the report to `stream`, and flushes it: table PID, USER, PYTHON, RSS, GROWTH, AGE, UNIT,
 * COMMAND. JSON and NDJSON as doc/schema/list.schema.json has it.
 */
struct pyi_error *pyi_report_list(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_list_report *report) PYI_MUST_CHECK;

void pyi_report_list_deinit(struct pyi_list_report *report);

#endif
