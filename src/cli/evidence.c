/*
 * Asks the worker for the reports (cli/tasks.h), and saves them.
 */
#include "cli/evidence.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/inspection.h"
#include "cli/tasks.h"
#include "incidents/kept_folder.h"
#include "process/process.h"
#include "tracee/wait.h"

enum {
	OTHERS_PATIENCE_MS = 2000,
	/* So much of the time that is left is for what comes after: saving, and the report. */
	SAVING_SHARE = 8,
};

/* True if the run itself has to end with that error. */
static bool is_fatal(const struct pyi_error *error)
{
	return error->exit == PYI_EXIT_NOT_RESTORED || pyi_wait_cancel_signal();
}

static uint64_t deadline_of_reports(uint64_t deadline_ns)
{
	uint64_t now_ns = pyi_clock_now_ns();

	if (deadline_ns == PYI_CLOCK_NEVER || deadline_ns < now_ns)
		return deadline_ns;
	return deadline_ns - (deadline_ns - now_ns) / SAVING_SHARE;
}

/* Waits for others who are looking. */
static struct pyi_error *make(const struct pyi_evidence_request *request,
			      struct pyi_evidence_reports *reports)
{
	const struct pyi_evidence_order order = {
		.types = request->types,
		.type_count = request->type_count,
		.deadline_ns = deadline_of_reports(request->deadline_ns),
	};
	struct pyi_options options = { .worker_fd = request->options->worker_fd,
				       .deadline_ns = request->deadline_ns };
	uint64_t patience_ns = pyi_clock_deadline(OTHERS_PATIENCE_MS, order.deadline_ns);

	while (true) {
		PYI_CLEANUP(pyi_envelope_deinit)
		struct pyi_envelope envelope = { .command = "check" };
		struct pyi_error *error = pyi_tasks_evidence(&options, &order, &envelope, reports);

		pyi_envelope_add_stops(request->envelope, &envelope);
		if (!error || !pyi_inspection_wait_for_others(error, patience_ns))
			return error;
		pyi_error_destroy(error);
	}
}

static struct pyi_error *save_all(const struct pyi_evidence_request *request,
				  const struct pyi_evidence_reports *reports,
				  struct pyi_kept_folder *folder)
{
	struct pyi_error *error =
		pyi_kept_folder_add(folder, "check.json", request->check, request->check_size);

	for (int part = 0; part < PYI_EVIDENCE_PARTS && !error; part++)
		if (reports->parts[part].text)
			error = pyi_kept_folder_add(
				folder, pyi_evidence_file((enum pyi_evidence_part)part),
				reports->parts[part].text, reports->parts[part].size);
	return error;
}

/* By its number alone the reports would be of whoever has that number. */
static struct pyi_error *check_identity(const struct pyi_evidence_request *request)
{
	struct pyi_process process = { .proc_fd = -1 };
	struct pyi_error *error = pyi_process_open((pid_t)request->pid, &process);

	if (!error && process.start_ticks != request->start_ticks)
		error = pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
					 "process %" PRId64 " has ended", request->pid);
	pyi_process_close(&process);
	return error;
}

static struct pyi_error *no_evidence(const char *why)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_EVIDENCE,
				"no evidence was saved, for no report could be made: %s", why);
}

/* The check alone says nothing that is not known without evidence. */
static struct pyi_error *make_or_refuse(const struct pyi_evidence_request *request,
					struct pyi_evidence_reports *reports)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *failure = NULL;
	bool made = false;

	if (pyi_clock_passed(request->deadline_ns))
		return no_evidence("no time was left");
	failure = make(request, reports);
	if (failure && is_fatal(failure))
		return pyi_return_ptr(failure);
	if (failure)
		return no_evidence(failure->message);
	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++)
		made = made || (reports->parts[part].text && reports->parts[part].made);
	return made ? NULL : no_evidence("each of them has failed");
}

struct pyi_error *pyi_evidence_collect(const struct pyi_evidence_request *request)
{
	PYI_CLEANUP(pyi_evidence_reports_deinit) struct pyi_evidence_reports reports = { 0 };
	struct pyi_kept_folder folder = { .parent_fd = -1, .fd = -1 };
	struct pyi_error *error = pyi_kept_folder_begin(request->parent, request->name, &folder);

	/* If there is no folder, the process is not to be stopped in vain. */
	if (error)
		return error;
	error = make_or_refuse(request, &reports);
	if (!error)
		error = save_all(request, &reports, &folder);
	if (!error)
		error = check_identity(request);
	if (!error)
		error = pyi_kept_folder_finish(&folder);
	pyi_kept_folder_close(&folder);
	return error ? error
		     : pyi_kept_folder_rotate(request->parent, PYI_EVIDENCE_FOLDERS,
					      PYI_EVIDENCE_BYTES);
}
