/*
 * Series and processes out of a history.
 *
 * A row that fails its checksum is left out and counted. Does not change anything.
 */
#include <string.h>

#include "base/array.h"
#include "base/plain_text.h"
#include "history/store.h"

/* A series that is being read: which name it is of. */
struct reading {
	uint64_t name;
	struct pyi_series series;
	size_t capacity;
};

struct readings {
	struct reading *items;
	size_t count;
	size_t capacity;
};

static void deinit_readings(struct readings *readings)
{
	for (size_t r = 0; r < readings->count; r++)
		pyi_series_deinit(&readings->items[r].series);
	free(readings->items);
}

/* Row of the process; 0: unknown. */
static struct pyi_error *find_process(struct pyi_history *history,
				      const struct pyi_history_process *process, int64_t *ret_id)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	bool row = false;
	struct pyi_error *error = pyi_history_prepare(
		history, &statement,
		"SELECT id FROM process WHERE boot = ? AND pid = ? AND start = ?", "tii",
		process->boot_id, process->pid, (int64_t)process->start_ticks);

	if (!error)
		error = pyi_history_step(history, statement, &row);
	if (!error)
		*ret_id = row ? sqlite3_column_int64(statement, 0) : 0;
	return error;
}

/* Those of one kind (0: all) and one name (NULL: all). */
static struct pyi_error *read_names(struct pyi_history *history, int64_t process, int64_t kind,
				    const char *wanted, struct readings *readings)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	bool row = true;
	struct pyi_error *error = pyi_history_prepare(
		history, &statement,
		"SELECT id, kind, name FROM name WHERE process = ?1 AND (?2 = 0 OR kind = ?2) AND "
		"(?3 = 0 OR name = ?4) ORDER BY id",
		"iiib", process, kind, (int64_t)(wanted != NULL), wanted ? wanted : "",
		wanted ? strlen(wanted) : 0);

	while (!error) {
		struct reading *reading;
		const char *name;
		int size;

		error = pyi_history_step(history, statement, &row);
		if (error || !row)
			break;
		if (!pyi_array_reserve(&readings->items, readings->count, &readings->capacity,
				       sizeof(*reading)))
			return pyi_error_no_memory();
		reading = &readings->items[readings->count];
		*reading = (struct reading){ .name = (uint64_t)sqlite3_column_int64(statement, 0) };
		name = sqlite3_column_blob(statement, 2);
		size = sqlite3_column_bytes(statement, 2);
		reading->series.kind = (enum pyi_figure_kind)sqlite3_column_int(statement, 1);
		reading->series.name = strndup(name ? name : "", name ? (size_t)size : 0);
		if (!reading->series.name)
			return pyi_error_no_memory();
		readings->count++;
	}
	return error;
}

static struct reading *find_reading(const struct readings *readings, uint64_t name)
{
	size_t first = 0;
	size_t end = readings->count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (readings->items[middle].name < name)
			first = middle + 1;
		else
			end = middle;
	}
	if (first == readings->count || readings->items[first].name != name)
		return NULL;
	return &readings->items[first];
}

static struct pyi_error *add_points(struct readings *readings, int64_t time_s, int64_t age_s,
				    const uint8_t *bytes, size_t size)
{
	struct pyi_history_packed figure = { 0 };

	while (pyi_history_unpack(&bytes, &size, &figure)) {
		struct reading *reading = find_reading(readings, figure.name);
		struct pyi_series *series;

		if (!reading)
			continue;
		series = &reading->series;
		/* Each moment once; of two looks within a second the later one counts. */
		if (series->point_count &&
		    series->points[series->point_count - 1].age_s == (uint64_t)age_s)
			series->point_count--;
		if (!pyi_array_reserve(&series->points, series->point_count, &reading->capacity,
				       sizeof(*series->points)))
			return pyi_error_no_memory();
		series->points[series->point_count++] = (struct pyi_point){
			.time_s = time_s,
			.age_s = (uint64_t)age_s,
			.count = figure.count,
			.bytes = figure.bytes,
		};
	}
	return NULL;
}

/* One pass over all samples of the process. */
static struct pyi_error *read_samples(struct pyi_history *history, int64_t process,
				      struct readings *readings)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	bool row = true;
	struct pyi_error *error = pyi_history_prepare(
		history, &statement,
		"SELECT time, age, flags, figures, checksum FROM sample WHERE process = ? ORDER BY "
		"age, time LIMIT ?",
		"ii", process, (int64_t)PYI_HISTORY_READ_SAMPLES);

	while (!error) {
		const void *bytes;
		int64_t time_s;
		int64_t age_s;
		int64_t flags;
		size_t size;

		error = pyi_history_step(history, statement, &row);
		if (error || !row)
			break;
		time_s = sqlite3_column_int64(statement, 0);
		age_s = sqlite3_column_int64(statement, 1);
		flags = sqlite3_column_int64(statement, 2);
		bytes = sqlite3_column_blob(statement, 3);
		size = (size_t)sqlite3_column_bytes(statement, 3);
		if (age_s < 0 || sqlite3_column_int64(statement, 4) !=
					 (int64_t)pyi_history_sum_sample(process, time_s, age_s,
									 flags, bytes, size))
			history->notes.damaged++;
		else if (flags & PYI_HISTORY_INCOMPLETE)
			history->notes.incomplete++;
		else
			error = add_points(readings, time_s, age_s, bytes, size);
	}
	return error;
}

/*
 * The clock may have been set meanwhile, the age of the process not: all moments are told by the
 * clock of the latest one.
 */
static void tell_by_latest_clock(struct pyi_series *series)
{
	const struct pyi_point *last = &series->points[series->point_count - 1];

	for (size_t p = 0; p + 1 < series->point_count; p++) {
		struct pyi_point *point = &series->points[p];

		/* What cannot be is left as it was found. */
		(void)!__builtin_sub_overflow(last->time_s, (int64_t)(last->age_s - point->age_s),
					      &point->time_s);
	}
}

static struct pyi_error *read_series(struct pyi_history *history,
				     const struct pyi_history_process *process, int64_t kind,
				     const char *name, struct readings *readings)
{
	struct pyi_error *error = pyi_history_run(history, "BEGIN", "");
	int64_t id = 0;

	if (error)
		return error;
	error = find_process(history, process, &id);
	if (!error && id)
		error = read_names(history, id, kind, name, readings);
	if (!error && id)
		error = read_samples(history, id, readings);
	for (size_t r = 0; r < readings->count && !error; r++)
		if (readings->items[r].series.point_count)
			tell_by_latest_clock(&readings->items[r].series);
	sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

struct pyi_error *pyi_history_series(struct pyi_history *history,
				     const struct pyi_history_process *process,
				     enum pyi_figure_kind kind, const char *name,
				     struct pyi_series *ret_series)
{
	PYI_CLEANUP(deinit_readings) struct readings readings = { 0 };
	struct pyi_error *error;

	pyi_history_begin(history);
	error = read_series(history, process, kind, name, &readings);
	if (error)
		return error;
	if (readings.count) {
		*ret_series = readings.items[0].series;
		readings.items[0].series = (struct pyi_series){ 0 };
		return NULL;
	}
	*ret_series = (struct pyi_series){ .kind = kind, .name = strdup(name) };
	return ret_series->name ? NULL : pyi_error_no_memory();
}

static int by_kind_and_name(const void *left, const void *right)
{
	const struct pyi_series *a = left;
	const struct pyi_series *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

struct pyi_error *pyi_history_all_series(struct pyi_history *history,
					 const struct pyi_history_process *process,
					 enum pyi_figure_kind kind, struct pyi_series **ret_series,
					 size_t *ret_count)
{
	PYI_CLEANUP(deinit_readings) struct readings readings = { 0 };
	struct pyi_series *all;
	size_t count = 0;
	struct pyi_error *error;

	pyi_history_begin(history);
	error = read_series(history, process, (int64_t)kind, NULL, &readings);
	if (error)
		return error;
	all = calloc(readings.count + 1, sizeof(*all));
	if (!all)
		return pyi_error_no_memory();
	for (size_t r = 0; r < readings.count; r++) {
		/* Of samples that were thinned away, or are incomplete. */
		if (!readings.items[r].series.point_count)
			continue;
		all[count++] = readings.items[r].series;
		readings.items[r].series = (struct pyi_series){ 0 };
	}
	qsort(all, count, sizeof(*all), by_kind_and_name);
	*ret_series = all;
	*ret_count = count;
	return NULL;
}

void pyi_history_processes_free(struct pyi_history_process *processes, size_t count)
{
	for (size_t p = 0; p < count; p++) {
		free(processes[p].exe);
		free(processes[p].target);
	}
	free(processes);
}

static bool read_process(sqlite3_stmt *statement, struct pyi_history_process *ret_process)
{
	const char *boot = (const char *)sqlite3_column_text(statement, 0);
	const char *exe = (const char *)sqlite3_column_text(statement, 3);
	const char *target = (const char *)sqlite3_column_text(statement, 4);
	struct pyi_history_process process = {
		.pid = sqlite3_column_int64(statement, 1),
		.start_ticks = (uint64_t)sqlite3_column_int64(statement, 2),
		.exe = strdup(exe ? exe : ""),
		.target = strdup(target ? target : ""),
		.first_s = sqlite3_column_int64(statement, 5),
		.last_s = sqlite3_column_int64(statement, 6),
		.samples = (uint64_t)sqlite3_column_int64(statement, 7),
		.kept = (uint64_t)sqlite3_column_int64(statement, 9),
	};

	snprintf(process.boot_id, sizeof(process.boot_id), "%s", boot ? boot : "");
	*ret_process = process;
	return process.exe && process.target;
}

struct pyi_error *pyi_history_processes(struct pyi_history *history,
					struct pyi_history_process **ret_processes,
					size_t *ret_count)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	struct pyi_history_process *processes = NULL;
	struct pyi_error *error;
	size_t capacity = 0;
	size_t count = 0;
	bool row = true;

	pyi_history_begin(history);
	error = pyi_history_prepare(
		history, &statement,
		"SELECT boot, pid, start, exe, target, first, last, samples, checksum, (SELECT "
		"count(*) FROM sample WHERE process = process.id) FROM process "
		"ORDER BY newest DESC, id DESC",
		"");
	while (!error) {

		error = pyi_history_step(history, statement, &row);
		if (error || !row)
			break;
		if (!pyi_array_reserve(&processes, count, &capacity, sizeof(*processes))) {
			error = pyi_error_no_memory();
			break;
		}
		if (!read_process(statement, &processes[count++]))
			error = pyi_error_no_memory();
		else if (pyi_history_sum_process(&processes[count - 1]) !=
			 (uint64_t)sqlite3_column_int64(statement, 8)) {
			history->notes.damaged++;
			count--;
			free(processes[count].exe);
			free(processes[count].target);
		}
	}
	if (error) {
		pyi_history_processes_free(processes, count);
		return error;
	}
	*ret_processes = processes;
	*ret_count = count;
	return NULL;
}

/* An empty target is nobody's. */
static struct pyi_error *count_names(struct pyi_history *history,
				     const struct pyi_history_process *process,
				     enum pyi_figure_kind kind, const char *name,
				     const char *target, int64_t *ret_count)
{
	PYI_CLEANUP(pyi_guard_statement) sqlite3_stmt *statement = NULL;
	bool row = false;
	struct pyi_error *error = pyi_history_prepare(
		history, &statement,
		"SELECT count(*) FROM name JOIN process ON name.process = process.id "
		"WHERE name.kind = ?1 AND name.name = ?2 AND ((boot = ?3 AND pid = ?4 AND start = "
		"?5) OR (?6 <> '' AND target = ?6))",
		"ibtiit", (int64_t)kind, name, strlen(name), process->boot_id, process->pid,
		(int64_t)process->start_ticks, target);

	if (!error)
		error = pyi_history_step(history, statement, &row);
	if (!error)
		*ret_count = row ? sqlite3_column_int64(statement, 0) : 0;
	return error;
}

/* Another process may have had a number before. */
static bool is_number(const char *target)
{
	return target[strspn(target, "0123456789")] == '\0';
}

struct pyi_error *pyi_history_has_seen(struct pyi_history *history,
				       const struct pyi_history_process *process,
				       enum pyi_figure_kind kind, const char *name, bool *ret_seen)
{
	const char *target =
		process->target && !is_number(process->target) ? process->target : NULL;
	PYI_CLEANUP(pyi_guard_free)
	char *text = pyi_plain_text_make_utf8(target ? target : "");
	struct pyi_error *error;
	int64_t count = 0;

	if (!text)
		return pyi_error_no_memory();
	pyi_history_begin(history);
	error = count_names(history, process, kind, name, text, &count);
	if (!error)
		*ret_seen = count > 0;
	return error;
}
