/*
 * Renders groups of references, level by level, as table, JSON, NDJSON or a picture.
 *
 * Does not merge or order them.
 */
#include "report/referrers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/referrer_tree.h"
#include "base/cleanup.h"
#include "report/dot.h"
#include "report/ndjson.h"
#include "report/referrer_rows.h"
#include "report/table.h"

enum {
	/* Classes named above the table. */
	CLASSES_TOLD = 5,
};

/* The columns before the name, in this order; SHARE is of a tree. */
enum column {
	REFERENCES,
	OBJECTS,
	BYTES,
	COLUMNS,
	TREE_SHARE = OBJECTS,
};

/* In percent, of the references to what the line above is about. */
static double share_of(const struct pyi_referrer_row *row)
{
	uint64_t references = row->group ? row->group->references : row->rest_references;

	return row->list_references ? 100.0 * (double)references / (double)row->list_references : 0;
}

/* A tree has a column more. */
static char *figure_at(struct pyi_table_line *line, const struct pyi_referrers_report *report,
		       enum column column)
{
	return line->figures[column + (report->tree && column > REFERENCES)];
}

static struct pyi_table_line make_line(const struct pyi_referrers_report *report,
				       const struct pyi_referrer_row *row)
{
	const struct pyi_referrer_group *group = row->group;
	struct pyi_table_line line = { 0 };

	pyi_table_figure(figure_at(&line, report, REFERENCES),
			 group ? group->references : row->rest_references);
	if (report->tree)
		snprintf(line.figures[TREE_SHARE], PYI_TABLE_FIGURE_BYTES, "%.1f%%", share_of(row));
	/* The same object may be in several of the rest: no sum of objects. */
	if (!group)
		return line;
	pyi_table_figure(figure_at(&line, report, OBJECTS), group->objects);
	pyi_table_estimate(figure_at(&line, report, BYTES), group->bytes, group->estimated);
	return line;
}

static const char *end_of(const struct pyi_referrer_group *group)
{
	switch (group->ends) {
	case PYI_REFERRER_AGAIN:
		return " (again)";
	case PYI_REFERRER_WIDTH:
		return " (not followed)";
	case PYI_REFERRER_MODULE:
	case PYI_REFERRER_DEPTH:
	case PYI_REFERRER_GOES_ON:
		break;
	}
	return "";
}

/* "tuple[0]", "frame local x *", "sys.modules"; of referents ".senders: set". */
static char *make_label(const struct pyi_referrers_report *report,
			const struct pyi_referrer_row *row)
{
	const struct pyi_referrer_group *group = row->group;
	const char *mark = group && group->internal ? " *" : "";
	char figure[PYI_TABLE_FIGURE_BYTES];
	char *label;
	int length;

	if (!group)
		length = asprintf(&label, "%s %s other group%s", pyi_output_ellipsis(),
				  pyi_table_figure(figure, row->rest_groups),
				  row->rest_groups == 1 ? "" : "s");
	else if (report->referents)
		length = asprintf(&label, "%s: %s%s", group->edge, group->type, mark);
	else
		length = asprintf(&label, "%s%s%s%s%s", group->type,
				  !group->type[0] || strchr(".[{", group->edge[0]) ? "" : " ",
				  group->edge, mark, end_of(group));
	return length < 0 ? NULL : label;
}

/* Columns before a label: two for each level; at most half of what there is. */
static size_t indentation(const struct pyi_table *table, const struct pyi_referrer_row *row)
{
	size_t room = pyi_table_room(table, pyi_table_text_start(table));
	size_t indent = (size_t)row->level * 2;

	return room && indent > room / 2 ? room / 4 * 2 : indent;
}

static bool put_row(const struct pyi_table *table, const struct pyi_referrers_report *report,
		    const struct pyi_referrer_row *row, size_t align)
{
	struct pyi_table_line line = make_line(report, row);
	PYI_CLEANUP(pyi_guard_free) char *label = make_label(report, row);
	size_t indent = indentation(table, row);

	pyi_table_put_figures(table, &line);
	if (indent)
		fprintf(table->stream, "%*s← ", (int)indent - 2, "");
	return label && pyi_table_put_label(table, indent, align, label,
					    row->group ? row->group->owner : NULL);
}

static bool put_rows(struct pyi_table *table, const struct pyi_referrers_report *report,
		     const struct pyi_referrer_rows *rows)
{
	static const struct pyi_table_line headings_of[] = {
		{ { "REFERENCES", "OBJECTS", "BYTES" } },
		{ { "REFERENCES", "SHARE", "OBJECTS", "BYTES" } },
	};
	const struct pyi_table_line headings = headings_of[report->tree];
	size_t align = 0;

	pyi_table_widen(table, &headings);
	for (size_t i = 0; i < rows->count; i++) {
		struct pyi_table_line line = make_line(report, &rows->rows[i]);

		pyi_table_widen(table, &line);
	}
	for (size_t i = 0; i < rows->count; i++) {
		PYI_CLEANUP(pyi_guard_free) char *label = make_label(report, &rows->rows[i]);

		if (!label || !pyi_table_align(indentation(table, &rows->rows[i]), label, &align))
			return false;
	}
	pyi_table_put_figures(table, &headings);
	fprintf(table->stream, "%s\n", report->referents ? "REFERENT" : "REFERRER");
	for (size_t i = 0; i < rows->count; i++)
		if (!put_row(table, report, &rows->rows[i], align))
			return false;
	return true;
}

/* None if there is only the class that was asked for. */
static size_t classes_to_tell(const struct pyi_referrers *referrers)
{
	if (referrers->class_count == 1 && referrers->type &&
	    strcmp(referrers->classes[0].type, referrers->type) == 0)
		return 0;
	return referrers->class_count < CLASSES_TOLD ? referrers->class_count : CLASSES_TOLD;
}

/* "Referrers of foo.A and its subclasses: 3 instances of 2 classes: foo.B (2), foo.A (1)" */
static bool put_head(const struct pyi_table *table, const struct pyi_referrers_report *report)
{
	const struct pyi_referrers *referrers = report->referrers;
	PYI_CLEANUP(pyi_guard_free) char *subject = NULL;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	PYI_CLEANUP(pyi_guard_file) FILE *words = NULL;
	char figure[PYI_TABLE_FIGURE_BYTES];
	size_t tell = classes_to_tell(referrers);
	size_t told = 0;
	size_t size;

	subject = pyi_table_subject(table, referrers->type, referrers->exact, referrers->address);
	words = open_memstream(&text, &size);
	if (!subject || !words || !pyi_table_put_target(table))
		return false;
	fprintf(words, "%s of %s", report->referents ? "Referents" : "Referrers", subject);
	if (!referrers->address)
		fprintf(words, ": %s instance%s", pyi_table_figure(figure, referrers->instances),
			referrers->instances == 1 ? "" : "s");
	if (referrers->class_count > 1)
		fprintf(words, " of %zu classes", referrers->class_count);
	if (referrers->address && referrers->class_count)
		fputs(", a", words);
	else if (tell)
		fputc(':', words);
	for (; told < tell; told++) {
		const struct pyi_class_count *class = &referrers->classes[told];
		PYI_CLEANUP(pyi_guard_free) char *name = NULL;

		name = pyi_output_fit(class->type, pyi_table_room(table, strlen("  ,")));
		if (!name)
			return false;
		fprintf(words, "%s %s", told ? "," : "", name);
		if (!referrers->address)
			fprintf(words, " (%s)", pyi_table_figure(figure, class->count));
	}
	if (tell && tell < referrers->class_count)
		fprintf(words, ", %s %zu more", pyi_output_ellipsis(),
			referrers->class_count - told);
	if (fflush(words) || ferror(words))
		return false;
	pyi_table_put_words(table, text);
	fputc('\n', table->stream);
	return true;
}

static bool put_nothing(const struct pyi_table *table, const struct pyi_referrers_report *report)
{
	if (!report->referrers->instances && !report->referrers->address)
		return pyi_table_put_note(table, "There are no such objects in this process.");
	if (report->referents)
		return pyi_table_put_note(table, "No referent was found.");
	return pyi_table_put_note(
		table, "No referrer was found: what there is is held only by C code, or by "
		       "something that is not visited.");
}

/* Why a tree ends where it does. */
static bool put_ends(const struct pyi_table *table, const struct pyi_referrer_rows *rows)
{
	bool ends[PYI_REFERRER_WIDTH + 1] = { false };
	unsigned levels = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->rows[i].group)
			ends[rows->rows[i].group->ends] = true;
		if (rows->rows[i].level >= levels)
			levels = rows->rows[i].level + 1;
	}
	if (ends[PYI_REFERRER_AGAIN] &&
	    !pyi_table_put_note(table, "(again): the same group is further up in its branch: from "
				       "there on it repeats itself"))
		return false;
	if (ends[PYI_REFERRER_WIDTH] &&
	    !pyi_table_put_note(table,
				"(not followed): of each level the %d groups with the most "
				"references are",
				PYI_REFERRER_TREE_BRANCHES))
		return false;
	return !ends[PYI_REFERRER_DEPTH] ||
	       pyi_table_put_note(table, "There is more above the last of %u levels: --depth",
				  levels);
}

static bool put_notes(const struct pyi_table *table, const struct pyi_referrers_report *report,
		      const struct pyi_referrer_rows *rows)
{
	uint64_t example =
		rows->count && rows->rows[0].group ? rows->rows[0].group->example_addr : 0;
	bool estimated = false;
	bool internal = false;
	bool owner = false;
	bool ok = true;

	for (size_t i = 0; i < rows->count; i++) {
		internal |= rows->rows[i].group && rows->rows[i].group->internal;
		owner |= rows->rows[i].group && rows->rows[i].group->owner;
		estimated |= rows->rows[i].group && rows->rows[i].group->estimated;
	}
	if (estimated)
		ok = pyi_table_put_estimate_note(table);
	if (ok && internal)
		ok = pyi_table_put_note(table, "*: real, but gc.%s() does not know of it",
					report->referents ? "get_referents" : "get_referrers");
	if (ok && owner)
		ok = pyi_table_put_note(table, "in: the first thing with a name that was found to "
					       "hold the container; there may be others");
	if (ok)
		ok = put_ends(table, rows);
	if (ok && example && !report->referents)
		ok = pyi_table_put_command(table, "what keeps one of the first", "path", example);
	if (ok && report->referrers->truncated)
		ok = pyi_table_put_note(table, "warning: there were too many different groups: "
					       "some are added up as (other)");
	return ok && pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_referrers_report *report,
				      const struct pyi_referrer_rows *rows)
{
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS + report->tree,
	};
	bool ok = put_head(&table, report);

	if (ok && rows->count)
		ok = put_rows(&table, report, rows);
	else if (ok)
		ok = put_nothing(&table, report);
	fputc('\n', stream);
	if (!ok || !put_notes(&table, report, rows))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

bool pyi_report_add_classes(cJSON *result, const struct pyi_class_count *classes, size_t count)
{
	cJSON *list = cJSON_AddArrayToObject(result, "classes");
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < count; i++) {
		cJSON *item = pyi_output_append_object(list);

		ok = item && pyi_output_add_text(item, "type", classes[i].type) &&
		     pyi_output_add_unsigned(item, "count", classes[i].count);
	}
	return ok;
}

static bool add_other(cJSON *json, const struct pyi_referrers_report *report,
		      const struct pyi_referrer_list *list)
{
	struct pyi_referrer_row rest = pyi_referrer_rows_rest(report, list, 0);
	cJSON *other = cJSON_AddObjectToObject(json, "other");

	return other && pyi_output_add_unsigned(other, "groups", rest.rest_groups) &&
	       pyi_output_add_unsigned(other, "references", rest.rest_references);
}

/* With two decimals. */
static bool add_share(cJSON *json, const struct pyi_referrer_row *row)
{
	double hundredths = share_of(row) * 100 + 0.5;

	return cJSON_AddNumberToObject(json, "share", (double)(uint64_t)hundredths / 100) != NULL;
}

static bool add_group(cJSON *json, const struct pyi_referrers_report *report,
		      const struct pyi_referrer_row *row)
{
	const struct pyi_referrer_group *group = row->group;
	bool followed = group->referrers && row->level + 1 < PYI_REFERRERS_LEVELS;
	const char *end = pyi_referrer_end_name(group->ends);

	return json && pyi_output_add_text(json, "type", group->type[0] ? group->type : NULL) &&
	       pyi_output_add_text(json, "edge", group->edge) &&
	       pyi_output_add_text(json, "owner", group->owner) &&
	       cJSON_AddBoolToObject(json, "internal", group->internal) &&
	       pyi_output_add_unsigned(json, "objects", group->objects) &&
	       pyi_output_add_unsigned(json, "references", group->references) &&
	       pyi_output_add_unsigned(json, "bytes", group->bytes) &&
	       (!group->estimated || cJSON_AddTrueToObject(json, "estimated")) &&
	       pyi_output_add_address(json, "example", group->example_addr) &&
	       (!report->tree || add_share(json, row)) &&
	       (!end || pyi_output_add_text(json, "ends", end)) &&
	       (!followed || add_other(json, report, group->referrers));
}

static bool add_groups(cJSON *result, const struct pyi_referrers_report *report,
		       const struct pyi_referrer_rows *rows)
{
	const char *key = report->referents ? "referents" : "referrers";
	cJSON *lists[PYI_REFERRERS_LEVELS + 1] = { cJSON_AddArrayToObject(result, key) };
	bool ok = lists[0] != NULL;

	for (size_t i = 0; ok && i < rows->count; i++) {
		const struct pyi_referrer_row *row = &rows->rows[i];
		cJSON *json;

		if (!row->group)
			continue;
		json = pyi_output_append_object(lists[row->level]);
		ok = add_group(json, report, row);
		if (ok && row->group->referrers && row->level + 1 < PYI_REFERRERS_LEVELS) {
			lists[row->level + 1] = cJSON_AddArrayToObject(json, key);
			ok = lists[row->level + 1] != NULL;
		}
	}
	return ok;
}

/* `rows` NULL: without the list. */
static bool add_result(cJSON *json, const struct pyi_referrers_report *report,
		       const struct pyi_referrer_rows *rows)
{
	const struct pyi_referrers *referrers = report->referrers;
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return result && pyi_output_add_text(result, "type", referrers->type) &&
	       cJSON_AddBoolToObject(result, "exact", referrers->exact) &&
	       pyi_output_add_address(result, "address", referrers->address) &&
	       pyi_output_add_unsigned(result, "instances", referrers->instances) &&
	       pyi_report_add_classes(result, referrers->classes, referrers->class_count) &&
	       cJSON_AddBoolToObject(result, "truncated", referrers->truncated) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects) &&
	       (!rows || add_groups(result, report, rows)) &&
	       add_other(result, report, &referrers->list);
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_referrers_report *report,
				       const struct pyi_referrer_rows *rows)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, NULL));

	for (size_t i = 0; !error && i < rows->count; i++) {
		if (!rows->rows[i].group)
			continue;
		json = pyi_ndjson_begin_item("group");
		error = pyi_ndjson_end(
			stream, json,
			json && pyi_output_add_unsigned(json, "level", rows->rows[i].level + 1) &&
				add_group(json, report, &rows->rows[i]));
	}
	return error;
}

static size_t draw_subject(struct pyi_dot *dot, const struct pyi_referrers *referrers)
{
	char figure[PYI_TABLE_FIGURE_BYTES];
	const char *type = referrers->type;

	if (referrers->address && referrers->class_count)
		type = referrers->classes[0].type;
	if (type)
		pyi_dot_say(dot, "%s", type);
	if (referrers->address)
		pyi_dot_say(dot, "0x%" PRIx64, referrers->address);
	else
		pyi_dot_say(dot, "%s instance%s", pyi_table_figure(figure, referrers->instances),
			    referrers->instances == 1 ? "" : "s");
	return pyi_dot_put_node(dot, 0, PYI_DOT_SUBJECT);
}

/* A group is no single object: it has no address of its own. Of referents OBJECTS and the example
 * are those that were asked about. */
static size_t draw_group(struct pyi_dot *dot, const struct pyi_referrers_report *report,
			 const struct pyi_referrer_row *row)
{
	const struct pyi_referrer_group *group = row->group;
	char objects[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];

	if (!group)
		return pyi_dot_put_others(dot, row->rest_groups,
					  row->rest_groups == 1 ? "other group" : "other groups");
	pyi_dot_say(dot, "%s%s", group->type[0] ? group->type : "root", end_of(group));
	if (group->owner)
		pyi_dot_say(dot, "in %s", group->owner);
	if (!report->referents)
		pyi_dot_say(dot, "%s object%s", pyi_table_figure(objects, group->objects),
			    group->objects == 1 ? "" : "s");
	pyi_table_estimate(bytes, group->bytes, group->estimated);
	pyi_dot_say(dot, "%s bytes", bytes);
	if (group->example_addr && !report->referents)
		pyi_dot_say(dot, "%s0x%" PRIx64,
			    group->objects == 1 ? "" : "one: ", group->example_addr);
	return pyi_dot_put_node(dot, 0, PYI_DOT_USUAL);
}

static void draw_references(struct pyi_dot *dot, const struct pyi_referrers_report *report,
			    const struct pyi_referrer_row *row, size_t node, size_t above)
{
	const struct pyi_referrer_group *group = row->group;
	uint64_t references = group ? group->references : row->rest_references;
	enum pyi_dot_look look = PYI_DOT_VAGUE;
	char figure[PYI_TABLE_FIGURE_BYTES];

	if (group) {
		pyi_dot_say(dot, "%s%s", group->edge, group->internal ? " *" : "");
		look = group->internal ? PYI_DOT_INTERNAL : PYI_DOT_USUAL;
	}
	pyi_dot_say(dot, "%s reference%s", pyi_table_figure(figure, references),
		    references == 1 ? "" : "s");
	if (report->tree)
		pyi_dot_say(dot, "%.1f%%", share_of(row));
	if (group && report->referents)
		pyi_dot_say(dot, "of %s object%s", pyi_table_figure(figure, group->objects),
			    group->objects == 1 ? "" : "s");
	pyi_dot_put_edge(dot, report->referents ? above : node, report->referents ? node : above,
			 look);
}

static struct pyi_error *render_dot(FILE *stream, const struct pyi_envelope *envelope,
				    const struct pyi_referrers_report *report,
				    const struct pyi_referrer_rows *rows)
{
	/* The node that the groups of each level refer to. */
	size_t above[PYI_REFERRERS_LEVELS + 1];
	struct pyi_dot dot;
	bool ok;

	pyi_dot_begin(&dot, stream, envelope);
	above[0] = draw_subject(&dot, report->referrers);
	for (size_t r = 0; r < rows->count; r++) {
		const struct pyi_referrer_row *row = &rows->rows[r];
		size_t node = draw_group(&dot, report, row);

		draw_references(&dot, report, row, node, above[row->level]);
		above[row->level + 1] = node;
	}
	ok = put_head(&dot.words, report) && (rows->count || put_nothing(&dot.words, report)) &&
	     put_notes(&dot.words, report, rows);
	return pyi_dot_end(&dot, ok);
}

struct pyi_error *pyi_report_referrers(FILE *stream, enum pyi_format format, unsigned columns,
				       const struct pyi_envelope *envelope,
				       const struct pyi_referrers_report *report)
{
	struct pyi_referrer_rows rows = { 0 };
	PYI_CLEANUP(pyi_guard_free) struct pyi_referrer_row *owned = NULL;
	bool ok = pyi_referrer_rows_lay_out(report, &rows);
	cJSON *json;

	owned = rows.rows;
	if (!ok)
		return pyi_error_no_memory();
	switch (format) {
	case PYI_FORMAT_JSON:
		json = pyi_envelope_to_json(envelope);
		ok = json && add_result(json, report, &rows);
		return pyi_output_json_done(stream, json, ok, true);
	case PYI_FORMAT_NDJSON:
		return render_ndjson(stream, envelope, report, &rows);
	case PYI_FORMAT_DOT:
		return render_dot(stream, envelope, report, &rows);
	default:
		break;
	}
	return render_table(stream, columns, envelope, report, &rows);
}
