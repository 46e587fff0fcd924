/*
 * What the files of this folder share: the open database, statements, errors, checksums, packed
 * figures. For nobody else.
 */
#ifndef PYI_HISTORY_STORE_H
#define PYI_HISTORY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "history/history.h"

/* "PyIn" */
#define PYI_HISTORY_APPLICATION_ID 0x5079496e

enum {
	PYI_HISTORY_VERSION = 1,
	/* Flags of a sample. */
	PYI_HISTORY_INCOMPLETE = 1,
	/* A packed figure: three numbers of up to ten bytes. */
	PYI_HISTORY_PACKED_BYTES = 30,
	/* Longer names of figures are left out. */
	PYI_HISTORY_NAME_BYTES = 1000,
	/* Readers look at so many samples of a process at most, whatever a file has. */
	PYI_HISTORY_READ_SAMPLES = 10000,
};

struct pyi_history {
	sqlite3 *db;
	/* Absolute, without links. */
	char *path;
	struct pyi_history_limits limits;
	struct pyi_history_notes notes;
	/* When the call that runs now is given up. */
	uint64_t deadline_ns;
	/* Until when it may be waited for others, in all, and the lock of now. */
	uint64_t wait_limit_ns;
	uint64_t wait_ns;
};

PYI_DEFINE_GUARD(statement, sqlite3_stmt, sqlite3_finalize)

/*
 * Where the file is: checks that nobody else can have put it there or can change it, makes what is
 * missing (not with `read_only`), and looks at the header for what must not even be opened. The
 * caller owns the path. Errors: "no-history".
 */
struct pyi_error *pyi_history_place(const char *path, bool read_only,
				    char **ret_path) PYI_MUST_CHECK;

/* Makes the tables in an empty file; then, and in any other file, checks that it is one of ours. */
struct pyi_error *pyi_history_check_schema(struct pyi_history *history,
					   bool read_only) PYI_MUST_CHECK;

/* Starts the clock of a call, and forgets the notes of the last. */
void pyi_history_begin(struct pyi_history *history);

/* The error of the last call of SQLite on this database. */
struct pyi_error *pyi_history_failed(const struct pyi_history *history) PYI_MUST_CHECK;

/*
 * Prepares a statement and binds its parameters: a letter of `types` for each, 'i' int64_t, 't'
 * text, 'b' a blob (pointer and size_t; they must live as long as the statement).
 */
struct pyi_error *pyi_history_prepare(struct pyi_history *history, sqlite3_stmt **ret_statement,
				      const char *sql, const char *types, ...) PYI_MUST_CHECK;

/* Goes to the next row, if there is one. */
struct pyi_error *pyi_history_step(struct pyi_history *history, sqlite3_stmt *statement,
				   bool *ret_row) PYI_MUST_CHECK;

/* Prepares, binds, and runs to the end. */
struct pyi_error *pyi_history_run(struct pyi_history *history, const char *sql, const char *types,
				  ...) PYI_MUST_CHECK;

/* The first column of the first row as a number; `otherwise` if there is no row. */
struct pyi_error *pyi_history_number(struct pyi_history *history, const char *sql,
				     int64_t otherwise, int64_t *ret_number) PYI_MUST_CHECK;

/* A checksum, FNV-1a: of numbers and bytes, to be begun with PYI_HISTORY_SUM. */
#define PYI_HISTORY_SUM UINT64_C(0xcbf29ce484222325)
uint64_t pyi_history_sum_bytes(uint64_t sum, const void *bytes, size_t size);
uint64_t pyi_history_sum_number(uint64_t sum, int64_t number);

/* A figure of a sample as it is kept; `name` is a row of the table of names. */
struct pyi_history_packed {
	uint64_t name;
	uint64_t count;
	uint64_t bytes;
};

/* Orders by name and packs into `ret_bytes`, which has PYI_HISTORY_PACKED_BYTES for each. */
size_t pyi_history_pack(struct pyi_history_packed *figures, size_t count, uint8_t *ret_bytes);

/* Takes the next figure off; `figure` is that before, a zeroed one at first. False at the end, and
 * where it is broken; then `*size` is not 0. */
bool pyi_history_unpack(const uint8_t **bytes, size_t *size, struct pyi_history_packed *figure);

/* Checksums of rows, as the tables have them. */
uint64_t pyi_history_sum_process(const struct pyi_history_process *process);
uint64_t pyi_history_sum_sample(int64_t process, int64_t time_s, int64_t age_s, int64_t flags,
				const void *figures, size_t size);

/* Thins the samples of a process, but for `newest`, and drops what is over the limits. */
struct pyi_error *pyi_history_thin(struct pyi_history *history, int64_t process,
				   int64_t newest) PYI_MUST_CHECK;

/* Drops what is needed to have room for `bytes` more; never the process `keep` as a whole. */
struct pyi_error *pyi_history_make_room(struct pyi_history *history, int64_t keep,
					uint64_t bytes) PYI_MUST_CHECK;

#endif
