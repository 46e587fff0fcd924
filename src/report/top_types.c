/*
 * Renders a census as table, JSON or NDJSON.
 *
 * Does not sort, merge or judge the figures.
 */
#include "report/top_types.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/census.h"
#include "report/ndjson.h"
#include "report/table.h"

/* The columns before the name, in this order. */
enum column {
	COUNT,
	BYTES,
	AVERAGE,
	CUMULATIVE,
	COLUMNS,
};

/* What is printed, and where. */
struct view {
	struct pyi_table table;
	const struct pyi_top_types *report;
	/* How many rows have a line of their own. */
	size_t shown;
	struct pyi_census_sum total;
};

static const struct pyi_table_line headings = { { "COUNT", "BYTES", "AVERAGE", "CUM %" } };

static size_t shown_types(const struct pyi_top_types *report)
{
	size_t all = report->census->type_count;

	return report->limit && report->limit < all ? (size_t)report->limit : all;
}

/* `part` of `whole` in tenths of a percent; 1000 only if it is all of it. */
static unsigned per_mille(uint64_t part, uint64_t whole)
{
	unsigned rounded;

	if (part >= whole)
		return 1000;
	rounded = (unsigned)((double)part / (double)whole * 1000 + 0.5);
	return rounded < 1000 ? rounded : 999;
}

static struct pyi_table_line make_line(uint64_t count, uint64_t bytes, bool estimated)
{
	struct pyi_table_line line = { 0 };

	pyi_table_figure(line.figures[COUNT], count);
	pyi_table_estimate(line.figures[BYTES], bytes, estimated);
	if (count) {
		uint64_t rest = bytes % count;

		pyi_table_figure(line.figures[AVERAGE], bytes / count + (rest >= count - rest));
	} else {
		strcpy(line.figures[AVERAGE], "-");
	}
	return line;
}

static void set_cumulative(const struct view *view, struct pyi_table_line *line, uint64_t reached)
{
	bool by_count = view->report->order == PYI_CENSUS_BY_COUNT;
	unsigned share = per_mille(reached, by_count ? view->total.count : view->total.bytes);

	snprintf(line->figures[CUMULATIVE], PYI_TABLE_FIGURE_BYTES, "%u.%u%%", share / 10 % 1000,
		 share % 10);
}

static uint64_t order_figure(const struct view *view, const struct pyi_census_type *type)
{
	return view->report->order == PYI_CENSUS_BY_COUNT ? type->count : type->bytes;
}

static struct pyi_table_line line_of_type(const struct pyi_census_type *type)
{
	return make_line(type->count, type->bytes, type->estimated);
}

static struct pyi_table_line line_of_rest(const struct view *view, size_t first)
{
	const struct pyi_census *census = view->report->census;
	struct pyi_census_sum sum = pyi_census_sum_from(census, first);

	return make_line(sum.count, sum.bytes, pyi_report_any_estimated(census, first));
}

static void measure(struct view *view)
{
	struct pyi_table_line rest = line_of_rest(view, view->shown);
	struct pyi_table_line total = line_of_rest(view, 0);

	pyi_table_widen(&view->table, &headings);
	pyi_table_widen(&view->table, &rest);
	pyi_table_widen(&view->table, &total);
	view->table.widths[CUMULATIVE] = (int)strlen("100.0%");
	for (size_t i = 0; i < view->shown; i++) {
		struct pyi_table_line line = line_of_type(&view->report->census->types[i]);

		pyi_table_widen(&view->table, &line);
	}
}

/* What the table is not about is not in its totals either. */
static bool put_filter(const struct view *view)
{
	const struct pyi_census_filter *filter = &view->report->filter;
	const char *const words[] = { filter->type, filter->module };
	static const char *const options[] = { "--type", "--module" };

	if (!filter->type && !filter->module && !filter->no_builtins)
		return true;
	fputs("Only:", view->table.stream);
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		PYI_CLEANUP(pyi_guard_free) char *safe = NULL;

		if (!words[w])
			continue;
		safe = pyi_output_fit(words[w], 0);
		if (!safe)
			return false;
		fprintf(view->table.stream, " %s %s", options[w], safe);
	}
	fprintf(view->table.stream, "%s\n", filter->no_builtins ? " --no-builtins" : "");
	return true;
}

static bool put_head(const struct view *view)
{
	const struct pyi_top_types *report = view->report;
	const char *order = report->order == PYI_CENSUS_BY_COUNT ? "count" : "bytes";
	bool tracked = strcmp(report->scope, "tracked") == 0;
	char shown[PYI_TABLE_FIGURE_BYTES];
	char types[PYI_TABLE_FIGURE_BYTES];

	if (!pyi_table_put_target(&view->table))
		return false;
	fprintf(view->table.stream, "%s by %s, %s of %s types%s\n",
		tracked ? "Objects tracked by the garbage collector" : "All objects", order,
		pyi_table_figure(shown, view->shown), pyi_table_figure(types, view->total.types),
		report->modules_first ? "; those of modules first" : "");
	if (!put_filter(view))
		return false;
	fputc('\n', view->table.stream);
	return true;
}

static bool put_rows(const struct view *view)
{
	const struct pyi_table *table = &view->table;
	const struct pyi_census *census = view->report->census;
	struct pyi_table_line line = headings;
	uint64_t reached = 0;
	char types[PYI_TABLE_FIGURE_BYTES];

	pyi_table_put_figures(table, &line);
	fputs("TYPE\n", table->stream);
	for (size_t i = 0; i < view->shown; i++) {
		if (__builtin_add_overflow(reached, order_figure(view, &census->types[i]),
					   &reached))
			reached = UINT64_MAX;
		line = line_of_type(&census->types[i]);
		set_cumulative(view, &line, reached);
		if (i && i == view->report->modules_first)
			pyi_table_put_rule(table);
		pyi_table_put_figures(table, &line);
		if (!pyi_report_put_type(table, census->types[i].name, census->types[i].classes))
			return false;
	}
	if (view->shown < census->type_count) {
		uint64_t others = census->type_count - view->shown;

		line = line_of_rest(view, view->shown);
		set_cumulative(view, &line, UINT64_MAX);
		pyi_table_put_figures(table, &line);
		fprintf(table->stream, "%s %s other type%s\n", pyi_output_ellipsis(),
			pyi_table_figure(types, others), others == 1 ? "" : "s");
	}
	pyi_table_put_rule(table);
	line = line_of_rest(view, 0);
	pyi_table_put_figures(table, &line);
	fputs("total\n", table->stream);
	return true;
}

/* What has to be known to read the figures right. */
static bool put_notes(const struct view *view)
{
	const struct pyi_table *table = &view->table;
	const struct pyi_envelope *envelope = table->envelope;
	const struct pyi_top_types *report = view->report;
	bool tracked = strcmp(report->scope, "tracked") == 0;
	char figure[PYI_TABLE_FIGURE_BYTES];
	char more[PYI_TABLE_FIGURE_BYTES];
	bool ok = true;

	if (envelope->rss_bytes)
		ok = pyi_table_put_note(table, "these objects: %.1f%% of %s bytes resident (RSS)",
					100.0 * (double)view->total.bytes /
						(double)envelope->rss_bytes,
					pyi_table_figure(figure, envelope->rss_bytes));
	if (ok && pyi_report_any_estimated(report->census, 0))
		ok = pyi_table_put_estimate_note(table);
	if (ok && report->frozen_objects)
		ok = pyi_table_put_note(table,
					"frozen by gc.freeze(), %s above: %s objects, %s bytes",
					tracked ? "not counted" : "counted",
					pyi_table_figure(figure, report->frozen_objects),
					pyi_table_figure(more, report->frozen_bytes));
	return ok && pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_top_types *report)
{
	struct view view = {
		.table = {
			.stream = stream,
			.columns = columns,
			.envelope = envelope,
			.figure_count = COLUMNS,
		},
		.report = report,
		.shown = shown_types(report),
		.total = pyi_census_sum_from(report->census, 0),
	};

	measure(&view);
	if (!put_head(&view) || !put_rows(&view))
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!put_notes(&view))
		return pyi_error_no_memory();
	pyi_table_put_cost(&view.table);
	return pyi_output_finish(stream);
}

static bool add_frozen(cJSON *result, const struct pyi_top_types *report)
{
	cJSON *frozen = cJSON_AddObjectToObject(result, "frozen");

	return frozen && pyi_output_add_unsigned(frozen, "objects", report->frozen_objects) &&
	       pyi_output_add_unsigned(frozen, "bytes", report->frozen_bytes);
}

static bool add_result(cJSON *json, const struct pyi_top_types *report, bool with_types)
{
	bool by_count = report->order == PYI_CENSUS_BY_COUNT;
	const size_t shown = shown_types(report);
	struct pyi_census_sum total = pyi_census_sum_from(report->census, 0);
	struct pyi_census_sum other = pyi_census_sum_from(report->census, shown);
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return result && pyi_output_add_text(result, "scope", report->scope) &&
	       pyi_output_add_text(result, "by", by_count ? "count" : "bytes") &&
	       pyi_report_add_filter(result, &report->filter) &&
	       pyi_output_add_unsigned(result, "objects", total.count) &&
	       pyi_output_add_unsigned(result, "bytes", total.bytes) &&
	       add_frozen(result, report) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects) &&
	       (!with_types || pyi_report_add_types(result, report->census, shown)) &&
	       pyi_report_add_other(result, &other);
}

static struct pyi_error *render_json(FILE *stream, const struct pyi_envelope *envelope,
				     const struct pyi_top_types *report)
{
	cJSON *json = pyi_envelope_to_json(envelope);

	return pyi_output_json_done(stream, json, json && add_result(json, report, true), true);
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_top_types *report)
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

struct pyi_error *pyi_report_top_types(FILE *stream, enum pyi_format format, unsigned columns,
				       const struct pyi_envelope *envelope,
				       const struct pyi_top_types *report)
{
	switch (format) {
	case PYI_FORMAT_JSON:
		return render_json(stream, envelope, report);
	case PYI_FORMAT_NDJSON:
		return render_ndjson(stream, envelope, report);
	default:
		break;
	}
	return render_table(stream, columns, envelope, report);
}
