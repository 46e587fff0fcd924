/*
 * A child that is asked several things: one child for all of them; one that does not answer, that
 * ends, and that the user does not want to wait for.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "broker/errand.h"
#include "tracee/wait.h"

enum what {
	OPEN_IT,
	NEVER_END,
	DIE,
};

struct outcome {
	pid_t pid;
	/* How many were asked of the same child before. */
	uint32_t before;
};

static int do_it(void *argument, const void *question, void *ret_outcome)
{
	const enum what *what = question;
	struct outcome *outcome = ret_outcome;
	uint32_t *count = argument;

	outcome->pid = getpid();
	outcome->before = (*count)++;
	if (*what == NEVER_END)
		pause();
	if (*what == DIE)
		_exit(0);
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static uint32_t asked;

static const struct pyi_errand errand = {
	.run = do_it,
	.argument = &asked,
	.kept_fd = -1,
	.question_bytes = sizeof(enum what),
	.outcome_bytes = sizeof(struct outcome),
	.deadline_ns = PYI_CLOCK_NEVER,
};

static enum pyi_errand_end ask(struct pyi_errand_child *child, enum what what, uint64_t limit_ms,
			       struct outcome *ret_outcome)
{
	enum pyi_errand_end end;
	int fd;

	end = pyi_errand_ask(&errand, child, &what, pyi_clock_deadline(limit_ms, PYI_CLOCK_NEVER),
			     ret_outcome, &fd);
	assert_int_equal(fd >= 0, end == PYI_ERRAND_DONE);
	if (fd >= 0)
		close(fd);
	return end;
}

/* On a machine with no processor to spare one that was killed dies later than is waited for it. */
static void assert_no_child(const struct pyi_errand_child *child)
{
	pid_t left = waitpid(-1, NULL, WNOHANG);

	assert_int_equal(child->pid, 0);
	assert_int_equal(child->channel_fd, -1);
	if (left == 0) {
		waitpid(-1, NULL, 0);
		left = waitpid(-1, NULL, WNOHANG);
	}
	assert_int_equal(left, -1);
}

static void test_one_child_serves_all(void **state)
{
	struct pyi_errand_child child = { 0, -1 };
	struct outcome outcome;
	pid_t pid;

	(void)state;
	assert_int_equal(ask(&child, OPEN_IT, 10000, &outcome), PYI_ERRAND_DONE);
	pid = outcome.pid;
	assert_int_not_equal(pid, getpid());
	for (uint32_t before = 1; before < 20; before++) {
		assert_int_equal(ask(&child, OPEN_IT, 10000, &outcome), PYI_ERRAND_DONE);
		assert_int_equal(outcome.pid, pid);
		assert_int_equal(outcome.before, before);
	}
	pyi_errand_end(&child);
	assert_no_child(&child);
}

static void test_one_that_does_not_answer(void **state)
{
	struct pyi_errand_child child = { 0, -1 };
	struct outcome outcome;
	pid_t pid;

	(void)state;
	assert_int_equal(ask(&child, OPEN_IT, 10000, &outcome), PYI_ERRAND_DONE);
	pid = outcome.pid;
	assert_int_equal(ask(&child, NEVER_END, 100, &outcome), PYI_ERRAND_LATE);
	assert_no_child(&child);
	/* Another one takes its place. */
	assert_int_equal(ask(&child, OPEN_IT, 10000, &outcome), PYI_ERRAND_DONE);
	assert_int_not_equal(outcome.pid, pid);
	pyi_errand_end(&child);
	assert_no_child(&child);
}

static void test_one_that_ends(void **state)
{
	struct pyi_errand_child child = { 0, -1 };
	struct outcome outcome;

	(void)state;
	assert_int_equal(ask(&child, DIE, 10000, &outcome), PYI_ERRAND_FAILED);
	assert_no_child(&child);
	assert_int_equal(ask(&child, OPEN_IT, 10000, &outcome), PYI_ERRAND_DONE);
	/* Between two questions. */
	assert_int_equal(kill(child.pid, SIGKILL), 0);
	assert_int_equal(ask(&child, OPEN_IT, 10000, &outcome), PYI_ERRAND_FAILED);
	assert_no_child(&child);
}

/* The last one: a signal that was taken note of stays so. */
static void test_the_user_wants_to_end(void **state)
{
	struct pyi_errand_child child = { 0, -1 };
	struct outcome outcome;
	uint64_t start_ns = pyi_clock_now_ns();

	(void)state;
	kill(getpid(), SIGTERM);
	assert_int_equal(ask(&child, NEVER_END, 60000, &outcome), PYI_ERRAND_LATE);
	assert_true(pyi_clock_ms_since(start_ns) < 30000);
	assert_int_equal(pyi_wait_cancel_signal(), SIGTERM);
	assert_no_child(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_child_serves_all),
		cmocka_unit_test(test_one_that_does_not_answer),
		cmocka_unit_test(test_one_that_ends),
		cmocka_unit_test(test_the_user_wants_to_end),
	};

	pyi_wait_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
