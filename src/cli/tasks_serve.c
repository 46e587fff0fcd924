/*
 * The side of the worker: does the tasks of a check. Judges and keeps nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/channel.h"
#include "cli/inspection.h"
#include "cli/slip_looks.h"
#include "cli/tasks.h"
#include "cli/tasks_private.h"

/* What serves the tasks, and keeps from one to the next. */
struct serving {
	const struct pyi_options *options;
	struct pyi_error *(*make)(const struct pyi_options *options,
				  const struct pyi_evidence_order *order,
				  struct pyi_envelope *envelope,
				  struct pyi_evidence_reports *ret_reports);
	/* Of the last measurement; NULL: it asked no bus. */
	char *slip_text;
	size_t slip_size;
};

/* What one measurement is about, and what came of it. */
struct measuring {
	struct serving *serving;
	struct pyi_measure_request request;
	bool slip;
	struct pyi_slip_looks looks;
	struct pyi_measured measured;
};

/* The figures and the first look at what python-slip keeps are of one snapshot. */
static struct pyi_error *measure_with_slip(struct pyi_inspection *inspection,
					   struct measuring *measuring)
{
	struct pyi_sample *sample = &measuring->measured.sample;
	struct pyi_measuring *figures;
	struct pyi_examination also;
	struct pyi_error *error = pyi_measuring_begin(&measuring->request, &figures);

	if (error)
		return error;
	also = pyi_measuring_examination(figures);
	error = pyi_slip_looks_take(inspection, &also, &measuring->looks);
	pyi_measuring_end(figures, &inspection->session, error ? NULL : sample);
	if (error)
		return error;
	pyi_slip_looks_warn(&measuring->looks, inspection->envelope);
	return pyi_slip_add_figures(&measuring->looks.slip, sample);
}

/* In case that it is asked for: another look would be at another moment. */
static struct pyi_error *keep_slip_report(struct pyi_inspection *inspection,
					  struct measuring *measuring)
{
	struct serving *serving = measuring->serving;
	struct pyi_envelope *envelope = inspection->envelope;
	const char *command = envelope->command;
	struct pyi_error *error;
	FILE *out;

	free(serving->slip_text);
	serving->slip_text = NULL;
	if (!measuring->slip)
		return NULL;
	out = open_memstream(&serving->slip_text, &serving->slip_size);
	if (!out)
		return pyi_error_no_memory();
	envelope->command = "slip-dbus";
	error = pyi_slip_looks_report(&measuring->looks, inspection, out, PYI_FORMAT_JSON, 0);
	envelope->command = command;
	if (fclose(out) != 0 && !error)
		error = pyi_error_no_memory();
	return error;
}

static struct pyi_error *measure(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	struct measuring *measuring = inspection->context;
	struct pyi_measured *measured = &measuring->measured;
	struct pyi_error *error;

	if (measuring->slip)
		error = measure_with_slip(inspection, measuring);
	else
		error = pyi_session_measure(&inspection->session, &measuring->request,
					    &measured->sample);
	if (error)
		return error;
	*ret_exit = pyi_inspection_conclude(inspection);
	if (measured->sample.containers_cut)
		pyi_envelope_warn(inspection->envelope, "containers-left-out",
				  "not all containers were looked at: there is no room for more of "
				  "them, or for a graph of the heap");
	pyi_sample_sort(&measured->sample);
	measured->sample.incomplete =
		measured->sample.incomplete || *ret_exit == PYI_EXIT_INCOMPLETE;
	measured->start_ticks = inspection->session.source.process.start_ticks;
	measured->skipped_objects = inspection->skipped_objects;
	return keep_slip_report(inspection, measuring);
}

static void pack_error(struct pyi_packer *packer, const struct pyi_error *error)
{
	pyi_pack_number(packer, error ? (uint64_t)error->exit : PYI_EXIT_OK);
	if (!error)
		return;
	pyi_pack_number(packer, error->code);
	pyi_pack_text(packer, error->message);
	pyi_pack_text(packer, error->hint);
}

static void pack_list(struct pyi_packer *packer, const struct pyi_warning *list, size_t count)
{
	if (count > PYI_TASK_WARNING_LIMIT)
		count = PYI_TASK_WARNING_LIMIT;
	pyi_pack_number(packer, count);
	for (size_t i = 0; i < count; i++) {
		pyi_pack_text(packer, list[i].code);
		pyi_pack_text(packer, list[i].message);
	}
}

static void pack_tries(struct pyi_packer *packer, const struct pyi_envelope *envelope)
{
	size_t count = envelope->try_count < PYI_TRIES_KEPT ? envelope->try_count : PYI_TRIES_KEPT;

	pyi_pack_number(packer, count);
	for (size_t t = 0; t < count; t++) {
		pyi_pack_real(packer, envelope->tries[t].paused_ms);
		pyi_pack_text(packer, envelope->tries[t].dropped);
	}
}

static enum pyi_source_kind source_of(const struct pyi_envelope *envelope)
{
	if (!envelope->source)
		return PYI_SOURCE_AUTO;
	return strcmp(envelope->source, pyi_source_name(PYI_SOURCE_MIRROR)) == 0 ? PYI_SOURCE_MIRROR
										 : PYI_SOURCE_CLONE;
}

static void pack_envelope(struct pyi_packer *packer, const struct pyi_envelope *envelope)
{
	pyi_pack_number(packer, (uint64_t)envelope->pid);
	pyi_pack_text(packer, envelope->exe);
	pyi_pack_text(packer, envelope->python);
	pyi_pack_number(packer, envelope->interpreters);
	pyi_pack_number(packer, envelope->rss_bytes);
	pyi_pack_number(packer, source_of(envelope));
	pyi_pack_number(packer, envelope->consistent);
	pyi_pack_number(packer, envelope->attempts);
	pyi_pack_real(packer, envelope->paused_ms);
	pyi_pack_real(packer, envelope->longest_pause_ms);
	pyi_pack_real(packer, envelope->snapshot_ms);
	pyi_pack_real(packer, envelope->elapsed_ms);
	pyi_pack_number(packer, envelope->snapshot_bytes);
	pyi_pack_number(packer, envelope->residue_known);
	pack_list(packer, envelope->residue, envelope->residue_count);
	pack_list(packer, envelope->warnings, envelope->warning_count);
	pack_tries(packer, envelope);
}

static void pack_sample(struct pyi_packer *packer, const struct pyi_sample *sample)
{
	pyi_pack_number(packer, (uint64_t)sample->time_s);
	pyi_pack_number(packer, sample->age_s);
	pyi_pack_number(packer, sample->incomplete);
	pyi_pack_number(packer, sample->containers_cut);
	pyi_pack_number(packer, sample->containers_anywhere);
	pyi_pack_number(packer, sample->figure_count);
	for (size_t f = 0; f < sample->figure_count; f++) {
		pyi_pack_number(packer, sample->figures[f].kind);
		pyi_pack_text(packer, sample->figures[f].name);
		pyi_pack_number(packer, sample->figures[f].count);
		pyi_pack_number(packer, sample->figures[f].bytes);
	}
}

/* A list of names; NULL without memory, or if it is none. The names are owned by it. */
static char **unpack_names(struct pyi_unpacker *unpacker, size_t most, size_t *ret_count)
{
	uint64_t count = pyi_unpack_number(unpacker, most);
	char **names = calloc((size_t)count + 1, sizeof(*names));

	for (uint64_t n = 0; names && n < count; n++) {
		names[n] = pyi_unpack_text(unpacker, PYI_TASK_TEXT_LIMIT);
		if (!names[n])
			unpacker->failed = true;
	}
	*ret_count = (size_t)count;
	return names;
}

static void free_names(char **names, size_t count)
{
	for (size_t n = 0; names && n < count; n++)
		free(names[n]);
	free(names);
}

static void do_measure(struct serving *serving, struct pyi_unpacker *unpacker,
		       struct pyi_packer *answer)
{
	PYI_CLEANUP(pyi_envelope_deinit) struct pyi_envelope envelope = { .command = "check" };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	struct measuring measuring = { .serving = serving };
	struct pyi_options own = *serving->options;
	enum pyi_exit exit;
	char **containers;
	char **types;

	own.deadline_ns = pyi_unpack_number(unpacker, UINT64_MAX);
	measuring.slip = pyi_unpack_number(unpacker, 1);
	measuring.request.container_least = pyi_unpack_number(unpacker, UINT64_MAX);
	measuring.request.reach =
		(enum pyi_measure_reach)pyi_unpack_number(unpacker, PYI_REACH_ALL);
	measuring.request.graph_bytes = own.graph_bytes;
	types = unpack_names(unpacker, PYI_TASK_NAME_LIMIT, &measuring.request.type_count);
	containers =
		unpack_names(unpacker, PYI_TASK_NAME_LIMIT, &measuring.request.container_count);
	measuring.request.types = (const char *const *)types;
	measuring.request.containers = (const char *const *)containers;
	if (!types || !containers || !pyi_unpack_is_complete(unpacker))
		error = pyi_error_no_memory();
	else
		error = pyi_inspection_run_with(&own, &envelope, measure, &measuring, &exit);
	pack_envelope(answer, &envelope);
	pack_error(answer, error);
	if (!error) {
		pyi_pack_number(answer, measuring.measured.start_ticks);
		pyi_pack_number(answer, measuring.measured.skipped_objects);
		pack_sample(answer, &measuring.measured.sample);
	}
	pyi_slip_looks_deinit(&measuring.looks);
	pyi_sample_deinit(&measuring.measured.sample);
	free_names(types, measuring.request.type_count);
	free_names(containers, measuring.request.container_count);
}

static void pack_report(struct pyi_packer *packer, const struct pyi_evidence_report *report)
{
	pyi_pack_number(packer, report->made);
	if (report->text)
		pyi_pack_bytes(packer, report->text, report->size);
	else
		pyi_pack_text(packer, NULL);
}

static void do_evidence(struct serving *serving, struct pyi_unpacker *unpacker,
			struct pyi_packer *answer)
{
	PYI_CLEANUP(pyi_envelope_deinit) struct pyi_envelope envelope = { .command = "check" };
	PYI_CLEANUP(pyi_evidence_reports_deinit) struct pyi_evidence_reports reports = { 0 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	struct pyi_evidence_order order = { 0 };
	struct pyi_options own = *serving->options;
	char **types;

	order.deadline_ns = pyi_unpack_number(unpacker, UINT64_MAX);
	types = unpack_names(unpacker, PYI_EVIDENCE_TYPES, &order.type_count);
	order.types = (const char *const *)types;
	/* What the check wanted to see was of its measurement. */
	own.verbose = false;
	if (!types || !pyi_unpack_is_complete(unpacker))
		error = pyi_error_no_memory();
	else
		error = serving->make(&own, &order, &envelope, &reports);
	pack_envelope(answer, &envelope);
	pack_error(answer, error);
	for (int part = 0; part < PYI_EVIDENCE_PARTS && !error; part++) {
		const struct pyi_evidence_report slip = { serving->slip_text, serving->slip_size,
							  serving->slip_text != NULL };

		pack_report(answer, part == PYI_EVIDENCE_SLIP_DBUS ? &slip : &reports.parts[part]);
	}
	free_names(types, order.type_count);
}

/* False when there are no more. */
static bool serve_next(int check_fd, struct serving *serving)
{
	PYI_CLEANUP(pyi_packer_deinit) struct pyi_packer answer = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *bytes = NULL;
	struct pyi_task_header header;
	struct pyi_unpacker unpacker;

	if (!pyi_channel_receive(check_fd, &header, sizeof(header), NULL) ||
	    (header.kind != PYI_TASK_MEASURE && header.kind != PYI_TASK_EVIDENCE) ||
	    header.data_bytes > PYI_TASK_LIMIT)
		return false;
	bytes = malloc((size_t)header.data_bytes + 1);
	if (!bytes || !pyi_channel_receive_data(check_fd, bytes, (size_t)header.data_bytes))
		return false;
	unpacker = (struct pyi_unpacker){ .at = bytes, .end = bytes + header.data_bytes };
	if (header.kind == PYI_TASK_MEASURE)
		do_measure(serving, &unpacker, &answer);
	else
		do_evidence(serving, &unpacker, &answer);
	header.data_bytes = answer.size_bytes;
	return !answer.failed && pyi_channel_send(check_fd, &header, sizeof(header), answer.bytes,
						  answer.size_bytes, -1);
}

void pyi_tasks_serve(int check_fd, const struct pyi_options *options,
		     struct pyi_error *(*make)(const struct pyi_options *options,
					       const struct pyi_evidence_order *order,
					       struct pyi_envelope *envelope,
					       struct pyi_evidence_reports *ret_reports))
{
	struct serving serving = { .options = options, .make = make };

	while (serve_next(check_fd, &serving))
		;
	free(serving.slip_text);
}
