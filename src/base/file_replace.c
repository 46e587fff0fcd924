/*
 * Writes a file beside its place, makes sure of it, and renames it.
 *
 * Does not make folders.
 */
#include "base/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	/* Names that are tried for the new file. */
	NAME_ROUNDS = 100,
};

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

bool pyi_file_sync_folder(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL || errno == EROFS;
}

char *pyi_file_name_beside(const char *name)
{
	char *beside;
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return NULL;
	if (asprintf(&beside, ".%s.%08" PRIx32, name, random) >= 0)
		return beside;
	errno = ENOMEM;
	return NULL;
}

int pyi_file_create_beside(int folder_fd, const char *name, char **ret_beside)
{
	PYI_CLEANUP(pyi_guard_free) char *beside = NULL;
	int fd = -1;

	for (int round = 0; fd < 0 && round < NAME_ROUNDS; round++) {
		free(pyi_return_ptr(beside));
		beside = pyi_file_name_beside(name);
		if (!beside)
			return -1;
		fd = openat(folder_fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	if (fd >= 0)
		*ret_beside = pyi_return_ptr(beside);
	return fd;
}

struct pyi_error *pyi_file_check_place(int folder_fd, const char *name, const char *shown)
{
	struct stat status;

	if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : failed("cannot write %s", shown);
	if (S_ISREG(status.st_mode))
		return NULL;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED,
				"cannot write %s: it is there, and no regular file", shown);
}

struct pyi_error *pyi_file_replace_at(int folder_fd, const char *name, const char *shown,
				      mode_t mode, const void *data, size_t size)
{
	PYI_CLEANUP(pyi_guard_free) char *beside = NULL;
	PYI_CLEANUP(pyi_guard_fd) int fd = pyi_file_create_beside(folder_fd, name, &beside);
	struct pyi_error *error;

	if (fd < 0)
		return failed("cannot write %s: no new file in its folder", shown);
	if (!write_all(fd, data, size) || fchmod(fd, mode) != 0 || fsync(fd) != 0 ||
	    renameat(folder_fd, beside, folder_fd, name) != 0) {
		error = failed("cannot write %s", shown);
		unlinkat(folder_fd, beside, 0);
		return error;
	}
	return pyi_file_sync_folder(folder_fd) ? NULL : failed("cannot write %s", shown);
}

struct pyi_error *pyi_file_replace(const char *path, mode_t mode, const void *data, size_t size)
{
	PYI_CLEANUP(pyi_guard_free) char *for_folder = strdup(path);
	PYI_CLEANUP(pyi_guard_free) char *for_name = strdup(path);
	PYI_CLEANUP(pyi_guard_fd) int folder_fd = -1;
	const char *folder;
	const char *name;
	struct pyi_error *error;

	if (!for_folder || !for_name)
		return pyi_error_no_memory();
	folder = dirname(for_folder);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0)
		return failed("cannot write %s: no new file in %s", path, folder);
	name = basename(for_name);
	error = pyi_file_check_place(folder_fd, name, path);
	return error ? error : pyi_file_replace_at(folder_fd, name, path, mode, data, size);
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

struct pyi_error *pyi_file_read_at(int folder_fd, const char *name, const char *shown,
				   size_t limit_bytes, char **ret_text, size_t *ret_size)
{
	PYI_CLEANUP(pyi_guard_fd)
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
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
					      "cannot read %s", shown);
	if (size > limit_bytes)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED,
					"%s is larger than %zu bytes", shown, limit_bytes);
	text[size] = '\0';
	*ret_text = pyi_return_ptr(text);
	*ret_size = size;
	return NULL;
}
