/*
 * Renders what came of each rule as table, JSON or NDJSON, and hands the other forms on.
 *
 * Does not judge, and does not know where the rules came from.
 */
#include "report/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/nagios.h"
#include "report/ndjson.h"
#include "report/prometheus.h"
#include "report/table.h"

enum {
	VALUE,
	WARNING,
	CRITICAL,
	COLUMNS,
};

/* Doubles below are whole numbers without a gap. */
#define WHOLE_LIMIT 9007199254740992.0

const char *pyi_report_check_word(enum pyi_check_status status)
{
	switch (status) {
	case PYI_CHECK_OK:
		return "OK";
	case PYI_CHECK_WARNING:
		return "WARNING";
	case PYI_CHECK_CRITICAL:
		return "CRITICAL";
	case PYI_CHECK_UNKNOWN:
		break;
	}
	return "UNKNOWN";
}

static size_t count_findings(const struct pyi_check *check, enum pyi_check_status status)
{
	size_t count = 0;

	for (size_t f = 0; f < check->count; f++)
		count += check->findings[f].status == status;
	return count;
}

char *pyi_report_check_summary(const struct pyi_check_report *report)
{
	const struct pyi_check *check = report->check;
	size_t good = count_findings(check, PYI_CHECK_OK);
	size_t like = count_findings(check, check->status);
	const char *doubt = report->sample->incomplete ? "; the measurement is incomplete, figures "
							 "may be too low or wrong"
						       : "";
	char *text;
	int length;

	if (check->count && check->findings[0].status != PYI_CHECK_OK && like > 1)
		length = asprintf(&text, "%s (and %zu more)%s", check->findings[0].message,
				  like - 1, doubt);
	else if (check->count && check->findings[0].status != PYI_CHECK_OK)
		length = asprintf(&text, "%s%s", check->findings[0].message, doubt);
	else
		length = asprintf(&text, "%zu rule%s ok%s", good, good == 1 ? "" : "s", doubt);
	return length < 0 ? NULL : text;
}

static const char *suffix_of(enum pyi_check_unit unit)
{
	switch (unit) {
	case PYI_CHECK_COUNT:
		break;
	case PYI_CHECK_BYTES:
		return " B";
	case PYI_CHECK_COUNT_PER_HOUR:
		return "/h";
	case PYI_CHECK_BYTES_PER_HOUR:
		return " B/h";
	}
	return "";
}

static const char *unit_name(enum pyi_check_unit unit)
{
	switch (unit) {
	case PYI_CHECK_COUNT:
		break;
	case PYI_CHECK_BYTES:
		return "bytes";
	case PYI_CHECK_COUNT_PER_HOUR:
		return "count-per-hour";
	case PYI_CHECK_BYTES_PER_HOUR:
		return "bytes-per-hour";
	}
	return "count";
}

/* "1,234 B", "0.4/h", "-" for what is not known or infinite. */
static void put_value(char *figure, bool known, double value, enum pyi_check_unit unit)
{
	char digits[PYI_TABLE_FIGURE_BYTES];
	double size = fabs(value);

	if (!known || !isfinite(value))
		snprintf(figure, PYI_TABLE_FIGURE_BYTES, "-");
	else if (size >= WHOLE_LIMIT)
		snprintf(figure, PYI_TABLE_FIGURE_BYTES, "%.4g%s", value, suffix_of(unit));
	else if (size < 100 && size != floor(size))
		snprintf(figure, PYI_TABLE_FIGURE_BYTES, "%.1f%s", value, suffix_of(unit));
	else
		/* What is below the limit has 16 digits and 5 commas. */
		snprintf(figure, PYI_TABLE_FIGURE_BYTES, "%s%.21s%s", value <= -0.5 ? "-" : "",
			 pyi_table_figure(digits, (uint64_t)round(size)), suffix_of(unit));
}

static struct pyi_table_line line_of(const struct pyi_check_finding *finding)
{
	struct pyi_table_line line = { 0 };

	put_value(line.figures[VALUE], finding->value_known, finding->value, finding->unit);
	put_value(line.figures[WARNING], true, finding->warning, finding->unit);
	put_value(line.figures[CRITICAL], true, finding->critical, finding->unit);
	return line;
}

static const struct pyi_table_line headings = { { "VALUE", "WARNING", "CRITICAL" } };

static bool put_findings(struct pyi_table *table, const struct pyi_check *check)
{
	bool ok = true;

	pyi_table_widen(table, &headings);
	for (size_t f = 0; f < check->count; f++) {
		struct pyi_table_line line = line_of(&check->findings[f]);

		pyi_table_widen(table, &line);
	}
	pyi_table_put_figures(table, &headings);
	fputs("STATUS    RULE\n", table->stream);
	for (size_t f = 0; ok && f < check->count; f++) {
		const struct pyi_check_finding *finding = &check->findings[f];
		PYI_CLEANUP(pyi_guard_free) char *label = NULL;
		struct pyi_table_line line = line_of(finding);
		bool named = !finding->subject || strstr(finding->rule, finding->subject);

		if (asprintf(&label, "%-8s  %s%s%s", pyi_report_check_word(finding->status),
			     finding->rule, named ? "" : " ", named ? "" : finding->subject) < 0) {
			label = NULL;
			return false;
		}
		pyi_table_put_figures(table, &line);
		ok = pyi_table_put_label(table, 0, 0, label, NULL);
	}
	fputc('\n', table->stream);
	return ok;
}

static bool put_notes(const struct pyi_table *table, const struct pyi_check_report *report)
{
	const struct pyi_check *check = report->check;
	bool ok = true;

	for (size_t f = 0; ok && f < check->count; f++)
		if (check->findings[f].status != PYI_CHECK_OK || !check->findings[f].value_known)
			ok = pyi_table_put_note(table, "- %s", check->findings[f].message);
	if (ok && report->evidence)
		ok = pyi_table_put_note(table, "evidence: %s", report->evidence);
	return ok && pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_check_report *report)
{
	PYI_CLEANUP(pyi_guard_free) char *summary = pyi_report_check_summary(report);
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};

	if (!summary || !pyi_table_put_target(&table) ||
	    !pyi_table_put_note(&table, "%s: %s", pyi_report_check_word(report->check->status),
				summary))
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!put_findings(&table, report->check) || !put_notes(&table, report))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

/* null for what is not known; whole numbers are written as such. */
static bool add_number(cJSON *json, const char *key, bool known, double value)
{
	if (!known || !isfinite(value))
		return cJSON_AddNullToObject(json, key) != NULL;
	if (value >= 0 && value < WHOLE_LIMIT && value == floor(value))
		return pyi_output_add_unsigned(json, key, (uint64_t)value);
	return cJSON_AddNumberToObject(json, key, value) != NULL;
}

/* The limit that was passed, or the one that would be next. */
static double threshold_of(const struct pyi_check_finding *finding)
{
	if (finding->status == PYI_CHECK_CRITICAL || !isfinite(finding->warning))
		return finding->critical;
	return finding->warning;
}

static bool add_finding(cJSON *json, const struct pyi_check_finding *finding)
{
	return pyi_output_add_text(json, "rule", finding->rule) &&
	       pyi_output_add_text(json, "subject", finding->subject) &&
	       pyi_output_add_text(json, "status", pyi_check_status_name(finding->status)) &&
	       cJSON_AddBoolToObject(json, "absent", finding->absent) &&
	       add_number(json, "value", finding->value_known, finding->value) &&
	       pyi_output_add_text(json, "unit", unit_name(finding->unit)) &&
	       add_number(json, "threshold", true, threshold_of(finding)) &&
	       add_number(json, "warning", true, finding->warning) &&
	       add_number(json, "critical", true, finding->critical) &&
	       pyi_output_add_text(json, "message", finding->message);
}

static bool add_findings(cJSON *result, const struct pyi_check *check)
{
	cJSON *list = cJSON_AddArrayToObject(result, "rules");
	bool ok = list != NULL;

	for (size_t f = 0; ok && f < check->count; f++) {
		cJSON *json = pyi_output_append_object(list);

		ok = json && add_finding(json, &check->findings[f]);
	}
	return ok;
}

/* Those of the process; types and containers are in history. */
static bool add_figures(cJSON *result, const struct pyi_sample *sample)
{
	cJSON *json = cJSON_AddObjectToObject(result, "figures");
	bool ok = json != NULL;

	for (size_t f = 0; ok && f < sample->figure_count; f++)
		if (sample->figures[f].kind == PYI_FIGURE_PROCESS)
			ok = pyi_output_add_unsigned(json, sample->figures[f].name,
						     sample->figures[f].count);
	return ok;
}

static bool add_history(cJSON *result, const struct pyi_check_report *report)
{
	cJSON *json = cJSON_AddObjectToObject(result, "history");

	return json && pyi_output_add_text(json, "file", report->history) &&
	       cJSON_AddBoolToObject(json, "kept", report->history_kept);
}

static bool add_result(cJSON *json, const struct pyi_check_report *report, bool with_rules)
{
	PYI_CLEANUP(pyi_guard_free) char *summary = pyi_report_check_summary(report);
	const struct pyi_sample *sample = report->sample;
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return summary && result &&
	       pyi_output_add_text(result, "status",
				   pyi_check_status_name(report->check->status)) &&
	       pyi_output_add_text(result, "summary", summary) &&
	       pyi_output_add_unsigned(result, "time_s",
				       sample->time_s > 0 ? (uint64_t)sample->time_s : 0) &&
	       (report->age_unknown ? cJSON_AddNullToObject(result, "age_s") != NULL
				    : pyi_output_add_unsigned(result, "age_s", sample->age_s)) &&
	       cJSON_AddBoolToObject(result, "incomplete", sample->incomplete) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects) &&
	       (!with_rules || add_findings(result, report->check)) &&
	       add_figures(result, sample) && add_history(result, report) &&
	       pyi_output_add_text(result, "evidence", report->evidence);
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_check_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));

	for (size_t f = 0; !error && f < report->check->count; f++) {
		json = pyi_ndjson_begin_item("rule");
		error = pyi_ndjson_end(stream, json,
				       json && add_finding(json, &report->check->findings[f]));
	}
	return error;
}

struct pyi_error *pyi_report_check(FILE *stream, enum pyi_format format, unsigned columns,
				   const struct pyi_envelope *envelope,
				   const struct pyi_check_report *report)
{
	cJSON *json;
	bool ok;

	switch (format) {
	case PYI_FORMAT_JSON:
		json = pyi_envelope_to_json(envelope);
		ok = json && add_result(json, report, true);
		return pyi_output_json_done(stream, json, ok, true);
	case PYI_FORMAT_NDJSON:
		return render_ndjson(stream, envelope, report);
	case PYI_FORMAT_NAGIOS:
		return pyi_report_nagios(stream, envelope, report);
	case PYI_FORMAT_PROMETHEUS:
		return pyi_report_prometheus(stream, envelope, report);
	case PYI_FORMAT_TABLE:
	case PYI_FORMAT_DOT:
		break;
	}
	return render_table(stream, columns, envelope, report);
}

struct pyi_error *pyi_report_check_failure(FILE *stream, enum pyi_format format, const char *target,
					   enum pyi_check_status status, int64_t time_s,
					   const struct pyi_error *failure)
{
	if (format == PYI_FORMAT_NAGIOS)
		return pyi_report_nagios_failure(stream, status, failure);
	if (format == PYI_FORMAT_PROMETHEUS)
		return pyi_report_prometheus_failure(stream, target, status, time_s);
	return NULL;
}
