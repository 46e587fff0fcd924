/*
 * Asks the worker for the reports that are the evidence (cli/tasks.h), and saves them.
 */
#include "cli/evidence.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/inspection.h"
#include "cli/tasks.h"
#include "incidents/kept_folder.h"
#include "process/process.h"
#include "report/output.h"
#include "tracee/wait.h"

enum {
	TYPES_LISTED = 1000,
	OBJECTS_LISTED = 20,
	GROUPS_LISTED = 20,
	LEVELS = 3,
	PATHS_LISTED = 3,
	OTHERS_PATIENCE_MS = 2000,
};

/* One report that is wanted. */
struct wanted {
	const char *command;
	const char *file;
	const char *subject;
	uint64_t limit;
};

/* What came of the reports. */
struct tally {
	size_t made;
	/* Of the first one that was not. */
	struct pyi_error *failure;
};

static void deinit_tally(struct tally *tally)
{
	pyi_error_destroy(tally->failure);
}

/* As the command's own options would be. */
static struct pyi_options options_of(const struct pyi_evidence_request *request,
				     const struct wanted *wanted)
{
	return (struct pyi_options){
		.worker_fd = request->options->worker_fd,
		.command = wanted->command,
		.subject = wanted->subject,
		.limit = wanted->limit,
		.depth = LEVELS,
		.deadline_ns = request->deadline_ns,
	};
}

/* True if the run itself has to end with that error. */
static bool is_fatal(const struct pyi_error *error)
{
	return error->exit == PYI_EXIT_NOT_RESTORED || pyi_wait_cancel_signal();
}

/* Puts an error in the place of its report. */
static void put_error(FILE *out, const struct pyi_envelope *envelope, const struct pyi_error *error)
{
	PYI_CLEANUP(pyi_guard_free) char *unread = NULL;
	PYI_CLEANUP(pyi_guard_file) FILE *words = NULL;
	size_t size;

	words = open_memstream(&unread, &size);
	if (words)
		pyi_output_error(out, words, PYI_FORMAT_JSON, envelope, error);
}

/* Waits for others who are looking; nothing is printed then. */
static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     uint64_t deadline_ns, char **ret_text, size_t *ret_size)
{
	uint64_t patience_ns = pyi_clock_deadline(OTHERS_PATIENCE_MS, deadline_ns);

	while (true) {
		struct pyi_error *error = pyi_tasks_report(options, envelope, ret_text, ret_size);

		if (!error || !pyi_inspection_wait_for_others(error, patience_ns))
			return error;
		pyi_error_destroy(error);
		pyi_envelope_deinit(envelope);
		envelope->command = options->command;
	}
}

static struct pyi_error *save(const struct pyi_evidence_request *request,
			      struct pyi_kept_folder *folder, const struct wanted *wanted,
			      struct tally *tally)
{
	struct pyi_options options = options_of(request, wanted);
	PYI_CLEANUP(pyi_envelope_deinit)
	struct pyi_envelope envelope = { .command = wanted->command };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	PYI_CLEANUP(pyi_guard_file) FILE *out = NULL;
	size_t size;

	error = run(&options, &envelope, request->deadline_ns, &text, &size);
	if (error && is_fatal(error))
		return pyi_return_ptr(error);
	if (error) {
		out = open_memstream(&text, &size);
		if (!out)
			return pyi_error_no_memory();
		put_error(out, &envelope, error);
		if (fclose(pyi_return_ptr(out)) != 0)
			return pyi_error_no_memory();
	} else {
		tally->made++;
	}
	if (!tally->failure)
		tally->failure = pyi_return_ptr(error);
	return pyi_kept_folder_add(folder, wanted->file, text, size);
}

static struct pyi_error *save_all(const struct pyi_evidence_request *request,
				  struct pyi_kept_folder *folder, struct tally *tally)
{
	static const char *const referrer_files[PYI_EVIDENCE_TYPES] = { "referrers-1.json",
									"referrers-2.json",
									"referrers-3.json" };
	static const char *const path_files[PYI_EVIDENCE_TYPES] = { "path-1.json", "path-2.json",
								    "path-3.json" };
	struct wanted list[3 + 2 * PYI_EVIDENCE_TYPES];
	struct pyi_error *error = NULL;
	size_t count = 0;

	list[count++] = (struct wanted){ "top-types", "top-types.json", NULL, TYPES_LISTED };
	/* What may be gone soonest comes first. */
	if (request->slip)
		list[count++] = (struct wanted){ "slip-dbus", "slip-dbus.json", NULL, 0 };
	for (size_t t = 0; t < request->type_count; t++) {
		list[count++] = (struct wanted){ "referrers", referrer_files[t], request->types[t],
						 GROUPS_LISTED };
		list[count++] =
			(struct wanted){ "path", path_files[t], request->types[t], PATHS_LISTED };
	}
	list[count++] = (struct wanted){ "top-objects", "top-objects.json", NULL, OBJECTS_LISTED };
	error = pyi_kept_folder_add(folder, "check.json", request->check, request->check_size);
	for (size_t r = 0; !error && r < count && !pyi_clock_passed(request->deadline_ns); r++)
		error = save(request, folder, &list[r], tally);
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

/* The check alone says nothing that is not known without evidence. */
static struct pyi_error *check_tally(const struct tally *tally)
{
	if (tally->made)
		return NULL;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_EVIDENCE,
				"no evidence was saved, for no report could be made: %s",
				tally->failure ? tally->failure->message : "no time was left");
}

struct pyi_error *pyi_evidence_collect(const struct pyi_evidence_request *request)
{
	PYI_CLEANUP(deinit_tally) struct tally tally = { 0 };
	struct pyi_kept_folder folder = { .parent_fd = -1, .fd = -1 };
	struct pyi_error *error = pyi_kept_folder_begin(request->parent, request->name, &folder);

	if (error)
		return error;
	error = save_all(request, &folder, &tally);
	if (!error)
		error = check_identity(request);
	if (!error)
		error = check_tally(&tally);
	if (!error)
		error = pyi_kept_folder_finish(&folder);
	pyi_kept_folder_close(&folder);
	return error ? error
		     : pyi_kept_folder_rotate(request->parent, PYI_EVIDENCE_FOLDERS,
					      PYI_EVIDENCE_BYTES);
}
