/*
 * Whether a file may be trusted with history, by what it is and whose it is; where it is, is
 * checked by base/own_folder.c: neither the file nor SQLite's journal beside it can be put there by
 * somebody else. Does not open the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own_folder.h"
#include "history/store.h"

enum {
	/* Of the header of an SQLite file (https://sqlite.org/fileformat.html). */
	HEADER_BYTES = 100,
	WRITE_VERSION = 18,
	READ_VERSION = 19,
	USER_VERSION = 60,
	APPLICATION_ID = 68,
	WITH_WAL = 2,
};

#define refuse(...) pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, __VA_ARGS__)

static const struct pyi_folder_use use = {
	.code = PYI_ERROR_NO_HISTORY,
	.refusal = "no history there",
	.hint = "keep it in a folder of your own, which nobody else can write to: --history FILE",
	.missing_hint = "pyinspect TARGET check begins one; another file: --history FILE",
};

static struct pyi_error *use_another(struct pyi_error *error)
{
	return pyi_error_hint(error, "%s", use.hint);
}

static struct pyi_error *check_file(const char *path, const struct stat *status)
{
	if (S_ISLNK(status->st_mode))
		return use_another(refuse("no history there: %s is a symbolic link", path));
	if (!S_ISREG(status->st_mode))
		return use_another(refuse("no history there: %s is no regular file", path));
	if (status->st_uid != 0 && status->st_uid != geteuid())
		return use_another(refuse("no history there: %s belongs to user %u", path,
					  (unsigned)status->st_uid));
	if (status->st_nlink > 1)
		return use_another(refuse("no history there: %s has several names", path));
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return pyi_error_hint(refuse("no history there: others can write to %s", path),
				      "if you trust what is in it: chmod go-w %s", path);
	return NULL;
}

static uint32_t big_endian(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/*
 * What SQLite would change by merely opening it. (To close a descriptor of a file gives up the
 * locks of all connections that this process has to it: one at a time is all that is used.)
 */
static struct pyi_error *check_header(const char *path, uint64_t size_bytes)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t header[HEADER_BYTES];
	uint32_t application;
	ssize_t got;

	if (fd < 0)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, errno,
					      "cannot open the history %s", path);
	got = pread(fd, header, sizeof(header), 0);
	/* An empty one becomes ours. */
	if (!got)
		return NULL;
	application = got == HEADER_BYTES ? big_endian(header + APPLICATION_ID) : 0;
	if (got != HEADER_BYTES || memcmp(header, "SQLite format 3", 16) != 0 ||
	    (application && application != PYI_HISTORY_APPLICATION_ID) ||
	    header[WRITE_VERSION] == WITH_WAL || header[READ_VERSION] == WITH_WAL)
		return pyi_error_hint(
			refuse("%s is no history of pyinspect", path),
			"it is left as it is; give another file: --history FILE. If it "
			"was one and is damaged, move it away");
	if (application && big_endian(header + USER_VERSION) > PYI_HISTORY_VERSION)
		return pyi_error_hint(
			refuse("the history %s is of a newer pyinspect (format %u, this one knows "
			       "%d)",
			       path, big_endian(header + USER_VERSION), PYI_HISTORY_VERSION),
			"it is left as it is; use the newer pyinspect, or another file: --history "
			"FILE");
	if (size_bytes > 2 * pyi_history_limits_default.file_bytes)
		return pyi_error_hint(refuse("%s is too big for a history: %llu MB", path,
					     (unsigned long long)size_bytes >> 20),
				      "move it away; the next check begins a new one");
	return NULL;
}

struct pyi_error *pyi_history_place(const char *path, bool read_only, char **ret_path)
{
	PYI_CLEANUP(pyi_guard_free) char *absolute = pyi_own_folder_absolute(path);
	PYI_CLEANUP(pyi_guard_free) char *folder = NULL;
	PYI_CLEANUP(pyi_guard_free) char *real = NULL;
	struct pyi_error *error;
	struct stat status;
	char *name;

	if (!absolute)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, errno,
					      "no history in %s", path);
	name = strrchr(absolute, '/') + 1;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return refuse("no history there: %s is no file", path);
	name[-1] = '\0';
	error = pyi_own_folder_open(*absolute ? absolute : "/", !read_only, &use, NULL, &folder);
	if (error || !folder)
		return error;
	if (asprintf(&real, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) < 0) {
		real = NULL;
		return pyi_error_no_memory();
	}
	if (!read_only) {
		PYI_CLEANUP(pyi_guard_fd)
		int fd = open(real, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0 && errno != EEXIST)
			return use_another(pyi_error_create_errno(PYI_EXIT_FAILED,
								  PYI_ERROR_NO_HISTORY, errno,
								  "cannot make the history "
								  "%s",
								  real));
	}
	if (lstat(real, &status) != 0)
		return pyi_error_hint(pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
							     errno, "there is no history %s", real),
				      "%s", use.missing_hint);
	error = check_file(real, &status);
	if (!error)
		error = check_header(real, (uint64_t)status.st_size);
	if (!error)
		*ret_path = pyi_return_ptr(real);
	return error;
}
