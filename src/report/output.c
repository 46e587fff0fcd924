/*
 * Puts reports and errors on a stream in the chosen form.
 *
 * Does not know what any report says, and does not open or close streams.
 */
#include "report/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/plain_text.h"
#include "base/utf8.h"
#include "report/group.h"

/* Bytes that one byte of input becomes at most: "\xNN". */
enum {
	LONGEST_REPLACEMENT = 4,
	ELLIPSIS = 0x2026,
};

/* Never changes after the first report. */
static struct pyi_output_origin origin;

void pyi_output_set_origin(const struct pyi_output_origin *new_origin)
{
	origin = *new_origin;
}

bool pyi_output_is_ascii(void)
{
	return origin.ascii;
}

const char *pyi_output_host(void)
{
	return origin.host;
}

const char *pyi_output_version(void)
{
	return origin.version;
}

const char *pyi_output_ellipsis(void)
{
	return origin.ascii ? "..." : "…";
}

bool pyi_format_parse(const char *word, enum pyi_format *ret_format)
{
	static const struct {
		const char *word;
		enum pyi_format format;
	} formats[] = {
		{ "table", PYI_FORMAT_TABLE },		 { "json", PYI_FORMAT_JSON },
		{ "ndjson", PYI_FORMAT_NDJSON },	 { "nagios", PYI_FORMAT_NAGIOS },
		{ "prometheus", PYI_FORMAT_PROMETHEUS }, { "dot", PYI_FORMAT_DOT },
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(word, formats[i].word) == 0) {
			*ret_format = formats[i].format;
			return true;
		}
	}
	return false;
}

/* A backslash must not look like an escape of ours. */
static bool is_plain(uint32_t code_point)
{
	return code_point != '\\' && pyi_plain_text_is_shown(code_point) &&
	       (code_point < 0x80 || !origin.ascii);
}

static char *escape(const char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	char *escaped = calloc(strlen(text) + 1, LONGEST_REPLACEMENT);
	char *to = escaped;

	while (to && *from) {
		uint32_t code_point;
		size_t length = pyi_utf8_decode((const char *)from, SIZE_MAX, &code_point);

		if (length && code_point == ELLIPSIS && origin.ascii) {
			to = stpcpy(to, pyi_output_ellipsis());
			from += length;
			continue;
		}
		if (length && is_plain(code_point)) {
			to = mempcpy(to, from, length);
			from += length;
			continue;
		}
		for (length = length ? length : 1; length; length--)
			to += sprintf(to, "\\x%02x", *from++);
	}
	return escaped;
}

size_t pyi_output_width(const char *text)
{
	return pyi_utf8_width(text);
}

char *pyi_output_cut(const char *safe, size_t room)
{
	size_t width = pyi_output_width(safe);
	const char *head_end;
	const char *tail;
	size_t dots;
	size_t head;
	char *cut;

	if (!room || width <= room)
		return strdup(safe);
	dots = pyi_output_width(pyi_output_ellipsis());
	if (room < dots)
		dots = room;
	head = (room - dots) / 3;
	head_end = pyi_utf8_skip(safe, head);
	tail = pyi_utf8_skip(safe, width - (room - dots - head));
	if (asprintf(&cut, "%.*s%.*s%s", (int)(head_end - safe), safe,
		     (int)(origin.ascii ? dots : strlen("…")), pyi_output_ellipsis(), tail) < 0)
		return NULL;
	return cut;
}

char *pyi_output_fit(const char *text, size_t room)
{
	PYI_CLEANUP(pyi_guard_free) char *safe = escape(text);

	return safe ? pyi_output_cut(safe, room) : NULL;
}

static bool add_item(cJSON *object, const char *key, cJSON *item)
{
	if (item && cJSON_AddItemToObject(object, key, item))
		return true;
	cJSON_Delete(item);
	return false;
}

bool pyi_output_add_text(cJSON *object, const char *key, const char *text)
{
	PYI_CLEANUP(pyi_guard_free) char *valid = text ? pyi_plain_text_make_utf8(text) : NULL;

	if (!text)
		return add_item(object, key, cJSON_CreateNull());
	return valid && add_item(object, key, cJSON_CreateString(valid));
}

bool pyi_output_append_text(cJSON *array, const char *text)
{
	PYI_CLEANUP(pyi_guard_free) char *valid = pyi_plain_text_make_utf8(text);
	cJSON *item = valid ? cJSON_CreateString(valid) : NULL;

	if (item && cJSON_AddItemToArray(array, item))
		return true;
	cJSON_Delete(item);
	return false;
}

bool pyi_output_add_unsigned(cJSON *object, const char *key, uint64_t value)
{
	char digits[sizeof("18446744073709551615")];

	/* cJSON's own numbers are doubles, which it prints with 15 digits where it can. */
	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	return add_item(object, key, cJSON_CreateRaw(digits));
}

bool pyi_output_add_address(cJSON *object, const char *key, uint64_t address)
{
	char digits[sizeof("0x0123456789abcdef")];

	snprintf(digits, sizeof(digits), "0x%" PRIx64, address);
	return add_item(object, key, address ? cJSON_CreateString(digits) : cJSON_CreateNull());
}

cJSON *pyi_output_append_object(cJSON *array)
{
	cJSON *object = cJSON_CreateObject();

	if (object && cJSON_AddItemToArray(array, object))
		return object;
	cJSON_Delete(object);
	return NULL;
}

/* Whole microseconds: what is behind them is noise, and NaN is not JSON. */
static bool add_ms(cJSON *object, const char *key, double ms)
{
	double us = ms > 0 && ms < 1e12 ? ms * 1000 + 0.5 : 0;

	return add_item(object, key, cJSON_CreateNumber((double)(uint64_t)us / 1000));
}

static bool add_target(cJSON *json, const struct pyi_envelope *envelope)
{
	cJSON *target = cJSON_AddObjectToObject(json, "target");
	bool ok = target != NULL;
	cJSON *build;

	if (envelope->pid > 0)
		ok = ok && pyi_output_add_unsigned(target, "pid", (uint64_t)envelope->pid);
	else
		ok = ok && cJSON_AddNullToObject(target, "pid");
	ok = ok && pyi_output_add_text(target, "exe", envelope->exe);
	ok = ok && pyi_output_add_text(target, "python", envelope->python);
	build = ok ? cJSON_AddArrayToObject(target, "build") : NULL;
	ok = ok && build;
	for (const char *const *name = envelope->build; ok && name && *name; name++)
		ok = pyi_output_append_text(build, *name);
	ok = ok && pyi_output_add_unsigned(target, "interpreters", envelope->interpreters);
	if (envelope->interpreter)
		ok = ok &&
		     pyi_output_add_unsigned(target, "interpreter", envelope->interpreter - 1);
	return ok && pyi_output_add_unsigned(target, "rss_bytes", envelope->rss_bytes);
}

static bool add_access(cJSON *json, const struct pyi_envelope *envelope)
{
	cJSON *access = cJSON_AddObjectToObject(json, "access");

	return access && pyi_output_add_text(access, "source", envelope->source) &&
	       cJSON_AddBoolToObject(access, "consistent", envelope->consistent) &&
	       pyi_output_add_unsigned(access, "attempts", envelope->attempts);
}

static bool add_residue(cJSON *cost, const struct pyi_envelope *envelope)
{
	cJSON *residue = cJSON_AddArrayToObject(cost, "residue");
	bool ok = residue != NULL;

	for (size_t i = 0; ok && i < envelope->residue_count; i++)
		ok = pyi_output_append_text(residue, envelope->residue[i].code);
	return ok;
}

static bool add_tries(cJSON *cost, const struct pyi_envelope *envelope)
{
	cJSON *tries = cJSON_AddArrayToObject(cost, "tries");
	bool ok = tries != NULL;

	for (size_t t = 0; ok && t < envelope->try_count; t++) {
		cJSON *one = pyi_output_append_object(tries);

		ok = one && add_ms(one, "paused_ms", envelope->tries[t].paused_ms) &&
		     pyi_output_add_text(one, "dropped", envelope->tries[t].dropped);
	}
	return ok;
}

static bool add_cost(cJSON *json, const struct pyi_envelope *envelope)
{
	cJSON *cost = cJSON_AddObjectToObject(json, "cost");

	return cost && add_ms(cost, "paused_ms", envelope->paused_ms) &&
	       add_ms(cost, "longest_pause_ms", envelope->longest_pause_ms) &&
	       add_ms(cost, "snapshot_ms", envelope->snapshot_ms) &&
	       add_ms(cost, "elapsed_ms", envelope->elapsed_ms) &&
	       pyi_output_add_unsigned(cost, "snapshot_bytes", envelope->snapshot_bytes) &&
	       add_tries(cost, envelope) && add_residue(cost, envelope);
}

static bool add_warnings(cJSON *json, const struct pyi_envelope *envelope)
{
	cJSON *warnings = cJSON_AddArrayToObject(json, "warnings");
	bool ok = warnings != NULL;

	for (size_t i = 0; ok && i < envelope->warning_count; i++) {
		cJSON *warning = pyi_output_append_object(warnings);

		ok = warning && pyi_output_add_text(warning, "code", envelope->warnings[i].code) &&
		     pyi_output_add_text(warning, "message", envelope->warnings[i].message);
	}
	return ok;
}

bool pyi_output_add_moment(cJSON *object, const char *key, int64_t since_s)
{
	char text[sizeof("-2147483648-12-31T23:59:60Z")];
	time_t moment_s = since_s;
	struct tm parts;

	if (!gmtime_r(&moment_s, &parts) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts))
		return cJSON_AddNullToObject(object, key);
	return pyi_output_add_text(object, key, text);
}

static bool add_dump(cJSON *json, const struct pyi_envelope_dump *dump)
{
	cJSON *object = cJSON_AddObjectToObject(json, "dump");

	return object && pyi_output_add_text(object, "file", dump->file) &&
	       (dump->taken_ms
			? pyi_output_add_moment(object, "time", (int64_t)(dump->taken_ms / 1000))
			: cJSON_AddNullToObject(object, "time") != NULL) &&
	       pyi_output_add_text(object, "host", dump->host) &&
	       pyi_output_add_text(object, "version", dump->version) &&
	       pyi_output_add_text(object, "source", dump->source);
}

/* What reports and errors have in common. */
static bool add_head(cJSON *json, const char *command)
{
	return pyi_output_add_text(json, "schema", "pyinspect/1") &&
	       pyi_output_add_text(json, "command", command) &&
	       pyi_output_add_moment(json, "time", time(NULL)) &&
	       pyi_output_add_text(json, "host", origin.host) &&
	       pyi_output_add_text(json, "version", origin.version);
}

cJSON *pyi_envelope_to_json(const struct pyi_envelope *envelope)
{
	cJSON *json = cJSON_CreateObject();

	if (json && add_head(json, envelope->command) && add_target(json, envelope) &&
	    (!envelope->group || pyi_group_add_json(json, envelope->group)) &&
	    (!envelope->dump.file || add_dump(json, &envelope->dump)) &&
	    add_access(json, envelope) && add_cost(json, envelope) && add_warnings(json, envelope))
		return json;
	cJSON_Delete(json);
	return NULL;
}

struct pyi_error *pyi_output_json(FILE *stream, const cJSON *json, bool pretty)
{
	char *text = NULL;

	if (json)
		text = pretty ? cJSON_Print(json) : cJSON_PrintUnformatted(json);
	if (!text)
		return pyi_error_no_memory();
	pyi_plain_text_put_json(stream, text);
	fputc('\n', stream);
	cJSON_free(text);
	return pyi_output_finish(stream);
}

struct pyi_error *pyi_output_json_done(FILE *stream, cJSON *json, bool complete, bool pretty)
{
	struct pyi_error *error = pyi_output_json(stream, complete ? json : NULL, pretty);

	cJSON_Delete(json);
	return error;
}

struct pyi_error *pyi_output_finish(FILE *stream)
{
	errno = 0;
	if (!fflush(stream) && !ferror(stream))
		return NULL;
	/* An earlier write may have failed, whose reason is lost. */
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED, errno ? errno : EIO,
				      "cannot write the report");
}

static cJSON *error_to_json(const struct pyi_envelope *envelope, const struct pyi_error *error)
{
	cJSON *json = cJSON_CreateObject();
	bool ok = json && add_head(json, envelope ? envelope->command : NULL);
	cJSON *inner;

	if (ok && envelope && envelope->pid > 0)
		ok = add_target(json, envelope);
	inner = ok ? cJSON_AddObjectToObject(json, "error") : NULL;
	if (inner && pyi_output_add_text(inner, "code", pyi_error_code_name(error->code)) &&
	    pyi_output_add_text(inner, "message", error->message) &&
	    pyi_output_add_text(inner, "hint", error->hint))
		return json;
	cJSON_Delete(json);
	return NULL;
}

void pyi_output_put_words(FILE *stream, size_t columns, size_t indent, char *words)
{
	char *state = NULL;
	size_t column = 0;

	for (char *word = strtok_r(words, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
		size_t width = pyi_output_width(word);

		if (column && columns && column + 1 + width > columns) {
			fprintf(stream, "\n%*s", (int)indent + 2, "");
			column = indent + 2;
		} else if (column) {
			fputc(' ', stream);
			column++;
		} else {
			fprintf(stream, "%*s", (int)indent, "");
			column = indent;
		}
		fputs(word, stream);
		column += width;
	}
	fputc('\n', stream);
}

/* 0: it is no terminal. */
static size_t columns_of(FILE *stream)
{
	struct winsize size;
	int fd = fileno(stream);

	return fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void pyi_output_say(FILE *stream, size_t indent, const char *format, ...)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	PYI_CLEANUP(pyi_guard_free) char *safe = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	safe = text ? pyi_output_fit(text, 0) : NULL;
	if (safe)
		pyi_output_put_words(stream, columns_of(stream), indent, safe);
	else
		fprintf(stream, "%*spyinspect: out of memory\n", (int)indent, "");
}

void pyi_output_error(FILE *out, FILE *words, enum pyi_format format,
		      const struct pyi_envelope *envelope, const struct pyi_error *error)
{
	/* A stream that has failed already is why we are here: nothing more for it. */
	if ((format == PYI_FORMAT_JSON || format == PYI_FORMAT_NDJSON) && !ferror(out)) {
		cJSON *json = error_to_json(envelope, error);
		struct pyi_error *failure = pyi_output_json(out, json, format == PYI_FORMAT_JSON);

		if (failure)
			pyi_output_say(words, 0, "pyinspect: %s", failure->message);
		pyi_error_destroy(failure);
		cJSON_Delete(json);
	}
	pyi_output_say(words, 0, "pyinspect: %s", error->message);
	if (error->hint)
		pyi_output_say(words, 2, "hint: %s", error->hint);
	fflush(words);
}
