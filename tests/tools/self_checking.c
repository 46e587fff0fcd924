/*
 * A library for victims: threads that repeat a wait or a computation for ever, and notice if
 * anything about it is not as it should be.
 *
 * Nothing of Python runs in them. What they find is on a board, a file that both sides map: the
 * test reads it without disturbing the process. Waits that an interrupted tracer may prolong
 * (doc/safety.md) are only checked for not being too short.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum {
	BOARD_WORKERS = 8,
	BOARD_WORDS = 64,
	WAIT_MS = 40,
	CHURN_ROUNDS = 20000,
	NANOSECONDS_PER_MS = 1000000,
};

/* As tests/torture/test_kill_everywhere.py reads it: 8 bytes each, and text. */
struct board {
	uint64_t rounds[BOARD_WORKERS];
	uint64_t bad;
	char words[BOARD_WORDS][128];
};

struct worker {
	unsigned index;
	const char *name;
	void (*round)(struct worker *worker);
	sigset_t mask;
	/* What the other end of its wait is. */
	int ends[2];
	int id;
	sem_t semaphore;
	uint64_t number;
	pthread_t feeder;
};

static struct board *board;
static struct worker workers[BOARD_WORKERS];

__attribute__((format(printf, 2, 3))) static void bad(const struct worker *worker,
						      const char *format, ...)
{
	uint64_t slot = __atomic_fetch_add(&board->bad, 1, __ATOMIC_RELAXED);
	char text[96];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (slot < BOARD_WORDS)
		snprintf(board->words[slot], sizeof(board->words[slot]), "%s, round %llu: %s",
			 worker->name, (unsigned long long)board->rounds[worker->index], text);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A wait that must end by its timeout: with this result and errno, and not too early. */
static void timed(const struct worker *worker, long result, int number, long want_result,
		  int want_number, uint64_t since_ns)
{
	uint64_t took_ms = (now_ns() - since_ns) / NANOSECONDS_PER_MS;

	if (result != want_result || (result < 0 && number != want_number))
		bad(worker, "gave %ld, errno %d", result, result < 0 ? number : 0);
	if (took_ms + 1 < WAIT_MS)
		bad(worker, "ended after %llu ms", (unsigned long long)took_ms);
}

static const struct timespec wait_time = { .tv_nsec = WAIT_MS * NANOSECONDS_PER_MS };

static void round_poll(struct worker *worker)
{
	uint64_t since_ns = now_ns();
	long result = poll(NULL, 0, WAIT_MS);

	timed(worker, result, errno, 0, 0, since_ns);
}

static void round_ppoll(struct worker *worker)
{
	uint64_t since_ns = now_ns();
	sigset_t all;
	long result;

	sigfillset(&all);
	result = ppoll(NULL, 0, &wait_time, &all);
	timed(worker, result, errno, 0, 0, since_ns);
}

static void round_select(struct worker *worker)
{
	struct timeval timeout = { .tv_usec = WAIT_MS * 1000 };
	uint64_t since_ns = now_ns();
	long result = select(0, NULL, NULL, NULL, &timeout);

	timed(worker, result, errno, 0, 0, since_ns);
}

static void round_epoll(struct worker *worker)
{
	struct epoll_event event;
	uint64_t since_ns = now_ns();
	long result = epoll_wait(worker->id, &event, 1, WAIT_MS);

	timed(worker, result, errno, 0, 0, since_ns);
}

static void round_nanosleep(struct worker *worker)
{
	uint64_t since_ns = now_ns();
	long result = nanosleep(&wait_time, NULL);

	timed(worker, result, errno, 0, 0, since_ns);
}

static void round_clock(struct worker *worker)
{
	uint64_t since_ns = now_ns();
	int number = clock_nanosleep(CLOCK_MONOTONIC, 0, &wait_time, NULL);

	timed(worker, number, 0, 0, 0, since_ns);
}

static void round_clock_absolute(struct worker *worker)
{
	uint64_t since_ns = now_ns();
	uint64_t until_ns = since_ns + (uint64_t)WAIT_MS * NANOSECONDS_PER_MS;
	struct timespec until = { (time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000) };
	int number = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);

	timed(worker, number, 0, 0, 0, since_ns);
}

static void round_futex(struct worker *worker)
{
	uint64_t since_ns = now_ns();
	struct timespec until;
	long result;

	/* By the C library's own means: sem_wait() is what locks of Python are made of. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += wait_time.tv_nsec;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	result = sem_timedwait(&worker->semaphore, &until);
	timed(worker, result, errno, -1, ETIMEDOUT, since_ns);
}

static void round_receive(struct worker *worker)
{
	uint64_t since_ns = now_ns();
	char byte;
	long result = recv(worker->ends[0], &byte, 1, 0);

	timed(worker, result, errno, -1, EAGAIN, since_ns);
}

/* The other end gives a number every now and then: each comes once, in order, whole. */
static void *feed_pipe(void *argument)
{
	struct worker *worker = argument;

	for (uint64_t number = 0;; number++) {
		nanosleep(&wait_time, NULL);
		if (write(worker->ends[1], &number, sizeof(number)) != sizeof(number))
			abort();
	}
	return NULL;
}

static void round_read(struct worker *worker)
{
	uint64_t number = UINT64_MAX;
	long result = read(worker->ends[0], &number, sizeof(number));

	if (result != sizeof(number))
		bad(worker, "gave %ld, errno %d", result, result < 0 ? errno : 0);
	else if (number != worker->number)
		bad(worker, "read %llu instead of %llu", (unsigned long long)number,
		    (unsigned long long)worker->number);
	worker->number = number + 1;
}

static void *feed_semaphore(void *argument)
{
	struct worker *worker = argument;
	struct sembuf up = { .sem_op = 1 };

	for (;;) {
		nanosleep(&wait_time, NULL);
		semop(worker->id, &up, 1);
	}
	return NULL;
}

static void round_semaphore(struct worker *worker)
{
	struct sembuf down = { .sem_op = -1 };
	long result = semop(worker->id, &down, 1);

	if (result != 0)
		bad(worker, "gave %ld, errno %d", result, errno);
}

/* A signal sent by a thread to this one; nothing else may end the wait. */
static void *feed_signal(void *argument)
{
	struct worker *worker = argument;
	pid_t tid;

	while (!(tid = (pid_t)__atomic_load_n(&worker->id, __ATOMIC_ACQUIRE)))
		nanosleep(&wait_time, NULL);
	for (;;) {
		nanosleep(&wait_time, NULL);
		syscall(SYS_tgkill, getpid(), tid, SIGRTMIN + 7);
	}
	return NULL;
}

static void round_signal(struct worker *worker)
{
	siginfo_t info;
	sigset_t wanted;
	long result;

	__atomic_store_n(&worker->id, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGRTMIN + 7);
	result = sigwaitinfo(&wanted, &info);
	if (result != SIGRTMIN + 7 || info.si_pid != getpid())
		bad(worker, "gave %ld, errno %d", result, result < 0 ? errno : 0);
}

/* Two holders of one lock of a file, each through a description of its own. */
static void *feed_lock(void *argument)
{
	struct worker *worker = argument;

	for (;;) {
		flock(worker->ends[1], LOCK_EX);
		nanosleep(&wait_time, NULL);
		flock(worker->ends[1], LOCK_UN);
		sched_yield();
	}
	return NULL;
}

static void round_lock(struct worker *worker)
{
	long result = flock(worker->ends[0], LOCK_EX);

	if (result != 0)
		bad(worker, "gave %ld, errno %d", result, errno);
	flock(worker->ends[0], LOCK_UN);
}

static void expect_no_child(const struct worker *worker)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid != -1 || errno != ECHILD)
		bad(worker, "wait() saw child %d, status %x, errno %d", pid, status, errno);
}

static void expect_one_sigchld(const struct worker *worker, pid_t child)
{
	const struct timespec none = { 0 };
	siginfo_t info;
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	if (sigtimedwait(&wanted, &info, &none) != SIGCHLD || info.si_pid != child)
		bad(worker, "no SIGCHLD for the child");
	if (sigtimedwait(&wanted, &info, &none) != -1)
		bad(worker, "a SIGCHLD too many");
}

/* A child of its own, and no other. */
static void round_children(struct worker *worker)
{
	int wanted = (int)(worker->number++ % 100);
	int status;
	pid_t child;
	pid_t got;

	expect_no_child(worker);
	child = fork();
	if (child == 0) {
		nanosleep(&wait_time, NULL);
		_exit(wanted);
	}
	got = waitpid(-1, &status, 0);
	if (got != child || !WIFEXITED(status) || WEXITSTATUS(status) != wanted)
		bad(worker, "wait() gave %d, status %x, errno %d; the child is %d", got, status,
		    errno, child);
	expect_no_child(worker);
	expect_one_sigchld(worker, child);
}

typedef uint64_t lanes __attribute__((vector_size(32)));

/* Keeps many registers, general and vector ones, busy with values that all matter. */
#ifdef __x86_64__
__attribute__((target_clones("avx2", "default")))
#endif
static uint64_t
churn(uint64_t rounds)
{
	lanes a = { 1, 2, 3, 4 }, b = { 5, 6, 7, 8 }, c = { 9, 10, 11, 12 }, d = { 13, 14, 15, 16 };
	lanes e = a ^ 77, f = b ^ 88, g = c ^ 99, h = d ^ 111;
	uint64_t s = 1, t = 2, u = 3, v = 4, w = 5, x = 6, y = 7, z = 8;
	double p = 0.5, q = 0.25;

	while (rounds--) {
		a += b ^ (c << 3), b += d ^ (a >> 5), c += e ^ (g << 7), d += f ^ (h >> 9);
		e += a ^ (b << 2), f += c ^ (d >> 4), g += e ^ (h << 6), h += f ^ (a >> 8);
		s = s * 25214903917 + t, t ^= u >> 7, u += v << 3, v ^= s + w;
		w = w * 6364136223846793005 + x, x ^= y >> 9, y += z << 5, z ^= w + s;
		p = p * 0.999 + (double)(s & 255), q = q * 0.998 + p;
	}
	a ^= b ^ c ^ d ^ e ^ f ^ g ^ h;
	return a[0] ^ a[1] ^ a[2] ^ a[3] ^ s ^ t ^ u ^ v ^ w ^ x ^ y ^ z ^ (uint64_t)(p * 1000) ^
	       (uint64_t)(q * 1000);
}

static void round_compute(struct worker *worker)
{
	uint64_t got = churn(CHURN_ROUNDS);

	if (got != worker->number)
		bad(worker, "computed %llx instead of %llx", (unsigned long long)got,
		    (unsigned long long)worker->number);
}

/* What every round must leave as it was. */
static void check_thread(const struct worker *worker)
{
	sigset_t now;
	sigset_t pending;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	sigpending(&pending);
	for (int number = 1; number < SIGRTMAX; number++) {
		if (sigismember(&now, number) != sigismember(&worker->mask, number))
			bad(worker, "the mask differs at signal %d", number);
		/* These are there for a moment, for another thread or this one. */
		if (sigismember(&pending, number) == 1 && number != SIGRTMIN + 7 &&
		    number != SIGCHLD)
			bad(worker, "signal %d is pending", number);
	}
}

static const struct {
	const char *name;
	void (*round)(struct worker *worker);
	void *(*feed)(void *worker);
} kinds[] = {
	{ "poll", round_poll, NULL },
	{ "ppoll", round_ppoll, NULL },
	{ "select", round_select, NULL },
	{ "epoll", round_epoll, NULL },
	{ "nanosleep", round_nanosleep, NULL },
	{ "clock_nanosleep", round_clock, NULL },
	{ "clock_nanosleep absolute", round_clock_absolute, NULL },
	{ "futex", round_futex, NULL },
	{ "recv", round_receive, NULL },
	{ "read", round_read, feed_pipe },
	{ "semop", round_semaphore, feed_semaphore },
	{ "sigwaitinfo", round_signal, feed_signal },
	{ "flock", round_lock, feed_lock },
	{ "children", round_children, NULL },
	{ "compute", round_compute, NULL },
};

static void prepare(struct worker *worker)
{
	struct timeval timeout = { .tv_usec = WAIT_MS * 1000 };
	char path[] = "/tmp/self-checking-XXXXXX";

	if (strcmp(worker->name, "epoll") == 0)
		worker->id = epoll_create1(EPOLL_CLOEXEC);
	if (strcmp(worker->name, "recv") == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, worker->ends) != 0 ||
		    setsockopt(worker->ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout,
			       sizeof(timeout)) != 0)
			abort();
	}
	if (strcmp(worker->name, "read") == 0 && pipe(worker->ends) != 0)
		abort();
	if (strcmp(worker->name, "futex") == 0)
		sem_init(&worker->semaphore, 0, 0);
	if (strcmp(worker->name, "semop") == 0)
		worker->id = semget(IPC_PRIVATE, 1, 0600);
	if (strcmp(worker->name, "flock") == 0) {
		worker->ends[0] = mkostemp(path, O_CLOEXEC);
		worker->ends[1] = open(path, O_RDWR | O_CLOEXEC);
		unlink(path);
	}
	if (strcmp(worker->name, "compute") == 0)
		worker->number = churn(CHURN_ROUNDS);
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	/* A mask that no other worker has. */
	sigfillset(&worker->mask);
	sigdelset(&worker->mask, SIGRTMIN + 10 + (int)worker->index);
	pthread_sigmask(SIG_SETMASK, &worker->mask, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &worker->mask);
	for (;;) {
		worker->round(worker);
		check_thread(worker);
		__atomic_fetch_add(&board->rounds[worker->index], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Maps the board; false if that fails. To be called first. */
EXPORT bool self_checking_open(const char *path);

bool self_checking_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return board != MAP_FAILED;
}

/*
 * Makes worker `index` one of that kind: in a thread of its own, or in the calling thread, and then
 * it does not return. False if there is no such kind.
 */
EXPORT bool self_checking_work(unsigned index, const char *kind, bool here);

bool self_checking_work(unsigned index, const char *kind, bool here)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct worker *worker = &workers[index];
		sigset_t every;
		sigset_t before;
		pthread_t thread;

		if (strcmp(kinds[k].name, kind) != 0)
			continue;
		worker->index = index;
		worker->name = kinds[k].name;
		worker->round = kinds[k].round;
		prepare(worker);
		/* Whoever feeds it hears of no signal. */
		sigfillset(&every);
		pthread_sigmask(SIG_SETMASK, &every, &before);
		if (kinds[k].feed)
			pthread_create(&worker->feeder, NULL, kinds[k].feed, worker);
		if (!here)
			pthread_create(&thread, NULL, work, worker);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (here)
			work(worker);
		return true;
	}
	return false;
}
