/*
 * Opens folders by their descriptors, and checks each on the way.
 */
#include "base/own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define STEP (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#define refuse(use, format, ...)                                                                   \
	pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, (use)->code, "%s: " format,               \
					(use)->refusal, __VA_ARGS__),                              \
		       "%s", (use)->hint)

/* With errno. */
static struct pyi_error *failed(const struct pyi_folder_use *use, const char *path)
{
	int number = errno;

	return pyi_error_hint(pyi_error_create_errno(
				      PYI_EXIT_FAILED, use->code, number, "%s %s",
				      number == ENOENT ? "there is no folder" : use->refusal, path),
			      "%s", number == ENOENT ? use->missing_hint : use->hint);
}

/* Of a folder or link on the way, or with `last` the folder itself. */
static struct pyi_error *check(const struct pyi_folder_use *use, const char *path,
			       const struct stat *status, bool last)
{
	/* In /tmp others can make files, but not rename ours. */
	bool sticky = (status->st_mode & S_ISVTX) && !last;

	if (status->st_uid != 0 && status->st_uid != geteuid())
		return refuse(use, "%s belongs to user %u", path, (unsigned)status->st_uid);
	if (!S_ISDIR(status->st_mode) || sticky)
		return NULL;
	if (status->st_mode & S_IWOTH)
		return refuse(use, "everybody can write to %s", path);
	/* A user's own group is often writable for it; root's helpers are not root. */
	if ((status->st_mode & S_IWGRP) && status->st_gid != 0 && geteuid() == 0)
		return refuse(use, "group %u can write to %s", (unsigned)status->st_gid, path);
	return NULL;
}

/* As `path` names them, with links; it is absolute. Links are only checked to be trustworthy. With
 * `way` all of them only lead on. */
static struct pyi_error *check_names(const struct pyi_folder_use *use, const char *path, bool way)
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
			return failed(use, part);
		error = check(use, part, &status, !cut && !way);
		part[end] = cut;
		if (!cut)
			break;
	}
	return error;
}

/* By descriptors, along a path without links. `*fd` goes on to the folder. */
static struct pyi_error *follow(const struct pyi_folder_use *use, char *real, bool way, int *fd)
{
	struct pyi_error *error = NULL;

	for (char *at = real; !error;) {
		char *name = at + strspn(at, "/");
		char *end = name + strcspn(name, "/");
		char cut = *end;
		struct stat status;

		*end = '\0';
		if (*name) {
			int below = openat(*fd, name, STEP);

			pyi_guard_fd(fd);
			*fd = below;
		}
		if (*fd < 0 || fstat(*fd, &status) != 0)
			error = failed(use, real);
		else
			error = check(use, *real ? real : "/", &status, !cut && !way);
		*end = cut;
		if (!cut)
			break;
		at = end;
	}
	return error;
}

char *pyi_own_folder_absolute(const char *path)
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

/* A descriptor that can be read from and synced, of one that only stands for the folder. */
static struct pyi_error *reopen(const struct pyi_folder_use *use, int fd, const char *shown,
				int *ret_fd)
{
	*ret_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? failed(use, shown) : NULL;
}

/* The folder at `path`, by checked descriptors; `way`: others are to be made in it. Both results
 * are the caller's, also after a failure. */
static struct pyi_error *open_checked(const struct pyi_folder_use *use, const char *path,
				      const char *shown, bool way, int *ret_fd, char **ret_real)
{
	struct pyi_error *error;

	*ret_real = realpath(path, NULL);
	*ret_fd = *ret_real ? open("/", STEP) : -1;
	if (*ret_fd < 0)
		return failed(use, shown);
	error = check_names(use, path, way);
	return error ? error : follow(use, *ret_real, way, ret_fd);
}

/* Makes the folder in one that is fit for it. */
static struct pyi_error *make_missing(const struct pyi_folder_use *use, const char *absolute)
{
	PYI_CLEANUP(pyi_guard_free) char *above = strdup(absolute);
	PYI_CLEANUP(pyi_guard_free) char *real = NULL;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error;
	char *name;

	if (!above)
		return pyi_error_no_memory();
	for (size_t length = strlen(above); length > 1 && above[length - 1] == '/';)
		above[--length] = '\0';
	name = strrchr(above, '/');
	*name++ = '\0';
	error = open_checked(use, *above ? above : "/", absolute, true, &fd, &real);
	if (!error && mkdirat(fd, name, 0700) != 0 && errno != EEXIST)
		error = failed(use, absolute);
	return error;
}

struct pyi_error *pyi_own_folder_open(const char *path, bool make, const struct pyi_folder_use *use,
				      int *ret_fd, char **ret_path)
{
	PYI_CLEANUP(pyi_guard_free) char *absolute = pyi_own_folder_absolute(path);
	PYI_CLEANUP(pyi_guard_free) char *real = NULL;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error = NULL;
	struct stat status;

	if (!absolute)
		return failed(use, path);
	if (make && lstat(absolute, &status) != 0 && errno == ENOENT)
		error = make_missing(use, absolute);
	if (error)
		return error;
	error = open_checked(use, absolute, absolute, false, &fd, &real);
	if (!error && ret_fd)
		error = reopen(use, fd, real, ret_fd);
	if (!error && ret_path)
		*ret_path = pyi_return_ptr(real);
	return error;
}

struct pyi_error *pyi_own_folder_open_in(int folder_fd, const char *name, const char *shown,
					 bool make, const struct pyi_folder_use *use, int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error;
	struct stat status;

	if (make && mkdirat(folder_fd, name, 0700) != 0 && errno != EEXIST)
		return failed(use, shown);
	if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
		return refuse(use, "%s is a symbolic link", shown);
	fd = openat(folder_fd, name, STEP);
	if (fd < 0 || fstat(fd, &status) != 0)
		return failed(use, shown);
	error = check(use, shown, &status, true);
	return error ? error : reopen(use, fd, shown, ret_fd);
}
