/*
 * Prints a check as a monitoring plugin does. Does not judge.
 */
#include "report/nagios.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	/* What monitoring systems keep of a plugin's output begins at 4 KB. */
	SUMMARY_COLUMNS = 300,
	MESSAGE_COLUMNS = 300,
	LABEL_COLUMNS = 100,
	/* Rules with performance data, and findings with a line. */
	LABELS = 64,
	LINES = 50,
};

/* Bars would begin performance data; everything else that is special pyi_output_fit() writes out.
 */
static bool put_text(FILE *stream, const char *text, size_t columns)
{
	PYI_CLEANUP(pyi_guard_free) char *safe = pyi_output_fit(text, columns);

	if (!safe)
		return false;
	for (char *bar = strchr(safe, '|'); bar; bar = strchr(bar, '|'))
		*bar = '!';
	fputs(safe, stream);
	return true;
}

/* A label that can stand between single quotes; NULL without memory. */
static char *make_label(const struct pyi_check_finding *finding)
{
	PYI_CLEANUP(pyi_guard_free) char *whole = NULL;
	bool named = !finding->subject || strstr(finding->rule, finding->subject);
	char *label;

	if (asprintf(&whole, "%s%s%s", finding->rule, named ? "" : " ",
		     named ? "" : finding->subject) < 0) {
		whole = NULL;
		return NULL;
	}
	label = pyi_output_fit(whole, LABEL_COLUMNS);
	for (char *letter = label; letter && *letter; letter++)
		if (strchr("'=|\"", *letter))
			*letter = '_';
	return label;
}

/* Digits, a point and a minus are all that is allowed. */
static void put_number(FILE *stream, double value)
{
	if (value == floor(value))
		fprintf(stream, "%.0f", value);
	else
		fprintf(stream, "%.2f", value);
}

static void put_limit(FILE *stream, double limit, bool may_be_negative)
{
	fputc(';', stream);
	if (!isfinite(limit))
		return;
	fputs(may_be_negative ? "~:" : "", stream);
	put_number(stream, limit);
}

static void put_data(FILE *stream, const char *label, const struct pyi_check_finding *finding)
{
	bool growth = finding->unit == PYI_CHECK_COUNT_PER_HOUR ||
		      finding->unit == PYI_CHECK_BYTES_PER_HOUR;

	fprintf(stream, " '%s'=", label);
	if (finding->value_known && isfinite(finding->value)) {
		put_number(stream, finding->value);
		fputs(finding->unit == PYI_CHECK_BYTES ? "B" : "", stream);
	} else {
		fputc('U', stream);
	}
	put_limit(stream, finding->warning, growth);
	put_limit(stream, finding->critical, growth);
	fputs(growth ? "" : ";0", stream);
}

static void put_process(FILE *stream, const struct pyi_sample *sample)
{
	static const struct {
		const char *name;
		const char *unit;
	} figures[] = {
		{ PYI_FIGURE_RSS, "B" },	 { PYI_FIGURE_TRACKED, "" },
		{ PYI_FIGURE_OBJECTS, "" },	 { PYI_FIGURE_OBJECT_BYTES, "B" },
		{ PYI_FIGURE_SLIP_SENDERS, "" }, { PYI_FIGURE_SLIP_STALE, "" },
	};

	for (size_t f = 0; f < sizeof(figures) / sizeof(figures[0]); f++) {
		const struct pyi_figure *figure =
			pyi_sample_find(sample, PYI_FIGURE_PROCESS, figures[f].name);

		if (figure)
			fprintf(stream, " '%s'=%" PRIu64 "%s;;;0", figures[f].name, figure->count,
				figures[f].unit);
	}
}

static bool put_rules(FILE *stream, const struct pyi_check *check)
{
	char *labels[LABELS] = { NULL };
	size_t count = 0;
	bool ok = true;

	for (size_t f = 0; ok && f < check->count && count < LABELS; f++) {
		char *label = make_label(&check->findings[f]);
		bool known = false;

		for (size_t l = 0; label && l < count; l++)
			known |= strcmp(labels[l], label) == 0;
		ok = label != NULL;
		/* Two of the same name would be taken for one. */
		if (!ok || known) {
			free(label);
			continue;
		}
		labels[count++] = label;
		put_data(stream, label, &check->findings[f]);
	}
	for (size_t l = 0; l < count; l++)
		free(labels[l]);
	return ok;
}

static bool put_lines(FILE *stream, const struct pyi_envelope *envelope,
		      const struct pyi_check_report *report)
{
	const struct pyi_check *check = report->check;
	bool ok = true;

	for (size_t f = 0; ok && f < check->count && f < LINES; f++) {
		fprintf(stream, "%s: ", pyi_report_check_word(check->findings[f].status));
		ok = put_text(stream, check->findings[f].message, MESSAGE_COLUMNS);
		fputc('\n', stream);
	}
	if (check->count > LINES)
		fprintf(stream, "and %zu more\n", check->count - LINES);
	for (size_t w = 0; ok && w < envelope->warning_count; w++) {
		fputs("warning: ", stream);
		ok = put_text(stream, envelope->warnings[w].message, MESSAGE_COLUMNS);
		fputc('\n', stream);
	}
	if (ok && report->evidence) {
		fputs("evidence: ", stream);
		ok = put_text(stream, report->evidence, 0);
		fputc('\n', stream);
	}
	return ok;
}

struct pyi_error *pyi_report_nagios(FILE *stream, const struct pyi_envelope *envelope,
				    const struct pyi_check_report *report)
{
	PYI_CLEANUP(pyi_guard_free) char *summary = pyi_report_check_summary(report);

	if (!summary)
		return pyi_error_no_memory();
	fprintf(stream, "PYINSPECT %s - ", pyi_report_check_word(report->check->status));
	if (!put_text(stream, summary, SUMMARY_COLUMNS))
		return pyi_error_no_memory();
	fputs(" |", stream);
	put_process(stream, report->sample);
	if (!put_rules(stream, report->check))
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!put_lines(stream, envelope, report))
		return pyi_error_no_memory();
	return pyi_output_finish(stream);
}

struct pyi_error *pyi_report_nagios_failure(FILE *stream, enum pyi_check_status status,
					    const struct pyi_error *failure)
{
	bool ok;

	fprintf(stream, "PYINSPECT %s - ", pyi_report_check_word(status));
	ok = put_text(stream, failure->message, SUMMARY_COLUMNS);
	fputc('\n', stream);
	if (ok && failure->hint) {
		ok = put_text(stream, failure->hint, MESSAGE_COLUMNS);
		fputc('\n', stream);
	}
	return ok ? pyi_output_finish(stream) : pyi_error_no_memory();
}
