/*
 * Where a report goes and in which form; and error reports.
 *
 * stdout is data, stderr is words. Every write is checked, the last one by flushing: a full disk is
 * an error (exit 1, "output-failed"), never a silently cut result.
 */
#ifndef PYI_REPORT_OUTPUT_H
#define PYI_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "report/envelope.h"

enum pyi_format {
	PYI_FORMAT_TABLE,
	PYI_FORMAT_JSON,
	PYI_FORMAT_NDJSON,
	/* Only of `check`. */
	PYI_FORMAT_NAGIOS,
	PYI_FORMAT_PROMETHEUS,
	/* Only of what is a graph (report/dot.h). */
	PYI_FORMAT_DOT,
};

/* What all reports of a run have in common. Zeroed: nothing is known, and all characters may be
 * shown. */
struct pyi_output_origin {
	/* Of the machine, and of pyinspect; static or owned by the caller; NULL: not known. */
	const char *host;
	const char *version;
	/* Only ASCII may be shown: everything else is written as \xNN. JSON is UTF-8 always. */
	bool ascii;
};

/* Said once, before the first report. The strings must live as long as the program. */
void pyi_output_set_origin(const struct pyi_output_origin *origin);
bool pyi_output_is_ascii(void);
const char *pyi_output_host(void);
const char *pyi_output_version(void);

/* What stands for what is left out: "…", or "...". */
const char *pyi_output_ellipsis(void);

/* "table", "json", "ndjson", "nagios", "prometheus" or "dot"; false for anything else. */
bool pyi_format_parse(const char *word, enum pyi_format *ret_format);

/* The envelope as JSON without "result", with the time of now, host and version; NULL without
 * memory. The caller owns it. */
cJSON *pyi_envelope_to_json(const struct pyi_envelope *envelope);

/*
 * Add a member to `object`; false without memory, or if `object` is NULL.
 *
 * Text may be any bytes: what is not UTF-8 becomes U+FFFD; NULL becomes null. pyi_output_json()
 * prints what must not be shown as it is (base/plain_text.h) as \uXXXX. Numbers are printed
 * exactly, which cJSON's own (doubles) are not above 10^15.
 */
bool pyi_output_add_text(cJSON *object, const char *key, const char *text) PYI_MUST_CHECK;
bool pyi_output_add_unsigned(cJSON *object, const char *key, uint64_t value) PYI_MUST_CHECK;
/* Seconds since 1970 as "2026-01-31T23:59:59Z"; null if that is no date. */
bool pyi_output_add_moment(cJSON *object, const char *key, int64_t since_s) PYI_MUST_CHECK;
/* As "0x7f.."; 0 becomes null. */
bool pyi_output_add_address(cJSON *object, const char *key, uint64_t address) PYI_MUST_CHECK;

/* Appends an empty object to `array`, which owns it; NULL without memory, or if there is no array.
 */
cJSON *pyi_output_append_object(cJSON *array);
/* Appends text of any bytes to `array`. */
bool pyi_output_append_text(cJSON *array, const char *text) PYI_MUST_CHECK;

/* Words between lines of so many columns (0: one line), broken at their spaces; changes them. The
 * first line has this indentation, the others 2 more. They are safe for a terminal already. */
void pyi_output_put_words(FILE *stream, size_t columns, size_t indent, char *words);

/* A sentence for somebody who reads it there: broken where the stream is a terminal, else a line.
 */
void pyi_output_say(FILE *stream, size_t indent, const char *format, ...) PYI_PRINTF(3, 4);

/*
 * A copy of `text` for one line of a terminal, at most `room` columns wide (0: any).
 *
 * It is valid UTF-8, in which invalid bytes, backslashes and characters that must not be shown as
 * they are (base/plain_text.h) are written as \xNN, byte by byte. What is too long is cut in the
 * middle, with "…" there: the package is at the start of a name and the class, which says more, at
 * its end. A character counts as one column, which is not so in a few scripts. The caller owns it;
 * NULL without memory.
 */
char *pyi_output_fit(const char *text, size_t room);

/* The same for text that went through it already. */
char *pyi_output_cut(const char *safe, size_t room);

/* Columns of valid UTF-8, counted in the same way. */
size_t pyi_output_width(const char *text);

/* Prints `json` (NULL: it could not be made for lack of memory), a newline, flushes. */
struct pyi_error *pyi_output_json(FILE *stream, const cJSON *json, bool pretty) PYI_MUST_CHECK;

/* The same, which also frees `json`; it is not printed unless it could be completed. */
struct pyi_error *pyi_output_json_done(FILE *stream, cJSON *json, bool complete,
				       bool pretty) PYI_MUST_CHECK;

/* Flushes `stream` and turns any write error of it into "output-failed". */
struct pyi_error *pyi_output_finish(FILE *stream) PYI_MUST_CHECK;

/*
 * Reports an error: under JSON formats an envelope with "error": {"code","message","hint"} on
 * `out`; always "pyinspect: MESSAGE" and, if there is one, "  hint: HINT" on `words`. "target" is
 * there if its pid is known; `envelope` may be NULL. Nothing is put on an `out` that has failed
 * before.
 */
void pyi_output_error(FILE *out, FILE *words, enum pyi_format format,
		      const struct pyi_envelope *envelope, const struct pyi_error *error);

#endif
