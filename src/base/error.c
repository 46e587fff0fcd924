/*
 * Makes, extends and frees errors. Does not print them.
 */
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char no_memory_message[] = "out of memory";

static struct pyi_error no_memory = {
	.exit = PYI_EXIT_FAILED,
	.code = PYI_ERROR_NO_MEMORY,
	.message = no_memory_message,
};

struct pyi_error *pyi_error_no_memory(void)
{
	return &no_memory;
}

static struct pyi_error *create(enum pyi_exit exit, enum pyi_error_code code, char *message)
{
	struct pyi_error *error = message ? malloc(sizeof(*error)) : NULL;

	if (!error) {
		free(message);
		return &no_memory;
	}
	*error = (struct pyi_error){ .exit = exit, .code = code, .message = message };
	return error;
}

__attribute__((format(printf, 3, 0))) static struct pyi_error *
create_formatted(enum pyi_exit exit, enum pyi_error_code code, const char *format,
		 va_list arguments)
{
	char *message;
	int length = vasprintf(&message, format, arguments);

	return create(exit, code, length < 0 ? NULL : message);
}

struct pyi_error *pyi_error_create(enum pyi_exit exit, enum pyi_error_code code, const char *format,
				   ...)
{
	struct pyi_error *error;
	va_list arguments;

	va_start(arguments, format);
	error = create_formatted(exit, code, format, arguments);
	va_end(arguments);
	return error;
}

struct pyi_error *pyi_error_timeout(const char *format, ...)
{
	struct pyi_error *error;
	va_list arguments;

	va_start(arguments, format);
	error = create_formatted(PYI_EXIT_FAILED, PYI_ERROR_TIMEOUT, format, arguments);
	va_end(arguments);
	return pyi_error_hint(error, "allow more with --timeout");
}

struct pyi_error *pyi_error_create_errno(enum pyi_exit exit, enum pyi_error_code code,
					 int error_number, const char *format, ...)
{
	va_list arguments;
	char *message;
	char *whole;
	int length;

	va_start(arguments, format);
	length = vasprintf(&message, format, arguments);
	va_end(arguments);
	if (length < 0)
		return &no_memory;
	length = asprintf(&whole, "%s: %s", message, strerror(error_number));
	free(message);
	return create(exit, code, length < 0 ? NULL : whole);
}

struct pyi_error *pyi_error_hint(struct pyi_error *error, const char *format, ...)
{
	va_list arguments;
	char *hint;
	int length;

	if (!error || error == &no_memory)
		return error;
	va_start(arguments, format);
	length = vasprintf(&hint, format, arguments);
	va_end(arguments);
	if (length >= 0) {
		free(error->hint);
		error->hint = hint;
	}
	return error;
}

struct pyi_error *pyi_error_context(struct pyi_error *error, const char *format, ...)
{
	va_list arguments;
	char *context;
	char *whole;
	int length;

	if (!error || error == &no_memory)
		return error;
	va_start(arguments, format);
	length = vasprintf(&context, format, arguments);
	va_end(arguments);
	if (length < 0)
		return error;
	length = asprintf(&whole, "%s: %s", context, error->message);
	free(context);
	if (length >= 0) {
		free(error->message);
		error->message = whole;
	}
	return error;
}

bool pyi_error_has(const struct pyi_error *error, enum pyi_error_flag flag)
{
	return error && pyi_error_code_has(error->code, flag);
}

void pyi_error_destroy(struct pyi_error *error)
{
	if (!error || error == &no_memory)
		return;
	free(error->message);
	free(error->hint);
	free(error);
}
