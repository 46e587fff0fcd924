/*
 * Renders what is known of a process over time as table and plots; the machine forms are in
 * history_json.c.
 *
 * Does not judge: a trend says itself whether something grows.
 */
#include "report/history.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/plot.h"
#include "report/table.h"

enum column {
	FIRST,
	LAST,
	CHANGE,
	PER_HOUR,
	COLUMNS,
};

/* The line of a few characters, and what is between it and the name. */
enum {
	SPARK_WIDTH = PYI_PLOT_SPARK_COLUMNS + 2,
};

static const struct pyi_table_line headings = { { "FIRST", "LAST", "CHANGE", "PER HOUR" } };

static bool shows_bytes(const struct pyi_series *series, bool by_bytes)
{
	return by_bytes && series->kind != PYI_FIGURE_PROCESS &&
	       series->kind != PYI_FIGURE_CONTAINER && series->kind != PYI_FIGURE_LONGEST;
}

static uint64_t value_at(const struct pyi_series *series, size_t point, bool bytes)
{
	return bytes ? series->points[point].bytes : series->points[point].count;
}

static uint64_t first_of(const struct pyi_series *series, bool bytes)
{
	return value_at(series, 0, bytes);
}

static uint64_t last_of(const struct pyi_series *series, bool bytes)
{
	return value_at(series, series->point_count - 1, bytes);
}

struct sort_key {
	bool grows;
	bool process;
	uint64_t change;
};

static struct sort_key key_of(const struct pyi_history_row *row, bool by_bytes)
{
	bool bytes = shows_bytes(row->series, by_bytes);
	uint64_t first = first_of(row->series, bytes);
	uint64_t last = last_of(row->series, bytes);

	return (struct sort_key){
		.grows = bytes ? row->bytes.grows : row->count.grows,
		.process = row->series->kind == PYI_FIGURE_PROCESS,
		.change = last > first ? last - first : first - last,
	};
}

static int compare_rows(const void *left, const void *right, bool by_bytes)
{
	const struct pyi_history_row *a = left;
	const struct pyi_history_row *b = right;
	struct sort_key x = key_of(a, by_bytes);
	struct sort_key y = key_of(b, by_bytes);

	if (x.grows != y.grows)
		return x.grows ? -1 : 1;
	if (x.process != y.process)
		return x.process ? -1 : 1;
	if (x.change != y.change)
		return x.change > y.change ? -1 : 1;
	if (a->series->kind != b->series->kind)
		return a->series->kind < b->series->kind ? -1 : 1;
	return strcmp(a->series->name, b->series->name);
}

static int by_count(const void *left, const void *right)
{
	return compare_rows(left, right, false);
}

static int by_bytes(const void *left, const void *right)
{
	return compare_rows(left, right, true);
}

void pyi_report_history_sort(struct pyi_history_row *rows, size_t count, bool of_bytes)
{
	qsort(rows, count, sizeof(*rows), of_bytes ? by_bytes : by_count);
}

/* "+12.3k": three digits or so; returns `text`. */
static const char *put_rate(char text[16], double value)
{
	static const char units[] = " kMGTPE";
	double size = fabs(value);
	size_t unit = 0;
	int length;

	for (; size >= 999.5 && units[unit + 1]; unit++)
		size /= 1000;
	length = snprintf(text, 16, "%s%.*f", value < 0 ? "-" : "+",
			  size < 9.995	 ? 2
			  : size < 99.95 ? 1
					 : 0,
			  size);
	if (unit && length > 0 && length < 14)
		snprintf(text + length, 16 - (size_t)length, "%c", units[unit]);
	return text;
}

static void put_change(char figure[PYI_TABLE_FIGURE_BYTES], uint64_t first, uint64_t last)
{
	if (first == last)
		strcpy(figure, "0");
	else
		pyi_table_figure(figure + 1, last > first ? last - first : first - last);
	if (first != last)
		figure[0] = last > first ? '+' : '-';
}

/* With the bounds of its 95 % confidence, so that nobody takes noise for growth. */
static void put_slope(char figure[PYI_TABLE_FIGURE_BYTES], const struct pyi_trend *trend)
{
	char slope[16];
	char high[16];
	char low[16];

	if (!trend->known)
		strcpy(figure, "-");
	else
		snprintf(figure, PYI_TABLE_FIGURE_BYTES, "%.8s (%.7s..%.7s)",
			 put_rate(slope, trend->slope), put_rate(low, trend->slope_low),
			 put_rate(high, trend->slope_high));
}

static struct pyi_table_line line_of(const struct pyi_history_row *row, bool of_bytes)
{
	bool bytes = shows_bytes(row->series, of_bytes);
	struct pyi_table_line line = { 0 };

	pyi_table_figure(line.figures[FIRST], first_of(row->series, bytes));
	pyi_table_figure(line.figures[LAST], last_of(row->series, bytes));
	put_change(line.figures[CHANGE], first_of(row->series, bytes), last_of(row->series, bytes));
	put_slope(line.figures[PER_HOUR], bytes ? &row->bytes : &row->count);
	return line;
}

/* What the figure is of; the caller owns it. */
static char *label_of(const struct pyi_history_row *row, bool of_bytes)
{
	const struct pyi_series *series = row->series;
	bool grows = shows_bytes(series, of_bytes) ? row->bytes.grows : row->count.grows;
	const char *before = series->kind == PYI_FIGURE_CONTAINER ? "len(" : "";
	const char *behind = series->kind == PYI_FIGURE_CONTAINER ? ")" : "";
	char *label;

	if (series->kind == PYI_FIGURE_LONGEST) {
		before = "longest ";
		behind = "";
	}
	if (series->kind == PYI_FIGURE_TYPE_TREE)
		behind = " and subclasses";
	if (asprintf(&label, "%s%s%s%s", before, series->name, behind, grows ? "  GROWS" : "") < 0)
		return NULL;
	return label;
}

static size_t shown_rows(const struct pyi_history_report *report)
{
	return report->limit && report->limit < report->row_count ? (size_t)report->limit
								  : report->row_count;
}

static bool put_process(const struct pyi_table *table, const struct pyi_history_report *report)
{
	const struct pyi_history_process *process = report->process;
	char first[PYI_PLOT_TIME_BYTES];
	char last[PYI_PLOT_TIME_BYTES];

	if (!pyi_table_put_note(table, "PID %" PRId64 "%s, %s%s%s", process->pid,
				report->running ? "" : " (has exited)", process->exe,
				*process->exe ? ", " : "", process->target))
		return false;
	return pyi_table_put_note(table,
				  "%" PRIu64 " samples from %s to %s, %" PRIu64 " of them kept",
				  process->samples, pyi_plot_time(first, process->first_s),
				  pyi_plot_time(last, process->last_s), process->kept);
}

static bool put_rows(struct pyi_table *table, const struct pyi_history_report *report)
{
	size_t shown = shown_rows(report);
	struct pyi_table_line line = headings;
	bool ok = true;

	pyi_table_widen(table, &line);
	for (size_t r = 0; r < shown; r++) {
		line = line_of(&report->rows[r], report->by_bytes);
		pyi_table_widen(table, &line);
	}
	line = headings;
	pyi_table_put_figures(table, &line);
	fprintf(table->stream, "%-*sFIGURE\n", SPARK_WIDTH, "TREND");
	for (size_t r = 0; ok && r < shown; r++) {
		const struct pyi_history_row *row = &report->rows[r];
		PYI_CLEANUP(pyi_guard_free) char *label = label_of(row, report->by_bytes);
		char spark[PYI_PLOT_SPARK_BYTES];

		line = line_of(row, report->by_bytes);
		pyi_table_put_figures(table, &line);
		fprintf(table->stream, "%s  ",
			pyi_plot_spark(spark, row->series,
				       shows_bytes(row->series, report->by_bytes), report->plain));
		ok = label && pyi_table_put_label(table, SPARK_WIDTH, 0, label, NULL);
	}
	if (ok && shown < report->row_count)
		ok = pyi_table_put_note(table, "and %zu other figures (see --limit)",
					report->row_count - shown);
	return ok;
}

/* A plot, and in words what it shows. */
static bool put_plot(const struct pyi_table *table, const struct pyi_history_report *report,
		     const struct pyi_history_row *row)
{
	const struct pyi_series *series = row->series;
	bool bytes = shows_bytes(series, report->by_bytes);
	const struct pyi_trend *trend = bytes ? &row->bytes : &row->count;
	PYI_CLEANUP(pyi_guard_free) char *label = label_of(row, report->by_bytes);
	struct pyi_table_line line = line_of(row, report->by_bytes);

	if (!label || !pyi_table_put_note(table, "%s%s", label, bytes ? ", bytes" : ""))
		return false;
	if (series->point_count > 1 &&
	    !pyi_plot_put(table->stream, series, bytes, report->plain, table->columns))
		return false;
	if (!pyi_table_put_note(table, "from %s to %s (%s), %zu points", line.figures[FIRST],
				line.figures[LAST], line.figures[CHANGE], series->point_count))
		return false;
	if (!trend->known)
		return pyi_table_put_note(table, "not enough history yet to say whether it grows");
	return pyi_table_put_note(table, "per hour, with the bounds of 95 %% confidence: %s: %s",
				  line.figures[PER_HOUR],
				  trend->grows ? "it grows"
					       : "no growth that is more than noise, "
						 "warm-up or a cycle");
}

static bool put_notes(const struct pyi_table *table, const struct pyi_history_report *report)
{
	bool ok = true;

	if (report->notes.incomplete)
		ok = pyi_table_put_note(table, "samples of incomplete looks, not shown: %" PRIu64,
					report->notes.incomplete);
	if (ok && report->notes.damaged)
		ok = pyi_table_put_note(table, "warning: damaged samples, not shown: %" PRIu64,
					report->notes.damaged);
	for (size_t w = 0; ok && w < table->envelope->warning_count; w++)
		ok = pyi_table_put_note(table, "warning: %s [%s]",
					table->envelope->warnings[w].message,
					table->envelope->warnings[w].code);
	return ok;
}

static bool put_one(struct pyi_table *table, const struct pyi_history_report *report)
{
	bool ok = put_process(table, report);

	if (ok)
		fputc('\n', table->stream);
	if (!report->single || !ok) {
		ok = ok && put_rows(table, report);
	} else {
		for (size_t r = 0; ok && r < report->row_count; r++) {
			if (r)
				fputc('\n', table->stream);
			ok = put_plot(table, report, &report->rows[r]);
		}
	}
	return ok;
}

static bool put_processes(struct pyi_table *table, const struct pyi_history_report *report)
{
	table->figure_count = 2;
	for (int pass = 0; pass < 2; pass++) {
		struct pyi_table_line line = { { "PID", "SAMPLES" } };

		if (pass) {
			pyi_table_put_figures(table, &line);
			fprintf(table->stream, "%-18s%-18sTARGET\n", "FIRST", "LAST");
		} else {
			pyi_table_widen(table, &line);
		}
		for (size_t p = 0; p < report->process_count; p++) {
			const struct pyi_history_process *process = &report->processes[p];
			char first[PYI_PLOT_TIME_BYTES];
			char last[PYI_PLOT_TIME_BYTES];

			snprintf(line.figures[0], PYI_TABLE_FIGURE_BYTES, "%" PRId64, process->pid);
			pyi_table_figure(line.figures[1], process->samples);
			if (!pass) {
				pyi_table_widen(table, &line);
				continue;
			}
			pyi_table_put_figures(table, &line);
			fprintf(table->stream, "%-18s%-18s", pyi_plot_time(first, process->first_s),
				pyi_plot_time(last, process->last_s));
			if (!pyi_table_put_label(table, 36, 0, process->target,
						 *process->exe ? process->exe : NULL))
				return false;
		}
	}
	return true;
}

struct pyi_error *pyi_report_history(FILE *stream, enum pyi_format format, unsigned columns,
				     const struct pyi_envelope *envelope,
				     const struct pyi_history_report *report)
{
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};
	bool ok;

	if (format != PYI_FORMAT_TABLE)
		return pyi_report_history_json(stream, format == PYI_FORMAT_JSON, envelope, report);
	ok = report->process ? put_one(&table, report) : put_processes(&table, report);
	if (!ok || !put_notes(&table, report))
		return pyi_error_no_memory();
	return pyi_output_finish(stream);
}
