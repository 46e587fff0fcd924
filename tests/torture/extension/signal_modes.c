/*
 * Modes that wait for signals.
 */
#include "blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	QUEUED_VALUE = 4711,
};

static long wait_info(struct job *job, const struct timespec *timeout)
{
	const uint64_t wanted = mask_of(SIGUSR1);
	siginfo_t info = { 0 };
	long result = syscall(SYS_rt_sigtimedwait, &wanted, &info, timeout, SIGNAL_MASK_BYTES);

	if (result > 0)
		say(job, "signal %ld, code %d, value %d", result, info.si_code,
		    info.si_value.sival_int);
	return result;
}

static long call_timed(struct job *job)
{
	struct timespec timeout = timespec_of(job->timeout_ns);

	return wait_info(job, &timeout);
}

static long call_timed_event(struct job *job)
{
	struct timespec timeout = timespec_of(100 * NS_PER_S);

	return wait_info(job, &timeout);
}

static long call_info(struct job *job)
{
	return wait_info(job, NULL);
}

static void wake_queued(struct job *job)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGUSR1;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_value.sival_int = QUEUED_VALUE;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), job->tid, SIGUSR1, &info);
}

static long call_suspend(struct job *job)
{
	const uint64_t mask = get_mask() & ~mask_of(SIGUSR1);

	(void)job;
	return syscall(SYS_rt_sigsuspend, &mask, SIGNAL_MASK_BYTES);
}

/* SIGUSR2 is blocked by the call alone: it must wait until SIGUSR1 has ended it. */
static long call_suspend_narrow(struct job *job)
{
	const uint64_t mask = get_mask() & ~mask_of(SIGUSR1);

	(void)job;
	set_mask(mask & ~mask_of(SIGUSR2));
	return syscall(SYS_rt_sigsuspend, &mask, SIGNAL_MASK_BYTES);
}

static void wake_by_both(struct job *job)
{
	signal_job(job, SIGUSR2);
	signal_job(job, SIGUSR1);
}

static long call_pause(struct job *job)
{
	(void)job;
	set_mask(get_mask() & ~mask_of(SIGUSR1));
	return syscall(SYS_pause);
}

static bool prepare_signalfd(struct job *job)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR1);
	job->fds[0] = signalfd(-1, &wanted, SFD_CLOEXEC);
	return job->fds[0] >= 0;
}

static long call_signalfd(struct job *job)
{
	struct signalfd_siginfo info = { 0 };
	long result = syscall(SYS_read, job->fds[0], &info, sizeof(info));

	say(job, "signal %u, value %d", info.ssi_signo, info.ssi_int);
	return result;
}

/* clang-format off */
const struct mode signal_modes[] = {
	{ "sigtimedwait", ENDS_IN_TIME, CARE_LEAVE, NULL, call_timed, NULL, NULL, NULL },
	{ "sigtimedwait_event", ENDS_BY_EVENT, CARE_LEAVE, NULL, call_timed_event, NULL, wake_queued, NULL },
	{ "sigwaitinfo", ENDS_BY_EVENT, CARE_NONE, NULL, call_info, NULL, wake_queued, NULL },
	{ "sigsuspend", ENDS_BY_EVENT, CARE_NONE, NULL, call_suspend, NULL, wake_by_usr1, NULL },
	{ "sigsuspend_narrow", ENDS_BY_EVENT, CARE_LEAVE, NULL, call_suspend_narrow, prod_by_usr2, wake_by_usr1, NULL },
	{ "sigsuspend_narrow_late", ENDS_BY_EVENT, CARE_HOLD, NULL, call_suspend_narrow, NULL, wake_by_both, NULL },
	{ "pause", ENDS_BY_EVENT, CARE_NONE, NULL, call_pause, NULL, wake_by_usr1, NULL },
	{ "read_signalfd", ENDS_BY_EVENT, CARE_NONE, prepare_signalfd, call_signalfd, NULL, wake_queued, NULL },
	{ 0 },
};
/* clang-format on */
