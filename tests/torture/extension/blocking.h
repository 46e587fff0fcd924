/*
 * A mode of blocking: a system call in which a thread can be made to wait, what makes it return,
 * and what it must then have given. Shared by the files of the extension module `blocking`.
 *
 * Says nothing about who disturbs the call.
 */
#ifndef PYI_TEST_BLOCKING_H
#define PYI_TEST_BLOCKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	JOB_FDS = 6,
	JOB_WORDS = 4,
	/* More than any pipe or socket holds by default. */
	LARGE_BYTES = 1 << 20,
	/* What a half filled read waits for, and how much of it comes first. */
	WHOLE_BYTES = 8,
	FIRST_BYTES = 3,
	PAGE_BYTES = 4096,
	/* How long the waking side waits for data before it gives up. */
	PATIENCE_MS = 3000,
	SIGNAL_MASK_BYTES = 8,
};

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

struct mode;

/* One call of one mode. All is zero in the beginning, but descriptors, which are -1. */
struct job {
	const struct mode *mode;
	uint64_t timeout_ns;

	/* What a mode keeps here is closed, unmapped, unlinked, reaped in the end. */
	int fds[JOB_FDS];
	uint8_t *memory;
	size_t size_bytes;
	char path[160];
	pid_t child;
	/* Numbers of other things of the kernel's (queues). */
	long id;
	/* For futexes. */
	uint32_t words[JOB_WORDS];

	/* The thread that makes the call. */
	pid_t tid;
	/* Set once the thread has nothing left to do but the call. */
	bool begun;
	bool ended;
	uint64_t begun_ns;
	uint64_t woken_ns;
	uint64_t ended_ns;

	long result;
	int error;
	/* What the call wrote back as the rest of its timeout; -1 if it does not. */
	int64_t left_ns;
	/* What came through, in words. */
	char data[192];
	/* Handlers that ran in the thread, in order: 1 for SIGUSR1, 2 for SIGUSR2. */
	char handled[16];
};

enum mode_end {
	/* By its timeout, with the outcome of a timeout. */
	ENDS_IN_TIME,
	/* When wake() has been called. */
	ENDS_BY_EVENT,
	/* Never blocks: the call is made again and again until wake() has been called. */
	ENDS_AFTER_RUNNING,
};

/* What may be done to a thread in it. */
enum mode_care {
	/* It can be interrupted and asked to run a system call. */
	CARE_NONE,
	/* The same, but then its whole timeout begins anew. */
	CARE_LATE,
	/* It can be interrupted, but not asked for more. */
	CARE_HOLD,
	/* It must be left alone. */
	CARE_LEAVE,
};

struct mode {
	const char *name;
	enum mode_end end;
	enum mode_care care;
	/* What can be done before; in another thread. False with errno: not on this kernel. */
	bool (*prepare)(struct job *job);
	/* The system call; its result, with errno. May do what only this thread can do before. */
	long (*call)(struct job *job);
	/* Something on the way, once it blocks: may be NULL. In another thread. */
	void (*prod)(struct job *job);
	/* The event; in another thread. */
	void (*wake)(struct job *job);
	/* Looks at what came through, after the end: may be NULL. */
	void (*check)(struct job *job);
};

/* Each ends with a mode without a name. */
extern const struct mode sleep_modes[];
extern const struct mode poll_modes[];
extern const struct mode futex_modes[];
extern const struct mode signal_modes[];
extern const struct mode file_modes[];
extern const struct mode running_modes[];
extern const struct mode pipe_modes[];
extern const struct mode socket_modes[];
extern const struct mode queue_modes[];
extern const struct mode ring_modes[];
extern const struct mode child_modes[];

uint64_t now_ns(void);
struct timespec timespec_of(uint64_t ns);
/* The moment that is `ns` from now on. */
struct timespec moment_in(clockid_t clock, uint64_t ns);
int64_t ns_of(const struct timespec *time);

/* Appends words to job->data. */
void say(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Waits until the job's thread sleeps in the kernel; false if it does not. */
bool await_asleep(const struct job *job);

/* A pipe as fds[0] and fds[1], for `prepare`. */
bool prepare_pipe(struct job *job);
/* "event" into fds[1]. */
void wake_by_write(struct job *job);
/* The first and the other bytes of "01234567" into fds[1]. */
void prod_first(struct job *job);
void wake_others(struct job *job);
/* job->memory of job->size_bytes, zeroed; false with errno. */
bool map_memory(struct job *job, size_t size_bytes);
/* The same, filled with numbers that no shift and no repetition of a part hides. */
bool map_pattern(struct job *job, size_t size_bytes);
/* Reads fds[0] until `size_bytes` of the pattern came or nothing comes, and says what came. */
void drain_pattern(struct job *job, size_t size_bytes);
/* Says what is left to be read from fds[0]; should be nothing. */
void check_rest(struct job *job);
/* Says the text that a read left in job->memory. */
void check_text(struct job *job);

/* Signal masks as the kernel takes them. */
uint64_t mask_of(int number);
void set_mask(uint64_t blocked);
uint64_t get_mask(void);
/* Sends a signal to the thread of a job. */
void signal_job(const struct job *job, int number);
void wake_by_usr1(struct job *job);
void prod_by_usr2(struct job *job);

#endif
