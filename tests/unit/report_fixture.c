/*
 * Renders reports for tests and holds them against what is expected of all of them.
 */
#include "report_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pyi_envelope report_envelope(const char *command)
{
	static char exe[] = "/usr/bin/python3.11";
	static char python[] = "3.11.2";

	return (struct pyi_envelope){
		.command = command,
		.pid = 871,
		.exe = exe,
		.python = python,
		.interpreters = 1,
		.rss_bytes = 4000000,
		.source = "clone",
		.consistent = true,
		.attempts = 1,
		.paused_ms = 0.41284,
		.longest_pause_ms = 0.4,
		.snapshot_ms = 93.4,
		.elapsed_ms = 101.25,
		.snapshot_bytes = 1052672,
	};
}

char *report_render(report_function *report, enum pyi_format format, unsigned columns,
		    const struct pyi_envelope *envelope, const void *data)
{
	struct pyi_error *error;
	char *text = NULL;
	FILE *stream;
	size_t size;

	stream = open_memstream(&text, &size);
	assert_non_null(stream);
	error = report(stream, format, columns, envelope, data);
	fclose(stream);
	assert_null(error);
	assert_int_equal(strlen(text), size);
	return text;
}

void assert_full_disk(report_function *report, const struct pyi_envelope *envelope,
		      const void *data)
{
	static const enum pyi_format formats[] = { PYI_FORMAT_TABLE, PYI_FORMAT_JSON,
						   PYI_FORMAT_NDJSON };

	for (size_t i = 0; i < 2 * sizeof(formats) / sizeof(formats[0]); i++) {
		FILE *full = fopen("/dev/full", "w");
		struct pyi_error *error;

		assert_non_null(full);
		/* What fails is an earlier write, or only the flush. */
		if (i % 2)
			setvbuf(full, NULL, _IONBF, 0);
		error = report(full, formats[i / 2], 80, envelope, data);
		assert_non_null(error);
		assert_string_equal(pyi_error_code_name(error->code), "output-failed");
		assert_int_equal(error->exit, PYI_EXIT_FAILED);
		pyi_error_destroy(error);
		fclose(full);
	}
}

/*
 * Starts tests/schema/validate.py, which ends when our end of its socket is closed: with the
 * program. Returns that end.
 */
static int start_validator(const char *data)
{
	char *python = getenv("PYI_TEST_PYTHON");
	char option[] = "--serve";
	int ends[2];
	pid_t pid;

	assert_non_null(python);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char *script;

		if (asprintf(&script, "%s/../schema/validate.py", data) > 0 &&
		    dup2(ends[1], STDIN_FILENO) >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0) {
			char *const arguments[] = { python, script, option, NULL };

			execvp(python, arguments);
		}
		_exit(127);
	}
	close(ends[1]);
	return ends[0];
}

/* A socket, so that a validator that is gone is an error of this text and no SIGPIPE. */
static void send_all(int validator, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(validator, bytes, size, MSG_NOSIGNAL);

		if (sent <= 0)
			fail_msg("validate.py has ended");
		bytes += sent;
		size -= (size_t)sent;
	}
}

/* Python takes longer to start than a text to check: there is one validator for all of a program.
 */
static void validate(const char *text, const char *name, enum pyi_format format)
{
	static FILE *answers;
	const char *data = getenv("PYI_TEST_DATA");
	char answer[1200];
	char *request;

	assert_non_null(data);
	if (!answers) {
		answers = fdopen(start_validator(data), "r");
		assert_non_null(answers);
	}
	assert_true(asprintf(&request, "%zu %s %s/../../doc/schema/%s.schema.json\n", strlen(text),
			     format == PYI_FORMAT_NDJSON ? "ndjson" : "json", data, name) > 0);
	send_all(fileno(answers), request, strlen(request));
	send_all(fileno(answers), text, strlen(text));
	free(request);
	if (!fgets(answer, sizeof(answer), answers))
		fail_msg("validate.py has ended");
	if (strcmp(answer, "ok\n") != 0)
		fail_msg("not what the schema says: %s%s", answer, text);
}

static void validate_error(const struct pyi_envelope *envelope, enum pyi_format format)
{
	struct pyi_error *error =
		pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, "no way in");
	char *words = NULL;
	char *text = NULL;
	size_t words_size;
	size_t size;
	FILE *ignored = open_memstream(&words, &words_size);
	FILE *out = open_memstream(&text, &size);

	assert_non_null(ignored);
	assert_non_null(out);
	pyi_output_error(out, ignored, format, envelope, error);
	fclose(out);
	fclose(ignored);
	pyi_error_destroy(error);
	validate(text, envelope->command, format);
	free(words);
	free(text);
}

void assert_schema(report_function *report, const struct pyi_envelope *envelope, const void *data)
{
	static const enum pyi_format formats[] = { PYI_FORMAT_JSON, PYI_FORMAT_NDJSON };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		char *text = report_render(report, formats[i], 80, envelope, data);

		validate(text, envelope->command, formats[i]);
		free(text);
		validate_error(envelope, formats[i]);
	}
}

void assert_has(const char *text, const char *expected)
{
	if (!strstr(text, expected))
		fail_msg("\"%s\" is not in:\n%s", expected, text);
}

void assert_lacks(const char *text, const char *unwanted)
{
	if (strstr(text, unwanted))
		fail_msg("\"%s\" is in:\n%s", unwanted, text);
}

void assert_narrow(const char *text, size_t columns)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		char *line = strndup(text, length);

		if (pyi_output_width(line) > columns)
			fail_msg("wider than %zu: %s", columns, line);
		free(line);
		text += length + (text[length] == '\n');
	}
}

const cJSON *at(const cJSON *json, const char *first, const char *second)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, first);

	if (second)
		item = cJSON_GetObjectItemCaseSensitive(item, second);
	if (!item)
		fail_msg("no %s.%s", first, second ? second : "");
	return item;
}

const cJSON *nth(const cJSON *array, int index)
{
	const cJSON *item = cJSON_GetArrayItem(array, index);

	if (!item)
		fail_msg("no item %d", index);
	return item;
}

void assert_text(const cJSON *item, const char *expected)
{
	assert_true(cJSON_IsString(item));
	assert_string_equal(item->valuestring, expected);
}

void assert_number(const cJSON *item, double expected)
{
	assert_true(cJSON_IsNumber(item));
	/* Both are small integers, exact as doubles. */
	assert_true(item->valuedouble == expected);
}

cJSON *parse(const char *text)
{
	cJSON *json = cJSON_ParseWithOpts(text, NULL, true);

	if (!json)
		fail_msg("not JSON: %s", text);
	return json;
}
