/*
 * Modes that wait for asynchronous work to be done: io_getevents(2) and io_uring_enter(2).
 *
 * The work is to tell when a pipe can be read. No liburing: only what one entry needs.
 */
#include "blocking.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MARK = 4711,
};

static bool prepare_aio(struct job *job)
{
	struct iocb poll_pipe = { .aio_data = MARK, .aio_lio_opcode = IOCB_CMD_POLL };
	struct iocb *list[] = { &poll_pipe };
	aio_context_t context = 0;

	if (!prepare_pipe(job) || syscall(SYS_io_setup, 4, &context) != 0)
		return false;
	job->id = (long)context;
	poll_pipe.aio_fildes = (uint32_t)job->fds[0];
	poll_pipe.aio_buf = POLLIN;
	return syscall(SYS_io_submit, context, 1L, list) == 1;
}

static long get_events(struct job *job, uint64_t timeout_ns)
{
	struct timespec timeout = timespec_of(timeout_ns);
	struct io_event event = { 0 };
	long result =
		syscall(SYS_io_getevents, job->id, 1L, 1L, &event, timeout_ns ? &timeout : NULL);

	say(job, "data %d, result %d", (int)event.data, (int)event.res);
	return result;
}

static long call_getevents(struct job *job)
{
	return get_events(job, job->timeout_ns);
}

static long call_getevents_event(struct job *job)
{
	return get_events(job, 0);
}

/* One ring with one entry; its queues are in one map, job->memory, the entries in another. */
static bool prepare_ring(struct job *job)
{
	struct io_uring_params parameters = { 0 };
	struct io_uring_sqe *entry;
	size_t size_bytes;
	void *queues;

	if (!prepare_pipe(job))
		return false;
	job->fds[2] = (int)syscall(SYS_io_uring_setup, 1, &parameters);
	if (job->fds[2] < 0)
		return false;
	if (!(parameters.features & IORING_FEAT_SINGLE_MMAP) ||
	    !(parameters.features & IORING_FEAT_EXT_ARG)) {
		errno = ENOSYS;
		return false;
	}
	size_bytes = parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
	queues = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, job->fds[2],
		      IORING_OFF_SQ_RING);
	entry = mmap(NULL, sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, job->fds[2],
		     IORING_OFF_SQES);
	if (queues == MAP_FAILED || entry == MAP_FAILED)
		return false;
	job->memory = queues;
	job->size_bytes = size_bytes;
	job->id = (long)parameters.cq_off.cqes;
	memset(entry, 0, sizeof(*entry));
	entry->opcode = IORING_OP_POLL_ADD;
	entry->fd = job->fds[0];
	entry->poll32_events = POLLIN;
	entry->user_data = MARK;
	munmap(entry, sizeof(*entry));
	((uint32_t *)(job->memory + parameters.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(job->memory + parameters.sq_off.tail), 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, job->fds[2], 1, 0, 0, NULL, 0) == 1;
}

static long call_enter(struct job *job)
{
	struct timespec timeout = timespec_of(job->timeout_ns);
	struct io_uring_getevents_arg argument = { .ts = (uint64_t)(uintptr_t)&timeout };

	return syscall(SYS_io_uring_enter, job->fds[2], 0, 1,
		       IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof(argument));
}

static long call_enter_event(struct job *job)
{
	return syscall(SYS_io_uring_enter, job->fds[2], 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
}

static void check_ring(struct job *job)
{
	const struct io_uring_cqe *done = (const void *)(job->memory + job->id);

	say(job, "data %d, result %d", (int)done->user_data, done->res);
}

/* clang-format off */
const struct mode ring_modes[] = {
	{ "io_getevents", ENDS_IN_TIME, CARE_LEAVE, prepare_aio, call_getevents, NULL, NULL, NULL },
	{ "io_getevents_event", ENDS_BY_EVENT, CARE_LEAVE, prepare_aio, call_getevents_event, NULL, wake_by_write, NULL },
	{ "io_uring_enter", ENDS_IN_TIME, CARE_LEAVE, prepare_ring, call_enter, NULL, NULL, check_ring },
	{ "io_uring_enter_event", ENDS_BY_EVENT, CARE_LEAVE, prepare_ring, call_enter_event, NULL, wake_by_write, check_ring },
	{ 0 },
};
/* clang-format on */
