/*
 * Renders JSON of other reports. Knows their members, and nothing else of them.
 */
#include "report/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/ndjson.h"
#include "report/table.h"

enum {
	/* Of referrers of referrers. */
	LEVELS = 20,
};

/* 2^64 */
#define WHOLE_LIMIT 18446744073709551616.0

/* A list of objects in the result of a report, and which of their members make a row. */
struct list {
	const char *command;
	const char *key;
	/* Above it, if there is more than one in a report; NULL: nothing. */
	const char *title;
	struct pyi_table_line headings;
	const char *figures[PYI_TABLE_FIGURES];
	unsigned figure_count;
	const char *heading;
	/* The text: two members, or one (NULL). */
	const char *first;
	const char *text;
	/* Where it is; NULL: nowhere. */
	const char *owner;
};

static const struct list lists[] = {
	{ "check",
	  "rules",
	  NULL,
	  { { "VALUE", "WARNING", "CRITICAL" } },
	  { "value", "warning", "critical" },
	  3,
	  "STATUS  RULE",
	  "status",
	  "rule",
	  NULL },
	{ "top-types",
	  "types",
	  NULL,
	  { { "COUNT", "BYTES" } },
	  { "count", "bytes" },
	  2,
	  "TYPE",
	  NULL,
	  "type",
	  NULL },
	{ "path",
	  "ways",
	  NULL,
	  { { "OBJECTS", "RETAINED" } },
	  { "instances", "retained" },
	  2,
	  "HELD THROUGH",
	  NULL,
	  "through",
	  NULL },
	{ "path",
	  "also",
	  "The same objects are also held through:",
	  { { "REFERENCES" } },
	  { "references" },
	  1,
	  "ALSO THROUGH",
	  NULL,
	  "through",
	  NULL },
	{ "top-objects",
	  "largest",
	  "The largest:",
	  { { "BYTES", "REFERENTS", "LENGTH" } },
	  { "bytes", "referents", "length" },
	  3,
	  "ADDRESS  TYPE",
	  "address",
	  "type",
	  "owner" },
	{ "top-objects",
	  "most_referents",
	  "With the most referents:",
	  { { "BYTES", "REFERENTS", "LENGTH" } },
	  { "bytes", "referents", "length" },
	  3,
	  "ADDRESS  TYPE",
	  "address",
	  "type",
	  "owner" },
};

static const struct list referrers = { "referrers",
				       "referrers",
				       NULL,
				       { { "REFERENCES", "OBJECTS", "BYTES" } },
				       { "references", "objects", "bytes" },
				       3,
				       "REFERRING TYPE  EDGE",
				       "type",
				       "edge",
				       "owner" };

static const char *text_of(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* Blank if it is no number. */
static void put_number(char *figure, const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	double value = cJSON_IsNumber(item) ? item->valuedouble : NAN;

	figure[0] = '\0';
	if (isnan(value))
		return;
	if (value >= 0 && value < WHOLE_LIMIT && value >= floor(value) && value <= floor(value))
		pyi_table_figure(figure, (uint64_t)value);
	else
		snprintf(figure, PYI_TABLE_FIGURE_BYTES, "%.4g", value);
}

static struct pyi_table_line line_of(const struct list *list, const cJSON *object)
{
	struct pyi_table_line line = { 0 };

	for (unsigned f = 0; f < list->figure_count; f++)
		put_number(line.figures[f], object, list->figures[f]);
	if (list->figure_count > 1 &&
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "estimated")) &&
	    strlen(line.figures[1]) + 1 < PYI_TABLE_FIGURE_BYTES) {
		memmove(line.figures[1] + 1, line.figures[1], strlen(line.figures[1]) + 1);
		line.figures[1][0] = '~';
	}
	return line;
}

/* NULL without memory. */
static char *label_of(const struct list *list, const cJSON *object)
{
	const char *first = list->first ? text_of(object, list->first) : NULL;
	const char *text = text_of(object, list->text);
	char *label;

	if (asprintf(&label, "%s%s%s", first ? first : "", first ? "  " : "", text ? text : "?") <
	    0)
		return NULL;
	return label;
}

static bool put_row(const struct pyi_table *table, const struct list *list, const cJSON *object,
		    size_t align)
{
	const struct pyi_table_line line = line_of(list, object);
	PYI_CLEANUP(pyi_guard_free) char *label = label_of(list, object);

	pyi_table_put_figures(table, &line);
	return label && pyi_table_put_label(table, 0, align, label,
					    list->owner ? text_of(object, list->owner) : NULL);
}

/* An array is a chain of items: no more of them are looked at than are shown. */
static bool put_list(const struct pyi_table *like, const struct list *list, const cJSON *array,
		     uint64_t limit)
{
	struct pyi_table table = *like;
	const cJSON *object;
	char figure[PYI_TABLE_FIGURE_BYTES];
	uint64_t rows = 0;
	uint64_t rest = 0;
	size_t align = 0;

	if (!array || !array->child)
		return true;
	if (list->title && !pyi_table_put_note(&table, "%s", list->title))
		return false;
	table.figure_count = list->figure_count;
	pyi_table_widen(&table, &list->headings);
	for (object = array->child; object && (!limit || rows < limit); object = object->next) {
		const struct pyi_table_line line = line_of(list, object);
		PYI_CLEANUP(pyi_guard_free) char *label = label_of(list, object);

		pyi_table_widen(&table, &line);
		if (!label || !pyi_table_align(0, label, &align))
			return false;
		rows++;
	}
	for (; object; object = object->next)
		rest++;
	pyi_table_put_figures(&table, &list->headings);
	fprintf(table.stream, "%s\n", list->heading);
	pyi_table_put_rule(&table);
	object = array->child;
	for (uint64_t row = 0; row < rows; row++, object = object->next)
		if (!put_row(&table, list, object, align))
			return false;
	if (rest)
		fprintf(table.stream, "%s %s more\n", pyi_output_ellipsis(),
			pyi_table_figure(figure, rest));
	return true;
}

/* A level for each, of which the one below is that of its biggest group. */
static bool put_referrers(const struct pyi_table *table, const cJSON *result, uint64_t limit)
{
	const cJSON *groups = cJSON_GetObjectItemCaseSensitive(result, "referrers");
	bool ok = true;

	for (int level = 0; level < LEVELS && groups && ok; level++) {
		const cJSON *below = NULL;

		if (level)
			ok = pyi_table_put_note(table, "And who refers to those of the first:");
		ok = ok && put_list(table, &referrers, groups, limit);
		for (const cJSON *group = groups->child; group && !below; group = group->next)
			below = cJSON_GetObjectItemCaseSensitive(group, "referrers");
		groups = below && below->child ? below : NULL;
	}
	return ok;
}

/* All of them, however they are held. */
static bool put_freed(const struct pyi_table *table, const cJSON *result)
{
	char figures[2][PYI_TABLE_FIGURE_BYTES];

	put_number(figures[0], result, "instances");
	put_number(figures[1], cJSON_GetObjectItemCaseSensitive(result, "freed"), "bytes");
	return !*figures[0] || !*figures[1] ||
	       pyi_table_put_note(table, "%s objects; with them %s bytes would be freed.",
				  figures[0], figures[1]);
}

/* One example, with its steps as an expression. */
static bool put_path(const struct pyi_table *table, const cJSON *result)
{
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(result, "paths");
	const char *expression = text_of(paths ? paths->child : NULL, "expression");
	const char *address = text_of(paths ? paths->child : NULL, "address");

	return !expression ||
	       pyi_table_put_note(table, "For example %s: %s", address ? address : "?", expression);
}

static bool put_paragraphs(const struct pyi_table *table, const cJSON *result)
{
	const cJSON *paragraphs = cJSON_GetObjectItemCaseSensitive(result, "paragraphs");
	const cJSON *paragraph;
	bool ok = true;

	cJSON_ArrayForEach(paragraph, paragraphs)
	{
		const char *text = text_of(paragraph, "text");
		const char *command = text_of(paragraph, "command");

		if (ok && text)
			ok = pyi_table_put_note(table, "%s", text);
		if (ok && command)
			ok = pyi_table_put_note(table, "See: %s", command);
	}
	return ok;
}

static bool put_sentences(const struct pyi_table *table, const cJSON *array)
{
	const cJSON *sentence;
	bool ok = true;

	cJSON_ArrayForEach(sentence, array)
	{
		if (ok && cJSON_IsString(sentence))
			ok = pyi_table_put_note(table, "- %s", sentence->valuestring);
	}
	return ok;
}

static bool put_slip(const struct pyi_table *table, const cJSON *result)
{
	const char *verdict = text_of(result, "verdict");

	return pyi_table_put_note(table, "The verdict: %s", verdict ? verdict : "?") &&
	       put_sentences(table, cJSON_GetObjectItemCaseSensitive(result, "evidence"));
}

static bool put_check(const struct pyi_table *table, const cJSON *result)
{
	const char *status = text_of(result, "status");
	const char *summary = text_of(result, "summary");

	return pyi_table_put_note(table, "%s: %s", status ? status : "?", summary ? summary : "?");
}

static bool put_result(const struct pyi_table *table, const char *command, const cJSON *result,
		       uint64_t limit)
{
	const struct pyi_table sentences = pyi_table_for_sentences(table);
	bool ok = true;

	if (strcmp(command, "check") == 0)
		ok = put_check(&sentences, result);
	else if (strcmp(command, "explain") == 0)
		ok = put_paragraphs(&sentences, result);
	else if (strcmp(command, "slip-dbus") == 0)
		ok = put_slip(&sentences, result);
	else if (strcmp(command, "referrers") == 0)
		ok = put_referrers(table, result, limit);
	else if (strcmp(command, "path") == 0)
		ok = put_freed(&sentences, result);
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]) && ok; l++)
		if (strcmp(lists[l].command, command) == 0)
			ok = put_list(table, &lists[l],
				      cJSON_GetObjectItemCaseSensitive(result, lists[l].key),
				      limit);
	if (ok && strcmp(command, "path") == 0)
		ok = put_path(&sentences, result);
	return ok;
}

static bool put_error(const struct pyi_table *table, const cJSON *error)
{
	const char *message = text_of(error, "message");

	return pyi_table_put_note(table, "There is an error in its place: %s",
				  message ? message : "?");
}

static bool put_report(const struct pyi_table *table, const struct pyi_kept_report *report,
		       uint64_t limit)
{
	const char *command = text_of(report->json, "command");
	const char *time = text_of(report->json, "time");
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(report->json, "result");
	const char *type = text_of(result, "type");
	const struct pyi_table sentences = pyi_table_for_sentences(table);

	fputc('\n', table->stream);
	if (!report->json)
		return pyi_table_put_note(&sentences, "%s: %s", report->file,
					  report->problem ? report->problem : "it is damaged");
	if (!pyi_table_put_note(&sentences, "== %s%s%s, %s (%s)", command ? command : "?",
				type ? " of " : "", type ? type : "",
				time ? time : "at a time that is not known", report->file))
		return false;
	if (!result)
		return put_error(&sentences,
				 cJSON_GetObjectItemCaseSensitive(report->json, "error"));
	return put_result(table, command ? command : "", result, limit);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_evidence_shown *shown)
{
	const struct pyi_table table = { .stream = stream,
					 .columns = columns,
					 .envelope = envelope };
	bool ok = pyi_table_put_target(&table);

	for (size_t r = 0; r < shown->count && ok; r++)
		ok = put_report(&table, &shown->reports[r], shown->limit);
	ok = ok && pyi_table_put_warnings(&table, 0);
	return ok ? pyi_output_finish(stream) : pyi_error_no_memory();
}

static bool add_report(cJSON *json, const struct pyi_kept_report *report)
{
	cJSON *copy = report->json ? cJSON_Duplicate(report->json, true) : cJSON_CreateNull();

	if (!pyi_output_add_text(json, "file", report->file) ||
	    !pyi_output_add_text(json, "problem", report->problem) || !copy ||
	    !cJSON_AddItemToObject(json, "report", copy)) {
		cJSON_Delete(copy);
		return false;
	}
	return true;
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_evidence_shown *shown)
{
	cJSON *line = pyi_ndjson_begin_report(envelope);
	cJSON *result = line ? cJSON_AddObjectToObject(line, "result") : NULL;
	struct pyi_error *error = pyi_ndjson_end(
		stream, line, result && pyi_output_add_text(result, "evidence", shown->name));

	for (size_t r = 0; r < shown->count && !error; r++) {
		line = pyi_ndjson_begin_item("kept-report");
		error = pyi_ndjson_end(stream, line, line && add_report(line, &shown->reports[r]));
	}
	return error;
}

struct pyi_error *pyi_report_evidence(FILE *stream, enum pyi_format format, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_evidence_shown *shown)
{
	cJSON *json;
	cJSON *result;
	cJSON *reports;
	bool ok;

	if (format == PYI_FORMAT_NDJSON)
		return render_ndjson(stream, envelope, shown);
	if (format != PYI_FORMAT_JSON)
		return render_table(stream, columns, envelope, shown);
	json = pyi_envelope_to_json(envelope);
	result = json ? cJSON_AddObjectToObject(json, "result") : NULL;
	ok = result && pyi_output_add_text(result, "evidence", shown->name);
	reports = ok ? cJSON_AddArrayToObject(result, "reports") : NULL;
	ok = reports != NULL;
	for (size_t r = 0; r < shown->count && ok; r++)
		ok = add_report(pyi_output_append_object(reports), &shown->reports[r]);
	return pyi_output_json_done(stream, json, ok, true);
}
