/*
 * Keeps incidents, has their evidence saved, tells the journal.
 */
#include "cli/check_outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/evidence.h"
#include "cli/journal.h"
#include "incidents/incidents.h"
#include "incidents/kept_folder.h"
#include "tracee/wait.h"

/* Warns, unless the check has to end with that error, which then comes back. */
static struct pyi_error *settle(struct pyi_envelope *envelope, struct pyi_error *error)
{
	if (!error || error->exit == PYI_EXIT_NOT_RESTORED || pyi_wait_cancel_signal())
		return error;
	pyi_envelope_warn(envelope, pyi_error_code_name(error->code), "%s", error->message);
	pyi_error_destroy(error);
	return NULL;
}

static const char *message_of(const struct pyi_check *check,
			      const struct pyi_incident_change *change)
{
	for (size_t f = 0; f < check->count; f++) {
		const struct pyi_check_finding *finding = &check->findings[f];
		bool subject = finding->subject && change->subject
				       ? strcmp(finding->subject, change->subject) == 0
				       : finding->subject == change->subject;

		if (subject && strcmp(finding->rule, change->rule) == 0)
			return finding->message;
	}
	return "it is over";
}

static void tell_journal(const struct pyi_check_outcome *outcome,
			 const struct pyi_check_report *report,
			 const struct pyi_incidents *incidents, const char *evidence)
{
	PYI_CLEANUP(pyi_guard_free) char *summary = pyi_report_check_summary(report);
	const struct pyi_journal_target target = {
		.name = outcome->options->target,
		.pid = outcome->envelope->pid,
		.exe = outcome->envelope->exe,
		.one_of_many = outcome->options->one_of_many,
	};

	for (size_t c = 0; c < incidents->change_count; c++) {
		const struct pyi_incident_change *change = &incidents->changes[c];

		pyi_journal_finding(&target, change->rule, change->subject, change->before,
				    change->now, message_of(report->check, change));
	}
	if (summary && incidents->status_changed)
		pyi_journal_status(&target, incidents->status_before, report->check->status,
				   summary, evidence);
}

/* Types of whose objects there are too many by a rule; then those that grow. */
static void choose_types(const struct pyi_check_outcome *outcome, const struct pyi_check *check,
			 char *growing[PYI_GROWING_TYPES], struct pyi_evidence_request *request)
{
	for (size_t f = 0; f < check->count && request->type_count < PYI_EVIDENCE_TYPES; f++) {
		const struct pyi_check_finding *finding = &check->findings[f];
		bool of_type = finding->kind == PYI_RULE_MAX_COUNT ||
			       finding->kind == PYI_RULE_MAX_BYTES ||
			       finding->kind == PYI_RULE_MAX_GROWTH ||
			       finding->kind == PYI_RULE_GROWING_TYPES;

		if (of_type && finding->status == PYI_CHECK_CRITICAL && finding->subject)
			request->types[request->type_count++] = finding->subject;
	}
	pyi_check_past_growing_types(outcome->past, growing);
	for (size_t g = 0; g < PYI_GROWING_TYPES; g++) {
		bool known = !growing[g];

		for (size_t t = 0; t < request->type_count; t++)
			known = known || strcmp(request->types[t], growing[g]) == 0;
		if (!known && request->type_count < PYI_EVIDENCE_TYPES)
			request->types[request->type_count++] = growing[g];
	}
}

static struct pyi_error *collect(const struct pyi_check_outcome *outcome,
				 const struct pyi_check_report *report, const char *parent,
				 const char *name)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	PYI_CLEANUP(pyi_guard_file) FILE *out = NULL;
	char *growing[PYI_GROWING_TYPES] = { NULL };
	struct pyi_evidence_request request = {
		.parent = parent,
		.name = name,
		.pid = outcome->past->process.pid,
		.start_ticks = outcome->past->process.start_ticks,
		.envelope = outcome->envelope,
		.options = outcome->options,
		.deadline_ns = outcome->deadline_ns,
	};
	struct pyi_error *error;

	out = open_memstream(&text, &request.check_size);
	if (!out)
		return pyi_error_no_memory();
	error = pyi_report_check(out, PYI_FORMAT_JSON, 0, outcome->envelope, report);
	if (error)
		return error;
	if (fclose(pyi_return_ptr(out)) != 0)
		return pyi_error_no_memory();
	request.check = text;
	choose_types(outcome, report->check, growing, &request);
	error = pyi_evidence_collect(&request);
	for (size_t g = 0; g < PYI_GROWING_TYPES; g++)
		free(growing[g]);
	return error;
}

/* Whatever a check that was killed had completed counts. */
static bool find_wanted(struct pyi_incidents *incidents, const char *parent)
{
	bool any = false;

	for (size_t i = 0; i < incidents->count; i++) {
		struct pyi_incident *incident = &incidents->items[i];

		if (incident->evidence && !incident->evidence_done)
			incident->evidence_done =
				pyi_kept_folder_exists(parent, incident->evidence);
		any = any || pyi_incident_wants_evidence(incident);
	}
	return any;
}

/* Writes down first what the evidence will be called, so that it is never saved twice. */
static struct pyi_error *announce(struct pyi_incidents *incidents, const char *name)
{
	for (size_t i = 0; i < incidents->count; i++) {
		struct pyi_incident *incident = &incidents->items[i];

		if (!pyi_incident_wants_evidence(incident))
			continue;
		free(incident->evidence);
		incident->evidence = strdup(name);
		if (!incident->evidence)
			return pyi_error_no_memory();
		incident->evidence_tries++;
	}
	return pyi_incidents_save(incidents);
}

static void complete(struct pyi_incidents *incidents, const char *name)
{
	for (size_t i = 0; i < incidents->count; i++)
		if (incidents->items[i].evidence && strcmp(incidents->items[i].evidence, name) == 0)
			incidents->items[i].evidence_done = true;
}

static struct pyi_error *save_evidence(const struct pyi_check_outcome *outcome,
				       const struct pyi_check_report *report,
				       struct pyi_incidents *incidents, char **ret_evidence)
{
	PYI_CLEANUP(pyi_guard_free) char *parent = NULL;
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	PYI_CLEANUP(pyi_guard_free) char *path = NULL;
	struct pyi_error *error;

	name = pyi_kept_folder_name(outcome->options->target, outcome->past->process.pid,
				    report->sample->time_s);
	if (asprintf(&parent, "%s/evidence", outcome->setup->state) < 0)
		parent = NULL;
	if (!name || !parent || asprintf(&path, "%s/%s", parent, name) < 0) {
		path = NULL;
		return pyi_error_no_memory();
	}
	if (!find_wanted(incidents, parent) || outcome->refused)
		return pyi_incidents_save(incidents);
	error = announce(incidents, name);
	if (!error)
		error = collect(outcome, report, parent, name);
	if (error)
		return error;
	complete(incidents, name);
	*ret_evidence = pyi_return_ptr(path);
	return pyi_incidents_save(incidents);
}

static bool all_ok(const struct pyi_check *check)
{
	/* The worst is the first. */
	return !check->count || check->findings[0].status == PYI_CHECK_OK;
}

struct pyi_error *pyi_check_outcome_deal(const struct pyi_check_outcome *outcome,
					 const struct pyi_check_report *report, char **ret_evidence)
{
	const struct pyi_history_process *process = &outcome->past->process;
	const struct pyi_incident_process who = { process->boot_id, process->pid,
						  process->start_ticks, outcome->options->target };
	PYI_CLEANUP(pyi_incidents_close) struct pyi_incidents incidents = { .lock_fd = -1 };
	PYI_CLEANUP(pyi_guard_free) char *evidence = NULL;
	struct pyi_error *error;
	bool busy;

	/* A process with which nothing is or was wrong leaves no file behind. */
	if (all_ok(report->check) && !pyi_incidents_are_known(outcome->setup->state, &who))
		return NULL;
	error = pyi_incidents_open(outcome->setup->state, &who, &incidents);
	busy = error && error->code == PYI_ERROR_INCIDENTS_BUSY;
	error = settle(outcome->envelope, error);
	/* Then that one tells the journal, too. */
	if (error || busy)
		return error;
	error = pyi_incidents_update(&incidents, report->check, report->sample->incomplete,
				     report->sample->time_s);
	if (!error && incidents.lock_fd >= 0)
		error = save_evidence(outcome, report, &incidents, &evidence);
	error = settle(outcome->envelope, error);
	tell_journal(outcome, report, &incidents, evidence);
	if (!error)
		*ret_evidence = pyi_return_ptr(evidence);
	return error;
}
