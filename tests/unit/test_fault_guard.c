/*
 * Tests of src/base/fault_guard.c: what is contained, what stays fatal, and that nothing is left
 * behind.
 */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fault_guard.h"

static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };

enum {
	FAULT_COUNT = sizeof(faults) / sizeof(faults[0]),
	STACK_BYTES = 1 << 20,
	/* SA_RESTORER of asm/signal.h, which the C library adds to what it is given. */
	OF_LIBRARY = 0x04000000,
};

static void do_nothing(void *argument)
{
	*(int *)argument += 1;
}

static void write_to_nowhere(void *argument)
{
	*(volatile int *)argument = 1;
}

static void run_no_instruction(void *argument)
{
	(void)argument;
	__builtin_trap();
}

static void leave_and_write(void *argument)
{
	pyi_fault_guard_leave();
	write_to_nowhere(argument);
}

static void leave_enter_and_write(void *argument)
{
	pyi_fault_guard_leave();
	pyi_fault_guard_enter();
	write_to_nowhere(argument);
}

static void send_to_myself(void *argument)
{
	(void)argument;
	raise(SIGFPE);
}

static void run_again(void *argument)
{
	*(bool *)argument = pyi_fault_guard_run(do_nothing, NULL);
}

__attribute__((noinline)) static int recurse(int depth)
{
	volatile char much[1024];

	much[depth % 1024] = (char)depth;
	return depth == INT_MAX ? 0 : recurse(depth + 1) + much[depth % 1024];
}

static void exhaust_stack(void *argument)
{
	*(int *)argument = recurse(0);
}

/* A page that nothing may be done with. */
static void *nowhere(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

struct before {
	struct sigaction actions[FAULT_COUNT];
	stack_t stack;
	sigset_t mask;
};

static struct before remember(void)
{
	struct before before = { 0 };

	for (size_t f = 0; f < FAULT_COUNT; f++) {
		sigaction(faults[f], NULL, &before.actions[f]);
		before.actions[f].sa_flags &= ~OF_LIBRARY;
	}
	sigaltstack(NULL, &before.stack);
	sigprocmask(SIG_SETMASK, NULL, &before.mask);
	return before;
}

static void expect_as(const struct before *before)
{
	struct before now = remember();

	for (size_t f = 0; f < FAULT_COUNT; f++) {
		assert_ptr_equal(now.actions[f].sa_handler, before->actions[f].sa_handler);
		assert_int_equal(now.actions[f].sa_flags, before->actions[f].sa_flags);
		assert_int_equal(sigismember(&now.mask, faults[f]), 0);
	}
	assert_ptr_equal(now.stack.ss_sp, before->stack.ss_sp);
	assert_int_equal(now.stack.ss_flags, before->stack.ss_flags);
}

/* In a child with handlers of the system: the signal that ends it, or 0. */
static int ending_signal(void (*work)(void *argument), bool guarded)
{
	struct rlimit none = { 0 };
	int status;
	pid_t child = fork();

	if (!child) {
		setrlimit(RLIMIT_CORE, &none);
		for (size_t f = 0; f < FAULT_COUNT; f++)
			signal(faults[f], SIG_DFL);
		if (guarded)
			pyi_fault_guard_run(work, nowhere());
		else
			work(nowhere());
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_without_fault(void **state)
{
	struct before before = remember();
	int calls = 0;

	(void)state;
	assert_true(pyi_fault_guard_run(do_nothing, &calls));
	assert_int_equal(calls, 1);
	expect_as(&before);
}

static void test_faults(void **state)
{
	struct before before = remember();

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		assert_false(pyi_fault_guard_run(write_to_nowhere, nowhere()));
		expect_as(&before);
		assert_false(pyi_fault_guard_run(run_no_instruction, NULL));
		expect_as(&before);
		assert_false(pyi_fault_guard_run(leave_enter_and_write, nowhere()));
		expect_as(&before);
	}
}

/* In a child whose stack may not grow far. */
static void test_lack_of_stack(void **state)
{
	struct rlimit limit = { STACK_BYTES, STACK_BYTES };
	int result = 0;
	int status;
	pid_t child = fork();

	(void)state;
	if (!child) {
		setrlimit(RLIMIT_STACK, &limit);
		_exit(pyi_fault_guard_run(exhaust_stack, &result) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_own_faults_are_fatal(void **state)
{
	(void)state;
	assert_int_equal(ending_signal(write_to_nowhere, true), 0);
	assert_int_equal(ending_signal(write_to_nowhere, false), SIGSEGV);
	assert_int_equal(ending_signal(leave_and_write, true), SIGSEGV);
	/* Sent, not caused. */
	assert_int_equal(ending_signal(send_to_myself, true), SIGFPE);
}

static void test_does_not_nest(void **state)
{
	struct before before = remember();
	bool inner = true;

	(void)state;
	assert_true(pyi_fault_guard_run(run_again, &inner));
	assert_false(inner);
	expect_as(&before);
	/* Nothing to enter. */
	pyi_fault_guard_enter();
	assert_int_equal(ending_signal(write_to_nowhere, false), SIGSEGV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_fault), cmocka_unit_test(test_faults),
		cmocka_unit_test(test_lack_of_stack), cmocka_unit_test(test_own_faults_are_fatal),
		cmocka_unit_test(test_does_not_nest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
