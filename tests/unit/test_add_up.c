/*
 * Tests of adding up reports of several processes: what came of each of them decides what is said
 * of all, also if there is no report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/check.h"
#include "cli/add_up.h"
#include "cli/inspection.h"

#define TYPES                                                                                      \
	"{\"target\":{\"rss_bytes\":4096,\"interpreters\":1},\"access\":{\"consistent\":true},"    \
	"\"cost\":{},\"warnings\":[],\"result\":{\"objects\":3,\"bytes\":96,\"types\":"            \
	"[{\"type\":\"app.Session\",\"count\":3,\"bytes\":96}]}}"
#define CHECK                                                                                      \
	"{\"target\":{},\"access\":{\"consistent\":true},\"cost\":{},\"warnings\":[],\"result\":"  \
	"{\"status\":\"ok\",\"figures\":{},\"rules\":[{\"rule\":\"max-rss\",\"status\":\"ok\","    \
	"\"value\":1,\"message\":\"fine\"}]}}"
#define ERROR(code)                                                                                \
	"{\"error\":{\"code\":\"" code "\",\"message\":\"process 2: no\",\"hint\":\"do so\"}}"

/* It is not about the width of a terminal. */
unsigned pyi_inspection_columns(const struct pyi_options *options)
{
	(void)options;
	return 0;
}

struct outcome {
	struct pyi_error *error;
	enum pyi_exit exit;
	char *text;
};

typedef struct pyi_error *add_up(const struct pyi_options *options, struct pyi_envelope *envelope,
				 struct pyi_parts *parts, enum pyi_exit *ret_exit);

static struct pyi_part part_of(pid_t pid, const char *text)
{
	return (struct pyi_part){ .pid = pid,
				  .text = text ? strdup(text) : NULL,
				  .size = text ? strlen(text) : 0 };
}

/* Of two processes, which are taken over. */
static struct outcome add(add_up *function, struct pyi_part first, struct pyi_part second)
{
	struct pyi_options options = { .target = "unit:a", .format = PYI_FORMAT_JSON };
	struct pyi_envelope envelope = { .command = "top-types" };
	struct pyi_parts parts = { .items = calloc(2, sizeof(*parts.items)), .count = 2 };
	struct outcome outcome = { .exit = PYI_EXIT_OK };
	size_t size;

	options.out = open_memstream(&outcome.text, &size);
	assert_non_null(options.out);
	assert_non_null(parts.items);
	parts.items[0] = first;
	parts.items[1] = second;
	outcome.error = function(&options, &envelope, &parts, &outcome.exit);
	fclose(options.out);
	pyi_envelope_deinit(&envelope);
	pyi_parts_deinit(&parts);
	return outcome;
}

static void drop(struct outcome *outcome)
{
	pyi_error_destroy(outcome->error);
	free(outcome->text);
}

/* Nobody could say it but who had to end it: it must not look like "failed, target intact". */
static void test_not_restored(void **state)
{
	struct pyi_part lost = part_of(2, NULL);
	struct pyi_part late = part_of(3, NULL);
	struct outcome outcome;

	(void)state;
	lost.not_restored = true;
	outcome = add(pyi_add_up_types, late, lost);
	assert_non_null(outcome.error);
	assert_int_equal(outcome.error->exit, PYI_EXIT_NOT_RESTORED);
	assert_int_equal(outcome.error->code, PYI_ERROR_NOT_RESTORED);
	drop(&outcome);
	outcome = add(pyi_add_up_check, late, lost);
	assert_non_null(outcome.error);
	assert_int_equal(outcome.error->exit, PYI_EXIT_NOT_RESTORED);
	drop(&outcome);

	/* It is said beside what the others have. */
	outcome = add(pyi_add_up_types, part_of(1, TYPES), lost);
	assert_null(outcome.error);
	assert_int_equal(outcome.exit, PYI_EXIT_NOT_RESTORED);
	assert_non_null(strstr(outcome.text, "not-restored"));
	drop(&outcome);
	outcome = add(pyi_add_up_check, part_of(1, CHECK), lost);
	assert_null(outcome.error);
	assert_int_equal(outcome.exit, PYI_CHECK_CRITICAL);
	drop(&outcome);
}

/* Its report was complete, or said that it is no Python, when the broker had to be ended. */
static void test_not_restored_after_a_report(void **state)
{
	struct pyi_part reported = part_of(2, CHECK);
	struct pyi_part left_out = part_of(2, ERROR("not-python"));
	struct outcome outcome;

	(void)state;
	reported.not_restored = true;
	left_out.not_restored = true;
	outcome = add(pyi_add_up_check, part_of(1, CHECK), reported);
	assert_null(outcome.error);
	assert_int_equal(outcome.exit, PYI_CHECK_CRITICAL);
	assert_non_null(strstr(outcome.text, "process 2: nobody knows whether it is as it was"));
	drop(&outcome);
	outcome = add(pyi_add_up_check, part_of(1, CHECK), left_out);
	assert_int_equal(outcome.exit, PYI_CHECK_CRITICAL);
	drop(&outcome);
}

/* The error of all is the one of the process, with its code and what can be done about it. */
static void test_error_is_passed_on(void **state)
{
	struct pyi_part refused = part_of(2, ERROR("no-permission"));
	struct outcome outcome;

	(void)state;
	refused.exit_code = PYI_EXIT_ACCESS;
	outcome = add(pyi_add_up_types, part_of(1, ERROR("not-python")), refused);
	assert_non_null(outcome.error);
	assert_int_equal(outcome.error->exit, PYI_EXIT_ACCESS);
	assert_int_equal(outcome.error->code, PYI_ERROR_NO_PERMISSION);
	assert_string_equal(outcome.error->hint, "do so");
	drop(&outcome);
}

/* Two of five leak: that the median of the others is 0 does not mean that all have none. */
static void test_difference_to_most(void **state)
{
	struct pyi_group_member members[5] = { { .pid = 1 } };
	struct pyi_sum sum = { .group = { .members = members, .member_count = 5 } };
	const double counts[] = { 6000, 0, 5000, 0, 0 };
	char *text;

	(void)state;
	assert_null(pyi_sum_compare(&sum, "app.Session", counts));
	pyi_sum_end(&sum);
	assert_int_equal(sum.group.difference_count, 1);
	text = pyi_group_tell(&sum.group, sum.group.differences);
	assert_string_equal(text, "process 1 (1 of 5) has 6,000 app.Session, most of the others "
				  "have none");
	free(text);
	free(sum.group.differences[0].what);
	free(sum.group.differences);
}

static int report_file(size_t size)
{
	int fd = memfd_create("report", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* Many processes that have large reports do not use us up. */
static void test_reports_have_a_limit(void **state)
{
	struct pyi_parts parts = { .items = calloc(4, sizeof(*parts.items)),
				   .count = 4,
				   .text_limit = 100,
				   .room_bytes = 150 };
	const size_t sizes[] = { 100, 101, 51, 50 };
	const bool taken[] = { true, false, false, true };

	(void)state;
	assert_non_null(parts.items);
	for (size_t p = 0; p < 4; p++) {
		int fd = report_file(sizes[p]);

		pyi_parts_take(&parts, &parts.items[p], fd);
		close(fd);
		assert_int_equal(parts.items[p].text != NULL, taken[p]);
		assert_int_equal(parts.items[p].lost == NULL, taken[p]);
	}
	pyi_parts_deinit(&parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_restored),
		cmocka_unit_test(test_not_restored_after_a_report),
		cmocka_unit_test(test_error_is_passed_on),
		cmocka_unit_test(test_difference_to_most),
		cmocka_unit_test(test_reports_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
