/*
 * Renders the tree of dominators as table, JSON or NDJSON.
 *
 * Does not group or order it.
 */
#include "report/dominators.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/ndjson.h"
#include "report/table.h"

enum {
	RETAINED,
	SHARE,
	OBJECTS,
	COLUMNS,
	INDENT = 2,
};

static const struct pyi_table_line headings = { { "RETAINED", "SHARE", "OBJECTS" } };

static void put_share(char *figure, const struct pyi_dominators_report *report, uint64_t bytes)
{
	double all = report->heap_bytes ? (double)report->heap_bytes : 1;

	snprintf(figure, PYI_TABLE_FIGURE_BYTES, "%.1f%%", 100.0 * (double)bytes / all);
}

static struct pyi_table_line line_of(const struct pyi_dominators_report *report,
				     const struct pyi_tree_line *words)
{
	const struct pyi_tree_group *group = &words->group;
	struct pyi_table_line line = { 0 };

	pyi_table_estimate(line.figures[RETAINED], group->retained_bytes, group->estimated);
	put_share(line.figures[SHARE], report, group->retained_bytes);
	if (words->addr)
		snprintf(line.figures[OBJECTS], PYI_TABLE_FIGURE_BYTES, "0x%" PRIx64, words->addr);
	else
		pyi_table_figure(line.figures[OBJECTS], group->objects);
	return line;
}

static struct pyi_table_line line_of_rest(const struct pyi_dominators_report *report,
					  uint64_t objects, uint64_t bytes)
{
	struct pyi_table_line line = { 0 };

	pyi_table_figure(line.figures[RETAINED], bytes);
	put_share(line.figures[SHARE], report, bytes);
	pyi_table_figure(line.figures[OBJECTS], objects);
	return line;
}

static bool put_line(const struct pyi_table *table, const struct pyi_dominators_report *report,
		     const struct pyi_tree_line *words)
{
	struct pyi_table_line line = line_of(report, words);
	size_t indent = INDENT * (size_t)words->group.depth;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;

	if (asprintf(&text, "%s%s%s", words->name, words->name[0] ? "  " : "", words->type) < 0) {
		text = NULL;
		return false;
	}
	pyi_table_put_figures(table, &line);
	fprintf(table->stream, "%*s", (int)indent, "");
	return pyi_table_put_label(table, indent, 0, text, NULL);
}

static void put_rest(const struct pyi_table *table, const struct pyi_dominators_report *report,
		     uint32_t depth, uint64_t objects, uint64_t bytes)
{
	struct pyi_table_line line = line_of_rest(report, objects, bytes);

	if (!bytes)
		return;
	pyi_table_put_figures(table, &line);
	fprintf(table->stream, "%*s%s others\n", INDENT * (int)depth, "", pyi_output_ellipsis());
}

/* What is left of the groups that end before a line of this depth, the innermost first. */
static void put_ended(const struct pyi_table *table, const struct pyi_dominators_report *report,
		      uint32_t *open, size_t *open_count, uint32_t depth)
{
	while (*open_count && report->words->lines[open[*open_count - 1]].group.depth >= depth) {
		const struct pyi_tree_group *group =
			&report->words->lines[open[--*open_count]].group;

		/* A group with nothing below it says so itself. */
		if (report->words->count > open[*open_count] + 1 &&
		    report->words->lines[open[*open_count] + 1].group.depth > group->depth)
			put_rest(table, report, group->depth + 1, group->rest_objects,
				 group->rest_bytes);
	}
}

static bool put_rows(struct pyi_table *table, const struct pyi_dominators_report *report)
{
	const struct pyi_tree_words *words = report->words;
	uint32_t open[PYI_TREE_GROUP_LIMIT];
	size_t open_count = 0;

	pyi_table_widen(table, &headings);
	for (size_t l = 0; l < words->count; l++) {
		struct pyi_table_line line = line_of(report, &words->lines[l]);

		pyi_table_widen(table, &line);
	}
	fputc('\n', table->stream);
	pyi_table_put_figures(table, &headings);
	fputs("TREE\n", table->stream);
	for (size_t l = 0; l < words->count; l++) {
		put_ended(table, report, open, &open_count, words->lines[l].group.depth);
		if (!put_line(table, report, &words->lines[l]))
			return false;
		open[open_count++] = (uint32_t)l;
	}
	put_ended(table, report, open, &open_count, 0);
	put_rest(table, report, 0, report->tree->rest_objects, report->tree->rest_bytes);
	fputc('\n', table->stream);
	return true;
}

static bool put_head(const struct pyi_table *table, const struct pyi_dominators_report *report)
{
	PYI_CLEANUP(pyi_guard_free) char *subject = NULL;
	char objects[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];
	char heap[PYI_TABLE_FIGURE_BYTES];

	if (!pyi_table_put_target(table))
		return false;
	pyi_table_figure(heap, report->heap_bytes);
	if (!report->type && !report->address)
		return pyi_table_put_note(table,
					  "Who alone keeps what alive, of %s objects of %s bytes",
					  pyi_table_figure(objects, report->heap_objects), heap);
	subject = pyi_table_subject(table, report->type, report->exact, report->address);
	pyi_table_estimate(bytes, report->together.bytes, report->together.estimated);
	return subject &&
	       pyi_table_put_note(table, "What %s %s alive alone: %s bytes of %s, with %s object%s",
				  subject, report->address ? "keeps" : "keep", bytes, heap,
				  pyi_table_figure(objects, report->together.objects),
				  report->together.objects == 1 ? "" : "s");
}

static bool put_notes(const struct pyi_table *table, const struct pyi_dominators_report *report)
{
	uint64_t alone = report->tree->top_bytes;
	char bytes[PYI_TABLE_FIGURE_BYTES];
	bool estimated = report->together.estimated;
	bool ok = true;

	for (size_t l = 0; l < report->words->count; l++)
		estimated |= report->words->lines[l].group.estimated;
	if (report->type && report->together.bytes > alone)
		ok = pyi_table_put_note(
			table,
			"%s bytes more are kept by several of them together, and by "
			"none alone",
			pyi_table_figure(bytes, report->together.bytes - alone));
	if (ok && estimated)
		ok = pyi_table_put_note(table, "~: an estimate; a type has a __sizeof__ of its "
					       "own");
	return ok && pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_dominators_report *report)
{
	const struct pyi_table bare = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};
	struct pyi_table table = pyi_table_for_sentences(&bare);

	if (!put_head(&table, report) || !put_rows(&table, report) || !put_notes(&table, report))
		return pyi_error_no_memory();
	pyi_table_put_cost(&bare);
	return pyi_output_finish(stream);
}

static bool add_sum(cJSON *json, const char *key, uint64_t objects, uint64_t bytes)
{
	cJSON *sum = cJSON_AddObjectToObject(json, key);

	return sum && pyi_output_add_unsigned(sum, "objects", objects) &&
	       pyi_output_add_unsigned(sum, "bytes", bytes);
}

static bool add_group(cJSON *json, const struct pyi_tree_line *words)
{
	const struct pyi_tree_group *group = &words->group;

	return json && pyi_output_add_unsigned(json, "depth", group->depth) &&
	       (group->above == PYI_GRAPH_NONE
			? cJSON_AddNullToObject(json, "above") != NULL
			: pyi_output_add_unsigned(json, "above", group->above)) &&
	       pyi_output_add_text(json, "edge", words->name) &&
	       pyi_output_add_text(json, "type", words->type) &&
	       pyi_output_add_unsigned(json, "objects", group->objects) &&
	       pyi_output_add_unsigned(json, "bytes", group->bytes) &&
	       pyi_output_add_unsigned(json, "retained", group->retained_bytes) &&
	       (!group->estimated || cJSON_AddTrueToObject(json, "estimated")) &&
	       pyi_output_add_address(json, "address", words->addr) &&
	       add_sum(json, "rest", group->rest_objects, group->rest_bytes);
}

static bool add_groups(cJSON *result, const struct pyi_tree_words *words)
{
	cJSON *groups = cJSON_AddArrayToObject(result, "groups");

	for (size_t l = 0; l < words->count && groups; l++)
		if (!add_group(pyi_output_append_object(groups), &words->lines[l]))
			return false;
	return groups != NULL;
}

static bool add_result(cJSON *json, const struct pyi_dominators_report *report, bool with_groups)
{
	cJSON *result = cJSON_AddObjectToObject(json, "result");
	cJSON *retained;

	if (!result || !pyi_output_add_text(result, "type", report->type) ||
	    !cJSON_AddBoolToObject(result, "exact", report->exact) ||
	    !pyi_output_add_address(result, "address", report->address) ||
	    !pyi_output_add_unsigned(result, "objects", report->objects))
		return false;
	retained = cJSON_AddObjectToObject(result, "retained");
	return retained && pyi_output_add_unsigned(retained, "objects", report->together.objects) &&
	       pyi_output_add_unsigned(retained, "bytes", report->together.bytes) &&
	       (!report->together.estimated || cJSON_AddTrueToObject(retained, "estimated")) &&
	       add_sum(result, "heap", report->heap_objects, report->heap_bytes) &&
	       add_sum(result, "rest", report->tree->rest_objects, report->tree->rest_bytes) &&
	       cJSON_AddBoolToObject(result, "complete", report->complete) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects) &&
	       (!with_groups || add_groups(result, report->words));
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_dominators_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));

	for (size_t l = 0; l < report->words->count && !error; l++) {
		json = pyi_ndjson_begin_item("group");
		error = pyi_ndjson_end(stream, json, add_group(json, &report->words->lines[l]));
	}
	return error;
}

struct pyi_error *pyi_report_dominators(FILE *stream, enum pyi_format format, unsigned columns,
					const struct pyi_envelope *envelope,
					const struct pyi_dominators_report *report)
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
