/*
 * Modes that wait for pipes: for something to come, and for room.
 */
#include "blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool prepare_read(struct job *job)
{
	return prepare_pipe(job) && map_memory(job, PAGE_BYTES);
}

static long call_read(struct job *job)
{
	return syscall(SYS_read, job->fds[0], job->memory, (size_t)PAGE_BYTES);
}

static long call_readv(struct job *job)
{
	struct iovec parts[] = { { job->memory, 2 }, { job->memory + 2, PAGE_BYTES - 2 } };

	return syscall(SYS_readv, job->fds[0], parts, 2);
}

/* Much more than the pipe holds: the first part is in it while the call waits. */
static bool prepare_large(struct job *job)
{
	return prepare_pipe(job) && map_pattern(job, LARGE_BYTES);
}

static long call_write(struct job *job)
{
	return syscall(SYS_write, job->fds[1], job->memory, job->size_bytes);
}

static long call_writev(struct job *job)
{
	struct iovec parts[] = { { job->memory, 100 },
				 { job->memory + 100, job->size_bytes - 100 } };

	return syscall(SYS_writev, job->fds[1], parts, 2);
}

static void wake_large(struct job *job)
{
	drain_pattern(job, job->size_bytes);
}

/* The pipe that the call writes to, full; `fds[2]` and `fds[3]` are another, with some in it. */
static bool prepare_full(struct job *job)
{
	return prepare_large(job) && fcntl(job->fds[1], F_SETPIPE_SZ, PAGE_BYTES) == PAGE_BYTES &&
	       write(job->fds[1], job->memory, PAGE_BYTES) == PAGE_BYTES &&
	       pipe2(job->fds + 2, O_CLOEXEC) == 0 &&
	       write(job->fds[3], job->memory + PAGE_BYTES, PAGE_BYTES) == PAGE_BYTES;
}

static void wake_full(struct job *job)
{
	drain_pattern(job, 2 * PAGE_BYTES);
}

static long call_splice(struct job *job)
{
	return syscall(SYS_splice, job->fds[2], NULL, job->fds[1], NULL, (size_t)PAGE_BYTES, 0);
}

static long call_tee(struct job *job)
{
	return syscall(SYS_tee, job->fds[2], job->fds[1], (size_t)PAGE_BYTES, 0);
}

static long call_vmsplice(struct job *job)
{
	struct iovec part = { job->memory + PAGE_BYTES, PAGE_BYTES };

	return syscall(SYS_vmsplice, job->fds[1], &part, 1UL, 0);
}

/* fds[4] is a file with all of the pattern. */
static bool prepare_from_file(struct job *job)
{
	if (!prepare_full(job))
		return false;
	job->fds[4] = memfd_create("from", MFD_CLOEXEC);
	return job->fds[4] >= 0 && write(job->fds[4], job->memory, LARGE_BYTES) == LARGE_BYTES;
}

static long call_sendfile(struct job *job)
{
	loff_t from = PAGE_BYTES;

	return syscall(SYS_sendfile, job->fds[1], job->fds[4], &from, (size_t)PAGE_BYTES);
}

static bool prepare_two(struct job *job)
{
	return prepare_read(job) && pipe2(job->fds + 2, O_CLOEXEC) == 0;
}

static long call_splice_empty(struct job *job)
{
	return syscall(SYS_splice, job->fds[0], NULL, job->fds[3], NULL, (size_t)PAGE_BYTES, 0);
}

static void check_spliced(struct job *job)
{
	struct pollfd ready = { .fd = job->fds[2], .events = POLLIN };

	if (poll(&ready, 1, 0) == 1)
		job->result = read(job->fds[2], job->memory, PAGE_BYTES);
	check_text(job);
}

/* clang-format off */
const struct mode pipe_modes[] = {
	{ "read_pipe", ENDS_BY_EVENT, CARE_NONE, prepare_read, call_read, NULL, wake_by_write, check_text },
	{ "readv_pipe", ENDS_BY_EVENT, CARE_NONE, prepare_read, call_readv, NULL, wake_by_write, check_text },
	{ "write_pipe_large", ENDS_BY_EVENT, CARE_LEAVE, prepare_large, call_write, NULL, wake_large, check_rest },
	{ "writev_pipe_large", ENDS_BY_EVENT, CARE_LEAVE, prepare_large, call_writev, NULL, wake_large, check_rest },
	{ "splice_full", ENDS_BY_EVENT, CARE_LEAVE, prepare_full, call_splice, NULL, wake_full, check_rest },
	{ "splice_empty", ENDS_BY_EVENT, CARE_LEAVE, prepare_two, call_splice_empty, NULL, wake_by_write, check_spliced },
	{ "tee_full", ENDS_BY_EVENT, CARE_LEAVE, prepare_full, call_tee, NULL, wake_full, check_rest },
	{ "vmsplice_full", ENDS_BY_EVENT, CARE_LEAVE, prepare_full, call_vmsplice, NULL, wake_full, check_rest },
	{ "sendfile_full", ENDS_BY_EVENT, CARE_LEAVE, prepare_from_file, call_sendfile, NULL, wake_full, check_rest },
	{ 0 },
};
/* clang-format on */
