/*
 * Renders what types and objects retain, as table, JSON or NDJSON.
 *
 * Does not choose or order them.
 */
#include "report/retained.h"

#include <inttypes.h>

#include "report/census.h"
#include "report/ndjson.h"
#include "report/table.h"

/* The columns before the type, in this order; of objects BYTES is where COUNT is of types. */
enum column {
	RETAINED,
	SECOND,
	THIRD,
	COLUMNS,
};

static size_t row_count(const struct pyi_retained_report *report)
{
	if (report->types)
		return report->types->count;
	return report->objects ? report->objects->count : 0;
}

static const char *name_of(const struct pyi_retained_report *report, size_t row)
{
	const char *name;

	if (report->types)
		return report->types->items[row].type.name;
	name = report->graph->types[pyi_graph_type(report->graph, report->objects->items[row].node)]
		       .name;
	return name ? name : "?";
}

static struct pyi_table_line make_line(const struct pyi_retained_report *report, size_t row)
{
	struct pyi_table_line line = { 0 };

	if (report->types) {
		const struct pyi_retained_type *type = &report->types->items[row];

		pyi_table_estimate(line.figures[RETAINED], type->retained_bytes,
				   type->retained_estimated);
		pyi_table_figure(line.figures[SECOND], type->type.count);
		pyi_table_estimate(line.figures[THIRD], type->type.bytes, type->type.estimated);
	} else {
		const struct pyi_retained_object *object = &report->objects->items[row];

		pyi_table_estimate(line.figures[RETAINED], object->retained_bytes,
				   object->estimated);
		pyi_table_figure(line.figures[SECOND], pyi_graph_size(report->graph, object->node));
		snprintf(line.figures[THIRD], PYI_TABLE_FIGURE_BYTES, "0x%" PRIx64,
			 pyi_graph_address(report->graph, object->node));
	}
	return line;
}

static bool is_estimated(const struct pyi_retained_report *report, size_t row)
{
	return report->types ? report->types->items[row].retained_estimated ||
				       report->types->items[row].type.estimated
			     : report->objects->items[row].estimated;
}

static bool put_type(const struct pyi_table *table, const struct pyi_retained_report *report,
		     size_t row)
{
	return pyi_report_put_type(table, name_of(report, row),
				   report->types ? report->types->items[row].type.classes : 1);
}

static bool put_rows(struct pyi_table *table, const struct pyi_retained_report *report)
{
	const struct pyi_table_line of_types = { { "RETAINED", "COUNT", "BYTES" } };
	const struct pyi_table_line of_objects = { { "RETAINED", "BYTES", "ADDRESS" } };
	const struct pyi_table_line *headings = report->types ? &of_types : &of_objects;

	pyi_table_widen(table, headings);
	for (size_t row = 0; row < row_count(report); row++) {
		struct pyi_table_line line = make_line(report, row);

		pyi_table_widen(table, &line);
	}
	fputc('\n', table->stream);
	pyi_table_put_figures(table, headings);
	fputs("TYPE\n", table->stream);
	for (size_t row = 0; row < row_count(report); row++) {
		struct pyi_table_line line = make_line(report, row);

		pyi_table_put_figures(table, &line);
		if (!put_type(table, report, row))
			return false;
	}
	fputc('\n', table->stream);
	return true;
}

static bool put_head(const struct pyi_table *table, const struct pyi_retained_report *report)
{
	char shown[PYI_TABLE_FIGURE_BYTES];
	char all[PYI_TABLE_FIGURE_BYTES];

	return pyi_table_put_target(table) &&
	       pyi_table_put_note(table, "Bytes that would be freed with %s, %s of %s",
				  report->types ? "all objects of a type" : "an object",
				  pyi_table_figure(shown, row_count(report)),
				  pyi_table_figure(all, report->types ? report->total.types
								      : report->total.count));
}

static bool put_notes(const struct pyi_table *table, const struct pyi_retained_report *report)
{
	bool estimated = false;
	bool ok = pyi_table_put_note(table, "what is kept by several is counted for none of them; "
					    "what one of them keeps for another, for both");

	for (size_t row = 0; row < row_count(report); row++)
		estimated |= is_estimated(report, row);
	if (ok && estimated)
		ok = pyi_table_put_note(table,
					"~: an estimate; a type has a __sizeof__ of its own");
	if (ok && report->objects && report->objects->count)
		ok = pyi_table_put_command(
			table, "what keeps the first", "path",
			pyi_graph_address(report->graph, report->objects->items[0].node));
	return ok && pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_retained_report *report)
{
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};

	if (!put_head(&table, report) || !put_rows(&table, report) || !put_notes(&table, report))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

static bool add_type(cJSON *json, const struct pyi_retained_type *retained)
{
	return pyi_report_add_type(json, &retained->type) &&
	       pyi_output_add_unsigned(json, "retained", retained->retained_bytes) &&
	       (!retained->retained_estimated || cJSON_AddTrueToObject(json, "retained_estimated"));
}

static bool add_object(cJSON *json, const struct pyi_graph *graph,
		       const struct pyi_retained_object *object)
{
	const struct pyi_graph_type *type = &graph->types[pyi_graph_type(graph, object->node)];

	return pyi_output_add_address(json, "address", pyi_graph_address(graph, object->node)) &&
	       pyi_output_add_text(json, "type", type->name ? type->name : "?") &&
	       pyi_output_add_unsigned(json, "bytes", pyi_graph_size(graph, object->node)) &&
	       pyi_output_add_unsigned(json, "retained", object->retained_bytes) &&
	       (!object->estimated || cJSON_AddTrueToObject(json, "retained_estimated"));
}

static bool add_row(cJSON *json, const struct pyi_retained_report *report, size_t row)
{
	if (!json)
		return false;
	return report->types ? add_type(json, &report->types->items[row])
			     : add_object(json, report->graph, &report->objects->items[row]);
}

static bool add_rows(cJSON *result, const struct pyi_retained_report *report)
{
	cJSON *rows = cJSON_AddArrayToObject(result, report->types ? "types" : "most_retained");
	bool ok = rows != NULL;

	if (report->objects)
		ok = ok && cJSON_AddArrayToObject(result, "largest") &&
		     cJSON_AddArrayToObject(result, "most_referents");
	for (size_t row = 0; ok && row < row_count(report); row++)
		ok = add_row(pyi_output_append_object(rows), report, row);
	return ok;
}

/* What only reports on types have: the other types, and what is frozen. */
static bool add_of_types(cJSON *result, const struct pyi_retained_report *report)
{
	cJSON *frozen = cJSON_AddObjectToObject(result, "frozen");
	struct pyi_census_sum sum = report->total;

	for (size_t row = 0; row < report->types->count; row++) {
		sum.types--;
		sum.count -= report->types->items[row].type.count;
		sum.bytes -= report->types->items[row].type.bytes;
	}
	return frozen && pyi_report_add_filter(result, &report->filter) &&
	       pyi_output_add_text(result, "scope", "all") &&
	       pyi_output_add_text(result, "by", "retained") &&
	       pyi_output_add_unsigned(frozen, "objects", report->frozen_objects) &&
	       pyi_output_add_unsigned(frozen, "bytes", report->frozen_bytes) &&
	       pyi_report_add_other(result, &sum);
}

static bool add_result(cJSON *json, const struct pyi_retained_report *report, bool with_rows)
{
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return result && pyi_output_add_unsigned(result, "objects", report->total.count) &&
	       pyi_output_add_unsigned(result, "bytes", report->total.bytes) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects) &&
	       (!report->types || add_of_types(result, report)) &&
	       (!with_rows || add_rows(result, report));
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_retained_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));

	for (size_t row = 0; !error && row < row_count(report); row++) {
		bool ok;

		json = pyi_ndjson_begin_item(report->types ? "type" : "object");
		ok = json &&
		     (report->types || pyi_output_add_text(json, "list", "most_retained")) &&
		     add_row(json, report, row);
		error = pyi_ndjson_end(stream, json, ok);
	}
	return error;
}

struct pyi_error *pyi_report_retained(FILE *stream, enum pyi_format format, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_retained_report *report)
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
