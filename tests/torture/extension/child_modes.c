/*
 * Modes that wait for child processes: for their end, or until they have left the memory they
 * share (vfork).
 */
#include "blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STATUS = 7,
	STACK_BYTES = 65536,
};

/* A child that ends when something comes through the pipe. */
static bool prepare_child(struct job *job)
{
	char byte;

	if (!prepare_pipe(job))
		return false;
	job->child = fork();
	if (job->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!read(job->fds[0], &byte, 1);
		_exit(STATUS);
	}
	return job->child > 0;
}

static long say_child(struct job *job, long result, int status)
{
	if (result < 0)
		return result;
	say(job, "status %x, %s", (unsigned)status, result == job->child ? "mine" : "another");
	job->child = 0;
	return 0;
}

static long call_wait4(struct job *job)
{
	int status = 0;

	return say_child(job, syscall(SYS_wait4, job->child, &status, 0, NULL), status);
}

static long call_waitid(struct job *job)
{
	siginfo_t info = { 0 };
	long result = syscall(SYS_waitid, P_PID, job->child, &info, WEXITED, NULL);

	return say_child(job, result == 0 ? info.si_pid : result, info.si_status);
}

/* For the child of vfork: system calls only. */
static void sleep_and_exit(uint64_t ns)
{
	struct timespec request = timespec_of(ns);

	syscall(SYS_nanosleep, &request, NULL);
	syscall(SYS_exit_group, STATUS);
}

static void reap(struct job *job)
{
	int status = 0;

	say(job, "%s, status %x",
	    job->child > 0 && waitpid(job->child, &status, 0) == job->child ? "reaped" : "lost",
	    (unsigned)status);
	job->child = 0;
}

static long call_vfork(struct job *job)
{
	job->child = vfork();
	if (job->child == 0)
		sleep_and_exit(job->timeout_ns);
	return job->child > 0 ? 0 : -1;
}

static int cloned(void *argument)
{
	sleep_and_exit(*(const uint64_t *)argument);
	return 0;
}

static bool prepare_stack(struct job *job)
{
	return map_memory(job, STACK_BYTES);
}

static long call_clone(struct job *job)
{
	job->child = clone(cloned, job->memory + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD,
			   &job->timeout_ns);
	return job->child > 0 ? 0 : -1;
}

/* clang-format off */
const struct mode child_modes[] = {
	{ "wait4", ENDS_BY_EVENT, CARE_NONE, prepare_child, call_wait4, NULL, wake_by_write, NULL },
	{ "waitid", ENDS_BY_EVENT, CARE_NONE, prepare_child, call_waitid, NULL, wake_by_write, NULL },
	{ "vfork", ENDS_IN_TIME, CARE_LEAVE, NULL, call_vfork, NULL, NULL, reap },
	{ "clone_vfork", ENDS_IN_TIME, CARE_LEAVE, prepare_stack, call_clone, NULL, NULL, reap },
	{ 0 },
};
/* clang-format on */
