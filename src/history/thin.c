/*
 * Keeps a history bounded: the older samples are, the fewer of them; and the limits.
 *
 * Goes by the age of the process and by the order of writing, never by the clock of the wall: that
 * may have been wrong for a while. Does not write samples.
 */
#include <string.h>

#include "base/array.h"
#include "history/levels.h"
#include "history/store.h"

struct kept_sample {
	int64_t id;
	int64_t age_s;
};

/* The oldest first. */
static struct pyi_error *list_samples(struct pyi_history *history, int64_t process,
				      struct kept_sample **ret_samples, size_t *ret_count)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	PYI_CLEANUP(pyi_guard_free) struct kept_sample *samples = NULL;
	size_t capacity = 0;
	size_t count = 0;
	bool row = true;
	struct pyi_error *error = pyi_history_prepare(
		history, &statement,
		"SELECT id, age FROM sample WHERE process = ? ORDER BY age, id", "i", process);

	while (!error) {
		error = pyi_history_step(history, statement, &row);
		if (error || !row)
			break;
		if (!pyi_array_reserve(&samples, count, &capacity, sizeof(*samples)))
			return pyi_error_no_memory();
		samples[count++] = (struct kept_sample){ sqlite3_column_int64(statement, 0),
							 sqlite3_column_int64(statement, 1) };
	}
	if (error)
		return error;
	*ret_samples = pyi_return_ptr(samples);
	*ret_count = count;
	return NULL;
}

static struct pyi_error *drop_sample(struct pyi_history *history, int64_t id)
{
	return pyi_history_run(history, "DELETE FROM sample WHERE id = ?", "i", id);
}

static struct pyi_error *drop_process(struct pyi_history *history, int64_t id)
{
	struct pyi_error *error;

	error = pyi_history_run(history, "DELETE FROM sample WHERE process = ?", "i", id);
	if (!error)
		error = pyi_history_run(history, "DELETE FROM name WHERE process = ?", "i", id);
	if (!error)
		error = pyi_history_run(history, "DELETE FROM process WHERE id = ?", "i", id);
	return error;
}

static struct pyi_error *thin_process(struct pyi_history *history, int64_t process, int64_t newest)
{
	PYI_CLEANUP(pyi_guard_free) struct kept_sample *samples = NULL;
	struct pyi_history_levels walk = { 0 };
	int64_t newest_age_s = 0;
	size_t kept = 0;
	size_t count = 0;
	struct pyi_error *error = list_samples(history, process, &samples, &count);

	for (size_t s = 0; s < count; s++)
		if (samples[s].id == newest)
			newest_age_s = samples[s].age_s;
	for (size_t s = 0; !error && s < count; s++) {
		if (!pyi_history_levels_keep(&walk, newest_age_s, samples[s].age_s) &&
		    samples[s].id != newest) {
			error = drop_sample(history, samples[s].id);
			continue;
		}
		samples[kept++] = samples[s];
	}
	for (size_t s = 0; !error && kept - s > history->limits.samples; s++)
		if (samples[s].id != newest)
			error = drop_sample(history, samples[s].id);
	return error;
}

/* The process that was written to least recently, but for `keep`; 0 if there is no other. */
static struct pyi_error *find_stalest(struct pyi_history *history, int64_t keep, int64_t *ret_id)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
		 "SELECT id FROM process WHERE id <> %lld ORDER BY newest, id LIMIT 1",
		 (long long)keep);
	return pyi_history_number(history, sql, 0, ret_id);
}

struct pyi_error *pyi_history_thin(struct pyi_history *history, int64_t process, int64_t newest)
{
	struct pyi_error *error = thin_process(history, process, newest);
	int64_t count = 0;

	if (!error)
		error = pyi_history_number(history, "SELECT count(*) FROM process", 0, &count);
	for (; !error && count > 1 && (uint64_t)count > history->limits.processes; count--) {
		int64_t id = 0;

		error = find_stalest(history, process, &id);
		if (!error)
			error = drop_process(history, id);
	}
	return error;
}

static struct pyi_error *bytes_used(struct pyi_history *history, uint64_t *ret_bytes)
{
	int64_t size = 0;
	int64_t count = 0;
	int64_t unused = 0;
	struct pyi_error *error = pyi_history_number(history, "PRAGMA page_size", 0, &size);

	if (!error)
		error = pyi_history_number(history, "PRAGMA page_count", 0, &count);
	if (!error)
		error = pyi_history_number(history, "PRAGMA freelist_count", 0, &unused);
	if (!error)
		*ret_bytes = (uint64_t)(count - unused) * (uint64_t)size;
	return error;
}

/* The oldest quarter of the samples of a process, one at least. False if it has none. */
static struct pyi_error *drop_quarter(struct pyi_history *history, int64_t process, bool *ret_any)
{
	PYI_CLEANUP(pyi_guard_free) struct kept_sample *samples = NULL;
	size_t count = 0;
	struct pyi_error *error = list_samples(history, process, &samples, &count);

	for (size_t s = 0; !error && s < (count + 3) / 4; s++)
		error = drop_sample(history, samples[s].id);
	*ret_any = count != 0;
	return error;
}

struct pyi_error *pyi_history_make_room(struct pyi_history *history, int64_t keep, uint64_t bytes)
{
	struct pyi_error *error = NULL;
	bool any = true;

	while (!error && any) {
		uint64_t used = 0;
		int64_t id = 0;

		error = bytes_used(history, &used);
		if (error || used + bytes <= history->limits.file_bytes)
			break;
		error = find_stalest(history, keep, &id);
		if (!error && id)
			error = drop_process(history, id);
		else if (!error)
			error = drop_quarter(history, keep, &any);
	}
	return error;
}
