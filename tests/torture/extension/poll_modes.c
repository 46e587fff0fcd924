/*
 * Modes that wait for descriptors: poll, select, epoll; with timeouts, events, and signal masks.
 *
 * "masked": a signal that only the call lets through ends it. "narrow": the call blocks a signal
 * that is not blocked otherwise; it must stay pending until the call returns.
 */
#include "blocking.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* The last argument of pselect6(2). */
struct sized_mask {
	const uint64_t *mask;
	size_t size_bytes;
};

static long call_poll(struct job *job)
{
	return syscall(SYS_poll, NULL, 0, (int)(job->timeout_ns / NS_PER_MS));
}

static long call_poll_event(struct job *job)
{
	struct pollfd ready = { .fd = job->fds[0], .events = POLLIN };
	long result = syscall(SYS_poll, &ready, 1, -1);

	say(job, "revents %x", (unsigned)ready.revents);
	return result;
}

static long call_ppoll_with(struct job *job, const uint64_t *mask, bool timed)
{
	struct pollfd ready = { .fd = job->fds[0], .events = POLLIN };
	struct timespec timeout = timespec_of(job->timeout_ns);
	long result =
		syscall(SYS_ppoll, &ready, 1, timed ? &timeout : NULL, mask, SIGNAL_MASK_BYTES);

	if (timed)
		job->left_ns = ns_of(&timeout);
	return result;
}

static long call_ppoll(struct job *job)
{
	return call_ppoll_with(job, NULL, true);
}

static long call_ppoll_masked(struct job *job)
{
	const uint64_t mask = get_mask() & ~mask_of(SIGUSR1);

	return call_ppoll_with(job, &mask, false);
}

static long call_ppoll_narrow(struct job *job)
{
	const uint64_t mask = get_mask();

	set_mask(mask & ~mask_of(SIGUSR2));
	return call_ppoll_with(job, &mask, true);
}

/* The kernel cannot write back what is left of the timeout. */
static bool prepare_constant(struct job *job)
{
	struct timespec timeout = timespec_of(job->timeout_ns);

	if (!map_memory(job, PAGE_BYTES))
		return false;
	memcpy(job->memory, &timeout, sizeof(timeout));
	return mprotect(job->memory, PAGE_BYTES, PROT_READ) == 0;
}

static long call_ppoll_constant(struct job *job)
{
	return syscall(SYS_ppoll, NULL, 0, job->memory, NULL, SIGNAL_MASK_BYTES);
}

static long call_select_with(struct job *job, uint64_t timeout_ns)
{
	struct timeval timeout = { (time_t)(timeout_ns / NS_PER_S),
				   (suseconds_t)(timeout_ns % NS_PER_S / 1000) };
	fd_set ready;
	long result;

	FD_ZERO(&ready);
	FD_SET(job->fds[0], &ready);
	result = syscall(SYS_select, job->fds[0] + 1, &ready, NULL, NULL, &timeout);
	job->left_ns = timeout.tv_sec * (int64_t)NS_PER_S + timeout.tv_usec * INT64_C(1000);
	say(job, "%s", FD_ISSET(job->fds[0], &ready) ? "readable" : "not readable");
	return result;
}

static long call_select(struct job *job)
{
	return call_select_with(job, job->timeout_ns);
}

/* So long that the event comes first; what is left then is compared. */
static long call_select_event(struct job *job)
{
	return call_select_with(job, 100 * NS_PER_S);
}

static long call_pselect_with(struct job *job, const uint64_t *mask, bool timed)
{
	struct timespec timeout = timespec_of(job->timeout_ns);
	struct sized_mask sized = { mask, SIGNAL_MASK_BYTES };
	long result = syscall(SYS_pselect6, 0, NULL, NULL, NULL, timed ? &timeout : NULL, &sized);

	if (timed)
		job->left_ns = ns_of(&timeout);
	return result;
}

static long call_pselect(struct job *job)
{
	return call_pselect_with(job, NULL, true);
}

static long call_pselect_masked(struct job *job)
{
	const uint64_t mask = get_mask() & ~mask_of(SIGUSR1);

	return call_pselect_with(job, &mask, false);
}

static long call_pselect_narrow(struct job *job)
{
	const uint64_t mask = get_mask();

	set_mask(mask & ~mask_of(SIGUSR2));
	return call_pselect_with(job, &mask, true);
}

static bool prepare_epoll(struct job *job)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = 4711 };

	if (!prepare_pipe(job))
		return false;
	job->fds[2] = epoll_create1(EPOLL_CLOEXEC);
	return job->fds[2] >= 0 && epoll_ctl(job->fds[2], EPOLL_CTL_ADD, job->fds[0], &wanted) == 0;
}

static long say_epoll(struct job *job, long result, const struct epoll_event *event)
{
	if (result == 1)
		say(job, "events %x of %d", event->events, (int)event->data.u64);
	return result;
}

static long call_epoll_wait(struct job *job)
{
	struct epoll_event event;

	return say_epoll(
		job,
		syscall(SYS_epoll_wait, job->fds[2], &event, 1, (int)(job->timeout_ns / NS_PER_MS)),
		&event);
}

static long call_epoll_wait_event(struct job *job)
{
	struct epoll_event event;

	return say_epoll(job, syscall(SYS_epoll_wait, job->fds[2], &event, 1, -1), &event);
}

static long call_epoll_pwait_with(struct job *job, const uint64_t *mask, int timeout_ms)
{
	struct epoll_event event;

	return say_epoll(job,
			 syscall(SYS_epoll_pwait, job->fds[2], &event, 1, timeout_ms, mask,
				 SIGNAL_MASK_BYTES),
			 &event);
}

static long call_epoll_pwait(struct job *job)
{
	const uint64_t mask = get_mask();

	return call_epoll_pwait_with(job, &mask, (int)(job->timeout_ns / NS_PER_MS));
}

static long call_epoll_pwait_masked(struct job *job)
{
	const uint64_t mask = get_mask() & ~mask_of(SIGUSR1);

	return call_epoll_pwait_with(job, &mask, -1);
}

static long call_epoll_pwait_narrow(struct job *job)
{
	const uint64_t mask = get_mask();

	set_mask(mask & ~mask_of(SIGUSR2));
	return call_epoll_pwait_with(job, &mask, (int)(job->timeout_ns / NS_PER_MS));
}

static long call_epoll_pwait2_with(struct job *job, bool timed)
{
	struct timespec timeout = timespec_of(job->timeout_ns);
	struct epoll_event event;

	return say_epoll(job,
			 syscall(SYS_epoll_pwait2, job->fds[2], &event, 1, timed ? &timeout : NULL,
				 NULL, SIGNAL_MASK_BYTES),
			 &event);
}

static long call_epoll_pwait2(struct job *job)
{
	return call_epoll_pwait2_with(job, true);
}

static long call_epoll_pwait2_event(struct job *job)
{
	return call_epoll_pwait2_with(job, false);
}

/* clang-format off */
const struct mode poll_modes[] = {
	{ "poll", ENDS_IN_TIME, CARE_NONE, NULL, call_poll, NULL, NULL, NULL },
	{ "poll_event", ENDS_BY_EVENT, CARE_NONE, prepare_pipe, call_poll_event, NULL, wake_by_write, NULL },
	{ "ppoll", ENDS_IN_TIME, CARE_NONE, prepare_pipe, call_ppoll, NULL, NULL, NULL },
	{ "ppoll_masked", ENDS_BY_EVENT, CARE_NONE, prepare_pipe, call_ppoll_masked, NULL, wake_by_usr1, NULL },
	{ "ppoll_narrow", ENDS_IN_TIME, CARE_LEAVE, prepare_pipe, call_ppoll_narrow, prod_by_usr2, NULL, NULL },
	{ "ppoll_constant", ENDS_IN_TIME, CARE_LATE, prepare_constant, call_ppoll_constant, NULL, NULL, NULL },
	{ "select", ENDS_IN_TIME, CARE_NONE, prepare_pipe, call_select, NULL, NULL, NULL },
	{ "select_event", ENDS_BY_EVENT, CARE_NONE, prepare_pipe, call_select_event, NULL, wake_by_write, NULL },
	{ "pselect", ENDS_IN_TIME, CARE_NONE, NULL, call_pselect, NULL, NULL, NULL },
	{ "pselect_masked", ENDS_BY_EVENT, CARE_NONE, NULL, call_pselect_masked, NULL, wake_by_usr1, NULL },
	{ "pselect_narrow", ENDS_IN_TIME, CARE_LEAVE, NULL, call_pselect_narrow, prod_by_usr2, NULL, NULL },
	{ "epoll_wait", ENDS_IN_TIME, CARE_NONE, prepare_epoll, call_epoll_wait, NULL, NULL, NULL },
	{ "epoll_wait_event", ENDS_BY_EVENT, CARE_NONE, prepare_epoll, call_epoll_wait_event, NULL, wake_by_write, NULL },
	{ "epoll_pwait", ENDS_IN_TIME, CARE_NONE, prepare_epoll, call_epoll_pwait, NULL, NULL, NULL },
	{ "epoll_pwait_masked", ENDS_BY_EVENT, CARE_NONE, prepare_epoll, call_epoll_pwait_masked, NULL, wake_by_usr1, NULL },
	{ "epoll_pwait_narrow", ENDS_IN_TIME, CARE_LEAVE, prepare_epoll, call_epoll_pwait_narrow, prod_by_usr2, NULL, NULL },
	{ "epoll_pwait2", ENDS_IN_TIME, CARE_LEAVE, prepare_epoll, call_epoll_pwait2, NULL, NULL, NULL },
	{ "epoll_pwait2_event", ENDS_BY_EVENT, CARE_LEAVE, prepare_epoll, call_epoll_pwait2_event, NULL, wake_by_write, NULL },
	{ 0 },
};
/* clang-format on */
