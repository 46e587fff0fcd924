/*
 * Opens and closes a history.
 *
 * A rollback journal and not a write-ahead log: one needs no shared memory, so it works on network
 * file systems, and for readers of files and folders that cannot be written to; there is one writer
 * every few minutes, so nobody gains by writing while others read; and nothing is left beside the
 * file. With synchronous = EXTRA a sample that was added survives a power loss. Does not read or
 * write samples.
 */
#include "history/history.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/small_file.h"
#include "history/store.h"

enum {
	/* Milliseconds between two looks at whether a lock is free, at most. */
	WAIT_STEPS = 50,
	PAGE_BYTES = 4096,
	/* Instructions of SQLite's machine between looks at the clock. */
	PROGRESS_STEPS = 10000,
	/* Of SQL, and of any value: a file must not make us allocate more. */
	LENGTH_LIMIT = 1 << 20,
};

const struct pyi_history_limits pyi_history_limits_default = {
	.processes = 200,
	.samples = 2500,
	.figures = 512,
	.names = 4096,
	.file_bytes = 64 << 20,
};

static int is_late(void *argument)
{
	const struct pyi_history *history = argument;

	return pyi_clock_passed(history->deadline_ns);
}

/* As SQLite's own handler, but not beyond the caller's deadline. */
static int wait_for_others(void *argument, int tries)
{
	struct pyi_history *history = argument;

	if (!tries)
		history->wait_ns = pyi_clock_deadline(PYI_HISTORY_BUSY_MS, history->wait_limit_ns);
	if (pyi_clock_passed(history->wait_ns))
		return 0;
	sqlite3_sleep(tries < WAIT_STEPS ? tries + 1 : WAIT_STEPS);
	return 1;
}

/* What makes a file of somebody else harmless, and a hang impossible. */
static struct pyi_error *configure(struct pyi_history *history)
{
	static const char *const settings[] = {
		"PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON",
		"PRAGMA mmap_size = 0",	       "PRAGMA temp_store = MEMORY",
		"PRAGMA synchronous = EXTRA",  "PRAGMA page_size = 4096",
	};
	sqlite3 *db = history->db;
	struct pyi_error *error = NULL;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_handler(db, wait_for_others, history);
	sqlite3_progress_handler(db, PROGRESS_STEPS, is_late, history);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LENGTH_LIMIT);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
#ifdef SQLITE_DBCONFIG_ENABLE_VIEW
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
#endif
	for (size_t s = 0; !error && s < sizeof(settings) / sizeof(settings[0]); s++)
		error = pyi_history_run(history, settings[s], "");
	return error;
}

static struct pyi_error *open_database(struct pyi_history *history, int flags)
{
	struct pyi_error *error;

#ifdef SQLITE_OPEN_NOFOLLOW
	flags |= SQLITE_OPEN_NOFOLLOW;
#endif
	flags |= SQLITE_OPEN_PRIVATECACHE;
	if (sqlite3_open_v2(history->path, &history->db, flags, "unix") != SQLITE_OK)
		error = history->db ? pyi_history_failed(history) : pyi_error_no_memory();
	else
		error = configure(history);
	if (error)
		return error;
	return pyi_history_check_schema(history, flags & SQLITE_OPEN_READONLY);
}

/* A reader must undo what a writer that was killed left half done, or wait for somebody who can. */
static struct pyi_error *read_after_kill(struct pyi_history *history, struct pyi_error *error)
{
	if (sqlite3_extended_errcode(history->db) != SQLITE_READONLY_ROLLBACK)
		return error;
	pyi_error_destroy(error);
	sqlite3_close(history->db);
	history->db = NULL;
	error = open_database(history, SQLITE_OPEN_READWRITE);
	if (!error)
		error = pyi_history_run(history, "PRAGMA query_only = ON", "");
	return error;
}

static struct pyi_error *limit_pages(struct pyi_history *history)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %llu",
		 (unsigned long long)(history->limits.file_bytes / PAGE_BYTES));
	return pyi_history_run(history, sql, "");
}

PYI_DEFINE_GUARD(history, struct pyi_history, pyi_history_close)

struct pyi_error *pyi_history_open(const char *path, bool read_only, uint64_t deadline_ns,
				   struct pyi_history **ret_history)
{
	PYI_CLEANUP(pyi_guard_history) struct pyi_history *history = calloc(1, sizeof(*history));
	struct pyi_error *error;

	if (!history)
		return pyi_error_no_memory();
	history->limits = pyi_history_limits_default;
	history->wait_limit_ns = deadline_ns;
	pyi_history_begin(history);
	error = pyi_history_place(path, read_only, &history->path);
	if (error)
		return error;
	error = open_database(history, read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	if (error && read_only && history->db)
		error = read_after_kill(history, error);
	if (!error && !read_only)
		error = limit_pages(history);
	if (!error)
		*ret_history = pyi_return_ptr(history);
	return error;
}

void pyi_history_set_limits(struct pyi_history *history, const struct pyi_history_limits *limits)
{
	history->limits = *limits;
}

const struct pyi_history_notes *pyi_history_notes(const struct pyi_history *history)
{
	return &history->notes;
}

void pyi_history_close(struct pyi_history *history)
{
	if (!history)
		return;
	sqlite3_close(history->db);
	free(history->path);
	free(history);
}
