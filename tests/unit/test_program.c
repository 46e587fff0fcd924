/*
 * The memory of a program is left by execve() and by exit, and by nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/another_program.h"
#include "process/program.h"

/* A child that calls execve() when it is told to, and then lives until its stdin is closed. */
struct child {
	pid_t pid;
	int command_fd;
	int answer_fd;
};

static void start(struct child *child)
{
	int commands[2];
	int answers[2];
	char byte;

	assert_int_equal(pipe(commands), 0);
	assert_int_equal(pipe(answers), 0);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0) {
		dup2(commands[0], 0);
		dup2(answers[1], 1);
		close(commands[1]);
		close(answers[0]);
		if (read(0, &byte, 1) == 1)
			execl("/bin/sh", "sh", "-c", "echo; read line", (char *)NULL);
		_exit(1);
	}
	close(commands[0]);
	close(answers[1]);
	child->command_fd = commands[1];
	child->answer_fd = answers[0];
}

static void end(struct child *child)
{
	close(child->command_fd);
	close(child->answer_fd);
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
}

static void test_exec(void **state)
{
	struct pyi_process process = { .proc_fd = -1 };
	struct child child;
	char byte;
	int fd;

	(void)state;
	start(&child);
	assert_null(pyi_process_open(child.pid, &process));
	fd = pyi_program_pin(&process);
	assert_true(fd >= 0);
	assert_false(pyi_program_was_left(fd));
	assert_int_equal(write(child.command_fd, "x", 1), 1);
	assert_int_equal(read(child.answer_fd, &byte, 1), 1);
	assert_true(pyi_process_is_alive(&process));
	assert_true(pyi_program_was_left(fd));
	assert_true(pyi_program_is_another(&process));
	close(fd);
	/* Of what it is now. */
	fd = pyi_program_pin(&process);
	assert_false(pyi_program_was_left(fd));
	close(fd);
	pyi_process_close(&process);
	end(&child);
}

static void test_exit(void **state)
{
	struct pyi_process process = { .proc_fd = -1 };
	struct child child;
	siginfo_t info;
	int fd;

	(void)state;
	start(&child);
	assert_null(pyi_process_open(child.pid, &process));
	fd = pyi_program_pin(&process);
	assert_true(fd >= 0);
	kill(child.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(pyi_program_was_left(fd));
	assert_false(pyi_program_is_another(&process));
	waitpid(child.pid, NULL, 0);
	assert_false(pyi_program_is_another(&process));
	close(fd);
	pyi_process_close(&process);
	end(&child);
}

static void test_not_pinned(void **state)
{
	(void)state;
	assert_false(pyi_program_was_left(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_not_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
