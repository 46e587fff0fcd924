/*
 * The tables of a history, and whether a file has exactly these.
 *
 * A table that was changed by hand, a view in its place or a trigger is no history of ours: the
 * statements of the other files could do anything there. Does not convert older versions: there are
 * none yet.
 */
#include <string.h>

#include "history/store.h"

static const struct {
	const char *name;
	const char *sql;
} tables[] = {
	/* Names belong to a process, so that all that it needs goes with it. What is unique is kept
	 * twice, and needs no checksum: integrity_check compares it with its index. */
	{ "name",
	  "CREATE TABLE name(id INTEGER PRIMARY KEY, process INTEGER NOT NULL, kind INTEGER "
	  "NOT NULL, name BLOB NOT NULL, UNIQUE(process, kind, name))" },
	/* `newest` is a sample: the order of writing does not depend on clocks. */
	{ "process",
	  "CREATE TABLE process(id INTEGER PRIMARY KEY, boot TEXT NOT NULL, pid INTEGER NOT NULL, "
	  "start INTEGER NOT NULL, exe TEXT NOT NULL, target TEXT NOT NULL, first INTEGER NOT "
	  "NULL, "
	  "last INTEGER NOT NULL, samples INTEGER NOT NULL, newest INTEGER NOT NULL, checksum "
	  "INTEGER NOT NULL, UNIQUE(boot, pid, start))" },
	{ "sample", "CREATE TABLE sample(id INTEGER PRIMARY KEY, process INTEGER NOT NULL, time "
		    "INTEGER NOT NULL, age INTEGER NOT NULL, flags INTEGER NOT NULL, figures BLOB "
		    "NOT NULL, checksum INTEGER NOT NULL, UNIQUE(process, time))" },
};

enum {
	TABLES = sizeof(tables) / sizeof(tables[0]),
};

static struct pyi_error *not_ours(const struct pyi_history *history)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
					       "%s is no history of pyinspect", history->path),
			      "it is left as it is; give another file: --history FILE");
}

/* In a transaction. */
static struct pyi_error *make_tables(struct pyi_history *history)
{
	struct pyi_error *error = NULL;
	char sql[64];

	for (size_t t = 0; !error && t < TABLES; t++)
		error = pyi_history_run(history, tables[t].sql, "");
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", PYI_HISTORY_APPLICATION_ID);
	if (!error)
		error = pyi_history_run(history, sql, "");
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", PYI_HISTORY_VERSION);
	if (!error)
		error = pyi_history_run(history, sql, "");
	return error;
}

static struct pyi_error *make_if_empty(struct pyi_history *history)
{
	struct pyi_error *error = pyi_history_run(history, "BEGIN IMMEDIATE", "");
	int64_t count = 0;

	if (error)
		return error;
	/* Another one may have been faster. (The first page is there as soon as we may write.) */
	error = pyi_history_number(history, "SELECT count(*) FROM sqlite_master", 0, &count);
	if (!error && !count)
		error = make_tables(history);
	if (!error)
		error = pyi_history_run(history, "COMMIT", "");
	if (error)
		sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

static struct pyi_error *compare_tables(struct pyi_history *history)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	struct pyi_error *error;
	bool row = true;
	size_t t = 0;

	error = pyi_history_prepare(history, &statement,
				    "SELECT type, name, sql FROM sqlite_master "
				    "WHERE name NOT LIKE 'sqlite_autoindex_%' ORDER BY name",
				    "");
	for (; !error; t++) {
		const char *columns[3];

		error = pyi_history_step(history, statement, &row);
		if (error || !row)
			break;
		for (int c = 0; c < 3; c++)
			columns[c] = (const char *)sqlite3_column_text(statement, c);
		if (t == TABLES || !columns[0] || !columns[1] || !columns[2] ||
		    strcmp(columns[0], "table") != 0 || strcmp(columns[1], tables[t].name) != 0 ||
		    strcmp(columns[2], tables[t].sql) != 0)
			return not_ours(history);
	}
	return error || t == TABLES ? error : not_ours(history);
}

/* A few milliseconds for each megabyte, and figures of a damaged file are worth nothing. */
static struct pyi_error *check_integrity(struct pyi_history *history)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	struct pyi_error *error =
		pyi_history_prepare(history, &statement, "PRAGMA integrity_check(1)", "");
	const char *answer;
	bool row = false;

	if (!error)
		error = pyi_history_step(history, statement, &row);
	if (error)
		return error;
	answer = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (answer && strcmp(answer, "ok") == 0)
		return NULL;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
					       "the history %s is damaged (%.*s)", history->path,
					       answer ? (int)strcspn(answer, "\n") : 1,
					       answer ? answer : "?"),
			      "move it away: mv %s %s.damaged; the next check begins a new one",
			      history->path, history->path);
}

struct pyi_error *pyi_history_check_schema(struct pyi_history *history, bool read_only)
{
	int64_t application = 0;
	int64_t version = 0;
	int64_t pages = 0;
	struct pyi_error *error = pyi_history_number(history, "PRAGMA page_count", 0, &pages);

	if (!error && !pages && !read_only)
		error = make_if_empty(history);
	else if (!error && !pages)
		error = pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
							"the history %s is empty", history->path),
				       "pyinspect TARGET check begins one");
	if (!error)
		error = pyi_history_number(history, "PRAGMA application_id", 0, &application);
	if (!error)
		error = pyi_history_number(history, "PRAGMA user_version", 0, &version);
	if (error)
		return error;
	if (application != PYI_HISTORY_APPLICATION_ID || version != PYI_HISTORY_VERSION)
		return not_ours(history);
	error = compare_tables(history);
	if (!error)
		error = check_integrity(history);
	return error;
}
