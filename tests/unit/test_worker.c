/*
 * The process without rights: what the kernel says of it, and what becomes of everything that
 * somebody would try who has taken it over. As root, and as an ordinary user.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/channel.h"
#include "broker/worker.h"
#include "proc_text.h"

enum {
	NOBODY = 65534,
	MEMORY_BYTES = 1 << 30,
	FILE_LIMIT = 64,
	ARGUMENTS = 6,
	/* How a child ends; an errno is less. */
	DONE = 0,
	NOT_CONFINED = 200,
	WRONG = 201,
};

/* What a worker may hold, made before it is confined. */
static struct {
	pid_t parent;
	pid_t sibling;
	/* Of the parent, for reading only. */
	int memory_fd;
	int terminal_fd;
	int channel[2];
	uint64_t word;
} given = { .word = UINT64_C(0x1122334455667788) };

static int setup(void **state)
{
	int controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	(void)state;
	given.parent = getpid();
	given.memory_fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	assert_true(given.memory_fd >= 0 && controller >= 0);
	assert_int_equal(grantpt(controller), 0);
	assert_int_equal(unlockpt(controller), 0);
	given.terminal_fd = open(ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(given.terminal_fd >= 0);
	assert_true(pyi_channel_create(given.channel));
	given.sibling = fork();
	if (given.sibling == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	assert_true(given.sibling > 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(given.sibling, SIGKILL);
	waitpid(given.sibling, NULL, 0);
	return 0;
}

/* An ordinary user, for good. */
static bool become_nobody(void)
{
	return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

/* How a worker ends that does `action`: as waitpid(2). */
static int try(bool as_nobody, int (*action)(const void *argument), const void *argument)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		/* In place of cmocka's handler, which would go on with the next test. */
		signal(SIGSEGV, SIG_DFL);
		if ((as_nobody && !become_nobody()) || pyi_worker_confine(MEMORY_BYTES))
			_exit(NOT_CONFINED);
		syscall(SYS_exit_group, action(argument));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

struct call {
	const char *name;
	long number;
	long arguments[ARGUMENTS];
};

/* The errno of a call; 0: it was made. */
static int make_call(const void *argument)
{
	const struct call *call = argument;
	const long *a = call->arguments;

	errno = 0;
	return syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]) == -1 ? errno : 0;
}

#define ADDRESS(of) ((long)(uintptr_t)(of))

/* The kernel does not even begin with any of these. */
static void test_forbidden_calls(void **state)
{
	static const char shadow[] = "/etc/shadow";
	static const char passwd[] = "/etc/passwd";
	static const char none[] = "/nonexistent/pyinspect-test";
	static char *const nothing[] = { NULL };
	static const uint64_t how[3] = { O_RDONLY };
	static const struct sockaddr_un address = { AF_UNIX, "/run/systemd/private" };
	static uint64_t room[64];
	static const struct iovec piece = { room, 8 };
	static struct iovec message_piece = { room, 8 };
	const long parent = given.parent;
	const long sibling = given.sibling;
	const long channel = given.channel[0];
	const long terminal = given.terminal_fd;
	const long code = ADDRESS(test_forbidden_calls) & -(long)sysconf(_SC_PAGESIZE);
	const struct call calls[] = {
		{ "openat shadow", SYS_openat, { AT_FDCWD, ADDRESS(shadow), O_RDONLY } },
		{ "openat passwd", SYS_openat, { AT_FDCWD, ADDRESS(passwd), O_RDONLY } },
		{ "openat /proc/self",
		  SYS_openat,
		  { AT_FDCWD, ADDRESS("/proc/self/mem"), O_RDWR } },
		{ "openat2", 437, { AT_FDCWD, ADDRESS(passwd), ADDRESS(how), sizeof(how) } },
		{ "open_by_handle_at",
		  SYS_open_by_handle_at,
		  { channel, ADDRESS(room), O_RDONLY } },
		{ "statx", SYS_statx, { AT_FDCWD, ADDRESS(passwd), 0, 0, ADDRESS(room) } },
		{ "readlinkat", SYS_readlinkat, { AT_FDCWD, ADDRESS("/proc/self/exe"), 0, 0 } },
		{ "faccessat", SYS_faccessat, { AT_FDCWD, ADDRESS(passwd), R_OK } },
		{ "getdents64", SYS_getdents64, { channel, ADDRESS(room), sizeof(room) } },
		{ "unlinkat", SYS_unlinkat, { AT_FDCWD, ADDRESS(none) } },
		{ "mkdirat", SYS_mkdirat, { AT_FDCWD, ADDRESS(none), 0700 } },
		{ "fchmod", SYS_fchmod, { terminal, 0666 } },
		{ "fchown", SYS_fchown, { terminal, 0, 0 } },
		{ "ftruncate", SYS_ftruncate, { terminal, 0 } },
		{ "execve",
		  SYS_execve,
		  { ADDRESS("/bin/true"), ADDRESS(nothing), ADDRESS(nothing) } },
		{ "execveat",
		  SYS_execveat,
		  { AT_FDCWD, ADDRESS("/bin/true"), ADDRESS(nothing), ADDRESS(nothing), 0 } },
		{ "ptrace seize parent", SYS_ptrace, { PTRACE_SEIZE, parent } },
		{ "ptrace attach sibling", SYS_ptrace, { PTRACE_ATTACH, sibling } },
		{ "ptrace traceme", SYS_ptrace, { PTRACE_TRACEME } },
		{ "process_vm_readv",
		  SYS_process_vm_readv,
		  { sibling, ADDRESS(&piece), 1, ADDRESS(&piece), 1, 0 } },
		{ "process_vm_writev",
		  SYS_process_vm_writev,
		  { sibling, ADDRESS(&piece), 1, ADDRESS(&piece), 1, 0 } },
		{ "kill parent", SYS_kill, { parent, 0 } },
		{ "kill sibling", SYS_kill, { sibling, SIGKILL } },
		{ "tkill", SYS_tkill, { parent, 0 } },
		{ "tgkill parent", SYS_tgkill, { parent, parent, 0 } },
		{ "tgkill sibling", SYS_tgkill, { sibling, sibling, SIGKILL } },
		{ "rt_sigqueueinfo", SYS_rt_sigqueueinfo, { sibling, SIGKILL, ADDRESS(room) } },
		{ "pidfd_open", 434, { parent, 0 } },
		{ "pidfd_send_signal", 424, { channel, 0, 0, 0 } },
		{ "pidfd_getfd", 438, { channel, 0, 0 } },
		{ "process_madvise", 440, { channel, ADDRESS(&piece), 1, 0, 0 } },
		{ "socket unix", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
		{ "socket inet", SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
		{ "socket netlink", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 } },
		{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, ADDRESS(room) } },
		{ "connect", SYS_connect, { channel, ADDRESS(&address), sizeof(address) } },
		{ "bind", SYS_bind, { channel, ADDRESS(&address), sizeof(address) } },
		{ "listen", SYS_listen, { channel, 1 } },
		{ "accept4", SYS_accept4, { channel, 0, 0, 0 } },
		{ "sendto", SYS_sendto, { channel, ADDRESS(room), 1, MSG_DONTWAIT, 0, 0 } },
		{ "clone", SYS_clone, { SIGCHLD } },
		{ "clone of a thread", SYS_clone, { CLONE_VM | CLONE_SIGHAND | CLONE_THREAD } },
		{ "clone3", 435, { ADDRESS(room), sizeof(room) } },
		{ "unshare", SYS_unshare, { CLONE_NEWUSER } },
		{ "setns", SYS_setns, { channel, 0 } },
		{ "mount", SYS_mount, { ADDRESS("none"), ADDRESS("/"), ADDRESS("tmpfs") } },
		{ "umount2", SYS_umount2, { ADDRESS(none), 0 } },
		{ "chroot", SYS_chroot, { ADDRESS("/") } },
		{ "chdir", SYS_chdir, { ADDRESS("/") } },
		{ "fchdir", SYS_fchdir, { channel } },
		{ "pivot_root", SYS_pivot_root, { ADDRESS(none), ADDRESS(none) } },
		{ "setuid", SYS_setuid, { 0 } },
		{ "setgid", SYS_setgid, { 0 } },
		{ "setresuid", SYS_setresuid, { 0, 0, 0 } },
		{ "setgroups", SYS_setgroups, { 0, 0 } },
		{ "capset", SYS_capset, { ADDRESS(room), ADDRESS(room) } },
		{ "prctl dumpable", SYS_prctl, { PR_SET_DUMPABLE, 1 } },
		{ "prctl pdeathsig", SYS_prctl, { PR_SET_PDEATHSIG, 0 } },
		{ "prctl ptracer", SYS_prctl, { PR_SET_PTRACER, PR_SET_PTRACER_ANY } },
		{ "prlimit64", SYS_prlimit64, { 0, RLIMIT_AS, ADDRESS(room), 0 } },
		{ "personality", SYS_personality, { 0x0400000 } },
		{ "seccomp", SYS_seccomp, { 0, 0, 0 } },
		{ "setsid", SYS_setsid, { 0 } },
		{ "setpgid", SYS_setpgid, { 0, 0 } },
		{ "setpriority", SYS_setpriority, { 0, 0, 19 } },
		{ "sched_setscheduler", SYS_sched_setscheduler, { 0, 0, ADDRESS(room) } },
		{ "mmap executable",
		  SYS_mmap,
		  { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
		{ "mprotect executable", SYS_mprotect, { code, 4096, PROT_READ | PROT_EXEC } },
		{ "pkey_mprotect", SYS_pkey_mprotect, { code, 4096, PROT_READ | PROT_EXEC, -1 } },
		{ "memfd_create", SYS_memfd_create, { ADDRESS("test"), 0 } },
		{ "shmget", SYS_shmget, { 0, 4096, 0600 } },
		{ "shmat", SYS_shmat, { 0, 0, SHM_EXEC } },
		{ "io_uring_setup", 425, { 1, ADDRESS(room) } },
		{ "bpf", SYS_bpf, { 0, ADDRESS(room), sizeof(room) } },
		{ "perf_event_open", SYS_perf_event_open, { ADDRESS(room), 0, -1, -1, 0 } },
		{ "userfaultfd", SYS_userfaultfd, { 1 } },
		{ "keyctl", SYS_keyctl, { 0, -3, 0 } },
		{ "add_key", SYS_add_key, { ADDRESS("user"), ADDRESS("a"), ADDRESS("b"), 1, -3 } },
		{ "inotify_init1", SYS_inotify_init1, { 0 } },
		{ "epoll_create1", SYS_epoll_create1, { 0 } },
		{ "vmsplice", SYS_vmsplice, { channel, ADDRESS(&message_piece), 1, 0 } },
		{ "pwrite64", SYS_pwrite64, { given.memory_fd, ADDRESS(room), 8, 0 } },
		{ "pwritev", SYS_pwritev, { given.memory_fd, ADDRESS(&piece), 1, 0, 0 } },
		{ "dup", SYS_dup, { channel } },
		{ "dup3", SYS_dup3, { channel, 60, 0 } },
		{ "fcntl F_DUPFD", SYS_fcntl, { channel, F_DUPFD, 0 } },
		{ "fcntl F_SETOWN", SYS_fcntl, { channel, F_SETOWN, parent } },
		{ "fcntl F_SETSIG", SYS_fcntl, { channel, F_SETSIG, SIGKILL } },
		{ "fcntl F_SETLEASE", SYS_fcntl, { channel, F_SETLEASE, F_RDLCK } },
		{ "fcntl F_SETPIPE_SZ", SYS_fcntl, { channel, F_SETPIPE_SZ, 1 << 20 } },
		{ "ioctl TIOCSTI", SYS_ioctl, { terminal, TIOCSTI, ADDRESS("x") } },
		{ "ioctl TIOCSTI, more bits",
		  SYS_ioctl,
		  { terminal, TIOCSTI | (long)(UINT64_C(1) << 32), ADDRESS("x") } },
		{ "ioctl TIOCLINUX", SYS_ioctl, { terminal, TIOCLINUX, ADDRESS(room) } },
		{ "ioctl TIOCSCTTY", SYS_ioctl, { terminal, TIOCSCTTY, 1 } },
		{ "ioctl TCSETS", SYS_ioctl, { terminal, TCSETS, ADDRESS(room) } },
		{ "ioctl FIOASYNC", SYS_ioctl, { channel, FIOASYNC, ADDRESS(room) } },
#ifdef SYS_newfstatat
		{ "newfstatat", SYS_newfstatat, { AT_FDCWD, ADDRESS(passwd), ADDRESS(room), 0 } },
#endif
#ifdef SYS_open
		{ "open shadow", SYS_open, { ADDRESS(shadow), O_RDONLY } },
		{ "open passwd", SYS_open, { ADDRESS(passwd), O_RDONLY } },
		{ "creat", SYS_creat, { ADDRESS(none), 0600 } },
		{ "stat", SYS_stat, { ADDRESS(passwd), ADDRESS(room) } },
		{ "fork", SYS_fork, { 0 } },
		{ "dup2", SYS_dup2, { channel, 60 } },
#endif
#ifdef __x86_64__
		/* The numbers of x32; those begin at 512 that are not those of x86_64. */
		{ "x32 open", 0x40000000 | SYS_open, { ADDRESS(passwd), O_RDONLY } },
		{ "x32 execve",
		  0x40000000 | 520,
		  { ADDRESS("/bin/true"), ADDRESS(nothing), ADDRESS(nothing) } },
		{ "x32 ptrace", 0x40000000 | 521, { PTRACE_SEIZE, parent } },
		{ "modify_ldt", SYS_modify_ldt, { 0, ADDRESS(room), sizeof(room) } },
		{ "iopl", SYS_iopl, { 3 } },
#endif
	};

	(void)state;
	for (int as_nobody = geteuid() != 0 ? 0 : 1; as_nobody >= 0; as_nobody--)
		for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
			int status = try(as_nobody, make_call, &calls[c]);

			if (status != ENOSYS << 8)
				fail_msg("%s: status %x", calls[c].name, (unsigned)status);
		}
	assert_int_equal(waitpid(given.sibling, NULL, WNOHANG), 0);
}

static int do_vfork(const void *argument)
{
	(void)argument;
#ifdef SYS_vfork
	/* The child would end at once. */
	return syscall(SYS_vfork) == 0 ? WRONG : errno;
#else
	return ENOSYS;
#endif
}

/* Opened for reading: it is no way to write, whatever the rights of who opened it. */
static int write_memory(const void *argument)
{
	const struct iovec piece = { &given.word, sizeof(given.word) };

	(void)argument;
	if (lseek(given.memory_fd, (off_t)(uintptr_t)&given.word, SEEK_SET) < 0)
		return WRONG;
	if (write(given.memory_fd, &given.word, sizeof(given.word)) >= 0 || errno != EBADF)
		return WRONG;
	if (writev(given.memory_fd, &piece, 1) >= 0)
		return WRONG;
	return errno;
}

static int exhaust_memory(const void *argument)
{
	(void)argument;
	/* By steps: what is there already counts, too. */
	for (int step = 0; step < 64; step++)
		if (mmap(NULL, MEMORY_BYTES / 32, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
			return errno;
	return DONE;
}

static int grow_memory(const void *argument)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argument;
	if (page == MAP_FAILED)
		return errno;
	return mremap(page, 4096, MEMORY_BYTES, MREMAP_MAYMOVE) == MAP_FAILED ? errno : DONE;
}

static int exhaust_files(const void *argument)
{
	(void)argument;
	for (int count = 0; count <= FILE_LIMIT; count++)
		if (fcntl(given.channel[0], F_DUPFD_CLOEXEC, 0) < 0)
			return errno;
	return DONE;
}

static void test_limits(void **state)
{
	static const struct {
		const char *name;
		int (*action)(const void *argument);
		int error_number;
	} tries[] = {
		{ "vfork", do_vfork, ENOSYS },
		{ "write through memory", write_memory, EBADF },
		{ "too much memory", exhaust_memory, ENOMEM },
		{ "mremap to too much", grow_memory, ENOMEM },
		{ "too many files", exhaust_files, EMFILE },
	};

	(void)state;
	for (int as_nobody = geteuid() != 0 ? 0 : 1; as_nobody >= 0; as_nobody--)
		for (size_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
			int status = try(as_nobody, tries[t].action, NULL);

			if (status != tries[t].error_number << 8)
				fail_msg("%s: status %x", tries[t].name, (unsigned)status);
		}
	assert_true(given.word == UINT64_C(0x1122334455667788));
}

/* Another set of numbers ends it. */
static int call_as_i386(const void *argument)
{
	(void)argument;
#ifdef __x86_64__
	long result = 20; /* getpid */

	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	return result == -ENOSYS ? ENOSYS : WRONG;
#else
	return raise(SIGSYS);
#endif
}

static void test_another_machine(void **state)
{
	(void)state;
	for (int as_nobody = geteuid() != 0 ? 0 : 1; as_nobody >= 0; as_nobody--) {
		int status = try(as_nobody, call_as_i386, NULL);

		/* A kernel without it has no such interrupt. */
		assert_true(WIFSIGNALED(status));
		assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
	}
}

/* What it is for goes on. */
static int work(const void *argument)
{
	const char header[8] = "abcdefg";
	struct winsize size;
	struct timespec now;
	struct stat status;
	uint64_t word = 0;
	uint8_t byte;
	int fd;

	(void)argument;
	if (pread(given.memory_fd, &word, sizeof(word), (off_t)(uintptr_t)&given.word) !=
		    sizeof(word) ||
	    word != given.word)
		return WRONG;
	if (!isatty(given.terminal_fd) || ioctl(given.terminal_fd, TIOCGWINSZ, &size) != 0 ||
	    isatty(given.memory_fd) || fstat(given.memory_fd, &status) != 0)
		return WRONG;
	fd = fcntl(given.channel[0], F_DUPFD_CLOEXEC, 3);
	if (fd < 0 || fcntl(fd, F_GETFD) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fd, F_GETFL) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || close(fd) != 0)
		return WRONG;
	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0 || getrandom(&byte, 1, 0) != 1)
		return WRONG;
	if (!pyi_channel_send(given.channel[0], header, sizeof(header), NULL, 0, -1))
		return WRONG;
	return DONE;
}

static void test_work(void **state)
{
	(void)state;
	for (int as_nobody = geteuid() != 0 ? 0 : 1; as_nobody >= 0; as_nobody--) {
		char header[8];

		assert_int_equal(try(as_nobody, work, NULL), DONE);
		assert_true(pyi_channel_receive(given.channel[1], header, sizeof(header), NULL));
		assert_string_equal(header, "abcdefg");
	}
}

static void look_at(pid_t pid, bool is_root)
{
	static const char *const lines[] = {
		"\nCapInh:\t0000000000000000\n",
		"\nCapPrm:\t0000000000000000\n",
		"\nCapEff:\t0000000000000000\n",
		"\nCapAmb:\t0000000000000000\n",
		"\nNoNewPrivs:\t1\n",
		"\nSeccomp:\t2\n",
	};
	char *text = proc_text_read(pid, "status");
	char path[64];
	char root[64] = { 0 };

	for (size_t l = 0; l < sizeof(lines) / sizeof(lines[0]); l++)
		proc_text_assert_line(text, lines[l]);
	if (geteuid() == 0) {
		proc_text_assert_line(text, "\nUid:\t65534\t65534\t65534\t65534\n");
		proc_text_assert_line(text, "\nGid:\t65534\t65534\t65534\t65534\n");
		proc_text_assert_line(text, "\nGroups:\t \n");
		snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
		assert_true(readlink(path, root, sizeof(root) - 1) > 0);
	}
	if (is_root) {
		proc_text_assert_line(text, "\nCapBnd:\t0000000000000000\n");
		/* There is nothing in it. */
		assert_string_not_equal(root, "/");
	}
	free(text);
	text = proc_text_read(pid, "limits");
	proc_text_assert_line(text, "Max core file size        0                    0 ");
	proc_text_assert_line(text, "Max open files            64                   64 ");
	proc_text_assert_line(text, "Max address space         1073741824           1073741824 ");
	free(text);
}

static void test_what_the_kernel_says(void **state)
{
	(void)state;
	for (int as_nobody = geteuid() != 0 ? 0 : 1; as_nobody >= 0; as_nobody--) {
		int ends[2];
		char byte = 0;
		int status;
		pid_t pid;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
		pid = fork();
		if (pid == 0) {
			close(ends[0]);
			if ((as_nobody && !become_nobody()) || pyi_worker_confine(MEMORY_BYTES))
				_exit(NOT_CONFINED);
			(void)!write(ends[1], &byte, 1);
			(void)!read(ends[1], &byte, 1);
			syscall(SYS_exit_group, DONE);
		}
		close(ends[1]);
		assert_true(pid > 0);
		assert_int_equal(read(ends[0], &byte, 1), 1);
		look_at(pid, geteuid() == 0 && !as_nobody);
		close(ends[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, DONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden_calls),	     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_another_machine),	     cmocka_unit_test(test_work),
		cmocka_unit_test(test_what_the_kernel_says),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
