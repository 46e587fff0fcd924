/*
 * Keeps what every report carries besides its result.
 *
 * Does not render it: that is output.c for JSON, and each report for its table.
 */
#include "report/envelope.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes over `message`, which may be NULL (out of memory). */
static void append(struct pyi_warning **list, size_t *count, const char *code, char *message)
{
	struct pyi_warning *longer;

	longer = message ? reallocarray(*list, *count + 1, sizeof(*longer)) : NULL;
	if (!longer) {
		free(message);
		return;
	}
	*list = longer;
	longer[*count] = (struct pyi_warning){ .message = message };
	snprintf(longer[*count].code, sizeof(longer[*count].code), "%s", code);
	(*count)++;
}

void pyi_envelope_warn(struct pyi_envelope *envelope, const char *code, const char *format, ...)
{
	va_list arguments;
	char *message;
	int length;

	va_start(arguments, format);
	length = vasprintf(&message, format, arguments);
	va_end(arguments);
	if (length >= 0)
		append(&envelope->warnings, &envelope->warning_count, code, message);
}

void pyi_envelope_add_residue(struct pyi_envelope *envelope, const char *code, const char *message)
{
	append(&envelope->residue, &envelope->residue_count, code, strdup(message));
}

void pyi_envelope_add_try(struct pyi_envelope *envelope, double paused_ms, const char *dropped)
{
	struct pyi_envelope_try *longer =
		reallocarray(envelope->tries, envelope->try_count + 1, sizeof(*longer));

	if (!longer)
		return;
	envelope->tries = longer;
	longer[envelope->try_count++] =
		(struct pyi_envelope_try){ paused_ms, dropped ? strdup(dropped) : NULL };
}

void pyi_envelope_add_stops(struct pyi_envelope *envelope, const struct pyi_envelope *later)
{
	envelope->attempts += later->attempts;
	envelope->paused_ms += later->paused_ms;
	if (later->longest_pause_ms > envelope->longest_pause_ms)
		envelope->longest_pause_ms = later->longest_pause_ms;
	for (size_t t = 0; t < later->try_count; t++)
		pyi_envelope_add_try(envelope, later->tries[t].paused_ms, later->tries[t].dropped);
}

static void free_list(struct pyi_warning *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].message);
	free(list);
}

void pyi_envelope_deinit(struct pyi_envelope *envelope)
{
	free_list(envelope->warnings, envelope->warning_count);
	free_list(envelope->residue, envelope->residue_count);
	for (size_t t = 0; t < envelope->try_count; t++)
		free(envelope->tries[t].dropped);
	free(envelope->tries);
	free(envelope->exe);
	free(envelope->python);
	free(envelope->dump.host);
	free(envelope->dump.version);
	free(envelope->dump.source);
	*envelope = (struct pyi_envelope){ 0 };
}
