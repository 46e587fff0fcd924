/*
 * A check and its worker, which do not trust each other, over a real socket: answers that are cut
 * off, changed or made up are errors, and nothing else becomes of them; so are tasks.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/channel.h"
#include "cli/tasks.h"
#include "cli/tasks_private.h"

enum {
	ROUNDS = 20000,
	HUGE_TEXT = PYI_TASK_TEXT_LIMIT + 1,
};

static uint64_t next_random(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* As pack_envelope() of tasks_serve.c has it, with `warnings` of them. */
static void pack_envelope(struct pyi_packer *packer, size_t warnings)
{
	pyi_pack_number(packer, 4711);
	pyi_pack_text(packer, "/usr/bin/python3");
	pyi_pack_text(packer, "3.11.2");
	pyi_pack_number(packer, 1);
	pyi_pack_number(packer, 4096);
	pyi_pack_number(packer, PYI_SOURCE_CLONE);
	pyi_pack_number(packer, 1);
	pyi_pack_number(packer, 2);
	for (int real = 0; real < 4; real++)
		pyi_pack_real(packer, 1.5);
	pyi_pack_number(packer, 4096);
	pyi_pack_number(packer, 1);
	pyi_pack_number(packer, 0);
	pyi_pack_number(packer, warnings);
	for (size_t w = 0; w < warnings; w++) {
		pyi_pack_text(packer, "code");
		pyi_pack_text(packer, "message");
	}
	pyi_pack_number(packer, 1);
	pyi_pack_real(packer, 1.5);
	pyi_pack_text(packer, "why");
}

static void pack_figure(struct pyi_packer *packer, uint64_t kind, const char *name, uint64_t count)
{
	pyi_pack_number(packer, kind);
	pyi_pack_text(packer, name);
	pyi_pack_number(packer, count);
	pyi_pack_number(packer, 10);
}

/* Up to the number of figures. */
static void pack_measured(struct pyi_packer *packer, uint64_t time_s, uint64_t figures)
{
	pack_envelope(packer, 1);
	pyi_pack_number(packer, PYI_EXIT_OK);
	pyi_pack_number(packer, 99);
	pyi_pack_number(packer, 3);
	pyi_pack_number(packer, time_s);
	pyi_pack_number(packer, 60);
	pyi_pack_number(packer, 0);
	pyi_pack_number(packer, 1);
	pyi_pack_number(packer, 0);
	pyi_pack_number(packer, figures);
}

static void pack_right_answer(struct pyi_packer *packer)
{
	pack_measured(packer, 1700000000, 3);
	pack_figure(packer, PYI_FIGURE_TYPE, "b.B", 5);
	pack_figure(packer, PYI_FIGURE_TYPE, "a.A", 6);
	pack_figure(packer, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, 7);
}

/* A worker that answers before it is asked, and says no more. */
static void answer(const struct pyi_task_header *header, const void *bytes, size_t size_bytes,
		   int ret_ends[2])
{
	assert_true(pyi_channel_create(ret_ends));
	assert_true(pyi_channel_send(ret_ends[0], header, sizeof(*header), bytes, size_bytes, -1));
	assert_int_equal(shutdown(ret_ends[0], SHUT_WR), 0);
}

/* Lets a check ask for figures; the error's code, or -1. */
static int measure(const struct pyi_task_header *header, const void *bytes, size_t size_bytes,
		   struct pyi_measured *ret_measured)
{
	static const char *const types[] = { "a.A" };
	const struct pyi_measure_request request = { .types = types, .type_count = 1 };
	struct pyi_options options = { 0 };
	struct pyi_envelope envelope = { .command = "check" };
	struct pyi_measured measured = { 0 };
	struct pyi_error *error;
	int code = -1;
	int ends[2];

	answer(header, bytes, size_bytes, ends);
	options.worker_fd = ends[1];
	error = pyi_tasks_measure(&options, &request, true, 1, &envelope, &measured);
	if (error) {
		assert_true(error->exit != PYI_EXIT_OK && error->message[0]);
		assert_null(measured.sample.figures);
		code = (int)error->code;
		pyi_error_destroy(error);
	}
	assert_true(envelope.warning_count <= PYI_TASK_WARNING_LIMIT);
	pyi_envelope_deinit(&envelope);
	if (ret_measured)
		*ret_measured = measured;
	else
		pyi_sample_deinit(&measured.sample);
	close(ends[0]);
	close(ends[1]);
	return code;
}

static int measure_packed(struct pyi_packer *packer, struct pyi_measured *ret_measured)
{
	const struct pyi_task_header header = { PYI_TASK_MEASURE, packer->size_bytes };
	int code = measure(&header, packer->bytes, packer->size_bytes, ret_measured);

	pyi_packer_deinit(packer);
	return code;
}

static void test_right_answer(void **state)
{
	struct pyi_packer packer = { 0 };
	struct pyi_measured measured;

	(void)state;
	pack_right_answer(&packer);
	assert_int_equal(measure_packed(&packer, &measured), -1);
	assert_int_equal(measured.start_ticks, 99);
	assert_int_equal(measured.skipped_objects, 3);
	assert_int_equal(measured.sample.time_s, 1700000000);
	assert_true(measured.sample.containers_cut && !measured.sample.containers_anywhere);
	assert_int_equal(measured.sample.figure_count, 3);
	assert_string_equal(measured.sample.figures[0].name, PYI_FIGURE_RSS);
	assert_string_equal(measured.sample.figures[1].name, "a.A");
	assert_int_equal(measured.sample.figures[1].count, 6);
	pyi_sample_deinit(&measured.sample);
}

static void test_cut_off(void **state)
{
	struct pyi_packer packer = { 0 };

	(void)state;
	pack_right_answer(&packer);
	for (size_t size = 0; size < packer.size_bytes; size++) {
		const struct pyi_task_header header = { PYI_TASK_MEASURE, size };
		const struct pyi_task_header longer = { PYI_TASK_MEASURE, packer.size_bytes };

		assert_int_equal(measure(&header, packer.bytes, size, NULL), PYI_ERROR_WORKER_LOST);
		/* It says that there is more. */
		assert_int_equal(measure(&longer, packer.bytes, size, NULL), PYI_ERROR_WORKER_LOST);
	}
	pyi_pack_number(&packer, 0);
	assert_int_equal(measure_packed(&packer, NULL), PYI_ERROR_WORKER_LOST);
}

static void test_wrong_headers(void **state)
{
	static const uint64_t sizes[] = { PYI_TASK_ANSWER_LIMIT + 1, UINT32_MAX, INT64_MAX,
					  UINT64_MAX, PYI_TASK_ANSWER_LIMIT };
	static const uint64_t kinds[] = { 0, PYI_TASK_EVIDENCE, 3, UINT64_MAX,
					  PYI_TASK_MEASURE | UINT64_C(1) << 32 };
	struct pyi_packer packer = { 0 };

	(void)state;
	pack_right_answer(&packer);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		const struct pyi_task_header header = { PYI_TASK_MEASURE, sizes[s] };

		assert_int_equal(measure(&header, packer.bytes, packer.size_bytes, NULL),
				 PYI_ERROR_WORKER_LOST);
	}
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct pyi_task_header header = { kinds[k], packer.size_bytes };

		assert_int_equal(measure(&header, packer.bytes, packer.size_bytes, NULL),
				 PYI_ERROR_WORKER_LOST);
	}
	pyi_packer_deinit(&packer);
}

/* Everything right but one value. */
static void test_wrong_values(void **state)
{
	static const struct {
		uint64_t time_s;
		uint64_t figures;
		uint64_t kind;
		const char *name;
		uint64_t count;
	} tries[] = {
		{ UINT64_MAX, 1, PYI_FIGURE_TYPE, "a", 1 },
		{ INT64_MAX, 1, PYI_FIGURE_TYPE, "a", 1 },
		{ 1, 2, PYI_FIGURE_TYPE, "a", 1 },
		{ 1, 0, PYI_FIGURE_TYPE, "a", 1 },
		{ 1, UINT64_MAX, PYI_FIGURE_TYPE, "a", 1 },
		{ 1, PYI_TASK_FIGURE_LIMIT, PYI_FIGURE_TYPE, "a", 1 },
		{ 1, 1, 0, "a", 1 },
		{ 1, 1, PYI_FIGURE_LONGEST + 1, "a", 1 },
		{ 1, 1, PYI_FIGURE_TYPE, NULL, 1 },
		{ 1, 1, PYI_FIGURE_TYPE, "a", UINT64_MAX },
	};
	struct pyi_packer packer = { 0 };
	char *text = malloc(HUGE_TEXT + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', HUGE_TEXT);
	text[HUGE_TEXT] = '\0';
	for (size_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
		pack_measured(&packer, tries[t].time_s, tries[t].figures);
		pack_figure(&packer, tries[t].kind, tries[t].name, tries[t].count);
		assert_int_equal(measure_packed(&packer, NULL), PYI_ERROR_WORKER_LOST);
	}
	/* Twice the same, which together is more than a figure can be. */
	pack_measured(&packer, 1, 2);
	pack_figure(&packer, PYI_FIGURE_TYPE, "a", INT64_MAX);
	pack_figure(&packer, PYI_FIGURE_TYPE, "a", INT64_MAX);
	assert_int_equal(measure_packed(&packer, NULL), PYI_ERROR_WORKER_LOST);
	pack_measured(&packer, 1, 1);
	pack_figure(&packer, PYI_FIGURE_TYPE, text, 1);
	assert_int_equal(measure_packed(&packer, NULL), PYI_ERROR_WORKER_LOST);
	/* Too many warnings. */
	pack_envelope(&packer, PYI_TASK_WARNING_LIMIT + 1);
	assert_int_equal(measure_packed(&packer, NULL), PYI_ERROR_WORKER_LOST);
	free(text);
}

static void pack_failure(struct pyi_packer *packer, uint64_t exit, uint64_t code,
			 const char *message, const char *hint)
{
	pack_envelope(packer, 0);
	pyi_pack_number(packer, exit);
	pyi_pack_number(packer, code);
	pyi_pack_text(packer, message);
	pyi_pack_text(packer, hint);
}

static void test_errors(void **state)
{
	static const struct {
		uint64_t exit;
		uint64_t code;
		const char *message;
		const char *hint;
		int expected;
	} tries[] = {
		{ PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, "%s%n", "%n", PYI_ERROR_NO_PERMISSION },
		{ PYI_EXIT_NOT_RESTORED, PYI_ERROR_RESIDUE, "m", NULL, PYI_ERROR_RESIDUE },
		{ PYI_EXIT_NOT_RESTORED + 1, PYI_ERROR_RESIDUE, "m", "h", PYI_ERROR_WORKER_LOST },
		{ UINT64_MAX, PYI_ERROR_RESIDUE, "m", "h", PYI_ERROR_WORKER_LOST },
		{ PYI_EXIT_FAILED, PYI_ERROR_CODE_COUNT, "m", "h", PYI_ERROR_WORKER_LOST },
		{ PYI_EXIT_FAILED, UINT64_MAX, "m", "h", PYI_ERROR_WORKER_LOST },
		{ PYI_EXIT_FAILED, PYI_ERROR_RESIDUE, NULL, "h", PYI_ERROR_WORKER_LOST },
		{ PYI_EXIT_FAILED, PYI_ERROR_RESIDUE, "", "h", PYI_ERROR_WORKER_LOST },
	};
	struct pyi_packer packer = { 0 };

	(void)state;
	for (size_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
		pack_failure(&packer, tries[t].exit, tries[t].code, tries[t].message,
			     tries[t].hint);
		assert_int_equal(measure_packed(&packer, NULL), tries[t].expected);
	}
	/* Without a message, and what a success would have behind it. */
	pack_envelope(&packer, 0);
	pyi_pack_number(&packer, PYI_EXIT_FAILED);
	pyi_pack_number(&packer, PYI_ERROR_RESIDUE);
	pyi_pack_text(&packer, NULL);
	pyi_pack_text(&packer, NULL);
	for (int number = 0; number < 6; number++)
		pyi_pack_number(&packer, 0);
	assert_int_equal(measure_packed(&packer, NULL), PYI_ERROR_WORKER_LOST);
}

static void test_random_answers(void **state)
{
	struct pyi_packer packer = { 0 };

	(void)state;
	pack_right_answer(&packer);
	for (int round = 0; round < ROUNDS; round++) {
		char *copy = malloc(packer.size_bytes);
		struct pyi_task_header header = { PYI_TASK_MEASURE, packer.size_bytes };

		assert_non_null(copy);
		memcpy(copy, packer.bytes, packer.size_bytes);
		for (uint64_t change = next_random() % 4 + 1; change; change--)
			copy[next_random() % packer.size_bytes] = (char)(next_random() >> 56);
		if (next_random() % 4 == 0)
			header.data_bytes = next_random() % packer.size_bytes;
		measure(&header, copy, (size_t)header.data_bytes, NULL);
		free(copy);
	}
	pyi_packer_deinit(&packer);
}

/* What makes reports in the worker; "b" is none of its types. */
static struct pyi_error *make(const struct pyi_options *options,
			      const struct pyi_evidence_order *order, struct pyi_envelope *envelope,
			      struct pyi_evidence_reports *ret_reports)
{
	struct pyi_evidence_reports reports = { 0 };

	envelope->pid = options->pid;
	if (order->type_count > 1 && strcmp(order->types[1], "b") == 0)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SUCH_TYPE, "no b");
	for (size_t t = 0; t < order->type_count; t++) {
		struct pyi_evidence_report *report = &reports.parts[PYI_EVIDENCE_REFERRERS + t];

		report->text = strdup(order->types[t]);
		report->size = strlen(report->text);
		report->made = t == 0;
	}
	/* It must not get in this way. */
	reports.parts[PYI_EVIDENCE_SLIP_DBUS] =
		(struct pyi_evidence_report){ strdup("slip"), 4, true };
	*ret_reports = reports;
	return NULL;
}

/* A worker of ours without a broker; returns its process. */
static pid_t start_worker(int *ret_fd)
{
	int ends[2];
	pid_t pid;

	assert_true(pyi_channel_create(ends));
	pid = fork();
	if (pid == 0) {
		const struct pyi_options options = { .target = "1", .pid = 1, .broker_fd = -1 };

		close(ends[1]);
		pyi_tasks_serve(ends[0], &options, make);
		_exit(0);
	}
	assert_true(pid > 0);
	close(ends[0]);
	*ret_fd = ends[1];
	return pid;
}

static void expect_end(pid_t pid, int fd)
{
	int status;

	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_there_and_back(void **state)
{
	static const char *const types[] = { "a.A", "", "c.C", "d.D" };
	const struct pyi_measure_request request = { .types = types, .type_count = 2 };
	struct pyi_evidence_order order = { .types = types, .type_count = 3 };
	struct pyi_options options = { 0 };
	struct pyi_envelope envelope = { .command = "check" };
	struct pyi_evidence_reports reports = { 0 };
	struct pyi_measured measured = { 0 };
	struct pyi_error *error;
	pid_t pid = start_worker(&options.worker_fd);

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_null(pyi_tasks_evidence(&options, &order, &envelope, &reports));
		for (int part = 0; part < PYI_EVIDENCE_PARTS; part++) {
			const struct pyi_evidence_report *report = &reports.parts[part];
			int type = part - PYI_EVIDENCE_REFERRERS;

			if (type < 0 || type >= 3) {
				assert_null(report->text);
				continue;
			}
			assert_string_equal(report->text, types[type]);
			assert_int_equal(report->size, strlen(types[type]));
			assert_int_equal(report->made, type == 0);
		}
		assert_int_equal(envelope.pid, 1);
		pyi_evidence_reports_deinit(&reports);
		/* There is nobody who could open the process. */
		error = pyi_tasks_measure(&options, &request, false, 1, &envelope, &measured);
		assert_non_null(error);
		assert_int_equal(error->code, PYI_ERROR_BROKER_LOST);
		pyi_error_destroy(error);
	}
	/* More types than there may be are refused, and the worker lives on. */
	order.type_count = 4;
	error = pyi_tasks_evidence(&options, &order, &envelope, &reports);
	assert_non_null(error);
	pyi_error_destroy(error);
	order = (struct pyi_evidence_order){ .types = (const char *const[]){ "a", "b" },
					     .type_count = 2 };
	error = pyi_tasks_evidence(&options, &order, &envelope, &reports);
	assert_non_null(error);
	assert_int_equal(error->code, PYI_ERROR_NO_SUCH_TYPE);
	pyi_error_destroy(error);
	order.type_count = 1;
	assert_null(pyi_tasks_evidence(&options, &order, &envelope, &reports));
	pyi_evidence_reports_deinit(&reports);
	pyi_envelope_deinit(&envelope);
	expect_end(pid, options.worker_fd);
}

/* Reports that are cut off, or of which a worker says that they are longer than they are. */
static void test_broken_reports(void **state)
{
	const struct pyi_evidence_order order = { 0 };
	struct pyi_packer packer = { 0 };

	(void)state;
	pack_envelope(&packer, 1);
	pyi_pack_number(&packer, PYI_EXIT_OK);
	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++) {
		pyi_pack_number(&packer, part % 2);
		pyi_pack_text(&packer, part % 3 ? "text" : NULL);
	}
	for (size_t size = 0; size <= packer.size_bytes; size++) {
		const struct pyi_task_header header = { PYI_TASK_EVIDENCE, size };
		struct pyi_evidence_reports reports = { 0 };
		struct pyi_envelope envelope = { .command = "check" };
		struct pyi_options options = { 0 };
		struct pyi_error *error;
		int ends[2];

		answer(&header, packer.bytes, size, ends);
		options.worker_fd = ends[1];
		error = pyi_tasks_evidence(&options, &order, &envelope, &reports);
		if (size == packer.size_bytes) {
			assert_null(error);
			assert_string_equal(reports.parts[1].text, "text");
			assert_true(reports.parts[1].made && !reports.parts[0].text);
		} else {
			assert_non_null(error);
			assert_int_equal(error->code, PYI_ERROR_WORKER_LOST);
			assert_null(reports.parts[1].text);
		}
		pyi_error_destroy(error);
		pyi_evidence_reports_deinit(&reports);
		pyi_envelope_deinit(&envelope);
		close(ends[0]);
		close(ends[1]);
	}
	pyi_packer_deinit(&packer);
}

static void test_random_tasks(void **state)
{
	struct pyi_packer packer = { 0 };
	pid_t pid;
	int fd;

	(void)state;
	pid = start_worker(&fd);
	pyi_pack_number(&packer, 1);
	pyi_pack_number(&packer, 2);
	pyi_pack_text(&packer, "a.A");
	pyi_pack_text(&packer, "a.B");
	for (int round = 0; round < ROUNDS / 10; round++) {
		size_t size = packer.size_bytes;
		struct pyi_task_header header = { PYI_TASK_MEASURE + next_random() % 2, size };
		char bytes[256];

		assert_true(size <= sizeof(bytes));
		memcpy(bytes, packer.bytes, size);
		for (uint64_t change = next_random() % 4; change; change--)
			bytes[next_random() % size] = (char)(next_random() >> 56);
		if (next_random() % 2)
			header.data_bytes = next_random() % (size + 1);
		assert_true(pyi_channel_send(fd, &header, sizeof(header), bytes,
					     (size_t)header.data_bytes, -1));
		assert_true(pyi_channel_receive(fd, &header, sizeof(header), NULL));
		assert_true(header.data_bytes <= sizeof(bytes) * 16);
		for (size_t left = (size_t)header.data_bytes; left;) {
			char got[sizeof(bytes) * 16];

			assert_true(pyi_channel_receive_data(fd, got, left));
			left = 0;
		}
	}
	pyi_packer_deinit(&packer);
	expect_end(pid, fd);
}

/* The worker ends by itself: it is not lost by a crash. */
static void test_wrong_tasks(void **state)
{
	static const struct pyi_task_header headers[] = {
		{ 0, 0 },
		{ PYI_TASK_EVIDENCE + 1, 0 },
		{ UINT64_MAX, 8 },
		{ PYI_TASK_MEASURE, PYI_TASK_LIMIT + 1 },
		{ PYI_TASK_EVIDENCE, UINT64_MAX },
	};

	(void)state;
	for (size_t h = 0; h < sizeof(headers) / sizeof(headers[0]); h++) {
		struct pyi_task_header header;
		int fd;
		pid_t pid = start_worker(&fd);

		assert_true(pyi_channel_send(fd, &headers[h], sizeof(headers[h]), NULL, 0, -1));
		assert_false(pyi_channel_receive(fd, &header, sizeof(header), NULL));
		expect_end(pid, fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_answer),   cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_wrong_headers),  cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_errors),	       cmocka_unit_test(test_random_answers),
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_broken_reports),
		cmocka_unit_test(test_random_tasks),   cmocka_unit_test(test_wrong_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
