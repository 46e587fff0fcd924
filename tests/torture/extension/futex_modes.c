/*
 * Modes that wait for a futex: plain, with timeouts, priority inheriting, requeued, several.
 *
 * Who wakes is the thread that prepared: a lock with priority inheritance belongs to a thread.
 */
#include "blocking.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

enum {
	EXPECTED = 42,
	/* Which word of the job is which. */
	WORD = 0,
	LOCK = 1,
	FUTEX_32_BIT = 2,
};

/* struct futex_waitv of include/uapi/linux/futex.h, not in older headers */
struct waiter {
	uint64_t value;
	uint64_t addr;
	uint32_t flags;
	uint32_t reserved;
};

static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *timeout,
		  uint32_t *word2, uint32_t value3)
{
	return syscall(SYS_futex, word, operation, value, timeout, word2, value3);
}

static bool prepare_word(struct job *job)
{
	job->words[WORD] = EXPECTED;
	return true;
}

static bool prepare_lock(struct job *job)
{
	prepare_word(job);
	return futex(&job->words[LOCK], FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0;
}

static void unlock(struct job *job)
{
	if (futex(&job->words[LOCK], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) != 0)
		say(job, "[cannot unlock: errno %d]", errno);
}

/*
 * As every user of futexes does: asks the word whether it is over. Who looks away just when the
 * word changes is not woken, and gets EAGAIN when it wants to wait again.
 */
static long call_wait(struct job *job)
{
	long result = futex(&job->words[WORD], FUTEX_WAIT, EXPECTED, NULL, NULL, 0);
	bool is_over = __atomic_load_n(&job->words[WORD], __ATOMIC_SEQ_CST) != EXPECTED;

	say(job, "%s", is_over ? "over" : "not over");
	return result == -1 && errno == EAGAIN && is_over ? 0 : result;
}

static long call_wait_timed(struct job *job)
{
	struct timespec timeout = timespec_of(job->timeout_ns);

	return futex(&job->words[WORD], FUTEX_WAIT, EXPECTED, &timeout, NULL, 0);
}

static long wait_until(struct job *job, clockid_t clock, int flag)
{
	struct timespec moment = moment_in(clock, job->timeout_ns);

	return futex(&job->words[WORD], FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | flag, EXPECTED,
		     &moment, NULL, FUTEX_BITSET_MATCH_ANY);
}

static long call_bitset(struct job *job)
{
	return wait_until(job, CLOCK_MONOTONIC, 0);
}

static long call_bitset_realtime(struct job *job)
{
	return wait_until(job, CLOCK_REALTIME, FUTEX_CLOCK_REALTIME);
}

static void wake_word(struct job *job)
{
	__atomic_store_n(&job->words[WORD], EXPECTED + 1, __ATOMIC_SEQ_CST);
	futex(&job->words[WORD], FUTEX_WAKE, 1, NULL, NULL, 0);
}

static long call_lock(struct job *job)
{
	long result = futex(&job->words[LOCK], FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	uint32_t owner = __atomic_load_n(&job->words[LOCK], __ATOMIC_SEQ_CST) & FUTEX_TID_MASK;

	say(job, "%s", owner == (uint32_t)job->tid ? "mine" : "not mine");
	return result;
}

static long call_lock_timed(struct job *job)
{
	struct timespec moment = moment_in(CLOCK_REALTIME, job->timeout_ns);

	return futex(&job->words[LOCK], FUTEX_LOCK_PI, 0, &moment, NULL, 0);
}

static long wait_requeue(struct job *job, const struct timespec *moment)
{
	return futex(&job->words[WORD], FUTEX_WAIT_REQUEUE_PI, EXPECTED, moment, &job->words[LOCK],
		     FUTEX_BITSET_MATCH_ANY);
}

static long call_requeue_timed(struct job *job)
{
	struct timespec moment = moment_in(CLOCK_MONOTONIC, job->timeout_ns);

	return wait_requeue(job, &moment);
}

static long call_requeued(struct job *job)
{
	return wait_requeue(job, NULL);
}

static void prod_requeue(struct job *job)
{
	long moved = syscall(SYS_futex, &job->words[WORD], FUTEX_CMP_REQUEUE_PI, 1, 1,
			     &job->words[LOCK], EXPECTED);

	if (moved != 1)
		say(job, "[requeued %ld, errno %d]", moved, errno);
}

static struct waiter waiter_for(uint32_t *word)
{
	return (struct waiter){ EXPECTED, (uint64_t)(uintptr_t)word, FUTEX_32_BIT, 0 };
}

static bool prepare_several(struct job *job)
{
	struct waiter stale = waiter_for(&job->words[WORD]);

	job->words[LOCK] = EXPECTED;
	/* The value is another one yet: EAGAIN, if the call is there. */
	if (syscall(SYS_futex_waitv, &stale, 1, 0, NULL, CLOCK_MONOTONIC) != -1 || errno != EAGAIN)
		return false;
	return prepare_word(job);
}

static long wait_several(struct job *job, const struct timespec *moment)
{
	struct waiter both[] = { waiter_for(&job->words[LOCK]), waiter_for(&job->words[WORD]) };

	return syscall(SYS_futex_waitv, both, 2, 0, moment, CLOCK_MONOTONIC);
}

static long call_several(struct job *job)
{
	return wait_several(job, NULL);
}

static long call_several_timed(struct job *job)
{
	struct timespec moment = moment_in(CLOCK_MONOTONIC, job->timeout_ns);

	return wait_several(job, &moment);
}

/* clang-format off */
const struct mode futex_modes[] = {
	{ "futex_wait_event", ENDS_BY_EVENT, CARE_NONE, prepare_word, call_wait, NULL, wake_word, NULL },
	{ "futex_wait", ENDS_IN_TIME, CARE_NONE, prepare_word, call_wait_timed, NULL, NULL, NULL },
	{ "futex_bitset", ENDS_IN_TIME, CARE_NONE, prepare_word, call_bitset, NULL, NULL, NULL },
	{ "futex_bitset_realtime", ENDS_IN_TIME, CARE_NONE, prepare_word, call_bitset_realtime, NULL, NULL, NULL },
	{ "futex_lock_pi_event", ENDS_BY_EVENT, CARE_NONE, prepare_lock, call_lock, NULL, unlock, NULL },
	{ "futex_lock_pi", ENDS_IN_TIME, CARE_NONE, prepare_lock, call_lock_timed, NULL, NULL, unlock },
	{ "futex_requeue_pi", ENDS_IN_TIME, CARE_LEAVE, prepare_lock, call_requeue_timed, NULL, NULL, unlock },
	{ "futex_requeued_event", ENDS_BY_EVENT, CARE_LEAVE, prepare_lock, call_requeued, prod_requeue, unlock, NULL },
	{ "futex_waitv_event", ENDS_BY_EVENT, CARE_LEAVE, prepare_several, call_several, NULL, wake_word, NULL },
	{ "futex_waitv", ENDS_IN_TIME, CARE_LEAVE, prepare_several, call_several_timed, NULL, NULL, NULL },
	{ 0 },
};
/* clang-format on */
