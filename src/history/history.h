/*
 * Samples of processes over time, in an SQLite file.
 *
 * A process is known by boot id, pid and start time, so a number that is used again is another
 * process. Bounded: old samples are thinned, old processes dropped. Safe against other pyinspects
 * that use the same file, SIGKILL, power loss and a full disk (doc/history.md). A file that cannot
 * be used is an error with a reason; the caller goes on without.
 */
#ifndef PYI_HISTORY_HISTORY_H
#define PYI_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/sample.h"
#include "base/error.h"

#define PYI_HISTORY_DEFAULT_PATH "/var/lib/pyinspect/history.sqlite"

struct pyi_history;

struct pyi_history_process {
	/* /proc/sys/kernel/random/boot_id */
	char boot_id[40];
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
};

/* Opens or creates (mode 0600, missing last folder 0700). Errors (exit 1): "no-history". With
 * `read_only` nothing is created or changed. */
struct pyi_error *pyi_history_open(const char *path, bool read_only,
				   struct pyi_history **ret_history) PYI_MUST_CHECK;

/* Adds a sample in one transaction, and thins. `process` as found now; its strings are copied. */
struct pyi_error *pyi_history_add(struct pyi_history *history,
				  const struct pyi_history_process *process,
				  const struct pyi_sample *sample) PYI_MUST_CHECK;

/* All points of one figure of that process; none is no error. */
struct pyi_error *pyi_history_series(struct pyi_history *history,
				     const struct pyi_history_process *process,
				     enum pyi_figure_kind kind, const char *name,
				     struct pyi_series *ret_series) PYI_MUST_CHECK;

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

/* NULL is fine. */
void pyi_history_close(struct pyi_history *history);

#endif
