/*
 * The Python module `blocking`: makes threads wait in each of the modes, and tells what came of it.
 *
 *   modes()                     [(name, how it ends, care), ...]
 *   prepare(name, timeout_ms)   a job; OSError if this kernel cannot
 *   call(job)                   the call itself, in the thread that shall block, without the GIL
 *   begun(job)                  number of that thread once it is about to call, else 0
 *   prod(job), wake(job)        see blocking.h; to be called by the thread that prepared
 *   ended(job)                  whether the call is over
 *   outcome(job)                {"result", "errno", ...}; frees the job's things
 *   discard(job)                the same for a job that was never called
 *   receive(how, ...)           see flood.h
 *   await_input()               waits for something on stdin in a call that must not be
 *                               interrupted: so that another thread is chosen for it
 *
 * Jobs are numbers. Not for other programs: all is global, and little is checked.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "blocking.h"
#include "flood.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	JOB_LIMIT = 256,
};

static const struct mode *const all_modes[] = {
	sleep_modes, poll_modes,   futex_modes, signal_modes, file_modes,  running_modes,
	pipe_modes,  socket_modes, queue_modes, ring_modes,   child_modes,
};
static const size_t kinds = sizeof(all_modes) / sizeof(all_modes[0]);

static const char *const end_names[] = {
	[ENDS_IN_TIME] = "time",
	[ENDS_BY_EVENT] = "event",
	[ENDS_AFTER_RUNNING] = "running",
};

static const char *const care_names[] = {
	[CARE_NONE] = "none",
	[CARE_LATE] = "late",
	[CARE_HOLD] = "hold",
	[CARE_LEAVE] = "leave",
};

static struct job jobs[JOB_LIMIT];
static long job_count;

static _Thread_local struct job *current;

static void handle(int number)
{
	struct job *job = current;
	size_t length = job ? strlen(job->handled) : 0;

	if (job && length + 1 < sizeof(job->handled))
		job->handled[length] = number == SIGUSR1 ? '1' : '2';
}

static const struct mode *find_mode(const char *name)
{
	for (size_t k = 0; k < kinds; k++)
		for (const struct mode *mode = all_modes[k]; mode->name; mode++)
			if (strcmp(mode->name, name) == 0)
				return mode;
	return NULL;
}

static struct job *job_of(PyObject *argument)
{
	long number = PyLong_AsLong(argument);

	if (number < 0 || number >= job_count) {
		if (!PyErr_Occurred())
			PyErr_SetString(PyExc_ValueError, "no such job");
		return NULL;
	}
	return &jobs[number];
}

static PyObject *modes(PyObject *self, PyObject *unused)
{
	PyObject *list = PyList_New(0);

	(void)self;
	(void)unused;
	for (size_t k = 0; list && k < kinds; k++) {
		for (const struct mode *mode = all_modes[k]; mode->name; mode++) {
			PyObject *row = Py_BuildValue("(sss)", mode->name, end_names[mode->end],
						      care_names[mode->care]);

			if (!row || PyList_Append(list, row) != 0)
				Py_CLEAR(list);
			Py_XDECREF(row);
			if (!list)
				break;
		}
	}
	return list;
}

static PyObject *prepare(PyObject *self, PyObject *arguments)
{
	unsigned long long timeout_ms;
	const char *name;
	struct job *job;

	(void)self;
	if (!PyArg_ParseTuple(arguments, "sK", &name, &timeout_ms))
		return NULL;
	if (job_count == JOB_LIMIT || !find_mode(name))
		return PyErr_Format(PyExc_ValueError, "no such mode, or too many: %s", name);
	job = &jobs[job_count];
	*job = (struct job){
		.mode = find_mode(name),
		.timeout_ns = timeout_ms * NS_PER_MS,
		.left_ns = -1,
	};
	for (int f = 0; f < JOB_FDS; f++)
		job->fds[f] = -1;
	errno = 0;
	if (job->mode->prepare && !job->mode->prepare(job))
		return PyErr_SetFromErrnoWithFilename(PyExc_OSError, name);
	return PyLong_FromLong(job_count++);
}

static void run(struct job *job)
{
	const uint64_t faults = mask_of(SIGSEGV) | mask_of(SIGBUS) | mask_of(SIGILL) |
				mask_of(SIGFPE) | mask_of(SIGABRT);
	uint64_t before;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &before, SIGNAL_MASK_BYTES);
	set_mask(~faults);
	current = job;
	job->tid = (pid_t)syscall(SYS_gettid);
	job->begun_ns = now_ns();
	__atomic_store_n(&job->begun, true, __ATOMIC_RELEASE);
	errno = 0;
	job->result = job->mode->call(job);
	job->error = job->result < 0 ? errno : 0;
	job->ended_ns = now_ns();
	/* What is pending for the thread is to be noticed before the end is told. */
	set_mask(~(faults | mask_of(SIGUSR1) | mask_of(SIGUSR2)));
	current = NULL;
	set_mask(before);
	__atomic_store_n(&job->ended, true, __ATOMIC_RELEASE);
}

static PyObject *call(PyObject *self, PyObject *argument)
{
	struct job *job = job_of(argument);
	PyThreadState *state;

	(void)self;
	if (!job)
		return NULL;
	state = PyEval_SaveThread();
	run(job);
	PyEval_RestoreThread(state);
	Py_RETURN_NONE;
}

static PyObject *begun(PyObject *self, PyObject *argument)
{
	struct job *job = job_of(argument);

	(void)self;
	if (!job)
		return NULL;
	return PyLong_FromLong(__atomic_load_n(&job->begun, __ATOMIC_ACQUIRE) ? job->tid : 0);
}

static PyObject *ended(PyObject *self, PyObject *argument)
{
	struct job *job = job_of(argument);

	(void)self;
	return job ? PyBool_FromLong(__atomic_load_n(&job->ended, __ATOMIC_ACQUIRE)) : NULL;
}

static PyObject *prod(PyObject *self, PyObject *argument)
{
	struct job *job = job_of(argument);
	PyThreadState *state;

	(void)self;
	if (!job)
		return NULL;
	state = PyEval_SaveThread();
	if (job->mode->end != ENDS_AFTER_RUNNING) {
		if (!await_asleep(job))
			say(job, "[does not block]");
		if (job->mode->prod) {
			job->mode->prod(job);
			await_asleep(job);
		}
	}
	PyEval_RestoreThread(state);
	Py_RETURN_NONE;
}

static PyObject *wake(PyObject *self, PyObject *argument)
{
	struct job *job = job_of(argument);
	PyThreadState *state;

	(void)self;
	if (!job)
		return NULL;
	__atomic_store_n(&job->woken_ns, now_ns(), __ATOMIC_RELEASE);
	state = PyEval_SaveThread();
	if (job->mode->wake)
		job->mode->wake(job);
	PyEval_RestoreThread(state);
	Py_RETURN_NONE;
}

static void release(struct job *job)
{
	if (job->mode->check)
		job->mode->check(job);
	for (int f = 0; f < JOB_FDS; f++)
		if (job->fds[f] >= 0)
			close(job->fds[f]);
	if (job->memory)
		munmap(job->memory, job->size_bytes);
	if (job->path[0] && unlink(job->path) != 0)
		rmdir(job->path);
	if (job->child > 0) {
		kill(job->child, SIGKILL);
		waitpid(job->child, NULL, 0);
	}
}

static PyObject *discard(PyObject *self, PyObject *argument)
{
	struct job *job = job_of(argument);
	PyThreadState *state;

	(void)self;
	if (!job)
		return NULL;
	state = PyEval_SaveThread();
	release(job);
	PyEval_RestoreThread(state);
	Py_RETURN_NONE;
}

static PyObject *outcome(PyObject *self, PyObject *argument)
{
	struct job *job = job_of(argument);
	PyThreadState *state;

	(void)self;
	if (!job)
		return NULL;
	if (!job->ended) {
		PyErr_SetString(PyExc_RuntimeError, "the call is not over");
		return NULL;
	}
	state = PyEval_SaveThread();
	release(job);
	PyEval_RestoreThread(state);
	return Py_BuildValue("{s:l,s:i,s:L,s:s,s:s,s:K,s:K,s:K}", "result", job->result, "errno",
			     job->error, "left_ns", (long long)job->left_ns, "data", job->data,
			     "handled", job->handled, "begun_ns", (unsigned long long)job->begun_ns,
			     "woken_ns", (unsigned long long)job->woken_ns, "ended_ns",
			     (unsigned long long)job->ended_ns);
}

static PyObject *await_input(PyObject *self, PyObject *unused)
{
	static int scratch[2] = { -1, -1 };
	PyThreadState *state;
	char byte;
	long got;

	(void)self;
	(void)unused;
	if (scratch[0] < 0 && pipe2(scratch, O_CLOEXEC) != 0)
		return PyErr_SetFromErrno(PyExc_OSError);
	state = PyEval_SaveThread();
	got = syscall(SYS_tee, 0, scratch[1], 1UL, 0);
	if (got > 0)
		got = read(scratch[0], &byte, 1);
	PyEval_RestoreThread(state);
	if (got < 0)
		return PyErr_SetFromErrno(PyExc_OSError);
	return PyBool_FromLong(got);
}

static PyMethodDef functions[] = {
	{ "modes", modes, METH_NOARGS, NULL },
	{ "prepare", prepare, METH_VARARGS, NULL },
	{ "call", call, METH_O, NULL },
	{ "begun", begun, METH_O, NULL },
	{ "ended", ended, METH_O, NULL },
	{ "prod", prod, METH_O, NULL },
	{ "wake", wake, METH_O, NULL },
	{ "outcome", outcome, METH_O, NULL },
	{ "discard", discard, METH_O, NULL },
	{ "receive", flood_receive, METH_VARARGS, NULL },
	{ "await_input", await_input, METH_NOARGS, NULL },
	{ 0 },
};

static struct PyModuleDef module = {
	.m_base = PyModuleDef_HEAD_INIT,
	.m_name = "blocking",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit_blocking(void)
{
	struct sigaction action = { .sa_handler = handle };

	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	return PyModule_Create(&module);
}
