/*
 * Packets over a socket of AF_UNIX. Does not interpret them.
 */
#include "broker/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	PACKET_BYTES = 64 << 10,
	SEND_PATIENCE_S = 10,
};

bool pyi_channel_create(int ret_ends[2])
{
	const struct timeval patience = { .tv_sec = SEND_PATIENCE_S };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends))
		return false;
	for (int end = 0; end < 2; end++) {
		if (!setsockopt(ret_ends[end], SOL_SOCKET, SO_SNDTIMEO, &patience,
				sizeof(patience)))
			continue;
		close(ret_ends[0]);
		close(ret_ends[1]);
		return false;
	}
	return true;
}

static bool send_packet(int channel_fd, const void *bytes, size_t size_bytes, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size_bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	do {
		sent = sendmsg(channel_fd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)size_bytes;
}

/* Closes the descriptors that came along, but for one that was wanted. */
static bool take_descriptors(struct msghdr *message, int *ret_fd)
{
	bool right = true;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
			right = false;
			continue;
		}
		for (size_t f = 0; f < count; f++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + f * sizeof(int), sizeof(int));
			if (ret_fd && *ret_fd < 0) {
				*ret_fd = fd;
				continue;
			}
			close(fd);
			right = false;
		}
	}
	return right;
}

static bool receive_packet(int channel_fd, void *bytes, size_t size_bytes, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { .iov_base = bytes, .iov_len = size_bytes };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;
	int fd = -1;

	do {
		got = recvmsg(channel_fd, &message, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return false;
	/* An empty packet looks like the end, but can bring descriptors. */
	if (!take_descriptors(&message, ret_fd ? &fd : NULL) || got != (ssize_t)size_bytes ||
	    message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		bool ended = !got && !message.msg_controllen;

		if (fd >= 0)
			close(fd);
		errno = ended ? 0 : EPROTO;
		return false;
	}
	if (ret_fd)
		*ret_fd = fd;
	return true;
}

bool pyi_channel_send(int channel_fd, const void *header, size_t header_bytes, const void *data,
		      size_t data_bytes, int fd)
{
	const char *at = data;

	if (!send_packet(channel_fd, header, header_bytes, fd))
		return false;
	while (data_bytes) {
		size_t step = data_bytes < PACKET_BYTES ? data_bytes : PACKET_BYTES;

		if (!send_packet(channel_fd, at, step, -1))
			return false;
		at += step;
		data_bytes -= step;
	}
	return true;
}

bool pyi_channel_receive(int channel_fd, void *ret_header, size_t header_bytes, int *ret_fd)
{
	return receive_packet(channel_fd, ret_header, header_bytes, ret_fd);
}

bool pyi_channel_receive_data(int channel_fd, void *ret_data, size_t data_bytes)
{
	char *at = ret_data;

	while (data_bytes) {
		size_t step = data_bytes < PACKET_BYTES ? data_bytes : PACKET_BYTES;

		if (!receive_packet(channel_fd, at, step, NULL))
			return false;
		at += step;
		data_bytes -= step;
	}
	return true;
}
