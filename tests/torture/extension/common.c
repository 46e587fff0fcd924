/*
 * What many modes share: time, pipes, patterns, signals to one thread. Makes no blocking call.
 */
#include "blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char text[] = "01234567";

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)ns_of(&now);
}

struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
}

struct timespec moment_in(clockid_t clock, uint64_t ns)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return timespec_of((uint64_t)ns_of(&now) + ns);
}

int64_t ns_of(const struct timespec *time)
{
	return time->tv_sec * (int64_t)NS_PER_S + time->tv_nsec;
}

void say(struct job *job, const char *format, ...)
{
	size_t length = strlen(job->data);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(job->data + length, sizeof(job->data) - length, format, arguments);
	va_end(arguments);
}

/* A file of /proc about the job's thread, as text; "" if there is none. */
static void read_about(const struct job *job, const char *name, char *ret_text, size_t capacity)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", job->tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd >= 0 ? read(fd, ret_text, capacity - 1) : 0;
	ret_text[got > 0 ? got : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

bool await_asleep(const struct job *job)
{
	uint64_t give_up_ns = now_ns() + PATIENCE_MS * NS_PER_MS;
	char stat[512];

	while (now_ns() < give_up_ns && !__atomic_load_n(&job->ended, __ATOMIC_ACQUIRE)) {
		const char *state;

		read_about(job, "stat", stat, sizeof(stat));
		state = strrchr(stat, ')');
		if (state && (state[2] == 'S' || state[2] == 'D'))
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

bool prepare_pipe(struct job *job)
{
	return pipe2(job->fds, O_CLOEXEC) == 0;
}

static void put(struct job *job, const char *bytes, size_t count)
{
	if (write(job->fds[1], bytes, count) != (ssize_t)count)
		say(job, "[cannot wake: errno %d]", errno);
}

void wake_by_write(struct job *job)
{
	put(job, "event", 5);
}

/* What goes through a terminal is on its way for a while: waits until it has woken the reader. */
void prod_first(struct job *job)
{
	uint64_t give_up_ns = now_ns() + PATIENCE_MS * NS_PER_MS;
	char before[96];
	char now[96];

	read_about(job, "schedstat", before, sizeof(before));
	put(job, text, FIRST_BYTES);
	do {
		poll(NULL, 0, 1);
		read_about(job, "schedstat", now, sizeof(now));
	} while (strcmp(before, now) == 0 && now_ns() < give_up_ns);
}

void wake_others(struct job *job)
{
	put(job, text + FIRST_BYTES, WHOLE_BYTES - FIRST_BYTES);
}

bool map_memory(struct job *job, size_t size_bytes)
{
	void *memory =
		mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	job->memory = memory;
	job->size_bytes = size_bytes;
	return true;
}

static uint8_t pattern(size_t index)
{
	return (uint8_t)((index * 2654435761u) >> 13);
}

bool map_pattern(struct job *job, size_t size_bytes)
{
	if (!map_memory(job, size_bytes))
		return false;
	for (size_t i = 0; i < size_bytes; i++)
		job->memory[i] = pattern(i);
	return true;
}

/* Reads once, with patience; 0 at the end. */
static ssize_t read_some(int fd, uint8_t *bytes, size_t capacity, int patience_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (poll(&ready, 1, patience_ms) != 1 || !(ready.revents & POLLIN))
		return 0;
	return read(fd, bytes, capacity);
}

void drain_pattern(struct job *job, size_t size_bytes)
{
	static _Thread_local uint8_t piece[16384];
	size_t total = 0;
	size_t wrong = 0;
	ssize_t got;

	while (total < size_bytes &&
	       (got = read_some(job->fds[0], piece, sizeof(piece), PATIENCE_MS)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			wrong += piece[i] != pattern(total + (size_t)i);
		total += (size_t)got;
	}
	say(job, "%zu came, %zu wrong", total, wrong);
}

void check_rest(struct job *job)
{
	uint8_t piece[4096];
	size_t rest = 0;
	ssize_t got;

	while ((got = read_some(job->fds[0], piece, sizeof(piece), 0)) > 0)
		rest += (size_t)got;
	say(job, ", %zu too many", rest);
}

void check_text(struct job *job)
{
	say(job, "'%.*s'", job->result > 0 ? (int)job->result : 0, (const char *)job->memory);
}

uint64_t mask_of(int number)
{
	return UINT64_C(1) << (number - 1);
}

void set_mask(uint64_t blocked)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, SIGNAL_MASK_BYTES);
}

uint64_t get_mask(void)
{
	uint64_t blocked = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, SIGNAL_MASK_BYTES);
	return blocked;
}

void signal_job(const struct job *job, int number)
{
	syscall(SYS_tgkill, getpid(), job->tid, number);
}

void wake_by_usr1(struct job *job)
{
	signal_job(job, SIGUSR1);
}

void prod_by_usr2(struct job *job)
{
	signal_job(job, SIGUSR2);
}
