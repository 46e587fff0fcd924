/*
 * Samples of processes over time, in an SQLite file.
 *
 * A process is known by boot id, pid and start time, so a number that is used again is another
 * process. Bounded: old samples are thinned, old processes dropped. Safe against other pyinspects
 * that use the same file, SIGKILL, power loss and a full disk (doc/history.md). A file that cannot
 * be used is an error with a reason; the caller goes on without. Nothing waits for long: for others
 * PYI_HISTORY_BUSY_MS, in all PYI_HISTORY_WORK_MS, and never beyond the caller's deadline.
 */
#ifndef PYI_HISTORY_HISTORY_H
#define PYI_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/sample.h"
#include "base/error.h"

#define PYI_HISTORY_DEFAULT_PATH "/var/lib/pyinspect/history.sqlite"

enum {
	PYI_HISTORY_BOOT_ID_BYTES = 40,
	PYI_HISTORY_BUSY_MS = 10000,
	PYI_HISTORY_WORK_MS = 30000,
};

struct pyi_history;

/* What is kept at most. */
struct pyi_history_limits {
	/* The process that was written to least recently is dropped. */
	uint64_t processes;
	/* Of a process, beside thinning (thin.c): the oldest are dropped. */
	uint64_t samples;
	/* Of a sample: those of the process itself, and the biggest others. */
	uint64_t figures;
	/* Different figures of a process over its whole life; new ones are left out. */
	uint64_t names;
	/* Of the file: processes, and when there is but one, its oldest samples are dropped. */
	uint64_t file_bytes;
};

extern const struct pyi_history_limits pyi_history_limits_default;

/* What was not done or is not shown, to be told to the user. */
struct pyi_history_notes {
	/* Figures of the sample added last that were left out because of a limit. */
	uint64_t left_out;
	/* Of what was read last: samples and names that fail their checksum, and are left out. */
	uint64_t damaged;
	/* Of what was read last: samples of incomplete looks, which give no points. */
	uint64_t incomplete;
};

struct pyi_history_process {
	/* pyi_history_read_boot_id() */
	char boot_id[PYI_HISTORY_BOOT_ID_BYTES];
	int64_t pid;
	/* Field 22 of /proc/PID/stat. */
	uint64_t start_ticks;
	/* Of the program, and what the user called the target ("unit:firewalld"); owned. */
	char *exe;
	char *target;
	/* When it was seen first and last, seconds since the epoch; how often. */
	int64_t first_s;
	int64_t last_s;
	uint64_t samples;
	/* How many samples are still kept. */
	uint64_t kept;
};

/* /proc/sys/kernel/random/boot_id without its newline. Errors: "no-history". */
struct pyi_error *
pyi_history_read_boot_id(char ret_boot_id[PYI_HISTORY_BOOT_ID_BYTES]) PYI_MUST_CHECK;

/*
 * Opens or creates (mode 0600, missing last folder 0700). Errors (exit 1): "no-history", whose hint
 * says what to do. With `read_only` nothing is created or changed, unless a writer was killed: what
 * it left half done is undone then. Neither this nor anything else waits for other users of the
 * file beyond `deadline_ns`.
 *
 * Refused are: a file of another program or of a newer version, which is never changed; one that is
 * damaged; a symbolic link, a file of another user or one that others can write to; a folder that
 * others could put files into.
 */
struct pyi_error *pyi_history_open(const char *path, bool read_only, uint64_t deadline_ns,
				   struct pyi_history **ret_history) PYI_MUST_CHECK;

/* Others than the default ones, for tests. */
void pyi_history_set_limits(struct pyi_history *history, const struct pyi_history_limits *limits);

/*
 * Adds a sample in one transaction, and thins. `process` as found now; its strings are copied, as
 * UTF-8 (what is none becomes U+FFFD), its times and counts are not looked at. A sample of the same
 * second is replaced. What of `sample` is left out is in the notes.
 */
struct pyi_error *pyi_history_add(struct pyi_history *history,
				  const struct pyi_history_process *process,
				  const struct pyi_sample *sample) PYI_MUST_CHECK;

/* All points of one figure of that process; none is no error. Incomplete samples give none: figures
 * that are too low would look like growth afterwards. */
struct pyi_error *pyi_history_series(struct pyi_history *history,
				     const struct pyi_history_process *process,
				     enum pyi_figure_kind kind, const char *name,
				     struct pyi_series *ret_series) PYI_MUST_CHECK;

/*
 * Whether a figure was ever kept of that process, or of one that was the same target before it (the
 * same name of a unit; a number says nothing), as long as the history knows of that.
 */
struct pyi_error *pyi_history_has_seen(struct pyi_history *history,
				       const struct pyi_history_process *process,
				       enum pyi_figure_kind kind, const char *name,
				       bool *ret_seen) PYI_MUST_CHECK;

/* All series of that process of one kind (0: all), ordered by kind and name. */
struct pyi_error *pyi_history_all_series(struct pyi_history *history,
					 const struct pyi_history_process *process,
					 enum pyi_figure_kind kind, struct pyi_series **ret_series,
					 size_t *ret_count) PYI_MUST_CHECK;

/* Processes that are known, the latest first; freed with pyi_history_processes_free(). */
struct pyi_error *pyi_history_processes(struct pyi_history *history,
					struct pyi_history_process **ret_processes,
					size_t *ret_count) PYI_MUST_CHECK;
void pyi_history_processes_free(struct pyi_history_process *processes, size_t count);

/* Of the last call. */
const struct pyi_history_notes *pyi_history_notes(const struct pyi_history *history);

/* NULL is fine. */
void pyi_history_close(struct pyi_history *history);

#endif
