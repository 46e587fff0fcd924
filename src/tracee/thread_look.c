/*
 * Reads /proc/PID/task/TID. Changes nothing, and keeps nothing.
 */
#include "tracee/thread_look.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/small_file.h"
#include "process/process_stat.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
/* include/uapi/linux/fcntl.h: what stat() takes, too */
#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

enum {
	/* include/uapi/linux/pidfd.h, Linux 6.9 */
	PIDFD_THREAD_FLAG = O_EXCL,
	PROC_TEXT_LIMIT = 8192,
	/* CPUCLOCK_PROF and CPUCLOCK_VIRT of the kernel */
	CLOCK_OF_BOTH_TIMES = 0,
	CLOCK_OF_USER_TIME = 1,
	KERNEL_IO_WORKER = 0x10,
	KERNEL_USER_WORKER = 0x4000,
	/* Time stamps are taken at ticks: rather sleep that much too long than too short. */
	SLEPT_MARGIN_MS = 2,
};

#define NS_PER_S UINT64_C(1000000000)

/* Text of a small file of one thread; false if it or the thread is not there. */
static bool read_thread_file(const struct pyi_process *process, pid_t tid, const char *name,
			     char *ret_text, size_t capacity)
{
	char path[64];

	snprintf(path, sizeof(path), "task/%d/%s", tid, name);
	return pyi_small_file_read(process->proc_fd, path, ret_text, capacity);
}

void pyi_thread_read_activity(int fd, char *ret_text, size_t capacity)
{
	ssize_t got = fd >= 0 ? pread(fd, ret_text, capacity - 1, 0) : 0;

	ret_text[got > 0 ? got : 0] = '\0';
}

/* False if it is gone. */
static bool read_status(const struct pyi_process *process, pid_t tid,
			struct pyi_process_status *ret_status)
{
	struct pyi_error *error = pyi_process_read_status(process, tid, ret_status);

	pyi_error_destroy(error);
	return !error;
}

uint64_t pyi_thread_count_waits(const struct pyi_process *process, pid_t tid)
{
	struct pyi_process_status status;

	return read_status(process, tid, &status) ? status.voluntary_switches : 0;
}

char pyi_thread_state(const struct pyi_process *process, pid_t tid)
{
	struct pyi_process_stat stat;

	if (!pyi_process_stat_read(process, tid, &stat))
		return 'X';
	return stat.state;
}

/*
 * The kernel's own helpers (io_uring, vhost) are listed as threads: PF_IO_WORKER and PF_USER_WORKER
 * of include/linux/sched.h.
 */
bool pyi_thread_can_run(const struct pyi_process *process, pid_t tid)
{
	struct pyi_process_stat stat;

	return pyi_process_stat_read(process, tid, &stat) && stat.state != 'X' &&
	       stat.state != 'Z' && !(stat.flags & (KERNEL_IO_WORKER | KERNEL_USER_WORKER));
}

pid_t pyi_thread_namespace_tid(const struct pyi_process *process, pid_t tid)
{
	struct pyi_process_status status;

	if (!read_status(process, tid, &status))
		return 0;
	return status.namespace_pid ? status.namespace_pid : tid;
}

/*
 * A call that has put on a signal mask of its own. If it is interrupted, the kernel takes that off
 * before it starts the call again: a signal that has come and that only the call blocks would be
 * handled in between. What the thread itself blocks cannot be seen from here.
 */
static bool has_signals_waiting(const struct pyi_process *process, pid_t tid, uint64_t number,
				const uint64_t arguments[PYI_SYSCALL_ARGUMENTS])
{
	struct pyi_process_status status;

	switch (number) {
	case SYS_rt_sigsuspend:
		break;
	case SYS_pselect6:
		/* Where the mask is, if there is one. */
		if (!arguments[5])
			return false;
		break;
	case SYS_ppoll:
		if (!arguments[3])
			return false;
		break;
	case SYS_epoll_pwait:
		if (!arguments[4])
			return false;
		break;
	default:
		return false;
	}
	if (!read_status(process, tid, &status))
		return true;
	return (status.signals_pending | status.shared_signals_pending) & status.signals_blocked;
}

/* True if a socket gives up after a time, or waits for more than a byte. */
static bool is_socket_with_terms(int fd)
{
	struct timeval timeout = { 0 };
	socklen_t timeout_bytes = sizeof(timeout);
	int low_mark = 1;
	socklen_t low_mark_bytes = sizeof(low_mark);

	return (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &timeout_bytes) == 0 &&
		(timeout.tv_sec || timeout.tv_usec)) ||
	       (getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low_mark, &low_mark_bytes) == 0 &&
		low_mark > 1);
}

/* The same for a terminal. */
static bool is_terminal_with_terms(int fd)
{
	struct termios setting;

	return tcgetattr(fd, &setting) == 0 && !(setting.c_lflag & ICANON) &&
	       (setting.c_cc[VMIN] > 1 || setting.c_cc[VTIME]);
}

/* What a thread reads from. */
enum source {
	/* Pipes, eventfd and the like, and what cannot be seen. */
	SOURCE_PLAIN,
	SOURCE_SOCKET,
	/* Perhaps a terminal. */
	SOURCE_DEVICE,
	/* A file with a name, or a directory. */
	SOURCE_FILE,
};

/*
 * Finds that out without asking the file system: that may be the target itself, or wait for it. The
 * kernel alone knows what the link says, and the type of what is open. (Before Linux 4.20 a FUSE
 * server may be asked for that all the same.)
 */
static enum source find_source(const struct pyi_process *process, pid_t tid, uint64_t target_fd)
{
	static const char socket_link[] = "socket:[";
	struct stat status;
	char link[16];
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "task/%d/fd/%d", tid, (int)target_fd);
	length = readlinkat(process->proc_fd, path, link, sizeof(link));
	if (length >= (ssize_t)sizeof(socket_link) - 1 &&
	    memcmp(link, socket_link, sizeof(socket_link) - 1) == 0)
		return SOURCE_SOCKET;
	if (length <= 0 || link[0] != '/')
		return SOURCE_PLAIN;
	if (fstatat(process->proc_fd, path, &status, AT_STATX_DONT_SYNC) != 0)
		return SOURCE_FILE;
	if (S_ISCHR(status.st_mode))
		return SOURCE_DEVICE;
	return S_ISFIFO(status.st_mode) ? SOURCE_PLAIN : SOURCE_FILE;
}

/*
 * A read whose end is a matter of the descriptor's own settings: interrupted, it would give less
 * than it should, or wait for the whole time again. Only a duplicate of the descriptor tells; it is
 * here for some microseconds. Before Linux 5.6 there is none, and nobody can know. Of a file there
 * must be none: to close it can have its file system wait, or take away an error that the target is
 * to hear of. But whoever sleeps for one, and not in state D, has a server (FUSE) behind it, which
 * is free to do with an interrupted read what it likes.
 */
static bool has_terms_of_its_own(const struct pyi_process *process, pid_t tid, uint64_t number,
				 uint64_t target_fd)
{
	PYI_CLEANUP(pyi_guard_fd) int process_fd = -1;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	enum source source;

	switch (number) {
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_accept:
	case SYS_accept4:
		break;
	default:
		return false;
	}
	source = find_source(process, tid, target_fd);
	if (source == SOURCE_PLAIN || source == SOURCE_FILE)
		return source == SOURCE_FILE;
	process_fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD_FLAG);
	if (process_fd < 0)
		process_fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (process_fd < 0)
		return false;
	fd = (int)syscall(SYS_pidfd_getfd, process_fd, (int)target_fd, 0);
	if (fd < 0)
		return false;
	return source == SOURCE_SOCKET ? is_socket_with_terms(fd) : is_terminal_with_terms(fd);
}

/*
 * The call that /proc/TID/syscall tells of: "NUMBER 0xARG x6 0xSP 0xPC". False if the thread is
 * "running", or is not there; a number of -1 ("-1 0xSP 0xPC") is no call.
 */
static bool read_call(const struct pyi_process *process, pid_t tid, int64_t *ret_number,
		      uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS])
{
	char text[256];

	*ret_number = INT64_MIN;
	if (!read_thread_file(process, tid, "syscall", text, sizeof(text)) ||
	    strncmp(text, "running", 7) == 0)
		return false;
	if (strncmp(text, "-1 ", 3) == 0)
		*ret_number = -1;
	else if (sscanf(text,
			"%" SCNd64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
			" %" SCNx64,
			ret_number, &ret_arguments[0], &ret_arguments[1], &ret_arguments[2],
			&ret_arguments[3], &ret_arguments[4], &ret_arguments[5]) != 7)
		*ret_number = INT64_MIN;
	return true;
}

void pyi_thread_look(const struct pyi_process *process, pid_t tid, struct pyi_thread_call *ret_call)
{
	int64_t number;

	ret_call->interruption = PYI_INTERRUPTION_UNSEEN;
	ret_call->blocked = read_call(process, tid, &number, ret_call->arguments);
	if (!ret_call->blocked)
		return;
	ret_call->interruption = PYI_INTERRUPTION_FORBIDDEN;
	ret_call->number = UINT64_MAX;
	if (number == -1) {
		/* In its own code: stopped by a signal, waiting for a page, or about to go on. */
		char state = pyi_thread_state(process, tid);

		ret_call->blocked = state == 'T' || state == 'D';
		if (state != 'D')
			ret_call->interruption = PYI_INTERRUPTION_UNSEEN;
		return;
	}
	if (number < 0)
		return;
	ret_call->number = (uint64_t)number;
	/* In an uninterruptible wait it neither runs nor stops. */
	if (pyi_thread_state(process, tid) == 'D')
		return;
	ret_call->interruption = pyi_arch_interruption(ret_call->number, ret_call->arguments);
	if (has_terms_of_its_own(process, tid, ret_call->number, ret_call->arguments[0]) ||
	    has_signals_waiting(process, tid, ret_call->number, ret_call->arguments))
		ret_call->interruption = PYI_INTERRUPTION_FORBIDDEN;
}

bool pyi_thread_is_in(const struct pyi_process *process, pid_t tid,
		      const struct pyi_thread_call *call)
{
	uint64_t arguments[PYI_SYSCALL_ARGUMENTS] = { 0 };
	int64_t number;

	if (!read_call(process, tid, &number, arguments))
		return false;
	return number < 0 ? call->number == UINT64_MAX
			  : call->number == (uint64_t)number &&
				    memcmp(arguments, call->arguments, sizeof(arguments)) == 0;
}

/* The scheduler's time stamp of a thread, ms; from the text of /proc/TID/sched. */
static bool parse_exec_start(const char *text, double *ret_ms)
{
	static const char key[] = "se.exec_start";
	const char *line = strstr(text, key);

	return line && sscanf(line + sizeof(key) - 1, " : %lf", ret_ms) == 1;
}

/* The processor a thread ran on last. */
static bool last_processor(const struct pyi_process *process, pid_t tid, unsigned *ret_processor)
{
	struct pyi_process_stat stat;

	if (!pyi_process_stat_read(process, tid, &stat) || stat.processor >= CPU_SETSIZE)
		return false;
	*ret_processor = stat.processor;
	return true;
}

/* The scheduler's time now, ms, on one processor: each has a clock of its own. */
static bool scheduler_now(unsigned processor, double *ret_ms)
{
	char text[PROC_TEXT_LIMIT];
	cpu_set_t before;
	cpu_set_t there;

	CPU_ZERO(&there);
	CPU_SET(processor, &there);
	if (sched_getaffinity(0, sizeof(before), &before) != 0 ||
	    sched_setaffinity(0, sizeof(there), &there) != 0)
		return false;
	pyi_small_file_read(AT_FDCWD, "/proc/self/sched", text, sizeof(text));
	sched_setaffinity(0, sizeof(before), &before);
	return parse_exec_start(text, ret_ms);
}

/*
 * How long the thread has been off the processor, UINT64_MAX if the kernel does not say. Rather too
 * little than too much: time that a hypervisor took is not in it.
 */
uint64_t pyi_thread_slept_ms(const struct pyi_process *process, pid_t tid)
{
	char text[PROC_TEXT_LIMIT];
	unsigned processor;
	double since;
	double now;

	if (!read_thread_file(process, tid, "sched", text, sizeof(text)) ||
	    !parse_exec_start(text, &since) || !last_processor(process, tid, &processor) ||
	    !scheduler_now(processor, &now) || now < since)
		return UINT64_MAX;
	return now - since > SLEPT_MARGIN_MS ? (uint64_t)(now - since) - SLEPT_MARGIN_MS : 0;
}

/* include/linux/posix-timers_types.h: a clock of another process */
static uint64_t read_process_clock(const struct pyi_process *process, unsigned kind)
{
	struct timespec time;

	if (clock_gettime((clockid_t)(~(unsigned)process->pid << 3 | kind), &time) != 0)
		return 0;
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

struct pyi_thread_ticks pyi_thread_ticks_of_process(const struct pyi_process *process)
{
	/* In this order: what a tick adds in between makes it look as if it was in the kernel. */
	uint64_t user_ns = read_process_clock(process, CLOCK_OF_USER_TIME);
	uint64_t both_ns = read_process_clock(process, CLOCK_OF_BOTH_TIMES);

	return (struct pyi_thread_ticks){ user_ns, both_ns > user_ns ? both_ns - user_ns : 0 };
}

struct pyi_thread_ticks pyi_thread_ticks_of_thread(const struct pyi_process *process, pid_t tid)
{
	uint64_t tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
	struct pyi_process_stat stat;

	if (!pyi_process_stat_read(process, tid, &stat))
		return (struct pyi_thread_ticks){ 0, 0 };
	return (struct pyi_thread_ticks){ stat.user_ticks * tick_ns, stat.kernel_ticks * tick_ns };
}

uint64_t pyi_thread_transferred(const struct pyi_process *process, pid_t tid)
{
	uint64_t written;
	uint64_t read;
	char text[512];

	if (!read_thread_file(process, tid, "io", text, sizeof(text)) ||
	    sscanf(text, "rchar: %" SCNu64 " wchar: %" SCNu64, &read, &written) != 2)
		return UINT64_MAX;
	return read + written;
}
