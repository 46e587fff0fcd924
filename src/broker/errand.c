/*
 * Forks, waits for the end, takes over what was sent before it. Does not know what it is about.
 */
#include "broker/errand.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker/channel.h"
#include "tracee/wait.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum {
	/* For one that was killed: it is gone by then, unless it cannot be. */
	BURIAL_MS = 50,
	/* Also our output, for whose end somebody may wait. */
	FIRST_FD = 0,
	/* Where close_range(2) is not known (before Linux 5.9). */
	FD_LIMIT = 1024,
};

static pid_t parent;

void pyi_errand_stay_bound(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static void close_others(int kept_fd, int channel_fd)
{
	int low = kept_fd < channel_fd ? kept_fd : channel_fd;
	int high = kept_fd < channel_fd ? channel_fd : kept_fd;

	if (low < FIRST_FD)
		low = FIRST_FD - 1;
	if ((low < FIRST_FD || low == FIRST_FD ||
	     syscall(SYS_close_range, FIRST_FD, low - 1, 0) == 0) &&
	    (high == low + 1 || syscall(SYS_close_range, low + 1, high - 1, 0) == 0) &&
	    syscall(SYS_close_range, high + 1, UINT_MAX, 0) == 0)
		return;
	for (int fd = FIRST_FD; fd < FD_LIMIT; fd++)
		if (fd != kept_fd && fd != channel_fd)
			close(fd);
}

/* Whoever has become another user can perhaps not be killed by us, but by itself. */
static void limit_life(uint64_t deadline_ns)
{
	uint64_t left_us = pyi_clock_left_us(deadline_ns);
	sigset_t set;

	if (left_us == UINT64_MAX)
		return;
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm((unsigned)(left_us / 1000000 + 1));
}

static __attribute__((noreturn)) void run(const struct pyi_errand *errand, uint64_t deadline_ns,
					  void *outcome, int channel_fd)
{
	int fd;

	prctl(PR_SET_NAME, "pyinspect-errnd");
	pyi_errand_stay_bound();
	limit_life(deadline_ns);
	close_others(errand->kept_fd, channel_fd);
	fd = errand->run(errand->argument, outcome);
	_exit(!pyi_channel_send(channel_fd, outcome, errand->outcome_bytes, NULL, 0, fd));
}

enum pyi_errand_end pyi_errand_run(const struct pyi_errand *errand, uint64_t deadline_ns,
				   void *ret_outcome, int *ret_fd)
{
	enum pyi_errand_end end;
	pid_t reporter;
	int ends[2];
	pid_t child;
	int status;

	*ret_fd = -1;
	memset(ret_outcome, 0, errand->outcome_bytes);
	if (!pyi_channel_create(ends))
		return PYI_ERRAND_FAILED;
	parent = getpid();
	child = fork();
	if (child == 0)
		run(errand, deadline_ns, ret_outcome, ends[1]);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return PYI_ERRAND_FAILED;
	}
	/* What it has sent is there once it has ended. */
	if (pyi_wait_tracee(child, deadline_ns, true, &reporter, &status) == PYI_WAIT_REPORTED) {
		end = pyi_channel_receive(ends[0], ret_outcome, errand->outcome_bytes, ret_fd)
			      ? PYI_ERRAND_DONE
			      : PYI_ERRAND_FAILED;
	} else {
		end = PYI_ERRAND_LATE;
		kill(child, SIGKILL);
		/* One that cannot end is left to init. */
		pyi_wait_tracee(child, pyi_clock_deadline(BURIAL_MS, PYI_CLOCK_NEVER), false,
				&reporter, &status);
	}
	close(ends[0]);
	return end;
}
