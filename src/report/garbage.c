/*
 * Renders what is garbage as table, JSON or NDJSON.
 *
 * Does not sort or judge the figures.
 */
#include "report/garbage.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/census.h"
#include "report/collector.h"
#include "report/ndjson.h"
#include "report/table.h"

/* The columns before the name, in this order. */
enum column {
	COUNT,
	BYTES,
	COLUMNS,
};

static const struct pyi_table_line headings = { { "COUNT", "BYTES" } };

static size_t shown_types(const struct pyi_garbage_report *report)
{
	size_t all = report->census->type_count;

	return report->limit && report->limit < all ? (size_t)report->limit : all;
}

static struct pyi_table_line make_line(uint64_t count, uint64_t bytes, bool estimated)
{
	struct pyi_table_line line = { 0 };

	pyi_table_figure(line.figures[COUNT], count);
	pyi_table_estimate(line.figures[BYTES], bytes, estimated);
	return line;
}

static struct pyi_table_line line_of_type(const struct pyi_census_type *type)
{
	return make_line(type->count, type->bytes, type->estimated);
}

static struct pyi_table_line line_of_rest(const struct pyi_census *census, size_t first)
{
	struct pyi_census_sum sum = pyi_census_sum_from(census, first);

	return make_line(sum.count, sum.bytes, pyi_report_any_estimated(census, first));
}

static bool put_head(const struct pyi_table *table, const struct pyi_garbage_report *report)
{
	struct pyi_census_sum total = pyi_census_sum_from(report->census, 0);
	char found[PYI_TABLE_FIGURE_BYTES];
	char count[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];

	if (!pyi_table_put_target(table))
		return false;
	if (!total.count)
		return pyi_table_put_note(table, "gc.collect() would free nothing");
	return pyi_table_put_note(
		table,
		"gc.collect() would find %s%s object%s in cycles, and free %s objects of "
		"%s bytes with them",
		report->complete ? "" : "at least ", pyi_table_figure(found, report->found_objects),
		report->found_objects == 1 ? "" : "s", pyi_table_figure(count, total.count),
		pyi_table_figure(bytes, total.bytes));
}

static bool put_rows(struct pyi_table *table, const struct pyi_garbage_report *report)
{
	const struct pyi_census *census = report->census;
	const size_t shown = shown_types(report);
	struct pyi_table_line total = line_of_rest(census, 0);
	struct pyi_table_line rest = line_of_rest(census, shown);
	char types[PYI_TABLE_FIGURE_BYTES];

	if (!census->type_count)
		return true;
	pyi_table_widen(table, &headings);
	pyi_table_widen(table, &total);
	for (size_t i = 0; i < shown; i++) {
		struct pyi_table_line line = line_of_type(&census->types[i]);

		pyi_table_widen(table, &line);
	}
	fputc('\n', table->stream);
	pyi_table_put_figures(table, &headings);
	fputs("TYPE\n", table->stream);
	for (size_t i = 0; i < shown; i++) {
		struct pyi_table_line line = line_of_type(&census->types[i]);

		pyi_table_put_figures(table, &line);
		if (!pyi_report_put_type(table, census->types[i].name, census->types[i].classes))
			return false;
	}
	if (shown < census->type_count) {
		uint64_t others = census->type_count - shown;

		pyi_table_put_figures(table, &rest);
		fprintf(table->stream, "%s %s other type%s\n", pyi_output_ellipsis(),
			pyi_table_figure(types, others), others == 1 ? "" : "s");
	}
	pyi_table_put_rule(table);
	pyi_table_put_figures(table, &total);
	fputs("total\n", table->stream);
	return true;
}

static bool put_notes(const struct pyi_table *table, const struct pyi_garbage_report *report)
{
	PYI_CLEANUP(pyi_guard_free) char *words = pyi_report_collector_words(&report->collector);
	struct pyi_census_sum total = pyi_census_sum_from(report->census, 0);
	char bytes[PYI_TABLE_FIGURE_BYTES];
	bool ok = words && pyi_table_put_note(table, "%s", words);

	if (ok && total.bytes && report->heap_bytes >= total.bytes)
		ok = pyi_table_put_note(table, "that is %.1f%% of %s bytes of all objects",
					100.0 * (double)total.bytes / (double)report->heap_bytes,
					pyi_table_figure(bytes, report->heap_bytes));
	if (ok && pyi_report_any_estimated(report->census, 0))
		ok = pyi_table_put_estimate_note(table);
	return ok && pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_garbage_report *report)
{
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};

	if (!put_head(&table, report) || !put_rows(&table, report))
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!put_notes(&table, report))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

static bool add_heap(cJSON *result, const struct pyi_garbage_report *report)
{
	cJSON *heap = cJSON_AddObjectToObject(result, "heap");

	return heap && pyi_output_add_unsigned(heap, "objects", report->heap_objects) &&
	       pyi_output_add_unsigned(heap, "bytes", report->heap_bytes);
}

static bool add_result(cJSON *json, const struct pyi_garbage_report *report, bool with_types)
{
	const size_t shown = shown_types(report);
	struct pyi_census_sum total = pyi_census_sum_from(report->census, 0);
	struct pyi_census_sum other = pyi_census_sum_from(report->census, shown);
	bool by_count = report->order == PYI_CENSUS_BY_COUNT;
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return result && pyi_output_add_text(result, "by", by_count ? "count" : "bytes") &&
	       pyi_output_add_unsigned(result, "found", report->found_objects) &&
	       pyi_output_add_unsigned(result, "objects", total.count) &&
	       pyi_output_add_unsigned(result, "bytes", total.bytes) &&
	       cJSON_AddBoolToObject(result, "complete", report->complete) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects) &&
	       add_heap(result, report) && pyi_report_add_collector(result, &report->collector) &&
	       (!with_types || pyi_report_add_types(result, report->census, shown)) &&
	       pyi_report_add_other(result, &other);
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_garbage_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));
	size_t shown = shown_types(report);

	for (size_t i = 0; !error && i < shown; i++) {
		json = pyi_ndjson_begin_item("type");
		error = pyi_ndjson_end(
			stream, json, json && pyi_report_add_type(json, &report->census->types[i]));
	}
	return error;
}

struct pyi_error *pyi_report_garbage(FILE *stream, enum pyi_format format, unsigned columns,
				     const struct pyi_envelope *envelope,
				     const struct pyi_garbage_report *report)
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
