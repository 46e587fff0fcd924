/*
 * pyinspect incidents: what checks have found wrong on this machine, since when, and where its
 * evidence is. Reads what check keeps; no process is looked into.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/check_setup.h"
#include "cli/command.h"
#include "cli/inspection.h"
#include "history/history.h"
#include "incidents/incident_list.h"
#include "process/process.h"
#include "report/incidents.h"

static const char help[] =
	"usage: pyinspect incidents [options]\n"
	"\n"
	"Lists what checks have found wrong on this machine, the last first: since when,\n"
	"in which process, by which rule, and how what was kept about it is shown.\n"
	"\n"
	"  -n, --limit N        show the last N (default 20; 0: all)\n"
	"      --state FOLDER   where check keeps it (default $STATE_DIRECTORY, or\n"
	"                       /var/lib/pyinspect)\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"STATE is what the last check said of it (warning, critical, unknown), gone if\n"
	"the process has ended, and over if nothing is left but the evidence. Evidence is\n"
	"kept of what was critical. What was unknown of a process that has ended is left\n"
	"out. No process is looked into.\n"
	"\n"
	"Examples:\n"
	"  pyinspect incidents                 is there something wrong?\n"
	"  pyinspect show unit_app-1234-20260131T235959Z\n"
	"                                      ... and what holds it?\n"
	"  pyinspect incidents --json | jq -r '.result.incidents[].folder // empty'\n";

/* Whether the process of an incident is still the one that has its number. */
static bool is_running(const struct pyi_listed_incident *item, const char *boot_id)
{
	PYI_CLEANUP(pyi_process_close) struct pyi_process process = { .proc_fd = -1 };
	struct pyi_error *error;

	if (!item->start_ticks || strcmp(item->boot_id, boot_id) != 0 || item->pid <= 0)
		return false;
	error = pyi_process_open((pid_t)item->pid, &process);
	if (!error)
		return process.start_ticks == item->start_ticks;
	pyi_error_destroy(error);
	return false;
}

/* What could not be judged, and never will be, is nothing that was found wrong. */
static void drop_unknown(struct pyi_incident_list *list, bool *running)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct pyi_listed_incident item = list->items[i];

		/* The others take its place, so that all of them are freed. */
		list->items[i] = list->items[kept];
		if (item.status == PYI_CHECK_UNKNOWN && !running[i] && !item.evidence) {
			list->items[i] = item;
			continue;
		}
		running[kept] = running[i];
		list->items[kept++] = item;
	}
	while (list->count > kept)
		pyi_listed_incident_deinit(&list->items[--list->count]);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(pyi_incident_list_deinit) struct pyi_incident_list list = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *state = pyi_check_state_folder(options);
	PYI_CLEANUP(pyi_guard_free) bool *running = NULL;
	struct pyi_incidents_report report = { .list = &list, .limit = options->limit };
	uint64_t begun_ns = pyi_clock_now_ns();
	struct pyi_history_process now = { 0 };
	struct pyi_error *error;

	if (options->target)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						       "incidents are of all processes, not of %s",
						       options->target),
				      "pyinspect incidents");
	if (!state)
		return pyi_error_no_memory();
	error = pyi_incident_list_read(state, &list);
	if (!error)
		error = pyi_history_read_boot_id(now.boot_id);
	if (error)
		return error;
	running = calloc(list.count + 1, sizeof(*running));
	if (!running)
		return pyi_error_no_memory();
	for (size_t i = 0; i < list.count; i++)
		running[i] = is_running(&list.items[i], now.boot_id);
	drop_unknown(&list, running);
	report.running = running;
	report.state = state;
	report.state_option = options->state;
	envelope->source = "none";
	envelope->consistent = true;
	envelope->elapsed_ms = pyi_clock_ms_since(begun_ns);
	*ret_exit = list.damaged ? PYI_EXIT_INCOMPLETE : PYI_EXIT_OK;
	return pyi_report_incidents(options->out, options->format, pyi_inspection_columns(options),
				    envelope, &report);
}

const struct pyi_command pyi_command_incidents = {
	.name = "incidents",
	.summary = "what checks have found wrong, and its evidence",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_STATE,
		.optional_target = true,
		.default_limit = 20,
	},
	.help = help,
	.run = run,
};
