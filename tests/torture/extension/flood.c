/*
 * Takes queued signals in one of three ways. One thread at a time.
 */
#include "flood.h"

#include "blocking.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	RECORD_LIMIT = 100000,
	BATCH = 16,
};

struct record {
	int number;
	int value;
	int sender;
};

static struct record records[RECORD_LIMIT];
static volatile long record_count;
static volatile sig_atomic_t is_over;
static volatile sig_atomic_t handled;
static long interruptions;

static void take(int number, int value, int sender)
{
	if (number == SIGUSR2)
		is_over = 1;
	else if (record_count < RECORD_LIMIT)
		records[record_count++] = (struct record){ number, value, sender };
}

static void handle(int number, siginfo_t *info, void *context)
{
	(void)context;
	handled = 1;
	take(number, info->si_value.sival_int, info->si_pid);
}

/* A call that only a handler may end. */
static void receive_by_handler(uint64_t wanted)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
	uint64_t before = get_mask();

	sigfillset(&action.sa_mask);
	for (int number = 1; number < NSIG; number++)
		if (wanted & mask_of(number))
			sigaction(number, &action, NULL);
	set_mask(before & ~wanted);
	while (!is_over) {
		handled = 0;
		/* Not for ever: a signal may come right before the call. */
		if (syscall(SYS_poll, NULL, 0, 100) == -1 && (errno != EINTR || !handled))
			interruptions++;
	}
	set_mask(before);
}

static void receive_by_info(uint64_t wanted)
{
	const struct timespec at_once = { 0, 0 };
	siginfo_t info;

	for (;;) {
		/* Another signal may be in front of those that came before it. */
		long number = syscall(SYS_rt_sigtimedwait, &wanted, &info,
				      is_over ? &at_once : NULL, SIGNAL_MASK_BYTES);

		if (number > 0)
			take((int)number, info.si_value.sival_int, info.si_pid);
		else if (is_over && errno == EAGAIN)
			break;
		else
			interruptions++;
	}
}

static void receive_by_descriptor(uint64_t wanted)
{
	struct signalfd_siginfo infos[BATCH];
	int fd = (int)syscall(SYS_signalfd4, -1, &wanted, SIGNAL_MASK_BYTES, 0);

	while (!is_over) {
		ssize_t got = read(fd, infos, sizeof(infos));

		if (got <= 0)
			interruptions++;
		for (ssize_t i = 0; i < got / (ssize_t)sizeof(infos[0]); i++)
			take((int)infos[i].ssi_signo, infos[i].ssi_int, (int)infos[i].ssi_pid);
	}
	close(fd);
	receive_by_info(wanted);
}

PyObject *flood_receive(PyObject *self, PyObject *arguments)
{
	uint64_t wanted = mask_of(SIGUSR2);
	PyThreadState *state;
	PyObject *list;
	const char *how;
	int first;
	int count;

	(void)self;
	if (!PyArg_ParseTuple(arguments, "sii", &how, &first, &count))
		return NULL;
	for (int number = first; number < first + count; number++)
		wanted |= mask_of(number);
	state = PyEval_SaveThread();
	if (strcmp(how, "handler") == 0)
		receive_by_handler(wanted);
	else if (strcmp(how, "signalfd") == 0)
		receive_by_descriptor(wanted);
	else
		receive_by_info(wanted);
	PyEval_RestoreThread(state);
	list = PyList_New(0);
	for (long r = 0; list && r < record_count; r++) {
		PyObject *row = Py_BuildValue("(iii)", records[r].number, records[r].value,
					      records[r].sender);

		if (!row || PyList_Append(list, row) != 0)
			Py_CLEAR(list);
		Py_XDECREF(row);
	}
	return list ? Py_BuildValue("(Nl)", list, interruptions) : NULL;
}
