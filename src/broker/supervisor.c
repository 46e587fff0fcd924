/*
 * Starts, waits, ends. Does none of the work.
 */
#include "broker/supervisor.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker/broker.h"
#include "broker/channel.h"
#include "tracee/wait.h"

enum {
	/* After the deadline, or the user's signal: for the worker to end, then for the broker. */
	WORKER_GRACE_MS = 450,
	BROKER_GRACE_MS = 450,
	/* For a broker whose worker has ended in time: as long as it has patience itself. */
	BROKER_PATIENCE_MS = 15000,
};

enum role {
	BROKER,
	WORKER,
	KEEPER,
	ROLES,
};

struct child {
	/* 0: there is none, or it has ended. */
	pid_t pid;
	int status;
};

/* What they talk over; -1: closed, or there is none. */
struct channels {
	/* [0] is the broker's end. */
	int broker[2];
	/* [0] is the worker's end. */
	int keeper[2];
};

static struct pyi_error *not_started(int number)
{
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, number,
				      "cannot start the processes that do the work");
}

/* In a child: ends when `parent` does, however that ends. */
static void end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(PYI_EXIT_FAILED);
}

static void close_end(int *end)
{
	if (*end >= 0)
		close(*end);
	*end = -1;
}

static void close_all(struct channels *channels)
{
	for (int end = 0; end < 2; end++) {
		close_end(&channels->broker[end]);
		close_end(&channels->keeper[end]);
	}
}

static pid_t start_broker(struct channels *channels, double max_pause_ms)
{
	pid_t parent = getpid();
	pid_t child = fork();
	int fd = channels->broker[0];

	if (child != 0)
		return child;
	prctl(PR_SET_NAME, "pyinspect-brok");
	end_with(parent);
	channels->broker[0] = -1;
	close_all(channels);
	_exit(pyi_broker_serve(fd, max_pause_ms));
}

struct pyi_error *pyi_supervisor_start_broker(int *ret_channel_fd)
{
	struct channels channels = { { -1, -1 }, { -1, -1 } };
	pid_t child;

	if (!pyi_channel_create(channels.broker))
		return not_started(errno);
	child = start_broker(&channels, HUGE_VAL);
	if (child < 0) {
		close_all(&channels);
		return not_started(errno);
	}
	*ret_channel_fd = channels.broker[1];
	close_end(&channels.broker[0]);
	return NULL;
}

static pid_t start_worker(const struct pyi_supervision *supervision, struct channels *channels)
{
	pid_t parent = getpid();
	pid_t child = fork();

	if (child != 0)
		return child;
	prctl(PR_SET_NAME, "pyinspect-work");
	end_with(parent);
	close_end(&channels->broker[0]);
	close_end(&channels->keeper[1]);
	supervision->work(supervision->argument, channels->broker[1], channels->keeper[0]);
}

static pid_t start_keeper(const struct pyi_supervision *supervision, struct channels *channels)
{
	pid_t parent = getpid();
	pid_t child = fork();
	int fd = channels->keeper[1];

	if (child != 0)
		return child;
	prctl(PR_SET_NAME, "pyinspect-keep");
	end_with(parent);
	channels->keeper[1] = -1;
	close_all(channels);
	supervision->keep(supervision->argument, fd);
}

static void tell(const struct child *child, int number)
{
	if (child->pid > 0)
		kill(child->pid, number);
}

/* It may be in a wait that no signal ends: nobody waits for it any more. */
static void end(struct child *child)
{
	if (child->pid <= 0)
		return;
	kill(child->pid, SIGKILL);
	child->status = SIGKILL;
	child->pid = 0;
}

static bool is_running(const struct child children[ROLES])
{
	return children[BROKER].pid || children[WORKER].pid || children[KEEPER].pid;
}

/* One of them has ended. */
static void note_end(struct child children[ROLES], pid_t pid, int status)
{
	for (int role = 0; role < ROLES; role++) {
		if (children[role].pid != pid)
			continue;
		children[role].pid = 0;
		children[role].status = status;
	}
	/* It may be waiting for a snapshot that nobody needs any more. */
	if (!children[WORKER].pid && !WIFEXITED(children[WORKER].status))
		tell(&children[BROKER], SIGTERM);
}

/* When the next one is to be ended. */
static uint64_t next_deadline(const struct child children[ROLES], uint64_t end_ns,
			      uint64_t worked_ns)
{
	uint64_t patience_ms = WORKER_GRACE_MS + (children[WORKER].pid ? 0 : BROKER_GRACE_MS);

	if (end_ns != PYI_CLOCK_NEVER)
		return end_ns + patience_ms * UINT64_C(1000000);
	return children[WORKER].pid || children[KEEPER].pid
		       ? PYI_CLOCK_NEVER
		       : worked_ns + BROKER_PATIENCE_MS * UINT64_C(1000000);
}

/* Waits until all have ended; `end_ns` is when they are to. */
static void watch(struct child children[ROLES], uint64_t end_ns, struct pyi_supervised *supervised)
{
	uint64_t worked_ns = pyi_clock_now_ns();

	while (is_running(children)) {
		pid_t pid;
		int status;

		switch (pyi_wait_tracee(-1, next_deadline(children, end_ns, worked_ns),
					!supervised->cancel_signal, &pid, &status)) {
		case PYI_WAIT_REPORTED:
			if (!WIFSTOPPED(status))
				note_end(children, pid, status);
			if (children[WORKER].pid || children[KEEPER].pid)
				worked_ns = pyi_clock_now_ns();
			break;
		case PYI_WAIT_CANCELLED:
			supervised->cancel_signal = pyi_wait_cancel_signal();
			for (int role = 0; role < ROLES; role++)
				tell(&children[role], supervised->cancel_signal);
			if (pyi_clock_now_ns() < end_ns)
				end_ns = pyi_clock_now_ns();
			break;
		case PYI_WAIT_DEADLINE:
			supervised->overdue = true;
			/* The worker first: the broker then puts the target back. */
			if (children[WORKER].pid) {
				end(&children[WORKER]);
				tell(&children[BROKER], SIGTERM);
				break;
			}
			end(&children[BROKER]);
			end(&children[KEEPER]);
			break;
		case PYI_WAIT_NO_TRACEE:
			return;
		}
	}
}

static bool start_all(const struct pyi_supervision *supervision, struct channels *channels,
		      struct child children[ROLES])
{
	if (!pyi_channel_create(channels->broker) ||
	    (supervision->keep && !pyi_channel_create(channels->keeper)))
		return false;
	children[BROKER].pid = start_broker(channels, supervision->max_pause_ms);
	if (children[BROKER].pid > 0)
		children[WORKER].pid = start_worker(supervision, channels);
	if (children[WORKER].pid > 0 && supervision->keep)
		children[KEEPER].pid = start_keeper(supervision, channels);
	return children[WORKER].pid > 0 && children[KEEPER].pid >= 0;
}

struct pyi_error *pyi_supervise(const struct pyi_supervision *supervision,
				struct pyi_supervised *ret_supervised)
{
	struct channels channels = { { -1, -1 }, { -1, -1 } };
	const struct child *counting;
	struct pyi_supervised supervised = { 0 };
	struct child children[ROLES] = { 0 };
	int number;

	if (!start_all(supervision, &channels, children)) {
		number = errno;
		close_all(&channels);
		/* They have not begun: whoever reads from a closed channel ends. */
		for (int role = 0; role < ROLES; role++)
			if (children[role].pid > 0)
				waitpid(children[role].pid, NULL, 0);
		return not_started(number);
	}
	close_all(&channels);
	watch(children, supervision->deadline_ns, &supervised);
	counting = supervision->keep ? &children[KEEPER] : &children[WORKER];
	if (WIFEXITED(counting->status))
		supervised.exit_code = WEXITSTATUS(counting->status);
	else
		supervised.signal = WTERMSIG(counting->status);
	supervised.not_restored = !WIFEXITED(children[BROKER].status) ||
				  WEXITSTATUS(children[BROKER].status) == PYI_EXIT_NOT_RESTORED;
	*ret_supervised = supervised;
	return NULL;
}
