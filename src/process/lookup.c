/*
 * Looks up a path below a root: by openat2(), or where there is none component by component.
 *
 * Does not know what the path is for.
 */
#include "process/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

enum {
	LINK_LIMIT = 40,
	DEPTH_LIMIT = 64,
	/* openat2() gives up when it meets ".." while a rename takes place somewhere. */
	ATTEMPT_LIMIT = 16,
};

struct steps {
	int root_fd;
	/* The directories from below the root to where we are: ".." goes back to the one before,
	 * wherever the directory may have been moved meanwhile. */
	int fds[DEPTH_LIMIT];
	size_t depth;
	unsigned links;
	/* What is still to be looked up. */
	char rest[PATH_MAX];
};

static int here(const struct steps *steps)
{
	return steps->depth ? steps->fds[steps->depth - 1] : steps->root_fd;
}

static void leave(struct steps *steps)
{
	if (steps->depth)
		close(steps->fds[--steps->depth]);
}

static void leave_all(struct steps *steps)
{
	while (steps->depth)
		leave(steps);
}

/* Puts the text of the link in front of what is to be looked up: `behind`, a part of the rest. */
static int follow(struct steps *steps, int link_fd, const char *behind)
{
	char text[PATH_MAX];
	ssize_t length;
	size_t behind_size = strlen(behind) + 1;

	if (++steps->links > LINK_LIMIT)
		return ELOOP;
	length = readlinkat(link_fd, "", text, sizeof(text));
	if (length < 0)
		return errno;
	if (!length)
		return ENOENT;
	if ((size_t)length + behind_size > sizeof(steps->rest))
		return ENAMETOOLONG;
	memmove(steps->rest + length, behind, behind_size);
	memcpy(steps->rest, text, (size_t)length);
	if (text[0] == '/')
		leave_all(steps);
	return 0;
}

/* Takes one component that is neither "." nor ".."; sets *ret_fd if that was the end. */
static int step(struct steps *steps, const char *component, const char *behind, int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_fd)
	int fd = openat(here(steps), component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return errno;
	if (S_ISLNK(status.st_mode))
		return follow(steps, fd, behind);
	if (S_ISDIR(status.st_mode)) {
		if (steps->depth == DEPTH_LIMIT)
			return ENAMETOOLONG;
		steps->fds[steps->depth++] = fd;
		memmove(steps->rest, behind, strlen(behind) + 1);
	} else {
		if (*behind)
			return ENOTDIR;
		*ret_fd = fd;
	}
	fd = -1;
	return 0;
}

static int walk(struct steps *steps, int *ret_fd)
{
	int fd = -1;

	while (fd < 0) {
		char component[NAME_MAX + 1];
		const char *begin = steps->rest + strspn(steps->rest, "/");
		size_t length = strcspn(begin, "/");
		int error = 0;

		if (!length) {
			/* The path ends at a directory. */
			fd = fcntl(here(steps), F_DUPFD_CLOEXEC, 0);
			if (fd < 0)
				return errno;
			break;
		}
		if (length >= sizeof(component))
			return ENAMETOOLONG;
		memcpy(component, begin, length);
		component[length] = '\0';
		begin += length;
		if (!strcmp(component, ".") || !strcmp(component, "..")) {
			if (component[1])
				leave(steps);
			memmove(steps->rest, begin, strlen(begin) + 1);
		} else {
			error = step(steps, component, begin, &fd);
		}
		if (error)
			return error;
	}
	*ret_fd = fd;
	return 0;
}

int pyi_lookup_by_steps(int root_fd, const char *path, int *ret_fd)
{
	struct steps steps = { .root_fd = root_fd };
	int error;

	if (!*path)
		return ENOENT;
	if (strlen(path) >= sizeof(steps.rest))
		return ENAMETOOLONG;
	memcpy(steps.rest, path, strlen(path) + 1);
	error = walk(&steps, ret_fd);
	leave_all(&steps);
	return error;
}

int pyi_lookup(int root_fd, const char *path, int *ret_fd)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	unsigned attempt;

	for (attempt = 0; attempt < ATTEMPT_LIMIT; attempt++) {
		long fd = syscall(__NR_openat2, root_fd, path, &how, sizeof(how));

		if (fd >= 0) {
			*ret_fd = (int)fd;
			return 0;
		}
		/* EPERM is what an older container's seccomp filter says to a new system call. */
		if (errno == ENOSYS || errno == EPERM)
			break;
		if (errno != EAGAIN && errno != EINTR)
			return errno;
	}
	return pyi_lookup_by_steps(root_fd, path, ret_fd);
}
