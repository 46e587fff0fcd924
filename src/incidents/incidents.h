/*
 * What is wrong with a process, and since when: an incident begins when a rule of `check` is
 * broken, and lasts until that rule is fine again. Kept in a file for each process.
 *
 * Does not judge, and does not collect the evidence of an incident (src/cli); it knows whether
 * there is some.
 */
#ifndef PYI_INCIDENTS_INCIDENTS_H
#define PYI_INCIDENTS_INCIDENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/check.h"
#include "base/error.h"

enum {
	/* Collecting evidence that failed so often is not tried again for that incident. */
	PYI_INCIDENT_TRIES = 3,
	/* Of the file of a process; a longer one is none. */
	PYI_INCIDENT_FILE_BYTES = 1 << 20,
	/* Most incidents of one process; what is more is not kept. */
	PYI_INCIDENT_LIMIT = 1000,
};

/* Which process; a number that is used again is another process. */
struct pyi_incident_process {
	/* /proc/sys/kernel/random/boot_id */
	const char *boot_id;
	int64_t pid;
	/* Field 22 of /proc/PID/stat. */
	uint64_t start_ticks;
	/* As the check was asked for, for those who read the file; NULL: not known. */
	const char *target;
};

struct pyi_incident {
	/* As of the finding; owned. NULL: the rule has no subject. */
	char *rule;
	char *subject;
	/* At the last check that found it; never OK. */
	enum pyi_check_status status;
	/* That was the last one that had the rule. False: a later one did not find it, but was not
	 * sure either. */
	bool found;
	int64_t since_s;
	/* Folder with its evidence, once it was critical; owned; and whether it is complete. */
	char *evidence;
	bool evidence_done;
	unsigned evidence_tries;
};

/* What is different from the check before. */
struct pyi_incident_change {
	/* Both of the finding; owned. */
	char *rule;
	char *subject;
	enum pyi_check_status before;
	enum pyi_check_status now;
};

struct pyi_incidents {
	struct pyi_incident *items;
	size_t count;
	/* By the last pyi_incidents_update(). */
	struct pyi_incident_change *changes;
	size_t change_count;
	/* What the check's own rules came to before, each at the last check that had it: others may
	 * look at the same process with other rules. OK at first. */
	enum pyi_check_status status_before;
	bool status_changed;

	/* The file (NULL: none), its folder, and the descriptor that holds its lock; -1: none. */
	char *path;
	int folder_fd;
	int lock_fd;
	char boot_id[40];
	int64_t pid;
	uint64_t start_ticks;
	/* Of the last check; owned; NULL: not known. */
	char *target;
};

/*
 * Reads what is known of the process from STATE/incidents, which is made if it is missing (mode
 * 0700); nothing is no error, and neither is a file that is broken or of another process. Other
 * checks of the same process are kept out until pyi_incidents_close(). Errors (exit 1):
 * "incidents-busy" if another one is at it, "no-incidents", also for a state folder that is not
 * our own (base/own_folder.h). On failure `ret_incidents` is empty and
 * can still be updated, but not saved.
 */
struct pyi_error *pyi_incidents_open(const char *state, const struct pyi_incident_process *process,
				     struct pyi_incidents *ret_incidents) PYI_MUST_CHECK;

/* Whether there is a file of the process at all: without one, nothing was wrong with it. */
bool pyi_incidents_are_known(const char *state, const struct pyi_incident_process *process);

/*
 * Takes over what a check found. A finding that is OK ends the incident of its rule and subject,
 * unless `doubtful` (the figures may be too low). Incidents of rules that the check did not have
 * stay.
 */
struct pyi_error *pyi_incidents_update(struct pyi_incidents *incidents,
				       const struct pyi_check *check, bool doubtful,
				       int64_t now_s) PYI_MUST_CHECK;

/* True for a critical incident whose evidence is missing and worth (another) try. */
bool pyi_incident_wants_evidence(const struct pyi_incident *incident);

/* Writes the file; old files of other processes go when there are too many. Errors (exit 1):
 * "no-incidents". */
struct pyi_error *pyi_incidents_save(struct pyi_incidents *incidents) PYI_MUST_CHECK;

/* Lets others in, frees. Safe on a zeroed struct after `lock_fd` was set to -1. */
void pyi_incidents_close(struct pyi_incidents *incidents);

/* The text of the file, as kept by pyi_incidents_save(); what is broken in it is left out. For
 * tests and fuzzers. False: it is of no use at all, or of another process. */
bool pyi_incidents_parse(const char *text, struct pyi_incidents *incidents);

/* The same of whatever process it is of, which is filled in: `boot_id`, `pid`, `start_ticks`,
 * `target`. */
bool pyi_incidents_parse_any(const char *text, struct pyi_incidents *incidents);

#endif
