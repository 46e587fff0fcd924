/*
 * Tests of src/broker/keeper.c: what is kept when a check has failed is kept by a process without
 * capabilities, and waited for only so long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "broker/keeper.h"
#include "tracee/wait.h"

enum {
	CODE = 3,
	BAD = 9,
	LIMIT_MS = 10000,
	SHORT_MS = 100,
	/* Of one that outlives a test that fails. */
	LIFE_S = 20,
};

static __attribute__((noreturn)) void keep_without_rights(void *argument)
{
	const pid_t *parent = argument;

	for (unsigned capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (pyi_confine_has_capability(capability))
			_exit(BAD);
	if (getpid() == *parent || getppid() != *parent ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
		_exit(BAD);
	_exit(CODE);
}

static __attribute__((noreturn)) void keep_for_long(void *argument)
{
	(void)argument;
	sleep(LIFE_S);
	_exit(CODE);
}

static __attribute__((noreturn)) void keep_and_crash(void *argument)
{
	(void)argument;
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	_exit(CODE);
}

static void test_without_rights(void **state)
{
	bool had = pyi_confine_has_capability(CAP_SYS_PTRACE);
	pid_t parent = getpid();
	int code = 0;

	(void)state;
	assert_true(pyi_keeper_run(keep_without_rights, &parent, LIMIT_MS, &code));
	assert_int_equal(code, CODE);
	/* It is the child that gave them up. */
	assert_true(pyi_confine_has_capability(CAP_SYS_PTRACE) == had);
}

static void test_late(void **state)
{
	uint64_t begun_ns = pyi_clock_now_ns();
	int code = BAD;

	(void)state;
	assert_false(pyi_keeper_run(keep_for_long, NULL, SHORT_MS, &code));
	assert_int_equal(code, BAD);
	assert_true(pyi_clock_now_ns() - begun_ns < LIFE_S * UINT64_C(1000000000));
	/* Killed. */
	assert_true(wait(&code) > 0);
	assert_true(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);
}

static void test_crash(void **state)
{
	int code = BAD;

	(void)state;
	assert_false(pyi_keeper_run(keep_and_crash, NULL, LIMIT_MS, &code));
	assert_int_equal(code, BAD);
}

/* The user's signal is for who waits for it, afterwards. */
static void test_signal_stays(void **state)
{
	pid_t parent = getpid();
	int code = 0;

	(void)state;
	kill(parent, SIGTERM);
	assert_true(pyi_keeper_run(keep_without_rights, &parent, LIMIT_MS, &code));
	assert_int_equal(code, CODE);
	assert_true(pyi_wait_is_cancelled());
	assert_int_equal(pyi_wait_cancel_signal(), SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_rights),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_signal_stays),
	};

	pyi_wait_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
