/*
 * Modes that wait for sockets: for data, connections, room; with timeouts of the socket's own.
 */
#include "blocking.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	MESSAGES = 3,
	MESSAGE_BYTES = 16,
};

static bool set_timeout(const struct job *job, int fd, int option)
{
	bool in_time = job->mode->end == ENDS_IN_TIME;
	uint64_t timeout_ns = in_time ? job->timeout_ns : 100 * NS_PER_S;
	struct timeval timeout = { (time_t)(timeout_ns / NS_PER_S),
				   (suseconds_t)(timeout_ns % NS_PER_S / 1000) };

	return setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof(timeout)) == 0;
}

static bool prepare_pair(struct job *job, int type)
{
	return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, job->fds) == 0 &&
	       map_memory(job, PAGE_BYTES);
}

static bool prepare_stream(struct job *job)
{
	return prepare_pair(job, SOCK_STREAM);
}

static bool prepare_datagram(struct job *job)
{
	return prepare_pair(job, SOCK_DGRAM);
}

static bool prepare_timed(struct job *job)
{
	return prepare_stream(job) && set_timeout(job, job->fds[0], SO_RCVTIMEO);
}

static bool prepare_low_mark(struct job *job)
{
	int whole = WHOLE_BYTES;

	return prepare_stream(job) &&
	       setsockopt(job->fds[0], SOL_SOCKET, SO_RCVLOWAT, &whole, sizeof(whole)) == 0;
}

/* fds[0] and fds[1] are the two ends of a TCP connection. */
static bool prepare_tcp(struct job *job)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	bool connected;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	connected = listener >= 0 &&
		    bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		    listen(listener, 1) == 0 &&
		    getsockname(listener, (struct sockaddr *)&address, &length) == 0 &&
		    (job->fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0 &&
		    connect(job->fds[1], (struct sockaddr *)&address, sizeof(address)) == 0 &&
		    (job->fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;
	if (listener >= 0)
		close(listener);
	return connected;
}

static bool prepare_tcp_read(struct job *job)
{
	return prepare_tcp(job) && map_memory(job, PAGE_BYTES);
}

static bool prepare_tcp_timed(struct job *job)
{
	return prepare_tcp_read(job) && set_timeout(job, job->fds[0], SO_RCVTIMEO);
}

static long call_read(struct job *job)
{
	return syscall(SYS_read, job->fds[0], job->memory, (size_t)PAGE_BYTES);
}

static long receive(struct job *job, size_t size_bytes, int flags)
{
	return syscall(SYS_recvfrom, job->fds[0], job->memory, size_bytes, flags, NULL, NULL);
}

static long call_recv(struct job *job)
{
	return receive(job, PAGE_BYTES, 0);
}

static long call_recv_whole(struct job *job)
{
	return receive(job, WHOLE_BYTES, MSG_WAITALL);
}

static long receive_message(struct job *job, size_t size_bytes, int flags)
{
	struct iovec part = { job->memory, size_bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	return syscall(SYS_recvmsg, job->fds[0], &message, flags);
}

static long call_recvmsg(struct job *job)
{
	return receive_message(job, PAGE_BYTES, 0);
}

static long call_recvmsg_whole(struct job *job)
{
	return receive_message(job, WHOLE_BYTES, MSG_WAITALL);
}

static long call_recvmmsg(struct job *job)
{
	struct timespec timeout = timespec_of(100 * NS_PER_S);
	struct mmsghdr messages[MESSAGES] = { 0 };
	struct iovec parts[MESSAGES];
	long result;

	for (int m = 0; m < MESSAGES; m++) {
		parts[m] = (struct iovec){ job->memory + m * MESSAGE_BYTES, MESSAGE_BYTES };
		messages[m].msg_hdr.msg_iov = &parts[m];
		messages[m].msg_hdr.msg_iovlen = 1;
	}
	result = syscall(SYS_recvmmsg, job->fds[0], messages, MESSAGES, 0, &timeout);
	for (int m = 0; m < result; m++)
		say(job, "'%.*s' ", (int)messages[m].msg_len, (char *)parts[m].iov_base);
	return result;
}

static void wake_messages(struct job *job)
{
	for (int m = 1; m < MESSAGES; m++)
		wake_by_write(job);
}

static bool prepare_send(struct job *job)
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, job->fds) == 0 &&
	       map_pattern(job, LARGE_BYTES);
}

static bool prepare_tcp_send(struct job *job)
{
	return prepare_tcp(job) && map_pattern(job, 16 * LARGE_BYTES);
}

static long call_send(struct job *job)
{
	return syscall(SYS_sendto, job->fds[1], job->memory, job->size_bytes, 0, NULL, 0);
}

static long call_sendmsg(struct job *job)
{
	struct iovec part = { job->memory, job->size_bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	return syscall(SYS_sendmsg, job->fds[1], &message, 0);
}

static bool prepare_file_send(struct job *job)
{
	if (!prepare_tcp_send(job))
		return false;
	job->fds[2] = memfd_create("from", MFD_CLOEXEC);
	return job->fds[2] >= 0 &&
	       write(job->fds[2], job->memory, job->size_bytes) == (ssize_t)job->size_bytes;
}

static long call_sendfile(struct job *job)
{
	loff_t from = 0;

	return syscall(SYS_sendfile, job->fds[1], job->fds[2], &from, job->size_bytes);
}

static void wake_send(struct job *job)
{
	drain_pattern(job, job->size_bytes);
}

static bool prepare_send_timed(struct job *job)
{
	if (!prepare_send(job) || !set_timeout(job, job->fds[1], SO_SNDTIMEO))
		return false;
	while (send(job->fds[1], job->memory, PAGE_BYTES, MSG_DONTWAIT) > 0)
		;
	return errno == EAGAIN;
}

static long call_send_timed(struct job *job)
{
	return syscall(SYS_sendto, job->fds[1], job->memory, (size_t)PAGE_BYTES, 0, NULL, 0);
}

/* An address in the abstract namespace, of the kernel's choice: fds[0] listens there. */
static bool prepare_listener(struct job *job)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	job->fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return job->fds[0] >= 0 &&
	       bind(job->fds[0], (struct sockaddr *)&address, sizeof(sa_family_t)) == 0 &&
	       listen(job->fds[0], 0) == 0;
}

static bool prepare_listener_timed(struct job *job)
{
	return prepare_listener(job) && set_timeout(job, job->fds[0], SO_RCVTIMEO);
}

static long connect_to(struct job *job, int fd)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);

	if (getsockname(job->fds[0], (struct sockaddr *)&address, &length) != 0)
		return -1;
	return syscall(SYS_connect, fd, &address, length);
}

static long call_accept(struct job *job)
{
	long result = syscall(SYS_accept4, job->fds[0], NULL, NULL, SOCK_CLOEXEC);

	if (result < 0)
		return result;
	job->fds[2] = (int)result;
	return 0;
}

static void wake_accept(struct job *job)
{
	job->fds[3] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect_to(job, job->fds[3]) != 0)
		say(job, "[cannot connect: errno %d]", errno);
}

/* Connections until there is no room for another one: fds[1] and fds[2]; fds[3] is to wait. */
static bool prepare_connect(struct job *job)
{
	if (!prepare_listener(job))
		return false;
	for (int c = 1; c < 4; c++) {
		job->fds[c] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect_to(job, job->fds[c]) == 0)
			continue;
		if (errno != EAGAIN)
			return false;
		close(job->fds[c]);
		job->fds[c] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		job->id = job->fds[c];
		return true;
	}
	errno = EOVERFLOW;
	return false;
}

static bool prepare_connect_timed(struct job *job)
{
	return prepare_connect(job) && set_timeout(job, (int)job->id, SO_SNDTIMEO);
}

static long call_connect(struct job *job)
{
	return connect_to(job, (int)job->id);
}

static void wake_connect(struct job *job)
{
	close(accept(job->fds[0], NULL, NULL));
}

/* clang-format off */
const struct mode socket_modes[] = {
	{ "read_socket", ENDS_BY_EVENT, CARE_NONE, prepare_stream, call_read, NULL, wake_by_write, check_text },
	{ "recv_datagram", ENDS_BY_EVENT, CARE_NONE, prepare_datagram, call_recv, NULL, wake_by_write, check_text },
	{ "recv_tcp", ENDS_BY_EVENT, CARE_NONE, prepare_tcp_read, call_recv, NULL, wake_by_write, check_text },
	{ "recvmsg", ENDS_BY_EVENT, CARE_NONE, prepare_datagram, call_recvmsg, NULL, wake_by_write, check_text },
	{ "read_rcvtimeo", ENDS_IN_TIME, CARE_LEAVE, prepare_timed, call_read, NULL, NULL, NULL },
	{ "recv_rcvtimeo", ENDS_IN_TIME, CARE_LEAVE, prepare_timed, call_recv, NULL, NULL, NULL },
	{ "recv_tcp_rcvtimeo", ENDS_IN_TIME, CARE_LEAVE, prepare_tcp_timed, call_recv, NULL, NULL, NULL },
	{ "recvmsg_rcvtimeo", ENDS_IN_TIME, CARE_LEAVE, prepare_timed, call_recvmsg, NULL, NULL, NULL },
	{ "recv_rcvtimeo_event", ENDS_BY_EVENT, CARE_LEAVE, prepare_timed, call_recv, NULL, wake_by_write, check_text },
	{ "recv_waitall", ENDS_BY_EVENT, CARE_LEAVE, prepare_stream, call_recv_whole, prod_first, wake_others, check_text },
	{ "recv_tcp_waitall", ENDS_BY_EVENT, CARE_LEAVE, prepare_tcp_read, call_recv_whole, prod_first, wake_others, check_text },
	{ "recvmsg_waitall", ENDS_BY_EVENT, CARE_LEAVE, prepare_stream, call_recvmsg_whole, prod_first, wake_others, check_text },
	{ "recv_low_mark", ENDS_BY_EVENT, CARE_LEAVE, prepare_low_mark, call_recv, prod_first, wake_others, check_text },
	{ "recvmmsg", ENDS_BY_EVENT, CARE_LEAVE, prepare_datagram, call_recvmmsg, prod_first, wake_messages, NULL },
	{ "send_large", ENDS_BY_EVENT, CARE_LEAVE, prepare_send, call_send, NULL, wake_send, check_rest },
	{ "send_tcp_large", ENDS_BY_EVENT, CARE_LEAVE, prepare_tcp_send, call_send, NULL, wake_send, check_rest },
	{ "sendmsg_large", ENDS_BY_EVENT, CARE_LEAVE, prepare_send, call_sendmsg, NULL, wake_send, check_rest },
	{ "sendfile_tcp_large", ENDS_BY_EVENT, CARE_LEAVE, prepare_file_send, call_sendfile, NULL, wake_send, check_rest },
	{ "send_sndtimeo", ENDS_IN_TIME, CARE_LEAVE, prepare_send_timed, call_send_timed, NULL, NULL, NULL },
	{ "accept", ENDS_BY_EVENT, CARE_NONE, prepare_listener, call_accept, NULL, wake_accept, NULL },
	{ "accept_rcvtimeo", ENDS_IN_TIME, CARE_LEAVE, prepare_listener_timed, call_accept, NULL, NULL, NULL },
	{ "connect_backlog", ENDS_BY_EVENT, CARE_LEAVE, prepare_connect, call_connect, NULL, wake_connect, NULL },
	{ "connect_sndtimeo", ENDS_IN_TIME, CARE_LEAVE, prepare_connect_timed, call_connect, NULL, NULL, NULL },
	{ 0 },
};
/* clang-format on */
