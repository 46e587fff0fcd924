/*
 * Keeps what every report carries besides its result.
 *
 * Does not render it: that is output.c for JSON, and each report for its table.
 */
#include "report/envelope.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void pyi_envelope_warn(struct pyi_envelope *envelope, const char *code, const char *format, ...)
{
	struct pyi_warning *warnings;
	va_list arguments;
	char *message;
	int length;

	va_start(arguments, format);
	length = vasprintf(&message, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	warnings = reallocarray(envelope->warnings, envelope->warning_count + 1, sizeof(*warnings));
	if (!warnings) {
		free(message);
		return;
	}
	envelope->warnings = warnings;
	warnings[envelope->warning_count++] =
		(struct pyi_warning){ .code = code, .message = message };
}

void pyi_envelope_deinit(struct pyi_envelope *envelope)
{
	for (size_t i = 0; i < envelope->warning_count; i++)
		free(envelope->warnings[i].message);
	free(envelope->warnings);
	free(envelope->exe);
	free(envelope->python);
	*envelope = (struct pyi_envelope){ 0 };
}
