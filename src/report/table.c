/*
 * Lays out tables for people.
 *
 * Does not choose, order or add up what is shown.
 */
#include "report/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "report/group.h"
#include "report/output.h"

enum {
	/* One long label must not push all owners out of sight. */
	WIDEST_ALIGNMENT = 40,
};

const char *pyi_table_figure(char *figure, uint64_t value)
{
	char digits[PYI_TABLE_FIGURE_BYTES];
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

void pyi_table_estimate(char *figure, uint64_t value, bool estimated)
{
	if (estimated)
		*figure++ = '~';
	pyi_table_figure(figure, value);
}

bool pyi_table_put_estimate_note(const struct pyi_table *table)
{
	return pyi_table_put_note(table, "~: an estimate; the type has a __sizeof__ of its own");
}

size_t pyi_table_room(const struct pyi_table *table, size_t used)
{
	if (!table->columns)
		return 0;
	if (table->columns < used + PYI_TABLE_NARROWEST)
		return PYI_TABLE_NARROWEST;
	return table->columns - used;
}

size_t pyi_table_text_start(const struct pyi_table *table)
{
	size_t start = table->figure_count * strlen("  ");

	for (unsigned i = 0; i < table->figure_count; i++)
		start += (size_t)table->widths[i];
	return start;
}

void pyi_table_widen(struct pyi_table *table, const struct pyi_table_line *line)
{
	for (unsigned i = 0; i < table->figure_count; i++) {
		int length = (int)strlen(line->figures[i]);

		if (length > table->widths[i])
			table->widths[i] = length;
	}
}

void pyi_table_put_figures(const struct pyi_table *table, const struct pyi_table_line *line)
{
	for (unsigned i = 0; i < table->figure_count; i++)
		fprintf(table->stream, "%*s  ", table->widths[i], line->figures[i]);
}

void pyi_table_put_rule(const struct pyi_table *table)
{
	for (unsigned i = 0; i < table->figure_count; i++) {
		for (int column = 0; column < table->widths[i]; column++)
			fputc('-', table->stream);
		fputs("  ", table->stream);
	}
	fputs("----\n", table->stream);
}

/* Behind `width` columns of text if there is room, else below them; as far left as it needs. */
static bool put_owner(const struct pyi_table *table, size_t width, size_t align, const char *owner)
{
	size_t start = pyi_table_text_start(table);
	PYI_CLEANUP(pyi_guard_free) char *shown = NULL;
	size_t gap = align > width ? align - width : 0;
	size_t needed;

	shown = pyi_output_fit(owner, pyi_table_room(table, strlen("  in ")));
	if (!shown)
		return false;
	needed = strlen("  in ") + pyi_output_width(shown);
	if (table->columns && start + width + needed > table->columns) {
		if (start + needed > table->columns)
			start = needed < table->columns ? table->columns - needed : 0;
		fprintf(table->stream, "\n%*s", (int)start, "");
	} else if (!table->columns || start + width + gap + needed <= table->columns) {
		fprintf(table->stream, "%*s", (int)gap, "");
	}
	fprintf(table->stream, "  in %s", shown);
	return true;
}

bool pyi_table_put_label(const struct pyi_table *table, size_t indent, size_t align,
			 const char *label, const char *owner)
{
	size_t start = pyi_table_text_start(table);
	PYI_CLEANUP(pyi_guard_free) char *shown = NULL;

	shown = pyi_output_fit(label, pyi_table_room(table, start + indent));
	if (!shown)
		return false;
	fputs(shown, table->stream);
	if (owner && !put_owner(table, indent + pyi_output_width(shown), align, owner))
		return false;
	fputc('\n', table->stream);
	return true;
}

bool pyi_table_align(size_t indent, const char *label, size_t *align)
{
	PYI_CLEANUP(pyi_guard_free) char *shown = pyi_output_fit(label, 0);
	size_t width;

	if (!shown)
		return false;
	width = indent + pyi_output_width(shown);
	if (width > *align && width <= WIDEST_ALIGNMENT)
		*align = width;
	return true;
}

/* When and where it was so. */
static bool put_dump(const struct pyi_table *table, const struct pyi_envelope_dump *dump)
{
	PYI_CLEANUP(pyi_guard_free) char *file = pyi_output_fit(dump->file, 0);
	PYI_CLEANUP(pyi_guard_free) char *host = pyi_output_fit(dump->host ? dump->host : "?", 0);
	time_t taken_s = (time_t)(dump->taken_ms / 1000);
	char when[64] = "an unknown time";
	struct tm parts;

	if (!file || !host)
		return false;
	if (taken_s && (!gmtime_r(&taken_s, &parts) ||
			!strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &parts)))
		return false;
	return pyi_table_put_note(table, "as of %s on %s, from the dump %s", when, host, file);
}

static bool put_core(const struct pyi_table *table, const char *core)
{
	PYI_CLEANUP(pyi_guard_free) char *file = pyi_output_fit(core, 0);

	return file && pyi_table_put_note(table, "from the core %s", file);
}

bool pyi_table_put_target(const struct pyi_table *table)
{
	const struct pyi_envelope *envelope = table->envelope;
	PYI_CLEANUP(pyi_guard_free) char *target = NULL;
	PYI_CLEANUP(pyi_guard_free) char *python = NULL;
	PYI_CLEANUP(pyi_guard_free) char *exe = NULL;
	PYI_CLEANUP(pyi_guard_file) FILE *words = NULL;
	size_t size;

	if (envelope->group)
		return pyi_group_put(table->stream, envelope->group);
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
	if (envelope->interpreter)
		fprintf(words, ", only number %" PRIu64, envelope->interpreter - 1);
	if (envelope->exe)
		fputs(", ", words);
	if (fflush(words) || ferror(words))
		return false;
	exe = pyi_output_fit(envelope->exe ? envelope->exe : "",
			     pyi_table_room(table, pyi_output_width(target)));
	if (!exe)
		return false;
	fprintf(table->stream, "%s%s\n", target, exe);
	if (envelope->core)
		return put_core(table, envelope->core);
	return !envelope->dump.file || put_dump(table, &envelope->dump);
}

bool pyi_table_put_command(const struct pyi_table *table, const char *before, const char *command,
			   uint64_t address)
{
	const struct pyi_envelope *envelope = table->envelope;
	PYI_CLEANUP(pyi_guard_free) char *core = NULL;

	if (envelope->pid <= 0 || envelope->dump.file)
		return true;
	if (!envelope->core)
		return pyi_table_put_note(table, "%s: pyinspect %" PRId64 " %s 0x%" PRIx64, before,
					  envelope->pid, command, address);
	core = pyi_output_fit(envelope->core, 0);
	return core && pyi_table_put_note(table, "%s: pyinspect %s %s 0x%" PRIx64, before, core,
					  command, address);
}

char *pyi_table_subject(const struct pyi_table *table, const char *type, bool exact,
			uint64_t address)
{
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	char *subject;
	int length;

	/* A name of its own line is the longest that is shown whole. */
	name = pyi_output_fit(type ? type : "?", pyi_table_room(table, strlen("  ,")));
	if (!name)
		return NULL;
	if (address)
		length = asprintf(&subject, "the object at 0x%" PRIx64, address);
	else if (exact)
		length = asprintf(&subject, "%s without its subclasses", name);
	else
		length = asprintf(&subject, "%s and its subclasses", name);
	return length < 0 ? NULL : subject;
}

struct pyi_table pyi_table_for_sentences(const struct pyi_table *table)
{
	struct pyi_table sentences = *table;

	if (!sentences.columns)
		sentences.columns = PYI_TABLE_SENTENCE_COLUMNS;
	return sentences;
}

void pyi_table_put_words(const struct pyi_table *table, char *words)
{
	pyi_output_put_words(table->stream, table->columns, 0, words);
}

bool pyi_table_put_note(const struct pyi_table *table, const char *format, ...)
{
	PYI_CLEANUP(pyi_guard_free) char *note = NULL;
	PYI_CLEANUP(pyi_guard_free) char *safe = NULL;
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
	safe = pyi_output_fit(note, 0);
	if (safe)
		pyi_table_put_words(table, safe);
	return safe != NULL;
}

bool pyi_table_put_warnings(const struct pyi_table *table, uint64_t skipped_objects)
{
	const struct pyi_envelope *envelope = table->envelope;
	char figure[PYI_TABLE_FIGURE_BYTES];
	bool ok = true;

	if (skipped_objects)
		ok = pyi_table_put_note(table, "warning: objects that could not be visited: %s",
					pyi_table_figure(figure, skipped_objects));
	if (ok && !envelope->consistent)
		ok = pyi_table_put_note(table,
					"warning: the snapshot was taken in the middle of a change "
					"(attempts: %" PRIu64 "), figures may be wrong",
					envelope->attempts);
	for (size_t i = 0; ok && i < envelope->warning_count; i++)
		ok = pyi_table_put_note(table, "warning: %s [%s]", envelope->warnings[i].message,
					envelope->warnings[i].code);
	return ok;
}

/* "0.04", "0.4", "93": as many digits as somebody wants to read. */
static int decimals_of(double ms)
{
	return ms < 0.1 ? 2 : ms < 10 ? 1 : 0;
}

void pyi_table_put_cost(const struct pyi_table *table)
{
	const struct pyi_envelope *envelope = table->envelope;
	const double ms[] = { envelope->paused_ms, envelope->longest_pause_ms,
			      envelope->snapshot_ms, envelope->elapsed_ms };
	/* No double has more digits. */
	char words[4 * 320 + 80];

	if (envelope->dump.file || envelope->core)
		snprintf(words, sizeof(words), "elapsed %.*f ms", decimals_of(ms[3]), ms[3]);
	else
		snprintf(words, sizeof(words),
			 "paused %.*f ms (longest %.*f ms), snapshot %.*f ms, elapsed %.*f ms, "
			 "target unchanged",
			 decimals_of(ms[0]), ms[0], decimals_of(ms[1]), ms[1], decimals_of(ms[2]),
			 ms[2], decimals_of(ms[3]), ms[3]);
	pyi_table_put_words(table, words);
}
