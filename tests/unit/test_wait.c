/*
 * An execve() of the target neither waits for us for ever nor we for it; and the last resort, if
 * something does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tracee/tracee.h"
#include "tracee/wait.h"

enum {
	PATIENCE_MS = 30000,
	LOOK_US = 500,
	LIMIT_MS = 20,
};

static int commands[2];
static int answers[2];

static void *wait_for_ever(void *argument)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);

	if (write(answers[1], &tid, sizeof(tid)) != sizeof(tid))
		_exit(1);
	for (;;)
		pause();
	return argument;
}

/* Two threads; the main one starts another program when it is told to. Returns the other's tid. */
static pid_t start(pid_t *ret_pid)
{
	pid_t tid;
	char byte;

	assert_int_equal(pipe(commands), 0);
	assert_int_equal(pipe(answers), 0);
	*ret_pid = fork();
	assert_true(*ret_pid >= 0);
	if (*ret_pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(commands[1]);
		if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0 &&
		    read(commands[0], &byte, 1) == 1)
			execl("/bin/sleep", "sleep", "1000", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(read(answers[0], &tid, sizeof(tid)), sizeof(tid));
	return tid;
}

static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && !WIFSIGNALED(status) && !WIFEXITED(status))
		;
	for (int p = 0; p < 2; p++) {
		close(commands[p]);
		close(answers[p]);
	}
}

/* The first word of a file of the process; "" if there is none. */
static void read_word(pid_t pid, const char *name, char ret_word[32])
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%31s", ret_word) != 1)
		ret_word[0] = '\0';
	if (file)
		fclose(file);
}

static char state_of(pid_t pid)
{
	char path[64];
	char text[512];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	return strrchr(text, ')')[2];
}

/* Holds the other thread, and lets the main one get as far into execve() as it can. */
static pid_t hold_and_exec(struct pyi_tracee *tracee)
{
	uint64_t deadline_ns = pyi_clock_deadline(PATIENCE_MS, PYI_CLOCK_NEVER);
	char call[32];
	char wanted[32];
	pid_t pid;
	pid_t tid = start(&pid);

	assert_true(pyi_tracee_seize(tracee, tid));
	pyi_tracee_interrupt(tracee);
	assert_null(pyi_tracee_wait_stop(tracee, deadline_ns));
	assert_int_equal(write(commands[1], "x", 1), 1);
	snprintf(wanted, sizeof(wanted), "%d", (int)SYS_execve);
	do {
		assert_false(pyi_clock_passed(deadline_ns));
		usleep(LOOK_US);
		read_word(pid, "syscall", call);
	} while (strcmp(call, wanted) != 0 || state_of(tid) != 'Z');
	return pid;
}

static bool is_sleep(pid_t pid)
{
	char name[32];

	read_word(pid, "comm", name);
	return strcmp(name, "sleep") == 0;
}

/* The deadlock itself: who seizes waits for execve(), which waits for a thread that is ours. */
static void test_seize_during_exec(void **state)
{
	struct pyi_tracee held;
	struct pyi_tracee main_thread;
	pid_t pid = hold_and_exec(&held);

	(void)state;
	assert_true(pyi_tracee_seize(&main_thread, pid));
	assert_true(is_sleep(pid));
	pyi_tracee_interrupt(&main_thread);
	assert_null(pyi_tracee_wait_stop(&main_thread,
					 pyi_clock_deadline(PATIENCE_MS, PYI_CLOCK_NEVER)));
	pyi_tracee_detach(&main_thread);
	assert_int_equal(main_thread.state, PYI_TRACEE_FREE);
	pyi_wait_forget_seized();
	end(pid);
}

/* Waiting for a thread that cannot stop, for it waits for another one that is ours. */
static void test_wait_during_exec(void **state)
{
	struct pyi_tracee held;
	struct pyi_tracee main_thread;
	pid_t pid;
	pid_t tid = start(&pid);
	uint64_t deadline_ns = pyi_clock_deadline(PATIENCE_MS, PYI_CLOCK_NEVER);

	(void)state;
	assert_true(pyi_tracee_seize(&held, tid));
	assert_true(pyi_tracee_seize(&main_thread, pid));
	pyi_tracee_interrupt(&held);
	assert_null(pyi_tracee_wait_stop(&held, deadline_ns));
	assert_int_equal(write(commands[1], "x", 1), 1);
	while (state_of(tid) != 'Z') {
		assert_false(pyi_clock_passed(deadline_ns));
		usleep(LOOK_US);
	}
	pyi_tracee_interrupt(&main_thread);
	assert_null(pyi_tracee_wait_stop(&main_thread, deadline_ns));
	assert_true(is_sleep(pid));
	pyi_tracee_detach(&main_thread);
	pyi_wait_forget_seized();
	end(pid);
}

/* A thread that was killed while it was held: letting it go lets execve() go on. */
static void test_leave_after_exec(void **state)
{
	uint64_t deadline_ns = pyi_clock_deadline(PATIENCE_MS, PYI_CLOCK_NEVER);
	struct pyi_tracee held;
	pid_t pid = hold_and_exec(&held);

	(void)state;
	assert_false(is_sleep(pid));
	pyi_tracee_detach(&held);
	assert_int_equal(held.state, PYI_TRACEE_GONE);
	pyi_tracee_take_leave(held.tid);
	while (!is_sleep(pid)) {
		assert_false(pyi_clock_passed(deadline_ns));
		usleep(LOOK_US);
	}
	pyi_wait_forget_seized();
	end(pid);
}

/* A thread that called execve() while it was seized stops under the number of the process. */
static void test_leave_of_a_stopped_one(void **state)
{
	uint64_t deadline_ns = pyi_clock_deadline(PATIENCE_MS, PYI_CLOCK_NEVER);
	char tracer[64];
	pid_t pid;
	FILE *file;

	(void)state;
	start(&pid);

	assert_true(pyi_wait_seize(pid, 0));
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	while (state_of(pid) != 't') {
		assert_false(pyi_clock_passed(deadline_ns));
		usleep(LOOK_US);
	}
	pyi_tracee_take_leave(pid);
	snprintf(tracer, sizeof(tracer), "/proc/%d/status", pid);
	file = fopen(tracer, "re");
	assert_non_null(file);
	while (fgets(tracer, sizeof(tracer), file) && strncmp(tracer, "TracerPid:", 10) != 0)
		;
	fclose(file);
	assert_int_equal(strtol(tracer + 10, NULL, 10), 0);
	assert_int_not_equal(state_of(pid), 't');
	pyi_wait_forget_seized();
	end(pid);
}

static void test_limit_of_a_stop(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		pyi_wait_init();
		pyi_wait_limit_stop(1000000);
		pyi_wait_limit_stop(LIMIT_MS);
		for (;;)
			pause();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Called off. */
	pyi_wait_limit_stop(LIMIT_MS);
	pyi_wait_limit_stop(0);
	assert_false(pyi_wait_pause(pyi_clock_deadline(2 * LIMIT_MS, PYI_CLOCK_NEVER)));
}

/* What a process does that is bound to its parent: one byte before the stop, in it, and after it.
 */
static void interrupt_something(int parent, int told_fd, int go_on_fd)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pyi_wait_init();
	pyi_wait_outlive_parent(true);
	if (getppid() != parent || write(told_fd, "1", 1) != 1 || read(go_on_fd, &byte, 1) != 1 ||
	    write(told_fd, "2", 1) != 1)
		_exit(1);
	pyi_wait_outlive_parent(false);
	_exit(write(told_fd, "3", 1) != 1);
}

/* Somebody kills the one that the user has started: what was interrupted is put right first. */
static void test_outlive_parent(void **state)
{
	char told[4] = "";
	int go_on[2];
	int tell[2];
	pid_t parent;

	(void)state;
	assert_int_equal(pipe(tell), 0);
	assert_int_equal(pipe(go_on), 0);
	parent = fork();
	if (parent == 0) {
		pid_t itself = getpid();

		close(tell[0]);
		close(go_on[1]);
		if (fork() == 0)
			interrupt_something(itself, tell[1], go_on[0]);
		for (;;)
			pause();
	}
	close(tell[1]);
	close(go_on[0]);
	assert_int_equal(read(tell[0], told, 1), 1);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_int_equal(write(go_on[1], "g", 1), 1);
	assert_int_equal(read(tell[0], told + 1, 1), 1);
	assert_int_equal(read(tell[0], told + 2, 1), 0);
	assert_string_equal(told, "12");
	close(tell[0]);
	close(go_on[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seize_during_exec),
		cmocka_unit_test(test_wait_during_exec),
		cmocka_unit_test(test_leave_after_exec),
		cmocka_unit_test(test_leave_of_a_stopped_one),
		cmocka_unit_test(test_limit_of_a_stop),
		cmocka_unit_test(test_outlive_parent),
	};

	pyi_wait_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
