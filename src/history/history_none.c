/*
 * In place of a history, in a build without SQLite: says that there is none.
 */
#include <stddef.h>

#include "history/history.h"

/* There is never one of them. */
struct pyi_history {
	struct pyi_history_notes notes;
};

static struct pyi_error *none(void)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_NO_HISTORY,
					       "this pyinspect was built without SQLite, and keeps "
					       "no history"),
			      "use one that was built with -Dsqlite=enabled");
}

struct pyi_error *pyi_history_open(const char *path, bool read_only, uint64_t deadline_ns,
				   struct pyi_history **ret_history)
{
	(void)path;
	(void)read_only;
	(void)deadline_ns;
	(void)ret_history;
	return none();
}

struct pyi_error *pyi_history_add(struct pyi_history *history,
				  const struct pyi_history_process *process,
				  const struct pyi_sample *sample)
{
	(void)history;
	(void)process;
	(void)sample;
	return none();
}

struct pyi_error *pyi_history_series(struct pyi_history *history,
				     const struct pyi_history_process *process,
				     enum pyi_figure_kind kind, const char *name,
				     struct pyi_series *ret_series)
{
	(void)history;
	(void)process;
	(void)kind;
	(void)name;
	(void)ret_series;
	return none();
}

struct pyi_error *pyi_history_has_seen(struct pyi_history *history,
				       const struct pyi_history_process *process,
				       enum pyi_figure_kind kind, const char *name, bool *ret_seen)
{
	(void)history;
	(void)process;
	(void)kind;
	(void)name;
	(void)ret_seen;
	return none();
}

struct pyi_error *pyi_history_all_series(struct pyi_history *history,
					 const struct pyi_history_process *process,
					 enum pyi_figure_kind kind, struct pyi_series **ret_series,
					 size_t *ret_count)
{
	(void)history;
	(void)process;
	(void)kind;
	(void)ret_series;
	(void)ret_count;
	return none();
}

struct pyi_error *pyi_history_processes(struct pyi_history *history,
					struct pyi_history_process **ret_processes,
					size_t *ret_count)
{
	(void)history;
	(void)ret_processes;
	(void)ret_count;
	return none();
}

void pyi_history_processes_free(struct pyi_history_process *processes, size_t count)
{
	(void)processes;
	(void)count;
}

const struct pyi_history_notes *pyi_history_notes(const struct pyi_history *history)
{
	return &history->notes;
}

void pyi_history_close(struct pyi_history *history)
{
	(void)history;
}
