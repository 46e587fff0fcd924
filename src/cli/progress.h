/*
 * One line on stderr that says what goes on, when it goes on for more than a second and a person
 * is there to read it.
 */
#ifndef PYI_CLI_PROGRESS_H
#define PYI_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct pyi_progress {
	uint64_t begun_ns;
	bool wanted;
	bool shown;
};

void pyi_progress_begin(struct pyi_progress *progress);

/* A callback for struct pyi_session_options; `argument` is the struct pyi_progress. */
void pyi_progress_report(void *argument, const char *stage, uint64_t objects);

/* Takes the line away. */
void pyi_progress_end(struct pyi_progress *progress);

#endif
