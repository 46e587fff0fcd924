/*
 * Waiting with blocked signals and sigtimedwait(). Does not look into statuses.
 */
#include "tracee/wait.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"

enum {
	/* So often, while something else is waited for, it is seen to that the dead are reaped. */
	REAP_EVERY_MS = 5,
};

static sigset_t child_signals;
static sigset_t all_signals;
static sigset_t alarm_signal;
static int cancel_signal;
/* Read by the handler, which can only run while they do not change. */
static pid_t *seized;
static size_t seized_count;
static size_t seized_capacity;

static const int cancelling[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/*
 * Reaps what was seized and is dead. To see that, waitid() must not take anything away: it tells of
 * stops of tracees even if only ends are asked for.
 */
void pyi_wait_reap_the_dead(void)
{
	int saved = errno;

	for (size_t s = 0; s < seized_count; s++) {
		siginfo_t status = { .si_pid = 0 };

		if (waitid(P_PID, (id_t)seized[s], &status, WEXITED | WNOHANG | WNOWAIT | __WALL) ==
			    0 &&
		    status.si_pid &&
		    (status.si_code == CLD_EXITED || status.si_code == CLD_KILLED ||
		     status.si_code == CLD_DUMPED))
			waitpid(seized[s], NULL, WNOHANG | __WALL);
	}
	errno = saved;
}

static void reap_at_alarm(int number)
{
	(void)number;
	pyi_wait_reap_the_dead();
}

void pyi_wait_init(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction reap = { .sa_handler = reap_at_alarm };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction current;
	sigset_t blocked;

	/* An ignored SIGCHLD would never be queued for sigtimedwait(). */
	sigaction(SIGCHLD, &standard, NULL);
	sigaction(SIGALRM, &reap, NULL);
	sigemptyset(&alarm_signal);
	sigaddset(&alarm_signal, SIGALRM);
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
	sigaddset(&blocked, SIGALRM);
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

struct pyi_error *pyi_wait_interrupted(void)
{
	/* Another process of ours may have taken notice of it first. */
	pyi_wait_is_cancelled();
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INTERRUPTED, "interrupted by signal %d",
				cancel_signal);
}

enum pyi_wait_result pyi_wait_tracee(pid_t tid, uint64_t deadline_ns, bool cancellable,
				     pid_t *ret_tid, int *ret_status)
{
	uint64_t reap_ns = PYI_CLOCK_NEVER;

	if (seized_count)
		reap_ns = pyi_clock_deadline(REAP_EVERY_MS, PYI_CLOCK_NEVER);
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
		if (pyi_clock_passed(reap_ns)) {
			pyi_wait_reap_the_dead();
			reap_ns = pyi_clock_deadline(REAP_EVERY_MS, PYI_CLOCK_NEVER);
		}
		wait_signal(cancellable ? &all_signals : &child_signals,
			    deadline_ns < reap_ns ? deadline_ns : reap_ns);
	}
}

bool pyi_wait_seize(pid_t tid, unsigned options)
{
	const struct itimerval soon = {
		.it_interval.tv_usec = REAP_EVERY_MS * 1000L,
		.it_value.tv_usec = REAP_EVERY_MS * 1000L,
	};
	const struct itimerval never = { 0 };
	long result;
	int number;

	if (!pyi_array_reserve(&seized, seized_count, &seized_capacity, sizeof(*seized)))
		return false;
	seized[seized_count++] = tid;
	setitimer(ITIMER_REAL, &soon, NULL);
	sigprocmask(SIG_UNBLOCK, &alarm_signal, NULL);
	/* After the handler the kernel starts it again, with or without SA_RESTART. */
	result = ptrace(PTRACE_SEIZE, tid, NULL, (void *)(uintptr_t)options);
	number = errno;
	sigprocmask(SIG_BLOCK, &alarm_signal, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	errno = number;
	return result == 0;
}

void pyi_wait_forget_seized(void)
{
	seized_count = 0;
}

void pyi_wait_outlive_parent(bool for_now)
{
	static int end_signal;
	static pid_t parent;

	if (for_now) {
		parent = getppid();
		prctl(PR_GET_PDEATHSIG, &end_signal);
	}
	prctl(PR_SET_PDEATHSIG, for_now ? 0 : end_signal);
	if (!for_now && end_signal && getppid() != parent)
		raise(end_signal);
}

void pyi_wait_limit_stop(uint64_t limit_ms)
{
	struct sigevent kill_us = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	const struct itimerspec limit = {
		.it_value.tv_sec = (time_t)(limit_ms / 1000),
		.it_value.tv_nsec = (long)(limit_ms % 1000 * 1000000),
	};
	static timer_t timer;
	static bool exists;

	if (!exists)
		exists = timer_create(CLOCK_MONOTONIC, &kill_us, &timer) == 0;
	if (exists)
		timer_settime(timer, 0, &limit, NULL);
}

bool pyi_wait_pause(uint64_t deadline_ns)
{
	while (!cancel_signal && !pyi_clock_passed(deadline_ns))
		wait_signal(&all_signals, deadline_ns);
	return cancel_signal != 0;
}
