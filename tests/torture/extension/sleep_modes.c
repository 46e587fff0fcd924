/*
 * Modes that only wait for time to pass.
 */
#include "blocking.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static long call_nanosleep(struct job *job)
{
	struct timespec request = timespec_of(job->timeout_ns);

	return syscall(SYS_nanosleep, &request, NULL);
}

static long sleep_on(struct job *job, clockid_t clock, bool absolute)
{
	struct timespec request =
		absolute ? moment_in(clock, job->timeout_ns) : timespec_of(job->timeout_ns);

	return syscall(SYS_clock_nanosleep, clock, absolute ? TIMER_ABSTIME : 0, &request, NULL);
}

static long call_relative(struct job *job)
{
	return sleep_on(job, CLOCK_MONOTONIC, false);
}

static long call_absolute(struct job *job)
{
	return sleep_on(job, CLOCK_MONOTONIC, true);
}

static long call_absolute_realtime(struct job *job)
{
	return sleep_on(job, CLOCK_REALTIME, true);
}

/* A sleep that a handler cuts, and another one for the rest of it. */
static long call_in_two(struct job *job)
{
	struct timespec request = timespec_of(job->timeout_ns);
	struct timespec rest = { 0, 0 };

	set_mask(get_mask() & ~mask_of(SIGUSR1));
	if (syscall(SYS_nanosleep, &request, &rest) == -1 && errno == EINTR)
		say(job, "cut by a handler, %s", ns_of(&rest) > 0 ? "some left" : "nothing left");
	request = rest;
	return syscall(SYS_nanosleep, &request, NULL);
}

const struct mode sleep_modes[] = {
	{ "nanosleep", ENDS_IN_TIME, CARE_NONE, NULL, call_nanosleep, NULL, NULL, NULL },
	{ "clock_nanosleep", ENDS_IN_TIME, CARE_NONE, NULL, call_relative, NULL, NULL, NULL },
	{ "clock_nanosleep_abs", ENDS_IN_TIME, CARE_NONE, NULL, call_absolute, NULL, NULL, NULL },
	{ "clock_nanosleep_abs_realtime", ENDS_IN_TIME, CARE_NONE, NULL, call_absolute_realtime,
	  NULL, NULL, NULL },
	{ "nanosleep_in_two", ENDS_IN_TIME, CARE_NONE, NULL, call_in_two, wake_by_usr1, NULL,
	  NULL },
	{ 0 },
};
