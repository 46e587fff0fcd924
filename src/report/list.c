/*
 * Renders the list of Python processes as table, JSON or NDJSON. Does not look at any process.
 */
#include "report/list.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/quantity.h"
#include "base/cleanup.h"
#include "report/ndjson.h"
#include "report/table.h"

enum column {
	PID,
	USER,
	PYTHON,
	RSS,
	GROWTH,
	AGE,
	/* The two that are cut where the terminal is narrow. */
	PLACE,
	COMMAND,
	COLUMNS,
};

enum {
	/* Of USER, so that nobody pushes the rest out by a name. */
	USER_WIDTH = 8,
	/* The least of the two that are cut. */
	TEXT_WIDTH = 12,
	GAP = 2,
};

static const char *const headings[COLUMNS] = { "PID",	 "USER", "PYTHON", "RSS",
					       "GROWTH", "AGE",	 "UNIT",   "COMMAND" };
/* Figures are aligned to the right. */
static const bool is_figure[COLUMNS] = {
	[PID] = true, [RSS] = true, [GROWTH] = true, [AGE] = true
};

struct row {
	/* Safe for a terminal. */
	char *cells[COLUMNS];
};

struct grid {
	struct row *rows;
	size_t count;
	size_t widths[COLUMNS];
};

static void deinit_grid(struct grid *grid)
{
	for (size_t r = 0; r < grid->count; r++)
		for (int c = 0; c < COLUMNS; c++)
			free(grid->rows[r].cells[c]);
	free(grid->rows);
}

static int compare(const void *left, const void *right)
{
	const struct pyi_list_process *a = left;
	const struct pyi_list_process *b = right;

	if (a->rss_bytes != b->rss_bytes)
		return a->rss_bytes > b->rss_bytes ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

void pyi_report_list_sort(struct pyi_list_report *report)
{
	if (report->count)
		qsort(report->processes, report->count, sizeof(*report->processes), compare);
}

static size_t shown(const struct pyi_list_report *report)
{
	return report->limit && report->limit < report->count ? (size_t)report->limit
							      : report->count;
}

static bool knows_version(const struct pyi_list_process *process)
{
	return process->python[0] && process->python[0] != '?';
}

static int64_t growth_of(const struct pyi_list_process *process)
{
	return (int64_t)(process->rss_bytes - process->old_rss_bytes);
}

/* "217.3M": the first letter of the unit is enough for a column. */
static void put_bytes(char text[PYI_QUANTITY_TEXT], double bytes)
{
	char *space;

	pyi_quantity_bytes(text, bytes);
	space = strchr(text, ' ');
	if (!space)
		return;
	space[0] = '\0';
	if (space[1] == 'B')
		return;
	space[0] = space[1];
	space[1] = '\0';
}

static void put_growth(char text[PYI_QUANTITY_TEXT], const struct pyi_list_process *process)
{
	int64_t growth = growth_of(process);
	char bytes[PYI_QUANTITY_TEXT];

	switch (process->growth) {
	case PYI_LIST_GROWTH_KNOWN:
		put_bytes(bytes, fabs((double)growth));
		snprintf(text, PYI_QUANTITY_TEXT, "%s%.40s",
			 growth < 0 ? "-"
			 : growth   ? "+"
				    : "",
			 bytes);
		break;
	case PYI_LIST_GROWTH_NEW:
		strcpy(text, "new");
		break;
	default:
		strcpy(text, "?");
	}
}

/* "3d", "23h", "40m", "12s" */
static void put_age(char text[PYI_QUANTITY_TEXT], uint64_t age_s)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t u = 0;

	while (units[u].seconds > 1 && age_s < 2 * units[u].seconds)
		u++;
	snprintf(text, PYI_QUANTITY_TEXT, "%" PRIu64 "%c", age_s / units[u].seconds, units[u].unit);
}

/* A unit is called without the suffix that need not be given. */
static void put_place(char *text, size_t size, const struct pyi_cgroup_place *place)
{
	static const char suffix[] = ".service";
	size_t length = strlen(place->name);

	if (!place->is_container && length > strlen(suffix) &&
	    strcmp(place->name + length - strlen(suffix), suffix) == 0)
		length -= strlen(suffix);
	snprintf(text, size, "%.*s", (int)length, length ? place->name : "-");
}

static bool make_row(const struct pyi_list_process *process, struct row *row)
{
	char text[PYI_QUANTITY_TEXT];
	char place[sizeof(process->place.name)];
	bool ok = true;

	snprintf(text, sizeof(text), "%" PRId64, process->pid);
	row->cells[PID] = strdup(text);
	snprintf(text, sizeof(text), "%" PRIu64, process->uid);
	row->cells[USER] = pyi_output_fit(process->user[0] ? process->user : text, USER_WIDTH);
	row->cells[PYTHON] = strdup(knows_version(process) ? process->python : "?");
	put_bytes(text, (double)process->rss_bytes);
	row->cells[RSS] = strdup(text);
	put_growth(text, process);
	row->cells[GROWTH] = strdup(text);
	put_age(text, process->age_s);
	row->cells[AGE] = strdup(text);
	put_place(place, sizeof(place), &process->place);
	row->cells[PLACE] = pyi_output_fit(place, 0);
	row->cells[COMMAND] = pyi_output_fit(process->command[0] ? process->command : "-", 0);
	for (int c = 0; c < COLUMNS; c++)
		ok = ok && row->cells[c];
	return ok;
}

/* Replaces a cell by one that is cut. */
static bool cut(char **cell, size_t room)
{
	char *shorter;

	if (pyi_output_width(*cell) <= room)
		return true;
	/* It is safe already, and must not be escaped again. */
	shorter = pyi_output_cut(*cell, room);
	if (!shorter)
		return false;
	free(*cell);
	*cell = shorter;
	return true;
}

static void measure(struct grid *grid)
{
	for (int c = 0; c < COLUMNS; c++) {
		grid->widths[c] = strlen(headings[c]);
		for (size_t r = 0; r < grid->count; r++) {
			size_t width = pyi_output_width(grid->rows[r].cells[c]);

			if (width > grid->widths[c])
				grid->widths[c] = width;
		}
	}
}

/* What is left for the last two columns is shared by need: neither takes from what the other one
   needs unless it has less than half. */
static bool fit(struct grid *grid, unsigned columns)
{
	size_t used = 0;
	size_t room;

	measure(grid);
	if (!columns)
		return true;
	for (int c = 0; c < PLACE; c++)
		used += grid->widths[c] + GAP;
	used += GAP;
	room = columns > used + 2 * (size_t)TEXT_WIDTH ? columns - used : 2 * (size_t)TEXT_WIDTH;
	if (grid->widths[PLACE] + grid->widths[COMMAND] > room) {
		if (grid->widths[COMMAND] < room / 2)
			grid->widths[PLACE] = room - grid->widths[COMMAND];
		else if (grid->widths[PLACE] > room / 2)
			grid->widths[PLACE] = room / 2;
		grid->widths[COMMAND] = room - grid->widths[PLACE];
	}
	for (size_t r = 0; r < grid->count; r++)
		if (!cut(&grid->rows[r].cells[PLACE], grid->widths[PLACE]) ||
		    !cut(&grid->rows[r].cells[COMMAND], grid->widths[COMMAND]))
			return false;
	return true;
}

static void put_cell(FILE *stream, const struct grid *grid, int column, const char *text)
{
	size_t width = pyi_output_width(text);
	int padding = (int)(grid->widths[column] > width ? grid->widths[column] - width : 0);

	if (column == COMMAND)
		fprintf(stream, "%s\n", text);
	else if (is_figure[column])
		fprintf(stream, "%*s%s%*s", padding, "", text, GAP, "");
	else
		fprintf(stream, "%s%*s", text, padding + GAP, "");
}

static void put_head(const struct pyi_table *table, const struct pyi_list_report *report)
{
	char bytes[PYI_QUANTITY_TEXT];
	double sum = 0;

	for (size_t p = 0; p < report->count; p++)
		sum += (double)report->processes[p].rss_bytes;
	fprintf(table->stream, "%zu Python process%s, %s resident in all\n\n", report->count,
		report->count == 1 ? "" : "es", pyi_quantity_bytes(bytes, sum));
}

static bool put_grid(const struct pyi_table *table, const struct pyi_list_report *report)
{
	PYI_CLEANUP(deinit_grid)
	struct grid grid = { .rows = calloc(shown(report) + 1, sizeof(*grid.rows)) };

	if (!grid.rows)
		return false;
	for (; grid.count < shown(report); grid.count++)
		if (!make_row(&report->processes[grid.count], &grid.rows[grid.count])) {
			grid.count++;
			return false;
		}
	if (!grid.count)
		return true;
	if (!fit(&grid, table->columns))
		return false;
	for (int c = 0; c < COLUMNS; c++)
		put_cell(table->stream, &grid, c, headings[c]);
	for (size_t r = 0; r < grid.count; r++)
		for (int c = 0; c < COLUMNS; c++)
			put_cell(table->stream, &grid, c, grid.rows[r].cells[c]);
	fputc('\n', table->stream);
	return true;
}

/* "2026-01-31T23:59:59Z"; false if it is no date. */
static bool put_time(char text[PYI_QUANTITY_TEXT], int64_t time_s)
{
	time_t moment = (time_t)time_s;
	struct tm parts;

	return time_s > 0 && gmtime_r(&moment, &parts) &&
	       strftime(text, PYI_QUANTITY_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static bool put_missing(const struct pyi_table *table, const struct pyi_list_report *report)
{
	bool ok = true;

	if (report->refused)
		ok = pyi_table_put_note(
			table, "%" PRIu64 " process%s could not be looked at: %s", report->refused,
			report->root	       ? (report->refused == 1 ? "" : "es")
			: report->refused == 1 ? " of another user"
					       : "es of other users",
			report->root ? "the system does not allow it" : "run as root");
	if (ok && report->stuck)
		ok = pyi_table_put_note(table,
					"%" PRIu64 " process%s did not let %s be looked at in time",
					report->stuck, report->stuck == 1 ? "" : "es",
					report->stuck == 1 ? "itself" : "themselves");
	if (ok && report->left_out)
		ok = pyi_table_put_note(table, "%" PRIu64 " process%s left out: there are too many",
					report->left_out, report->left_out == 1 ? "" : "es");
	return ok;
}

static bool put_notes(const struct pyi_table *table, const struct pyi_list_report *report)
{
	char since[PYI_QUANTITY_TEXT];
	bool ok = put_missing(table, report);

	if (ok && shown(report) < report->count)
		ok = pyi_table_put_note(table, "%zu smaller ones are not shown: --limit 0",
					report->count - shown(report));
	if (ok && report->no_growth)
		ok = pyi_table_put_note(table, "growth is not known: %s", report->no_growth);
	else if (ok && put_time(since, report->since_s))
		ok = pyi_table_put_note(table, "GROWTH is that since the last list, of %s", since);
	return ok && pyi_table_put_note(table, "PYTHON is what names of files say; nothing was "
					       "attached to");
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_list_report *report)
{
	struct pyi_table table = { .stream = stream, .columns = columns, .envelope = envelope };

	put_head(&table, report);
	if (!put_grid(&table, report) || !put_notes(&table, report) ||
	    !pyi_table_put_warnings(&table, 0))
		return pyi_error_no_memory();
	return pyi_output_finish(stream);
}

static const char *sign_name(enum pyi_python_sign sign)
{
	switch (sign) {
	case PYI_PYTHON_PROGRAM:
		return "program";
	case PYI_PYTHON_LIBRARY:
		return "library";
	case PYI_PYTHON_MODULE:
		return "module";
	default:
		return NULL;
	}
}

static bool add_growth(cJSON *json, const struct pyi_list_process *process)
{
	char digits[24];

	if (process->growth != PYI_LIST_GROWTH_KNOWN)
		return cJSON_AddNullToObject(json, "growth_bytes");
	snprintf(digits, sizeof(digits), "%" PRId64, growth_of(process));
	return cJSON_AddRawToObject(json, "growth_bytes", digits);
}

static bool add_process(cJSON *json, const struct pyi_list_process *process)
{
	const struct pyi_cgroup_place *place = &process->place;
	const char *name = place->name[0] ? place->name : NULL;

	return pyi_output_add_unsigned(json, "pid", (uint64_t)process->pid) &&
	       pyi_output_add_unsigned(json, "uid", process->uid) &&
	       pyi_output_add_text(json, "user", process->user[0] ? process->user : NULL) &&
	       pyi_output_add_text(json, "unit", place->is_container ? NULL : name) &&
	       pyi_output_add_text(json, "container", place->is_container ? name : NULL) &&
	       pyi_output_add_text(json, "python",
				   knows_version(process) ? process->python : NULL) &&
	       pyi_output_add_text(json, "told_by", sign_name(process->sign)) &&
	       pyi_output_add_unsigned(json, "rss_bytes", process->rss_bytes) &&
	       add_growth(json, process) &&
	       cJSON_AddBoolToObject(json, "new", process->growth == PYI_LIST_GROWTH_NEW) &&
	       pyi_output_add_unsigned(json, "age_s", process->age_s) &&
	       pyi_output_add_text(json, "command", process->command);
}

static bool add_result(cJSON *json, const struct pyi_list_report *report, bool with_processes)
{
	cJSON *result = cJSON_AddObjectToObject(json, "result");
	char since[PYI_QUANTITY_TEXT];
	bool ok = result &&
		  pyi_output_add_text(result, "since",
				      put_time(since, report->since_s) ? since : NULL) &&
		  pyi_output_add_text(result, "no_growth", report->no_growth) &&
		  pyi_output_add_unsigned(result, "refused", report->refused) &&
		  pyi_output_add_unsigned(result, "stuck", report->stuck) &&
		  pyi_output_add_unsigned(result, "left_out", report->left_out) &&
		  pyi_output_add_unsigned(result, "other", report->count - shown(report));
	cJSON *list = ok && with_processes ? cJSON_AddArrayToObject(result, "processes") : NULL;

	if (!with_processes)
		return ok;
	ok = list != NULL;
	for (size_t p = 0; ok && p < shown(report); p++) {
		cJSON *item = pyi_output_append_object(list);

		ok = item && add_process(item, &report->processes[p]);
	}
	return ok;
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_list_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));

	for (size_t p = 0; !error && p < shown(report); p++) {
		json = pyi_ndjson_begin_item("process");
		error = pyi_ndjson_end(stream, json,
				       json && add_process(json, &report->processes[p]));
	}
	return error;
}

struct pyi_error *pyi_report_list(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_list_report *report)
{
	cJSON *json;

	switch (format) {
	case PYI_FORMAT_JSON:
		json = pyi_envelope_to_json(envelope);
		return pyi_output_json_done(stream, json, json && add_result(json, report, true),
					    true);
	case PYI_FORMAT_NDJSON:
		return render_ndjson(stream, envelope, report);
	default:
		return render_table(stream, columns, envelope, report);
	}
}

void pyi_report_list_deinit(struct pyi_list_report *report)
{
	for (size_t p = 0; p < report->count; p++)
		free(report->processes[p].command);
	free(report->processes);
	*report = (struct pyi_list_report){ 0 };
}
