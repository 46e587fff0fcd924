/*
 * Adds a sample: all of it or nothing.
 *
 * Does not decide which figures are worth keeping, but keeps to the limits.
 */
#include <string.h>

#include "base/plain_text.h"
#include "history/store.h"

/* A sample on its way into the file. */
struct adding {
	struct pyi_history *history;
	const struct pyi_history_process *process;
	const struct pyi_sample *sample;
	int64_t process_id;
	int64_t sample_id;
	/* Those that are kept, ordered by kind and name; and what is written of them. */
	const struct pyi_figure **figures;
	struct pyi_history_packed *packed;
	size_t count;
};

static void deinit(struct adding *adding)
{
	free(adding->figures);
	free(adding->packed);
}

static int compare_names(int64_t kind, const void *name, size_t size,
			 const struct pyi_figure *figure)
{
	size_t other = strlen(figure->name);
	int order;

	if (kind != (int64_t)figure->kind)
		return kind < (int64_t)figure->kind ? -1 : 1;
	order = memcmp(name, figure->name, size < other ? size : other);
	return order ? order : (size > other) - (size < other);
}

static int by_name(const void *left, const void *right)
{
	const struct pyi_figure *a = *(const struct pyi_figure *const *)left;
	const struct pyi_figure *b = *(const struct pyi_figure *const *)right;

	return compare_names(a->kind, a->name, strlen(a->name), b);
}

/* What a figure is worth: bytes; what has none, as a container, a pointer for each item. */
static uint64_t worth(const struct pyi_figure *figure)
{
	if (figure->kind == PYI_FIGURE_PROCESS)
		return UINT64_MAX;
	if (figure->bytes)
		return figure->bytes;
	return figure->count < UINT64_MAX / sizeof(void *) ? figure->count * sizeof(void *)
							   : UINT64_MAX - 1;
}

static int by_worth(const void *left, const void *right)
{
	uint64_t a = worth(*(const struct pyi_figure *const *)left);
	uint64_t b = worth(*(const struct pyi_figure *const *)right);

	return a != b ? (a < b ? 1 : -1) : by_name(left, right);
}

static struct pyi_error *choose_figures(struct adding *adding)
{
	const struct pyi_sample *sample = adding->sample;
	uint64_t limit = adding->history->limits.figures;
	size_t different = 0;

	adding->figures = calloc(sample->figure_count + 1, sizeof(struct pyi_figure *));
	adding->packed = calloc(sample->figure_count + 1, sizeof(*adding->packed));
	if (!adding->figures || !adding->packed)
		return pyi_error_no_memory();
	for (size_t f = 0; f < sample->figure_count; f++)
		if (strlen(sample->figures[f].name) <= PYI_HISTORY_NAME_BYTES)
			adding->figures[adding->count++] = &sample->figures[f];
	qsort((void *)adding->figures, adding->count, sizeof(struct pyi_figure *), by_worth);
	if (adding->count > limit)
		adding->count = limit;
	qsort((void *)adding->figures, adding->count, sizeof(struct pyi_figure *), by_name);
	for (size_t f = 0; f < adding->count; f++)
		if (!f || by_name(&adding->figures[f - 1], &adding->figures[f]) != 0)
			adding->figures[different++] = adding->figures[f];
	adding->count = different;
	return NULL;
}

uint64_t pyi_history_sum_process(const struct pyi_history_process *process)
{
	uint64_t sum = PYI_HISTORY_SUM;

	sum = pyi_history_sum_bytes(sum, process->boot_id, strlen(process->boot_id) + 1);
	sum = pyi_history_sum_bytes(sum, process->exe, strlen(process->exe) + 1);
	sum = pyi_history_sum_bytes(sum, process->target, strlen(process->target) + 1);
	sum = pyi_history_sum_number(sum, process->pid);
	sum = pyi_history_sum_number(sum, (int64_t)process->start_ticks);
	sum = pyi_history_sum_number(sum, process->first_s);
	sum = pyi_history_sum_number(sum, process->last_s);
	return pyi_history_sum_number(sum, (int64_t)process->samples);
}

/* The row of the process if there is one, and what it has to be from now on. */
static struct pyi_error *find_process(struct adding *adding, struct pyi_history_process *ret_now)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	struct pyi_history *history = adding->history;
	struct pyi_history_process now = *adding->process;
	struct pyi_error *error;
	bool row = false;

	now.first_s = adding->sample->time_s;
	now.last_s = adding->sample->time_s;
	now.samples = 1;
	error = pyi_history_prepare(history, &statement,
				    "SELECT id, first, samples FROM process "
				    "WHERE boot = ? AND pid = ? AND start = ?",
				    "tii", now.boot_id, now.pid, (int64_t)now.start_ticks);
	if (!error)
		error = pyi_history_step(history, statement, &row);
	if (error)
		return error;
	if (row) {
		adding->process_id = sqlite3_column_int64(statement, 0);
		now.first_s = sqlite3_column_int64(statement, 1);
		now.samples = (uint64_t)sqlite3_column_int64(statement, 2) + 1;
	}
	*ret_now = now;
	return NULL;
}

static struct pyi_error *write_process(struct adding *adding)
{
	struct pyi_history *history = adding->history;
	struct pyi_history_process now;
	struct pyi_error *error = find_process(adding, &now);
	int64_t sum;

	if (error)
		return error;
	sum = (int64_t)pyi_history_sum_process(&now);
	if (adding->process_id)
		return pyi_history_run(history,
				       "UPDATE process SET exe = ?, target = ?, first = ?, last = "
				       "?, samples = ?, checksum = ? WHERE id = ?",
				       "ttiiiii", now.exe, now.target, now.first_s, now.last_s,
				       (int64_t)now.samples, sum, adding->process_id);
	error = pyi_history_run(history,
				"INSERT INTO process(boot, pid, start, exe, target, first, last, "
				"samples, newest, checksum) VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
				"tiittiiii", now.boot_id, now.pid, (int64_t)now.start_ticks,
				now.exe, now.target, now.first_s, now.last_s, (int64_t)now.samples,
				sum);
	adding->process_id = sqlite3_last_insert_rowid(history->db);
	return error;
}

/* Both the names of the process and the figures are in order: one walk finds all that are known. */
static struct pyi_error *find_names(struct adding *adding, uint64_t *ret_known)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	struct pyi_history *history = adding->history;
	uint64_t known = 0;
	size_t f = 0;
	bool row = true;
	struct pyi_error *error =
		pyi_history_prepare(history, &statement,
				    "SELECT id, kind, name FROM name WHERE process = ? "
				    "ORDER BY kind, name",
				    "i", adding->process_id);

	for (; !error; known++) {
		int order = -1;

		error = pyi_history_step(history, statement, &row);
		if (error || !row)
			break;
		while (f < adding->count) {
			const void *name = sqlite3_column_blob(statement, 2);

			order = compare_names(sqlite3_column_int64(statement, 1), name ? name : "",
					      (size_t)sqlite3_column_bytes(statement, 2),
					      adding->figures[f]);
			if (order <= 0)
				break;
			f++;
		}
		if (order == 0)
			adding->packed[f++].name = (uint64_t)sqlite3_column_int64(statement, 0);
	}
	*ret_known = known;
	return error;
}

static struct pyi_error *write_names(struct adding *adding)
{
	struct pyi_history *history = adding->history;
	uint64_t known = 0;
	struct pyi_error *error = find_names(adding, &known);
	size_t kept = 0;

	for (size_t f = 0; !error && f < adding->count; f++) {
		const struct pyi_figure *figure = adding->figures[f];
		uint64_t name = adding->packed[f].name;

		if (!name && known < history->limits.names) {
			error = pyi_history_run(
				history, "INSERT INTO name(process, kind, name) VALUES(?, ?, ?)",
				"iib", adding->process_id, (int64_t)figure->kind, figure->name,
				strlen(figure->name));
			name = (uint64_t)sqlite3_last_insert_rowid(history->db);
			known++;
		}
		if (name)
			adding->packed[kept++] =
				(struct pyi_history_packed){ name, figure->count, figure->bytes };
	}
	adding->count = kept;
	return error;
}

uint64_t pyi_history_sum_sample(int64_t process, int64_t time_s, int64_t age_s, int64_t flags,
				const void *figures, size_t size)
{
	uint64_t sum = pyi_history_sum_number(PYI_HISTORY_SUM, process);

	sum = pyi_history_sum_number(sum, time_s);
	sum = pyi_history_sum_number(sum, age_s);
	sum = pyi_history_sum_number(sum, flags);
	return pyi_history_sum_bytes(sum, figures, size);
}

static struct pyi_error *write_sample(struct adding *adding)
{
	struct pyi_history *history = adding->history;
	const struct pyi_sample *sample = adding->sample;
	PYI_CLEANUP(pyi_guard_free)
	uint8_t *bytes = malloc(adding->count * PYI_HISTORY_PACKED_BYTES + 1);
	int64_t flags = sample->incomplete ? PYI_HISTORY_INCOMPLETE : 0;
	struct pyi_error *error;
	size_t size;
	int64_t sum;

	if (!bytes)
		return pyi_error_no_memory();
	size = pyi_history_pack(adding->packed, adding->count, bytes);
	sum = (int64_t)pyi_history_sum_sample(adding->process_id, sample->time_s,
					      (int64_t)sample->age_s, flags, bytes, size);
	error = pyi_history_run(history, "DELETE FROM sample WHERE process = ? AND time = ?", "ii",
				adding->process_id, sample->time_s);
	if (!error)
		error = pyi_history_run(
			history,
			"INSERT INTO sample(process, time, age, flags, figures, checksum) "
			"VALUES(?, ?, ?, ?, ?, ?)",
			"iiiibi", adding->process_id, sample->time_s, (int64_t)sample->age_s, flags,
			bytes, size, sum);
	adding->sample_id = sqlite3_last_insert_rowid(history->db);
	if (!error)
		error = pyi_history_run(history, "UPDATE process SET newest = ? WHERE id = ?", "ii",
					adding->sample_id, adding->process_id);
	return error;
}

/* What this sample can need at most, with its names and their index. */
static uint64_t room_needed(const struct adding *adding)
{
	uint64_t bytes = 65536;

	for (size_t f = 0; f < adding->count; f++)
		bytes += PYI_HISTORY_PACKED_BYTES + 2 * strlen(adding->figures[f]->name);
	return bytes;
}

/* In a transaction. */
static struct pyi_error *add(struct adding *adding)
{
	struct pyi_history *history = adding->history;
	struct pyi_error *error = write_process(adding);

	if (!error)
		error = pyi_history_make_room(history, adding->process_id, room_needed(adding));
	if (!error)
		error = write_names(adding);
	if (!error)
		error = write_sample(adding);
	if (!error)
		error = pyi_history_thin(history, adding->process_id, adding->sample_id);
	return error;
}

/* A file may have any name; columns of text are text. */
static char *make_text(const char *text)
{
	return pyi_plain_text_make_utf8(text ? text : "");
}

struct pyi_error *pyi_history_add(struct pyi_history *history,
				  const struct pyi_history_process *process,
				  const struct pyi_sample *sample)
{
	PYI_CLEANUP(pyi_guard_free) char *exe = make_text(process->exe);
	PYI_CLEANUP(pyi_guard_free) char *target = make_text(process->target);
	struct pyi_history_process known = *process;
	PYI_CLEANUP(deinit)
	struct adding adding = { .history = history, .process = &known, .sample = sample };
	struct pyi_error *error;

	if (!exe || !target)
		return pyi_error_no_memory();
	known.exe = exe;
	known.target = target;
	pyi_history_begin(history);
	error = choose_figures(&adding);
	/* At once: who reads first and writes later may find that it cannot. */
	if (!error)
		error = pyi_history_run(history, "BEGIN IMMEDIATE", "");
	if (error)
		return error;
	error = add(&adding);
	if (!error)
		error = pyi_history_run(history, "COMMIT", "");
	/* SQLite has done so itself after some errors. */
	if (error && !sqlite3_get_autocommit(history->db))
		sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
	if (!error)
		history->notes.left_out = sample->figure_count - adding.count;
	return error;
}
