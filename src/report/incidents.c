/*
 * Renders kept incidents as table, JSON or NDJSON. Reads no file and looks at no process.
 */
#include "report/incidents.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "report/ndjson.h"
#include "report/table.h"

enum {
	/* "2026-01-31T23:59:59Z" */
	TIME_BYTES = 32,
	TARGET_WIDTH = 20,
	/* Of the columns before the rule, with the gaps between them. */
	USED_WIDTH = 20 + 2 + 8 + 2 + 7 + 2 + TARGET_WIDTH + 2,
};

static size_t shown(const struct pyi_incidents_report *report)
{
	return report->limit && report->limit < report->list->count ? (size_t)report->limit
								    : report->list->count;
}

/* An incident whose process has gone will not end, and cannot be looked at. */
static const char *state_of(const struct pyi_incidents_report *report, size_t number)
{
	const struct pyi_listed_incident *item = &report->list->items[number];

	if (item->over)
		return "over";
	return report->running[number] ? pyi_check_status_name(item->status) : "gone";
}

static void put_time(char text[TIME_BYTES], int64_t time_s)
{
	time_t moment = (time_t)time_s;
	struct tm parts;

	if (!gmtime_r(&moment, &parts) || !strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts))
		strcpy(text, "?");
}

/* The rule, and what it is about, if that is no part of its name. */
static char *make_words(const struct pyi_listed_incident *item)
{
	const char *rule = item->rule ? item->rule : "-";
	const char *subject = item->subject && !strstr(rule, item->subject) ? item->subject : NULL;
	char *words;

	return asprintf(&words, "%s%s%s", rule, subject ? " " : "", subject ? subject : "") < 0
		       ? NULL
		       : words;
}

static bool put_item(const struct pyi_table *table, const struct pyi_incidents_report *report,
		     size_t number)
{
	const struct pyi_listed_incident *item = &report->list->items[number];
	PYI_CLEANUP(pyi_guard_free)
	char *target = pyi_output_fit(item->target ? item->target : "-", TARGET_WIDTH);
	PYI_CLEANUP(pyi_guard_free) char *words = make_words(item);
	PYI_CLEANUP(pyi_guard_free) char *rule = NULL;
	char since[TIME_BYTES];
	int padding;

	rule = words ? pyi_output_fit(words, pyi_table_room(table, USED_WIDTH)) : NULL;
	if (!target || !rule)
		return false;
	put_time(since, item->since_s);
	padding = TARGET_WIDTH - (int)pyi_output_width(target);
	fprintf(table->stream, "%-20s  %-8s  %7" PRId64 "  %s%*s  %s\n", since,
		state_of(report, number), item->pid, target, padding, "", rule);
	/* The name is of letters, digits and the like. */
	if (item->evidence)
		fprintf(table->stream, "  pyinspect show %s%s%s\n", item->evidence,
			report->state_option ? " --state " : "",
			report->state_option ? report->state_option : "");
	return true;
}

static bool put_head(const struct pyi_table *table, const struct pyi_incidents_report *report)
{
	const struct pyi_incident_list *list = report->list;
	size_t now = 0;

	for (size_t i = 0; i < list->count; i++)
		now += !list->items[i].over && report->running[i];
	if (!list->count)
		return pyi_table_put_note(table, "no incidents in %s", report->state);
	if (!pyi_table_put_note(table, "%zu incident%s, %zu of %s now, in %s", list->count,
				list->count == 1 ? "" : "s", now, list->count == 1 ? "it" : "them",
				report->state))
		return false;
	fputc('\n', table->stream);
	fprintf(table->stream, "%-20s  %-8s  %7s  %-*s  %s\n", "SINCE", "STATE", "PID",
		TARGET_WIDTH, "TARGET", "RULE");
	return true;
}

static bool put_notes(const struct pyi_table *table, const struct pyi_incidents_report *report)
{
	bool any_over = false;
	bool any_gone = false;

	for (size_t i = 0; i < shown(report); i++) {
		any_over |= report->list->items[i].over;
		any_gone |= !report->list->items[i].over && !report->running[i];
	}
	if (report->list->count)
		fputc('\n', table->stream);
	if (shown(report) < report->list->count &&
	    !pyi_table_put_note(table, "%zu earlier ones are not shown: --limit 0",
				report->list->count - shown(report)))
		return false;
	if (any_over && !pyi_table_put_note(table, "over: only the evidence is left, which says "
						   "which rule it was; SINCE is when it was kept"))
		return false;
	if (any_gone && !pyi_table_put_note(table, "gone: the process has ended"))
		return false;
	return !report->list->damaged ||
	       pyi_table_put_note(table, "%zu file%s could not be read", report->list->damaged,
				  report->list->damaged == 1 ? "" : "s");
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_incidents_report *report)
{
	struct pyi_table table = { .stream = stream, .columns = columns, .envelope = envelope };
	bool ok = put_head(&table, report);

	for (size_t i = 0; ok && i < shown(report); i++)
		ok = put_item(&table, report, i);
	if (!ok || !put_notes(&table, report) || !pyi_table_put_warnings(&table, 0))
		return pyi_error_no_memory();
	return pyi_output_finish(stream);
}

static bool add_folder(cJSON *json, const struct pyi_incidents_report *report,
		       const struct pyi_listed_incident *item)
{
	PYI_CLEANUP(pyi_guard_free) char *path = NULL;

	if (!item->evidence)
		return pyi_output_add_text(json, "folder", NULL);
	if (asprintf(&path, "%s/evidence/%s", report->state, item->evidence) < 0) {
		path = NULL;
		return false;
	}
	return pyi_output_add_text(json, "folder", path);
}

static bool add_item(cJSON *json, const struct pyi_incidents_report *report, size_t number)
{
	const struct pyi_listed_incident *item = &report->list->items[number];

	return pyi_output_add_moment(json, "since", item->since_s) &&
	       pyi_output_add_text(json, "target", item->target) &&
	       pyi_output_add_unsigned(json, "pid", (uint64_t)item->pid) &&
	       cJSON_AddBoolToObject(json, "running", report->running[number]) &&
	       pyi_output_add_text(json, "status",
				   item->over ? NULL : pyi_check_status_name(item->status)) &&
	       cJSON_AddBoolToObject(json, "over", item->over) &&
	       cJSON_AddBoolToObject(json, "found", item->found) &&
	       pyi_output_add_text(json, "rule", item->rule) &&
	       pyi_output_add_text(json, "subject", item->subject) &&
	       add_folder(json, report, item);
}

static bool add_result(cJSON *json, const struct pyi_incidents_report *report, bool with_items)
{
	cJSON *result = cJSON_AddObjectToObject(json, "result");
	bool ok = result && pyi_output_add_text(result, "state", report->state) &&
		  pyi_output_add_unsigned(result, "damaged", report->list->damaged) &&
		  pyi_output_add_unsigned(result, "other", report->list->count - shown(report));
	cJSON *list = ok && with_items ? cJSON_AddArrayToObject(result, "incidents") : NULL;

	if (!with_items)
		return ok;
	ok = list != NULL;
	for (size_t i = 0; ok && i < shown(report); i++) {
		cJSON *item = pyi_output_append_object(list);

		ok = item && add_item(item, report, i);
	}
	return ok;
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_incidents_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));

	for (size_t i = 0; !error && i < shown(report); i++) {
		json = pyi_ndjson_begin_item("incident");
		error = pyi_ndjson_end(stream, json, json && add_item(json, report, i));
	}
	return error;
}

struct pyi_error *pyi_report_incidents(FILE *stream, enum pyi_format format, unsigned columns,
				       const struct pyi_envelope *envelope,
				       const struct pyi_incidents_report *report)
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
		return render_table(stream, columns, envelope, report);
	}
}
