/*
 * The machine forms of the report of `history`: JSON and NDJSON.
 */
#include <math.h>

#include "report/history.h"
#include "report/ndjson.h"

static const char *kind_name(enum pyi_figure_kind kind)
{
	switch (kind) {
	case PYI_FIGURE_PROCESS:
		return "process";
	case PYI_FIGURE_TYPE:
		return "type";
	case PYI_FIGURE_TYPE_TREE:
		return "type-tree";
	case PYI_FIGURE_CONTAINER:
		return "container";
	case PYI_FIGURE_LONGEST:
		return "longest-container";
	}
	/* Of a version that knows more. */
	return "other";
}

/* Times may be before 1970, of a clock that was wrong. */
static bool add_signed(cJSON *object, const char *key, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	return cJSON_AddRawToObject(object, key, digits);
}

static bool add_number(cJSON *object, const char *key, bool known, double value)
{
	if (!known || !isfinite(value))
		return cJSON_AddNullToObject(object, key);
	return cJSON_AddNumberToObject(object, key, value);
}

static bool add_trend(cJSON *object, const char *key, const struct pyi_trend *trend)
{
	cJSON *json = cJSON_AddObjectToObject(object, key);

	return json && cJSON_AddBoolToObject(json, "known", trend->known) &&
	       cJSON_AddBoolToObject(json, "grows", trend->grows) &&
	       pyi_output_add_unsigned(json, "points", trend->points) &&
	       add_signed(json, "span_s", trend->span_s) &&
	       add_number(json, "per_hour", trend->known, trend->slope) &&
	       add_number(json, "per_hour_low", trend->known, trend->slope_low) &&
	       add_number(json, "per_hour_high", trend->known, trend->slope_high);
}

static bool add_point_members(cJSON *json, const struct pyi_point *point)
{
	return add_signed(json, "time_s", point->time_s) &&
	       pyi_output_add_unsigned(json, "age_s", point->age_s) &&
	       pyi_output_add_unsigned(json, "count", point->count) &&
	       pyi_output_add_unsigned(json, "bytes", point->bytes);
}

static bool add_point(cJSON *object, const char *key, const struct pyi_point *point)
{
	cJSON *json = cJSON_AddObjectToObject(object, key);

	return json && add_point_members(json, point);
}

static bool add_points(cJSON *object, const struct pyi_series *series)
{
	cJSON *points = cJSON_AddArrayToObject(object, "points");
	bool ok = points != NULL;

	for (size_t p = 0; ok && p < series->point_count; p++) {
		cJSON *json = pyi_output_append_object(points);

		ok = json && add_point_members(json, &series->points[p]);
	}
	return ok;
}

static bool add_figure(cJSON *json, const struct pyi_history_row *row, bool with_points)
{
	const struct pyi_series *series = row->series;

	return pyi_output_add_text(json, "of", kind_name(series->kind)) &&
	       pyi_output_add_text(json, "name", series->name) &&
	       add_point(json, "first", &series->points[0]) &&
	       add_point(json, "last", &series->points[series->point_count - 1]) &&
	       add_trend(json, "count", &row->count) && add_trend(json, "bytes", &row->bytes) &&
	       (!with_points || add_points(json, series));
}

static bool add_process(cJSON *json, const struct pyi_history_process *process)
{
	return add_signed(json, "pid", process->pid) &&
	       pyi_output_add_text(json, "boot_id", process->boot_id) &&
	       pyi_output_add_unsigned(json, "start_ticks", process->start_ticks) &&
	       pyi_output_add_text(json, "exe", process->exe) &&
	       pyi_output_add_text(json, "target", process->target) &&
	       add_signed(json, "first_s", process->first_s) &&
	       add_signed(json, "last_s", process->last_s) &&
	       pyi_output_add_unsigned(json, "samples", process->samples) &&
	       pyi_output_add_unsigned(json, "kept", process->kept);
}

static size_t shown_rows(const struct pyi_history_report *report)
{
	return report->limit && report->limit < report->row_count ? (size_t)report->limit
								  : report->row_count;
}

static bool add_figures(cJSON *result, const struct pyi_history_report *report)
{
	cJSON *figures = cJSON_AddArrayToObject(result, "figures");
	bool ok = figures != NULL;

	for (size_t r = 0; ok && r < shown_rows(report); r++) {
		cJSON *json = pyi_output_append_object(figures);

		ok = json && add_figure(json, &report->rows[r], report->single);
	}
	return ok;
}

static bool add_processes(cJSON *result, const struct pyi_history_report *report)
{
	cJSON *processes = cJSON_AddArrayToObject(result, "processes");
	bool ok = processes != NULL;

	for (size_t p = 0; ok && p < report->process_count; p++) {
		cJSON *json = pyi_output_append_object(processes);

		ok = json && add_process(json, &report->processes[p]);
	}
	return ok;
}

static bool add_result(cJSON *json, const struct pyi_history_report *report, bool with_lists)
{
	cJSON *result = cJSON_AddObjectToObject(json, "result");
	cJSON *process;
	bool ok = result && pyi_output_add_text(result, "file", report->file) &&
		  pyi_output_add_unsigned(result, "damaged", report->notes.damaged);

	if (!report->process)
		return ok && (!with_lists || add_processes(result, report));
	process = ok ? cJSON_AddObjectToObject(result, "process") : NULL;
	ok = process && add_process(process, report->process) &&
	     cJSON_AddBoolToObject(process, "running", report->running) &&
	     pyi_output_add_unsigned(result, "incomplete", report->notes.incomplete) &&
	     pyi_output_add_unsigned(result, "other", report->row_count - shown_rows(report));
	if (ok && report->since_s)
		ok = pyi_output_add_unsigned(result, "since_s", report->since_s);
	else
		ok = ok && cJSON_AddNullToObject(result, "since_s");
	return ok && (!with_lists || add_figures(result, report));
}

static struct pyi_error *put_lines(FILE *stream, const struct pyi_history_report *report)
{
	size_t count = report->process ? shown_rows(report) : report->process_count;
	struct pyi_error *error = NULL;

	for (size_t i = 0; !error && i < count; i++) {
		cJSON *json = pyi_ndjson_begin_item(report->process ? "figure" : "process");
		bool ok = json &&
			  (report->process ? add_figure(json, &report->rows[i], report->single)
					   : add_process(json, &report->processes[i]));

		error = pyi_ndjson_end(stream, json, ok);
	}
	return error;
}

struct pyi_error *pyi_report_history_json(FILE *stream, bool pretty,
					  const struct pyi_envelope *envelope,
					  const struct pyi_history_report *report)
{
	struct pyi_error *error;
	cJSON *json;

	json = pretty ? pyi_envelope_to_json(envelope) : pyi_ndjson_begin_report(envelope);
	if (pretty)
		return pyi_output_json_done(stream, json, json && add_result(json, report, true),
					    true);
	error = pyi_ndjson_end(stream, json, json && add_result(json, report, false));
	return error ? error : put_lines(stream, report);
}
