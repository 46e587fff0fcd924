/*
 * Processes that give up their rights: what the kernel says of them, and what happens when they try
 * what they may not do.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/confine.h"
#include "proc_text.h"
#include "process/process.h"
#include "snapshot/mirror_process.h"
#include "tracee/arch.h"

enum {
	NOBODY = 65534,
	GROUP = 54321,
	CONFINED = 17,
	NOT_CONFINED = 18,
	FAILED_WITH_ERRNO = 19,
};

/* Of user nobody if we may choose, else our own. */
static struct pyi_credentials somebody(void)
{
	static gid_t groups[] = { GROUP };
	struct pyi_process self = { .proc_fd = -1 };
	struct pyi_credentials credentials = {
		.users = { NOBODY, NOBODY, NOBODY },
		.groups = { NOBODY, NOBODY, NOBODY },
		.others = groups,
		.other_count = 1,
	};

	if (geteuid() == 0)
		return credentials;
	assert_null(pyi_process_open(getpid(), &self));
	assert_null(pyi_credentials_read(&self, &credentials));
	pyi_process_close(&self);
	return credentials;
}

static int memory_file(void)
{
	int fd = (int)syscall(SYS_memfd_create, "test", 0U);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sysconf(_SC_PAGESIZE)), 0);
	return fd;
}

/* How a confined child that does `action` ends: as waitpid(2). */
static int try(long (*action)(int fd))
{
	struct pyi_credentials credentials = somebody();
	int fd = memory_file();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (pyi_mirror_process_confine(&credentials, &fd, 1))
			syscall(SYS_exit_group, NOT_CONFINED);
		syscall(SYS_exit_group, action(fd) < 0 ? FAILED_WITH_ERRNO : CONFINED);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd);
	return status;
}

static long do_nothing(int fd)
{
	(void)fd;
	return 0;
}

static long do_map(int fd)
{
	char *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (page == MAP_FAILED ||
	    mmap(page, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_EXEC,
		 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, 0) == MAP_FAILED ||
	    mprotect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE) != 0 ||
	    munmap(page, (size_t)sysconf(_SC_PAGESIZE)) != 0)
		return -1;
	return close(fd);
}

static long do_open(int fd)
{
	(void)fd;
	return open("/etc/passwd", O_RDONLY);
}

static long do_create(int fd)
{
	(void)fd;
	return open("/tmp/pyinspect-test-confine", O_WRONLY | O_CREAT, 0600);
}

static long do_execve(int fd)
{
	static char path[] = "/bin/true";
	char *const arguments[] = { path, NULL };

	(void)fd;
	return execve(path, arguments, arguments + 1);
}

static long do_ptrace(int fd)
{
	(void)fd;
	return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static long do_socket(int fd)
{
	(void)fd;
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long do_kill(int fd)
{
	(void)fd;
	return syscall(SYS_kill, 1, 0);
}

static long do_write_memory(int fd)
{
	struct iovec piece = { &fd, sizeof(fd) };

	return process_vm_writev(1, &piece, 1, &piece, 1, 0);
}

static long do_fork(int fd)
{
	(void)fd;
	return fork();
}

static long do_become_root(int fd)
{
	(void)fd;
	return syscall(SYS_setresuid, 0, 0, 0);
}

static long do_map_shared(int fd)
{
	return (long)mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
}

static long do_map_other_file(int fd)
{
	return (long)mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd + 1, 0);
}

static long do_make_writable(int fd)
{
	(void)fd;
	return mprotect((void *)((uintptr_t)do_open & ~UINT64_C(0xffff)), 1, PROT_WRITE);
}

static long do_write(int fd)
{
	return write(fd, "", 1);
}

static long do_close_other(int fd)
{
	return close(fd + 1);
}

static void test_mirror_may(void **state)
{
	(void)state;
	assert_int_equal(try(do_nothing), CONFINED << 8);
	assert_int_equal(try(do_map), CONFINED << 8);
}

static void test_mirror_may_not(void **state)
{
	static const struct {
		const char *name;
		long (*action)(int fd);
	} actions[] = {
		{ "open", do_open },
		{ "create", do_create },
		{ "execve", do_execve },
		{ "ptrace", do_ptrace },
		{ "socket", do_socket },
		{ "kill", do_kill },
		{ "process_vm_writev", do_write_memory },
		{ "fork", do_fork },
		{ "setresuid", do_become_root },
		{ "mmap shared", do_map_shared },
		{ "mmap of another file", do_map_other_file },
		{ "mprotect", do_make_writable },
		{ "write", do_write },
		{ "close of another file", do_close_other },
	};

	(void)state;
	for (size_t a = 0; a < sizeof(actions) / sizeof(actions[0]); a++) {
		int status = try(actions[a].action);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", actions[a].name, (unsigned)status);
	}
}

static void test_what_the_kernel_says(void **state)
{
	static const char *const lines[] = {
		"\nCapInh:\t0000000000000000\n",
		"\nCapPrm:\t0000000000000000\n",
		"\nCapEff:\t0000000000000000\n",
		"\nCapAmb:\t0000000000000000\n",
		"\nNoNewPrivs:\t1\n",
		"\nSeccomp:\t2\n",
	};
	struct pyi_credentials credentials = somebody();
	int fd = memory_file();
	pid_t pid = fork();
	char *text;
	int status;

	(void)state;
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		if (!pyi_mirror_process_confine(&credentials, &fd, 1))
			__builtin_trap();
		_exit(NOT_CONFINED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	text = proc_text_read(pid, "status");
	for (size_t l = 0; l < sizeof(lines) / sizeof(lines[0]); l++)
		proc_text_assert_line(text, lines[l]);
	if (geteuid() == 0) {
		proc_text_assert_line(text, "\nUid:\t65534\t65534\t65534\t65534\n");
		proc_text_assert_line(text, "\nGid:\t65534\t65534\t65534\t65534\n");
		proc_text_assert_line(text, "\nGroups:\t54321 \n");
		proc_text_assert_line(text, "\nCapBnd:\t0000000000000000\n");
	}
	free(text);
	text = proc_text_read(pid, "limits");
	proc_text_assert_line(text, "Max processes             0                    0 ");
	proc_text_assert_line(text, "Max open files            0                    0 ");
	proc_text_assert_line(text, "Max core file size        0                    0 ");
	free(text);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd);
}

/* Another user's process is not copied without the right to become that user. */
static void test_cannot_become_another(void **state)
{
	struct pyi_credentials credentials = somebody();
	int fd = memory_file();
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		const char *what;

		if (!pyi_confine_drop_capabilities())
			_exit(NOT_CONFINED);
		what = pyi_mirror_process_confine(&credentials, &fd, 1);
		_exit(what && errno == EPERM && strstr(what, "user and groups") ? CONFINED
										: NOT_CONFINED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, CONFINED << 8);
	close(fd);
}

/* What has no filter of system calls cannot open anything either, where the kernel has landlock. */
static void test_landlock_and_root(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		bool locked = pyi_confine_no_new_privileges() && pyi_confine_landlock();
		bool away;

		if (locked && (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES))
			_exit(NOT_CONFINED);
		away = !locked && pyi_confine_empty_root();
		if (away && (open("/etc/passwd", O_RDONLY) >= 0 || errno != ENOENT))
			_exit(NOT_CONFINED);
		_exit(CONFINED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, CONFINED << 8);
	pid = fork();
	if (pid == 0) {
		if (pyi_confine_empty_root() &&
		    (open("/etc/passwd", O_RDONLY) >= 0 || open("..", O_PATH) < 0 ||
		     open("../etc/passwd", O_RDONLY) >= 0))
			_exit(NOT_CONFINED);
		_exit(CONFINED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, CONFINED << 8);
}

static void test_close_files(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		const int kept[] = { 200, -1, 0, 100, 101 };

		if (dup2(0, 50) != 50 || dup2(0, 100) != 100 || dup2(0, 101) != 101 ||
		    dup2(0, 200) != 200 || dup2(0, 300) != 300 || !pyi_confine_close_files(kept, 5))
			_exit(NOT_CONFINED);
		for (int fd = 0; fd < 400; fd++)
			if ((fcntl(fd, F_GETFD) >= 0) !=
			    (fd == 0 || fd == 100 || fd == 101 || fd == 200))
				_exit(NOT_CONFINED);
		if (!pyi_confine_close_files(NULL, 0) || fcntl(0, F_GETFD) >= 0)
			_exit(NOT_CONFINED);
		_exit(CONFINED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, CONFINED << 8);
}

/* Conditions look at both halves of an argument. */
static void test_conditions(void **state)
{
	static const struct pyi_confine_call calls[] = {
		{ SYS_exit_group, 0, { { 0 } } },
		{ SYS_lseek, 1, { { 1, UINT64_MAX, UINT64_C(0x500000007) } } },
		{ SYS_lseek, 2, { { 1, 0xff, 9 }, { 2, UINT64_MAX, SEEK_CUR } } },
	};
	static const struct {
		uint64_t offset;
		int whence;
		bool allowed;
	} tries[] = {
		{ UINT64_C(0x500000007), SEEK_SET, true },
		{ UINT64_C(0x400000007), SEEK_SET, false },
		{ UINT64_C(0x500000006), SEEK_SET, false },
		{ UINT64_C(0x700000009), SEEK_CUR, true },
		{ UINT64_C(0x700000009), SEEK_SET, false },
	};

	(void)state;
	for (size_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			if (!pyi_confine_no_new_privileges() ||
			    !pyi_confine_system_calls(pyi_arch_audit, calls, 3, 0))
				_exit(NOT_CONFINED);
			syscall(SYS_lseek, -1, tries[t].offset, tries[t].whence);
			syscall(SYS_exit_group, CONFINED);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (tries[t].allowed)
			assert_int_equal(status, CONFINED << 8);
		else
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mirror_may),
		cmocka_unit_test(test_mirror_may_not),
		cmocka_unit_test(test_what_the_kernel_says),
		cmocka_unit_test(test_cannot_become_another),
		cmocka_unit_test(test_landlock_and_root),
		cmocka_unit_test(test_close_files),
		cmocka_unit_test(test_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
