/*
 * Starts, waits, ends. Does none of the work.
 */
#include "broker/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "broker/broker.h"
#include "broker/channel.h"
#include "snapshot/snapshot.h"
#include "tracee/wait.h"

enum {
	/* After the deadline, or the user's signal: for the worker to end, then for the others. */
	WORKER_GRACE_MS = 450,
	BROKER_GRACE_MS = 450,
	/* For those that were killed to be gone: they are, unless they are in a wait of the kernel.
	 */
	BURIAL_MS = 60,
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
	/* Of one that was killed: that it was. */
	int status;
	bool killed;
};

/* What they talk over; -1: closed, or there is none. */
struct channels {
	/* [0] is the broker's end. */
	int broker[2];
	/* [0] is the worker's end. */
	int keeper[2];
};

/* All that is being watched. */
struct watch {
	struct child children[ROLES];
	/* Of each channel one end is kept, to be shut when one of its two sides is gone: a process
	   that cannot die, though it was killed, keeps its own end open. */
	struct channels channels;
	/* When they are to end; changes when the user wishes so. */
	uint64_t end_ns;
	/* When the last one was killed. */
	uint64_t killed_ns;
	/* Since when only the broker is left. */
	uint64_t worked_ns;
};

static struct pyi_error *not_started(int number)
{
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, number,
				      "cannot start the processes that do the work");
}

/* As fork(). The child has that name, and ends when its parent does, however that ends. */
static pid_t fork_bound(const char *name)
{
	pid_t parent = getpid();
	pid_t child = fork();

	if (child != 0)
		return child;
	prctl(PR_SET_NAME, name);
	pyi_confine_end_with(parent);
	return 0;
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

/* `debts` as pyi_snapshot_tell_debts(). */
static pid_t start_broker(const struct pyi_supervision *supervision, struct channels *channels,
			  uint32_t *debts)
{
	pid_t child = fork_bound("pyinspect-brok");
	int fd = channels->broker[0];

	if (child != 0)
		return child;
	channels->broker[0] = -1;
	close_all(channels);
	pyi_snapshot_tell_debts(debts);
	_exit(pyi_broker_serve(fd, supervision->pid, supervision->start_ticks,
			       supervision->max_pause_ms));
}

static pid_t start_worker(const struct pyi_supervision *supervision, struct channels *channels,
			  uint32_t *debts)
{
	pid_t child = fork_bound("pyinspect-work");

	if (child != 0)
		return child;
	close_end(&channels->broker[0]);
	close_end(&channels->keeper[1]);
	/* Whoever takes it over must not be able to say that nothing is owed. */
	munmap(debts, sizeof(*debts));
	supervision->work(supervision->argument, channels->broker[1], channels->keeper[0]);
}

static pid_t start_keeper(const struct pyi_supervision *supervision, struct channels *channels,
			  uint32_t *debts)
{
	pid_t child = fork_bound("pyinspect-keep");
	int fd = channels->keeper[1];

	if (child != 0)
		return child;
	channels->keeper[1] = -1;
	close_all(channels);
	munmap(debts, sizeof(*debts));
	supervision->keep(supervision->argument, fd);
}

static void tell(const struct child *child, int number)
{
	if (child->pid > 0)
		kill(child->pid, number);
}

/* The other sides of what it talked over hear of its end, and the broker puts the target back. */
static void part_from(struct watch *watch, enum role role)
{
	if (role != KEEPER)
		shutdown(watch->channels.broker[0], SHUT_RDWR);
	if (role != BROKER && watch->channels.keeper[1] >= 0)
		shutdown(watch->channels.keeper[1], SHUT_RDWR);
	/* It may be waiting for a snapshot that nobody needs any more. */
	if (role == WORKER)
		tell(&watch->children[BROKER], SIGTERM);
}

/* It may be in a wait that no signal ends: soon nobody waits for it any more. */
static void end(struct watch *watch, enum role role)
{
	struct child *child = &watch->children[role];

	if (child->pid <= 0 || child->killed)
		return;
	kill(child->pid, SIGKILL);
	child->status = SIGKILL;
	child->killed = true;
	watch->killed_ns = pyi_clock_now_ns();
	part_from(watch, role);
}

/* One of them has ended. */
static void note_end(struct watch *watch, pid_t pid, int status)
{
	for (int role = 0; role < ROLES; role++) {
		struct child *child = &watch->children[role];

		if (child->pid != pid)
			continue;
		child->pid = 0;
		child->status = status;
		if (!child->killed)
			part_from(watch, (enum role)role);
	}
}

/* It is there, and has not been killed. */
static bool is_alive(const struct child *child)
{
	return child->pid > 0 && !child->killed;
}

static uint64_t later(uint64_t moment_ns, uint64_t ms)
{
	return moment_ns == PYI_CLOCK_NEVER ? moment_ns : moment_ns + ms * UINT64_C(1000000);
}

/* When somebody is to be ended, or nobody is waited for any more. */
static uint64_t next_deadline(const struct watch *watch)
{
	const struct child *children = watch->children;
	uint64_t overdue_ns;
	uint64_t patience_ns;

	if (is_alive(&children[WORKER]))
		return later(watch->end_ns, WORKER_GRACE_MS);
	overdue_ns = later(watch->end_ns, WORKER_GRACE_MS + BROKER_GRACE_MS);
	if (is_alive(&children[KEEPER]))
		return overdue_ns;
	if (!is_alive(&children[BROKER]))
		return later(watch->killed_ns, BURIAL_MS);
	patience_ns = later(watch->worked_ns, BROKER_PATIENCE_MS);
	return patience_ns < overdue_ns ? patience_ns : overdue_ns;
}

/* The moment has come; false if nobody is waited for any more. */
static bool end_next(struct watch *watch)
{
	/* The worker first: the broker then puts the target back, and the keeper says so. */
	if (is_alive(&watch->children[WORKER])) {
		end(watch, WORKER);
		return true;
	}
	if (!is_alive(&watch->children[BROKER]) && !is_alive(&watch->children[KEEPER]))
		return false;
	end(watch, BROKER);
	end(watch, KEEPER);
	return true;
}

/* Waits until all have ended, or can be waited for no longer. */
static void watch_all(struct watch *watch, struct pyi_supervised *supervised)
{
	struct child *children = watch->children;

	watch->worked_ns = pyi_clock_now_ns();
	while (children[BROKER].pid || children[WORKER].pid || children[KEEPER].pid) {
		pid_t pid;
		int status;

		switch (pyi_wait_tracee(-1, next_deadline(watch), !supervised->cancel_signal, &pid,
					&status)) {
		case PYI_WAIT_REPORTED:
			if (is_alive(&children[WORKER]) || is_alive(&children[KEEPER]))
				watch->worked_ns = pyi_clock_now_ns();
			if (!WIFSTOPPED(status))
				note_end(watch, pid, status);
			break;
		case PYI_WAIT_CANCELLED:
			supervised->cancel_signal = pyi_wait_cancel_signal();
			/* The broker last: the others shall not wonder why it gives up. */
			for (int role = ROLES; role--;)
				tell(&children[role], supervised->cancel_signal);
			if (pyi_clock_now_ns() < watch->end_ns)
				watch->end_ns = pyi_clock_now_ns();
			break;
		case PYI_WAIT_DEADLINE:
			if (!end_next(watch))
				return;
			supervised->overdue = true;
			break;
		case PYI_WAIT_NO_TRACEE:
			return;
		}
	}
}

static bool start_all(const struct pyi_supervision *supervision, struct watch *watch,
		      uint32_t *debts)
{
	struct child *children = watch->children;
	struct channels *channels = &watch->channels;

	if (!pyi_channel_create(channels->broker) ||
	    (supervision->keep && !pyi_channel_create(channels->keeper)))
		return false;
	children[BROKER].pid = start_broker(supervision, channels, debts);
	if (children[BROKER].pid > 0)
		children[WORKER].pid = start_worker(supervision, channels, debts);
	if (children[WORKER].pid > 0 && supervision->keep)
		children[KEEPER].pid = start_keeper(supervision, channels, debts);
	return children[WORKER].pid > 0 && children[KEEPER].pid >= 0;
}

/* They have hardly begun: at most a reader of /proc is lost. */
static struct pyi_error *give_up(struct watch *watch, int number)
{
	close_all(&watch->channels);
	for (int role = 0; role < ROLES; role++) {
		pid_t pid = watch->children[role].pid;

		if (pid <= 0)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return not_started(number);
}

bool pyi_supervisor_was_restored(int broker_status, uint32_t debts)
{
	if (WIFEXITED(broker_status) && WEXITSTATUS(broker_status) == PYI_EXIT_OK)
		return true;
	if (WIFEXITED(broker_status) && WEXITSTATUS(broker_status) == PYI_EXIT_NOT_RESTORED)
		return false;
	return debts == 0;
}

struct pyi_error *pyi_supervise(const struct pyi_supervision *supervision,
				struct pyi_supervised *ret_supervised)
{
	struct watch watch = {
		.channels = { { -1, -1 }, { -1, -1 } },
		.end_ns = supervision->deadline_ns,
	};
	const struct child *counting = &watch.children[supervision->keep ? KEEPER : WORKER];
	const struct child *broker = &watch.children[BROKER];
	struct pyi_supervised supervised = { 0 };
	uint32_t *debts = mmap(NULL, sizeof(*debts), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (debts == MAP_FAILED)
		return not_started(errno);
	if (!start_all(supervision, &watch, debts)) {
		struct pyi_error *error = give_up(&watch, errno);

		munmap(debts, sizeof(*debts));
		return error;
	}
	close_end(&watch.channels.broker[1]);
	close_end(&watch.channels.keeper[0]);
	watch_all(&watch, &supervised);
	close_all(&watch.channels);
	if (WIFEXITED(counting->status))
		supervised.exit_code = WEXITSTATUS(counting->status);
	else
		supervised.signal = WTERMSIG(counting->status);
	supervised.not_restored = !pyi_supervisor_was_restored(
		broker->status, __atomic_load_n(debts, __ATOMIC_SEQ_CST));
	munmap(debts, sizeof(*debts));
	*ret_supervised = supervised;
	return NULL;
}
