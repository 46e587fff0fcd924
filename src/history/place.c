/*
 * Whether a file may be trusted with history, by where it is and whose it is.
 *
 * pyinspect often runs as root. Everything on the way to the file must belong to root or to the
 * user who runs it, and nobody else may be able to put something in its place: neither the file nor
 * SQLite's journal beside it. When that holds, nobody can change it between the check and the use.
 * Does not open the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

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

static struct pyi_error *use_another(struct pyi_error *error)
{
	return pyi_error_hint(error, "keep it in a folder of your own, which nobody else can write "
				     "to: --history FILE");
}

/* Of a folder on the way, or with `last` the one that the file is in. */
static struct pyi_error *check_folder(const char *path, const struct stat *status, bool last)
{
	/* In /tmp others can make files, but not rename ours. */
	bool sticky = (status->st_mode & S_ISVTX) && !last;

	if (status->st_uid != 0 && status->st_uid != geteuid())
		return use_another(refuse("no history there: %s belongs to user %u", path,
					  (unsigned)status->st_uid));
	if (!S_ISDIR(status->st_mode) || sticky)
		return NULL;
	if (status->st_mode & S_IWOTH)
		return use_another(refuse("no history there: everybody can write to %s", path));
	/* A user's own group is often writable for it; root's helpers are not root. */
	if ((status->st_mode & S_IWGRP) && status->st_gid != 0 && geteuid() == 0)
		return use_another(refuse("no history there: group %u can write to %s",
					  (unsigned)status->st_gid, path));
	return NULL;
}

/* `path` is absolute. Links on the way must be as trustworthy as folders. */
static struct pyi_error *check_way(const char *path)
{
	PYI_CLEANUP(pyi_guard_free) char *part = strdup(path);
	struct pyi_error *error = NULL;

	if (!part)
		return pyi_error_no_memory();
	for (size_t end = 1; !error; end++) {
		struct stat status;
		char cut = part[end];

		if (cut && cut != '/' && end > 1)
			continue;
		part[end] = '\0';
		if (lstat(part, &status) != 0)
			return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, errno,
						      "no history there: %s", part);
		error = check_folder(part, &status, !cut);
		part[end] = cut;
		if (!cut)
			break;
	}
	return error;
}

/* NULL with errno set. */
static char *make_absolute(const char *path)
{
	PYI_CLEANUP(pyi_guard_free) char *here = NULL;
	char *absolute;

	if (path[0] == '/')
		return strdup(path);
	here = getcwd(NULL, 0);
	if (!here || asprintf(&absolute, "%s/%s", here, path) < 0)
		return NULL;
	return absolute;
}

/* The folder of the file, without links; made if it is the only one that is missing. */
static struct pyi_error *find_folder(const char *folder, bool read_only, char **ret_folder)
{
	PYI_CLEANUP(pyi_guard_free) char *real = NULL;
	struct pyi_error *error;

	if (!read_only && mkdir(folder, 0700) != 0 && errno != EEXIST && errno != EROFS &&
	    errno != EACCES && errno != ENOENT)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, errno,
					      "cannot make the folder %s", folder);
	real = realpath(folder, NULL);
	if (!real)
		return pyi_error_hint(pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY,
							     errno, "there is no history in %s",
							     folder),
				      "pyinspect TARGET check begins one; another file: --history "
				      "FILE");
	error = check_way(folder);
	if (!error)
		error = check_way(real);
	if (!error)
		*ret_folder = pyi_return_ptr(real);
	return error;
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
	PYI_CLEANUP(pyi_guard_free) char *absolute = make_absolute(path);
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
	error = find_folder(*absolute ? absolute : "/", read_only, &folder);
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
				      "pyinspect TARGET check begins one; another file: --history "
				      "FILE");
	error = check_file(real, &status);
	if (!error)
		error = check_header(real, (uint64_t)status.st_size);
	if (!error)
		*ret_path = pyi_return_ptr(real);
	return error;
}
