/*
 * Sends by journald's own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), in a build without
 * libsystemd. What does not fit a datagram is not sent.
 */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/journal_send.h"

#define JOURNAL "/run/systemd/journal/socket"

/* A value of one line as it is; another one with its length before it. */
static void put_field(FILE *stream, const struct iovec *field)
{
	const char *name = field->iov_base;
	const char *equals = memchr(name, '=', field->iov_len);
	size_t value_bytes = equals ? field->iov_len - (size_t)(equals + 1 - name) : 0;
	uint64_t size = htole64(value_bytes);

	if (!equals)
		return;
	if (memchr(equals, '\n', value_bytes + 1)) {
		fwrite(name, 1, (size_t)(equals - name), stream);
		fputc('\n', stream);
		fwrite(&size, 1, sizeof(size), stream);
		fwrite(equals + 1, 1, value_bytes, stream);
	} else {
		fwrite(name, 1, field->iov_len, stream);
	}
	fputc('\n', stream);
}

void pyi_journal_send(const struct iovec *fields, int count)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	PYI_CLEANUP(pyi_guard_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return;
	for (int f = 0; f < count; f++)
		put_field(stream, &fields[f]);
	if (fclose(stream) == 0 && fd >= 0)
		(void)sendto(fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT,
			     (const struct sockaddr *)(const void *)&address, sizeof(address));
}
