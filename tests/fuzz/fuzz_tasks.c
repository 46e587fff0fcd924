/*
 * Fuzzer of src/cli/tasks.c and src/cli/tasks_serve.c: answers of a worker that was taken over,
 * tasks that no check sends, and answers to tasks that must arrive as they were given.
 *
 * Packets do not go over a socket, and nothing is inspected: what comes of that is made up.
 */
#include <math.h>

#include "broker/channel.h"
#include "cli/inspection.h"
#include "cli/slip_looks.h"
#include "cli/tasks.h"
#include "cli/tasks_private.h"
#include "fuzz.h"

enum {
	CHECK_FD = -2,
	WORKER_FD = -3,
	LIST_LIMIT = 5,
	/* Names of made up figures. */
	NAME_BYTES = 3,
};

/* What goes in one direction. */
struct way {
	struct pyi_task_header header;
	char *bytes;
	bool full;
};

enum mode {
	/* The input is what the worker answers. */
	ANSWER,
	/* The input is a task. */
	TASK,
	/* The input says what is found. */
	BOTH,
	MODES,
};

static struct {
	struct fuzz_input input;
	enum mode mode;
	uint64_t wrong_kind;
	struct way to_worker;
	struct way to_check;
	/* What was made up last. */
	struct pyi_envelope envelope;
	struct pyi_sample sample;
	uint64_t start_ticks;
	enum pyi_error_code code;
	unsigned inspections;
} model;

static uint64_t take(size_t size_bytes)
{
	return fuzz_take(&model.input, size_bytes);
}

static void empty(struct way *way)
{
	free(way->bytes);
	*way = (struct way){ 0 };
}

static void copy_into(struct way *way, uint64_t kind, const void *bytes, size_t size_bytes)
{
	empty(way);
	way->header = (struct pyi_task_header){ kind, size_bytes };
	/* Of exactly that size: a sanitizer sees a step too far. */
	way->bytes = malloc(size_bytes + !size_bytes);
	FUZZ_EXPECT(way->bytes);
	if (size_bytes)
		memcpy(way->bytes, bytes, size_bytes);
	way->full = true;
}

static struct pyi_error *make(const struct pyi_options *options,
			      const struct pyi_evidence_order *order, struct pyi_envelope *envelope,
			      struct pyi_evidence_reports *ret_reports);

STUB(bool, pyi_channel_send, int channel_fd, const void *header, size_t header_bytes,
     const void *data, size_t data_bytes, int fd)
{
	struct pyi_task_header sent;

	FUZZ_EXPECT(fd == -1 && header_bytes == sizeof(sent));
	memcpy(&sent, header, sizeof(sent));
	FUZZ_EXPECT(sent.data_bytes == data_bytes);
	if (channel_fd == CHECK_FD) {
		copy_into(&model.to_check, sent.kind, data, data_bytes);
		return true;
	}
	FUZZ_EXPECT(channel_fd == WORKER_FD && data_bytes <= PYI_TASK_LIMIT);
	if (model.mode == BOTH)
		copy_into(&model.to_worker, sent.kind, data, data_bytes);
	else
		copy_into(&model.to_check, sent.kind + model.wrong_kind, model.input.bytes,
			  model.input.size_bytes);
	return true;
}

STUB(bool, pyi_channel_receive, int channel_fd, void *ret_header, size_t header_bytes, int *ret_fd)
{
	struct way *way = channel_fd == CHECK_FD ? &model.to_worker : &model.to_check;

	FUZZ_EXPECT(!ret_fd && header_bytes == sizeof(way->header));
	if (channel_fd == WORKER_FD && model.mode == BOTH) {
		const struct pyi_options options = { .target = "1", .broker_fd = -1 };

		pyi_tasks_serve(CHECK_FD, &options, make);
	}
	if (!way->full)
		return false;
	memcpy(ret_header, &way->header, sizeof(way->header));
	return true;
}

STUB(bool, pyi_channel_receive_data, int channel_fd, void *ret_data, size_t data_bytes)
{
	struct way *way = channel_fd == CHECK_FD ? &model.to_worker : &model.to_check;

	FUZZ_EXPECT(way->full && data_bytes == way->header.data_bytes);
	if (data_bytes)
		memcpy(ret_data, way->bytes, data_bytes);
	empty(way);
	return true;
}

static char *make_text(void)
{
	uint64_t choice = take(1);
	char text[NAME_BYTES + 1] = { 0 };
	uint64_t bytes = take(NAME_BYTES);

	if (choice == 1)
		return NULL;
	memcpy(text, &bytes, NAME_BYTES);
	return strdup(text);
}

static void make_envelope(struct pyi_envelope *envelope)
{
	envelope->pid = (int64_t)take(4) & INT32_MAX;
	envelope->exe = make_text();
	envelope->python = make_text();
	envelope->interpreters = take(8);
	envelope->rss_bytes = take(8);
	envelope->source = take(1) & 1 ? pyi_source_name(PYI_SOURCE_MIRROR)
				       : pyi_source_name(PYI_SOURCE_CLONE);
	envelope->consistent = take(1) & 1;
	envelope->paused_ms = (double)take(4) / 1000;
	for (uint64_t w = take(1) % LIST_LIMIT; w; w--)
		pyi_envelope_warn(envelope, "code", "%llu", (unsigned long long)take(1));
	for (uint64_t r = take(1) % LIST_LIMIT; r; r--)
		pyi_envelope_add_residue(envelope, "code", "message");
	model.envelope.pid = envelope->pid;
	free(model.envelope.exe);
	model.envelope.exe = envelope->exe ? strdup(envelope->exe) : NULL;
	model.envelope.rss_bytes = envelope->rss_bytes;
	model.envelope.source = envelope->source;
	model.envelope.paused_ms = envelope->paused_ms;
	model.envelope.warning_count = envelope->warning_count;
	model.envelope.residue_count = envelope->residue_count;
}

static struct pyi_error *make_error(void)
{
	static const enum pyi_exit exits[] = { PYI_EXIT_FAILED, PYI_EXIT_ACCESS,
					       PYI_EXIT_NOT_RESTORED };
	struct pyi_error *error;

	model.code = (enum pyi_error_code)(take(1) % PYI_ERROR_CODE_COUNT);
	error = pyi_error_create(exits[take(1) % 3], model.code, "message");
	return take(1) & 1 ? pyi_error_hint(error, "hint") : error;
}

STUB(struct pyi_error *, pyi_session_measure, struct pyi_session *session,
     const struct pyi_measure_request *request, struct pyi_sample *ret_sample)
{
	(void)session;
	for (size_t t = 0; t < request->type_count; t++)
		FUZZ_EXPECT(strlen(request->types[t]) <= PYI_TASK_TEXT_LIMIT);
	for (size_t c = 0; c < request->container_count; c++)
		FUZZ_EXPECT(strlen(request->containers[c]) <= PYI_TASK_TEXT_LIMIT);
	ret_sample->time_s = (int64_t)take(4);
	ret_sample->age_s = take(4);
	for (uint64_t f = take(1) % LIST_LIMIT; f; f--) {
		char name[NAME_BYTES + 1] = { 0 };
		uint64_t bytes = take(NAME_BYTES);

		memcpy(name, &bytes, NAME_BYTES);
		FUZZ_EXPECT(!fuzz_drop(pyi_sample_add(
			ret_sample, (enum pyi_figure_kind)(PYI_FIGURE_PROCESS + take(1) % 4), name,
			take(4), take(4))));
	}
	return take(1) == 1 ? make_error() : NULL;
}

struct pyi_error *pyi_inspection_run_with(
	const struct pyi_options *options, struct pyi_envelope *envelope,
	struct pyi_error *(*answer)(struct pyi_inspection *inspection, enum pyi_exit *ret_exit),
	void *context, enum pyi_exit *ret_exit)
{
	static struct pyi_inspection inspection;

	inspection = (struct pyi_inspection){
		.options = options,
		.envelope = envelope,
		.context = context,
	};
	model.inspections++;
	inspection.session.source.process.start_ticks = model.start_ticks = take(8);
	make_envelope(envelope);
	return take(1) == 1 ? make_error() : answer(&inspection, ret_exit);
}

void pyi_inspection_note(struct pyi_inspection *inspection)
{
	FUZZ_EXPECT(inspection->context);
}

enum pyi_exit pyi_inspection_conclude(struct pyi_inspection *inspection)
{
	(void)inspection;
	return take(1) & 1 ? PYI_EXIT_INCOMPLETE : PYI_EXIT_OK;
}

struct pyi_error *pyi_slip_looks_take(struct pyi_inspection *inspection,
				      const struct pyi_examination *also,
				      struct pyi_slip_looks *looks)
{
	(void)inspection;
	(void)also;
	(void)looks;
	return take(1) == 1 ? make_error() : NULL;
}

void pyi_slip_looks_warn(const struct pyi_slip_looks *looks, struct pyi_envelope *envelope)
{
	(void)looks;
	if (take(1) == 1)
		pyi_envelope_warn(envelope, "no-bus", "the message bus was not asked who is there");
}

struct pyi_error *pyi_slip_looks_report(struct pyi_slip_looks *looks,
					const struct pyi_inspection *inspection, FILE *stream,
					enum pyi_format format, unsigned columns)
{
	(void)looks;
	(void)columns;
	FUZZ_EXPECT(format == PYI_FORMAT_JSON && inspection->envelope->command);
	fwrite("\0text", 1, take(1) % 6, stream);
	return take(1) == 1 ? make_error() : NULL;
}

void pyi_slip_looks_deinit(struct pyi_slip_looks *looks)
{
	(void)looks;
}

static struct pyi_error *make(const struct pyi_options *options,
			      const struct pyi_evidence_order *order, struct pyi_envelope *envelope,
			      struct pyi_evidence_reports *ret_reports)
{
	FUZZ_EXPECT(!options->verbose && order->type_count <= PYI_EVIDENCE_TYPES);
	for (size_t t = 0; t < order->type_count; t++)
		FUZZ_EXPECT(strlen(order->types[t]) <= PYI_TASK_TEXT_LIMIT);
	model.inspections++;
	make_envelope(envelope);
	if (take(1) == 1)
		return make_error();
	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++) {
		struct pyi_evidence_report *report = &ret_reports->parts[part];

		report->made = take(1) & 1;
		report->size = take(1) % 6;
		report->text = take(1) & 1 ? NULL : strndup("texts", report->size);
	}
	return NULL;
}

static void expect_whole_envelope(const struct pyi_envelope *envelope)
{
	FUZZ_EXPECT(envelope->pid >= 0 && envelope->pid <= INT32_MAX);
	FUZZ_EXPECT(isfinite(envelope->paused_ms) && isfinite(envelope->longest_pause_ms));
	FUZZ_EXPECT(isfinite(envelope->snapshot_ms) && isfinite(envelope->elapsed_ms));
	FUZZ_EXPECT(envelope->warning_count <= PYI_TASK_WARNING_LIMIT);
	FUZZ_EXPECT(envelope->residue_count <= PYI_TASK_WARNING_LIMIT);
	for (size_t w = 0; w < envelope->warning_count; w++)
		FUZZ_EXPECT(envelope->warnings[w].message);
	for (size_t r = 0; r < envelope->residue_count; r++)
		FUZZ_EXPECT(envelope->residue[r].message);
}

static void expect_whole_sample(const struct pyi_sample *sample)
{
	FUZZ_EXPECT(sample->time_s >= 0);
	for (size_t f = 0; f < sample->figure_count; f++) {
		const struct pyi_figure *figure = &sample->figures[f];

		FUZZ_EXPECT(figure->kind >= PYI_FIGURE_PROCESS &&
			    figure->kind <= PYI_FIGURE_CONTAINER);
		FUZZ_EXPECT(figure->name && figure->count <= INT64_MAX &&
			    figure->bytes <= INT64_MAX);
		FUZZ_EXPECT(pyi_sample_find(sample, figure->kind, figure->name) == figure);
	}
}

/* What arrives is what was made up. */
static void expect_same(const struct pyi_envelope *envelope)
{
	FUZZ_EXPECT(envelope->pid == model.envelope.pid);
	FUZZ_EXPECT(!envelope->exe == !model.envelope.exe);
	FUZZ_EXPECT(!envelope->exe || strcmp(envelope->exe, model.envelope.exe) == 0);
	FUZZ_EXPECT(envelope->rss_bytes == model.envelope.rss_bytes);
	FUZZ_EXPECT(envelope->source == model.envelope.source);
	FUZZ_EXPECT(envelope->paused_ms <= model.envelope.paused_ms &&
		    envelope->paused_ms >= model.envelope.paused_ms);
	FUZZ_EXPECT(envelope->warning_count >= model.envelope.warning_count);
	FUZZ_EXPECT(envelope->residue_count == model.envelope.residue_count);
}

static void conclude(struct pyi_error *error, const struct pyi_envelope *envelope)
{
	expect_whole_envelope(envelope);
	if (model.mode == BOTH) {
		FUZZ_EXPECT(model.inspections == 1);
		FUZZ_EXPECT(!error || error->code == model.code);
		expect_same(envelope);
	}
	fuzz_drop(error);
}

static void measure(bool slip)
{
	static const char *const names[] = { "a.B", "", "c" };
	const struct pyi_measure_request request = {
		.types = names,
		.type_count = 2,
		.containers = names + 2,
		.container_count = 1,
		.container_least = 7,
	};
	const struct pyi_options options = { .worker_fd = WORKER_FD };
	struct pyi_envelope envelope = { .command = "check" };
	struct pyi_measured measured = { 0 };
	struct pyi_error *error;

	error = pyi_tasks_measure(&options, &request, slip, 1, &envelope, &measured);
	if (error)
		FUZZ_EXPECT(!measured.sample.figures);
	else
		expect_whole_sample(&measured.sample);
	if (model.mode == BOTH && !error)
		FUZZ_EXPECT(measured.start_ticks == model.start_ticks);
	conclude(error, &envelope);
	pyi_sample_deinit(&measured.sample);
	pyi_envelope_deinit(&envelope);
}

static void make_reports(void)
{
	static const char *const names[] = { "a.B", "" };
	const struct pyi_evidence_order order = { .types = names, .type_count = 2 };
	const struct pyi_options options = { .worker_fd = WORKER_FD };
	struct pyi_envelope envelope = { .command = "check" };
	struct pyi_evidence_reports reports = { 0 };
	struct pyi_error *error = pyi_tasks_evidence(&options, &order, &envelope, &reports);

	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++) {
		const struct pyi_evidence_report *report = &reports.parts[part];

		FUZZ_EXPECT(!error || !report->text);
		if (report->text)
			FUZZ_EXPECT(!report->text[report->size] &&
				    report->size <= PYI_TASK_ANSWER_LIMIT);
	}
	conclude(error, &envelope);
	pyi_evidence_reports_deinit(&reports);
	pyi_envelope_deinit(&envelope);
}

/* What the worker answers, a check can read. */
static void serve(uint64_t kind)
{
	const struct pyi_options options = { .target = "1", .broker_fd = -1 };

	copy_into(&model.to_worker, kind, model.input.bytes, model.input.size_bytes);
	model.input.size_bytes = 0;
	pyi_tasks_serve(CHECK_FD, &options, make);
	FUZZ_EXPECT(!model.to_check.full ==
		    (kind != PYI_TASK_MEASURE && kind != PYI_TASK_EVIDENCE));
	FUZZ_EXPECT(!model.to_check.full || model.to_check.header.kind == kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	uint64_t choice;

	memset(&model, 0, sizeof(model));
	model.input = (struct fuzz_input){ bytes, size_bytes };
	choice = take(1);
	model.mode = (enum mode)(choice % MODES);
	model.wrong_kind = choice > 250;
	if (model.mode == TASK)
		serve(choice / MODES % 4);
	else if (choice / MODES % 2)
		measure(choice / MODES % 4 == 1);
	else
		make_reports();
	empty(&model.to_worker);
	empty(&model.to_check);
	free(model.envelope.exe);
	return 0;
}
