/*
 * The incidents of all processes that checks have kept, and folders of evidence whose incident is
 * over.
 *
 * Reads only, and asks no process: a check that is at work is not disturbed. Of what is kept
 * nothing is taken from a folder that is not our own (base/own_folder.h).
 */
#ifndef PYI_INCIDENTS_INCIDENT_LIST_H
#define PYI_INCIDENTS_INCIDENT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/check.h"
#include "base/error.h"

struct pyi_listed_incident {
	/* As the check was asked for; of evidence alone with "_" for what a folder cannot be
	 * called; owned; NULL: not known. */
	char *target;
	int64_t pid;
	/* When the process was started, with the boot; 0 and "": not known. */
	uint64_t start_ticks;
	char boot_id[40];
	/* What is left of it is evidence alone: rule, subject and status are not known. */
	bool over;
	enum pyi_check_status status;
	/* The last check that had the rule found it. */
	bool found;
	/* When it began; of evidence alone when that was kept. */
	int64_t since_s;
	/* Owned; NULL: none. */
	char *rule;
	char *subject;
	/* The name of a complete folder. */
	char *evidence;
};

struct pyi_incident_list {
	/* The last one first. */
	struct pyi_listed_incident *items;
	size_t count;
	/* Files that could not be read as such. */
	size_t damaged;
};

/* From STATE; nothing that is kept is no error. Errors (exit 1): "no-incidents". */
struct pyi_error *pyi_incident_list_read(const char *state,
					 struct pyi_incident_list *ret_list) PYI_MUST_CHECK;

/* Of one. Safe on a zeroed struct, as is the next. */
void pyi_listed_incident_deinit(struct pyi_listed_incident *item);

void pyi_incident_list_deinit(struct pyi_incident_list *list);

#endif
