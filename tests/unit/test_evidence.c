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

/* How many of the next reports fail, and how many were asked for. */
static struct {
	unsigned failing;
	unsigned asked;
} world;

struct pyi_error *pyi_tasks_report(const struct pyi_options *options, struct pyi_envelope *envelope,
				   char **ret_text, size_t *ret_size)
{
	(void)options;
	(void)envelope;
	if (++world.asked <= world.failing)
		return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_ALREADY_TRACED, "failure %u",
					world.asked);
	*ret_text = strdup("{\"result\": 1}");
	assert_non_null(*ret_text);
	*ret_size = strlen(*ret_text);
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
		.slip = true,
		.check = "{}",
		.check_size = 2,
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

	assert_null(pyi_evidence_collect(&fixture->request));
	assert_int_equal(world.asked, 5);
	snprintf(path, sizeof(path), "%s/" NAME, fixture->parent);
	assert_int_equal(count_entries(path), 6);
	assert_false(has_error(fixture, "top-types.json"));
	assert_false(has_error(fixture, "top-objects.json"));
}

static void test_one_report_is_enough(void **state)
{
	struct fixture *fixture = *state;

	world.failing = 4;
	assert_null(pyi_evidence_collect(&fixture->request));
	assert_int_equal(world.asked, 5);
	assert_true(has_error(fixture, "top-types.json"));
	assert_true(has_error(fixture, "path-1.json"));
	assert_false(has_error(fixture, "top-objects.json"));
}

static void test_no_report_is_no_evidence(void **state)
{
	struct fixture *fixture = *state;

	world.failing = 5;
	assert_nothing_kept(fixture, "no-evidence", "failure 1");
	assert_int_equal(world.asked, 5);
	/* The next try is not in the way of that one. */
	assert_null(pyi_evidence_collect(&fixture->request));
	assert_int_equal(count_entries(fixture->parent), 1);
}

static void test_no_time(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.deadline_ns = 1;
	assert_nothing_kept(fixture, "no-evidence", "no time was left");
	assert_int_equal(world.asked, 0);
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
		evidence_test(test_no_time),
		evidence_test(test_another_process_of_that_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
