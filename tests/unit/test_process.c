/*
 * Tests of src/process/process.c, process_status.c and access.c, on invented status files and on
 * children of our own.
 *
 * Does not test refusals that need a setting of the host: Yama, SELinux.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "process/access.h"
#include "process/process.h"

static const char good_status[] = "Name:\ta b) \\n\\\\\\033[\n"
				  "Umask:\t0022\n"
				  "State:\tS (sleeping)\n"
				  "Tgid:\t4711\n"
				  "Ngid:\t0\n"
				  "Pid:\t4712\n"
				  "PPid:\t1\n"
				  "TracerPid:\t99\n"
				  "Uid:\t1000\t4294967295\t0\t0\n"
				  "Gid:\t1000\t1000\t1000\t1000\n"
				  "Groups:\t \n"
				  "NSpid:\t4712\t31\t7\n"
				  "VmRSS:\t    1234 kB\n"
				  "RssAnon:\t    1000 kB\n"
				  "VmPTE:\t      64 kB\n"
				  "HugetlbPages:\t    4096 kB\n"
				  "Threads:\t3\n"
				  "SigPnd:\t0000000000000010\n"
				  "ShdPnd:\t0000000000000200\n"
				  "SigBlk:\tfffffffe7ffbfeff\n"
				  "SigIgn:\t0000000001001000\n"
				  "SigCgt:\t0000000000004002\n"
				  "CapEff:\t0000000000080000\n"
				  "Seccomp:\t2\n"
				  "x86_Thread_features:\tfoo shstk \n"
				  "x86_Thread_features_locked:\t\n"
				  "voluntary_ctxt_switches:\t150\n"
				  "nonvoluntary_ctxt_switches:\t545\n";

static void expect_code(struct pyi_error *error, const char *code)
{
	if (!error)
		fail_msg("no error instead of %s", code);
	if (strcmp(pyi_error_code_name(error->code), code))
		fail_msg("%s (%s) instead of %s", pyi_error_code_name(error->code), error->message,
			 code);
	pyi_error_destroy(error);
}

static void test_status(void **state)
{
	struct pyi_process_status status;

	(void)state;
	assert_null(pyi_process_parse_status(good_status, &status));
	assert_string_equal(status.name, "a b) \n\\\033[");
	assert_int_equal(status.state, 'S');
	assert_int_equal(status.thread_group_id, 4711);
	assert_int_equal(status.parent_pid, 1);
	assert_int_equal(status.tracer_pid, 99);
	assert_int_equal(status.real_uid, 1000);
	assert_true(status.effective_uid == UINT32_MAX);
	assert_int_equal(status.namespace_pid, 7);
	assert_int_equal(status.namespace_count, 3);
	assert_int_equal(pyi_process_number_in(&status, 0), 0);
	assert_int_equal(pyi_process_number_in(&status, 1), 4712);
	assert_int_equal(pyi_process_number_in(&status, 2), 31);
	assert_int_equal(pyi_process_number_in(&status, 3), 7);
	assert_int_equal(pyi_process_number_in(&status, 4), 0);
	assert_int_equal(status.rss_bytes, 1234 * 1024);
	assert_int_equal(status.anonymous_bytes, 1000 * 1024);
	assert_int_equal(status.page_table_bytes, 64 * 1024);
	assert_int_equal(status.huge_pool_bytes, 4096 * 1024);
	assert_int_equal(status.thread_count, 3);
	assert_true(status.signals_blocked == UINT64_C(0xfffffffe7ffbfeff));
	assert_true(status.signals_pending == 0x10);
	assert_true(status.shared_signals_pending == 0x200);
	assert_true(status.signals_ignored == 0x1001000);
	assert_true(status.signals_caught == 0x4002);
	assert_int_equal(status.voluntary_switches, 150);
	assert_int_equal(status.capabilities_effective, 0x80000);
	assert_int_equal(status.seccomp_mode, 2);
	assert_true(status.shadow_stack);
}

/* An old kernel, or a kernel thread: half of the lines are not there. */
static void test_status_with_the_least(void **state)
{
	struct pyi_process_status status;

	(void)state;
	assert_null(pyi_process_parse_status("Name:\t\nState:\tI (idle)\nTgid:\t2\nPid:\t2\n"
					     "PPid:\t0\nUid:\t0\t0\t0\t0\nThreads:\t1\n",
					     &status));
	assert_string_equal(status.name, "");
	assert_int_equal(status.namespace_pid, 2);
	assert_int_equal(status.namespace_count, 1);
	assert_int_equal(pyi_process_number_in(&status, 1), 2);
	assert_int_equal(status.rss_bytes, 0);
	assert_int_equal(status.seccomp_mode, 0);
	assert_false(status.shadow_stack);
}

static void test_status_malformed(void **state)
{
	/* One number more than there can be. */
	static const char too_deep[] = "NSpid:\t1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 "
				       "21 22 23 24 25 26 27 28 29 30 31 32 33 34\n";
	static const char *const lines[] = {
		"no colon\n",
		"Tgid:\t\n",
		"Tgid:\t-1\n",
		"Tgid:\t2147483648\n",
		"Tgid:\t99999999999999999999999999\n",
		"Tgid:\t12x\n",
		"Tgid:\t1 2\n",
		"Uid:\t\n",
		"Uid:\t0\t4294967296\t0\t0\n",
		"State:\t\n",
		"State:\n",
		"Name:\n",
		"NSpid:\t1\tx\n",
		"NSpid:\t\n",
		too_deep,
		"VmRSS:\t12\n",
		"VmRSS:\t12 MB\n",
		"VmRSS:\t18014398509481984 kB\n",
		"SigPnd:\t\n",
		"voluntary_ctxt_switches:\t-1\n",
		"SigBlk:\t\n",
		"SigBlk:\t00000000000000001\n",
		"SigBlk:\txyz\n",
		"Seccomp:\t2147483648\n",
		"Threads:\t4294967296\n",
	};
	struct pyi_process_status status;
	char text[2048];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", good_status, lines[i]);
		expect_code(pyi_process_parse_status(text, &status), "bad-status");
	}
	expect_code(pyi_process_parse_status("", &status), "bad-status");
}

static void test_status_every_truncation(void **state)
{
	size_t length, accepted = 0;

	(void)state;
	for (length = 0; length < sizeof(good_status) - 1; length++) {
		char *cut = strndup(good_status, length);
		struct pyi_process_status status;
		struct pyi_error *error = pyi_process_parse_status(cut, &status);

		if (!error) {
			/* Only at the end of a line, and with all that is needed. */
			assert_int_equal(cut[length - 1], '\n');
			accepted++;
		}
		pyi_error_destroy(error);
		free(cut);
	}
	assert_int_equal(accepted, 11);
}

static void test_status_long_name(void **state)
{
	struct pyi_process_status status;
	char text[2048];
	char name[201];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text), "%sName:\t%s\n", good_status, name);
	assert_null(pyi_process_parse_status(text, &status));
	assert_int_equal(strlen(status.name), sizeof(status.name) - 1);
}

static void test_self(void **state)
{
	struct pyi_process process;
	struct pyi_process_status status, thread;
	char *path, *expected;
	pid_t *tids;
	size_t count;

	(void)state;
	prctl(PR_SET_NAME, "a) Z (b\nc\\");
	assert_null(pyi_process_open(getpid(), &process));
	assert_int_equal(process.pid, getpid());
	assert_true(process.start_ticks > 0);
	assert_true(pyi_process_is_alive(&process));
	assert_null(pyi_process_read_status(&process, 0, &status));
	assert_string_equal(status.name, "a) Z (b\nc\\");
	assert_int_equal(status.thread_group_id, getpid());
	assert_int_equal(status.parent_pid, getppid());
	assert_int_equal(status.real_uid, getuid());
	assert_true(status.rss_bytes > status.page_table_bytes);
	assert_true(status.anonymous_bytes > 0);
	assert_null(pyi_process_read_status(&process, getpid(), &thread));
	assert_string_equal(thread.name, status.name);
	assert_null(pyi_process_list_threads(&process, &tids, &count));
	assert_true(count >= 1);
	assert_int_equal(tids[0], getpid());
	free(tids);
	assert_null(pyi_process_read_exe(&process, &path));
	expected = realpath("/proc/self/exe", NULL);
	assert_string_equal(path, expected);
	free(expected);
	free(path);
	pyi_process_close(&process);
	assert_int_equal(process.proc_fd, -1);
	pyi_process_close(&process);
}

static void test_files(void **state)
{
	struct pyi_process process;
	size_t size, same_size;
	char *text;
	int fd;

	(void)state;
	assert_null(pyi_process_open(getpid(), &process));
	assert_null(pyi_process_read_file(&process, "cmdline", 1 << 20, &text, &size));
	assert_true(size > 0);
	assert_int_equal(text[size], 0);
	free(text);
	/* The limit itself is still fine. */
	assert_null(pyi_process_read_file(&process, "cmdline", size, &text, &same_size));
	assert_int_equal(size, same_size);
	free(text);
	expect_code(pyi_process_read_file(&process, "cmdline", size - 1, &text, NULL), "too-large");
	expect_code(pyi_process_open_file(&process, "task/1999999999/status", O_RDONLY, &fd),
		    "no-such-process");
	expect_code(pyi_process_open_file(&process, "no such file", O_RDONLY, &fd),
		    "proc-unreadable");
	assert_null(pyi_process_open_file(&process, "maps", O_RDONLY, &fd));
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	pyi_process_close(&process);
}

static void test_not_a_process(void **state)
{
	struct pyi_process process;

	(void)state;
	expect_code(pyi_process_open(0, &process), "no-such-process");
	expect_code(pyi_process_open(-1, &process), "no-such-process");
	expect_code(pyi_process_open(1999999999, &process), "no-such-process");
}

struct thread {
	int report_fd;
	int end_fd;
};

static void *run_thread(void *argument)
{
	struct thread *thread = argument;
	pid_t tid = (pid_t)syscall(SYS_gettid);
	char byte;

	if (write(thread->report_fd, &tid, sizeof(tid)) != sizeof(tid) ||
	    read(thread->end_fd, &byte, 1) < 0)
		return thread;
	return NULL;
}

static void test_thread_is_no_process(void **state)
{
	struct pyi_process process;
	int report[2], end[2];
	struct pyi_error *error;
	struct thread thread;
	pthread_t handle;
	pid_t *tids, tid;
	size_t count;
	bool found = false;

	(void)state;
	assert_int_equal(pipe(report) | pipe(end), 0);
	thread = (struct thread){ .report_fd = report[1], .end_fd = end[0] };
	assert_int_equal(pthread_create(&handle, NULL, run_thread, &thread), 0);
	assert_int_equal(read(report[0], &tid, sizeof(tid)), sizeof(tid));
	error = pyi_process_open(tid, &process);
	assert_non_null(error);
	assert_non_null(strstr(error->message, "is a thread of process"));
	expect_code(error, "no-such-process");
	assert_null(pyi_process_open(getpid(), &process));
	assert_null(pyi_process_list_threads(&process, &tids, &count));
	while (count--)
		found |= tids[count] == tid;
	assert_true(found);
	free(tids);
	pyi_process_close(&process);
	close(end[1]);
	pthread_join(handle, NULL);
	close(end[0]);
	close(report[0]);
	close(report[1]);
}

static void test_zombie_and_gone(void **state)
{
	struct pyi_process process, other;
	struct pyi_process_status status;
	struct pyi_error *error;
	siginfo_t info;
	char *text;
	pid_t child;
	pid_t *tids;
	size_t count;
	int end[2];
	int fd;

	(void)state;
	assert_int_equal(pipe(end), 0);
	child = fork();
	if (!child) {
		char byte;

		close(end[1]);
		_exit(read(end[0], &byte, 1) != 0);
	}
	assert_null(pyi_process_open(child, &process));
	assert_true(pyi_process_is_alive(&process));
	close(end[0]);
	close(end[1]);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_false(pyi_process_is_alive(&process));
	error = pyi_process_open(child, &other);
	assert_non_null(error);
	assert_non_null(strstr(error->message, "waits for its parent"));
	expect_code(error, "no-such-process");
	expect_code(pyi_access_explain(&process, EPERM), "no-such-process");
	assert_int_equal(waitpid(child, NULL, 0), child);
	/* The number is free now, and may already be another process: nothing of that is seen. */
	assert_false(pyi_process_is_alive(&process));
	expect_code(pyi_process_open_file(&process, "status", O_RDONLY, &fd), "no-such-process");
	expect_code(pyi_process_read_file(&process, "maps", 1 << 20, &text, NULL),
		    "no-such-process");
	expect_code(pyi_process_read_status(&process, 0, &status), "no-such-process");
	expect_code(pyi_process_list_threads(&process, &tids, &count), "no-such-process");
	expect_code(pyi_process_read_exe(&process, &text), "no-such-process");
	expect_code(pyi_access_explain(&process, ESRCH), "no-such-process");
	pyi_process_close(&process);
}

static void test_main_thread_gone(void **state)
{
	struct pyi_process process, other;
	struct pyi_process_status status;
	struct pyi_error *error;
	siginfo_t info;
	int report[2], go[2], end[2];
	pid_t child, tid;
	char byte;

	(void)state;
	assert_int_equal(pipe(report) | pipe(go) | pipe(end), 0);
	child = fork();
	if (!child) {
		static struct thread thread;
		pthread_t handle;

		close(end[1]);
		thread = (struct thread){ .report_fd = report[1], .end_fd = end[0] };
		if (pthread_create(&handle, NULL, run_thread, &thread))
			_exit(1);
		syscall(SYS_exit, read(go[0], &byte, 1) != 1);
	}
	assert_int_equal(read(report[0], &tid, sizeof(tid)), sizeof(tid));
	assert_null(pyi_process_open(child, &process));
	assert_int_equal(write(go[1], "g", 1), 1);
	do {
		sched_yield();
		assert_null(pyi_process_read_status(&process, 0, &status));
	} while (status.state != 'Z');
	/* The rest of it goes on. */
	assert_true(pyi_process_is_alive(&process));
	error = pyi_process_open(child, &other);
	assert_non_null(error);
	assert_non_null(strstr(error->message, "main thread"));
	expect_code(error, "no-such-process");
	kill(child, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_false(pyi_process_is_alive(&process));
	pyi_process_close(&process);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(go[0]);
	close(go[1]);
	close(end[0]);
	close(end[1]);
	close(report[0]);
	close(report[1]);
}

/* In a child: becomes an ordinary user if it is root, so that it has no capability left. */
static bool drop_rights(void)
{
	return getuid() || !setresuid(65534, 65534, 65534);
}

static int explain_as_user(pid_t pid, const char *code)
{
	struct pyi_process process;
	struct pyi_error *error;

	if (!drop_rights())
		return 1;
	error = pyi_process_open(pid, &process);
	if (error)
		return 2;
	error = pyi_access_explain(&process, EPERM);
	return strcmp(pyi_error_code_name(error->code), code) || error->exit != PYI_EXIT_ACCESS ? 3
												: 0;
}

static void expect_child_succeeds(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_other_user(void **state)
{
	pid_t target = getuid() ? 1 : getpid();
	struct pyi_process_status status;
	struct pyi_process process;
	pid_t child;

	(void)state;
	assert_null(pyi_process_open(target, &process));
	assert_null(pyi_process_read_status(&process, 0, &status));
	pyi_process_close(&process);
	if (getuid() && status.effective_uid == getuid()) {
		print_message("skip: all processes belong to this user\n");
		skip();
	}
	child = fork();
	if (!child)
		_exit(explain_as_user(target, "other-user"));
	expect_child_succeeds(child);
}

static void test_not_dumpable(void **state)
{
	int ready[2], end[2];
	pid_t target, child;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready) | pipe(end), 0);
	target = fork();
	if (!target) {
		close(end[1]);
		if (!drop_rights() || prctl(PR_SET_DUMPABLE, 0) || write(ready[1], "r", 1) != 1)
			_exit(1);
		_exit(read(end[0], &byte, 1) != 0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	child = fork();
	if (!child)
		_exit(explain_as_user(target, "not-dumpable"));
	expect_child_succeeds(child);
	close(end[1]);
	expect_child_succeeds(target);
	close(end[0]);
	close(ready[0]);
}

static void test_already_traced(void **state)
{
	struct pyi_process process;
	struct pyi_error *error;
	char expected[32];
	int report[2], end[2];
	pid_t tracer, target;

	(void)state;
	assert_int_equal(pipe(report) | pipe(end), 0);
	tracer = fork();
	if (!tracer) {
		char byte;

		close(end[1]);
		if (!fork()) {
			target = getpid();
			if (ptrace(PTRACE_TRACEME, 0, 0, 0) ||
			    write(report[1], &target, sizeof(target)) != sizeof(target))
				_exit(1);
		}
		_exit(read(end[0], &byte, 1) != 0);
	}
	assert_int_equal(read(report[0], &target, sizeof(target)), sizeof(target));
	assert_null(pyi_process_open(target, &process));
	error = pyi_access_explain(&process, EPERM);
	snprintf(expected, sizeof(expected), "by process %d (", (int)tracer);
	assert_non_null(strstr(error->message, expected));
	/* Our name, that of the tracer too, was set to one with a newline above. */
	assert_null(strchr(error->message, '\n'));
	assert_int_equal(error->exit, PYI_EXIT_ACCESS);
	expect_code(error, "already-traced");
	pyi_process_close(&process);
	close(end[1]);
	expect_child_succeeds(tracer);
	close(end[0]);
	close(report[0]);
	close(report[1]);
}

static void test_traced_by_ourselves(void **state)
{
	struct pyi_process process;
	int ready[2];
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_null(pyi_process_open(child, &process));
	/* Not a refusal, so none of the causes of one is named. */
	expect_code(pyi_access_explain(&process, EIO), "no-permission");
	expect_code(pyi_access_explain(&process, ESRCH), "no-such-process");
	pyi_process_close(&process);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ready[0]);
	close(ready[1]);
}

static void test_kernel_thread(void **state)
{
	struct pyi_process_status status;
	struct pyi_process process;
	struct pyi_error *error = pyi_process_open(2, &process);
	char *path;

	(void)state;
	if (!error)
		error = pyi_process_read_status(&process, 0, &status);
	if (error || strcmp(status.name, "kthreadd")) {
		pyi_error_destroy(error);
		print_message("skip: no kernel thread is visible in this pid namespace\n");
		skip();
	}
	expect_code(pyi_access_explain(&process, EPERM), "kernel-thread");
	if (!getuid())
		expect_code(pyi_process_read_exe(&process, &path), "no-program");
	pyi_process_close(&process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_with_the_least),
		cmocka_unit_test(test_status_malformed),
		cmocka_unit_test(test_status_every_truncation),
		cmocka_unit_test(test_status_long_name),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_not_a_process),
		cmocka_unit_test(test_thread_is_no_process),
		cmocka_unit_test(test_zombie_and_gone),
		cmocka_unit_test(test_main_thread_gone),
		cmocka_unit_test(test_other_user),
		cmocka_unit_test(test_not_dumpable),
		cmocka_unit_test(test_already_traced),
		cmocka_unit_test(test_traced_by_ourselves),
		cmocka_unit_test(test_kernel_thread),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
