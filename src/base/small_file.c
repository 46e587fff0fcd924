/*
 * Opens, reads and closes.
 */
#include "base/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"

bool pyi_small_file_read(int directory_fd, const char *path, char *ret_text, size_t capacity_bytes)
{
	PYI_CLEANUP(pyi_guard_fd)
	int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t size = 0;

	ret_text[0] = '\0';
	if (fd < 0)
		return false;
	while (size < capacity_bytes - 1) {
		ssize_t got = read(fd, ret_text + size, capacity_bytes - 1 - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			ret_text[0] = '\0';
			return false;
		}
		if (!got)
			break;
		size += (size_t)got;
	}
	ret_text[size] = '\0';
	return true;
}
