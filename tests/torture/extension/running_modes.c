/*
 * Modes that never wait: long system calls that are at work all the time, and a thread that makes
 * none. An interrupted call would do less than it was asked to.
 */
#include "blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* So much that a call takes some 20 ms. */
	RANDOM_BYTES = 8 << 20,
	STEPS = 200000,
	SUM = 1,
};

/* Until somebody says that it is enough; counts the calls that gave less than they should. */
static long repeat(struct job *job, long (*once)(struct job *job), long expected)
{
	long bad = 0;

	do {
		long result = once(job);

		if (result == expected)
			continue;
		if (!bad++)
			say(job, "%ld of %ld, errno %d", result, expected, result < 0 ? errno : 0);
	} while (!__atomic_load_n(&job->woken_ns, __ATOMIC_ACQUIRE));
	return bad;
}

static bool prepare_random(struct job *job)
{
	job->fds[0] = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	return job->fds[0] >= 0 && map_memory(job, RANDOM_BYTES);
}

static long get_random(struct job *job)
{
	return syscall(SYS_getrandom, job->memory, (size_t)RANDOM_BYTES, 0);
}

static long read_random(struct job *job)
{
	return syscall(SYS_read, job->fds[0], job->memory, (size_t)RANDOM_BYTES);
}

static long call_getrandom(struct job *job)
{
	return repeat(job, get_random, RANDOM_BYTES);
}

static long call_urandom(struct job *job)
{
	return repeat(job, read_random, RANDOM_BYTES);
}

static bool prepare_files(struct job *job)
{
	job->fds[0] = memfd_create("from", MFD_CLOEXEC);
	job->fds[1] = memfd_create("to", MFD_CLOEXEC);
	return job->fds[1] >= 0 && map_pattern(job, RANDOM_BYTES) &&
	       write(job->fds[0], job->memory, RANDOM_BYTES) == RANDOM_BYTES;
}

static long send_file(struct job *job)
{
	loff_t from = 0;

	lseek(job->fds[1], 0, SEEK_SET);
	return syscall(SYS_sendfile, job->fds[1], job->fds[0], &from, (size_t)RANDOM_BYTES);
}

static long copy_range(struct job *job)
{
	loff_t from = 0;
	loff_t to = 0;

	return syscall(SYS_copy_file_range, job->fds[0], &from, job->fds[1], &to,
		       (size_t)RANDOM_BYTES, 0);
}

static long write_file(struct job *job)
{
	return syscall(SYS_pwrite64, job->fds[1], job->memory, (size_t)RANDOM_BYTES, (loff_t)0);
}

static long call_send_file(struct job *job)
{
	return repeat(job, send_file, RANDOM_BYTES);
}

static long call_copy_range(struct job *job)
{
	return repeat(job, copy_range, RANDOM_BYTES);
}

static long call_write_file(struct job *job)
{
	return repeat(job, write_file, RANDOM_BYTES);
}

/* Integers and doubles that depend on each step before. */
static long compute(struct job *job)
{
	static _Thread_local uint64_t expected;
	static _Thread_local double expected_real;
	volatile double real = 1;
	uint64_t whole = 1;

	(void)job;
	for (int step = 0; step < STEPS; step++) {
		whole = whole * UINT64_C(6364136223846793005) + (uint64_t)step;
		real = real * 0.999 + step;
	}
	if (!expected) {
		expected = whole;
		expected_real = real;
	}
	return whole == expected && real == expected_real ? SUM : 0;
}

static long call_compute(struct job *job)
{
	return repeat(job, compute, SUM);
}

/* clang-format off */
const struct mode running_modes[] = {
	{ "computing", ENDS_AFTER_RUNNING, CARE_NONE, NULL, call_compute, NULL, NULL, NULL },
	{ "getrandom_large", ENDS_AFTER_RUNNING, CARE_LEAVE, prepare_random, call_getrandom, NULL, NULL, NULL },
	{ "read_urandom_large", ENDS_AFTER_RUNNING, CARE_LEAVE, prepare_random, call_urandom, NULL, NULL, NULL },
	{ "sendfile_file", ENDS_AFTER_RUNNING, CARE_LEAVE, prepare_files, call_send_file, NULL, NULL, NULL },
	{ "copy_file_range", ENDS_AFTER_RUNNING, CARE_LEAVE, prepare_files, call_copy_range, NULL, NULL, NULL },
	{ "write_file", ENDS_AFTER_RUNNING, CARE_LEAVE, prepare_files, call_write_file, NULL, NULL, NULL },
	{ 0 },
};
/* clang-format on */
