/*
 * Modes that wait in read(2) of special files, in open(2), and for locks of files.
 */
#include "blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>

static long read_number(struct job *job)
{
	uint64_t number = 0;
	long result = syscall(SYS_read, job->fds[0], &number, sizeof(number));

	say(job, "number %llu", (unsigned long long)number);
	return result;
}

static bool prepare_eventfd(struct job *job)
{
	job->fds[0] = eventfd(0, EFD_CLOEXEC);
	return job->fds[0] >= 0;
}

static void wake_eventfd(struct job *job)
{
	eventfd_write(job->fds[0], 4711);
}

static bool prepare_timerfd(struct job *job)
{
	job->fds[0] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return job->fds[0] >= 0;
}

static long call_timerfd(struct job *job)
{
	struct itimerspec setting = { .it_value = timespec_of(job->timeout_ns) };

	timerfd_settime(job->fds[0], 0, &setting, NULL);
	return read_number(job);
}

/* A name of its own in the folder for temporary files. */
static void choose_path(struct job *job)
{
	const char *folder = getenv("TMPDIR");

	snprintf(job->path, sizeof(job->path), "%s/pyinspect-blocking-%d-%p",
		 folder && strlen(folder) < 100 ? folder : "/tmp", getpid(), (void *)job);
}

static bool prepare_inotify(struct job *job)
{
	choose_path(job);
	job->fds[0] = inotify_init1(IN_CLOEXEC);
	return job->fds[0] >= 0 && mkdir(job->path, 0700) == 0 &&
	       inotify_add_watch(job->fds[0], job->path, IN_CREATE) >= 0;
}

static long call_inotify(struct job *job)
{
	union {
		struct inotify_event event;
		char bytes[512];
	} room = { .event = { .mask = 0 } };
	long result = syscall(SYS_read, job->fds[0], &room, sizeof(room));

	say(job, "mask %x", room.event.mask);
	return result;
}

static void wake_inotify(struct job *job)
{
	char path[sizeof(job->path) + 8];

	snprintf(path, sizeof(path), "%s/file", job->path);
	close(open(path, O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	unlink(path);
}

/* A terminal: fds[0] is its slave, fds[1] its master. `whole`: no lines, but WHOLE_BYTES. */
static bool prepare_terminal(struct job *job, bool whole)
{
	struct termios setting;
	char name[64];

	if (!map_memory(job, PAGE_BYTES))
		return false;
	job->fds[1] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (job->fds[1] < 0 || grantpt(job->fds[1]) != 0 || unlockpt(job->fds[1]) != 0 ||
	    ptsname_r(job->fds[1], name, sizeof(name)) != 0)
		return false;
	job->fds[0] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (job->fds[0] < 0 || tcgetattr(job->fds[0], &setting) != 0)
		return false;
	setting.c_lflag &= ~(tcflag_t)ECHO;
	if (whole) {
		cfmakeraw(&setting);
		setting.c_cc[VMIN] = WHOLE_BYTES;
		setting.c_cc[VTIME] = 0;
	}
	return tcsetattr(job->fds[0], TCSANOW, &setting) == 0;
}

static bool prepare_line(struct job *job)
{
	return prepare_terminal(job, false);
}

static bool prepare_whole(struct job *job)
{
	return prepare_terminal(job, true);
}

/* No bytes needed, but a time (in tenths of a second) to wait for some. */
static bool prepare_terminal_timed(struct job *job)
{
	struct termios setting;

	if (!prepare_terminal(job, true) || tcgetattr(job->fds[0], &setting) != 0)
		return false;
	setting.c_cc[VMIN] = 0;
	setting.c_cc[VTIME] = (cc_t)(job->timeout_ns / (NS_PER_S / 10));
	return tcsetattr(job->fds[0], TCSANOW, &setting) == 0;
}

static long call_read(struct job *job)
{
	return syscall(SYS_read, job->fds[0], job->memory, (size_t)PAGE_BYTES);
}

static void wake_line(struct job *job)
{
	if (write(job->fds[1], "line\n", 5) != 5)
		say(job, "[cannot wake: errno %d]", errno);
}

/* Two descriptions of one file; fds[1] has the lock. */
static bool prepare_flock(struct job *job)
{
	char path[64];

	job->fds[0] = memfd_create("lock", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", job->fds[0]);
	job->fds[1] = open(path, O_RDWR | O_CLOEXEC);
	return job->fds[1] >= 0 && flock(job->fds[1], LOCK_EX) == 0;
}

static long call_flock(struct job *job)
{
	return syscall(SYS_flock, job->fds[0], LOCK_EX);
}

static void wake_flock(struct job *job)
{
	flock(job->fds[1], LOCK_UN);
}

static bool prepare_ofd(struct job *job)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return prepare_flock(job) && fcntl(job->fds[1], F_OFD_SETLK, &whole) == 0;
}

static long set_lock(struct job *job, int command)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return syscall(SYS_fcntl, job->fds[0], command, &whole);
}

static long call_ofd(struct job *job)
{
	return set_lock(job, F_OFD_SETLKW);
}

static void wake_ofd(struct job *job)
{
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	fcntl(job->fds[1], F_OFD_SETLK, &whole);
}

/* Another process has the lock: fds[1] tells when it has, fds[2] tells it to go. */
static bool prepare_record(struct job *job)
{
	int ready[2];
	int go[2];
	char byte;
	bool locked;

	job->fds[0] = memfd_create("lock", MFD_CLOEXEC);
	if (job->fds[0] < 0 || pipe2(ready, O_CLOEXEC) != 0 || pipe2(go, O_CLOEXEC) != 0)
		return false;
	job->child = fork();
	if (job->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (set_lock(job, F_SETLK) == 0 && write(ready[1], "x", 1) == 1)
			(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	job->fds[2] = go[1];
	locked = job->child > 0 && read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	return locked;
}

static long call_record(struct job *job)
{
	return set_lock(job, F_SETLKW);
}

static void wake_record(struct job *job)
{
	if (write(job->fds[2], "x", 1) != 1)
		say(job, "[cannot wake: errno %d]", errno);
}

static bool prepare_fifo(struct job *job)
{
	choose_path(job);
	return mkfifo(job->path, 0600) == 0;
}

static long call_open(struct job *job)
{
	long result = syscall(SYS_openat, AT_FDCWD, job->path, O_RDONLY | O_CLOEXEC);

	if (result < 0)
		return result;
	job->fds[0] = (int)result;
	return 0;
}

static void wake_open(struct job *job)
{
	job->fds[1] = open(job->path, O_WRONLY | O_CLOEXEC);
}

/* clang-format off */
const struct mode file_modes[] = {
	{ "read_eventfd", ENDS_BY_EVENT, CARE_NONE, prepare_eventfd, read_number, NULL, wake_eventfd, NULL },
	{ "read_timerfd", ENDS_IN_TIME, CARE_NONE, prepare_timerfd, call_timerfd, NULL, NULL, NULL },
	{ "read_inotify", ENDS_BY_EVENT, CARE_NONE, prepare_inotify, call_inotify, NULL, wake_inotify, NULL },
	{ "read_terminal", ENDS_BY_EVENT, CARE_NONE, prepare_line, call_read, NULL, wake_line, check_text },
	{ "read_terminal_whole", ENDS_BY_EVENT, CARE_LEAVE, prepare_whole, call_read, prod_first, wake_others, check_text },
	{ "read_terminal_timed", ENDS_IN_TIME, CARE_LEAVE, prepare_terminal_timed, call_read, NULL, NULL, NULL },
	{ "flock", ENDS_BY_EVENT, CARE_NONE, prepare_flock, call_flock, NULL, wake_flock, NULL },
	{ "fcntl_setlkw", ENDS_BY_EVENT, CARE_NONE, prepare_record, call_record, NULL, wake_record, NULL },
	{ "fcntl_ofd_setlkw", ENDS_BY_EVENT, CARE_NONE, prepare_ofd, call_ofd, NULL, wake_ofd, NULL },
	{ "open_fifo", ENDS_BY_EVENT, CARE_LEAVE, prepare_fifo, call_open, NULL, wake_open, NULL },
	{ 0 },
};
/* clang-format on */
