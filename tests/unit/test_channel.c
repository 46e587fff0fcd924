/*
 * Packets between processes that do not trust each other: their boundaries, descriptors that come
 * along, ends that are gone or do not read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "broker/channel.h"

enum {
	PACKET_BYTES = 64 << 10,
	HEADER_BYTES = 24,
	FD_LIMIT = 8,
};

struct pair {
	int ends[2];
	size_t descriptors;
};

static size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static int setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	assert_true(pyi_channel_create(pair->ends));
	pair->descriptors = count_descriptors();
	*state = pair;
	return 0;
}

/* Nothing that came along may have stayed. */
static int teardown(void **state)
{
	struct pair *pair = *state;

	for (int end = 0; end < 2; end++) {
		pair->descriptors -= pair->ends[end] >= 0;
		if (pair->ends[end] >= 0)
			close(pair->ends[end]);
	}
	assert_int_equal(count_descriptors(), pair->descriptors);
	free(pair);
	return 0;
}

static void close_end(struct pair *pair, int end)
{
	close(pair->ends[end]);
	pair->ends[end] = -1;
	pair->descriptors--;
}

/* A packet as no peer of ours makes it, with the same descriptor `fd_count` times. */
static void send_raw(int channel_fd, const void *bytes, size_t size_bytes, size_t fd_count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FD_LIMIT * sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes, size_bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	assert_true(fd_count <= FD_LIMIT);
	if (fd_count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (size_t f = 0; f < fd_count; f++)
			memcpy(CMSG_DATA(&control.header) + f * sizeof(int), &channel_fd,
			       sizeof(int));
	}
	assert_int_equal(sendmsg(channel_fd, &message, MSG_NOSIGNAL), size_bytes);
}

static void fill(char *bytes, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		bytes[i] = (char)(i * 31 + (i >> 8));
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, PACKET_BYTES - 1, PACKET_BYTES, PACKET_BYTES + 1 };
	struct pair *pair = *state;
	char header[HEADER_BYTES];
	char got[HEADER_BYTES];

	fill(header, sizeof(header));
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		char *data = malloc(sizes[s] + 1);
		char *copy = calloc(1, sizes[s] + 1);
		int fd = 7;

		assert_non_null(data);
		assert_non_null(copy);
		fill(data, sizes[s]);
		assert_true(pyi_channel_send(pair->ends[0], header, sizeof(header), data, sizes[s],
					     -1));
		assert_true(pyi_channel_receive(pair->ends[1], got, sizeof(got), &fd));
		assert_int_equal(fd, -1);
		assert_memory_equal(got, header, sizeof(header));
		assert_true(pyi_channel_receive_data(pair->ends[1], copy, sizes[s]));
		assert_memory_equal(copy, data, sizes[s]);
		free(copy);
		free(data);
		/* There is nothing more. */
		assert_int_equal(recv(pair->ends[1], got, 1, MSG_DONTWAIT), -1);
		assert_int_equal(errno, EAGAIN);
	}
}

static void test_wrong_sizes(void **state)
{
	static const size_t sizes[] = { 1, HEADER_BYTES - 1, HEADER_BYTES + 1, PACKET_BYTES };
	struct pair *pair = *state;
	static char bytes[PACKET_BYTES];
	char got[HEADER_BYTES];
	int fd = 7;

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		send_raw(pair->ends[0], bytes, sizes[s], 0);
		assert_false(pyi_channel_receive(pair->ends[1], got, sizeof(got), &fd));
		assert_int_equal(errno, EPROTO);
		assert_int_equal(fd, 7);
		send_raw(pair->ends[0], bytes, sizes[s], 0);
		assert_false(pyi_channel_receive_data(pair->ends[1], got, sizeof(got)));
		assert_int_equal(errno, EPROTO);
	}
	/* The second packet of the data is too short, and too long. */
	for (size_t size = 1; size <= 3; size += 2) {
		char *copy = malloc(PACKET_BYTES + 2);

		send_raw(pair->ends[0], bytes, PACKET_BYTES, 0);
		send_raw(pair->ends[0], bytes, size, 0);
		assert_false(pyi_channel_receive_data(pair->ends[1], copy, PACKET_BYTES + 2));
		assert_int_equal(errno, EPROTO);
		free(copy);
	}
}

static void test_descriptor(void **state)
{
	struct pair *pair = *state;
	char header[HEADER_BYTES] = { 1 };
	struct stat sent;
	struct stat got;
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fd = -1;

	assert_true(file >= 0);
	assert_true(pyi_channel_send(pair->ends[0], header, sizeof(header), "ab", 2, file));
	assert_true(pyi_channel_receive(pair->ends[1], header, sizeof(header), &fd));
	assert_true(fd >= 0 && fd != file);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(file, &sent), 0);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(sent.st_rdev, got.st_rdev);
	assert_int_equal(sent.st_ino, got.st_ino);
	assert_true(pyi_channel_receive_data(pair->ends[1], header, 2));
	close(fd);
	close(file);
}

/* Refused, and closed: teardown() counts. */
static void test_unwanted_descriptors(void **state)
{
	struct pair *pair = *state;
	char header[HEADER_BYTES] = { 0 };
	int fd = 7;

	for (size_t count = 1; count <= FD_LIMIT; count++) {
		send_raw(pair->ends[0], header, sizeof(header), count);
		assert_false(pyi_channel_receive(pair->ends[1], header, sizeof(header), NULL));
		assert_int_equal(errno, EPROTO);
		send_raw(pair->ends[0], header, sizeof(header), count);
		assert_false(pyi_channel_receive_data(pair->ends[1], header, sizeof(header)));
		assert_int_equal(errno, EPROTO);
		assert_int_equal(count_descriptors(), pair->descriptors);
	}
	for (size_t count = 2; count <= FD_LIMIT; count++) {
		send_raw(pair->ends[0], header, sizeof(header), count);
		assert_false(pyi_channel_receive(pair->ends[1], header, sizeof(header), &fd));
		assert_int_equal(errno, EPROTO);
		assert_int_equal(fd, 7);
		assert_int_equal(count_descriptors(), pair->descriptors);
	}
	/* One that is wanted, with a packet that is not. */
	for (size_t size = 0; size <= sizeof(header) - 1; size++) {
		send_raw(pair->ends[0], header, size, 1);
		assert_false(pyi_channel_receive(pair->ends[1], header, sizeof(header), &fd));
		assert_int_equal(errno, EPROTO);
		assert_int_equal(fd, 7);
		assert_int_equal(count_descriptors(), pair->descriptors);
	}
	/* An empty packet, where none is wanted. */
	send_raw(pair->ends[0], header, 0, 2);
	assert_false(pyi_channel_receive(pair->ends[1], header, sizeof(header), NULL));
	assert_int_equal(errno, EPROTO);
}

static void test_peer_is_gone(void **state)
{
	struct pair *pair = *state;
	char header[HEADER_BYTES] = { 0 };
	int fd;

	/* In the middle of a message. */
	assert_true(pyi_channel_send(pair->ends[0], header, sizeof(header), header, 1, -1));
	close_end(pair, 0);
	assert_true(pyi_channel_receive(pair->ends[1], header, sizeof(header), &fd));
	assert_false(pyi_channel_receive_data(pair->ends[1], header, 2));
	assert_int_equal(errno, EPROTO);
	errno = EIO;
	assert_false(pyi_channel_receive(pair->ends[1], header, sizeof(header), &fd));
	assert_int_equal(errno, 0);
	errno = EIO;
	assert_false(pyi_channel_receive_data(pair->ends[1], header, 1));
	assert_int_equal(errno, 0);
	/* Not by a signal. */
	assert_false(pyi_channel_send(pair->ends[1], header, sizeof(header), NULL, 0, -1));
	assert_int_equal(errno, EPIPE);
}

/* Nobody waits for ever: here a shorter time than it has. */
static void test_peer_does_not_read(void **state)
{
	const struct timeval short_time = { .tv_usec = 50000 };
	struct pair *pair = *state;
	size_t size_bytes = 16 << 20;
	char header[HEADER_BYTES] = { 0 };
	char *data = calloc(1, size_bytes);
	struct timeval patience;
	socklen_t length = sizeof(patience);
	uint64_t began_ns;

	assert_non_null(data);
	for (int end = 0; end < 2; end++) {
		assert_int_equal(
			getsockopt(pair->ends[end], SOL_SOCKET, SO_SNDTIMEO, &patience, &length),
			0);
		assert_int_equal(patience.tv_sec, 10);
	}
	assert_int_equal(
		setsockopt(pair->ends[0], SOL_SOCKET, SO_SNDTIMEO, &short_time, sizeof(short_time)),
		0);
	began_ns = pyi_clock_now_ns();
	assert_false(pyi_channel_send(pair->ends[0], header, sizeof(header), data, size_bytes, -1));
	assert_int_equal(errno, EAGAIN);
	assert_true(pyi_clock_now_ns() - began_ns < UINT64_C(5000000000));
	free(data);
}

static void test_ends_are_not_inherited(void **state)
{
	struct pair *pair = *state;

	for (int end = 0; end < 2; end++)
		assert_true(fcntl(pair->ends[end], F_GETFD) & FD_CLOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwanted_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_peer_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_peer_does_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends_are_not_inherited, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
