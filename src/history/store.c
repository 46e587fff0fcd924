/*
 * Statements and errors of SQLite in the form of this project; checksums.
 *
 * Does not know the tables.
 */
#include "history/store.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"

void pyi_history_begin(struct pyi_history *history)
{
	history->deadline_ns = pyi_clock_deadline(PYI_HISTORY_WORK_MS, PYI_CLOCK_NEVER);
	history->notes = (struct pyi_history_notes){ 0 };
}

static struct pyi_error *system_error(const struct pyi_history *history, const char *what)
{
	int number = sqlite3_system_errno(history->db);

	if (!number)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, "%s %s", what,
					history->path);
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, number, "%s %s", what,
				      history->path);
}

struct pyi_error *pyi_history_failed(const struct pyi_history *history)
{
	int code = sqlite3_extended_errcode(history->db);

	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return pyi_error_no_memory();
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
						       "the history %s is damaged (%s)",
						       history->path, sqlite3_errmsg(history->db)),
				      "move it away: mv %s %s.damaged; the next check begins a new "
				      "one",
				      history->path, history->path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
					 "the history %s was in use for more than %d s",
					 history->path, PYI_HISTORY_BUSY_MS / 1000),
			"see who uses it: fuser -v %s", history->path);
	case SQLITE_FULL:
		return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
						       "there is no room left to write the "
						       "history %s",
						       history->path),
				      "see: df %s", history->path);
	case SQLITE_READONLY:
		if (code == SQLITE_READONLY_ROLLBACK)
			return pyi_error_hint(
				pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
						 "a writer of the history %s was killed, and what "
						 "it left half done cannot be undone here",
						 history->path),
				"run it once as the user who owns the file");
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
					 "the history %s cannot be written to", history->path),
			"it wants a file and a folder that can be written to; another "
			"one: --history FILE");
	case SQLITE_CANTOPEN:
		return pyi_error_hint(
			system_error(history, "cannot open the history"),
			"it wants a file and a folder that can be written to; another "
			"one: --history FILE");
	case SQLITE_IOERR:
		return system_error(history, "cannot read or write the history");
	case SQLITE_INTERRUPT:
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
					"the history %s took longer than %d s", history->path,
					PYI_HISTORY_WORK_MS / 1000);
	default:
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, "the history %s: %s",
					history->path, sqlite3_errmsg(history->db));
	}
}

static int bind(sqlite3_stmt *statement, const char *types, va_list arguments)
{
	int code = SQLITE_OK;

	for (int i = 1; types[i - 1] && code == SQLITE_OK; i++) {
		if (types[i - 1] == 'i') {
			code = sqlite3_bind_int64(statement, i, va_arg(arguments, int64_t));
		} else if (types[i - 1] == 't') {
			code = sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1,
						 SQLITE_STATIC);
		} else {
			const void *bytes = va_arg(arguments, const void *);
			size_t size = va_arg(arguments, size_t);

			/* NULL would be no blob but nothing. */
			code = sqlite3_bind_blob64(statement, i, size ? bytes : "", size,
						   SQLITE_STATIC);
		}
	}
	return code;
}

static struct pyi_error *prepare(struct pyi_history *history, sqlite3_stmt **ret_statement,
				 const char *sql, const char *types, va_list arguments)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(history->db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    bind(statement, types, arguments) != SQLITE_OK)
		return pyi_history_failed(history);
	*ret_statement = pyi_return_ptr(statement);
	return NULL;
}

struct pyi_error *pyi_history_prepare(struct pyi_history *history, sqlite3_stmt **ret_statement,
				      const char *sql, const char *types, ...)
{
	struct pyi_error *error;
	va_list arguments;

	va_start(arguments, types);
	error = prepare(history, ret_statement, sql, types, arguments);
	va_end(arguments);
	return error;
}

struct pyi_error *pyi_history_step(struct pyi_history *history, sqlite3_stmt *statement,
				   bool *ret_row)
{
	int code = sqlite3_step(statement);

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return pyi_history_failed(history);
	*ret_row = code == SQLITE_ROW;
	return NULL;
}

struct pyi_error *pyi_history_run(struct pyi_history *history, const char *sql, const char *types,
				  ...)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	struct pyi_error *error;
	va_list arguments;
	bool row = true;

	va_start(arguments, types);
	error = prepare(history, &statement, sql, types, arguments);
	va_end(arguments);
	while (!error && row)
		error = pyi_history_step(history, statement, &row);
	return error;
}

struct pyi_error *pyi_history_number(struct pyi_history *history, const char *sql,
				     int64_t otherwise, int64_t *ret_number)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	struct pyi_error *error = pyi_history_prepare(history, &statement, sql, "");
	bool row = false;

	if (!error)
		error = pyi_history_step(history, statement, &row);
	if (!error)
		*ret_number = row ? sqlite3_column_int64(statement, 0) : otherwise;
	return error;
}

uint64_t pyi_history_sum_bytes(uint64_t sum, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* The same on every processor: the file may go from one to another. */
uint64_t pyi_history_sum_number(uint64_t sum, int64_t number)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((uint64_t)number >> 8 * i);
	return pyi_history_sum_bytes(sum, bytes, sizeof(bytes));
}
