/*
 * Renders what two moments differ by, as table, JSON or NDJSON.
 *
 * Does not compare them.
 */
#include "report/diff.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "report/census.h"
#include "report/growth_figure.h"
#include "report/ndjson.h"
#include "report/table.h"

enum {
	COLUMNS = 4,
	OBJECT_COLUMNS = 2,
	WHEN_BYTES = 64,
};

static size_t shown_types(const struct pyi_diff_report *report)
{
	size_t all = report->changes->count;

	return report->limit && report->limit < all ? (size_t)report->limit : all;
}

static bool by_retained(const struct pyi_diff_report *report)
{
	return report->order == PYI_CHANGE_BY_RETAINED;
}

static struct pyi_table_line headings(const struct pyi_diff_report *report)
{
	if (by_retained(report))
		return (struct pyi_table_line){ { "+RETAINED", "RETAINED", "+BYTES", "+COUNT" } };
	if (report->objects)
		return (struct pyi_table_line){ { "+BYTES", "+COUNT", "NEW", "GONE" } };
	return (struct pyi_table_line){ { "+BYTES", "+COUNT", "BYTES", "COUNT" } };
}

static struct pyi_table_line make_line(const struct pyi_diff_report *report,
				       const struct pyi_type_change *change)
{
	struct pyi_table_line line = { 0 };
	char(*figures)[PYI_TABLE_FIGURE_BYTES] = line.figures;

	if (by_retained(report)) {
		pyi_growth_figure(*figures++, change->retained, change->retained_estimated);
		pyi_table_estimate(*figures++, change->retained.after, change->retained_estimated);
	}
	pyi_growth_figure(*figures++, change->bytes, change->estimated);
	pyi_growth_figure(*figures++, change->count, false);
	if (by_retained(report))
		return line;
	if (report->objects) {
		pyi_table_figure(*figures++, change->added.count);
		pyi_table_figure(*figures++, change->gone.count);
	} else {
		pyi_table_estimate(*figures++, change->bytes.after, change->estimated);
		pyi_table_figure(*figures++, change->count.after);
	}
	return line;
}

/* A sum of what is retained says nothing: one keeps the other. */
static struct pyi_table_line line_of_sum(const struct pyi_diff_report *report,
					 const struct pyi_type_change *sum)
{
	struct pyi_table_line line = make_line(report, sum);

	if (by_retained(report))
		strcpy(line.figures[0], strcpy(line.figures[1], "-"));
	return line;
}

static void tell_when(char when[WHEN_BYTES], int64_t taken_s)
{
	time_t moment_s = taken_s;
	struct tm parts;

	if (!taken_s || !gmtime_r(&moment_s, &parts) ||
	    !strftime(when, WHEN_BYTES, "%Y-%m-%d %H:%M:%S UTC", &parts))
		strcpy(when, "unknown time");
}

static bool put_side(const struct pyi_table *table, const char *word,
		     const struct pyi_diff_side *side)
{
	PYI_CLEANUP(pyi_guard_free) char *file = pyi_output_fit(side->file, 0);
	PYI_CLEANUP(pyi_guard_free) char *host = pyi_output_fit(side->host ? side->host : "?", 0);
	char when[WHEN_BYTES];

	tell_when(when, side->taken_s);
	return file && host &&
	       pyi_table_put_note(table, "%s: %s on %s, PID %" PRId64 ", %s", word, when, host,
				  side->pid, file);
}

/* What the kernel says of both. */
static bool put_resident(const struct pyi_table *table, const struct pyi_diff_report *report)
{
	const struct pyi_change resident = { report->before.rss_bytes, report->after.rss_bytes };
	char grown[PYI_TABLE_FIGURE_BYTES];

	if (!resident.before || !resident.after)
		return true;
	pyi_growth_figure(grown, resident, false);
	return pyi_table_put_note(table, "Resident memory (RSS): %s bytes", grown);
}

static bool put_head(const struct pyi_table *table, const struct pyi_diff_report *report)
{
	static const char *const orders[] = { "bytes", "count", "retained bytes" };
	char grown[PYI_TABLE_FIGURE_BYTES];
	char count[PYI_TABLE_FIGURE_BYTES];
	char shown[PYI_TABLE_FIGURE_BYTES];
	char changed[PYI_TABLE_FIGURE_BYTES];
	char types[PYI_TABLE_FIGURE_BYTES];

	pyi_growth_figure(grown, report->total.bytes, report->total.estimated);
	pyi_growth_figure(count, report->total.count, false);
	return put_side(table, "from", &report->before) && put_side(table, "to", &report->after) &&
	       pyi_table_put_note(table, "%s objects, %s bytes; %s of %s types that differ, of %s",
				  count, grown, pyi_table_figure(shown, shown_types(report)),
				  pyi_table_figure(changed, report->changes->count),
				  pyi_table_figure(types, report->type_count)) &&
	       put_resident(table, report) &&
	       pyi_table_put_note(table, "By growth of %s%s", orders[report->order],
				  strcmp(report->scope, "tracked") == 0
					  ? ", of what the garbage collector tracks"
					  : "");
}

static bool put_types(struct pyi_table *table, const struct pyi_diff_report *report)
{
	const struct pyi_type_changes *changes = report->changes;
	const size_t shown = shown_types(report);
	const struct pyi_type_change rest = pyi_type_changes_sum(changes, shown);
	const struct pyi_table_line head = headings(report);
	struct pyi_table_line line = line_of_sum(report, &rest);

	pyi_table_widen(table, &head);
	pyi_table_widen(table, &line);
	line = line_of_sum(report, &report->total);
	pyi_table_widen(table, &line);
	for (size_t i = 0; i < shown; i++) {
		line = make_line(report, &changes->items[i]);
		pyi_table_widen(table, &line);
	}
	fputc('\n', table->stream);
	pyi_table_put_figures(table, &head);
	fputs("TYPE\n", table->stream);
	for (size_t i = 0; i < shown; i++) {
		line = make_line(report, &changes->items[i]);
		pyi_table_put_figures(table, &line);
		if (!pyi_report_put_type(table, changes->items[i].name, 1))
			return false;
	}
	if (shown < changes->count) {
		line = line_of_sum(report, &rest);
		pyi_table_put_figures(table, &line);
		fprintf(table->stream, "%s %zu others\n", pyi_output_ellipsis(),
			changes->count - shown);
	}
	pyi_table_put_rule(table);
	line = line_of_sum(report, &report->total);
	pyi_table_put_figures(table, &line);
	fputs("total\n", table->stream);
	return true;
}

static const char *type_name(const struct pyi_graph *graph, uint32_t node)
{
	const char *name = graph->types[pyi_graph_type(graph, node)].name;

	return name ? name : "?";
}

static bool is_estimated(const struct pyi_graph *graph, uint32_t node)
{
	return graph->types[pyi_graph_type(graph, node)].estimated;
}

static struct pyi_table_line line_of_object(const struct pyi_graph *graph, uint32_t node)
{
	struct pyi_table_line line = { 0 };

	pyi_table_estimate(line.figures[0], pyi_graph_size(graph, node), is_estimated(graph, node));
	snprintf(line.figures[1], PYI_TABLE_FIGURE_BYTES, "0x%" PRIx64,
		 pyi_graph_address(graph, node));
	return line;
}

static bool put_objects(struct pyi_table *table, const char *title, const struct pyi_graph *graph,
			const struct pyi_heap_diff_objects *objects)
{
	const struct pyi_table_line head = { { "BYTES", "ADDRESS" } };

	if (!objects->count)
		return true;
	table->figure_count = OBJECT_COLUMNS;
	memset(table->widths, 0, sizeof(table->widths));
	pyi_table_widen(table, &head);
	for (size_t i = 0; i < objects->count; i++) {
		struct pyi_table_line line = line_of_object(graph, objects->nodes[i]);

		pyi_table_widen(table, &line);
	}
	fprintf(table->stream, "\n%s\n", title);
	pyi_table_put_figures(table, &head);
	fputs("TYPE\n", table->stream);
	for (size_t i = 0; i < objects->count; i++) {
		struct pyi_table_line line = line_of_object(graph, objects->nodes[i]);

		pyi_table_put_figures(table, &line);
		if (!pyi_report_put_type(table, type_name(graph, objects->nodes[i]), 1))
			return false;
	}
	return true;
}

static bool put_all_objects(struct pyi_table *table, const struct pyi_diff_report *report)
{
	char title[128] = "The largest new objects";
	int64_t apart_s = report->after.taken_s - report->before.taken_s;

	if (!report->objects)
		return true;
	if (report->before.taken_s && report->after.taken_s && apart_s >= 0)
		snprintf(title, sizeof(title),
			 "The largest new objects, none older than %" PRId64 " s", apart_s + 1);
	return put_objects(table, title, report->after.graph, &report->objects->added) &&
	       put_objects(table, "The largest that are gone", report->before.graph,
			   &report->objects->gone);
}

static bool put_notes(const struct pyi_table *table, const struct pyi_diff_report *report)
{
	bool ok = true;

	if (report->total.estimated)
		ok = pyi_table_put_estimate_note(table);
	if (ok && report->objects)
		ok = pyi_table_put_note(table, "new and gone: no object of the same type was at "
					       "the same address in the other one");
	if (ok && report->why_no_objects)
		ok = pyi_table_put_note(table, "which objects are new is not known: %s",
					report->why_no_objects);
	return ok && pyi_table_put_warnings(table, 0);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_diff_report *report)
{
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};

	if (!put_head(&table, report) || !put_types(&table, report) ||
	    !put_all_objects(&table, report))
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!put_notes(&table, report))
		return pyi_error_no_memory();
	return pyi_output_finish(stream);
}

static bool add_side(cJSON *result, const char *key, const struct pyi_diff_side *side)
{
	cJSON *json = cJSON_AddObjectToObject(result, key);

	return json && pyi_output_add_text(json, "file", side->file) &&
	       pyi_output_add_text(json, "kind", side->graph ? "dump" : "report") &&
	       (side->taken_s ? pyi_output_add_moment(json, "time", side->taken_s)
			      : cJSON_AddNullToObject(json, "time") != NULL) &&
	       pyi_output_add_text(json, "host", side->host) &&
	       pyi_output_add_unsigned(json, "pid", (uint64_t)side->pid) &&
	       pyi_output_add_unsigned(json, "rss_bytes", side->rss_bytes);
}

static bool add_sum(cJSON *json, const char *key, const struct pyi_census_sum *sum)
{
	cJSON *object = cJSON_AddObjectToObject(json, key);

	return object && pyi_output_add_unsigned(object, "count", sum->count) &&
	       pyi_output_add_unsigned(object, "bytes", sum->bytes);
}

static bool add_figures(cJSON *json, const struct pyi_diff_report *report,
			const struct pyi_type_change *change)
{
	return pyi_growth_add(json, "count", change->count) &&
	       pyi_growth_add(json, "bytes", change->bytes) &&
	       (!report->objects ||
		(add_sum(json, "new", &change->added) && add_sum(json, "gone", &change->gone)));
}

static bool add_type(cJSON *json, const struct pyi_diff_report *report, size_t row)
{
	const struct pyi_type_change *change = &report->changes->items[row];

	return json && pyi_output_add_text(json, "type", change->name) &&
	       add_figures(json, report, change) &&
	       (!change->estimated || cJSON_AddTrueToObject(json, "estimated")) &&
	       (row >= report->retained_count ||
		(pyi_growth_add(json, "retained", change->retained) &&
		 (!change->retained_estimated ||
		  cJSON_AddTrueToObject(json, "retained_estimated"))));
}

static bool add_object(cJSON *json, const struct pyi_graph *graph, uint32_t node)
{
	return json && pyi_output_add_address(json, "address", pyi_graph_address(graph, node)) &&
	       pyi_output_add_text(json, "type", type_name(graph, node)) &&
	       pyi_output_add_unsigned(json, "bytes", pyi_graph_size(graph, node)) &&
	       (!is_estimated(graph, node) || cJSON_AddTrueToObject(json, "estimated"));
}

static bool add_objects(cJSON *result, const char *key, const struct pyi_graph *graph,
			const struct pyi_heap_diff_objects *objects)
{
	cJSON *array = cJSON_AddArrayToObject(result, key);
	bool ok = array != NULL;

	for (size_t i = 0; ok && i < objects->count; i++)
		ok = add_object(pyi_output_append_object(array), graph, objects->nodes[i]);
	return ok;
}

static bool add_lists(cJSON *result, const struct pyi_diff_report *report)
{
	cJSON *types = cJSON_AddArrayToObject(result, "types");
	bool ok = types != NULL;

	for (size_t i = 0; ok && i < shown_types(report); i++)
		ok = add_type(pyi_output_append_object(types), report, i);
	return ok && (!report->objects || (add_objects(result, "new_objects", report->after.graph,
						       &report->objects->added) &&
					   add_objects(result, "gone_objects", report->before.graph,
						       &report->objects->gone)));
}

static bool add_other(cJSON *result, const struct pyi_diff_report *report)
{
	const size_t shown = shown_types(report);
	const struct pyi_type_change rest = pyi_type_changes_sum(report->changes, shown);
	cJSON *other = cJSON_AddObjectToObject(result, "other");

	return other && pyi_output_add_unsigned(other, "types", report->changes->count - shown) &&
	       add_figures(other, report, &rest);
}

static bool add_result(cJSON *json, const struct pyi_diff_report *report, bool with_lists)
{
	static const char *const orders[] = { "bytes", "count", "retained" };
	cJSON *result = cJSON_AddObjectToObject(json, "result");
	bool dated = report->before.taken_s && report->after.taken_s;
	int64_t apart_s = report->after.taken_s - report->before.taken_s;

	return result && add_side(result, "before", &report->before) &&
	       add_side(result, "after", &report->after) &&
	       (dated ? cJSON_AddNumberToObject(result, "seconds", (double)apart_s)
		      : cJSON_AddNullToObject(result, "seconds")) &&
	       pyi_output_add_text(result, "scope", report->scope) &&
	       pyi_output_add_text(result, "by", orders[report->order]) &&
	       pyi_report_add_filter(result, &report->filter) &&
	       add_figures(result, report, &report->total) &&
	       (!with_lists || add_lists(result, report)) && add_other(result, report);
}

static struct pyi_error *put_object_lines(FILE *stream, const char *kind,
					  const struct pyi_graph *graph,
					  const struct pyi_heap_diff_objects *objects)
{
	struct pyi_error *error = NULL;

	for (size_t i = 0; !error && i < objects->count; i++) {
		cJSON *json = pyi_ndjson_begin_item(kind);

		error = pyi_ndjson_end(stream, json, add_object(json, graph, objects->nodes[i]));
	}
	return error;
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_diff_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));

	for (size_t i = 0; !error && i < shown_types(report); i++) {
		json = pyi_ndjson_begin_item("type");
		error = pyi_ndjson_end(stream, json, add_type(json, report, i));
	}
	if (!error && report->objects)
		error = put_object_lines(stream, "new", report->after.graph,
					 &report->objects->added);
	if (!error && report->objects)
		error = put_object_lines(stream, "gone", report->before.graph,
					 &report->objects->gone);
	return error;
}

struct pyi_error *pyi_report_diff(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_diff_report *report)
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
