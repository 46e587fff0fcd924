/*
 * Waiting without handlers: blocked signals and sigtimedwait(). Does not look into statuses.
 */
#include "tracee/wait.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"

static sigset_t child_signals;
static sigset_t all_signals;
static int cancel_signal;

static const int cancelling[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

void pyi_wait_init(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction current;
	sigset_t blocked;

	/* An ignored SIGCHLD would never be queued for sigtimedwait(). */
	sigaction(SIGCHLD, &standard, NULL);
	/* A reader that has gone away is a write error, not a death with the snapshot alive. */
	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&child_signals);
	sigaddset(&child_signals, SIGCHLD);
	all_signals = child_signals;
	for (size_t i = 0; i < sizeof(cancelling) / sizeof(cancelling[0]); i++) {
		/* nohup(1) ignores SIGHUP: leave it so. */
		if (sigaction(cancelling[i], NULL, &current) == 0 && current.sa_handler == SIG_IGN)
			continue;
		sigaddset(&all_signals, cancelling[i]);
	}
	/* Nobody may stop us while the target stands still: these wait until the end. */
	blocked = all_signals;
	sigaddset(&blocked, SIGTSTP);
	sigaddset(&blocked, SIGTTIN);
	sigaddset(&blocked, SIGTTOU);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
}

int pyi_wait_cancel_signal(void)
{
	return cancel_signal;
}

/* Waits for one signal of the set; 0 if the deadline came. */
static int wait_signal(const sigset_t *set, uint64_t deadline_ns)
{
	struct timespec left = { .tv_sec = 3600 };
	uint64_t now = pyi_clock_now_ns();
	int number;

	if (deadline_ns <= now)
		return 0;
	if (deadline_ns != PYI_CLOCK_NEVER && deadline_ns - now < 3600u * UINT64_C(1000000000)) {
		left.tv_sec = (time_t)((deadline_ns - now) / 1000000000u);
		left.tv_nsec = (long)((deadline_ns - now) % 1000000000u);
	}
	number = sigtimedwait(set, NULL, &left);
	if (number < 0)
		return 0;
	if (number != SIGCHLD)
		cancel_signal = number;
	return number;
}

bool pyi_wait_is_cancelled(void)
{
	const struct timespec now = { 0 };

	/* A SIGCHLD taken here is not missed: whoever waits asks waitpid() first. */
	for (int number; !cancel_signal && (number = sigtimedwait(&all_signals, NULL, &now)) > 0;)
		if (number != SIGCHLD)
			cancel_signal = number;
	return cancel_signal != 0;
}

enum pyi_wait_result pyi_wait_tracee(pid_t tid, uint64_t deadline_ns, bool cancellable,
				     pid_t *ret_tid, int *ret_status)
{
	for (;;) {
		int status;
		pid_t found = waitpid(tid, &status, __WALL | WNOHANG);

		if (found > 0) {
			*ret_tid = found;
			*ret_status = status;
			return PYI_WAIT_REPORTED;
		}
		if (found < 0 && errno != EINTR)
			return PYI_WAIT_NO_TRACEE;
		if (cancellable && cancel_signal)
			return PYI_WAIT_CANCELLED;
		if (pyi_clock_passed(deadline_ns))
			return PYI_WAIT_DEADLINE;
		wait_signal(cancellable ? &all_signals : &child_signals, deadline_ns);
	}
}

bool pyi_wait_pause(uint64_t deadline_ns)
{
	while (!cancel_signal && !pyi_clock_passed(deadline_ns))
		wait_signal(&all_signals, deadline_ns);
	return cancel_signal != 0;
}
