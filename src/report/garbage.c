/*
 * Renders what is garbage as table, JSON or NDJSON.
 *
 * Does not sort or judge the figures.
 */
#include "report/garbage.h"

#include <inttypes.h>
#include <stdlib.h>
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

/* Of the kinds from `first` on. */
static struct pyi_garbage_cycle sum_of(const struct pyi_garbage_cycles *cycles, size_t first)
{
	struct pyi_garbage_cycle sum = { 0 };

	for (size_t k = first; k < cycles->kind_count; k++) {
		sum.cycles += cycles->kinds[k].cycles;
		sum.members += cycles->kinds[k].members;
		sum.objects += cycles->kinds[k].objects;
		if (__builtin_add_overflow(sum.bytes, cycles->kinds[k].bytes, &sum.bytes))
			sum.bytes = UINT64_MAX;
	}
	return sum;
}

static size_t shown_kinds(const struct pyi_garbage_report *report)
{
	size_t all = report->cycles->kind_count;

	return report->limit && report->limit < all ? (size_t)report->limit : all;
}

static size_t told_types(const struct pyi_garbage_cycle *cycle)
{
	return cycle->type_count < PYI_CYCLE_TYPES ? (size_t)cycle->type_count : PYI_CYCLE_TYPES;
}

static const char *type_name(const struct pyi_garbage_report *report, uint32_t type)
{
	const char *name = report->graph->types[type].name;

	return name ? name : "?";
}

/* "app.Node, list": types of modules first. The caller owns it; NULL without memory. */
static char *types_of(const struct pyi_garbage_report *report,
		      const struct pyi_garbage_cycle *cycle)
{
	const char *before = "";
	char *text = NULL;
	size_t size = 0;
	FILE *words = open_memstream(&text, &size);

	if (!words)
		return NULL;
	for (int of_module = 1; of_module >= 0; of_module--) {
		for (size_t t = 0; t < told_types(cycle); t++) {
			const char *name = type_name(report, cycle->types[t]);

			if ((strchr(name, '.') != NULL) != of_module)
				continue;
			fprintf(words, "%s%s", before, name);
			before = ", ";
		}
	}
	if (!cycle->type_count)
		fputs("objects of other types", words);
	if (cycle->type_count > PYI_CYCLE_TYPES)
		fprintf(words, " and %llu more",
			(unsigned long long)cycle->type_count - PYI_CYCLE_TYPES);
	if (fclose(words) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static struct pyi_table_line line_of_cycle(const struct pyi_garbage_cycle *cycle)
{
	struct pyi_table_line line = { 0 };

	pyi_table_figure(line.figures[0], cycle->cycles);
	pyi_table_figure(line.figures[1], cycle->objects);
	pyi_table_figure(line.figures[2], cycle->bytes);
	return line;
}

/* One cause is one line, and what it keeps. */
static bool put_cycles(const struct pyi_table *types, const struct pyi_garbage_report *report)
{
	const struct pyi_garbage_cycles *cycles = report->cycles;
	const struct pyi_table_line head = { { "CYCLES", "OBJECTS", "BYTES" } };
	const size_t shown = shown_kinds(report);
	const struct pyi_garbage_cycle rest = sum_of(cycles, shown);
	struct pyi_table_line line = line_of_cycle(&rest);
	struct pyi_table table = { .stream = types->stream,
				   .columns = types->columns,
				   .envelope = types->envelope,
				   .figure_count = 3 };
	char kinds[PYI_TABLE_FIGURE_BYTES];

	if (!cycles->kind_count)
		return true;
	pyi_table_widen(&table, &head);
	pyi_table_widen(&table, &line);
	for (size_t k = 0; k < shown; k++) {
		line = line_of_cycle(&cycles->kinds[k]);
		pyi_table_widen(&table, &line);
	}
	fputc('\n', table.stream);
	pyi_table_put_figures(&table, &head);
	fputs("OF\n", table.stream);
	for (size_t k = 0; k < shown; k++) {
		PYI_CLEANUP(pyi_guard_free) char *names = types_of(report, &cycles->kinds[k]);

		line = line_of_cycle(&cycles->kinds[k]);
		pyi_table_put_figures(&table, &line);
		if (!names || !pyi_report_put_type(&table, names, 0))
			return false;
	}
	if (shown < cycles->kind_count) {
		line = line_of_cycle(&rest);
		pyi_table_put_figures(&table, &line);
		fprintf(table.stream, "%s %s of other types\n", pyi_output_ellipsis(),
			pyi_table_figure(kinds, cycles->kind_count - shown));
	}
	return true;
}

static bool put_shared(const struct pyi_table *table, const struct pyi_garbage_cycles *cycles)
{
	char objects[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];

	return !cycles->shared_objects ||
	       pyi_table_put_note(table,
				  "cycles of more than one of these lines lead to %s more object%s "
				  "of %s bytes",
				  pyi_table_figure(objects, cycles->shared_objects),
				  cycles->shared_objects == 1 ? "" : "s",
				  pyi_table_figure(bytes, cycles->shared_bytes));
}

static bool put_notes(const struct pyi_table *table, const struct pyi_garbage_report *report)
{
	PYI_CLEANUP(pyi_guard_free) char *words = pyi_report_collector_words(&report->collector);
	struct pyi_census_sum total = pyi_census_sum_from(report->census, 0);
	char bytes[PYI_TABLE_FIGURE_BYTES];
	bool ok = put_shared(table, report->cycles) && words &&
		  pyi_table_put_note(table, "%s", words);

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

	if (!put_head(&table, report) || !put_rows(&table, report) || !put_cycles(&table, report))
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!put_notes(&table, report))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

static bool add_cycle(cJSON *json, const struct pyi_garbage_report *report,
		      const struct pyi_garbage_cycle *cycle)
{
	cJSON *types;

	if (!pyi_output_add_unsigned(json, "cycles", cycle->cycles) ||
	    !pyi_output_add_unsigned(json, "members", cycle->members) ||
	    !pyi_output_add_unsigned(json, "objects", cycle->objects) ||
	    !pyi_output_add_unsigned(json, "bytes", cycle->bytes) ||
	    !pyi_output_add_unsigned(json, "type_count", cycle->type_count))
		return false;
	types = cJSON_AddArrayToObject(json, "types");
	for (size_t t = 0; types && t < told_types(cycle); t++)
		if (!pyi_output_append_text(types, type_name(report, cycle->types[t])))
			return false;
	return types && pyi_output_add_address(json, "example",
					       pyi_graph_address(report->graph, cycle->example));
}

static bool add_cycles(cJSON *result, const struct pyi_garbage_report *report)
{
	cJSON *kinds = cJSON_AddArrayToObject(result, "cycles");

	for (size_t k = 0; kinds && k < shown_kinds(report); k++) {
		cJSON *kind = cJSON_CreateObject();

		if (!kind || !cJSON_AddItemToArray(kinds, kind) ||
		    !add_cycle(kind, report, &report->cycles->kinds[k]))
			return false;
	}
	return kinds != NULL;
}

static bool add_other_cycles(cJSON *result, const struct pyi_garbage_report *report)
{
	const struct pyi_garbage_cycles *cycles = report->cycles;
	const size_t shown = shown_kinds(report);
	const struct pyi_garbage_cycle rest = sum_of(cycles, shown);
	cJSON *other = cJSON_AddObjectToObject(result, "other_cycles");
	cJSON *shared = cJSON_AddObjectToObject(result, "shared");

	return other && shared &&
	       pyi_output_add_unsigned(other, "kinds", cycles->kind_count - shown) &&
	       pyi_output_add_unsigned(other, "cycles", rest.cycles) &&
	       pyi_output_add_unsigned(other, "members", rest.members) &&
	       pyi_output_add_unsigned(other, "objects", rest.objects) &&
	       pyi_output_add_unsigned(other, "bytes", rest.bytes) &&
	       pyi_output_add_unsigned(shared, "objects", cycles->shared_objects) &&
	       pyi_output_add_unsigned(shared, "bytes", cycles->shared_bytes);
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
	       pyi_report_add_other(result, &other) &&
	       (!with_types || add_cycles(result, report)) && add_other_cycles(result, report);
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
	shown = shown_kinds(report);
	for (size_t k = 0; !error && k < shown; k++) {
		json = pyi_ndjson_begin_item("cycle");
		error = pyi_ndjson_end(stream, json,
				       json && add_cycle(json, report, &report->cycles->kinds[k]));
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
