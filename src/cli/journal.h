/*
 * What a check tells the journal, in fields that can be searched for, when it runs under systemd.
 *
 * Elsewhere, and without a journal, it says nothing; neither is an error.
 */
#ifndef PYI_CLI_JOURNAL_H
#define PYI_CLI_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/check.h"

/* MESSAGE_ID: the status of a check is another one than before; one finding is. */
#define PYI_JOURNAL_STATUS_CHANGED "5a8e931b6c8a4e1fa1af38acb1bfe8de"
#define PYI_JOURNAL_FINDING_CHANGED "6fa703513c7e4b2cbd90e69a8cfd6bc8"

struct pyi_journal_target {
	/* As the user wrote it. */
	const char *name;
	/* 0 and NULL if they are not known. */
	int64_t pid;
	const char *exe;
	/* The name is that of several processes: messages say which one. */
	bool one_of_many;
};

/* Fields: PYINSPECT_TARGET, PYINSPECT_STATUS, PYINSPECT_STATUS_BEFORE, TARGET_PID, TARGET_EXE,
 * PYINSPECT_EVIDENCE. `evidence` may be NULL. */
void pyi_journal_status(const struct pyi_journal_target *target, enum pyi_check_status before,
			enum pyi_check_status now, const char *message, const char *evidence);

/* The same with PYINSPECT_RULE and PYINSPECT_SUBJECT. `subject` may be NULL. */
void pyi_journal_finding(const struct pyi_journal_target *target, const char *rule,
			 const char *subject, enum pyi_check_status before,
			 enum pyi_check_status now, const char *message);

#endif
