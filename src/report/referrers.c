/*
 * Renders groups of references, level by level, as table, JSON or NDJSON.
 *
 * Does not merge or order them.
 */
#include "report/referrers.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "report/ndjson.h"
#include "report/table.h"

enum {
	/* Classes named above the table. */
	CLASSES_TOLD = 5,
};

/* The columns before the name, in this order. */
enum column {
	REFERENCES,
	OBJECTS,
	BYTES,
	COLUMNS,
};

/* A line of the report: a group, or what the limit left out of a level. */
struct row {
	/* NULL: the rest. */
	const struct pyi_referrer_group *group;
	/* 0: those who refer to what was asked for. */
	unsigned level;
	uint64_t rest_groups;
	uint64_t rest_references;
};

/* All lines, each group before its own referrers. */
struct rows {
	struct row *rows;
	size_t count;
	size_t capacity;
};

static size_t shown_groups(const struct pyi_referrers_report *report,
			   const struct pyi_referrer_list *list)
{
	return report->limit && report->limit < list->count ? (size_t)report->limit : list->count;
}

static struct row make_rest(const struct pyi_referrers_report *report,
			    const struct pyi_referrer_list *list, unsigned level)
{
	size_t shown = shown_groups(report, list);
	struct row row = { .level = level, .rest_groups = list->count - shown };

	for (size_t i = shown; i < list->count; i++)
		if (__builtin_add_overflow(row.rest_references, list->groups[i].references,
					   &row.rest_references))
			row.rest_references = UINT64_MAX;
	return row;
}

static bool append(struct rows *rows, struct row row)
{
	if (!pyi_array_reserve(&rows->rows, rows->count, &rows->capacity, sizeof(*rows->rows)))
		return false;
	rows->rows[rows->count++] = row;
	return true;
}

static bool lay_out(const struct pyi_referrers_report *report, struct rows *rows)
{
	struct {
		const struct pyi_referrer_list *list;
		size_t next;
	} levels[PYI_REFERRERS_LEVELS] = { { .list = &report->referrers->list } };
	unsigned depth = 1;

	while (depth) {
		const struct pyi_referrer_list *list = levels[depth - 1].list;
		size_t next = levels[depth - 1].next++;
		const struct pyi_referrer_group *group;

		if (next == shown_groups(report, list)) {
			depth--;
			if (next < list->count && !append(rows, make_rest(report, list, depth)))
				return false;
			continue;
		}
		group = &list->groups[next];
		if (!append(rows, (struct row){ .group = group, .level = depth - 1 }))
			return false;
		if (group->referrers && depth < PYI_REFERRERS_LEVELS) {
			levels[depth].list = group->referrers;
			levels[depth++].next = 0;
		}
	}
	return true;
}

static struct pyi_table_line make_line(const struct row *row)
{
	struct pyi_table_line line = { 0 };

	if (row->group) {
		pyi_table_figure(line.figures[REFERENCES], row->group->references);
		pyi_table_figure(line.figures[OBJECTS], row->group->objects);
		pyi_table_estimate(line.figures[BYTES], row->group->bytes, row->group->estimated);
	} else {
		/* The same object may be in several of these groups: no sum of objects. */
		pyi_table_figure(line.figures[REFERENCES], row->rest_references);
	}
	return line;
}

/* "tuple[0]", "frame local x *", "sys.modules"; of referents ".senders: set". */
static char *make_label(const struct pyi_referrers_report *report, const struct row *row)
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
		length = asprintf(&label, "%s%s%s%s", group->type,
				  !group->type[0] || strchr(".[{", group->edge[0]) ? "" : " ",
				  group->edge, mark);
	return length < 0 ? NULL : label;
}

/* Columns before a label: two for each level; at most half of what there is. */
static size_t indentation(const struct pyi_table *table, const struct row *row)
{
	size_t room = pyi_table_room(table, pyi_table_text_start(table));
	size_t indent = (size_t)row->level * 2;

	return room && indent > room / 2 ? room / 4 * 2 : indent;
}

static bool put_row(const struct pyi_table *table, const struct pyi_referrers_report *report,
		    const struct row *row, size_t align)
{
	struct pyi_table_line line = make_line(row);
	PYI_CLEANUP(pyi_guard_free) char *label = make_label(report, row);
	size_t indent = indentation(table, row);

	pyi_table_put_figures(table, &line);
	if (indent)
		fprintf(table->stream, "%*s← ", (int)indent - 2, "");
	return label && pyi_table_put_label(table, indent, align, label,
					    row->group ? row->group->owner : NULL);
}

static bool put_rows(struct pyi_table *table, const struct pyi_referrers_report *report,
		     const struct rows *rows)
{
	const struct pyi_table_line headings = { { "REFERENCES", "OBJECTS", "BYTES" } };
	size_t align = 0;

	pyi_table_widen(table, &headings);
	for (size_t i = 0; i < rows->count; i++) {
		struct pyi_table_line line = make_line(&rows->rows[i]);

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

static bool put_notes(const struct pyi_table *table, const struct pyi_referrers_report *report,
		      const struct rows *rows)
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
				      const struct rows *rows)
{
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
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
	struct row rest = make_rest(report, list, 0);
	cJSON *other = cJSON_AddObjectToObject(json, "other");

	return other && pyi_output_add_unsigned(other, "groups", rest.rest_groups) &&
	       pyi_output_add_unsigned(other, "references", rest.rest_references);
}

static bool add_group(cJSON *json, const struct pyi_referrers_report *report, const struct row *row)
{
	const struct pyi_referrer_group *group = row->group;
	bool followed = group->referrers && row->level + 1 < PYI_REFERRERS_LEVELS;

	return json && pyi_output_add_text(json, "type", group->type[0] ? group->type : NULL) &&
	       pyi_output_add_text(json, "edge", group->edge) &&
	       pyi_output_add_text(json, "owner", group->owner) &&
	       cJSON_AddBoolToObject(json, "internal", group->internal) &&
	       pyi_output_add_unsigned(json, "objects", group->objects) &&
	       pyi_output_add_unsigned(json, "references", group->references) &&
	       pyi_output_add_unsigned(json, "bytes", group->bytes) &&
	       (!group->estimated || cJSON_AddTrueToObject(json, "estimated")) &&
	       pyi_output_add_address(json, "example", group->example_addr) &&
	       (!followed || add_other(json, report, group->referrers));
}

static bool add_groups(cJSON *result, const struct pyi_referrers_report *report,
		       const struct rows *rows)
{
	const char *key = report->referents ? "referents" : "referrers";
	cJSON *lists[PYI_REFERRERS_LEVELS + 1] = { cJSON_AddArrayToObject(result, key) };
	bool ok = lists[0] != NULL;

	for (size_t i = 0; ok && i < rows->count; i++) {
		const struct row *row = &rows->rows[i];
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
		       const struct rows *rows)
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
				       const struct rows *rows)
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

struct pyi_error *pyi_report_referrers(FILE *stream, enum pyi_format format, unsigned columns,
				       const struct pyi_envelope *envelope,
				       const struct pyi_referrers_report *report)
{
	struct rows rows = { 0 };
	PYI_CLEANUP(pyi_guard_free) struct row *owned = NULL;
	bool ok = lay_out(report, &rows);
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
	default:
		break;
	}
	return render_table(stream, columns, envelope, report, &rows);
}
