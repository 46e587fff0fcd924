/*
 * Renders growth as table, JSON or NDJSON.
 *
 * Does not judge it.
 */
#include "report/growth.h"

#include <inttypes.h>
#include <string.h>

#include "report/census.h"
#include "report/growth_figure.h"
#include "report/ndjson.h"
#include "report/table.h"

enum {
	COLUMNS = 4,
};

#define SECONDS_PER_HOUR 3600.0

static double elapsed_s(const struct pyi_growth_report *report)
{
	return report->moments[report->growth->census_count - 1].seconds;
}

/* In an hour, if it goes on like that. */
static double per_hour(const struct pyi_growth_report *report, struct pyi_change change)
{
	double seconds = elapsed_s(report);

	if (seconds <= 0)
		return 0;
	return ((double)change.after - (double)change.before) / seconds * SECONDS_PER_HOUR;
}

static struct pyi_change rate(const struct pyi_growth_report *report, struct pyi_change change)
{
	double figure = per_hour(report, change);
	uint64_t size = (uint64_t)(figure < 0 ? -figure : figure);

	return figure < 0 ? (struct pyi_change){ size, 0 } : (struct pyi_change){ 0, size };
}

static struct pyi_table_line make_line(const struct pyi_growth_report *report,
				       const struct pyi_series_type *type)
{
	struct pyi_table_line line = { 0 };

	pyi_growth_figure(line.figures[0], type->size, type->estimated);
	pyi_growth_figure(line.figures[1], type->count, false);
	pyi_growth_figure(line.figures[2],
			  rate(report, report->by_count ? type->count : type->size),
			  type->estimated && !report->by_count);
	snprintf(line.figures[3], PYI_TABLE_FIGURE_BYTES, "%zu of %zu", type->steps,
		 report->growth->census_count - 1);
	return line;
}

static size_t shown_types(const struct pyi_growth_report *report)
{
	return report->growth->type_count < report->limit ? report->growth->type_count
							  : report->limit;
}

static bool put_head(const struct pyi_table *table, const struct pyi_growth_report *report)
{
	const struct pyi_growth_moment *last = &report->moments[report->growth->census_count - 1];
	const struct pyi_growth_moment *first = &report->moments[0];
	const struct pyi_change objects = { first->objects, last->objects };
	const struct pyi_change bytes = { first->bytes, last->bytes };
	char grown[PYI_TABLE_FIGURE_BYTES];
	char more[PYI_TABLE_FIGURE_BYTES];

	pyi_growth_figure(grown, objects, false);
	pyi_growth_figure(more, bytes, false);
	return pyi_table_put_target(table) &&
	       pyi_table_put_note(table, "%zu snapshots in %.1f s: %s objects, %s bytes",
				  report->growth->census_count, last->seconds, grown, more);
}

static bool put_types(struct pyi_table *table, const struct pyi_growth_report *report)
{
	const struct pyi_type_series *growth = report->growth;
	struct pyi_table_line head = { { "+BYTES", "+COUNT", "BYTES/H", "STEPS" } };
	const size_t shown = shown_types(report);

	if (!growth->type_count)
		return pyi_table_put_note(table, "Nothing has changed");
	if (report->by_count)
		strcpy(head.figures[2], "COUNT/H");
	pyi_table_widen(table, &head);
	for (size_t t = 0; t < shown; t++) {
		struct pyi_table_line line = make_line(report, &growth->types[t]);

		pyi_table_widen(table, &line);
	}
	fputc('\n', table->stream);
	pyi_table_put_figures(table, &head);
	fputs("TYPE\n", table->stream);
	for (size_t t = 0; t < shown; t++) {
		struct pyi_table_line line = make_line(report, &growth->types[t]);

		if (t && growth->types[t].kind != growth->types[t - 1].kind)
			pyi_table_put_rule(table);
		pyi_table_put_figures(table, &line);
		if (!pyi_report_put_type(table, growth->types[t].name, 1))
			return false;
	}
	if (shown < growth->type_count)
		fprintf(table->stream, "%*s%s %zu others\n", (int)pyi_table_text_start(table), "",
			pyi_output_ellipsis(), growth->type_count - shown);
	return true;
}

/* What those of one kind add up to. */
static bool put_kind(const struct pyi_table *table, const struct pyi_type_series *growth,
		     enum pyi_series_kind kind, const char *words)
{
	struct pyi_change count = { 0 };
	struct pyi_change bytes = { 0 };
	size_t types = 0;
	char grown[PYI_TABLE_FIGURE_BYTES];
	char more[PYI_TABLE_FIGURE_BYTES];

	for (size_t t = 0; t < growth->type_count; t++) {
		const struct pyi_series_type *type = &growth->types[t];

		if (type->kind != kind)
			continue;
		types++;
		count.before += type->count.before;
		count.after += type->count.after;
		bytes.before += type->size.before;
		bytes.after += type->size.after;
	}
	if (!types)
		return true;
	pyi_growth_figure(grown, count, false);
	pyi_growth_figure(more, bytes, false);
	return pyi_table_put_note(table, "%s: %zu type%s, %s objects, %s bytes", words, types,
				  types == 1 ? "" : "s", grown, more);
}

static bool put_notes(const struct pyi_table *table, const struct pyi_growth_report *report)
{
	const struct pyi_type_series *growth = report->growth;

	return put_kind(table, growth, PYI_SERIES_STEADY, "grew in each interval") &&
	       put_kind(table, growth, PYI_SERIES_STEPS,
			growth->census_count > 2
				? "grew, but not in each interval"
				: "grew (one interval: steady or not is not known)") &&
	       put_kind(table, growth, PYI_SERIES_NOISE, "became less at least once: noise") &&
	       (!pyi_type_series_sum(growth, 0).estimated || pyi_table_put_estimate_note(table)) &&
	       pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_growth_report *report)
{
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};

	if (!put_head(&table, report) || !put_types(&table, report))
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!put_notes(&table, report))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

static bool add_numbers(cJSON *json, const char *key, const uint64_t *numbers, size_t count)
{
	cJSON *array = cJSON_AddArrayToObject(json, key);

	for (size_t n = 0; array && n < count; n++) {
		char digits[24];
		cJSON *item;

		snprintf(digits, sizeof(digits), "%" PRIu64, numbers[n]);
		item = cJSON_CreateRaw(digits);
		if (!item || !cJSON_AddItemToArray(array, item)) {
			cJSON_Delete(item);
			return false;
		}
	}
	return array != NULL;
}

static bool add_type(cJSON *json, const struct pyi_growth_report *report, const char *kind_key,
		     const struct pyi_series_type *type)
{
	const size_t count = report->growth->census_count;
	cJSON *rates;

	if (!json || !pyi_output_add_text(json, "type", type->name) ||
	    !pyi_output_add_text(json, kind_key, pyi_series_kind_name(type->kind)) ||
	    !pyi_output_add_unsigned(json, "steps", type->steps) ||
	    !pyi_growth_add(json, "count", type->count) ||
	    !pyi_growth_add(json, "bytes", type->size))
		return false;
	rates = cJSON_AddObjectToObject(json, "per_hour");
	return rates && cJSON_AddNumberToObject(rates, "count", per_hour(report, type->count)) &&
	       cJSON_AddNumberToObject(rates, "bytes", per_hour(report, type->size)) &&
	       add_numbers(json, "counts", type->counts, count) &&
	       add_numbers(json, "sizes", type->bytes, count) &&
	       (!type->estimated || cJSON_AddTrueToObject(json, "estimated"));
}

static bool add_moments(cJSON *result, const struct pyi_growth_report *report)
{
	cJSON *array = cJSON_AddArrayToObject(result, "snapshots");
	bool ok = array != NULL;

	for (size_t m = 0; ok && m < report->growth->census_count; m++) {
		const struct pyi_growth_moment *moment = &report->moments[m];
		cJSON *json = pyi_output_append_object(array);

		ok = json && cJSON_AddNumberToObject(json, "seconds", moment->seconds) &&
		     pyi_output_add_unsigned(json, "objects", moment->objects) &&
		     pyi_output_add_unsigned(json, "bytes", moment->bytes) &&
		     cJSON_AddNumberToObject(json, "paused_ms", moment->paused_ms);
	}
	return ok;
}

static bool add_result(cJSON *json, const struct pyi_growth_report *report, bool with_types)
{
	cJSON *result = cJSON_AddObjectToObject(json, "result");
	cJSON *types;
	bool ok = result && pyi_output_add_text(result, "scope", report->scope) &&
		  pyi_output_add_text(result, "by", report->by_count ? "count" : "bytes") &&
		  pyi_report_add_filter(result, &report->filter) &&
		  cJSON_AddNumberToObject(result, "interval_seconds", report->interval_s) &&
		  add_moments(result, report) &&
		  pyi_output_add_unsigned(result, "same", report->growth->same_count) &&
		  pyi_output_add_unsigned(result, "skipped", report->skipped_objects);

	if (!ok || !with_types)
		return ok;
	types = cJSON_AddArrayToObject(result, "types");
	ok = types != NULL;
	for (size_t t = 0; ok && t < report->growth->type_count; t++)
		ok = add_type(pyi_output_append_object(types), report, "kind",
			      &report->growth->types[t]);
	return ok;
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_growth_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));

	for (size_t t = 0; !error && t < report->growth->type_count; t++) {
		json = pyi_ndjson_begin_item("type");
		/* "kind" is what kind of line it is. */
		error = pyi_ndjson_end(stream, json,
				       add_type(json, report, "growth", &report->growth->types[t]));
	}
	return error;
}

struct pyi_error *pyi_report_growth(FILE *stream, enum pyi_format format, unsigned columns,
				    const struct pyi_envelope *envelope,
				    const struct pyi_growth_report *report)
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
		break;
	}
	return render_table(stream, columns, envelope, report);
}
