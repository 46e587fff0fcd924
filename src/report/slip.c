/*
 * Renders what python-slip keeps, and the verdict on it, as table, JSON or NDJSON.
 *
 * Does not judge: the verdict and its evidence come with the data.
 */
#include "report/slip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/ndjson.h"
#include "report/referrers.h"
#include "report/table.h"

enum {
	/* Lines of the table; JSON has all of them. */
	CLASSES_SHOWN = 10,
	CONNECTIONS_SHOWN = 20,
};

static const char *verdict_name(enum pyi_slip_verdict verdict)
{
	switch (verdict) {
	case PYI_SLIP_OK:
		return "ok";
	case PYI_SLIP_SUSPECT:
		return "suspect";
	case PYI_SLIP_LEAK:
		return "leak";
	case PYI_SLIP_ABSENT:
		break;
	}
	return "absent";
}

/* What somebody reads who reads nothing else. */
static bool put_verdict(const struct pyi_table *table, const struct pyi_slip *slip)
{
	static const char *const words[] = {
		[PYI_SLIP_OK] = "OK",
		[PYI_SLIP_SUSPECT] = "SUSPECT",
		[PYI_SLIP_LEAK] = "LEAK",
	};
	const char *are = slip->stale == 1 ? "is" : "are";
	const char *s = slip->senders == 1 ? "" : "s";
	char senders[PYI_TABLE_FIGURE_BYTES];
	char stale[PYI_TABLE_FIGURE_BYTES];

	pyi_table_figure(senders, slip->senders);
	pyi_table_figure(stale, slip->stale);
	switch (slip->verdict) {
	case PYI_SLIP_OK:
	case PYI_SLIP_SUSPECT:
	case PYI_SLIP_LEAK:
		break;
	default:
		return pyi_table_put_note(table, "ABSENT: python-slip keeps nothing here");
	}
	if (!slip->stale_known)
		return pyi_table_put_note(
			table, "%s: %s sender%s kept; how many of them are gone is not known",
			words[slip->verdict], senders, s);
	if (!slip->stale && !slip->senders)
		return pyi_table_put_note(table, "%s: no senders are kept", words[slip->verdict]);
	if (!slip->stale)
		return pyi_table_put_note(table, "%s: %s sender%s kept, none of them is gone",
					  words[slip->verdict], senders, s);
	/* Some may be in the set of a connection only. */
	if (slip->stale > slip->senders)
		return pyi_table_put_note(table, "%s: %s senders that are gone are kept",
					  words[slip->verdict], stale);
	return pyi_table_put_note(table, "%s: %s of %s sender%s %s gone", words[slip->verdict],
				  stale, senders, s, are);
}

static bool put_evidence(const struct pyi_table *table, const struct pyi_slip *slip)
{
	bool ok = true;

	for (size_t i = 0; ok && i < slip->evidence_count; i++)
		ok = pyi_table_put_note(table, "- %s", slip->evidence[i]);
	return ok;
}

/* A figure and what it is, as one line of a table of one column. */
static bool put_figures(struct pyi_table *table, const struct pyi_slip *slip)
{
	const struct {
		uint64_t value;
		bool shown;
		const char *label;
		const char *owner;
	} lines[] = {
		{ slip->senders, true, "senders", NULL },
		{ slip->stale, slip->stale_known, "names that are gone (stale)", NULL },
		{ slip->unreadable, slip->unreadable > 0, "entries that are no names", NULL },
		{ slip->objects, true, "objects: sets, tuples, names, each once", NULL },
		{ slip->bytes, true, "bytes of these objects", NULL },
		{ slip->instances, true, "instances of ", slip->holder },
	};
	struct pyi_table_line line = { 0 };
	bool ok = true;

	table->figure_count = 1;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		pyi_table_figure(line.figures[0], lines[i].value);
		if (lines[i].shown)
			pyi_table_widen(table, &line);
	}
	for (size_t i = 0; ok && i < sizeof(lines) / sizeof(lines[0]); i++) {
		PYI_CLEANUP(pyi_guard_free) char *label = NULL;

		if (!lines[i].shown)
			continue;
		if (asprintf(&label, "%s%s", lines[i].label, lines[i].owner ? lines[i].owner : "") <
		    0) {
			label = NULL;
			return false;
		}
		pyi_table_figure(line.figures[0], lines[i].value);
		pyi_table_put_figures(table, &line);
		ok = pyi_table_put_label(table, 0, 0, label, NULL);
	}
	return ok;
}

static void put_rest(const struct pyi_table *table, size_t count, size_t shown, const char *what)
{
	const struct pyi_table_line blank = { 0 };
	char figure[PYI_TABLE_FIGURE_BYTES];

	if (shown >= count)
		return;
	pyi_table_put_figures(table, &blank);
	fprintf(table->stream, "%s %s other %s\n", pyi_output_ellipsis(),
		pyi_table_figure(figure, count - shown), what);
}

static bool put_classes(struct pyi_table *table, const struct pyi_slip *slip)
{
	struct pyi_table_line line = { { "INSTANCES" } };
	size_t shown = slip->class_count < CLASSES_SHOWN ? slip->class_count : CLASSES_SHOWN;

	if (!shown)
		return true;
	table->figure_count = 1;
	memset(table->widths, 0, sizeof(table->widths));
	pyi_table_widen(table, &line);
	for (size_t i = 0; i < shown; i++) {
		pyi_table_figure(line.figures[0], slip->classes[i].count);
		pyi_table_widen(table, &line);
	}
	fprintf(table->stream, "\n%*s  CLASS\n", table->widths[0], "INSTANCES");
	for (size_t i = 0; i < shown; i++) {
		pyi_table_figure(line.figures[0], slip->classes[i].count);
		pyi_table_put_figures(table, &line);
		if (!pyi_table_put_label(table, 0, 0, slip->classes[i].type, NULL))
			return false;
	}
	put_rest(table, slip->class_count, shown, "classes");
	return true;
}

static struct pyi_table_line connection_line(const struct pyi_slip_connection *connection)
{
	struct pyi_table_line line = { { "", "?" } };

	pyi_table_figure(line.figures[0], pyi_slip_count_senders(connection));
	if (connection->stale_known)
		pyi_table_figure(line.figures[1], connection->stale);
	return line;
}

/* Whose end is noticed decides whether anything is ever removed. */
static bool put_match(const struct pyi_table *table, const struct pyi_slip_connection *connection)
{
	size_t start = pyi_table_text_start(table);
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	const char *words = "nobody's end is watched";

	if (connection->match_arg1)
		words = "only the end of this one is watched: ";
	else if (connection->has_match)
		words = "it is not known whose end is watched";
	name = pyi_output_fit(connection->match_arg1 ? connection->match_arg1 : "",
			      pyi_table_room(table, start + strlen("  ") + strlen(words)));
	if (name)
		fprintf(table->stream, "%*s  %s%s\n", (int)start, "", words, name);
	return name != NULL;
}

static bool put_connections(struct pyi_table *table, const struct pyi_slip *slip)
{
	const struct pyi_table_line headings = { { "SENDERS", "STALE" } };
	size_t shown = slip->connection_count < CONNECTIONS_SHOWN ? slip->connection_count
								  : CONNECTIONS_SHOWN;
	struct pyi_table_line line;

	if (!shown)
		return true;
	table->figure_count = 2;
	memset(table->widths, 0, sizeof(table->widths));
	pyi_table_widen(table, &headings);
	for (size_t i = 0; i < shown; i++) {
		line = connection_line(&slip->connections[i]);
		pyi_table_widen(table, &line);
	}
	fputc('\n', table->stream);
	pyi_table_put_figures(table, &headings);
	fputs("CONNECTION\n", table->stream);
	for (size_t i = 0; i < shown; i++) {
		const struct pyi_slip_connection *connection = &slip->connections[i];
		PYI_CLEANUP(pyi_guard_free) char *label = NULL;

		if (asprintf(&label, "%s (%s bus)", connection->name ? connection->name : "?",
			     connection->bus ? connection->bus : "unknown") < 0) {
			label = NULL;
			return false;
		}
		line = connection_line(connection);
		pyi_table_put_figures(table, &line);
		if (!pyi_table_put_label(table, 0, 0, label, NULL) || !put_match(table, connection))
			return false;
	}
	put_rest(table, slip->connection_count, shown, "connections");
	return true;
}

static bool put_notes(const struct pyi_table *table, const struct pyi_slip_report *report)
{
	const struct pyi_slip *slip = report->slip;
	uint64_t rss = table->envelope->rss_bytes;
	char figure[PYI_TABLE_FIGURE_BYTES];
	char names[PYI_TABLE_FIGURE_BYTES];
	bool ok = true;

	if (slip->verdict != PYI_SLIP_ABSENT && report->bus_reached)
		ok = pyi_table_put_note(table, "bus: %s, %s names on it",
					report->bus_address ? report->bus_address : "?",
					pyi_table_figure(names, report->bus_names));
	/* Of a core it is what has been mapped of it here. */
	if (ok && slip->verdict != PYI_SLIP_ABSENT && rss && !table->envelope->core)
		ok = pyi_table_put_note(table,
					"these objects: %.1f%% of %s bytes resident (RSS); "
					"the rest is something else",
					100.0 * (double)slip->bytes / (double)rss,
					pyi_table_figure(figure, rss));
	return ok && pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_slip_report *report)
{
	struct pyi_table table = { .stream = stream, .columns = columns, .envelope = envelope };
	const struct pyi_slip *slip = report->slip;
	bool ok;

	ok = pyi_table_put_target(&table) && put_verdict(&table, slip) &&
	     put_evidence(&table, slip);
	fputc('\n', stream);
	if (ok && slip->verdict != PYI_SLIP_ABSENT) {
		ok = put_figures(&table, slip) && put_classes(&table, slip) &&
		     put_connections(&table, slip);
		fputc('\n', stream);
	}
	if (!ok || !put_notes(&table, report))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

static bool add_stale(cJSON *json, bool known, uint64_t stale)
{
	return known ? pyi_output_add_unsigned(json, "stale", stale)
		     : cJSON_AddNullToObject(json, "stale") != NULL;
}

static bool add_connections(cJSON *result, const struct pyi_slip *slip)
{
	cJSON *list = cJSON_AddArrayToObject(result, "connections");
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < slip->connection_count; i++) {
		const struct pyi_slip_connection *connection = &slip->connections[i];
		cJSON *json = pyi_output_append_object(list);

		ok = json && pyi_output_add_text(json, "connection", connection->name) &&
		     pyi_output_add_text(json, "bus", connection->bus) &&
		     pyi_output_add_unsigned(json, "senders", pyi_slip_count_senders(connection)) &&
		     cJSON_AddBoolToObject(json, "match", connection->has_match) &&
		     pyi_output_add_text(json, "match_arg1", connection->match_arg1) &&
		     add_stale(json, connection->stale_known, connection->stale);
	}
	return ok;
}

static bool add_bus(cJSON *result, const struct pyi_slip_report *report)
{
	cJSON *bus = cJSON_AddObjectToObject(result, "bus");

	return bus && cJSON_AddBoolToObject(bus, "reached", report->bus_reached) &&
	       pyi_output_add_text(bus, "address", report->bus_address) &&
	       (report->bus_reached ? pyi_output_add_unsigned(bus, "names", report->bus_names)
				    : cJSON_AddNullToObject(bus, "names") != NULL);
}

static bool add_evidence(cJSON *result, const struct pyi_slip *slip)
{
	cJSON *list = cJSON_AddArrayToObject(result, "evidence");
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < slip->evidence_count; i++)
		ok = pyi_output_append_text(list, slip->evidence[i]);
	return ok;
}

static bool add_result(cJSON *json, const struct pyi_slip_report *report)
{
	const struct pyi_slip *slip = report->slip;
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return result && pyi_output_add_text(result, "verdict", verdict_name(slip->verdict)) &&
	       add_evidence(result, slip) && pyi_output_add_text(result, "holder", slip->holder) &&
	       pyi_output_add_unsigned(result, "instances", slip->instances) &&
	       pyi_report_add_classes(result, slip->classes, slip->class_count) &&
	       pyi_output_add_unsigned(result, "senders", slip->senders) &&
	       add_connections(result, slip) && add_stale(result, slip->stale_known, slip->stale) &&
	       pyi_output_add_unsigned(result, "objects", slip->objects) &&
	       pyi_output_add_unsigned(result, "bytes", slip->bytes) &&
	       (slip->redacted ? cJSON_AddNullToObject(result, "unreadable") != NULL
			       : pyi_output_add_unsigned(result, "unreadable", slip->unreadable)) &&
	       cJSON_AddBoolToObject(result, "names_known", !slip->redacted) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects) &&
	       add_bus(result, report);
}

struct pyi_error *pyi_report_slip(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_slip_report *report)
{
	cJSON *json;

	if (format != PYI_FORMAT_JSON && format != PYI_FORMAT_NDJSON)
		return render_table(stream, columns, envelope, report);
	if (format == PYI_FORMAT_NDJSON) {
		json = pyi_ndjson_begin_report(envelope);
		return pyi_ndjson_end(stream, json, json && add_result(json, report));
	}
	json = pyi_envelope_to_json(envelope);
	return pyi_output_json_done(stream, json, json && add_result(json, report), true);
}
