/*
 * Sends requests to an HTTP server on loopback at a steady rate, for bench/latency.
 *
 *     latency-load PORT A_SECOND CONNECTIONS SECONDS
 *
 * Prints for each request when it was due and how long after that its answer had come, in
 * nanoseconds of CLOCK_MONOTONIC. A request that had to wait for its turn is late all the same: a
 * server that stands still does not make its own load lighter. Ends with 1 if an answer is missing.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/* The server says so many bytes each time: bench/latency. */
enum {
	ANSWER_BYTES = 1024,
};

struct sender {
	pthread_t thread;
	uint64_t first_ns;
	uint64_t step_ns;
	size_t count;
	uint64_t *latency_ns;
	int fd;
	int failed;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static int ask(int fd)
{
	char answer[ANSWER_BYTES];

	return send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) ==
		       (ssize_t)sizeof(request) - 1 &&
	       recv(fd, answer, sizeof(answer), MSG_WAITALL) == (ssize_t)sizeof(answer);
}

static void *send_all(void *argument)
{
	struct sender *sender = argument;

	for (size_t r = 0; r < sender->count; r++) {
		uint64_t due_ns = sender->first_ns + r * sender->step_ns;
		struct timespec due = { (time_t)(due_ns / SECOND), (long)(due_ns % SECOND) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		if (!ask(sender->fd)) {
			sender->failed = 1;
			break;
		}
		sender->latency_ns[r] = now_ns() - due_ns;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	size_t connections;
	struct sender *senders;
	uint64_t begin_ns;
	double seconds;
	double rate;
	int failed = 0;

	if (argc != 5)
		return 2;
	address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rate = strtod(argv[2], NULL);
	connections = strtoul(argv[3], NULL, 10);
	seconds = strtod(argv[4], NULL);
	senders = calloc(connections, sizeof(*senders));
	if (!senders)
		return 1;
	begin_ns = now_ns() + SECOND / 5;
	for (size_t s = 0; s < connections; s++) {
		struct sender *sender = &senders[s];
		int on = 1;

		sender->first_ns = begin_ns + (uint64_t)((double)s * SECOND / rate);
		sender->step_ns = (uint64_t)((double)connections * SECOND / rate);
		sender->count = (size_t)(seconds * rate / (double)connections);
		sender->latency_ns = calloc(sender->count, sizeof(*sender->latency_ns));
		sender->fd = socket(AF_INET, SOCK_STREAM, 0);
		if (!sender->latency_ns ||
		    connect(sender->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
			return 1;
		setsockopt(sender->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (pthread_create(&sender->thread, NULL, send_all, sender) != 0)
			return 1;
	}
	for (size_t s = 0; s < connections; s++) {
		pthread_join(senders[s].thread, NULL);
		failed |= senders[s].failed;
		for (size_t r = 0; r < senders[s].count; r++)
			printf("%" PRIu64 " %" PRIu64 "\n",
			       senders[s].first_ns + r * senders[s].step_ns,
			       senders[s].latency_ns[r]);
	}
	return failed;
}
