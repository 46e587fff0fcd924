/*
 * Writes a file beside its place, makes sure of it, and renames it.
 *
 * Does not make folders.
 */
#include "base/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define failed(...)                                                                                \
	pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED, errno, __VA_ARGS__)

/* False with errno. */
static bool write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		data += written;
		size -= (size_t)written;
	}
	return true;
}

/* A rename lasts when its folder has been written. What has no fsync has no need of one. */
static bool sync_folder(const char *folder)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && (fsync(fd) == 0 || errno == EINVAL || errno == EROFS);
}

struct pyi_error *pyi_file_replace(const char *path, mode_t mode, const void *data, size_t size)
{
	PYI_CLEANUP(pyi_guard_free) char *for_folder = strdup(path);
	PYI_CLEANUP(pyi_guard_free) char *for_name = strdup(path);
	PYI_CLEANUP(pyi_guard_free) char *beside = NULL;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error = NULL;
	const char *folder;

	if (!for_folder || !for_name)
		return pyi_error_no_memory();
	folder = dirname(for_folder);
	/* Hidden, and without the suffix by which readers of a folder know the file. */
	if (asprintf(&beside, "%s/.%s.XXXXXX", folder, basename(for_name)) < 0) {
		beside = NULL;
		return pyi_error_no_memory();
	}
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return failed("cannot write %s: no new file in %s", path, folder);
	if (!write_all(fd, data, size) || fchmod(fd, mode) != 0 || fsync(fd) != 0 ||
	    rename(beside, path) != 0) {
		error = failed("cannot write %s", path);
		unlink(beside);
		return error;
	}
	return sync_folder(folder) ? NULL : failed("cannot write %s", path);
}

struct pyi_error *pyi_file_create_at(int folder_fd, const char *name, mode_t mode, const void *data,
				     size_t size)
{
	PYI_CLEANUP(pyi_guard_fd)
	int fd =
		openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0 || !write_all(fd, data, size) || fsync(fd) != 0)
		return failed("cannot write %s", name);
	return NULL;
}

struct pyi_error *pyi_file_read(const char *path, size_t limit_bytes, char **ret_text,
				size_t *ret_size)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	size_t size = 0;
	ssize_t got = 1;

	if (fd < 0 && errno == ENOENT) {
		*ret_text = NULL;
		*ret_size = 0;
		return NULL;
	}
	text = fd >= 0 ? malloc(limit_bytes + 2) : NULL;
	if (fd >= 0 && !text)
		return pyi_error_no_memory();
	/* One more than the limit, to see that there is more. */
	while (fd >= 0 && got && size <= limit_bytes) {
		got = read(fd, text + size, limit_bytes + 1 - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		size += (size_t)got;
	}
	if (fd < 0 || got < 0)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED, errno,
					      "cannot read %s", path);
	if (size > limit_bytes)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED,
					"%s is larger than %zu bytes", path, limit_bytes);
	text[size] = '\0';
	*ret_text = pyi_return_ptr(text);
	*ret_size = size;
	return NULL;
}
