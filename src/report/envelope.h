/*
 * What every report carries besides its result: target, access, cost, warnings. Filled by the
 * commands, printed by the renderers (JSON keys as in doc/schema/). Plain data.
 */
#ifndef PYI_REPORT_ENVELOPE_H
#define PYI_REPORT_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pyi_group;

enum {
	PYI_WARNING_CODE_BYTES = 32,
};

struct pyi_warning {
	/* Stable name for programs. */
	char code[PYI_WARNING_CODE_BYTES];
	/* Owned by the envelope. */
	char *message;
};

/* The dump that a report is about. */
struct pyi_envelope_dump {
	/* As the user wrote it, not owned; NULL: it is about a process. */
	const char *file;
	/* When the snapshot was taken, since 1970; 0: not known. */
	uint64_t taken_ms;
	/* Where, by which pyinspect, and from "clone", "mirror" or "core"; owned; NULL: not known.
	 */
	char *host;
	char *version;
	char *source;
};

struct pyi_envelope {
	const char *command;

	/* "target"; strings owned by the envelope */
	int64_t pid;
	char *exe;
	/* "3.11.2"; NULL if it was not found out. */
	char *python;
	/* Names of build variants, NULL-terminated, static strings; may be NULL for none. */
	const char *const *build;
	uint64_t interpreters;
	/* One more than the number of the only one that the report is about; 0: all. */
	uint64_t interpreter;
	uint64_t rss_bytes;

	/* The core that it was, as the user wrote it, not owned; NULL: a process, or a dump. */
	const char *core;

	/* "access" */
	/* "clone", "mirror", "core", "dump"; "none": the heap was not looked at */
	const char *source;
	bool consistent;
	uint64_t attempts;

	/* "cost" */
	/* All stops of the target added up, and the longest of them. */
	double paused_ms;
	double longest_pause_ms;
	double snapshot_ms; /* how long the snapshot lived */
	double elapsed_ms;
	/* Memory of our own that was put into the snapshot. */
	uint64_t snapshot_bytes;

	/* Of "cost": each time that it was stopped for a snapshot. */
	struct pyi_envelope_try {
		double paused_ms;
		/* Why it was thrown away, owned by the envelope; NULL: it was not. */
		char *dropped;
	} * tries;
	size_t try_count;

	/* Of "cost": what of ours was found in the target afterwards, if it was looked for. */
	struct pyi_warning *residue;
	size_t residue_count;
	bool residue_known;

	struct pyi_warning *warnings;
	size_t warning_count;

	struct pyi_envelope_dump dump;

	/* The report is of several processes; NULL: of one. Not owned. */
	const struct pyi_group *group;
};

/* Adds a warning. Out of memory is not an error here: the warning is dropped. */
void pyi_envelope_warn(struct pyi_envelope *envelope, const char *code, const char *format, ...)
	PYI_PRINTF(3, 4);

/* Adds to the tries; out of memory, it is left out. */
void pyi_envelope_add_try(struct pyi_envelope *envelope, double paused_ms, const char *dropped);

/* Adds the snapshots and stops of another envelope on the same target, which came later in the same
   run. */
void pyi_envelope_add_stops(struct pyi_envelope *envelope, const struct pyi_envelope *later);

/* Adds to the residue in the same way; each code once. */
void pyi_envelope_add_residue(struct pyi_envelope *envelope, const char *code, const char *message);

/* Frees what the envelope owns; safe on a zeroed struct. */
void pyi_envelope_deinit(struct pyi_envelope *envelope);

#endif
