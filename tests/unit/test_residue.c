/*
 * Tests of src/snapshot/residue.c on children of our own, to which is done what must not be left.
 *
 * The child that plays the target sleeps in read() for ever; what changes without its doing is
 * changed by a helper that shares its memory and descriptors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "process/process.h"
#include "snapshot/residue.h"

enum {
	HELPER_STACK_BYTES = 65536,
	MAPPED_BYTES = 1 << 20,
	MANY_THREADS = 300,
};

/* A target: what it waits for, and its description. */
struct fixture {
	pid_t pid;
	/* Commands for its helper, and the answers. */
	int commands[2];
	int answers[2];
	struct pyi_process process;
	struct pyi_snapshot_target target;
	struct pyi_residue_state before;
	struct pyi_residue residue;
	/* A child of the target, or 0. */
	pid_t child_pid;
};

static int commands_fd;
static int answers_fd;

/* Shares memory and descriptors with the target: what it does is done to the target. */
static int help(void *unused)
{
	char command;

	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(commands_fd, &command, 1) == 1) {
		if (command == 'd' && dup(0) < 0)
			_exit(1);
		if (command == 'm' && mmap(NULL, MAPPED_BYTES, PROT_READ,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			_exit(1);
		if (write(answers_fd, "", 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static void *sleep_in_thread(void *unused)
{
	(void)unused;
	sleep_for_ever();
	return NULL;
}

/* A process that changes its descriptors, its memory and its mask all the time. */
static void be_busy(void)
{
	for (;;) {
		sigset_t every;
		int fd = dup(0);

		free(malloc(MAPPED_BYTES));
		sigfillset(&every);
		sigprocmask(SIG_BLOCK, &every, NULL);
		usleep(100);
		sigprocmask(SIG_UNBLOCK, &every, NULL);
		close(fd);
	}
}

/* Makes a child whose own child it is: without exit signal, as a snapshot. It sleeps, or is dead.
 */
static void make_snapshot(bool dead, int exit_signal)
{
	pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)exit_signal, NULL, NULL, NULL, NULL);

	if (pid == 0) {
		if (dead)
			_exit(0);
		sleep_for_ever();
	}
	if (write(answers_fd, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
}

static void be_target(char kind)
{
	static char stack[HELPER_STACK_BYTES] __attribute__((aligned(16)));

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kind == 'h' &&
	    clone(help, stack + sizeof(stack), CLONE_VM | CLONE_FILES | SIGCHLD, NULL) < 0)
		_exit(1);
	if (kind == 's' || kind == 'z')
		make_snapshot(kind == 'z', 0);
	if (kind == 'c')
		make_snapshot(false, SIGCHLD);
	for (int number = 0; kind == 't' && number < MANY_THREADS; number++) {
		pthread_attr_t attributes;
		pthread_t thread;

		pthread_attr_init(&attributes);
		pthread_attr_setstacksize(&attributes, HELPER_STACK_BYTES);
		if (pthread_create(&thread, &attributes, sleep_in_thread, NULL) != 0)
			_exit(1);
	}
	if (kind == 'b')
		be_busy();
	sleep_for_ever();
}

static char state_of(const struct fixture *fixture)
{
	struct pyi_process_status status;
	struct pyi_error *error = pyi_process_read_status(&fixture->process, 0, &status);

	assert_null(error);
	return status.state;
}

static void await_state(const struct fixture *fixture, const char *states)
{
	while (!strchr(states, state_of(fixture)))
		sched_yield();
}

/* Starts a target of this kind and looks at it. */
static void start(struct fixture *fixture, char kind)
{
	struct pyi_error *error;

	*fixture = (struct fixture){ .process.proc_fd = -1 };
	assert_int_equal(pipe(fixture->commands), 0);
	assert_int_equal(pipe(fixture->answers), 0);
	commands_fd = fixture->commands[0];
	answers_fd = fixture->answers[1];
	fixture->pid = fork();
	assert_true(fixture->pid >= 0);
	if (fixture->pid == 0) {
		be_target(kind);
		_exit(1);
	}
	error = pyi_process_open(fixture->pid, &fixture->process);
	assert_null(error);
	fixture->target.process = &fixture->process;
	if (strchr("szc", kind))
		assert_int_equal(
			read(fixture->answers[0], &fixture->child_pid, sizeof(fixture->child_pid)),
			sizeof(fixture->child_pid));
	fixture->target.last_pid = fixture->child_pid;
	if (kind == 'h') {
		char answer;

		/* It is there when it has answered. */
		assert_int_equal(write(fixture->commands[1], "x", 1), 1);
		assert_int_equal(read(fixture->answers[0], &answer, 1), 1);
	}
	if (kind == 't') {
		struct pyi_process_status status = { 0 };

		while (status.thread_count <= MANY_THREADS)
			assert_null(pyi_process_read_status(&fixture->process, 0, &status));
	}
	if (kind != 'b')
		await_state(fixture, "S");
	pyi_residue_before(&fixture->process, &fixture->before);
	assert_true(fixture->before.known);
}

/* The helper does that to the target. */
static void command(struct fixture *fixture, char what)
{
	char answer;

	assert_int_equal(write(fixture->commands[1], &what, 1), 1);
	assert_int_equal(read(fixture->answers[0], &answer, 1), 1);
}

static void look(struct fixture *fixture)
{
	pyi_residue_after(&fixture->target, &fixture->before, &fixture->residue);
}

static void finish(struct fixture *fixture)
{
	int status;

	pyi_residue_state_deinit(&fixture->before);
	pyi_process_close(&fixture->process);
	/* As long as its parent does not wait for it, the number is its own. */
	if (fixture->child_pid)
		kill(fixture->child_pid, SIGKILL);
	kill(fixture->pid, SIGKILL);
	while (waitpid(fixture->pid, &status, __WALL) == fixture->pid && WIFSTOPPED(status))
		;
	for (int i = 0; i < 2; i++) {
		close(fixture->commands[i]);
		close(fixture->answers[i]);
	}
}

static void expect_only(const struct fixture *fixture, const char *code, bool certain)
{
	struct pyi_error *error = pyi_residue_error(&fixture->target, &fixture->residue);

	for (size_t i = 0; i < fixture->residue.count; i++)
		if (strcmp(fixture->residue.items[i].code, code) != 0)
			fail_msg("%s: %s", fixture->residue.items[i].code,
				 fixture->residue.items[i].message);
	assert_int_equal(fixture->residue.count, 1);
	assert_true(fixture->residue.items[0].message[0]);
	assert_int_equal(fixture->residue.items[0].certain, certain);
	assert_int_equal(error != NULL, certain);
	if (error) {
		assert_string_equal(pyi_error_code_name(error->code), "residue");
		assert_int_equal(error->exit, PYI_EXIT_NOT_RESTORED);
	}
	pyi_error_destroy(error);
}

static void expect_nothing(const struct fixture *fixture)
{
	if (fixture->residue.count)
		fail_msg("%s: %s", fixture->residue.items[0].code,
			 fixture->residue.items[0].message);
	assert_null(pyi_residue_error(&fixture->target, &fixture->residue));
}

static void test_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	start(&fixture, 'h');
	look(&fixture);
	expect_nothing(&fixture);
	finish(&fixture);
}

static void stop_by_ptrace(const struct fixture *fixture)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, fixture->pid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, fixture->pid, NULL, NULL), 0);
	assert_int_equal(waitpid(fixture->pid, &status, __WALL), fixture->pid);
	assert_true(WIFSTOPPED(status));
}

static void test_tracer(void **state)
{
	struct fixture fixture;

	(void)state;
	start(&fixture, 'p');
	assert_int_equal(ptrace(PTRACE_SEIZE, fixture.pid, NULL, NULL), 0);
	look(&fixture);
	expect_only(&fixture, "tracer", true);
	finish(&fixture);

	start(&fixture, 'p');
	stop_by_ptrace(&fixture);
	look(&fixture);
	expect_only(&fixture, "tracer", true);
	assert_int_equal(ptrace(PTRACE_DETACH, fixture.pid, NULL, NULL), 0);
	await_state(&fixture, "S");
	fixture.target.stop_count = 1;
	look(&fixture);
	expect_nothing(&fixture);
	finish(&fixture);
}

static void test_signal_mask(void **state)
{
	const uint64_t every = UINT64_MAX;
	const uint64_t some = UINT64_C(1) << (SIGUSR1 - 1);
	struct fixture fixture;

	(void)state;
	start(&fixture, 'p');
	stop_by_ptrace(&fixture);
	assert_int_equal(ptrace(PTRACE_SETSIGMASK, fixture.pid, (void *)sizeof(every), &every), 0);
	assert_int_equal(ptrace(PTRACE_DETACH, fixture.pid, NULL, NULL), 0);
	await_state(&fixture, "S");
	look(&fixture);
	expect_only(&fixture, "signal-mask", true);
	/* One that was so before is its own affair. */
	pyi_residue_state_deinit(&fixture.before);
	pyi_residue_before(&fixture.process, &fixture.before);
	look(&fixture);
	expect_nothing(&fixture);
	finish(&fixture);

	/* We never leave some signals blocked: that is the target's own doing. */
	start(&fixture, 'p');
	stop_by_ptrace(&fixture);
	assert_int_equal(ptrace(PTRACE_SETSIGMASK, fixture.pid, (void *)sizeof(some), &some), 0);
	assert_int_equal(ptrace(PTRACE_DETACH, fixture.pid, NULL, NULL), 0);
	await_state(&fixture, "S");
	look(&fixture);
	expect_nothing(&fixture);
	finish(&fixture);
}

static void test_stopped(void **state)
{
	struct fixture fixture;

	(void)state;
	start(&fixture, 'p');
	kill(fixture.pid, SIGSTOP);
	await_state(&fixture, "T");
	look(&fixture);
	expect_only(&fixture, "stopped", false);
	/* Stopped before, and stopped now. */
	pyi_residue_state_deinit(&fixture.before);
	pyi_residue_before(&fixture.process, &fixture.before);
	look(&fixture);
	expect_nothing(&fixture);
	finish(&fixture);
}

static void test_snapshot(void **state)
{
	struct fixture fixture;

	(void)state;
	for (const char *kind = "sz"; *kind; kind++) {
		start(&fixture, *kind);
		look(&fixture);
		expect_only(&fixture, "snapshot", true);
		/* If there was no snapshot, or it was another process, there is none. */
		fixture.target.last_pid = 0;
		look(&fixture);
		expect_nothing(&fixture);
		fixture.target.last_pid = getpid();
		look(&fixture);
		expect_nothing(&fixture);
		finish(&fixture);
	}
	/* The number was given to a child of its own. */
	start(&fixture, 'c');
	look(&fixture);
	expect_nothing(&fixture);
	finish(&fixture);
}

static void test_still_target(void **state)
{
	struct fixture fixture;

	(void)state;
	start(&fixture, 'h');
	command(&fixture, 'd');
	look(&fixture);
	expect_only(&fixture, "descriptors", false);
	finish(&fixture);

	start(&fixture, 'h');
	command(&fixture, 'm');
	look(&fixture);
	expect_only(&fixture, "mappings", false);
	finish(&fixture);
}

static void block_signal(const struct fixture *fixture)
{
	const uint64_t some = UINT64_C(1) << (SIGUSR1 - 1);

	stop_by_ptrace(fixture);
	assert_int_equal(ptrace(PTRACE_SETSIGMASK, fixture->pid, (void *)sizeof(some), &some), 0);
	assert_int_equal(ptrace(PTRACE_DETACH, fixture->pid, NULL, NULL), 0);
	await_state(fixture, "S");
}

static void test_pending_signal(void **state)
{
	struct fixture fixture;

	(void)state;
	start(&fixture, 'p');
	block_signal(&fixture);
	pyi_residue_state_deinit(&fixture.before);
	pyi_residue_before(&fixture.process, &fixture.before);
	kill(fixture.pid, SIGUSR1);
	look(&fixture);
	expect_only(&fixture, "pending-signal", false);
	finish(&fixture);
}

/* Whatever it does itself is not ours. */
static void test_busy_target(void **state)
{
	struct fixture fixture;

	(void)state;
	start(&fixture, 'b');
	for (int number = 0; number < 200; number++) {
		look(&fixture);
		expect_nothing(&fixture);
	}
	finish(&fixture);
}

static void test_many_threads(void **state)
{
	struct fixture fixture;

	(void)state;
	start(&fixture, 't');
	assert_true(fixture.before.truncated);
	assert_int_equal(fixture.before.thread_count, PYI_RESIDUE_THREADS);
	look(&fixture);
	expect_nothing(&fixture);
	finish(&fixture);
}

static void test_dead_target(void **state)
{
	struct pyi_residue_state nothing;
	struct fixture fixture;
	int status;

	(void)state;
	start(&fixture, 'p');
	kill(fixture.pid, SIGKILL);
	/* First a zombie, then gone. */
	await_state(&fixture, "Z");
	look(&fixture);
	expect_nothing(&fixture);
	assert_int_equal(waitpid(fixture.pid, &status, 0), fixture.pid);
	look(&fixture);
	expect_nothing(&fixture);
	pyi_residue_before(&fixture.process, &nothing);
	assert_false(nothing.known);
	pyi_residue_after(&fixture.target, &nothing, &fixture.residue);
	expect_nothing(&fixture);
	pyi_residue_state_deinit(&nothing);
	finish(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	       cmocka_unit_test(test_tracer),
		cmocka_unit_test(test_signal_mask),    cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_snapshot),       cmocka_unit_test(test_still_target),
		cmocka_unit_test(test_pending_signal), cmocka_unit_test(test_busy_target),
		cmocka_unit_test(test_many_threads),   cmocka_unit_test(test_dead_target),
	};

	return cmocka_run_group_tests_name("residue", tests, NULL, NULL);
}
