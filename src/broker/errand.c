/*
 * Forks, asks, waits for the answer. Does not know what it is about.
 */
#include "broker/errand.h"

#include <poll.h>
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
	/* So often it is looked whether the user wants to end. */
	LOOK_MS = 20,
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

static __attribute__((noreturn)) void serve(const struct pyi_errand *errand, int channel_fd,
					    pid_t parent)
{
	/* Not our output either, for whose end somebody may wait. */
	const int kept_fds[] = { errand->kept_fd, channel_fd };
	char question[PYI_ERRAND_LIMIT_BYTES];
	char outcome[PYI_ERRAND_LIMIT_BYTES];
	bool served;

	prctl(PR_SET_NAME, "pyinspect-errnd");
	pyi_confine_end_with(parent);
	limit_life(errand->deadline_ns);
	served = pyi_confine_close_files(kept_fds, 2);
	while (served && pyi_channel_receive(channel_fd, question, errand->question_bytes, NULL)) {
		int fd;

		memset(outcome, 0, sizeof(outcome));
		fd = errand->run(errand->argument, question, outcome);
		served = pyi_channel_send(channel_fd, outcome, errand->outcome_bytes, NULL, 0, fd);
		if (fd >= 0)
			close(fd);
	}
	_exit(!served);
}

static bool start(const struct pyi_errand *errand, struct pyi_errand_child *ret_child)
{
	pid_t parent = getpid();
	int ends[2];
	pid_t pid;

	if (!pyi_channel_create(ends))
		return false;
	pid = fork();
	if (pid == 0)
		serve(errand, ends[1], parent);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return false;
	}
	*ret_child = (struct pyi_errand_child){ pid, ends[0] };
	return true;
}

/* Until there is something to receive, also the end. */
static bool await_answer(int channel_fd, uint64_t deadline_ns)
{
	struct pollfd answer = { .fd = channel_fd, .events = POLLIN };

	for (;;) {
		if (poll(&answer, 1, LOOK_MS) > 0)
			return true;
		if (pyi_wait_is_cancelled() || pyi_clock_passed(deadline_ns))
			return false;
	}
}

enum pyi_errand_end pyi_errand_ask(const struct pyi_errand *errand, struct pyi_errand_child *child,
				   const void *question, uint64_t deadline_ns, void *ret_outcome,
				   int *ret_fd)
{
	enum pyi_errand_end end = PYI_ERRAND_FAILED;

	*ret_fd = -1;
	if (child->pid <= 0 && !start(errand, child))
		return PYI_ERRAND_FAILED;
	if (pyi_channel_send(child->channel_fd, question, errand->question_bytes, NULL, 0, -1)) {
		if (!await_answer(child->channel_fd, deadline_ns))
			end = PYI_ERRAND_LATE;
		else if (pyi_channel_receive(child->channel_fd, ret_outcome, errand->outcome_bytes,
					     ret_fd))
			return PYI_ERRAND_DONE;
	}
	pyi_errand_end(child);
	return end;
}

void pyi_errand_end(struct pyi_errand_child *child)
{
	pid_t reporter;
	int status;

	if (child->pid <= 0)
		return;
	close(child->channel_fd);
	kill(child->pid, SIGKILL);
	pyi_wait_tracee(child->pid, pyi_clock_deadline(BURIAL_MS, PYI_CLOCK_NEVER), false,
			&reporter, &status);
	*child = (struct pyi_errand_child){ 0, -1 };
}
