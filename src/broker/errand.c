/*
 * Forks, waits for the end, takes over what was sent before it. Does not know what it is about.
 */
#include "broker/errand.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "broker/channel.h"
#include "tracee/wait.h"

enum {
	/* For one that was killed: it is gone by then, unless it cannot be. */
	BURIAL_MS = 50,
};

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
					  void *outcome, int channel_fd, pid_t parent)
{
	/* Not our output either, for whose end somebody may wait. */
	const int kept_fds[] = { errand->kept_fd, channel_fd };
	int fd;

	prctl(PR_SET_NAME, "pyinspect-errnd");
	pyi_confine_end_with(parent);
	limit_life(deadline_ns);
	if (!pyi_confine_close_files(kept_fds, 2))
		_exit(1);
	fd = errand->run(errand->argument, outcome);
	_exit(!pyi_channel_send(channel_fd, outcome, errand->outcome_bytes, NULL, 0, fd));
}

enum pyi_errand_end pyi_errand_run(const struct pyi_errand *errand, uint64_t deadline_ns,
				   void *ret_outcome, int *ret_fd)
{
	pid_t parent = getpid();
	enum pyi_errand_end end;
	pid_t reporter;
	int ends[2];
	pid_t child;
	int status;

	*ret_fd = -1;
	memset(ret_outcome, 0, errand->outcome_bytes);
	if (!pyi_channel_create(ends))
		return PYI_ERRAND_FAILED;
	child = fork();
	if (child == 0)
		run(errand, deadline_ns, ret_outcome, ends[1], parent);
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
