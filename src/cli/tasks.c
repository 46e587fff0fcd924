/*
 * The side of a check: asks, and takes in what comes back. Measures nothing.
 */
#include "cli/tasks.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/channel.h"
#include "cli/tasks_private.h"
#include "tracee/wait.h"

/* Why there is no answer. */
static struct pyi_error *worker_lost(const struct pyi_options *options)
{
	if (pyi_wait_is_cancelled())
		return pyi_wait_interrupted();
	if (options->deadline_ns && pyi_clock_passed(options->deadline_ns))
		return pyi_error_timeout("it was not done in the time allowed");
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST,
				"the part of pyinspect that reads the process has ended");
}

/* NULL is no error, or one that cannot be understood: then the unpacker has failed. */
static struct pyi_error *unpack_error(struct pyi_unpacker *unpacker)
{
	uint64_t exit = pyi_unpack_number(unpacker, PYI_EXIT_NOT_RESTORED);
	PYI_CLEANUP(pyi_guard_free) char *message = NULL;
	PYI_CLEANUP(pyi_guard_free) char *hint = NULL;
	struct pyi_error *error;
	uint64_t code;

	if (exit == PYI_EXIT_OK)
		return NULL;
	code = pyi_unpack_number(unpacker, PYI_ERROR_CODE_COUNT - 1);
	message = pyi_unpack_text(unpacker, PYI_TASK_TEXT_LIMIT);
	hint = pyi_unpack_text(unpacker, PYI_TASK_TEXT_LIMIT);
	if (!message || !message[0])
		unpacker->failed = true;
	if (unpacker->failed)
		return NULL;
	error = pyi_error_create((enum pyi_exit)exit, (enum pyi_error_code)code, "%s", message);
	return hint ? pyi_error_hint(error, "%s", hint) : error;
}

/* A list of warnings, or what is left in the target. */
static void unpack_list(struct pyi_unpacker *unpacker, struct pyi_envelope *envelope, bool residue)
{
	uint64_t count = pyi_unpack_number(unpacker, PYI_TASK_WARNING_LIMIT);

	for (uint64_t i = 0; i < count && !unpacker->failed; i++) {
		PYI_CLEANUP(pyi_guard_free)
		char *code = pyi_unpack_text(unpacker, PYI_WARNING_CODE_BYTES - 1);
		PYI_CLEANUP(pyi_guard_free)
		char *message = pyi_unpack_text(unpacker, PYI_TASK_TEXT_LIMIT);

		if (!code || !message)
			unpacker->failed = true;
		else if (residue)
			pyi_envelope_add_residue(envelope, code, message);
		else
			pyi_envelope_warn(envelope, code, "%s", message);
	}
}

static void unpack_tries(struct pyi_unpacker *unpacker, struct pyi_envelope *envelope)
{
	uint64_t count = pyi_unpack_number(unpacker, PYI_TRIES_KEPT);

	for (uint64_t t = 0; t < count && !unpacker->failed; t++) {
		double paused_ms = pyi_unpack_real(unpacker);
		PYI_CLEANUP(pyi_guard_free)
		char *dropped = pyi_unpack_text(unpacker, PYI_TASK_TEXT_LIMIT);

		if (!unpacker->failed)
			pyi_envelope_add_try(envelope, paused_ms, dropped);
	}
}

static void unpack_envelope(struct pyi_unpacker *unpacker, struct pyi_envelope *envelope)
{
	uint64_t source;

	free(envelope->exe);
	free(envelope->python);
	envelope->pid = (int64_t)pyi_unpack_number(unpacker, INT32_MAX);
	envelope->exe = pyi_unpack_text(unpacker, PYI_TASK_TEXT_LIMIT);
	envelope->python = pyi_unpack_text(unpacker, PYI_TASK_TEXT_LIMIT);
	envelope->interpreters = pyi_unpack_number(unpacker, UINT64_MAX);
	envelope->rss_bytes = pyi_unpack_number(unpacker, UINT64_MAX);
	source = pyi_unpack_number(unpacker, PYI_SOURCE_MIRROR);
	envelope->source =
		source == PYI_SOURCE_AUTO ? NULL : pyi_source_name((enum pyi_source_kind)source);
	envelope->consistent = pyi_unpack_number(unpacker, 1);
	envelope->attempts = pyi_unpack_number(unpacker, UINT64_MAX);
	envelope->paused_ms = pyi_unpack_real(unpacker);
	envelope->longest_pause_ms = pyi_unpack_real(unpacker);
	envelope->snapshot_ms = pyi_unpack_real(unpacker);
	envelope->elapsed_ms = pyi_unpack_real(unpacker);
	envelope->snapshot_bytes = pyi_unpack_number(unpacker, UINT64_MAX);
	envelope->residue_known = pyi_unpack_number(unpacker, 1);
	unpack_list(unpacker, envelope, true);
	unpack_list(unpacker, envelope, false);
	unpack_tries(unpacker, envelope);
}

static struct pyi_error *unpack_sample(struct pyi_unpacker *unpacker, struct pyi_sample *sample)
{
	uint64_t count;

	sample->time_s = (int64_t)pyi_unpack_number(unpacker, PYI_TASK_SECONDS_LIMIT);
	sample->age_s = pyi_unpack_number(unpacker, PYI_TASK_SECONDS_LIMIT);
	sample->incomplete = pyi_unpack_number(unpacker, 1);
	sample->containers_cut = pyi_unpack_number(unpacker, 1);
	sample->containers_anywhere = pyi_unpack_number(unpacker, 1);
	count = pyi_unpack_number(unpacker, PYI_TASK_FIGURE_LIMIT);
	for (uint64_t f = 0; f < count && !unpacker->failed; f++) {
		uint64_t kind = pyi_unpack_number(unpacker, PYI_FIGURE_LONGEST);
		PYI_CLEANUP(pyi_guard_free)
		char *name = pyi_unpack_text(unpacker, PYI_TASK_TEXT_LIMIT);
		uint64_t number = pyi_unpack_number(unpacker, INT64_MAX);
		uint64_t bytes = pyi_unpack_number(unpacker, INT64_MAX);
		struct pyi_error *error;

		if (!name || kind < PYI_FIGURE_PROCESS)
			unpacker->failed = true;
		if (unpacker->failed)
			break;
		error = pyi_sample_add(sample, (enum pyi_figure_kind)kind, name, number, bytes);
		if (error)
			return error;
	}
	/* Two of the same name would be added up, beyond what a figure can be. */
	pyi_sample_sort(sample);
	unpacker->failed |= sample->figure_count != count;
	return NULL;
}

/* Sends a task, and takes in what of the answer stands before all else; its bytes are to be freed.
 */
static struct pyi_error *ask(const struct pyi_options *options, enum pyi_task_kind kind,
			     struct pyi_packer *packer, struct pyi_envelope *envelope,
			     char **ret_bytes, struct pyi_unpacker *ret_unpacker)
{
	struct pyi_task_header header = { .kind = kind, .data_bytes = packer->size_bytes };
	char *bytes;

	if (packer->failed)
		return pyi_error_no_memory();
	if (!pyi_channel_send(options->worker_fd, &header, sizeof(header), packer->bytes,
			      packer->size_bytes, -1) ||
	    !pyi_channel_receive(options->worker_fd, &header, sizeof(header), NULL) ||
	    header.kind != kind || header.data_bytes > PYI_TASK_ANSWER_LIMIT)
		return worker_lost(options);
	bytes = malloc((size_t)header.data_bytes + 1);
	if (!bytes)
		return pyi_error_no_memory();
	/* If that was why it has given up, it is for us, too. */
	pyi_wait_is_cancelled();
	if (!pyi_channel_receive_data(options->worker_fd, bytes, (size_t)header.data_bytes)) {
		free(bytes);
		return worker_lost(options);
	}
	*ret_bytes = bytes;
	*ret_unpacker = (struct pyi_unpacker){ .at = bytes, .end = bytes + header.data_bytes };
	unpack_envelope(ret_unpacker, envelope);
	return NULL;
}

struct pyi_error *pyi_tasks_measure(const struct pyi_options *options,
				    const struct pyi_measure_request *request, bool slip,
				    uint64_t deadline_ns, struct pyi_envelope *envelope,
				    struct pyi_measured *ret_measured)
{
	PYI_CLEANUP(pyi_packer_deinit) struct pyi_packer packer = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *bytes = NULL;
	struct pyi_measured measured = { 0 };
	struct pyi_unpacker unpacker;
	struct pyi_error *failure;
	struct pyi_error *error;

	pyi_pack_number(&packer, deadline_ns);
	pyi_pack_number(&packer, slip);
	pyi_pack_number(&packer, request->container_least);
	pyi_pack_number(&packer, request->reach);
	pyi_pack_number(&packer, request->type_count);
	for (size_t t = 0; t < request->type_count; t++)
		pyi_pack_text(&packer, request->types[t]);
	pyi_pack_number(&packer, request->container_count);
	for (size_t c = 0; c < request->container_count; c++)
		pyi_pack_text(&packer, request->containers[c]);
	error = ask(options, PYI_TASK_MEASURE, &packer, envelope, &bytes, &unpacker);
	if (error)
		return error;
	error = unpack_error(&unpacker);
	if (!error && !unpacker.failed) {
		measured.start_ticks = pyi_unpack_number(&unpacker, UINT64_MAX);
		measured.skipped_objects = pyi_unpack_number(&unpacker, UINT64_MAX);
		error = unpack_sample(&unpacker, &measured.sample);
	}
	failure = pyi_unpack_is_complete(&unpacker) ? NULL : worker_lost(options);
	if (!error && !failure) {
		*ret_measured = measured;
		return NULL;
	}
	pyi_sample_deinit(&measured.sample);
	if (!failure)
		return error;
	pyi_error_destroy(error);
	return failure;
}

static void unpack_reports(struct pyi_unpacker *unpacker, struct pyi_evidence_reports *reports)
{
	for (int part = 0; part < PYI_EVIDENCE_PARTS && !unpacker->failed; part++) {
		struct pyi_evidence_report *report = &reports->parts[part];

		report->made = pyi_unpack_number(unpacker, 1);
		report->text = pyi_unpack_bytes(unpacker, PYI_TASK_ANSWER_LIMIT, &report->size);
	}
}

struct pyi_error *pyi_tasks_evidence(const struct pyi_options *options,
				     const struct pyi_evidence_order *order,
				     struct pyi_envelope *envelope,
				     struct pyi_evidence_reports *ret_reports)
{
	PYI_CLEANUP(pyi_evidence_reports_deinit) struct pyi_evidence_reports reports = { 0 };
	PYI_CLEANUP(pyi_packer_deinit) struct pyi_packer packer = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *bytes = NULL;
	struct pyi_unpacker unpacker;
	struct pyi_error *error;

	pyi_pack_number(&packer, order->deadline_ns);
	pyi_pack_number(&packer, order->type_count);
	for (size_t t = 0; t < order->type_count; t++)
		pyi_pack_text(&packer, order->types[t]);
	error = ask(options, PYI_TASK_EVIDENCE, &packer, envelope, &bytes, &unpacker);
	if (error)
		return error;
	error = unpack_error(&unpacker);
	if (!error)
		unpack_reports(&unpacker, &reports);
	if (!pyi_unpack_is_complete(&unpacker)) {
		pyi_error_destroy(error);
		return worker_lost(options);
	}
	if (error)
		return error;
	*ret_reports = reports;
	reports = (struct pyi_evidence_reports){ 0 };
	return NULL;
}
