/*
 * Puts structured messages for journald together.
 */
#include "cli/journal.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "cli/journal_send.h"
#include "report/output.h"

enum {
	FIELDS = 16,
};

/* A message while it is put together. */
struct message {
	struct iovec fields[FIELDS];
	int count;
};

static void add(struct message *message, const char *name, const char *value)
{
	char *field;
	int length;

	if (!value || message->count == FIELDS)
		return;
	length = asprintf(&field, "%s=%s", name, value);
	if (length >= 0)
		message->fields[message->count++] =
			(struct iovec){ .iov_base = field, .iov_len = (size_t)length };
}

/* Text that the target had a part in. */
static void add_text(struct message *message, const char *name, const char *value)
{
	PYI_CLEANUP(pyi_guard_free) char *safe = value ? pyi_output_fit(value, 0) : NULL;

	add(message, name, safe);
}

static int priority_of(enum pyi_check_status status)
{
	switch (status) {
	case PYI_CHECK_OK:
		return LOG_NOTICE;
	case PYI_CHECK_CRITICAL:
		return LOG_CRIT;
	case PYI_CHECK_WARNING:
	case PYI_CHECK_UNKNOWN:
		break;
	}
	return LOG_WARNING;
}

/* Under systemd these are set; a shell in a terminal has none of them. */
static bool is_wanted(void)
{
	return getenv("JOURNAL_STREAM") || getenv("INVOCATION_ID");
}

static void add_common(struct message *message, const char *id,
		       const struct pyi_journal_target *target, enum pyi_check_status before,
		       enum pyi_check_status now)
{
	char number[32];

	add(message, "MESSAGE_ID", id);
	add(message, "SYSLOG_IDENTIFIER", "pyinspect");
	snprintf(number, sizeof(number), "%d", priority_of(now));
	add(message, "PRIORITY", number);
	add(message, "PYINSPECT_STATUS", pyi_check_status_name(now));
	add(message, "PYINSPECT_STATUS_BEFORE", pyi_check_status_name(before));
	add_text(message, "PYINSPECT_TARGET", target->name);
	add_text(message, "TARGET_EXE", target->exe);
	snprintf(number, sizeof(number), "%" PRId64, target->pid);
	if (target->pid > 0)
		add(message, "TARGET_PID", number);
}

static void send_message(struct message *message)
{
	pyi_journal_send(message->fields, message->count);
	for (int f = 0; f < message->count; f++)
		free(message->fields[f].iov_base);
}

static bool is_to_be_named(const struct pyi_journal_target *target)
{
	return target->one_of_many && target->pid > 0;
}

void pyi_journal_status(const struct pyi_journal_target *target, enum pyi_check_status before,
			enum pyi_check_status now, const char *text, const char *evidence)
{
	PYI_CLEANUP(pyi_guard_free) char *words = NULL;
	const char *name = target->name ? target->name : "?";
	struct message message = { .count = 0 };
	int length;

	if (!is_wanted())
		return;
	if (is_to_be_named(target))
		length = asprintf(&words, "%s, process %" PRId64 ", is %s: %s", name, target->pid,
				  pyi_check_status_name(now), text);
	else
		length = asprintf(&words, "%s is %s: %s", name, pyi_check_status_name(now), text);
	if (length < 0) {
		words = NULL;
		return;
	}
	add_common(&message, PYI_JOURNAL_STATUS_CHANGED, target, before, now);
	add_text(&message, "MESSAGE", words);
	add_text(&message, "PYINSPECT_EVIDENCE", evidence);
	send_message(&message);
}

void pyi_journal_finding(const struct pyi_journal_target *target, const char *rule,
			 const char *subject, enum pyi_check_status before,
			 enum pyi_check_status now, const char *text)
{
	PYI_CLEANUP(pyi_guard_free) char *words = NULL;
	struct message message = { .count = 0 };

	if (!is_wanted())
		return;
	if (is_to_be_named(target) &&
	    asprintf(&words, "process %" PRId64 ": %s", target->pid, text) < 0) {
		words = NULL;
		return;
	}
	add_common(&message, PYI_JOURNAL_FINDING_CHANGED, target, before, now);
	add_text(&message, "MESSAGE", words ? words : text);
	add_text(&message, "PYINSPECT_RULE", rule);
	add_text(&message, "PYINSPECT_SUBJECT", subject);
	send_message(&message);
}
