/*
 * Tables for people: figures in right-aligned columns, a text behind them, words above and below.
 *
 * Does not know what any report says; text may be any bytes, nothing that drives a terminal gets
 * through (pyi_output_fit). Functions that return bool return false without memory; errors of the
 * stream are left to pyi_output_finish().
 */
#ifndef PYI_REPORT_TABLE_H
#define PYI_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "report/envelope.h"

enum {
	/* "~18,446,744,073,709,551,615" */
	PYI_TABLE_FIGURE_BYTES = 32,
	/* Most columns of figures. */
	PYI_TABLE_FIGURES = 4,
	/* Of sentences that do not go to a terminal. */
	PYI_TABLE_SENTENCE_COLUMNS = 80,
	/* Text is not cut below this many columns, however narrow the terminal is. */
	PYI_TABLE_NARROWEST = 12,
};

/* The figures of one line; "" leaves a column blank. */
struct pyi_table_line {
	char figures[PYI_TABLE_FIGURES][PYI_TABLE_FIGURE_BYTES];
};

struct pyi_table {
	FILE *stream;
	/* Width of the terminal; 0: nothing is cut or broken. */
	unsigned columns;
	const struct pyi_envelope *envelope;
	/* Columns of figures, and how wide they are so far. */
	unsigned figure_count;
	int widths[PYI_TABLE_FIGURES];
};

/* `value` with thousands separators; returns `figure`, which has room for 27 bytes. */
const char *pyi_table_figure(char *figure, uint64_t value);

/* The same with a "~" in front if it is an estimate; `figure` has room for 28 bytes. */
void pyi_table_estimate(char *figure, uint64_t value, bool estimated);

/* The same table for sentences, which are broken at 80 columns where there is no terminal. */
struct pyi_table pyi_table_for_sentences(const struct pyi_table *table);

/* What the "~" means: to be called if there is one. False without memory. */
bool pyi_table_put_estimate_note(const struct pyi_table *table);

/* Columns that are left for text beside `used` ones, at least the narrowest; 0: no limit. */
size_t pyi_table_room(const struct pyi_table *table, size_t used);

/* Columns before the text of a line. */
size_t pyi_table_text_start(const struct pyi_table *table);

/* Makes the columns wide enough for `line`; all lines must be measured before one is put. */
void pyi_table_widen(struct pyi_table *table, const struct pyi_table_line *line);

/* The figures of a line, without text or newline. */
void pyi_table_put_figures(const struct pyi_table *table, const struct pyi_table_line *line);

/*
 * A note with the command that shows more: `before`, then "pyinspect TARGET COMMAND ADDRESS".
 * Nothing if the target cannot be asked that. False without memory.
 */
bool pyi_table_put_command(const struct pyi_table *table, const char *before, const char *command,
			   uint64_t address);

/* A rule below the columns, and a short one below the text. */
void pyi_table_put_rule(const struct pyi_table *table);

/*
 * The text that ends a line of figures: `label`, then "  in OWNER" (NULL: none), which begins at
 * column `align` of the text if both fit there, and has a line of its own, as far left as it needs,
 * if they do not fit at all. `indent`: columns of the text that are used already.
 */
bool pyi_table_put_label(const struct pyi_table *table, size_t indent, size_t align,
			 const char *label, const char *owner) PYI_MUST_CHECK;

/* The wider of `align` and the label with its indentation, unless that is out of proportion. */
bool pyi_table_align(size_t indent, const char *label, size_t *align) PYI_MUST_CHECK;

/* First line: which target. */
bool pyi_table_put_target(const struct pyi_table *table) PYI_MUST_CHECK;

/* What a report is about: "dict and its subclasses", "dict without its subclasses", "the object at
 * 0x7f.."; safe for a terminal; `type` may be NULL if there is an address. The caller owns it. */
char *pyi_table_subject(const struct pyi_table *table, const char *type, bool exact,
			uint64_t address);

/* A sentence, broken at its spaces; a word that is too long for a line gets one of its own. */
bool pyi_table_put_note(const struct pyi_table *table, const char *format, ...)
	PYI_PRINTF(2, 3) PYI_MUST_CHECK;

/* The same for text that went through pyi_output_fit() already; changes `words`. */
void pyi_table_put_words(const struct pyi_table *table, char *words);

/* What is wrong with the figures: objects that were skipped, the envelope's warnings. */
bool pyi_table_put_warnings(const struct pyi_table *table, uint64_t skipped_objects) PYI_MUST_CHECK;

/* Last line: what it cost the target. */
void pyi_table_put_cost(const struct pyi_table *table);

#endif
