/*
 * Tests of src/broker/supervisor.c: whatever becomes of a worker, a broker or a keeper, the run
 * ends in time, says what happened, and leaves nobody behind. The broker is the real one, with
 * nothing to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker/channel.h"
#include "broker/supervisor.h"
#include "tracee/wait.h"

enum {
	DEADLINE_MS = 100,
	/* What a busy machine adds. */
	SLACK_MS = 300,
	WORKER_LATE_MS = DEADLINE_MS + 450,
	ALL_LATE_MS = DEADLINE_MS + 900,
	CODE = 7,
	KEEPER_CODE = 3,
	/* Of those who outlive a test that fails. */
	LIFE_S = 20,
};

typedef __attribute__((noreturn)) void (*work_function)(void *, int, int);

struct outcome {
	struct pyi_supervised supervised;
	uint64_t took_ms;
	/* Children that were not waited for. */
	int left;
};

/* One that nobody has open any more when all processes of a run have gone. */
static int alive_fd;

static __attribute__((noreturn)) void hang(void)
{
	sleep(LIFE_S);
	_exit(99);
}

static void await_end_of(int fd)
{
	char byte;

	pyi_channel_receive(fd, &byte, sizeof(byte), NULL);
}

static __attribute__((noreturn)) void work_exit(void *argument, int broker_fd, int keeper_fd)
{
	(void)argument;
	(void)broker_fd;
	(void)keeper_fd;
	_exit(CODE);
}

static __attribute__((noreturn)) void work_crash(void *argument, int broker_fd, int keeper_fd)
{
	(void)argument;
	(void)broker_fd;
	(void)keeper_fd;
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	_exit(CODE);
}

static __attribute__((noreturn)) void work_hang(void *argument, int broker_fd, int keeper_fd)
{
	(void)argument;
	(void)broker_fd;
	(void)keeper_fd;
	hang();
}

static __attribute__((noreturn)) void work_spin(void *argument, int broker_fd, int keeper_fd)
{
	uint64_t end_ns = pyi_clock_deadline(LIFE_S * UINT64_C(1000), PYI_CLOCK_NEVER);

	(void)argument;
	(void)broker_fd;
	(void)keeper_fd;
	while (!pyi_clock_passed(end_ns))
		;
	_exit(CODE);
}

static __attribute__((noreturn)) void work_stop(void *argument, int broker_fd, int keeper_fd)
{
	(void)argument;
	(void)broker_fd;
	(void)keeper_fd;
	raise(SIGSTOP);
	hang();
}

/* Until its keeper has ended. */
static __attribute__((noreturn)) void work_serve(void *argument, int broker_fd, int keeper_fd)
{
	(void)argument;
	(void)broker_fd;
	await_end_of(keeper_fd);
	_exit(0);
}

/* As one that cannot die: its ends of the channels stay open. */
static __attribute__((noreturn)) void work_cling(void *argument, int broker_fd, int keeper_fd)
{
	(void)argument;
	(void)broker_fd;
	(void)keeper_fd;
	if (fork() == 0) {
		/* Not counted among those that are alive. */
		close(alive_fd);
		sleep(DEADLINE_MS / 100 + 2);
		_exit(0);
	}
	hang();
}

static void stop_broker(void)
{
	char path[64];
	FILE *stream;
	int broker = 0;

	/* The first that was started. */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getppid(), getppid());
	stream = fopen(path, "re");
	if (!stream || fscanf(stream, "%d", &broker) != 1 || kill(broker, SIGSTOP))
		_exit(99);
	fclose(stream);
}

static __attribute__((noreturn)) void work_after_stopping_broker(void *argument, int broker_fd,
								 int keeper_fd)
{
	(void)argument;
	(void)broker_fd;
	(void)keeper_fd;
	stop_broker();
	_exit(CODE);
}

static __attribute__((noreturn)) void work_all_hang(void *argument, int broker_fd, int keeper_fd)
{
	(void)argument;
	(void)broker_fd;
	(void)keeper_fd;
	stop_broker();
	hang();
}

static __attribute__((noreturn)) void keep_until_worker_ends(void *argument, int worker_fd)
{
	(void)argument;
	await_end_of(worker_fd);
	_exit(KEEPER_CODE);
}

static __attribute__((noreturn)) void keep_exit(void *argument, int worker_fd)
{
	(void)argument;
	(void)worker_fd;
	_exit(KEEPER_CODE);
}

static __attribute__((noreturn)) void keep_stop(void *argument, int worker_fd)
{
	(void)argument;
	(void)worker_fd;
	raise(SIGSTOP);
	hang();
}

/* In a process of its own: a signal of the user is for good. */
static pid_t begin(const struct pyi_supervision *what, int *ret_result_fd, int *ret_alive_fd)
{
	int results[2];
	int alive[2];
	sigset_t signals;
	sigset_t before;
	pid_t pid;

	assert_int_equal(pipe(results), 0);
	assert_int_equal(pipe(alive), 0);
	/* One that comes before it is ready to hear of it waits. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGQUIT);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid == 0) {
		struct pyi_supervision supervision = *what;
		struct outcome outcome = { 0 };
		uint64_t begun_ns = pyi_clock_now_ns();
		struct pyi_error *error;

		close(results[0]);
		close(alive[0]);
		alive_fd = alive[1];
		/* What began the tests in the background may have it ignored. */
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		pyi_wait_init();
		if (supervision.deadline_ns != PYI_CLOCK_NEVER)
			supervision.deadline_ns = pyi_clock_deadline(DEADLINE_MS, PYI_CLOCK_NEVER);
		error = pyi_supervise(&supervision, &outcome.supervised);
		outcome.took_ms = (uint64_t)pyi_clock_ms_since(begun_ns);
		while (!error && waitpid(-1, NULL, WNOHANG | __WALL) >= 0)
			outcome.left++;
		_exit(error || write(results[1], &outcome, sizeof(outcome)) != sizeof(outcome));
	}
	close(results[1]);
	close(alive[1]);
	*ret_result_fd = results[0];
	*ret_alive_fd = alive[0];
	return pid;
}

/* All that have inherited it are gone. */
static void assert_nobody_lives(int fd)
{
	struct pollfd wait = { .fd = fd };

	assert_int_equal(poll(&wait, 1, SLACK_MS), 1);
	assert_true(wait.revents & POLLHUP);
	close(fd);
}

static struct outcome finish(pid_t pid, int result_fd, int fd)
{
	struct outcome outcome;
	int status;

	assert_int_equal(read(result_fd, &outcome, sizeof(outcome)), sizeof(outcome));
	close(result_fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_nobody_lives(fd);
	assert_int_equal(outcome.left, 0);
	assert_false(outcome.supervised.not_restored);
	return outcome;
}

static struct outcome run(const struct pyi_supervision *supervision)
{
	int result_fd;
	int fd;
	pid_t pid = begin(supervision, &result_fd, &fd);

	return finish(pid, result_fd, fd);
}

static void assert_took(const struct outcome *outcome, uint64_t ms)
{
	assert_in_range(outcome->took_ms, ms, ms + SLACK_MS);
}

static void assert_killed(const struct outcome *outcome)
{
	assert_true(outcome->supervised.overdue);
	assert_int_equal(outcome->supervised.signal, SIGKILL);
}

static void test_worker_exits(void **state)
{
	const struct pyi_supervision supervision = { .work = work_exit,
						     .deadline_ns = PYI_CLOCK_NEVER };
	struct outcome outcome = run(&supervision);

	(void)state;
	assert_took(&outcome, 0);
	assert_int_equal(outcome.supervised.exit_code, CODE);
	assert_int_equal(outcome.supervised.signal, 0);
	assert_false(outcome.supervised.overdue);
}

static void test_worker_crashes(void **state)
{
	const struct pyi_supervision supervision = { .work = work_crash,
						     .deadline_ns = PYI_CLOCK_NEVER };
	struct outcome outcome = run(&supervision);

	(void)state;
	assert_took(&outcome, 0);
	assert_int_equal(outcome.supervised.signal, SIGSEGV);
	assert_false(outcome.supervised.overdue);
}

static void test_worker_is_late(void **state)
{
	static const work_function works[] = { work_hang, work_spin, work_stop, work_cling };

	(void)state;
	for (size_t w = 0; w < sizeof(works) / sizeof(works[0]); w++) {
		const struct pyi_supervision supervision = { .work = works[w] };
		struct outcome outcome = run(&supervision);

		/* The broker ends at once, though the channel may still be open. */
		assert_took(&outcome, WORKER_LATE_MS);
		assert_killed(&outcome);
		assert_int_equal(outcome.supervised.cancel_signal, 0);
	}
}

static void test_user_wants_to_end(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	(void)state;
	for (size_t s = 0; s < sizeof(signals) / sizeof(signals[0]); s++) {
		const struct pyi_supervision supervision = { .work = work_stop,
							     .deadline_ns = PYI_CLOCK_NEVER };
		struct outcome outcome;
		uint64_t begun_ns = pyi_clock_now_ns();
		int result_fd;
		int fd;
		pid_t pid = begin(&supervision, &result_fd, &fd);

		usleep(DEADLINE_MS * 1000);
		assert_int_equal(kill(pid, signals[s]), 0);
		outcome = finish(pid, result_fd, fd);
		/* By this clock: the other one begins when that process does. */
		outcome.took_ms = (uint64_t)pyi_clock_ms_since(begun_ns);
		assert_took(&outcome, WORKER_LATE_MS - DEADLINE_MS / 2);
		assert_killed(&outcome);
		assert_int_equal(outcome.supervised.cancel_signal, signals[s]);
	}
}

static void test_broker_is_late(void **state)
{
	const struct pyi_supervision supervision = { .work = work_after_stopping_broker };
	struct outcome outcome = run(&supervision);

	(void)state;
	assert_took(&outcome, ALL_LATE_MS);
	assert_true(outcome.supervised.overdue);
	/* It has done nothing, and so nothing is to be restored. */
	assert_int_equal(outcome.supervised.signal, 0);
	assert_int_equal(outcome.supervised.exit_code, CODE);
}

static void test_all_are_late(void **state)
{
	const struct pyi_supervision supervision = { .work = work_all_hang, .keep = keep_stop };
	struct outcome outcome = run(&supervision);

	(void)state;
	assert_took(&outcome, ALL_LATE_MS);
	assert_killed(&outcome);
}

static void test_keeper_ends_first(void **state)
{
	const struct pyi_supervision supervision = { .work = work_serve,
						     .keep = keep_exit,
						     .deadline_ns = PYI_CLOCK_NEVER };
	struct outcome outcome = run(&supervision);

	(void)state;
	assert_took(&outcome, 0);
	assert_int_equal(outcome.supervised.exit_code, KEEPER_CODE);
	assert_false(outcome.supervised.overdue);
}

static void test_keeper_outlives_worker(void **state)
{
	static const work_function works[] = { work_exit, work_crash };

	(void)state;
	for (size_t w = 0; w < sizeof(works) / sizeof(works[0]); w++) {
		const struct pyi_supervision supervision = { .work = works[w],
							     .keep = keep_until_worker_ends,
							     .deadline_ns = PYI_CLOCK_NEVER };
		struct outcome outcome = run(&supervision);

		assert_took(&outcome, 0);
		assert_int_equal(outcome.supervised.signal, 0);
		assert_int_equal(outcome.supervised.exit_code, KEEPER_CODE);
		assert_false(outcome.supervised.overdue);
	}
}

static void test_keeper_reports_that_the_worker_was_late(void **state)
{
	static const work_function works[] = { work_hang, work_cling };

	(void)state;
	for (size_t w = 0; w < sizeof(works) / sizeof(works[0]); w++) {
		const struct pyi_supervision supervision = { .work = works[w],
							     .keep = keep_until_worker_ends };
		struct outcome outcome = run(&supervision);

		assert_took(&outcome, WORKER_LATE_MS);
		assert_true(outcome.supervised.overdue);
		assert_int_equal(outcome.supervised.signal, 0);
		assert_int_equal(outcome.supervised.exit_code, KEEPER_CODE);
	}
}

static void test_keeper_is_late(void **state)
{
	const struct pyi_supervision supervision = { .work = work_exit, .keep = keep_stop };
	struct outcome outcome = run(&supervision);

	(void)state;
	assert_took(&outcome, ALL_LATE_MS);
	assert_killed(&outcome);
}

static void test_supervisor_is_killed(void **state)
{
	const struct pyi_supervision supervision = { .work = work_stop,
						     .keep = keep_stop,
						     .deadline_ns = PYI_CLOCK_NEVER };
	int result_fd;
	int fd;
	pid_t pid = begin(&supervision, &result_fd, &fd);

	(void)state;
	usleep(DEADLINE_MS * 1000);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_nobody_lives(fd);
	close(result_fd);
}

/* The status of a process that ends so, or by a signal (0: none). */
static int status_of(int exit_code, int number)
{
	pid_t pid = fork();
	int status;

	if (pid == 0 && number)
		raise(number);
	if (pid == 0)
		_exit(exit_code);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_what_a_broker_left(void **state)
{
	(void)state;
	assert_true(pyi_supervisor_was_restored(status_of(PYI_EXIT_OK, 0), 0));
	/* Of a target that has ended nothing is owed, whatever was not paid. */
	assert_true(pyi_supervisor_was_restored(status_of(PYI_EXIT_OK, 0), 1));
	assert_false(pyi_supervisor_was_restored(status_of(PYI_EXIT_NOT_RESTORED, 0), 0));
	assert_true(pyi_supervisor_was_restored(status_of(0, SIGKILL), 0));
	assert_false(pyi_supervisor_was_restored(status_of(0, SIGKILL), 1));
	/* It did not come to its own end. */
	assert_true(pyi_supervisor_was_restored(status_of(99, 0), 0));
	assert_false(pyi_supervisor_was_restored(status_of(99, 0), 1));
	assert_false(pyi_supervisor_was_restored(status_of(1, 0), 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worker_exits),
		cmocka_unit_test(test_worker_crashes),
		cmocka_unit_test(test_worker_is_late),
		cmocka_unit_test(test_user_wants_to_end),
		cmocka_unit_test(test_broker_is_late),
		cmocka_unit_test(test_all_are_late),
		cmocka_unit_test(test_keeper_ends_first),
		cmocka_unit_test(test_keeper_outlives_worker),
		cmocka_unit_test(test_keeper_reports_that_the_worker_was_late),
		cmocka_unit_test(test_keeper_is_late),
		cmocka_unit_test(test_supervisor_is_killed),
		cmocka_unit_test(test_what_a_broker_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
