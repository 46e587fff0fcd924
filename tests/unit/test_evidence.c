/*
 * Tests of src/cli/evidence.c: what is kept when reports fail or there is no time for them. The
 * commands are invented, the process is the test itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/evidence.h"
#include "cli/inspection.h"
#include "cli/tasks.h"
#include "process/process.h"
#include "folder_entries.h"

#define NAME "unit_foo-7-20260131T235959Z"

enum {
	PATH_BYTES = 128,
};

/* What the worker does, and how often it was asked. */
static struct {
	/* NULL: it makes reports, of which the first so many fail. */
	const char *failure;
	enum pyi_exit exit;
	int failing;
	unsigned asked;
	uint64_t deadline_ns;
} world;

struct pyi_error *pyi_tasks_evidence(const struct pyi_options *options,
				     const struct pyi_evidence_order *order,
				     struct pyi_envelope *envelope,
				     struct pyi_evidence_reports *ret_reports)
{
	struct pyi_evidence_reports reports = { 0 };

	(void)options;
	envelope->attempts = 2;
	envelope->paused_ms = 3;
	envelope->longest_pause_ms = 2;
	pyi_envelope_add_try(envelope, 1, "it moved");
	pyi_envelope_add_try(envelope, 2, NULL);
	world.asked++;
	world.deadline_ns = order->deadline_ns;
	assert_int_equal(order->type_count, 1);
	assert_string_equal(order->types[0], "foo.Session");
	if (world.failure)
		return pyi_error_create(world.exit, PYI_ERROR_TIMEOUT, "%s", world.failure);
	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++) {
		struct pyi_evidence_report *report = &reports.parts[part];

		/* Of the types that there are not. */
		if ((part > PYI_EVIDENCE_REFERRERS && part < PYI_EVIDENCE_PATH) ||
		    (part > PYI_EVIDENCE_PATH && part < PYI_EVIDENCE_EXPLAIN))
			continue;
		report->made = world.failing-- <= 0;
		report->text = strdup(report->made ? "{\"result\": 1}" : "{\"error\": 1}");
		assert_non_null(report->text);
		report->size = strlen(report->text);
	}
	*ret_reports = reports;
	return NULL;
}

bool pyi_inspection_wait_for_others(const struct pyi_error *error, uint64_t deadline_ns)
{
	(void)error;
	(void)deadline_ns;
	return false;
}

struct fixture {
	char state[PATH_BYTES];
	char parent[PATH_BYTES + 16];
	struct pyi_options options;
	struct pyi_envelope envelope;
	struct pyi_evidence_request request;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct pyi_process process = { .proc_fd = -1 };

	strcpy(fixture->state, "/tmp/pyinspect-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->state));
	snprintf(fixture->parent, sizeof(fixture->parent), "%s/evidence", fixture->state);
	assert_null(pyi_process_open(getpid(), &process));
	fixture->request = (struct pyi_evidence_request){
		.parent = fixture->parent,
		.name = NAME,
		.pid = getpid(),
		.start_ticks = process.start_ticks,
		.types = { "foo.Session" },
		.type_count = 1,
		.check = "{}",
		.check_size = 2,
		.envelope = &fixture->envelope,
		.options = &fixture->options,
		.deadline_ns = PYI_CLOCK_NEVER,
	};
	pyi_process_close(&process);
	memset(&world, 0, sizeof(world));
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[PATH_BYTES + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", fixture->state);
	assert_int_equal(system(command), 0);
	pyi_envelope_deinit(&fixture->envelope);
	free(fixture);
	return 0;
}

static bool has_error(const struct fixture *fixture, const char *file)
{
	char path[2 * PATH_BYTES];
	char text[1000] = { 0 };
	FILE *stream;

	snprintf(path, sizeof(path), "%s/" NAME "/%s", fixture->parent, file);
	stream = fopen(path, "r");
	assert_non_null(stream);
	assert_true(fread(text, 1, sizeof(text) - 1, stream) > 0);
	fclose(stream);
	return strstr(text, "\"error\"") != NULL;
}

static void assert_nothing_kept(const struct fixture *fixture, const char *code, const char *words)
{
	struct pyi_error *error = pyi_evidence_collect(&fixture->request);

	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), code);
	if (!strstr(error->message, words))
		fail_msg("\"%s\" does not say \"%s\"", error->message, words);
	pyi_error_destroy(error);
	/* Nor what was begun. */
	assert_int_equal(count_entries(fixture->parent), 0);
}

static void test_all_reports(void **state)
{
	struct fixture *fixture = *state;
	char path[2 * PATH_BYTES];

	fixture->envelope.attempts = 1;
	fixture->envelope.paused_ms = fixture->envelope.longest_pause_ms = 4;
	assert_null(pyi_evidence_collect(&fixture->request));
	/* What it cost the target is said by the check. */
	assert_int_equal(fixture->envelope.attempts, 3);
	assert_int_equal((int)(fixture->envelope.paused_ms * 10), 70);
	assert_int_equal((int)(fixture->envelope.longest_pause_ms * 10), 40);
	assert_int_equal(fixture->envelope.try_count, 2);
	/* All from one moment. */
	assert_int_equal(world.asked, 1);
	assert_true(world.deadline_ns == PYI_CLOCK_NEVER);
	snprintf(path, sizeof(path), "%s/" NAME, fixture->parent);
	assert_int_equal(count_entries(path), 7);
	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++)
		if (part <= PYI_EVIDENCE_REFERRERS || part == PYI_EVIDENCE_PATH ||
		    part >= PYI_EVIDENCE_EXPLAIN)
			assert_false(has_error(fixture,
					       pyi_evidence_file((enum pyi_evidence_part)part)));
}

static void test_one_report_is_enough(void **state)
{
	struct fixture *fixture = *state;

	world.failing = 5;
	assert_null(pyi_evidence_collect(&fixture->request));
	assert_true(has_error(fixture, "top-types.json"));
	assert_true(has_error(fixture, "path-1.json"));
	assert_false(has_error(fixture, "top-objects.json"));
}

static void test_no_report_is_no_evidence(void **state)
{
	struct fixture *fixture = *state;

	world.failing = 6;
	assert_nothing_kept(fixture, "no-evidence", "each of them has failed");
	world.failure = "failure 1";
	world.exit = PYI_EXIT_FAILED;
	assert_nothing_kept(fixture, "no-evidence", "failure 1");
	assert_int_equal(world.asked, 2);
	/* The next try is not in the way of that one. */
	world.failure = NULL;
	world.failing = 0;
	assert_null(pyi_evidence_collect(&fixture->request));
	assert_int_equal(count_entries(fixture->parent), 1);
}

/* What has to be said, whatever became of the evidence. */
static void test_not_restored(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_error *error;

	world.failure = "it is not as it was";
	world.exit = PYI_EXIT_NOT_RESTORED;
	error = pyi_evidence_collect(&fixture->request);
	assert_non_null(error);
	assert_int_equal(error->exit, PYI_EXIT_NOT_RESTORED);
	pyi_error_destroy(error);
	assert_int_equal(count_entries(fixture->parent), 0);
}

static void test_no_time(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.deadline_ns = 1;
	assert_nothing_kept(fixture, "no-evidence", "no time was left");
	assert_int_equal(world.asked, 0);
}

/* Some of the time is for saving what was made. */
static void test_time_to_save(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begun_ns = pyi_clock_now_ns();

	fixture->request.deadline_ns = pyi_clock_deadline(80000, PYI_CLOCK_NEVER);
	assert_null(pyi_evidence_collect(&fixture->request));
	assert_true(world.deadline_ns > begun_ns + UINT64_C(60000000000));
	assert_true(world.deadline_ns < fixture->request.deadline_ns - UINT64_C(9000000000));
}

static void test_another_process_of_that_number(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.start_ticks++;
	assert_nothing_kept(fixture, "no-such-process", "has ended");
}

#define evidence_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		evidence_test(test_all_reports),
		evidence_test(test_one_report_is_enough),
		evidence_test(test_no_report_is_no_evidence),
		evidence_test(test_not_restored),
		evidence_test(test_no_time),
		evidence_test(test_time_to_save),
		evidence_test(test_another_process_of_that_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
