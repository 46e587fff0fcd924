/*
 * Renders a census as table, JSON or NDJSON.
 *
 * Does not sort, merge or judge the figures.
 */
#include "report/top_types.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	/* "~18,446,744,073,709,551,615" */
	FIGURE_SIZE = 28,
	/* A name is not cut below this many columns, however narrow the terminal is. */
	NARROWEST_NAME = 12,
};

/* The columns before the name, in this order. */
enum column {
	COUNT,
	BYTES,
	AVERAGE,
	CUMULATIVE,
	COLUMNS,
};

/* One line of the table, as text. */
struct line {
	char figures[COLUMNS][FIGURE_SIZE];
};

struct table {
	FILE *stream;
	unsigned columns;
	const struct pyi_envelope *envelope;
	const struct pyi_top_types *report;
	/* How many rows have a line of their own. */
	size_t shown;
	struct pyi_census_sum total;
	int widths[COLUMNS];
};

static const struct line headings = { { "COUNT", "BYTES", "AVERAGE", "CUM %" } };

static size_t shown_types(const struct pyi_top_types *report)
{
	size_t all = report->census->type_count;

	return report->limit && report->limit < all ? (size_t)report->limit : all;
}

/* `figure` has room for 27 bytes. */
static const char *group_digits(char *figure, uint64_t value)
{
	char digits[FIGURE_SIZE];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	char *to = figure;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return figure;
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

static struct line make_line(uint64_t count, uint64_t bytes, bool estimated)
{
	struct line line = { 0 };
	char *figure = line.figures[BYTES];

	group_digits(line.figures[COUNT], count);
	if (estimated)
		*figure++ = '~';
	group_digits(figure, bytes);
	if (count) {
		uint64_t rest = bytes % count;

		group_digits(line.figures[AVERAGE], bytes / count + (rest >= count - rest));
	} else {
		strcpy(line.figures[AVERAGE], "-");
	}
	return line;
}

static void set_cumulative(const struct table *table, struct line *line, uint64_t reached)
{
	bool by_count = table->report->order == PYI_CENSUS_BY_COUNT;
	unsigned share = per_mille(reached, by_count ? table->total.count : table->total.bytes);

	snprintf(line->figures[CUMULATIVE], FIGURE_SIZE, "%u.%u%%", share / 10 % 1000, share % 10);
}

static uint64_t order_figure(const struct table *table, const struct pyi_census_type *type)
{
	return table->report->order == PYI_CENSUS_BY_COUNT ? type->count : type->bytes;
}

/* One estimated type makes every sum that it is part of an estimate. */
static bool any_estimated(const struct pyi_census *census, size_t first)
{
	for (size_t i = first; i < census->type_count; i++)
		if (census->types[i].estimated)
			return true;
	return false;
}

static void widen(struct table *table, const struct line *line)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		int length = (int)strlen(line->figures[i]);

		if (length > table->widths[i])
			table->widths[i] = length;
	}
}

static struct line line_of_type(const struct pyi_census_type *type)
{
	return make_line(type->count, type->bytes, type->estimated);
}

static struct line line_of_rest(const struct table *table, size_t first)
{
	const struct pyi_census *census = table->report->census;
	struct pyi_census_sum sum = pyi_census_sum_from(census, first);

	return make_line(sum.count, sum.bytes, any_estimated(census, first));
}

static void measure(struct table *table)
{
	struct line rest = line_of_rest(table, table->shown);
	struct line total = line_of_rest(table, 0);

	widen(table, &headings);
	widen(table, &rest);
	widen(table, &total);
	table->widths[CUMULATIVE] = (int)strlen("100.0%");
	for (size_t i = 0; i < table->shown; i++) {
		struct line line = line_of_type(&table->report->census->types[i]);

		widen(table, &line);
	}
}

static void put_line(const struct table *table, const struct line *line)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		fprintf(table->stream, "%*s  ", table->widths[i], line->figures[i]);
}

static void put_rule(const struct table *table)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		for (int column = 0; column < table->widths[i]; column++)
			fputc('-', table->stream);
		fputs("  ", table->stream);
	}
	fputs("----\n", table->stream);
}

/* Columns that are left beside `used` ones; 0: no limit. */
static size_t room_beside(const struct table *table, size_t used)
{
	if (!table->columns)
		return 0;
	if (table->columns < used + NARROWEST_NAME)
		return NARROWEST_NAME;
	return table->columns - used;
}

static bool put_type(const struct table *table, const struct pyi_census_type *type)
{
	size_t used = COLUMNS * strlen("  ");
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	char classes[32] = "";

	for (unsigned i = 0; i < COLUMNS; i++)
		used += (size_t)table->widths[i];
	if (type->classes > 1)
		snprintf(classes, sizeof(classes), " (%" PRIu32 " classes)", type->classes);
	name = pyi_output_fit(type->name, room_beside(table, used + strlen(classes)));
	if (name)
		fprintf(table->stream, "%s%s\n", name, classes);
	return name != NULL;
}

/* Breaks a sentence at its spaces; a word that is too long for a line gets one of its own. */
static bool put_sentence(const struct table *table, const char *text)
{
	PYI_CLEANUP(pyi_guard_free) char *safe = pyi_output_fit(text, 0);
	char *state = NULL;
	size_t column = 0;

	if (!safe)
		return false;
	for (char *word = strtok_r(safe, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
		size_t width = pyi_output_width(word);

		if (column && table->columns && column + 1 + width > table->columns) {
			fputs("\n  ", table->stream);
			column = 2;
		} else if (column) {
			fputc(' ', table->stream);
			column++;
		}
		fputs(word, table->stream);
		column += width;
	}
	fputc('\n', table->stream);
	return true;
}

static bool put_head(const struct table *table)
{
	const struct pyi_envelope *envelope = table->envelope;
	const struct pyi_top_types *report = table->report;
	const char *order = report->order == PYI_CENSUS_BY_COUNT ? "count" : "bytes";
	bool tracked = strcmp(report->scope, "tracked") == 0;
	PYI_CLEANUP(pyi_guard_free) char *target = NULL;
	PYI_CLEANUP(pyi_guard_free) char *python = NULL;
	PYI_CLEANUP(pyi_guard_free) char *exe = NULL;
	PYI_CLEANUP(pyi_guard_file) FILE *words = NULL;
	char shown[FIGURE_SIZE];
	char types[FIGURE_SIZE];
	size_t size;

	python = pyi_output_fit(envelope->python ? envelope->python : "of unknown version", 0);
	words = open_memstream(&target, &size);
	if (!python || !words)
		return false;
	if (envelope->pid > 0)
		fprintf(words, "PID %" PRId64 ", ", envelope->pid);
	fprintf(words, "Python %s", python);
	for (const char *const *name = envelope->build; name && *name; name++)
		fprintf(words, " %s", *name);
	if (envelope->interpreters > 1)
		fprintf(words, ", %" PRIu64 " interpreters", envelope->interpreters);
	if (envelope->exe)
		fputs(", ", words);
	if (fflush(words) || ferror(words))
		return false;
	exe = pyi_output_fit(envelope->exe ? envelope->exe : "",
			     room_beside(table, pyi_output_width(target)));
	if (!exe)
		return false;
	fprintf(table->stream, "%s%s\n", target, exe);
	fprintf(table->stream, "%s by %s, %s of %s types\n\n",
		tracked ? "Objects tracked by the garbage collector" : "All objects", order,
		group_digits(shown, table->shown), group_digits(types, table->total.types));
	return true;
}

static bool put_rows(const struct table *table)
{
	const struct pyi_census *census = table->report->census;
	struct line line = headings;
	uint64_t reached = 0;
	char types[FIGURE_SIZE];

	put_line(table, &line);
	fputs("TYPE\n", table->stream);
	for (size_t i = 0; i < table->shown; i++) {
		if (__builtin_add_overflow(reached, order_figure(table, &census->types[i]),
					   &reached))
			reached = UINT64_MAX;
		line = line_of_type(&census->types[i]);
		set_cumulative(table, &line, reached);
		put_line(table, &line);
		if (!put_type(table, &census->types[i]))
			return false;
	}
	if (table->shown < census->type_count) {
		uint64_t others = census->type_count - table->shown;

		line = line_of_rest(table, table->shown);
		set_cumulative(table, &line, UINT64_MAX);
		put_line(table, &line);
		fprintf(table->stream, "… %s other type%s\n", group_digits(types, others),
			others == 1 ? "" : "s");
	}
	put_rule(table);
	line = line_of_rest(table, 0);
	put_line(table, &line);
	fputs("total\n", table->stream);
	return true;
}

PYI_PRINTF(2, 3)
static bool put_note(const struct table *table, const char *format, ...)
{
	PYI_CLEANUP(pyi_guard_free) char *note = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&note, format, arguments);
	va_end(arguments);
	if (length < 0) {
		/* What it points to now is anybody's guess. */
		note = NULL;
		return false;
	}
	return put_sentence(table, note);
}

/* What has to be known to read the figures right. */
static bool put_notes(const struct table *table)
{
	const struct pyi_envelope *envelope = table->envelope;
	const struct pyi_top_types *report = table->report;
	bool tracked = strcmp(report->scope, "tracked") == 0;
	char figure[FIGURE_SIZE];
	char more[FIGURE_SIZE];
	bool ok = true;

	if (envelope->rss_bytes)
		ok = put_note(table, "these objects: %.1f%% of %s bytes resident (RSS)",
			      100.0 * (double)table->total.bytes / (double)envelope->rss_bytes,
			      group_digits(figure, envelope->rss_bytes));
	if (ok && any_estimated(report->census, 0))
		ok = put_note(table, "~: an estimate; the type has a __sizeof__ of its own");
	if (ok && report->frozen_objects)
		ok = put_note(table, "frozen by gc.freeze(), %s above: %s objects, %s bytes",
			      tracked ? "not counted" : "counted",
			      group_digits(figure, report->frozen_objects),
			      group_digits(more, report->frozen_bytes));
	if (ok && report->skipped_objects)
		ok = put_note(table, "warning: objects that could not be visited: %s",
			      group_digits(figure, report->skipped_objects));
	if (ok && !envelope->consistent)
		ok = put_note(table,
			      "warning: the snapshot was taken in the middle of a change "
			      "(attempts: %" PRIu64 "), figures may be wrong",
			      envelope->attempts);
	for (size_t i = 0; ok && i < envelope->warning_count; i++)
		ok = put_note(table, "warning: %s [%s]", envelope->warnings[i].message,
			      envelope->warnings[i].code);
	return ok;
}

/* "0.04", "0.4", "93": as many digits as somebody wants to read. */
static void put_ms(const struct table *table, const char *label, double ms)
{
	int decimals = ms < 0.1 ? 2 : ms < 10 ? 1 : 0;

	fprintf(table->stream, "%s %.*f ms", label, decimals, ms);
}

static void put_cost(const struct table *table)
{
	const struct pyi_envelope *envelope = table->envelope;

	put_ms(table, "paused", envelope->paused_ms);
	put_ms(table, " (longest", envelope->longest_pause_ms);
	put_ms(table, "), snapshot", envelope->snapshot_ms);
	put_ms(table, ", elapsed", envelope->elapsed_ms);
	fputs(", target unchanged\n", table->stream);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_top_types *report)
{
	struct table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.report = report,
		.shown = shown_types(report),
		.total = pyi_census_sum_from(report->census, 0),
	};

	measure(&table);
	if (!put_head(&table) || !put_rows(&table))
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!put_notes(&table))
		return pyi_error_no_memory();
	put_cost(&table);
	return pyi_output_finish(stream);
}

static bool add_type(cJSON *json, const struct pyi_census_type *type)
{
	return pyi_output_add_text(json, "type", type->name) &&
	       pyi_output_add_unsigned(json, "count", type->count) &&
	       pyi_output_add_unsigned(json, "bytes", type->bytes) &&
	       (!type->estimated || cJSON_AddTrueToObject(json, "estimated")) &&
	       (type->classes < 2 || pyi_output_add_unsigned(json, "classes", type->classes));
}

static bool add_types(cJSON *result, const struct pyi_top_types *report)
{
	cJSON *types = cJSON_AddArrayToObject(result, "types");
	size_t shown = shown_types(report);
	bool ok = types != NULL;

	for (size_t i = 0; ok && i < shown; i++) {
		cJSON *type = cJSON_CreateObject();

		if (!type || !cJSON_AddItemToArray(types, type)) {
			cJSON_Delete(type);
			return false;
		}
		ok = add_type(type, &report->census->types[i]);
	}
	return ok;
}

static bool add_frozen(cJSON *result, const struct pyi_top_types *report)
{
	cJSON *frozen = cJSON_AddObjectToObject(result, "frozen");

	return frozen && pyi_output_add_unsigned(frozen, "objects", report->frozen_objects) &&
	       pyi_output_add_unsigned(frozen, "bytes", report->frozen_bytes);
}

static bool add_other(cJSON *result, const struct pyi_top_types *report)
{
	struct pyi_census_sum sum = pyi_census_sum_from(report->census, shown_types(report));
	cJSON *other = cJSON_AddObjectToObject(result, "other");

	return other && pyi_output_add_unsigned(other, "types", sum.types) &&
	       pyi_output_add_unsigned(other, "count", sum.count) &&
	       pyi_output_add_unsigned(other, "bytes", sum.bytes);
}

static bool add_result(cJSON *json, const struct pyi_top_types *report, bool with_types)
{
	bool by_count = report->order == PYI_CENSUS_BY_COUNT;
	struct pyi_census_sum total = pyi_census_sum_from(report->census, 0);
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return result && pyi_output_add_text(result, "scope", report->scope) &&
	       pyi_output_add_text(result, "by", by_count ? "count" : "bytes") &&
	       pyi_output_add_unsigned(result, "objects", total.count) &&
	       pyi_output_add_unsigned(result, "bytes", total.bytes) &&
	       add_frozen(result, report) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects) &&
	       (!with_types || add_types(result, report)) && add_other(result, report);
}

/* Prints `json` if it could be completed, and frees it. */
static struct pyi_error *finish_json(FILE *stream, cJSON *json, bool complete, bool pretty)
{
	struct pyi_error *error = pyi_output_json(stream, complete ? json : NULL, pretty);

	cJSON_Delete(json);
	return error;
}

static struct pyi_error *render_json(FILE *stream, const struct pyi_envelope *envelope,
				     const struct pyi_top_types *report)
{
	cJSON *json = pyi_envelope_to_json(envelope);

	return finish_json(stream, json, json && add_result(json, report, true), true);
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_top_types *report)
{
	cJSON *json = pyi_envelope_to_json(envelope);
	bool ok = json && pyi_output_add_text(json, "kind", "report") &&
		  add_result(json, report, false);
	struct pyi_error *error = finish_json(stream, json, ok, false);
	size_t shown = shown_types(report);

	for (size_t i = 0; !error && i < shown; i++) {
		json = cJSON_CreateObject();
		ok = json && pyi_output_add_text(json, "kind", "type") &&
		     add_type(json, &report->census->types[i]);
		error = finish_json(stream, json, ok, false);
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
	case PYI_FORMAT_TABLE:
		break;
	}
	return render_table(stream, columns, envelope, report);
}
